"""Operators: MACs, elements and bytes against counting by hand or by brute force; refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import single_op
from hwsim.core.op import KINDS, Op, OpKind, op_kind, register
from hwsim.core.operators import attended_pairs

SIZES = st.integers(1, 40)
EXAMPLES = {
    "matmul": {"m": 2, "k": 3, "n": 4},
    "conv2d": {"n": 1, "c": 4, "h": 8, "w": 8, "k": 6, "r": 3, "s": 3},
    "topk": {"rows": 2, "cols": 9, "top": 3},
    "attention": {"heads": 4, "q": 2, "kv": 5, "head_dim": 8},
    "softmax": {"rows": 2, "cols": 3},
    "norm": {"rows": 2, "cols": 3},
    "elementwise": {"rows": 2, "cols": 3},
    "rope": {"rows": 2, "heads": 3, "head_dim": 4},
    "embedding": {"rows": 2, "vocab": 9, "cols": 3},
    "pool": {"n": 1, "c": 2, "h": 4, "w": 4, "r": 2, "s": 2},
    "lstm": {"input_size": 3, "hidden_size": 4},
    "gru": {"input_size": 3, "hidden_size": 4},
    "moe_routing": {"rows": 2, "experts": 8, "top": 2},
    "moe_dispatch": {"rows": 2, "cols": 4, "top": 2},
    "moe_combine": {"rows": 2, "cols": 4, "top": 2},
    "fft": {"points": 16},
    **{k: {"elements": 5} for k in ("reduce", "broadcast", "allreduce", "shift")},
}


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_every_kind_stands_alone(kind):
    op = single_op(kind, **EXAMPLES[kind]).ops[0]
    assert op.macs >= 0
    assert op.elementary >= 0
    assert op.macs + op.elementary + op.compulsory_bytes > 0
    assert op.compulsory_bytes == op.weight_bytes + op.input_bytes + op.output_bytes
    assert len(op.inputs) == len(op.operands)


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
@given(st.data())
def test_missing_negative_and_unknown_bounds_are_refused(kind, data):
    bounds = EXAMPLES[kind]
    name = data.draw(st.sampled_from(sorted(bounds)))
    with pytest.raises(InvalidTrace, match="needs"):
        Op("x", kind, {k: v for k, v in bounds.items() if k != name})
    for wrong in (0, data.draw(st.integers(-100, -1)), 1.0, "3", True, None):
        with pytest.raises(InvalidTrace, match="must be"):
            Op("x", kind, {**bounds, name: wrong})
    with pytest.raises(InvalidTrace, match="has no bound"):
        Op("x", kind, {**bounds, "sizes": 3})


@given(SIZES, SIZES, SIZES, SIZES)
def test_matmul(batch, m, k, n):
    op = Op("x", "matmul", {"batch": batch, "m": m, "k": k, "n": n, "bias": 1}, dtype="fp16", weight_dtype="int4", weight_density=0.5)
    assert op.macs == batch * m * k * n
    assert op.weight_bytes == (batch * k * n + n) / 4
    assert op.input_bytes == 2 * batch * m * k
    assert op.output_bytes == 2 * batch * m * n


def test_matmul_that_shares_or_pools_weights():
    shared = Op("x", "matmul", {"batch": 8, "m": 1, "k": 4, "n": 4, "shared": 8})
    assert shared.weight_bytes == 32
    pooled = Op("x", "matmul", {"batch": 2, "m": 1, "k": 4, "n": 4, "pool": 8})
    assert pooled.operands[1].shape == (8, 4, 4)
    assert pooled.weight_bytes == 64
    with pytest.raises(InvalidTrace, match="shared 3 does not divide"):
        Op("x", "matmul", {"batch": 8, "m": 1, "k": 4, "n": 4, "shared": 3})


@given(st.integers(1, 20), st.integers(0, 20), st.integers(0, 50))
def test_attended_pairs_by_brute_force(q, more, window):
    kv = q + more
    pairs = sum(1 for i in range(q) for j in range(kv) if j <= kv - q + i and (not window or j > kv - q + i - window))
    assert attended_pairs({"q": q, "kv": kv, "causal": 1, "window": window}) == pairs


@given(st.integers(1, 20), st.integers(0, 20), st.integers(0, 40), st.data())
def test_attention_reads_each_visible_position_once(q, more, window, data):
    kv, new = q + more, data.draw(st.integers(0, q))
    bounds = {"heads": 4, "kv_heads": 2, "q": q, "kv": kv, "head_dim": 8, "batch": 3, "window": window, "causal": 1}
    seen = min(kv, window + q - 1) if window else kv
    plain, appended = Op("x", "attention", bounds), Op("x", "attention", {**bounds, "new": new})
    assert plain.input_bytes == 2 * 3 * (q * 32 + 2 * seen * 16)
    assert appended.input_bytes == 2 * 3 * (q * 32 + 2 * max(seen, new) * 16)
    fused = Op("x", "attention", {**bounds, "new": q, "fused": 1})
    assert fused.input_bytes == Op("x", "attention", {**bounds, "new": q}).input_bytes
    assert plain.macs == appended.macs == fused.macs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kv_heads": 3}, "does not divide heads"),
        ({"q": 9, "causal": 1}, "at least as many keys"),
        ({"new": 6}, "new 6 exceeds"),
        ({"fused": 1}, "need new = q"),
        ({"fused": 2, "new": 2}, "fused"),
    ],
)
def test_contradictory_attention(change, message):
    with pytest.raises(InvalidTrace, match=message):
        Op("x", "attention", {**EXAMPLES["attention"], **change})


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2), st.integers(3, 12))
def test_convolution_by_counting_windows(groups, stride, kernel, pad, dilation, size):
    op_bounds = {"n": 2, "c": 2 * groups, "h": size, "w": size + 1, "k": 3 * groups, "r": kernel, "s": kernel}
    reach = dilation * (kernel - 1) + 1
    if size + 2 * pad < reach:
        return
    op = Op("x", "conv2d", {**op_bounds, "stride": stride, "pad": pad, "groups": groups, "dilation": dilation})
    high = len(range(0, size + 2 * pad - reach + 1, stride))
    wide = len(range(0, size + 1 + 2 * pad - reach + 1, stride))
    assert op.results[0] == (2, 3 * groups, high, wide)
    assert op.macs == 2 * 3 * groups * high * wide * 2 * kernel * kernel


@pytest.mark.parametrize(
    ("kind", "bounds", "message"),
    [
        ("conv2d", {**EXAMPLES["conv2d"], "groups": 3}, "groups 3 does not divide"),
        ("conv2d", {**EXAMPLES["conv2d"], "r": 9}, "larger than the padded"),
        ("pool", {**EXAMPLES["pool"], "r": 5}, "larger than the padded"),
        ("topk", {"rows": 1, "cols": 2, "top": 3}, "top 3 exceeds"),
        ("moe_routing", {"rows": 1, "experts": 2, "top": 3}, "exceeds the 2 experts"),
        ("fft", {"points": 12}, "power of two"),
        ("moe_dispatch", {"rows": 2, "cols": 4, "top": 2, "slots": 3}, "slots 3"),
        ("moe_combine", {"rows": 2, "cols": 4, "top": 2, "slots": 3}, "slots 3"),
        ("norm", {"rows": 4, "cols": 4, "source_rows": 3}, "source_rows 3"),
    ],
)
def test_impossible_bounds(kind, bounds, message):
    with pytest.raises(InvalidTrace, match=message):
        Op("x", kind, bounds)


def test_operands_of_fused_layouts():
    assert Op("x", "elementwise", {"rows": 2, "cols": 3, "operands": 2, "fused": 1}).operands[0].shape == (2, 6)
    assert Op("x", "rope", {"rows": 2, "heads": 3, "head_dim": 4, "carried": 2}).results == ((2, 20),)
    last = Op("x", "norm", {"rows": 2, "cols": 3, "source_rows": 10, "weights": 1}, function="rms")
    assert (last.operands[0].shape, last.input_bytes, last.elementary) == ((10, 3), 12, 24)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weight_density": 0}, "weight_density"),
        ({"weight_density": 1.5}, "weight_density"),
        ({"repeat": 0}, "repeat"),
        ({"dtype": "fp17"}, "unknown dtype"),
        ({"function": "x"}, "no function 'x'"),
    ],
)
def test_bad_fields(fields, message):
    with pytest.raises(InvalidTrace, match=message):
        Op("x", "softmax", {"rows": 1, "cols": 2}, **fields)


def test_signature_and_twin():
    op = Op("a", "matmul", {"m": 1, "k": 2, "n": 3}, ("x", "w"), ("y",), layer=0)
    twin = op.twin("b", ("x2", "w2"), ("y2",), 5)
    assert twin == Op("b", "matmul", {"m": 1, "k": 2, "n": 3}, ("x2", "w2"), ("y2",), layer=5)
    assert twin.signature == op.signature
    assert (op.name, op.layer, op["k"]) == ("a", 0, 2)
    assert op.signature != Op("a", "matmul", {"m": 1, "k": 2, "n": 3}, dtype="int8").signature


def test_kinds_are_declared_once():
    assert op_kind("matmul") is KINDS["matmul"]
    with pytest.raises(InvalidTrace, match="declared twice"):
        register(OpKind("matmul", (), lambda b: (), lambda b: ()))
    with pytest.raises(InvalidTrace, match=r"did you mean .*softmax"):
        op_kind("softmx")
