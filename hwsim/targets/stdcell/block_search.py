"""Which layouts a block primitive asks for: one utilisation, a sweep, the largest that routes; and the choices that ``best`` leaves open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from hwsim.core.arguments import number
from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, InvalidMapping, InvalidTrace
from hwsim.readers.chip_file import load_chip
from hwsim.targets.stdcell.block import (
    REFERENCE_UTILISATION,
    UM2_MM2,
    Design,
    Point,
    evaluate,
    laid_out,
    outline,
    outline_of_area,
    peer_options,
    prepare,
)
from hwsim.targets.stdcell.block_netlist import block_netlist
from hwsim.targets.stdcell.layout import Layout, largest_utilisation
from hwsim.targets.stdcell.mapping import Options
from hwsim.targets.stdcell.stacks import device_sides, metals

SWEEP_POINTS = 4
SEEDS = 3  # placements that a figure without a stated seed is the mean of
METALS = (4, 6, 8, 12)  # highest metals that ``best`` tries
TIED = 0.03  # F3D's own points at one configuration scatter by 7 %
SPLITS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.96)  # pin splits that ``best`` tries, and all on the front
MAX = "max"


@dataclass(frozen=True, eq=False)
class Block:
    """What was asked for: a design, its settled options, and the layouts that its figures are means of."""

    design: Design
    options: Options
    points: tuple[Point, ...]
    target_hz: float


def run_block(chip: Chip, arguments: Mapping[str, Any], options: Options) -> Block:
    """Lay out and evaluate the block of a primitive's arguments. Raises `InvalidTrace`, `InvalidMapping`, `Infeasible`."""
    target = number(arguments, "target_frequency_hz", least=1.0)
    design = prepare(chip, block_netlist(chip, arguments), target)
    seeds = tuple(range(SEEDS)) if arguments["seed"] is None else (_seed(arguments["seed"]),)
    options = choose(design, options, seeds[0])
    if arguments["core_area_of"] is None:
        return Block(design, options, _points(design, options, arguments["utilisation"], seeds), target)
    other = load_chip(str(arguments["core_area_of"]))
    peer = prepare(other, block_netlist(other, arguments), target)
    theirs = peer_options(other, options)
    area = float(np.mean([p.area_um2 for p in _points(peer, theirs, arguments["utilisation"], seeds)]))
    plan = outline_of_area(design, options, area)
    return Block(design, options, tuple(evaluate(design, laid_out(design, options, plan, s), s) for s in seeds), target)


def _seed(stated: Any) -> int:
    if isinstance(stated, bool) or not isinstance(stated, int) or stated < 0:
        raise InvalidTrace(f"seed is a whole number of at least 0, got {stated!r}")
    return stated


def _points(design: Design, options: Options, wanted: Any, seeds: Sequence[int]) -> tuple[Point, ...]:
    if wanted == MAX:
        return tuple(largest(design, options, s) for s in seeds)
    if isinstance(wanted, list | tuple):
        return sweep(design, options, wanted, seeds)
    u = _utilisation(wanted)
    plan = outline(design, options, u)
    return tuple(evaluate(design, laid_out(design, options, plan, s), s) for s in seeds)


def _utilisation(stated: Any) -> float:
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not 0.0 < stated <= 1.0:
        raise InvalidTrace(f"utilisation is cell area over core area in 0..1, [low, high] for the mean of a sweep, or 'max'; got {stated!r}")
    return float(stated)


def sweep(design: Design, options: Options, span: Sequence[Any], seeds: Sequence[int]) -> tuple[Point, ...]:
    """Layouts at utilisations evenly over ``[low, high]``, the seeds in turn; points that do not fit are left out.

    Raises `Infeasible` when none does.
    """
    if len(span) != 2 or not _utilisation(span[0]) <= _utilisation(span[1]):
        raise InvalidTrace(f"a sweep of utilisations is [low, high], got {list(span)!r}")
    found, refused = [], None
    for k, u in enumerate(np.linspace(span[0], span[1], SWEEP_POINTS)):
        seed = seeds[k % len(seeds)]
        try:
            found.append(evaluate(design, laid_out(design, options, outline(design, options, float(u)), seed), seed))
        except Infeasible as error:
            refused = error
    if not found and refused is not None:
        raise refused
    return tuple(found)


