"""Print the README's accuracy table (Markdown) for one target: every group, and its mean |error| by role (about four seconds).

    python scripts/accuracy_table.py wafer_mesh
"""

from __future__ import annotations

import sys

import hwsim


def percent(value: float | None, sign: str = "") -> str:
    """A share in per cent, or nothing."""
    return "" if value is None else f"{100 * value:{sign}.1f} %"


def main(target: str) -> None:
    """Print the table."""
    found = hwsim.validate(target=target)
    print("| group | cases | mean | worst | bias | rank | calibrate mean | predict mean |", "|---|---|---|---|---|---|---|---|", sep="\n")
    for name, score in [*found.groups.items(), (f"{target}/**all**", found.targets[target])]:
        roles = found.roles.get(name) or found.roles.get(target) or {}
        by_role = [percent(part.mape) if (part := roles.get(role)) and part.n else "" for role in ("calibrate", "predict")]
        rank = "" if score.spearman is None else f"{score.spearman:.3f}"
        figures = [str(score.n), percent(score.mape), percent(score.worst), percent(score.bias, "+"), rank, *by_role]
        print("|", " | ".join([name.split("/")[1], *figures]), "|")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "wafer_mesh")
