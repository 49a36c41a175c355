"""What one constant of a chip is: its meaning, its provenance, the other chips that state it, and which figures of a run it moves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from hwsim import api
from hwsim.core.chip import Chip
from hwsim.core.errors import HwsimError, InvalidChip, nearest
from hwsim.core.graph import Graph
from hwsim.core.meanings import meanings
from hwsim.core.param import Param, Value
from hwsim.core.report import Report, param_record
from hwsim.core.target import load_target
from hwsim.readers.chip_file import chip_names, load_chip

__all__ = ["Constant", "Moves", "constant_names", "everywhere", "explain", "matching", "moves", "stated_by"]
METRICS = ("latency_s", "energy_j", "area_mm2")
STEP = 0.01


@dataclass(frozen=True)
class Moves:
    """Elasticities of one constant: d ln metric / d ln constant by `metric`; `mechanism` holds those of latency's parts, as shares of the latency.

    `refused` says why there are none.
    """

    metric: Mapping[str, float] = field(default_factory=dict)
    mechanism: Mapping[str, float] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True)
class Constant:
    """A constant explained: `about` is its meaning, `shared` the other chips that state the same value, `elsewhere` the values of the rest."""

    name: str
    param: Param
    about: str = ""
    shared: tuple[str, ...] = ()
    elsewhere: Mapping[str, Value] = field(default_factory=dict)
    moves: Moves | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the constant as plain data, in SI units."""
        elsewhere = {chip: list(v) if isinstance(v, tuple) else v for chip, v in self.elsewhere.items()}
        record = {"name": self.name, "about": self.about, **param_record(self.param), "shared_by": list(self.shared), "elsewhere": elsewhere}
        if self.moves is not None:
            record["moves"] = dict(self.moves.metric)
            record["mechanisms"] = dict(self.moves.mechanism)
            record.update({"refused": self.moves.refused} if self.moves.refused else {})
        return record


def matching(chip: Chip, patterns: Iterable[str]) -> list[str]:
    """Return the names of the constants that `patterns` (names, or with ``*``, ``?`` and ``[]``) mean, in the order of the chip file.

    Raises `InvalidChip` for a pattern that matches none, naming the nearest constants.

    >>> matching(load_chip("wse2"), ["hop*", "colours"])
    ['colours', 'hop_cycles']
    """
    wanted: set[str] = set()
    for pattern in patterns:
        found = [name for name in chip.params if fnmatchcase(name, pattern)]
        if not found:
            near = nearest(pattern, chip.params) or "; hwsim show " + chip.name + " lists them"
            raise InvalidChip(f"chip '{chip.name}' has no constant '{pattern}'{near}")
        wanted.update(found)
    return [name for name in chip.params if name in wanted]


def stated_by(name: str, target: str | None = None) -> dict[str, Param]:
    """Return the constant called `name` of every shipped chip that states it, of one target or of all.

    >>> sorted(stated_by("hop_cycles", "wafer_mesh"))
    ['wse2', 'wse3']
    """
    return {chip.name: chip.params[name] for chip in _shipped() if name in chip.params and target in (None, chip.target)}


def everywhere(pattern: str) -> dict[tuple[str, str], dict[str, Param]]:
    """Return by (target, constant) the shipped chips that state a constant matching `pattern`, and each one's value; empty where none does.

    >>> list(everywhere("hop_cy*"))
    [('spiking', 'hop_cycles'), ('wafer_mesh', 'hop_cycles')]
    """
    found: dict[tuple[str, str], dict[str, Param]] = {}
    for chip in _shipped():
        for name in chip.params:
            if fnmatchcase(name, pattern):
                found.setdefault((chip.target, name), {})[chip.name] = chip.params[name]
    return found


def constant_names() -> set[str]:
    """Return the names of all constants of the shipped chips.

    >>> {"hop_cycles", "sm_count"} <= constant_names()
    True
    """
    return {name for chip in _shipped() for name in chip.params}


def _shipped() -> tuple[Chip, ...]:
    return _loaded(tuple(chip_names()))


@cache
def _loaded(names: tuple[str, ...]) -> tuple[Chip, ...]:
    return tuple(load_chip(name) for name in names)


