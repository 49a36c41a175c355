"""The built-in kinds of operator, each declared in one place. To add one, add an `OpKind` here; targets then price it or refuse it.

Loop bounds carry the usual names: matmul is C[m, n] += A[m, k] B[k, n]; a convolution reads c channels and writes k.
"""

from __future__ import annotations

from hwsim.core.op import Bounds, Operand, OpKind, Shape, register

CONCAT_PARTS = tuple(f"c{i}" for i in range(8))
ACTIVATIONS = {
    "relu": 1, "relu6": 2, "leaky_relu": 2, "sigmoid": 4, "hardsigmoid": 3, "tanh": 5, "silu": 5, "mish": 10, "gelu": 8, "softplus": 4,
    "hardswish": 4, "exp": 1, "elu": 3, "selu": 3, "softsign": 3,
}  # fmt: skip
POINTWISE = {
    "abs": 1, "neg": 1, "sqrt": 4, "log": 4, "erf": 8, "pow": 8, "sin": 8, "cos": 8, "reciprocal": 1, "round": 1, "clip": 2, "max": 1, "min": 1,
    "where": 1, "compare": 1,
}  # fmt: skip
BINARY = {"add": 1, "sub": 1, "mul": 1, "div": 1, "silu_mul": 6, "gelu_mul": 9, "copy": 0, "cast": 1, "scale": 1, "bias": 1, "batch_norm": 2}


