"""A language model, an image network, a recurrent network and a plain kernel on every chip: python scripts/explore_everywhere.py [FOLDER]

Prints who is fastest and thriftiest, who refuses and why; with FOLDER writes energy against latency as pictures, marks sized by area.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hwsim.core.units import write_metric
from hwsim.explore.landscape import METRICS, landscape, records, refusals
from hwsim.plot.landscape import landscape_figure

WORKLOADS: dict[str, dict[str, object]] = {
    "llama3-8b, one token at context 1024": {"trace": "llama3-8b", "phase": "decode", "context": 1024},
    "mobilenet-v1-0.25-128": {"trace": "mobilenet-v1-0.25-128"},
    "kws-lstm": {"trace": "kws-lstm"},
    "k-means, 240 samples of 16 features, 8 clusters": {"op": "kmeans", "samples": 240, "features": 16, "clusters": 8},
}


def main() -> None:
    """Print a table per workload, then the refusals together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    folder = parser.parse_args().folder
    for title, workload in WORKLOADS.items():
        rows = records(landscape(workload))
        print(f"\n{title}")
        for row in rows:
            if not row["refused"]:
                figures = "".join(f"{'-' if row[m] is None else write_metric(m, row[m]):>16}" for m in METRICS)
                print(f"  {row['chip']:22}{row['target']:14}{figures}   {row['note']}")
        for reason, chips in refusals(rows).items():
            print(f"  refused by {', '.join(chips)}: {reason}")
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            name = title.split(",")[0].replace(" ", "-")
            landscape_figure(rows, title=title).savefig(folder / f"everywhere-{name}.png")


if __name__ == "__main__":
    main()