def explain(
    chip: Chip, names: Sequence[str], graph: Graph | None = None, mapping: Mapping[str, Any] | None = None
) -> tuple[list[Constant], Report | None]:
    """Return each of the constants explained, and the report of `graph` on `chip` if one is given.

    With a graph, `Constant.moves` holds the elasticities of latency, energy and area (`moves`), with the same `mapping` options. Raises
    `InvalidChip` for a name that the chip does not state, and what `hwsim.simulate` raises.

    >>> found, _ = explain(load_chip("wse2"), ["hop_cycles"])
    >>> found[0].about, found[0].elsewhere
    ('cycles of a wavelet from one router to the next', {'wse3': 2.0})
    """
    said = meanings(chip.target)
    report = None if graph is None else api.simulate(graph, chip, mapping, interval=False)
    found = []
    for name in names:
        if name not in chip.params:
            raise InvalidChip(f"chip '{chip.name}' has no constant '{name}'{nearest(name, chip.params)}")
        param = chip.params[name]
        others = {other: p.value for other, p in stated_by(name, chip.target).items() if other != chip.name}
        shared = tuple(other for other, value in others.items() if value == param.value)
        elsewhere = {other: value for other, value in others.items() if other not in shared}
        moved = None if graph is None or report is None else moves(graph, chip, name, mapping, base=report)
        found.append(Constant(name, param, said.get(name, ""), shared, elsewhere, moved))
    return found, report


def moves(graph: Graph, chip: Chip, name: str, mapping: Mapping[str, Any] | None = None, *, base: Report | None = None) -> Moves:
    """Return the elasticities d ln m / d ln c of latency, energy and area with the constant `name`, all else as it is.

    Central difference: (ln m(c+) - ln m(c-)) / (ln c+ - ln c-) with c 1 % up and down, or to the next whole numbers where the chip takes only such;
    one-sided where it refuses one of the two. The mapper chooses again at each. A vector is scaled as a whole; words, flags and zeros have no
    elasticity, and say so.

    >>> chip, graph = load_chip("wse2"), api.load_graph("llama3-8b", phase="decode", context=4096)
    >>> round(moves(graph, chip, "clock_hz", {"grid": (420, 420)}).metric["latency_s"], 6)
    -1.0
    """
    value = chip.param(name).value
    if isinstance(value, str | bool):
        return Moves(refused="a word or a flag has no derivative: try --set")
    if not any(value if isinstance(value, tuple) else (value,)):
        return Moves(refused="the logarithm of 0 has no derivative: try --set")
    why = ""
    for whole in (False, True):
        ends = []
        for direction in (1, -1):
            try:
                ends.append(_priced(graph, chip, name, _changed(value, direction, whole), mapping))
            except HwsimError as bad:
                why = why or str(bad)
        if len(ends) == 1:
            ends.append((_size(value), base or api.simulate(graph, chip, mapping, interval=False)))
        if ends:
            (high, above), (low, below) = ends
            return _elasticities(above, below, math.log(high / low))
    return Moves(refused=why)


def _priced(graph: Graph, chip: Chip, name: str, value: Value, mapping: Mapping[str, Any] | None) -> tuple[float, Report]:
    """The size of a changed constant and the report with it. Raises `HwsimError` where the chip or the mapper refuses it."""
    if not _size(value):
        raise InvalidChip(f"{name} of 0 has no logarithm")
    silicon = chip.replace(**{name: value})
    load_target(chip.target).check(silicon)
    return _size(value), api.simulate(graph, silicon, mapping, interval=False)


def _changed(value: Value, direction: int, whole: bool) -> Value:
    """`value` a step up or down: 1 %, or the next whole number at least."""

    def step(v: float) -> float:
        return v + direction * max(1.0, round(abs(v) * STEP)) * (v != 0) if whole else v * (1 + direction * STEP)

    return tuple(step(v) for v in value) if isinstance(value, tuple) else step(float(value))


def _size(value: Value) -> float:
    """The figure whose logarithm a step changes; of a vector, the sum of magnitudes."""
    return sum(abs(v) for v in value) if isinstance(value, tuple) else abs(float(value))


def _elasticities(above: Report, below: Report, step: float) -> Moves:
    """Elasticities from two reports whose constants differ by `step` in their logarithm."""
    high, low = above.metrics(), below.metrics()
    metric = {m: math.log(high[m] / low[m]) / step for m in METRICS if high.get(m) and low.get(m)}
    if not high.get("latency_s"):
        return Moves(metric)
    parts, others = (r.breakdown()["latency_by_mechanism_s"] for r in (above, below))
    whole = math.sqrt(high["latency_s"] * low["latency_s"])
    mechanism = {part: (parts.get(part, 0.0) - others.get(part, 0.0)) / whole / step for part in {**parts, **others}}
    ranked = sorted(mechanism.items(), key=lambda item: -abs(item[1]))
    return Moves(metric, {part: share for part, share in ranked if abs(share) > 1e-9})
