"""How far outputs are from the exact ones: relative root mean square, signal to noise, effective bits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidTrace

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OutputError:
    """`relative_rms` = rms(error) / rms(exact); `snr_db` = -20 lg of it; `effective_bits` = (SNR - 1.76) / 6.02."""

    relative_rms: float
    snr_db: float
    effective_bits: float


def output_error(found: Array, exact: Array) -> OutputError:
    """Compare outputs of equal shape. Raises InvalidTrace when shapes differ, or when all exact outputs are 0."""
    ours, wanted = np.asarray(found, dtype=np.float64), np.asarray(exact, dtype=np.float64)
    if ours.shape != wanted.shape or wanted.size == 0:
        raise InvalidTrace(f"outputs of shape {ours.shape} and {wanted.shape} cannot be compared")
    signal = math.sqrt(float(np.mean(wanted**2)))
    if signal == 0:
        raise InvalidTrace("all exact outputs are 0: no relative error exists")
    relative = math.sqrt(float(np.mean((ours - wanted) ** 2))) / signal
    snr = -20 * math.log10(relative) if relative > 0 else math.inf
    return OutputError(relative, snr, (snr - 1.76) / 6.02)
