"""Ring oscillators: stages alike, each driving a fan-out of inputs and wires on the front and the back.

Power is that of the whole ring: one transition travels round it, so it does not depend on the number of stages, ``P = E_cycle / (2 t_stage)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.target import Mapped
from hwsim.readers.chip_file import load_chip
from hwsim.targets.stdcell.beol import BACK, CASES, FRONT, routing_layer
from hwsim.targets.stdcell.mapping import parse_options
from hwsim.targets.stdcell.stage import Stage, stage_of, study_stage

LOADS = ("none", "typical", "front_back")
SHORT_NET_LAYERS = (1, 2)  # metals of nets shorter than a micrometre or two
SUPPLY_STEPS = 80
HIGHEST_SUPPLY_V = 1.5


@dataclass(frozen=True)
class Wire:
    """One tree of a stage's net: lumped capacitance, resistance of the wire, resistance of the vias on the way to a sink."""

    capacitance_f: float
    resistance_ohm: float
    via_ohm: float

    def elmore_s(self, pins_f: float) -> float:
        """Delay to the half-way point behind the driver, ln 2 x Elmore: the vias see the wire and the pins, the wire half of itself and the pins."""
        return math.log(2) * (self.via_ohm * (self.capacitance_f + pins_f) + self.resistance_ohm * (self.capacitance_f / 2 + pins_f))


@dataclass(frozen=True)
class Ring:
    """A ring: its stage, fan-out, lumped wire capacitance that every load has, and the trees of each stage (front, back)."""

    stage: Stage
    fanout: int
    wire_f: float = 0.0
    trees: tuple[Wire, ...] = ()

    @property
    def load_f(self) -> float:
        """All wire capacitance of a stage."""
        return self.wire_f + sum(t.capacitance_f for t in self.trees)

    def delay_s(self, vdd_v: float) -> float:
        """Delay of a stage; the travelling edge passes front and back trees in turn, so their own delays are averaged."""
        own = sum(t.elmore_s(self.fanout * self.stage.input_f) for t in self.trees) / max(1, len(self.trees))
        return self.stage.delay_s(vdd_v, self.fanout, self.load_f) + own

    def frequency_hz(self, vdd_v: float) -> float:
        """Rate of one stage, 1 / (2 t), as the published figures plot it."""
        return 1.0 / (2.0 * self.delay_s(vdd_v))

    def power_w(self, vdd_v: float) -> float:
        """Power of the oscillator."""
        return self.stage.cycle_j(vdd_v, self.fanout, self.load_f) * self.frequency_hz(vdd_v)


def ring_of(chip: Chip, arguments: Mapped, case: str) -> Ring:
    """The ring that a primitive's arguments describe, on `chip`. Raises `InvalidTrace`, `MissingParameter`."""
    fanout, load = whole(arguments, "fanout"), word(arguments, "beol_load", LOADS)
    if whole(arguments, "stages", least=3) % 2 == 0:
        raise InvalidTrace(f"a ring of {arguments['stages']} inverters does not oscillate: the number of stages is odd")
    lengths = [arguments[f"load_um_{side}"] for side in (FRONT, BACK)]
    if load != "front_back" and any(v is not None for v in lengths):
        raise InvalidTrace("load_um_front and load_um_back go with beol_load: front_back")
    if load == "none":
        return Ring(stage_of(chip), fanout)
    if load == "typical":
        return Ring(stage_of(chip), fanout, chip.number("beol_typical_f"))
    trees = tuple(_tree(chip, side, 0.0 if arguments[f"load_um_{side}"] is None else number(arguments, f"load_um_{side}"), case)
                  for side in (FRONT, BACK))  # fmt: skip
    permittivities = sum(permittivity for _, permittivity in CASES[case])  # pins, vias and stubs lie in the same dielectrics as the wires
    return Ring(study_stage(chip), fanout, chip.number("f3d_access_f") * permittivities, trees)


def _tree(chip: Chip, side: str, length_um: float, case: str) -> Wire:
    """A short net of one side: half its length on each of two metals, and the vias of such nets."""
    layers = [routing_layer(chip, side, index, case) for index in SHORT_NET_LAYERS]
    mean_ohm, mean_f = (sum(getattr(layer, name) for layer in layers) / len(layers) for name in ("ohm_per_um", "f_per_um"))
    via = sum(layer.via_ohm for layer in layers) / len(layers)
    return Wire(mean_f * length_um, mean_ohm * length_um, via * chip.number("short_net_vias"))


def supply_for(figure: Callable[[float], float], wanted: float, least_v: float, name: str) -> float:
    """The supply at which a figure that rises with it reaches `wanted`, by bisection. Raises `InvalidTrace` outside what the ring can do."""
    low, high = least_v, HIGHEST_SUPPLY_V
    if not figure(low) <= wanted <= figure(high):
        raise InvalidTrace(f"no supply between {low:.3g} and {high:g} V gives this ring the peer's {name}")
    for _ in range(SUPPLY_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if figure(middle) < wanted else (low, middle)
    return (low + high) / 2


def ring_oscillator(chip: Chip, arguments: Mapped, mapping: Mapped) -> dict[str, float]:
    """Frequency of a stage, power of the ring, and the supply; on request at the power or the frequency that a peer has at `vdd_v`."""
    vdd, case = number(arguments, "vdd_v"), parse_options(mapping).beol_case
    ring = ring_of(chip, arguments, case)
    peers = [name for name in ("iso_power_of", "iso_frequency_of") if arguments[name] is not None]
    if len(peers) > 1:
        raise InvalidTrace("a ring runs at the power or at the frequency of a peer, not both")
    if peers:
        peer = ring_of(load_chip(str(arguments[peers[0]])), arguments, case)
        least = ring.stage.vt_v * 1.02
        if peers[0] == "iso_power_of":
            vdd = supply_for(ring.power_w, peer.power_w(vdd), least, "power")
        else:
            vdd = supply_for(ring.frequency_hz, peer.frequency_hz(vdd), least, "frequency")
    return {"frequency_hz": ring.frequency_hz(vdd), "power_w": ring.power_w(vdd), "vdd_v": vdd, "latency_s": ring.delay_s(vdd)}
