"""Every claim of the field that a cost model can recompute: the paper's figure, ours, the error, and which assumption carries it.

    python scripts/gallery.py                         all of them as text, 84 s of processor time
    python scripts/gallery.py vovnet pruning          some of them
    python scripts/gallery.py -o gallery.html         and as one page
    python scripts/gallery.py --markdown              the table of the README

A script's function `claims` gives its figures: those in `scripts/claims`, and the `reproduce_...` scripts of the machines. A claim that does not hold
in the models is printed as such. Tolerances stand with the claims.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from hwsim.claims import Claim
from hwsim.claims.page import lines, markdown_papers, page, summary

HERE = Path(__file__).parent
SLOW = ("ffet_block", "flightllm")
MACHINES = ("waferllm", "flightllm", "edge_moe", "carma", "pulp_nonneural", "nladc_table1", "ffet_block", "etsoc_protein_lm", "lmul", "snn_energy")


def names() -> list[str]:
    """The claims' scripts by short name."""
    own = sorted(path.stem for path in (HERE / "claims").glob("*.py") if path.stem not in ("__init__", "missing"))
    return [*own, *(name for name in MACHINES if (HERE / f"reproduce_{name}.py").is_file())]


def module(name: str) -> str:
    """The module of a short name."""
    return f"claims.{name}" if (HERE / "claims" / f"{name}.py").is_file() else f"reproduce_{name}"


def claims_of(name: str) -> tuple[list[Claim], float]:
    """(claims of one script, seconds)."""
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    start = time.perf_counter()
    found = [replace(claim, command=f"python scripts/gallery.py {name}") for claim in importlib.import_module(module(name)).claims()]
    return found, time.perf_counter() - start


def gather(chosen: Sequence[str], jobs: int = 1) -> list[Claim]:
    """Compute the claims of the chosen scripts by `jobs` processes, the slow ones first; in order."""
    first = [*(name for name in SLOW if name in chosen), *(name for name in chosen if name not in SLOW)]
    if jobs < 2 or len(chosen) < 2:
        found = {name: claims_of(name) for name in first}
    else:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            found = dict(zip(first, pool.map(claims_of, first), strict=True))
    for name, (_, seconds) in found.items():
        print(f"{name}: {seconds:.1f} s", file=sys.stderr)
    return [claim for name in chosen for claim in found[name][0]]


def main() -> None:
    """Print the gallery, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*names(), []], metavar="NAME", help=f"one or more of {', '.join(names())}")
    parser.add_argument("-o", "--output", type=Path, help="write an HTML page")
    parser.add_argument("-j", "--jobs", type=int, default=min(2, os.cpu_count() or 1), help="processes (default: %(default)s)")
    parser.add_argument("--markdown", action="store_true", help="print one Markdown row a paper")
    asked = parser.parse_args()
    start = time.perf_counter()
    found = gather(asked.names or names(), asked.jobs)
    from claims.missing import MISSING  # noqa: PLC0415  (this folder is on the path only now)

    if asked.markdown:
        print(f"{summary(found)}.\n\n{markdown_papers(found)}")
    else:
        print(lines(found))
        print(f"\n{summary(found)}\n\nnot recomputed:")
        print("\n".join(f"  {m.paper}: {m.what}: {m.reason}" for m in MISSING))
    if asked.output:
        asked.output.write_text(page(found, MISSING, seconds=time.perf_counter() - start))


if __name__ == "__main__":
    main()
