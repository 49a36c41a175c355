"""Converters of the published survey (Murmann): regression of energy per conversion and of area, constants in ``models/tech/adc-survey.yaml``.

Areas are those of free-standing converters: one drawn to the pitch of an array's columns is four to five times smaller (ISAAC's 8-bit converter has
1200 um2 where the regression says 5972), so an area used in an array needs a factor, which is not hidden in here. The energy is that of the converter
alone: array current is not in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from hwsim.core.errors import InvalidTrace
from hwsim.readers.technology import technology

SURVEY = "adc-survey"
INCLUDES_ARRAY_CURRENT = False
Coefficients = tuple[float, ...]


@dataclass(frozen=True)
class Survey:
    """Coefficients of the regression; each tuple: constant, then one per regressor."""

    least_bits: float
    merit_at_rate_db: Coefficients
    merit_at_bits_db: Coefficients
    sndr_db: Coefficients
    energy_log: Coefficients
    energy_residual: float
    area_log: Coefficients

    def energy_j(self, bits: float, rate_hz: float, node_nm: float) -> float:
        """Joules of one conversion: ``E[pJ] = 10^((SNDR - FOM)/10)/2 exp(c + c_n ln node + c_b ln b + residual)``. Raises `InvalidTrace`.

        FOM is the smaller of what the rate and what the resolution allows.
        """
        self._check(bits, rate_hz, node_nm)
        at_rate = self.merit_at_rate_db[0] + self.merit_at_rate_db[1] * math.log(rate_hz)
        at_bits = self.merit_at_bits_db[0] + self.merit_at_bits_db[1] * math.ceil(bits)
        sndr = self.sndr_db[0] + self.sndr_db[1] * bits
        constant, per_node, per_bits = self.energy_log
        rest = constant + per_node * math.log(node_nm) + per_bits * math.log(bits) + self.energy_residual
        return math.pow(10.0, (sndr - min(at_rate, at_bits)) / 10.0) / 2.0 * math.exp(rest) * 1e-12

    def area_mm2(self, bits: float, rate_hz: float, node_nm: float) -> float:
        """Area of one free-standing converter: ``A[um2] = exp(c + c_n ln node + c_f ln f + c_e ln E[pJ])``. Raises `InvalidTrace`."""
        energy_pj = self.energy_j(bits, rate_hz, node_nm) * 1e12
        constant, per_node, per_rate, per_energy = self.area_log
        return math.exp(constant + per_node * math.log(node_nm) + per_rate * math.log(rate_hz) + per_energy * math.log(energy_pj)) * 1e-6

    def _check(self, bits: float, rate_hz: float, node_nm: float) -> None:
        if not self.least_bits <= bits:
            raise InvalidTrace(f"the survey's regression starts at {self.least_bits:g} bits, asked for {bits:g}")
        if rate_hz <= 0 or node_nm <= 0:
            raise InvalidTrace(f"a converter needs a positive rate and node, got {rate_hz:g} samples/s at {node_nm:g} nm")


@cache
def survey() -> Survey:
    """The regression as published."""
    table = technology(SURVEY)
    return Survey(
        table.number("least_bits"), table.vector("merit_at_rate_db"), table.vector("merit_at_bits_db"), table.vector("sndr_db"),
        table.vector("energy_log"), table.number("energy_residual"), table.vector("area_log"),
    )  # fmt: skip
