"""Event fidelity: bank conflicts of a loop's accesses, run cycle by cycle instead of taken from the closed form.

A loop is as many accesses and other instructions a pass as its record says, accesses first, as compilers schedule loads. Every access of the body
walks words of its own from a random start; all cores run the body at once on the chip's banks. What that takes beyond the closed form is added.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.program import Program
from hwsim.engine.analytic import price_rows
from hwsim.targets.cluster import layout as L
from hwsim.targets.cluster.price import issue_cycles, price, tcdm_words
from hwsim.targets.cluster.tcdm import bank_stalls
from hwsim.targets.cluster.tcdm_loop import NO_ACCESS, loop

MOST_ACCESSES, MOST_SLOTS = 32, 256  # of a simulated body
PASSES, SEED = 64, 19


@lru_cache(maxsize=4096)
def stalls_per_access(cores: int, accesses: int, slots: int, passes: int, banks: int) -> float:
    """Mean stalls of an access of `cores` that run a body of `slots` with `accesses`, `passes` times. O(cores x accesses x passes)."""
    rng = np.random.default_rng(SEED)
    body = np.full((cores, slots), NO_ACCESS, np.int64)
    body[:, :accesses] = rng.integers(0, banks * banks, (cores, accesses))
    run = loop(body, np.ones(slots, np.int64), 0, passes, banks)
    return float(run.stalls.max()) / (accesses * passes)


def loop_stalls(accesses: float, cycles: float, passes: float, running: float, banks: int) -> float:
    """Stalls of a whole loop on its slowest core, from a body of whole accesses and slots."""
    each = min(MOST_ACCESSES, max(1, round(accesses / passes)))
    slots = min(MOST_SLOTS, max(each, round(each * cycles / accesses)))
    return accesses * stalls_per_access(int(running), each, slots, min(PASSES, max(1, round(passes))), banks)


def more_stalls(op: Any, p: Any, banks: int) -> float:
    """Stall cycles that the cycle loop finds for one operator beyond the closed form's."""
    more = 0.0
    for i in range(int(op["loops"])):
        running, words = float(op["running"][i]), float(tcdm_words(op["counts"][i]))
        if running <= 1 or words <= 0 or op["pattern"][i] not in (L.SPREAD, L.WALK):
            continue
        cycles = float(issue_cycles(op["counts"][i], running, p))
        closed = float(bank_stalls(words, cycles, running, op["pattern"][i], op["stride_words"][i], p))
        more += max(0.0, loop_stalls(words, cycles, float(op["passes"][i]), running, banks) - closed)
    return more


def refined(program: Program, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the slot values of operators whose loops wait as long as the cycle loop says; transfers hide under the longer loops."""
    p = program.params[0]
    rows = program.rows.copy()
    for row in rows:
        row["more_stalls"] = more_stalls(row, p, int(p["tcdm_banks"]))
    return price_rows(price, replace(program, rows=rows))
