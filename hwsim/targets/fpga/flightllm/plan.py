"""Lays a decoder's graph out as FlightLLM programs: formats, fusion, lengths, memory."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.core.encoding import operator_table, resident_bytes
from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.core.graph import Graph
from hwsim.core.kept import Kept
from hwsim.targets.fpga.engine import Plan
from hwsim.targets.fpga.flightllm.compress import Formats, compressed, formats, quantised
from hwsim.targets.fpga.flightllm.encode import Encoder
from hwsim.targets.fpga.flightllm.parameters import parameter_bytes
from hwsim.targets.fpga.layout import OP_DTYPE
from hwsim.targets.fpga.mapping import Options

STORAGE = ("share_slrs", "merge_channels", "slrs")
READ = (  # constants of the composed chip that a plan depends on
    "max_length", "decode_bucket", "prefill_bucket", "linear_bits", "cache_bits", "qk_density", "index_bits", "sparse_block", "mask_block",
    "mask_row_blocks", "lambda_sink_tokens", "lambda_window_tokens", "mv_granule_n", "mm_granule_n", "mm_granule_m", "hbm_bytes",
)  # fmt: skip
_MODELS: Kept[tuple[str, Formats], Graph] = Kept()
_PLANS: Kept[tuple[object, ...], Plan] = Kept()


def model_of(graph: Graph, options: Options, chip: Chip) -> Graph:
    """Return the graph in the design's formats; the last ones are kept."""
    wanted = formats(options, chip)
    return _MODELS.get((graph.key, wanted), lambda: compressed(graph, wanted))


def check_length(graph: Graph, chip: Chip) -> None:
    """Refuse a request longer than the compiled programs. Raises `Infeasible`."""
    meta = graph.meta
    tokens = int(meta.get("context", 0)) or int(meta.get("prompt", 0)) + int(meta.get("generate", 0))
    if tokens > (most := chip.number("max_length")):
        raise Infeasible(f"tokens of a sequence on {chip.name}", demand=tokens, bound=most, unit="tokens",
                         levers=("a shorter prompt, context or generation", "max_length of the design"))  # fmt: skip


def resident(model: Graph, options: Options, chip: Chip) -> float:
    """Bytes that stay in HBM: parameters and caches."""
    return parameter_bytes(model, options, chip) + resident_bytes(model) - model.weight_bytes


def check_memory(needed: float, chip: Chip, *, board: bool) -> tuple[str, ...]:
    """Refuse a model that the HBM does not hold; the authors' simulator knows no capacity, so a replay of it warns. Raises `Infeasible`."""
    have = chip.number("hbm_bytes")
    if needed > have and not board:
        return (f"the authors' simulator checks no capacity: {needed / 1e9:.3g} GB do not fit the {have / 1e9:.3g} GB of {chip.name}",)
    if needed > have:
        raise Infeasible(f"parameters and KV cache in the HBM of {chip.name}", demand=needed, bound=have, unit="bytes",
                         levers=("fewer weight_bits", "a shorter context or smaller batch", "a device with more HBM"))  # fmt: skip
    return ()


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Return the programs of a graph; the last ones are kept. Raises `Infeasible` for what is too long or does not fit the memory."""
    key = (graph.key, options, chip.name, *(chip.param(name).value for name in READ))
    return _PLANS.get(key, lambda: made_plan(graph, options, chip))


def made_plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Lay a graph out; nothing is kept. O(operators). Raises `Infeasible`."""
    if strange := [name for name in STORAGE if name in options.stated]:
        raise InvalidMapping(f"{', '.join(strange)}: an option of the primitive instruction_storage; a run depends on cores and the buckets alone")
    check_length(graph, chip)
    model = model_of(graph, options, chip)
    encoder = Encoder.of(model, chip, options)
    table = operator_table(model, OP_DTYPE, encoder)
    memory = resident(model, options, chip)
    warnings = check_memory(memory, chip, board=encoder.board)
    numbers = {
        "fl_board": float(encoder.board), "fl_core_efficiency": options.core_efficiency or 0.0, "fl_hbm_efficiency": options.hbm_efficiency or 0.0,
        "fl_hbm_bytes_per_s": options.hbm_bandwidth_bytes_per_s or 0.0, "fl_serial": float(options.overlap is False),
    }  # fmt: skip
    stated = {"timing": "board" if encoder.board else "authors_simulator", "attention_mask": encoder.mask, "overlap": options.overlap is not False}
    return Plan(model, table, numbers=numbers, stated=stated, figures={"memory_bytes": memory}, assumptions=_assumptions(graph, encoder),
                warnings=warnings)  # fmt: skip


def _assumptions(graph: Graph, encoder: Encoder) -> tuple[str, ...]:
    notes = []
    if any(quantised(op) for op in graph.ops):
        bits = encoder.options.weight_bits or encoder.chip.number("linear_bits")
        notes.append(f"quantised by the design's compiler: INT8 activations and cache, {bits:g}-bit linear weights, Q and K projections sparse")
    if encoder.board:
        notes.append("board timing: stream efficiency of the device, a gap per load, pipeline fills; core efficiency fitted to one board figure")
    else:
        notes.append("timing of the FlightLLM authors' own simulator, replayed: to agree with it is to agree with their model, not with hardware")
    if graph.phase in ("prefill", "generate"):
        notes.append(f"prompts run padded to the next compiled length, the output head on every row; attention mask: {encoder.mask}")
    if graph.phase in ("decode", "generate"):
        notes.append("each step runs the program of the next compiled length; every new token copies the cache once (concatenation)")
    return tuple(notes)
