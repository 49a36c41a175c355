"""To prune, or not to prune: sizes of sparse networks beside dense ones of equal footprint, bytes of sparse formats."""

from __future__ import annotations

import hwsim
from hwsim.claims import Claim, count
from hwsim.core.graph import Graph, single_op

PAPER = "To prune, or not"
TABLE = "derived from the published layer table: 1 x 1 convolutions and the classifier pruned"
KERAS = "Keras documentation of MobileNet-V1"
DENSE = {1.0: (4.2, 569), 0.75: (2.6, 325), 0.5: (1.3, 149), 0.25: (0.5, 41)}  # width: M parameters, M multiply-adds
SPARSE = {0.5: 2.13, 0.75: 1.09, 0.9: 0.46, 0.95: 0.25}  # sparsity: M non-zeros
LSTM = {200: 4.6, 650: 19.8, 1500: 66.0}  # hidden units: M parameters


def weights(graph: Graph) -> int:
    """Parameters of a network with its normalisations (scale and shift of every batch norm)."""
    own = sum(t.elements for t in graph.tensors.values() if t.role == "weight")
    return own + sum(2 * op["cols"] for op in graph.ops if op.function == "batch_norm" and not any("weight" in t for t in op.inputs))


def non_zeros(sparsity: float) -> float:
    """Weights of MobileNet-V1 that stay when 1 x 1 convolutions and the classifier are pruned; the stem and depthwise layers stay dense."""
    left = 0.0
    for op in hwsim.load_graph("mobilenet-v1", dtype="fp32").ops:
        if op.kind == "matmul":
            left += (1 - sparsity) * op["k"] * op["n"] + op["bias"] * op["n"]
        elif op.kind == "conv2d":
            count = op["k"] * op["c"] // op["groups"] * op["r"] * op["s"]
            left += count * (1 - sparsity if op["r"] == 1 else 1.0)
    return left


def lstm(hidden: int, vocabulary: int = 10000) -> int:
    """Weights of a two-layer language model of PTB: two LSTMs, table and softmax."""
    layer = single_op("lstm", input_size=hidden, hidden_size=hidden, dtype="fp32")
    table = single_op("matmul", m=1, k=hidden, n=vocabulary, dtype="fp32")
    return 2 * layer.ops[0].macs + 2 * table.ops[0].macs


def bytes_over_dense(density: float, bits: float) -> tuple[float, float]:
    """Bytes of bitmask and of 16-bit index formats over dense ones: d + 1 / b and d (b + 16) / b."""
    return density + 1 / bits, density * (bits + 16) / bits


def claims() -> list[Claim]:
    """Parameter counts and footprints."""
    found = []
    for width, (params, macs) in DENSE.items():
        graph = hwsim.load_graph("mobilenet-v1", width=width, dtype="fp32")
        found.append(count(PAPER, f"MobileNet-V1 width {width}: parameters", params, weights(graph) / 1e6, "M", tolerance=0.08,
                           carries="the layer table; published to two digits", source=KERAS))  # fmt: skip
        found.append(count(PAPER, f"MobileNet-V1 width {width}: multiply-adds", macs, graph.macs / 1e6, "M", tolerance=0.02,
                           carries="the layer table", source=KERAS))  # fmt: skip
    for sparsity, left in SPARSE.items():
        found.append(count(PAPER, f"MobileNet-V1 at {sparsity:.0%} sparsity: non-zeros", left, non_zeros(sparsity) / 1e6, "M", tolerance=0.03,
                           carries="stem and depthwise layers stay dense", source=TABLE, basis="derived"))  # fmt: skip
    for hidden, params in LSTM.items():
        found.append(count(PAPER, f"PTB LSTM of {hidden} units: parameters", params, lstm(hidden) / 1e6, "M", tolerance=0.02,
                           carries="two layers, table and softmax of 10,000 words", basis="derived",
                           source="derived from the layer sizes: 2 x 8 h^2 + 2 x 10,000 h"))  # fmt: skip
    dense, sparse = weights(hwsim.load_graph("mobilenet-v1", dtype="fp32")), non_zeros(0.9)
    mask, index = bytes_over_dense(0.1, 32)
    found.append(count(PAPER, "non-zeros of MobileNet-V1, dense over 90 % sparse (up to 10x)", 10.0, dense / sparse, "x", tolerance=0.15,
                       carries="which layers stay dense; not bytes: a tensor of density 0.1 in fp32 falls "
                       f"{1 / mask:.1f}x with a bitmask, {1 / index:.1f}x with 16-bit indices", source="abstract: up to 10x fewer non-zeros"))
    return found