def largest(design: Design, options: Options, seed: int) -> Point:
    """The layout of the largest utilisation whose violations stay within the chip's limit.

    Where cells as dense as short wires want them never meet it, they are spread over the whole core. Raises `Infeasible` when that does not help.
    """
    limit = design.chip.number("drv_limit") / design.study.size

    def at(u: float, even: bool) -> Layout:
        return laid_out(design, options, outline(design, options, u), seed, even)

    try:
        _, layout = largest_utilisation(lambda u: at(u, False), limit)
    except Infeasible:
        _, layout = largest_utilisation(lambda u: at(u, True), limit)
    return evaluate(design, layout, seed)


def choose(design: Design, options: Options, seed: int) -> Options:
    """Settle what is ``best``: the choice of the highest frequency at the reference utilisation, of those searched.

    Frequencies within `TIED` of the highest do not differ beyond the noise of placement: of those the one of fewest violations. Raises
    `InvalidMapping`.
    """
    two_sided = device_sides(design.chip) > 1
    front = METALS if options.front_metals == "best" else (options.front_metals,)
    back = (METALS if two_sided else (0,)) if options.back_metals == "best" else (options.back_metals,)
    splits: tuple[Any, ...] = (options.front_pin_fraction,)
    found: list[tuple[float, float, Options]] = []
    tried = len(front) * len(back)
    for f, b in product(front, back):
        chosen = options.model_copy(update={"front_metals": f, "back_metals": b, "front_pin_fraction": None})
        if options.front_pin_fraction == "best":
            splits = (1.0, *SPLITS) if two_sided and metals(design.chip, chosen)[1] >= 2 else (1.0,)
        if tried * len(splits) == 1:
            return chosen.model_copy(update={"front_pin_fraction": splits[0]})
        for split in splits:
            trial = chosen.model_copy(update={"front_pin_fraction": split})
            try:
                layout = laid_out(design, trial, outline(design, trial, REFERENCE_UTILISATION), seed)
            except InvalidMapping:
                continue
            point = evaluate(design, layout, seed)
            found.append((point.frequency_hz, point.violations, trial))
    if not found:
        raise InvalidMapping(f"chip '{design.chip.name}' takes none of the metals and pin splits that 'best' tries")
    highest = max(f for f, _, _ in found)
    return min((f for f in found if f[0] >= highest * (1.0 - TIED)), key=lambda f: (f[1], -f[0]))[2]


def figures(block: Block) -> dict[str, float]:
    """The metrics of a block, means over its layouts, of the core that it stands for.

    Power is at the own clock of each, or for ``equal_frequency`` at the target clock, which any two designs have in common.
    """
    equal, size = block.options.power_at == "equal_frequency", block.design.study.size
    rows = []
    for p in block.points:
        clock = block.target_hz if equal else p.frequency_hz
        power = size * p.power.power_w(clock)
        rows.append((size * p.area_um2 * UM2_MM2, p.frequency_hz, power, power / clock, p.utilisation, power / clock**2,
                     size * p.layout.wirelength_um, p.violations, size * p.wires.total, 1.0 / p.frequency_hz))  # fmt: skip
    names = ("area_mm2", "frequency_hz", "power_w", "energy_j", "utilisation", "edp_js", "wirelength_um", "drv_count", "repeaters", "latency_s")
    return dict(zip(names, (float(v) for v in np.mean(rows, axis=0)), strict=True))


def spread(block: Block) -> dict[str, tuple[float, float]]:
    """Least and most of each metric over the layouts of a block."""
    each = [figures(Block(block.design, block.options, (p,), block.target_hz)) for p in block.points]
    return {name: (min(e[name] for e in each), max(e[name] for e in each)) for name in each[0]}
