"""The metals of one side of the wafer: track supply, and which pair of layers a wire of a given length uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """One metal: pitch, preferred direction, resistance and capacitance per um, and the resistance of a via down to the metal below it."""

    name: str
    pitch_um: float
    horizontal: bool
    ohm_per_um: float
    f_per_um: float
    via_ohm: float


@dataclass(frozen=True)
class LayerChoice:
    """Length at which a net leaves the lowest pair of layers: ``share above = 1 - exp(-(length / length_um)^shape)``."""

    length_um: float
    shape: float


@dataclass(frozen=True)
class Stack:
    """The metals of one side from the pins' own (M0, index 0) upwards; signals are routed on the layers `lowest` and above.

    `usable` is the part of the tracks that a router can fill.
    """

    layers: tuple[Layer, ...]
    choice: LayerChoice
    lowest: int = 1
    usable: float = 1.0

    @property
    def routing(self) -> tuple[Layer, ...]:
        """Layers that carry signals between cells."""
        return self.layers[self.lowest :]

    @property
    def usable_for_signals(self) -> bool:
        """True with at least one layer in each direction."""
        return len({layer.horizontal for layer in self.routing}) == 2

    @cached_property
    def pairs(self) -> tuple[tuple[Layer, Layer], ...]:
        """Pairs (horizontal, vertical) of neighbouring routing layers from below; an odd layer at the top makes a pair with the one below it."""
        found = []
        for k in range(0, len(self.routing) - 1, 2):
            found.append(self._pair(self.routing[k], self.routing[k + 1]))
        if len(self.routing) % 2 and len(self.routing) > 2:
            found.append(self._pair(self.routing[-2], self.routing[-1]))
        return tuple(found)

    def _pair(self, below: Layer, above: Layer) -> tuple[Layer, Layer]:
        if below.horizontal == above.horizontal:
            raise InvalidMapping(f"layers {below.name} and {above.name} run in one direction; neighbouring layers must cross")
        return (below, above) if below.horizontal else (above, below)

    def tracks_per_um(self) -> tuple[float, float]:
        """Tracks per um of cut of the horizontal and of the vertical routing layers (all of them, usable or not)."""
        across = [sum(1.0 / layer.pitch_um for layer in self.routing if layer.horizontal == flat) for flat in (True, False)]
        return across[0], across[1]

    @property
    def supply_per_um(self) -> float:
        """Tracks per um of cut, all routing layers: the S of F3D's comparison of layer counts."""
        return sum(self.tracks_per_um())

    def shares(self, length_um: Floats) -> Floats:
        """Which part of a net's wire lies on each pair [nets, pairs], by its length.

        The length of change to a higher pair grows with the square of its pitch, as the resistance that a wire saves there falls. Pairs of one pitch
        share alike.
        """
        pitch = np.array([(flat.pitch_um + tall.pitch_um) / 2 for flat, tall in self.pairs])
        level = np.cumsum(np.r_[0, np.abs(np.diff(pitch[1:])) > 1e-9 * pitch[1:-1]]) + 1 if len(pitch) > 1 else np.zeros(0, int)
        level = np.r_[0, level]
        above = np.zeros((len(length_um), level[-1] + 2))
        above[:, 0] = 1.0
        for k in range(1, level[-1] + 1):
            reach = self.choice.length_um * float(pitch[level == k][0] / pitch[level == 1][0]) ** 2
            above[:, k] = np.minimum(above[:, k - 1], 1.0 - np.exp(-((length_um / reach) ** self.choice.shape)))
        each = (above[:, :-1] - above[:, 1:]) / np.bincount(level)
        found: Floats = each[:, level]
        return found

    def balanced(self, reach_um: Floats, length_um: Floats, core_um2: float) -> Floats:
        """`shares` of nets by the length of their longest path (`reach_um`), moved from pairs that would overfill to pairs with room over the core.

        Wires go up first, then down. What no pair can hold stays on the top pair.
        """
        shares = self.shares(reach_um)
        load = length_um @ shares
        room = np.array([(1 / h.pitch_um + 1 / v.pitch_um) * core_um2 * self.usable for h, v in self.pairs])
        if len(self.routing) % 2 and len(self.pairs) > 1:
            room[-1] -= core_um2 * self.usable / self.routing[-2].pitch_um  # the pair below has that layer already
        order = [*range(len(room) - 1), *range(len(room) - 1, 0, -1)]
        for step, k in enumerate(order):
            to = k + 1 if step < len(room) - 1 else k - 1
            over = max(0.0, load[k] - room[k]) if to > k else min(max(0.0, load[k] - room[k]), max(0.0, room[to] - load[to]))
            if over > 0:
                part = over / load[k]
                shares[:, to] += part * shares[:, k]
                shares[:, k] *= 1.0 - part
                load[k] -= over
                load[to] += over
        return shares


def make_stack(names: Sequence[str], pitch_um: Sequence[float], ohm_per_um: Sequence[float], f_per_um: Sequence[float], via_ohm: Sequence[float],
               first_horizontal: bool, choice: LayerChoice, *, lowest: int = 1, usable: float = 1.0) -> Stack:  # fmt: skip
    """A stack of alternating directions from M0 (its direction `first_horizontal`). Raises `InvalidMapping` for tables of different lengths."""
    if len({len(names), len(pitch_um), len(ohm_per_um), len(f_per_um), len(via_ohm)}) != 1:
        raise InvalidMapping("pitches, resistances, capacitances and vias of a metal stack must be given for the same layers")
    rows = zip(names, pitch_um, ohm_per_um, f_per_um, via_ohm, strict=True)
    return Stack(tuple(Layer(n, p, (i % 2 == 0) == first_horizontal, r, c, v) for i, (n, p, r, c, v) in enumerate(rows)), choice, lowest, usable)
