"""Gates of SRAM arrays: inverter chains sized by logical effort, decoders, predecoders with their drivers; delays by Horowitz' model.

Forms of CACTI 7 (HewlettPackard/cacti @1ffd8df, BSD-style licence), whose counting is kept where it is odd, for the figures are held against it.
Joules are of one switching of the part, watts of its leakage, lengths um.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from hwsim.tech.sram_process import Process

BEST_EFFORT = 4.0
DECODER_HEIGHT_CELLS = 4
Width = tuple[float, float]  # of the n and the p transistor


class Stage(NamedTuple):
    """Time constant of a gate, and the capacitance it switches."""

    tau: float
    c: float


class Levels(NamedTuple):
    """Gates of a predecoder by its address bits: inputs of the first level (0: both kinds), of the second (0: none), branches, counts, active."""

    first: int
    second: int
    branch2: int
    branch3: int
    count2: int
    count3: int
    count_second: int
    active2: int
    active3: int
    drivers2: int
    fan2: int
    drivers3: int


PREDECODERS = {
    1: Levels(2, 0, 1, 1, 2, 0, 0, 1, 0, 1, 2, 0), 2: Levels(2, 0, 1, 1, 4, 0, 0, 1, 0, 2, 4, 0), 3: Levels(3, 0, 1, 1, 0, 8, 0, 0, 1, 0, 0, 3),
    4: Levels(2, 2, 4, 1, 8, 0, 16, 2, 0, 4, 4, 0), 5: Levels(0, 2, 8, 4, 4, 8, 32, 1, 1, 2, 4, 3), 6: Levels(3, 2, 1, 8, 0, 16, 64, 0, 2, 0, 0, 6),
    7: Levels(0, 3, 32, 16, 8, 8, 128, 2, 1, 4, 4, 3), 8: Levels(0, 3, 64, 32, 4, 16, 256, 2, 2, 2, 4, 6),
    9: Levels(3, 3, 1, 64, 0, 24, 512, 0, 3, 0, 0, 9),
}  # fmt: skip
MOST_BITS = 2 * max(PREDECODERS)
FAN3 = 8


def horowitz(rise: float, tau: float, threshold: float = 0.5) -> float:
    """Delay of a gate whose input rises in `rise`: ``tau sqrt(ln(v)^2 + rise / tau (1 - v))``."""
    return tau * math.sqrt(math.log(threshold) ** 2 + rise / tau * (1 - threshold))


def chain(p: Process, inputs: int, load: float, plain: bool = False) -> list[Width]:
    """Widths of a gate of `inputs` (1: inverter) and the even number of stages that drive `load` with an effort near 4 each.

    The last stage is no wider than the largest transistor. `plain`: the effort of the first gate is that of an inverter (drivers).
    """
    ratio = p.p_over_n
    first = (max(inputs, 1) * p.w_min, ratio * p.w_min)
    effort = 1.0 if plain else (inputs + ratio) / (1 + ratio)
    c_first = p.gate_c * (first[0] + first[1])
    total = effort * load / c_first
    count = max(_even(int(math.log(total) / math.log(BEST_EFFORT))), 2)
    each = total ** (1 / count)
    last = max(load / each / (1 + ratio) / p.gate_c, p.w_min)
    if last > p.w_max:
        total = effort * p.gate_c * (1 + ratio) * p.w_max / c_first
        count = max(_even(int(math.log(total) / math.log(BEST_EFFORT)) + 1), 2)
        each = total ** (1 / (count - 1))
        last = p.w_max
    widths = [last]
    for _ in range(count - 2):
        widths.append(max(widths[-1] / each, p.w_min))
    return [first, *((w, ratio * w) for w in reversed(widths))]


def _even(count: int) -> int:
    return count + 1 if count % 2 else count


def stages(p: Process, widths: list[Width], inputs: int, load: float, r_wire: float = 0.0, height: float = 0.0) -> list[Stage]:
    """Stages of a chain that ends in `load` behind a wire of `r_wire`."""
    height = height or p.h_gate
    out = []
    for i, (n, q) in enumerate(widths):
        stacked = inputs if i == 0 else 1
        own = stacked * p.drain(q, p=True, height=height) + p.drain(n, stacked, height=height)
        last = i == len(widths) - 1
        c = load if last else p.gate_c * sum(widths[i + 1])
        out.append(Stage(p.r_on(n, stacked) * (own + c) + (r_wire * c / 2 if last else 0.0), own + c))
    return out


def through(made: list[Stage], rise: float) -> tuple[float, float]:
    """(delay, rise time at the end) of stages whose input rises in `rise`."""
    delay = 0.0
    for stage in made:
        step = horowitz(rise, stage.tau)
        delay += step
        rise = 2 * step
    return delay, rise


def switched(made: list[Stage], vdd: float) -> float:
    """Joules of one switching of every stage."""
    return sum(s.c for s in made) * vdd * vdd


@dataclass(frozen=True, eq=False)
class Decoder:
    """Last gates of a decoder: one per output, driving `load` behind `r_wire`; absent below 16 outputs, whose predecoder drives the load itself."""

    widths: tuple[Width, ...]
    load: float
    r_wire: float
    made: tuple[Stage, ...]
    area: float
    leak_w: float
    energy_j: float

    @property
    def there(self) -> bool:
        """False when the predecoder drives the load."""
        return bool(self.widths)


@lru_cache(maxsize=65536)
def decoder(p: Process, outputs: int, load: float, r_wire: float) -> Decoder:
    """Size the gates of a decoder."""
    if outputs < 16:
        return Decoder((), load, r_wire, (), 0.0, 0.0, 0.0)
    height = DECODER_HEIGHT_CELLS * p.cell_h
    widths = chain(p, 2, load)
    made = stages(p, widths, 2, load, r_wire, height)
    area = p.gate_area(*widths[0], height, 2) + sum(p.gate_area(n, q, height) for n, q in widths[1:])
    leak = p.nand_leak(*widths[0], 2) + sum(p.inverter_leak(n, q) for n, q in widths[1:])
    return Decoder(tuple(widths), load, r_wire, tuple(made), area, leak * p.vdd, switched(made, p.vdd))


class Path(NamedTuple):
    """First-level gates of one kind of a predecoder block, with their driver."""

    gates: list[Width]
    made: list[Stage]
    driver: list[Stage]
    driver_widths: list[Width]


class Block(NamedTuple):
    """One of the two blocks of a predecoder: delays and rise times at its output, joules, leakage, area."""

    delays: tuple[float, float]
    rises: tuple[float, float]
    first_j: tuple[float, float]
    second_j: float
    driver_j: float
    leak_w: float
    area: float
    active: tuple[int, int]


ABSENT = Block((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), 0.0, 0.0, 0.0, 0.0, (0, 0))


@lru_cache(maxsize=65536)
def predecoder_block(p: Process, bits: int, load: float, r_wire: float) -> Block:
    """A block that predecodes `bits` address bits into a `load` per output behind a wire of `r_wire`."""
    if bits == 0:
        return ABSENT
    levels = PREDECODERS[bits]
    second = chain(p, levels.second, load) if levels.second else []
    input_c = p.gate_c * sum(second[0]) if second else 0.0
    has = (levels.first in (0, 2), levels.first in (0, 3))
    paths = [_path(p, k, (levels.branch2, levels.branch3)[k - 2] * input_c if second else load, 0.0 if second else r_wire, levels) for k in (2, 3)]
    delays, rises = [0.0, 0.0], [0.0, 0.0]
    for k in (0, 1):
        if has[k]:
            driven, rise = through(paths[k].driver, 0.0)
            step, rises[k] = through(paths[k].made, rise)
            delays[k] = driven + step
    last = stages(p, second, levels.second, load, r_wire) if second else []
    for i, stage in enumerate(last):
        for k in (0, 1):
            if i > 0 or k == levels.second - 2:
                step = horowitz(rises[k], stage.tau)
                delays[k], rises[k] = delays[k] + step, 2 * step
    v = p.vdd
    first_j = tuple(switched(paths[k].made, v) if has[k] else 0.0 for k in (0, 1))
    drivers = (levels.drivers2, levels.drivers3)
    driver_j = sum(drivers[k] * switched(paths[k].driver, v) / 2 for k in (0, 1) if has[k])
    leak, area = _leak_area(p, levels, paths, has, second, drivers)
    return Block(
        (delays[0], delays[1]), (rises[0], rises[1]), (first_j[0], first_j[1]), switched(last, v), driver_j, leak * v, area,
        (levels.active2, levels.active3),
    )  # fmt: skip


def _path(p: Process, inputs: int, load: float, r_wire: float, levels: Levels) -> Path:
    if levels.first not in (0, inputs):
        return Path([], [], [], [])
    gates = chain(p, inputs, load)
    fan = levels.fan2 if inputs == 2 else FAN3
    driven = fan * p.gate_c * sum(gates[0])
    widths = chain(p, 1, driven, plain=True)
    return Path(gates, stages(p, gates, inputs, load, r_wire), stages(p, widths, 1, driven), widths)


def _leak_area(
    p: Process, levels: Levels, paths: list[Path], has: tuple[bool, bool], second: list[Width], drivers: tuple[int, int]
) -> tuple[float, float]:
    leak = area = 0.0
    for k, count in enumerate((levels.count2, levels.count3)):
        if not has[k]:
            continue
        gates, inputs = paths[k].gates, k + 2
        counted = inputs == 2 or levels.first == 3  # CACTI leaves out the NAND3 gates of blocks with both kinds
        leak += count * (counted * p.nand_leak(*gates[0], inputs) + sum(p.nand_leak(n, q, inputs) for n, q in gates[1:]))
        area += count * (counted * p.gate_area(*gates[0], p.h_gate, inputs) + sum(p.gate_area(n, q, p.h_gate) for n, q in gates[1:]))
        leak += drivers[k] * sum(p.inverter_leak(n, q) for n, q in paths[k].driver_widths)
        area += drivers[k] * sum(p.gate_area(n, q, p.h_gate) for n, q in paths[k].driver_widths)
    if second:
        leak += levels.count_second * (p.nand_leak(*second[0], levels.second) + sum(p.inverter_leak(n, q) for n, q in second[1:]))
        gates_area = p.gate_area(*second[0], p.h_gate, levels.second) + sum(p.gate_area(n, q, p.h_gate) for n, q in second[1:])
        area += levels.count_second * gates_area
    return leak, area


class Predecoder(NamedTuple):
    """Delay and rise time at its slowest output, joules of one access, leakage, area."""

    delay: float
    rise: float
    energy_j: float
    leak_w: float
    area: float


@lru_cache(maxsize=65536)
def predecoder(p: Process, outputs: int, behind: Decoder, shared: int, c_wire: float, r_wire: float) -> Predecoder:
    """Predecoder of a decoder with `outputs`: two blocks from 16 outputs on, whose outputs each feed `shared` decoders over a wire."""
    bits = outputs.bit_length() - 1
    if bits < 4:
        one, two = predecoder_block(p, bits, behind.load, behind.r_wire), ABSENT
    else:
        gate = shared * p.gate_c * sum(behind.widths[0])
        half = (bits + 1) // 2
        one = predecoder_block(p, half, (1 << (bits - half)) * gate + c_wire, r_wire)
        two = predecoder_block(p, bits - half, (1 << half) * gate + c_wire, r_wire)
    delay, rise = 0.0, one.rises[0]
    for block in (one, two):
        for k in (0, 1):
            if block.delays[k] > delay:
                delay, rise = block.delays[k], block.rises[k]
    energy = sum(b.driver_j + b.second_j + b.first_j[0] * one.active[0] + b.first_j[1] * one.active[1] for b in (one, two))
    return Predecoder(delay, rise, energy, one.leak_w + two.leak_w, one.area + two.area)
