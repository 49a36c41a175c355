"""Hold the crossbar's wire-resistance solver against node equations solved elsewhere: largest relative error of a column current.

    python scripts/referee_irdrop.py --file scripts/data/irdrop_exact_n32_ri5.0.npz
    python scripts/referee_irdrop.py --file other.npz --json

The file (npz) holds R (rows x columns, ohm of each cell, inf for an open one), V (rows, or rows x drives, volt), r_i (ohm of every wire segment)
and I_out (drives x columns, ampere: what flows out of each column). Rows are driven at the left, columns grounded at the bottom; one segment also
lies before the first cell of a row and after the last of a column.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError, InvalidTrace
from hwsim.targets.crossbar.functional.nodal import Wires, column_currents, effective_conductance

Array = NDArray[np.float64]
NAMES = ("R", "V", "r_i", "I_out")


@dataclass(frozen=True)
class Circuit:
    """A crossbar and its known currents: `conductance` rows x columns, `voltage` drives x rows, `current` drives x columns."""

    conductance: Array
    voltage: Array
    wires: Wires
    current: Array


@dataclass(frozen=True)
class Verdict:
    """Largest relative errors: of the exact solver, of the fast approximation, and of wires taken as ideal."""

    rows: int
    columns: int
    drives: int
    wire_ohm: float
    max_relative_error: float
    max_relative_error_fast: float
    max_relative_error_ideal_wires: float


def arrays(path: Path) -> dict[str, Array]:
    """The arrays of a file. Raises InvalidTrace for one that is missing, no npz, or lacks an array of numbers."""
    if not path.is_file():
        raise InvalidTrace(f"no file {path}")
    try:
        opened = np.load(path, allow_pickle=False)
        if not isinstance(opened, np.lib.npyio.NpzFile):
            raise InvalidTrace(f"{path} is a single array; give an npz file with {', '.join(NAMES)}")
        with opened as stored:
            missing = [name for name in NAMES if name not in stored.files]
            if missing:
                raise InvalidTrace(f"{path} has no {', '.join(missing)}; it has {', '.join(stored.files) or 'no array'}")
            return {name: np.asarray(stored[name], dtype=np.float64) for name in NAMES}
    except (ValueError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise InvalidTrace(f"{path} is no npz file of numbers: {error}") from None


def circuit(path: Path) -> Circuit:
    """The crossbar of a file. Raises InvalidTrace for shapes or values that fit no circuit, InvalidChip for a wire of negative resistance."""
    found = arrays(path)
    r, v, wire, current = (found[name] for name in NAMES)
    if r.ndim != 2 or r.size == 0:
        raise InvalidTrace(f"{path}: R has shape {r.shape}, not rows x columns")
    if np.isnan(r).any() or (r <= 0).any():
        raise InvalidTrace(f"{path}: resistances in R must be above 0 (inf for an open cell)")
    if wire.size != 1:
        raise InvalidTrace(f"{path}: r_i has shape {wire.shape}, not one number")
    v = v.reshape(-1, 1) if v.ndim == 1 else v
    if v.ndim != 2 or v.shape[0] != r.shape[0] or v.shape[1] == 0:
        raise InvalidTrace(f"{path}: V has shape {v.shape}; R of {r.shape[0]} rows takes ({r.shape[0]}, drives)")
    current = current.reshape(1, -1) if current.ndim == 1 else current
    if current.shape != (v.shape[1], r.shape[1]):
        raise InvalidTrace(f"{path}: I_out has shape {current.shape}, not ({v.shape[1]}, {r.shape[1]})")
    if not (np.isfinite(v).all() and np.isfinite(current).all()):
        raise InvalidTrace(f"{path}: V and I_out must be finite")
    ohm = float(wire.reshape(-1)[0])
    return Circuit(1 / r, np.ascontiguousarray(v.T), Wires(ohm, ohm), current)


def relative_error(ours: Array, known: Array) -> float:
    """Largest |ours - known| / |known|; where known is 0, over the largest |known|. Raises InvalidTrace when all are 0 and ours are not."""
    scale = np.where(known != 0, np.abs(known), np.abs(known).max())
    if not scale.all():
        if not ours.any():
            return 0.0
        raise InvalidTrace("I_out is 0 everywhere, V is not")
    return float((np.abs(ours - known) / scale).max())


def judge(known: Circuit) -> Verdict:
    """Solve, approximate and compare."""
    g, wires = known.conductance, known.wires
    exact = np.array([column_currents(g, v, wires) for v in known.voltage])
    fast = known.voltage @ effective_conductance(g, wires)
    errors = [relative_error(ours, known.current) for ours in (exact, fast, known.voltage @ g)]
    return Verdict(*g.shape, len(known.voltage), wires.row_ohm, *errors)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 2 for input that cannot be used."""
    parser = argparse.ArgumentParser(description="Wire resistance of crossbars beside solved circuits.")
    parser.add_argument("--file", type=Path, required=True, help="npz file with R, V, r_i and I_out")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(arguments)
    try:
        verdict = judge(circuit(args.file))
    except HwsimError as error:
        print(f"referee_irdrop: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps({"file": str(args.file), **asdict(verdict)}))
        return 0
    print(f"{args.file.name}: {verdict.rows} x {verdict.columns} cells, {verdict.drives} drive(s), {verdict.wire_ohm:g} ohm per segment")
    print(f"largest relative error of a column current: exact {verdict.max_relative_error:.2e}, fast approximation "
          f"{verdict.max_relative_error_fast:.2e}, ideal wires {verdict.max_relative_error_ideal_wires:.2e}")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
