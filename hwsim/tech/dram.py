"""Energies of a DRAM device from its data-sheet currents, core only: no I/O, no PHY, no controller.

``E_act = V (IDD0 tRC - IDD3N tRAS - IDD2N tRP)`` with ``tRC = tRAS + tRP``; ``E_rd = V (IDD4R - IDD3N) t_burst`` per burst, writes likewise;
``E_ref = V (IDD5AB - IDD3N) tRFC``; idle ``V IDD2N`` precharged, ``V IDD3N`` active. A burst of BL beats takes BL / 2 clocks.
Source: Micron's power calculation as in DRAMsim3 (Li et al., CAL 2020); currents in ``models/tech/dram-currents.yaml``.
"""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace, nearest

__all__ = ["Device", "device", "system_j_per_bit"]

OPERATIONS = ("activate", "read", "write", "refresh")
MA_NS = 1e-12  # mA x ns x V in joules


@dataclass(frozen=True)
class Device:
    """Supply, clock period, burst length, data pins, timings in clocks, currents in mA; a figure that no source states is 0."""

    name: str
    vdd_v: float
    clock_ns: float
    burst: float
    pins: float
    t_ras: float
    t_rp: float
    t_rfc: float
    idd0: float
    idd2n: float
    idd3n: float
    idd4r: float
    idd4w: float
    idd5ab: float

    def energy_j(self, operation: str) -> float:
        """Joules of one `activate` (with its precharge) or `refresh` of the device, or of one bit of a `read` or `write`. Raises `InvalidTrace`."""
        if operation == "activate":
            charge = self.idd0 * (self.t_ras + self.t_rp) - self.idd3n * self.t_ras - self.idd2n * self.t_rp
            return self.vdd_v * charge * self.clock_ns * MA_NS
        if operation in ("read", "write"):
            current = (self.idd4r if operation == "read" else self.idd4w) - self.idd3n
            return self.vdd_v * current * self.burst / 2 * self.clock_ns * MA_NS / (self.burst * self.pins)
        if operation != "refresh":
            raise InvalidTrace(f"operation is one of {', '.join(OPERATIONS)}, got '{operation}'{nearest(operation, OPERATIONS)}")
        if not self.t_rfc or not self.idd5ab:
            raise InvalidTrace(f"no refresh time or current of {self.name} is known")
        return self.vdd_v * (self.idd5ab - self.idd3n) * self.t_rfc * self.clock_ns * MA_NS

    @property
    def idle_w(self) -> float:
        """Watts with all banks precharged."""
        return self.vdd_v * self.idd2n * 1e-3


def device(table: Chip, name: str) -> Device:
    """Return the DRAM device called `name`. Raises `InvalidTrace` for an unknown one, and for GDDR, of which no usable currents are known.

    >>> from hwsim.readers.technology import technology
    >>> device(technology("dram-currents"), "DDR4_8Gb_x8_2400").name
    'ddr4_8gb_x8_2400'
    """
    key = name.lower().replace("-", "_")
    if key not in table.params:
        why = "; GDDR needs figures of the literature (dram-system.yaml): its files count bursts in another way" if key.startswith("gddr") else ""
        raise InvalidTrace(f"no currents of DRAM device '{name}'{nearest(key, table.params)}{why}")
    return Device(key, *table.vector(key))


def system_j_per_bit(table: Chip, kind: str) -> float:
    """Joules a bit of a memory system; each row names its boundary as its source. Raises `InvalidTrace`.

    >>> from hwsim.readers.technology import technology
    >>> system_j_per_bit(technology("dram-system"), "hbm2")
    3.97e-12
    """
    name = f"{kind.lower().replace('-', '_')}_j_per_bit"
    if name not in table.params:
        raise InvalidTrace(f"no energy of memory system '{kind}'; there are {', '.join(n.removesuffix('_j_per_bit') for n in table.params)}")
    return table.number(name)
