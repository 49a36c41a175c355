"""Attention masks of a prefill: which blocks of the causal triangle a head keeps, and the totals that prices need.

Each block row of a head keeps its first block and a window that ends at the diagonal, m blocks in all (everything while fewer lie below it).
The released masks are given by their statistics only; `mask_row_blocks` holds m of 32 classes of heads that reproduce them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.op import Op

ROWS = 16
DENSE = 1e9
Floats = NDArray[np.float64]


def kept_per_row(chip: Chip, mask: str, heads: int, window: int = 0) -> tuple[float, ...]:
    """Mask blocks kept per row by each of `heads` heads: of the released masks, of a Lambda mask, or all (``none``).

    A model's own window caps them.
    """
    block = chip.number("mask_block")
    if mask == "released_block_mask":
        classes = chip.vector("mask_row_blocks")
        kept = [classes[h * len(classes) // heads] for h in range(heads)]
    elif mask == "lambda":
        tokens = chip.number("lambda_sink_tokens") + chip.number("lambda_window_tokens")
        kept = [float(max(2, math.ceil(tokens / block)))] * heads
    else:
        kept = [DENSE] * heads
    if window:
        kept = [min(k, math.ceil(window / block) + 1.0) for k in kept]
    return tuple(kept)


def masked(op: Op) -> bool:
    """True for the attention of a prompt by a decoder (also of a single token), false for an encoder's."""
    return bool(op["causal"]) or op.phase == "prefill"


def heads_of(op: Op, chip: Chip, mask: str) -> tuple[float, ...]:
    """Mask blocks kept per row by each head of an attention operator."""
    return kept_per_row(chip, mask if masked(op) else "none", op["heads"], op["window"])


@dataclass(frozen=True)
class Kept:
    """Totals over heads and tiles of one prompt: executed 16-column blocks, kept scores, LDs of kept runs, zero-filled bytes; first and last tile."""

    columns: float
    scores: float
    runs: float
    zero_bytes: float
    first_columns: float
    last_scores: float
    last_rows: float

    def fields(self) -> dict[str, float]:
        """As columns of the operator table."""
        return {"fl_columns": self.columns, "fl_kept": self.scores, "fl_runs": self.runs, "fl_zero_bytes": self.zero_bytes,
                "fl_first_columns": self.first_columns, "fl_last_kept": self.last_scores, "fl_last_rows": self.last_rows}  # fmt: skip


@lru_cache(maxsize=256)
def kept_totals(heads: tuple[float, ...], length: int, block: int, tile_rows: int, column: int) -> Kept:
    """Return the totals of a prompt of `length` rows (a multiple of 16) over `heads`. O(heads x length)."""
    columns = scores = runs = zero = 0.0
    first = last = rows = 0.0
    for most in heads:
        for low in range(0, length, tile_rows):
            high = min(low + tile_rows, length)
            bottom, top = (high - 1) // block, low // block
            executed = math.ceil((min(bottom + 1, most + bottom - top) * block - max(0, (bottom + 1) * block - length)) / column)
            columns += executed
            in_tile = 0.0
            for row in range(low, high, ROWS):
                at = row // block
                kept, reach = min(at + 1, most), min((at + 1) * block, length)
                split = kept < at + 1
                gap = (at + 1 - kept) * block if split else 0.0
                in_tile += ROWS * (kept * block - ((at + 1) * block - reach))  # the diagonal block may end with the prompt
                runs += 2 if split else 1
                zero += ROWS * (gap + length - reach)
            scores += in_tile
            if low == 0 and not first:
                first = executed
            last, rows = in_tile, float(high - low)
    return Kept(columns, scores, runs, zero, first, last, rows)
