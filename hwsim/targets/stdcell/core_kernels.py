"""Plain loops on a 32-bit RISC-V core in integers: the instructions of each operator, by class.

Loops are those of C compiled without unrolling: an element costs its loads and its store, a step of each pointer, and the taken branch at the end.
Maps lie channel last. Sums are brought to the format of the results by a scale of 16 bits, a rounding shift and two compares. Functions of one byte
come from a table of 256 entries; of two bytes from two entries and the line between them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

from hwsim.core.dtype import dtype
from hwsim.core.op import Op
from hwsim.core.operators import ACTIVATIONS, attended_pairs
from hwsim.targets.stdcell.core_layout import WORD_BYTES

FORMATS = ("int4", "uint4", "int8", "uint8", "int16", "uint16", "int32", "uint32")
TABLE_BITS = 16  # widest format whose functions come from tables


@dataclass(frozen=True)
class Mix:
    """Instructions by class, products of data and products by a scale."""

    alu: float = 0.0
    shift: float = 0.0
    load: float = 0.0
    store: float = 0.0
    branch: float = 0.0
    taken: float = 0.0
    jump: float = 0.0
    indirect: float = 0.0
    products: float = 0.0
    wide: float = 0.0

    def __add__(self, other: Mix) -> Mix:
        return Mix(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __rmul__(self, times: float) -> Mix:
        return Mix(*(times * getattr(self, f.name) for f in fields(self)))


END = Mix(alu=1, taken=1)  # a counter or pointer, and the branch back
CLAMP = Mix(branch=2)
SCALED = Mix(wide=1, alu=1, shift=1) + CLAMP  # scale, rounding constant, shift, both bounds
DIVISION = 32 * Mix(shift=2, alu=2, branch=0.5, taken=1.5)  # restoring, a bit a pass
ROOT = 16 * Mix(shift=2, alu=3, branch=0.5, taken=1.5)  # square root, a bit a pass
LOOKUP = Mix(alu=1, load=1)
BETWEEN = Mix(alu=4, shift=2, load=2, wide=1)  # two entries and the line between them


@dataclass(frozen=True)
class Unpriced:
    """Why an operator has no kernel."""

    reason: str


def function_of_element(op: Op) -> Mix:
    """A function read from a table of the operator's format."""
    return LOOKUP if dtype(op.dtype).bits <= 8 else BETWEEN


def dot_products(results: float, steps: float, rows: float, at_once: int) -> Mix:
    """`results` sums of `steps` products each in `rows` rows, `at_once` of them side by side on one load of the activation."""
    passes = results / at_once
    step = Mix(load=1 + at_once, alu=1, products=at_once) + END
    return passes * steps * step + results * (Mix(load=1, store=1, alu=2) + SCALED) + passes * END + rows * (Mix(alu=4) + END)


def _matmul(op: Op, at_once: int) -> Mix:
    rows = op["ragged"] or op["batch"] * op["m"]
    return dot_products(rows * op["n"], op["k"], rows, _fitting(op["n"], at_once))