def _matmul_operands(b: Bounds) -> tuple[Operand, ...]:
    """`ragged` > 0: that many rows in all, spread unevenly over the batch, of which the longest part has `m` (a grouped product)."""
    stored = (b["pool"] or b["batch"]) // b["shared"]
    right = Operand("weight", (stored, b["k"], b["n"]), "weight", "weight", b["batch"] // b["shared"] * b["k"] * b["n"])
    bias = (Operand("bias", (b["n"],), "weight", "weight"),) if b["bias"] else ()
    left = (b["ragged"], b["k"]) if b["ragged"] else (b["batch"], b["m"], b["k"])
    return (Operand("input", left), right, *bias)


def _matmul_rows(b: Bounds) -> int:
    return b["ragged"] or b["batch"] * b["m"]


def _matmul_complaint(b: Bounds) -> str | None:
    if b["batch"] % b["shared"]:
        return f"shared {b['shared']} does not divide batch {b['batch']}"
    if b["ragged"] and not (b["m"] <= b["ragged"] <= b["batch"] * b["m"]):
        return f"ragged {b['ragged']} rows are no {b['batch']} parts of at most {b['m']} rows"
    return None


def conv_output(size: int, kernel: int, b: Bounds) -> int:
    """Output height or width of a convolution or pool: floor((size + 2 pad - dilation (kernel - 1) - 1) / stride) + 1.

    With the flag `same` it is ceil(size / stride): padded as needed, unevenly at the two ends or in the two directions where the sizes call for it.
    With the flag `flat` (a sequence: h and r are 1) only the width is padded.
    """
    if b.get("flat") and size == kernel == 1:
        return 1
    if b.get("same"):
        return -(-size // b["stride"])
    return (size + 2 * b["pad"] - b.get("dilation", 1) * (kernel - 1) - 1) // b["stride"] + 1


def _conv_result(b: Bounds) -> Shape:
    return (b["n"], b["k"], conv_output(b["h"], b["r"], b), conv_output(b["w"], b["s"], b))


def _conv_operands(b: Bounds) -> tuple[Operand, ...]:
    weight = Operand("weight", (b["k"], b["c"] // b["groups"], b["r"], b["s"]), "weight", "weight")
    bias = (Operand("bias", (b["k"],), "weight", "weight"),) if b["bias"] else ()
    return (Operand("input", (b["n"], b["c"], b["h"], b["w"])), weight, *bias)


def _conv_macs(b: Bounds) -> int:
    n, k, oh, ow = _conv_result(b)
    return n * k * oh * ow * (b["c"] // b["groups"]) * b["r"] * b["s"]


def _window_complaint(b: Bounds) -> str | None:
    if b.get("flat") and (b["flat"] > 1 or b["same"] or b["h"] > 1 or b["r"] > 1 or b["s"] < 2):
        return f"flat (0 or 1) pads the width of a sequence: h 1, r 1, s above 1, not same; got h {b['h']}, r {b['r']}, s {b['s']}"
    if b["same"] and (b["same"] > 1 or b["pad"]):
        return f"same (0 or 1) takes no pad, got same {b['same']}, pad {b['pad']}"
    if conv_output(b["h"], b["r"], b) < 1 or conv_output(b["w"], b["s"], b) < 1:
        return f"the {b['r']} x {b['s']} window is larger than the padded {b['h']} x {b['w']} input"
    return None


def _conv_complaint(b: Bounds) -> str | None:
    if b["c"] % b["groups"] or b["k"] % b["groups"]:
        return f"groups {b['groups']} does not divide the channels (c {b['c']}, k {b['k']})"
    return _window_complaint(b)


def attended_pairs(b: Bounds) -> int:
    """(query, key) pairs per head: q x kv, or with a causal mask q kv - q (q - 1) / 2 (queries are the last q of kv positions)."""
    window = min(b["window"] or b["kv"], b["kv"])
    if not b["causal"]:
        return b["q"] * window
    first = b["kv"] - b["q"] + 1
    rising = max(0, min(b["q"], window - first))
    return rising * first + rising * (rising - 1) // 2 + (b["q"] - rising) * window


def _attention_operands(b: Bounds) -> tuple[Operand, ...]:
    """Query, key cache, value cache; with `new`, the last `new` positions come as operands of their own (or, `fused`, beside the query)."""
    batch, q, new, kv_heads = b["batch"], b["q"], b["new"], b["kv_heads"] or b["heads"]
    row = kv_heads * b["head_dim"]
    seen = min(b["window"] + q - 1 if b["window"] else b["kv"], b["kv"])
    cached = batch * max(0, seen - new) * row
    query = Operand("query", (batch, q, b["heads"] * b["head_dim"] + 2 * row * b["fused"]))
    caches = tuple(Operand(name, (batch, b["kv"], kv_heads, b["head_dim"]), "kv_cache", "cache", cached) for name in ("key", "value"))
    if not new or b["fused"]:
        return (query, *caches)
    return (query, *caches, Operand("new_key", (batch, new, row)), Operand("new_value", (batch, new, row)))


def _attention_complaint(b: Bounds) -> str | None:
    if b["kv_heads"] and b["heads"] % b["kv_heads"]:
        return f"kv_heads {b['kv_heads']} does not divide heads {b['heads']}"
    if b["causal"] and b["q"] > b["kv"]:
        return f"causal attention of {b['q']} queries needs at least as many keys, got {b['kv']}"
    if b["new"] > b["kv"]:
        return f"new {b['new']} exceeds the {b['kv']} positions"
    if b["fused"] and (b["fused"] > 1 or b["new"] != b["q"]):
        return f"fused (0 or 1) query, key and value need new = q, got fused {b['fused']}, new {b['new']}, q {b['q']}"
    return None


def _rows_cols(b: Bounds) -> tuple[Shape, ...]:
    return ((b["rows"], b["cols"]),)


def _elementwise_operands(b: Bounds) -> tuple[Operand, ...]:
    if b["fused"]:  # the operands lie side by side in the rows of one tensor
        return (Operand("input0", (b["rows"], b["operands"] * b["cols"])),)
    return tuple(Operand(f"input{i}", (b["rows"], b["cols"])) for i in range(b["operands"]))


def _norm_operands(b: Bounds) -> tuple[Operand, ...]:
    """`source_rows` > 0: the input has that many rows, of which only `rows` are normalised (the last token of each prompt)."""
    gain = (Operand("weight", (b["cols"],), "weight", "weight"),) if b["weights"] > 0 else ()
    offset = (Operand("bias", (b["cols"],), "weight", "weight"),) if b["weights"] > 1 else ()
    return (Operand("input", (b["source_rows"] or b["rows"], b["cols"]), touched=b["rows"] * b["cols"]), *gain, *offset)


def _ssm_operands(b: Bounds) -> tuple[Operand, ...]:
    """With heads: inputs beside B and C of every group, and a step size per head; without: inputs and a forget gate per channel."""
    rows, channels = (b["batch"], b["steps"]), b["channels"]
    state = Operand("state", (b["batch"], channels, b["state"]))
    if not b["heads"]:
        return (Operand("input", (*rows, channels)), Operand("forget", (*rows, channels)), state)
    wide = channels + 2 * b["groups"] * b["state"]
    weights = Operand("weight", (3, b["heads"]), "weight", "weight")  # A, D and the step's offset
    return (Operand("input", (*rows, wide)), weights, Operand("step", (*rows, b["heads"])), state)


def _ssm_elementary(b: Bounds) -> int:
    """Decay of every state element, and per input the step (softplus, exponential, product) and the way past it; or forget x + (1 - forget) y."""
    per_step = b["channels"] * (b["state"] + 2) + 6 * b["heads"] if b["heads"] else 3 * b["channels"] * b["state"]
    return b["batch"] * b["steps"] * per_step


def _ssm_complaint(b: Bounds) -> str | None:
    if b["heads"] and (b["channels"] % b["heads"] or b["heads"] % b["groups"]):
        return f"heads {b['heads']} must divide the {b['channels']} channels and be a multiple of groups {b['groups']}"
    return None


def _recurrent(name: str, gates: int, projected: bool) -> OpKind:
    """`projection_size` > 0: the output, and so the state that comes back, is that many linear sums of the hidden units.

    `bias_rows`: rows that a machine adds to the gate matrix for the bias; they are no work of the network.
    """

    def returned(b: Bounds) -> int:
        return b.get("projection_size", 0) or b["hidden_size"]

    def operands(b: Bounds) -> tuple[Operand, ...]:
        weight = Operand("weight", (gates * b["hidden_size"], b["input_size"] + returned(b)), "weight", "weight")
        bias = Operand("bias", (gates * b["hidden_size"],), "weight", "weight")
        out = (Operand("projection", (b["hidden_size"], returned(b)), "weight", "weight"),) if b.get("projection_size", 0) else ()
        return (Operand("input", (b["steps"], b["batch"], b["input_size"])), weight, bias, *out)

    def macs(b: Bounds) -> int:
        projection = b["hidden_size"] * b.get("projection_size", 0)
        return b["steps"] * b["batch"] * (gates * b["hidden_size"] * (b["input_size"] + returned(b)) + projection)

    return OpKind(
        name, ("input_size", "hidden_size"), operands,
        results=lambda b: ((b["steps"], b["batch"], returned(b)),), macs=macs,
        elementary=lambda b: b["steps"] * b["batch"] * b["hidden_size"] * (5 * gates + 4),
        defaults={"batch": 1, "steps": 1, "bias_rows": 0, **({"projection_size": 0} if projected else {})},
        check=lambda b: f"bias_rows is 0 or 1, got {b['bias_rows']}" if b["bias_rows"] > 1 else None,
    )  # fmt: skip


def _collective(name: str, adds: int) -> OpKind:
    return OpKind(
        name, ("elements",), lambda b: (Operand("input", (b["elements"],)),),
        results=lambda b: ((b["elements"],),), elementary=lambda b: adds * b["elements"], functions={"sum": 1, "max": 1},
    )  # fmt: skip


register(OpKind(
    "matmul", ("m", "k", "n"), _matmul_operands,
    results=lambda b: ((b["ragged"], b["n"]) if b["ragged"] else (b["batch"], b["m"], b["n"]),),
    macs=lambda b: _matmul_rows(b) * b["k"] * b["n"], elementary=lambda b: b["bias"] * _matmul_rows(b) * b["n"],
    defaults={"batch": 1, "shared": 1, "pool": 0, "bias": 0, "ragged": 0}, check=_matmul_complaint,
))  # fmt: skip
register(OpKind(
    "conv2d", ("n", "c", "h", "w", "k", "r", "s"), _conv_operands, results=lambda b: (_conv_result(b),), macs=_conv_macs,
    defaults={"stride": 1, "pad": 0, "groups": 1, "dilation": 1, "bias": 0, "same": 0, "flat": 0}, check=_conv_complaint,
))  # fmt: skip
register(OpKind(
    "attention", ("heads", "q", "kv", "head_dim"), _attention_operands,
    results=lambda b: ((b["batch"], b["q"], b["heads"] * b["head_dim"]),),
    macs=lambda b: 2 * b["batch"] * b["heads"] * b["head_dim"] * attended_pairs(b),
    elementary=lambda b: 6 * b["batch"] * b["heads"] * attended_pairs(b),
    defaults={"batch": 1, "kv_heads": 0, "causal": 0, "window": 0, "new": 0, "fused": 0}, check=_attention_complaint,
))  # fmt: skip
register(OpKind(
    "softmax", ("rows", "cols"), lambda b: (Operand("input", (b["rows"], b["cols"])),), _rows_cols,
    elementary=lambda b: 5 * b["rows"] * b["cols"], defaults={"causal": 0},
))  # fmt: skip
register(OpKind(
    "norm", ("rows", "cols"), _norm_operands, _rows_cols, elementary=lambda b: b["rows"] * b["cols"],
    defaults={"weights": 0, "source_rows": 0}, functions={"rms": 4, "layer": 7},
    check=lambda b: f"source_rows {b['source_rows']} is fewer than rows {b['rows']}" if 0 < b["source_rows"] < b["rows"] else None,
))  # fmt: skip
register(OpKind(
    "elementwise", ("rows", "cols"), _elementwise_operands, _rows_cols,
    elementary=lambda b: b["rows"] * b["cols"], defaults={"operands": 1, "fused": 0}, functions={**ACTIVATIONS, **POINTWISE, **BINARY},
))  # fmt: skip
register(OpKind(
    "rope", ("rows", "heads", "head_dim"), lambda b: (Operand("input", (b["rows"], (b["heads"] + b["carried"]) * b["head_dim"])),),
    results=lambda b: ((b["rows"], (b["heads"] + b["carried"]) * b["head_dim"]),),
    elementary=lambda b: 3 * b["rows"] * b["heads"] * b["head_dim"],
    defaults={"carried": 0},  # heads of the same tensor that pass unrotated (the values of a fused query, key and value)
))  # fmt: skip
register(OpKind(
    "embedding", ("rows", "vocab", "cols"),
    lambda b: (Operand("ids", (b["rows"],), dtype="int32"),
               Operand("weight", (b["vocab"], b["cols"]), "weight", "weight", b["rows"] * b["cols"])),
    _rows_cols,
))  # fmt: skip
register(OpKind(
    "pool", ("n", "c", "h", "w", "r", "s"), lambda b: (Operand("input", (b["n"], b["c"], b["h"], b["w"])),),
    results=lambda b: ((b["n"], b["c"], conv_output(b["h"], b["r"], b), conv_output(b["w"], b["s"], b)),),
    elementary=lambda b: b["n"] * b["c"] * conv_output(b["h"], b["r"], b) * conv_output(b["w"], b["s"], b) * b["r"] * b["s"],
    defaults={"stride": 1, "pad": 0, "same": 0}, functions={"max": 1, "average": 1}, check=_window_complaint,
))  # fmt: skip
register(OpKind(  # columns of two to eight tensors side by side
    "concat", ("rows", "c0", "c1"), lambda b: tuple(Operand(f"input{i}", (b["rows"], b[c])) for i, c in enumerate(CONCAT_PARTS) if b[c]),
    results=lambda b: ((b["rows"], sum(b[c] for c in CONCAT_PARTS)),), defaults=dict.fromkeys(CONCAT_PARTS[2:], 0),
))  # fmt: skip
for _name, _adds in (("reduce", 1), ("broadcast", 0), ("allreduce", 1), ("shift", 0)):
    register(_collective(_name, _adds))
register(_recurrent("lstm", 4, projected=True))
register(_recurrent("gru", 3, projected=False))
register(OpKind(
    # a linear recurrence over `steps` tokens: h = decay h + step x B, y = C h + D x (Mamba-2, arXiv 2405.21060, in its recurrent form), or without
    # heads h = forget h + (1 - forget) x for every channel (HGRN); reads and writes the state once
    "ssm", ("channels", "state"), _ssm_operands,
    results=lambda b: ((b["batch"], b["steps"], b["channels"]), (b["batch"], b["channels"], b["state"])),
    macs=lambda b: 2 * b["batch"] * b["steps"] * b["channels"] * b["state"] if b["heads"] else 0,
    elementary=_ssm_elementary, defaults={"batch": 1, "steps": 1, "heads": 0, "groups": 1}, check=_ssm_complaint,
))  # fmt: skip
register(OpKind(
    "moe_routing", ("rows", "experts", "top"), lambda b: (Operand("scores", (b["rows"], b["experts"])),),
    results=lambda b: ((b["rows"], b["top"]),), elementary=lambda b: b["rows"] * (b["experts"] * (4 + b["top"]) + 2 * b["top"]),
    check=lambda b: f"top {b['top']} exceeds the {b['experts']} experts" if b["top"] > b["experts"] else None,
))  # fmt: skip
register(OpKind(  # gather the rows of each expert; `slots` (0 = rows x top) counts them with padding
    "moe_dispatch", ("rows", "cols", "top"),
    lambda b: (Operand("input", (b["rows"], b["cols"])), Operand("choice", (b["rows"], b["top"]))),
    results=lambda b: ((b["slots"] or b["rows"] * b["top"], b["cols"]),), defaults={"slots": 0},
    check=lambda b: f"slots {b['slots']} hold fewer than rows x top" if 0 < b["slots"] < b["rows"] * b["top"] else None,
))  # fmt: skip
register(OpKind(  # the weighted sum of each row's experts
    "moe_combine", ("rows", "cols", "top"),
    lambda b: (Operand("input", (b["slots"] or b["rows"] * b["top"], b["cols"]), touched=b["rows"] * b["top"] * b["cols"]),
               Operand("choice", (b["rows"], b["top"]))),
    results=_rows_cols, elementary=lambda b: 2 * b["rows"] * b["top"] * b["cols"], defaults={"slots": 0},
    check=lambda b: f"slots {b['slots']} hold fewer than rows x top" if 0 < b["slots"] < b["rows"] * b["top"] else None,
))  # fmt: skip
register(OpKind(
    "topk", ("rows", "cols", "top"), lambda b: (Operand("input", (b["rows"], b["cols"])),),
    results=lambda b: ((b["rows"], b["top"]),), elementary=lambda b: b["rows"] * b["cols"] * b["top"],
    check=lambda b: f"top {b['top']} exceeds the {b['cols']} columns" if b["top"] > b["cols"] else None,
))  # fmt: skip
register(OpKind(
    "fft", ("points",), lambda b: (Operand("input", (b["batch"], b["points"] ** b["dims"])),),
    results=lambda b: ((b["batch"], b["points"] ** b["dims"]),),
    elementary=lambda b: 5 * b["batch"] * b["dims"] * b["points"] ** b["dims"] * max(1, (b["points"] - 1).bit_length()),
    defaults={"dims": 1, "batch": 1, "radix": 2}, functions={"complex": 1, "real": 1},
    check=lambda b: f"points {b['points']} is not a power of two" if b["points"] & (b["points"] - 1) else None,
))  # fmt: skip
