"""How a graph lies on tiles: matrices on arrays of one shape, and digital work on the tiles of the matrix before it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hwsim.core.chip import Chip
from hwsim.core.dtype import dtype
from hwsim.core.encoding import Fields, LeftOut
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.crossbar.arrays import Geometry, copies
from hwsim.targets.crossbar.family import Plan
from hwsim.targets.crossbar.fold import folded
from hwsim.targets.crossbar.lowering import lowered
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.plan import DIGITAL_WORK, Rules, stored_plan
from hwsim.targets.crossbar.stored import Stored, stored_matrix
from hwsim.targets.crossbar.tiled.work import digital_work, pipeline_lacks

MEMORY_KINDS = ("pool", "softmax", "norm")  # that read their operand from the tile's memory


@dataclass(frozen=True)
class Host:
    """The matrix that a digital operator follows: tiles that hold it with its copies, and reads of an array that one execution takes in series."""

    tiles: float
    reads: float


def geometry_of(chip: Chip) -> Geometry:
    """Arrays of the chip, or of several chips."""
    per_tile = math.prod(int(chip.number(n)) for n in ("array_count", "units_per_core", "cores_per_tile"))
    count = per_tile * int(chip.number("chip_tiles")) * int(chip.number("chips"))
    return Geometry(int(chip.number("array_rows")), int(chip.number("array_columns")), chip.number("bits_per_cell"), count=count)


def arrays_of_tile(chip: Chip) -> float:
    """Arrays of one tile."""
    return chip.number("array_count") * chip.number("units_per_core") * chip.number("cores_per_tile")


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Lay a graph out; on a chip that pipelines layers, copies balance them unless options say otherwise. Raises `Infeasible`, `InvalidMapping`."""
    options = _balanced(options, chip)
    steps, geometry = lowered(graph), geometry_of(chip)
    hosts, affine = _hosts(steps, options, chip, geometry), folded(steps)
    lanes = "vector_lanes" in chip.params and chip.number("vector_lanes") > 0

    def extra(op: Op, matrix: Stored | None) -> Fields | LeftOut:
        host = hosts[op.name]
        if matrix is not None or op.kind not in DIGITAL_WORK or op.name in affine:
            return {"tiles_held": host.tiles}
        if not lanes and (reason := pipeline_lacks(op)):
            return LeftOut(reason)
        work = dict(digital_work(op))
        if not lanes and op.kind == "elementwise":  # the nonlinear unit compares as well; the max-pool unit pools
            work["functions"] = work.get("functions", 0.0) + work.pop("comparisons", 0.0)
        from_memory = op.kind in MEMORY_KINDS or len(op.inputs) > 1
        return {**work, "tiles_held": host.tiles, "host_reads": host.reads, "extra_bits": 8.0 * op.input_bytes if from_memory else 0.0}

    made = stored_plan(graph, options, chip, Rules(geometry, frozenset(DIGITAL_WORK), extra=extra, assumptions=_assumptions(lanes)))
    tiles = math.ceil(made.figures["arrays"] / arrays_of_tile(chip))
    figures = {**made.figures, "tiles": float(tiles), "tile_share": tiles / (chip.number("chip_tiles") * chip.number("chips"))}
    return replace(made, figures=figures, warnings=(*made.warnings, *_clipped(chip), *_crowded(steps, hosts, chip)))


def _balanced(options: Options, chip: Chip) -> Options:
    """A pipeline of layers shares spare arrays out where nothing else is asked for (ISAAC's rule)."""
    if options.frame.duplication is not None or not chip.number("pipelined") or options.frame.reprogram:
        return options
    return replace(options, frame=options.frame.model_copy(update={"duplication": "balanced"}))


def _hosts(steps: Graph, options: Options, chip: Chip, geometry: Geometry) -> Mapping[str, Host]:
    """The matrix that each operator is, or follows most closely in the order of the graph."""
    names = [op.name for op in steps.ops if isinstance(stored_matrix(op, options.frame), Stored)]
    matrices = {op.name: m for op in steps.ops if isinstance(m := stored_matrix(op, options.frame), Stored)}
    arrays = [geometry.place(matrices[n]).arrays for n in names]
    fits = geometry.count is None or sum(arrays) <= geometry.count
    number = copies([matrices[n] for n in names], arrays, options.frame, geometry.count) if fits else [1] * len(names)
    held: dict[str, Host] = {}
    for name, size, times in zip(names, arrays, number, strict=True):
        reads = math.ceil(matrices[name].input_bits / chip.number("bits_per_read"))
        held[name] = Host(size * times / arrays_of_tile(chip), -(-matrices[name].vectors // times) * reads)
    found: dict[str, Host] = {}
    last = Host(1.0, 0.0)
    for op in steps.ops:
        last = held.get(op.name, last)
        found[op.name] = last
    return found


def _assumptions(lanes: bool) -> tuple[str, ...]:
    beside = (
        "vector lanes and nonlinear units take their turn after the matrix, on the cores that hold it" if lanes else
        "nonlinear, pooling and adding units work beside the reads of the matrix before; only what is slower is added"
    )  # fmt: skip
    return (
        "weights are stored with an offset, on single columns; the column of ones that the offset needs is left out",
        "layers one after another: latency is that of one input alone; pipelined_inferences_per_s has every layer work on another input",
        "neighbouring layers lie side by side on the mesh", beside,
    )  # fmt: skip


def lossless_bits(chip: Chip) -> int:
    """Bits of a conversion that loses nothing: ``log2 R + bits per read + bits per cell``, less 1 if either is 1, less 1 by ISAAC's flipping."""
    read, cell = chip.number("bits_per_read"), chip.number("bits_per_cell")
    return math.ceil(math.log2(chip.number("array_rows"))) + int(read + cell) - int(read == 1 or cell == 1) - 1


def _clipped(chip: Chip) -> tuple[str, ...]:
    if (bits := chip.number("adc_bits")) >= (least := lossless_bits(chip)):
        return ()
    return (f"{bits:g}-bit conversions clip sums that need {least}: accuracy is not modelled here",)


def window_bytes(op: Op, tiles: float) -> float:
    """Bytes of the input rows under a convolution's kernel, which its tiles keep while it moves along; per tile."""
    return op["c"] * op["w"] * op["r"] * dtype(op.dtype).bytes / max(1.0, math.ceil(tiles))


def _crowded(steps: Graph, hosts: Mapping[str, Host], chip: Chip) -> tuple[str, ...]:
    """A warning about convolutions whose rows do not fit their tiles' memories."""
    held = chip.number("edram_bytes")
    if not (names := [op.name for op in steps.ops if op.kind == "conv2d" and window_bytes(op, hosts[op.name].tiles) > held]):
        return ()
    first = ", ".join(names[:5]) + (" and more" if len(names) > 5 else "")
    return (f"input rows under the kernel exceed the {held / 1024:g} KiB of their tiles ({len(names)} convolutions: {first}); fetching them again, "
            "or more tiles for their sake, is not priced",)  # fmt: skip
