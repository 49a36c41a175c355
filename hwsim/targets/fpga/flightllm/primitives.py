"""FlightLLM's mechanisms in isolation: programs, queues, instruction storage, parameter files, block imbalance of sparse weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import Graph
from hwsim.core.program import Program
from hwsim.core.target import Mapped, Primitive, load_target
from hwsim.readers.load import load_graph
from hwsim.targets.fpga.flightllm.loops import all_programs
from hwsim.targets.fpga.flightllm.parameters import parameter_bytes
from hwsim.targets.fpga.flightllm.plan import model_of
from hwsim.targets.fpga.flightllm.spec import CODE, QUEUES
from hwsim.targets.fpga.mapping import Options, parse_options

GRAPH_ARGUMENTS: dict[str, Any] = dict.fromkeys(
    ("phase", "prompt", "generate", "context", "batch", "dtype", "weight_dtype", "kv_dtype", "weight_density")
)
OPTIONAL = frozenset(GRAPH_ARGUMENTS)
Metrics = Mapping[str, float]
Counts = NDArray[np.float64]


def _graph(arguments: Mapped, **defaults: Any) -> Graph:
    stated = {k: arguments[k] for k in GRAPH_ARGUMENTS if arguments.get(k) is not None}
    return load_graph(str(arguments["trace"]), **{**defaults, **stated})


def _composed(chip: Chip, options: Options) -> Chip:
    from hwsim.targets.fpga.compose import composed  # noqa: PLC0415  (which knows all engines, this one too)

    return composed(chip, options)


def _program(chip: Chip, arguments: Mapped, mapping: Mapped) -> Program:
    program = load_target("fpga").map(_graph(arguments), chip, mapping)
    if program.params["engine_code"][0] != CODE:
        raise InvalidTrace(f"design '{program.chip.text('design')}' has no instruction queues; this primitive is FlightLLM's")
    return program


def _totals(program: Program) -> tuple[Counts, Counts]:
    """(instructions, busy cycles) per queue over the whole program."""
    counts, busy = np.zeros(len(QUEUES)), np.zeros(len(QUEUES))
    for row, times, made in all_programs(program):
        weight = program.counts[row] * times
        counts += weight * made.counts()
        busy += weight * np.bincount(made.queue, weights=made.cycles(program.params[0]), minlength=len(QUEUES))
    return counts, busy


def queue_busy(chip: Chip, arguments: Mapped, mapping: Mapped) -> Metrics:
    """Summed busy time of one queue."""
    at = QUEUES.index(word(arguments, "queue", QUEUES))
    program = _program(chip, arguments, mapping)
    cycles = float(_totals(program)[1][at])
    return {"cycles": cycles, "latency_s": cycles / program.clock_hz}


def instruction_count(chip: Chip, arguments: Mapped, mapping: Mapped) -> Metrics:
    """Instructions of one core's program, in one queue or in all."""
    queue = word(arguments, "queue", (*QUEUES, "all"))
    counts = _totals(_program(chip, arguments, mapping))[0]
    return {"count": float(counts.sum() if queue == "all" else counts[QUEUES.index(queue)])}


def instruction_bytes(chip: Chip, arguments: Mapped, mapping: Mapped) -> Metrics:
    """Bytes of one core's program."""
    program = _program(chip, arguments, mapping)
    return {"bytes": float(_totals(program)[0] @ np.array(program.chip.vector("instruction_bytes")))}


def instruction_storage(chip: Chip, arguments: Mapped, mapping: Mapped) -> Metrics:
    """Bytes of the programs for all lengths: one per bucket of lengths, and per die unless the dies share it through base registers.

    Merged, the LDs and STs that differ only by their channel are stored once and expanded in hardware (arXiv 2401.03868).
    """
    options = parse_options(mapping)
    made = _composed(chip, options)
    longest = whole(arguments, "max_length") if arguments["max_length"] is not None else int(made.number("max_length"))
    dies = whole(arguments, "slrs") if arguments["slrs"] is not None else options.slrs or int(made.number("cores"))
    copies = 1 if options.share_slrs is not False else dies
    kept = 1.0 - made.number("merged_share") if options.merge_channels is not False else 1.0
    decode = math.ceil(longest / made.number("decode_bucket")) * number(arguments, "decode_bytes")
    prefill = math.ceil(longest / made.number("prefill_bucket")) * number(arguments, "prefill_bytes")
    return {"bytes": (decode + prefill) * copies * kept}


def parameters(chip: Chip, arguments: Mapped, mapping: Mapped) -> Metrics:
    """Bytes of the compiled model's parameter files in device memory."""
    options = parse_options(mapping)
    made = _composed(chip, options)
    graph = _graph(arguments, phase="decode", context=1)
    return {"bytes": parameter_bytes(model_of(graph, options, made), options, made)}


def sparse_imbalance(chip: Chip, arguments: Mapped, mapping: Mapped) -> Metrics:
    """Lanes that advance together wait for the one that keeps most: E[max] / E[mean] of N over `lanes`, N drawn evenly from `kept` of M = 16.

    ``E[max] = sum over values v of v (F(v)^lanes - F(v-)^lanes)``; sorted columns give 1.
    """
    lanes, kept = whole(arguments, "lanes"), arguments["kept"]
    if not isinstance(kept, tuple | list) or not kept or any(not isinstance(k, int) or not 0 <= k <= 16 for k in kept):
        raise InvalidTrace(f"kept is a list of non-zeros of 16, got {kept!r}")
    values = sorted(set(kept))
    below = [sum(k <= v for k in kept) / len(kept) for v in values]
    most = sum(v * (f**lanes - g**lanes) for v, f, g in zip(values, below, [0.0, *below[:-1]], strict=True))
    mean = sum(kept) / len(kept)
    if not mean:
        raise InvalidTrace("kept keeps nothing")
    return {"count": most / mean, "utilisation": mean / most}


_QUEUE = {"queue": None, "trace": None, **GRAPH_ARGUMENTS}
PRIMITIVES = {
    made.name: made
    for made in (
        Primitive("queue_busy", "summed busy time of one instruction queue", queue_busy, _QUEUE, OPTIONAL),
        Primitive("instruction_count", "instructions of one core's program", instruction_count, {**_QUEUE, "queue": "all"}, OPTIONAL),
        Primitive("instruction_bytes", "bytes of one core's program", instruction_bytes, {"trace": None, **GRAPH_ARGUMENTS}, OPTIONAL),
        Primitive("instruction_storage", "bytes of the programs for all lengths", instruction_storage,
                  {"decode_bytes": None, "prefill_bytes": None, "slrs": None, "max_length": None}, frozenset({"slrs", "max_length"})),
        Primitive("parameter_bytes", "bytes of a compiled model's parameters", parameters, {"trace": None, **GRAPH_ARGUMENTS}, OPTIONAL),
        Primitive("sparse_imbalance", "what lanes with different N of N:M sparsity lose", sparse_imbalance, {"lanes": None, "kept": (2, 4, 8, 16)}),
    )
}  # fmt: skip
