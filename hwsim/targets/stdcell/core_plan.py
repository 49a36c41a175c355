"""What a chip with a core or an array makes of a graph: passes that are fused, what stays on the chip, one record per operator.

Normalisation with stored statistics, offsets and rectifiers are part of the layer before: its results are scaled and clamped anyway. Where weights
and the largest set of live maps fit the SRAM, nothing moves; where only the maps fit half of it, weights come from DRAM once; else every operator's
operands do, in tiles of half the SRAM, the smaller of (inputs again for every tile of weights) and (weights again for every tile of inputs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwsim.core.chip import Chip
from hwsim.core.dtype import dtype
from hwsim.core.encoding import Fields, LeftOut
from hwsim.core.errors import Infeasible
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.stdcell.core_array import Array, Folds, deepest, on_array
from hwsim.targets.stdcell.core_kernels import Mix, Unpriced, attention_softmax, instructions, recurrent_elements, sharing
from hwsim.targets.stdcell.core_layout import CLASSES, SCALAR
from hwsim.targets.stdcell.core_mapping import CoreOptions

FUSED = ("batch_norm", "relu", "relu6", "bias", "scale", "clip")
LAYERS = ("conv2d", "matmul")
FUSED_PASS = LeftOut("part of the layer before", deliberate=True)
RESIDENT, MAPS_STAY, STREAMED = "resident", "maps stay", "streamed"
TILE = 0.5  # of the SRAM: the other half is loaded meanwhile


@dataclass(frozen=True)
class Machine:
    """A chip with its options: what runs on an array (None: it has none), on a core, and the SRAM that holds operands."""

    chip: Chip
    options: CoreOptions
    array: Array | None
    has_core: bool
    sram_bytes: float
    has_dram: bool


def machine(chip: Chip, options: CoreOptions) -> Machine:
    """The machine of a chip file."""
    array = None
    if chip.text("core") != SCALAR:
        size = {name: int(chip.number(name)) for name in ("rows", "cols", "operand_bits", "accumulator_bits")}
        array = Array(dataflow=options.dataflow or chip.text("dataflows").split()[0], **size)
    held = chip.number("buffer_bytes" if array else "dmem_bytes")
    return Machine(chip, options, array, "core_clock_hz" in chip.params, held, "dram_bytes_per_s" in chip.params)


@dataclass(frozen=True)
class Plan:
    """`fused` passes (indices), and where operands stay."""

    fused: frozenset[int]
    residence: str
    weights: float
    live: float


def plan(graph: Graph, m: Machine) -> Plan:
    """Which passes are fused and where operands stay. Raises `Infeasible` when they fit no memory."""
    fused, root = _fused(graph)
    weights, live = graph.weight_bytes, _live_bytes(graph, fused, root)
    if weights + live <= m.sram_bytes and not m.options.stream:
        return Plan(fused, RESIDENT, weights, live)
    if not m.has_dram:
        name = "buffer_bytes" if m.array else "dmem_bytes"
        raise Infeasible("the weights and the largest set of live maps", demand=weights + live, bound=m.sram_bytes, unit="bytes of SRAM",
                         levers=(f"a larger {name}", "a chip with DRAM", "a narrower network or a smaller input"))  # fmt: skip
    return Plan(fused, MAPS_STAY if live <= TILE * m.sram_bytes and not m.options.stream else STREAMED, weights, live)


def _fused(graph: Graph) -> tuple[frozenset[int], dict[str, str]]:
    """(indices of fused passes, the tensor that stands for each tensor behind them)."""
    fused, root, layer = set[int](), dict[str, str](), set[str]()
    for at, op in enumerate(graph.ops):
        if op.kind in LAYERS:
            layer.update(op.outputs)
        elif op.kind == "elementwise" and op.function in FUSED and op["operands"] == 1 and op.inputs[0] in layer:
            fused.add(at)
            layer.update(op.outputs)
            root[op.outputs[0]] = root.get(op.inputs[0], op.inputs[0])
    return frozenset(fused), root


def _live_bytes(graph: Graph, fused: frozenset[int], root: Mapping[str, str]) -> float:
    """The largest sum of maps that an operator reads or writes, and that later ones still need."""
    last = {root.get(t, t): at for at, op in enumerate(graph.ops) for t in op.inputs}
    live: dict[str, float] = {}
    most = 0.0
    for at, op in enumerate(graph.ops):
        if at in fused:
            continue
        for name in (*op.inputs, *op.outputs):
            if graph.tensors[name].role != "weight":
                live[root.get(name, name)] = graph.tensors[name].bytes
        most = max(most, sum(live.values()))
        live = {name: size for name, size in live.items() if last.get(name, -1) > at}
    return most


def dram_traffic(op: Op, m: Machine, residence: str) -> tuple[float, float]:
    """(bytes to and from DRAM, bytes of the first tile) of one execution."""
    if residence == RESIDENT:
        return 0.0, 0.0
    tile = TILE * m.sram_bytes
    if residence == MAPS_STAY:
        return op.weight_bytes, min(op.weight_bytes, tile)
    weights, inputs = op.weight_bytes, op.input_bytes
    if weights + inputs + op.output_bytes <= tile or not weights:
        loaded = weights + inputs
    else:
        loaded = min(weights + inputs * max(1, -(-weights // tile)), inputs + weights * max(1, -(-inputs // tile)))
    return loaded + op.output_bytes, min(weights + inputs, tile)


def encode(op: Op, m: Machine, residence: str) -> Fields | LeftOut:
    """The record of an operator, or why it has no model."""
    at_once = m.options.outputs_at_once or 1
    bits = dtype(op.dtype).bits
    made = None
    if m.array is not None and _integer(op) and max(bits, dtype(op.weight_dtype).bits) <= m.array.operand_bits:
        made = on_array(m.array, op)
    rest = _beside_array(op) if made is not None else instructions(op, at_once)
    if isinstance(rest, Unpriced):
        return LeftOut(rest.reason)
    if rest != Mix() and not m.has_core:
        return LeftOut("the array multiplies only, and no core stands beside it")
    moved, first = dram_traffic(op, m, residence)
    fields = {name: getattr(rest, name) for name in (*CLASSES, "products", "wide")}
    return {
        **fields, **_folds(made), "bits": float(bits), "sharing": float(sharing(op, at_once) if made is None else 1),
        "element_bytes": max(1.0, dtype(op.dtype).bytes), "dram_bytes": moved, "first_bytes": first,
    }  # fmt: skip


def _integer(op: Op) -> bool:
    return op.dtype.startswith(("int", "uint")) and op.weight_dtype.startswith(("int", "uint"))


def _beside_array(op: Op) -> Mix:
    """What a core does for an operator whose products run on the array."""
    if op.kind == "attention":
        return attention_softmax(op)
    return recurrent_elements(op) if op.kind in ("lstm", "gru") else Mix()


def _folds(made: Folds | None) -> Fields:
    if made is None:
        return {}
    return {
        "array_macs": made.macs, "folds": made.folds, "fold_cycles": made.cycles / made.folds, "drain_cycles": made.drain / made.folds,
        "buffer_read_bytes": made.read_bytes, "buffer_write_bytes": made.write_bytes, "outputs": made.outputs,
    }  # fmt: skip


def notes(graph: Graph, m: Machine, p: Plan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(assumptions, warnings) of a plan."""
    said = ["operands are integers; sums are brought back to the format of the results by a scale of 16 bits, a shift and two bounds"]
    if p.fused:
        said.append("normalisation with stored statistics, offsets and rectifiers are part of the layer before")
    if m.has_core:
        said.append("the core runs plain loops out of instruction SRAM that holds the whole program; its SRAMs have a port for transfers from DRAM")
        said.append("the energy of a core's cycle is that of nets that switch at random, not of the program")
    if m.array is not None:
        said.append("energy, area and clock of the array are those of the block, element by element; its results are scaled in an output stage")
        if m.array.dataflow != "os":
            said.append(f"dataflow {m.array.dataflow}: an element as that of the block, whose results stay in place")
    if p.residence != RESIDENT:
        what = "weights come" if p.residence == MAPS_STAY else "weights and maps come and go"
        said.append(f"{what} through DRAM, behind the work but for the first tile; its idle power is not counted")
    warned = []
    if m.array is not None and (depth := max((deepest(op) for op in graph.ops), default=0)) > (most := _safe_depth(m.array)):
        warned.append(f"sums of up to {depth} products: {m.array.accumulator_bits} bits hold {most} of the largest operands for certain")
    return tuple(said), tuple(warned)


def _safe_depth(array: Array) -> int:
    """Products of the largest operands that a sum holds."""
    return int((2 ** (array.accumulator_bits - 1) - 1) // 2 ** (2 * array.operand_bits - 2))
