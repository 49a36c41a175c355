"""Bytes of the compiled model in device memory."""

from __future__ import annotations

import math

from hwsim.core.chip import Chip
from hwsim.core.dtype import dtype
from hwsim.core.graph import Graph
from hwsim.targets.fpga.flightllm.compress import ACTIVATION
from hwsim.targets.fpga.mapping import Options

BIAS_BYTES, GAIN_BYTES = 4.0, 2.0  # a bias per column in 32 bits, a norm's gains in FP16


def parameter_bytes(graph: Graph, options: Options, chip: Chip) -> float:
    """Bytes of a compressed graph's parameters: linear weights in the smaller of the dense and the indexed form, token table in INT8, biases, gains.

    Each weight tensor counts once; a table that also serves as output head is stored twice, in two formats. O(operators).
    """
    seen: set[tuple[str, str]] = set()
    total, index, block = 0.0, chip.number("index_bits"), chip.number("sparse_block")
    for op in graph.ops:
        for operand, name in zip(op.operands, op.inputs, strict=True):
            if graph.tensors[name].role != "weight" or (op.kind, name) in seen:
                continue
            seen.add((op.kind, name))
            count = math.prod(operand.shape)
            if op.kind != "matmul":
                total += count * (dtype(ACTIVATION).bytes if op.kind == "embedding" else GAIN_BYTES)
            elif operand.name == "bias":
                total += count * BIAS_BYTES
            else:
                bits = options.weight_bits or dtype(op.weight_dtype).bits
                indexed = op.weight_density * (bits + index) + 8.0 / block**2
                total += count * (min(bits, indexed) if op.weight_density < 1 else bits) / 8
    return total