def _conv2d(op: Op, at_once: int) -> Mix:
    """A result per pixel and channel; a dot product per row of the window, whose channels lie side by side."""
    n, k, high, wide = op.results[0]
    depth = op["c"] // op["groups"]
    side_by_side = _fitting(op["k"] // op["groups"], at_once)
    results = n * k * high * wide
    return dot_products(results, op["r"] * op["s"] * depth, n * high * wide, side_by_side) + results / side_by_side * op["r"] * (Mix(alu=3) + END)


def _pool(op: Op, at_once: int) -> Mix:
    n, c, high, wide = op.results[0]
    results, taps = n * c * high * wide, op["r"] * op["s"]
    average = op.function == "average"
    tap = Mix(alu=1) if average else Mix(alu=0.5, branch=0.5, taken=0.5)
    return results * (taps * (Mix(load=1) + tap + END) + (SCALED if average else Mix()) + Mix(store=1, alu=2) + END)


BINARY = {
    "add": 2 * Mix(wide=1) + Mix(alu=2, shift=1) + CLAMP, "sub": 2 * Mix(wide=1) + Mix(alu=2, shift=1) + CLAMP, "bias": Mix(alu=1) + CLAMP,
    "mul": Mix(products=1) + SCALED, "scale": SCALED, "batch_norm": SCALED + Mix(load=2, alu=2), "copy": Mix(), "cast": Mix(shift=1),
    "div": DIVISION + SCALED, "max": Mix(alu=0.5, branch=1), "min": Mix(alu=0.5, branch=1), "where": Mix(load=1, branch=1), "abs": Mix(alu=3),
    "compare": Mix(alu=1), "neg": Mix(alu=1), "round": Mix(alu=1, shift=2), "relu": Mix(branch=0.5, taken=0.5), "relu6": CLAMP, "clip": CLAMP,
}  # fmt: skip


def _elementwise(op: Op, at_once: int) -> Mix | Unpriced:
    if op.function in BINARY:
        work = BINARY[op.function]
    elif op.function in ("silu_mul", "gelu_mul"):
        work = function_of_element(op) + BINARY["mul"]
    elif dtype(op.dtype).bits > TABLE_BITS:
        return Unpriced(f"{op.function or 'it'} of {op.dtype} needs a table too large; use int8 or int16")
    elif op.function in ACTIVATIONS or op.function:
        work = function_of_element(op)
    else:
        return Unpriced("it names no function")
    return op["rows"] * op["cols"] * (work + Mix(load=op["operands"], store=1, alu=op["operands"]) + END)


def _softmax_rows(rows: float, elements: float) -> Mix:
    """The largest; exponentials from a table and their sum; a reciprocal a row; exponentials again, scaled."""
    largest = Mix(load=1, alu=0.5, branch=0.5, taken=0.5) + END
    exponential = Mix(load=1, alu=1) + LOOKUP
    return elements * (largest + exponential + Mix(alu=1) + END + exponential + SCALED + Mix(store=1, alu=1) + END) + rows * (DIVISION + Mix(alu=6))


def _softmax(op: Op, at_once: int) -> Mix | Unpriced:
    if dtype(op.dtype).bits > TABLE_BITS:
        return Unpriced(f"exponentials of {op.dtype} need a table too large; use int8 or int16")
    share = 0.5 * (1 + 1 / op["cols"]) if op["causal"] else 1.0
    return _softmax_rows(op["rows"], op["rows"] * op["cols"] * share)


def _norm(op: Op, at_once: int) -> Mix:
    """Sum of squares (and of values), a root and a division a row, then every element scaled, with its gain and offset."""
    layer = op.function == "layer"
    first = Mix(load=1, products=1, alu=1 if layer else 0) + END
    second = Mix(load=1, alu=2 if layer else 1, wide=1, store=1) + min(op["weights"], 1) * Mix(load=1, alu=1, products=1)
    second += (op["weights"] > 1) * Mix(load=1, alu=2) + Mix(alu=1, shift=1) + CLAMP + END
    return op["rows"] * op["cols"] * (first + second) + op["rows"] * (DIVISION + ROOT + Mix(alu=8) + END)


def attention_products(op: Op) -> tuple[float, float, float]:
    """(query-key pairs over all heads, depth of a product, results of both products)."""
    pairs = float(op["batch"] * op["heads"] * attended_pairs(op.bounds))
    return pairs, float(op["head_dim"]), pairs + op["batch"] * op["heads"] * op["q"] * op["head_dim"]


def attention_softmax(op: Op) -> Mix:
    """The softmax between the two products."""
    return _softmax_rows(op["batch"] * op["heads"] * op["q"], attention_products(op)[0])


def _attention(op: Op, at_once: int) -> Mix | Unpriced:
    if dtype(op.dtype).bits > TABLE_BITS:
        return Unpriced(f"exponentials of {op.dtype} need a table too large; use int8 or int16")
    pairs, depth, results = attention_products(op)
    context = results - pairs
    rows = op["batch"] * op["heads"] * op["q"]
    return dot_products(pairs, depth, rows, 1) + dot_products(context, pairs * depth / context, rows, 1) + attention_softmax(op)


def gates_of(op: Op) -> int:
    """Gates of a recurrent cell."""
    return 4 if op.kind == "lstm" else 3


def recurrent_elements(op: Op) -> Mix:
    """What a recurrent step does besides products: functions of the gates, and the sums of the state."""
    function = BETWEEN if dtype(op.dtype).bits > 8 else LOOKUP
    one = (gates_of(op) + (op.kind == "lstm")) * (Mix(load=1, alu=1) + function)
    one += 3 * (Mix(products=1, alu=1) + SCALED) + Mix(load=1, store=2, alu=3) + END
    return op["steps"] * op["batch"] * op["hidden_size"] * one


def _recurrent(op: Op, at_once: int) -> Mix | Unpriced:
    if dtype(op.dtype).bits > TABLE_BITS:
        return Unpriced(f"functions of {op.dtype} need a table too large; use int8 or int16")
    back = op.bounds.get("projection_size", 0) or op["hidden_size"]
    runs = op["steps"] * op["batch"]
    gates = dot_products(runs * gates_of(op) * op["hidden_size"], op["input_size"] + back, runs, _fitting(op["hidden_size"], at_once))
    projection = op.bounds.get("projection_size", 0)
    out = dot_products(runs * projection, op["hidden_size"], runs, _fitting(projection, at_once)) if projection else Mix()
    return gates + out + recurrent_elements(op)


def _moved(op: Op, at_once: int) -> Mix:
    """Words copied from the operands to the result."""
    rows, cols = op.results[0][-2], op.results[0][-1]
    words = rows * -(-cols * dtype(op.dtype).bytes // WORD_BYTES)
    return words * (Mix(load=1, store=1, alu=1) + END) + rows * (Mix(load=1, alu=4) + END)


def _rope(op: Op, at_once: int) -> Mix:
    """A pair of values turned by a table of sines and cosines."""
    pairs = op["rows"] * op["heads"] * op["head_dim"] / 2
    carried = op["rows"] * op["carried"] * op["head_dim"] * (Mix(load=1, store=1, alu=1) + END)
    return pairs * (Mix(load=4, wide=4, alu=5, shift=2, store=2) + 2 * CLAMP + END) + carried


KERNELS: dict[str, Callable[[Op, int], Mix | Unpriced]] = {
    "matmul": _matmul, "conv2d": _conv2d, "pool": _pool, "elementwise": _elementwise, "softmax": _softmax, "norm": _norm, "attention": _attention,
    "lstm": _recurrent, "gru": _recurrent, "embedding": _moved, "concat": _moved, "rope": _rope,
}  # fmt: skip


def _fitting(results: int, at_once: int) -> int:
    """Side by side at most as many results as there are in a row."""
    return max(1, min(at_once, results))


def instructions(op: Op, at_once: int = 1) -> Mix | Unpriced:
    """Instructions of one execution of `op`, or why there is no kernel."""
    if op.dtype not in FORMATS or op.weight_dtype not in FORMATS:
        return Unpriced(f"the core has no floating point, and {op.dtype} with weights in {op.weight_dtype} is none of {', '.join(FORMATS)}")
    kernel = KERNELS.get(op.kind)
    return kernel(op, at_once) if kernel else Unpriced("no kernel")


def sharing(op: Op, at_once: int) -> int:
    """Results that share the tests of a multiplier's bits."""
    if op.kind == "conv2d":
        return _fitting(op["k"] // op["groups"], at_once)
    return _fitting(op["n"], at_once) if op.kind == "matmul" else _fitting(op["hidden_size"], at_once) if op.kind in ("lstm", "gru") else 1
