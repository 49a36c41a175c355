"""One inverter stage of the Flip FET family: device, middle-of-line parasitics, load; delay and switched charge at any supply.

The device is the same everywhere (VLSI24 assumes so); chips differ by their parasitics. With n fins, fan-out F, wire capacitance C_w:

    gates  C_s = n (F c_gate + c_drain) + (F + miller) C_mol         charge that one transition of the supply's swing moves
    drive  R   = k (2 / n) V / (V - V_t)^a (1 + (n / 2) R_mol / R_degeneration) / drive      (alpha-power law; source degeneration)
    delay  t   = R (s C_s + C_w) + wire resistance terms             s: share of the charge that delays see, the rest is internal
    energy E   = (C_s + C_w) V^2 (1 + x (V - V_t)^2)                  per cycle; x: short-circuit charge, which grows with the overlap of both devices
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace

PAIR = 2.0  # fins that the device constants are stated for


@dataclass(frozen=True)
class Stage:
    """The constants of a stage; SI units."""

    fins: float
    source_r_ohm: float
    input_c_mol_f: float
    k: float
    vt_v: float
    alpha: float
    degeneration_ohm: float
    drive: float
    gate_f_per_fin: float
    drain_f_per_fin: float
    miller: float
    delay_share: float
    short_circuit_per_v2: float

    def resistance_ohm(self, vdd_v: float) -> float:
        """Effective drive resistance, delay over capacitance. Raises `InvalidTrace` at or below threshold."""
        if vdd_v <= self.vt_v:
            raise InvalidTrace(f"a supply of {vdd_v:g} V is at or below the threshold of {self.vt_v:g} V, where the delay law ends")
        wide = self.fins / PAIR
        bare = self.k / wide * vdd_v / (vdd_v - self.vt_v) ** self.alpha
        return float(bare * (1.0 + wide * self.source_r_ohm / self.degeneration_ohm) / self.drive)

    def gates_f(self, fanout: float) -> float:
        """Capacitance of the fan-out's inputs and of the own output, without wires."""
        return self.fins * (fanout * self.gate_f_per_fin + self.drain_f_per_fin) + (fanout + self.miller) * self.input_c_mol_f

    @property
    def input_f(self) -> float:
        """Capacitance of one input."""
        return self.fins * self.gate_f_per_fin + self.input_c_mol_f

    def delay_s(self, vdd_v: float, fanout: float, wire_f: float = 0.0) -> float:
        """Delay of the stage with a lumped wire capacitance."""
        return self.resistance_ohm(vdd_v) * (self.delay_share * self.gates_f(fanout) + wire_f)

    def cycle_j(self, vdd_v: float, fanout: float, wire_f: float = 0.0) -> float:
        """Energy of one rise and one fall of the stage's output."""
        crowbar = 1.0 + self.short_circuit_per_v2 * max(0.0, vdd_v - self.vt_v) ** 2
        return (self.gates_f(fanout) + wire_f) * vdd_v**2 * crowbar


def stage_of(chip: Chip) -> Stage:
    """The stage of a chip. Raises `MissingParameter` for a chip that states no device."""
    source = (chip.number("source_r_n_ohm") + chip.number("source_r_p_ohm")) / 2
    return Stage(
        fins=chip.number("fins"), source_r_ohm=source, input_c_mol_f=chip.number("input_c_mol_f"), k=chip.number("device_k_ohm"),
        vt_v=chip.number("device_vt_v"), alpha=chip.number("device_alpha"), degeneration_ohm=chip.number("degeneration_ohm"),
        drive=chip.number("device_drive"), gate_f_per_fin=chip.number("gate_f_per_fin"), drain_f_per_fin=chip.number("drain_f_per_fin"),
        miller=chip.number("miller_inputs"), delay_share=chip.number("delay_share"), short_circuit_per_v2=chip.number("short_circuit_per_v2"),
    )  # fmt: skip


def study_stage(chip: Chip) -> Stage:
    """The stage as the F3D study's process has it: another threshold, drive and short-circuit charge. Raises `MissingParameter`."""
    return replace(
        stage_of(chip), vt_v=chip.number("f3d_vt_v"), drive=chip.number("f3d_drive"), short_circuit_per_v2=chip.number("f3d_short_circuit_per_v2")
    )
