"""Instructions of the scalar core: against programs that run on a small RV32I machine, and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from rv32i import Machine, matmul, mulsi3, shift_add

from hwsim.core.op import Op
from hwsim.targets.stdcell.core_kernels import FORMATS, KERNELS, Mix, Unpriced, dot_products, instructions, sharing
from hwsim.targets.stdcell.core_layout import CLASSES, METHODS
from hwsim.targets.stdcell.core_price import product_cycles, product_instructions
from hwsim.targets.stdcell.core_spec import PARAMETERS

ONES = [0.0, 0.25, 0.5, 1.0]


def record(method: str, ones: float = 0.5, length: float = 1.0, multiply: float = 1.0) -> np.void:
    table = np.zeros(1, PARAMETERS.dtype)
    table["method"], table["multiplier_ones"], table["multiplier_length"], table["multiply_cycles"] = METHODS.index(method), ones, length, multiply
    table["cpi"] = 1.0
    return table[0]


@pytest.mark.parametrize("multiplier", [0, 1, 37, 128, 255])
def test_unrolled_products_take_the_instructions_of_the_program(multiplier: int) -> None:
    machine = Machine(bytearray())
    machine.registers |= {"w": (-77) & 0xFFFFFFFF, "x": multiplier, "sum": 5}
    machine.run(shift_add("w", "x", "sum", 8, "p"))
    assert machine.registers["sum"] == (5 - 77 * multiplier) & 0xFFFFFFFF
    p = record("shift_add", multiplier.bit_count() / 8)
    assert machine.counts.total() == product_instructions(p, 8.0, 1.0) == product_cycles(p, 8.0, 1.0)


@pytest.mark.parametrize("multiplier", [1, 37, 128, 255])
def test_the_routine_takes_the_instructions_of_the_program(multiplier: int) -> None:
    """The routine, its call, two moves of the operands and the addition. Ones count over the passes, of which there are as many as bits."""
    bits = multiplier.bit_length()
    machine = Machine(bytearray())
    machine.registers |= {"w": 1000, "x": multiplier, "sum": 5}
    call = [("add", "a0", "w", 0), ("add", "a1", "x", 0), ("jal", "mulsi3"), ("add", "sum", "sum", "a0"), ("beq", "zero", "zero", "end")]
    machine.run([*call, *mulsi3(), ("label", "end")])
    assert machine.registers["sum"] == 5 + 1000 * multiplier
    p = record("libgcc", multiplier.bit_count() / bits, bits / 8)
    assert machine.counts.total() - 1 == pytest.approx(product_instructions(p, 8.0, 1.0)) == pytest.approx(product_cycles(p, 8.0, 1.0))


@pytest.mark.parametrize("size", [(1, 1, 1), (2, 5, 3), (3, 8, 4)])
def test_a_whole_product_takes_the_instructions_of_the_program(size: tuple[int, int, int]) -> None:
    m, k, n = size
    rng = np.random.default_rng(3)
    a, b, bias = rng.integers(0, 256, (m, k)), rng.integers(-10, 11, (n, k)), rng.integers(-100, 100, n)
    scale, shift = 0x0101, 16
    memory = bytearray(4096)
    memory[0 : m * k], memory[1024 : 1024 + n * k] = a.astype(np.uint8).tobytes(), b.astype(np.int8).tobytes()
    memory[2048 : 2048 + 4 * n] = bias.astype(np.int32).tobytes()
    machine = Machine(memory)
    machine.run(matmul(m, k, n, 0, 1024, 2048, 3072, scale, shift))
    wanted = ((a @ b.T + bias) * scale + (1 << (shift - 1))) >> shift
    assert np.frombuffer(memory[3072 : 3072 + m * n], np.int8).reshape(m, n).tolist() == wanted.tolist()
    mix = dot_products(m * n, k, m, 1)
    ones = np.bitwise_count(a.astype(np.uint8)).sum() * n / (mix.products * 8)
    data = mix.products * product_instructions(record("shift_add", ones), 8.0, 1.0)
    scales = mix.wide * product_instructions(record("shift_add", scale.bit_count() / 16), 16.0, 1.0)
    before_the_loops = 7
    assert machine.counts.total() - before_the_loops == pytest.approx(data + scales + sum(getattr(mix, c) for c in CLASSES))
    assert machine.counts["load"] == mix.load and machine.counts["store"] == mix.store


@pytest.mark.parametrize("ones", ONES)
def test_sharing_saves_the_tests_of_bits_only(ones: float) -> None:
    p = record("shift_add", ones)
    assert product_cycles(p, 8.0, 1.0) - product_cycles(p, 8.0, 4.0) == pytest.approx(16 * 0.75)


def test_a_multiplier_takes_its_own_cycles() -> None:
    assert product_cycles(record("hardware", multiply=40.0), 8.0, 1.0) == 41.0
    assert product_instructions(record("hardware"), 8.0, 1.0) == 2.0


OPS = {
    "matmul": {"m": 3, "k": 20, "n": 5}, "conv2d": {"n": 1, "c": 8, "h": 6, "w": 6, "k": 4, "r": 3, "s": 3, "pad": 1},
    "pool": {"n": 1, "c": 8, "h": 6, "w": 6, "r": 2, "s": 2, "stride": 2}, "elementwise": {"rows": 3, "cols": 8, "operands": 2},
    "softmax": {"rows": 3, "cols": 8}, "norm": {"rows": 3, "cols": 8, "weights": 2}, "attention": {"heads": 2, "q": 4, "kv": 6, "head_dim": 8},
    "lstm": {"input_size": 4, "hidden_size": 6, "projection_size": 3}, "gru": {"input_size": 4, "hidden_size": 6},
    "embedding": {"rows": 3, "vocab": 9, "cols": 8}, "concat": {"rows": 3, "c0": 4, "c1": 4}, "rope": {"rows": 3, "heads": 2, "head_dim": 8},
}  # fmt: skip
FUNCTIONS = {"elementwise": "add", "pool": "max", "norm": "layer"}


def operator(kind: str, dtype: str = "int8", **bounds: int) -> Op:
    return Op("o", kind, {**OPS[kind], **bounds}, dtype=dtype, function=FUNCTIONS.get(kind, ""))


@pytest.mark.parametrize("kind", KERNELS)
def test_every_product_of_data_is_counted_and_every_operand_read(kind: str) -> None:
    op = operator(kind)
    mix = instructions(op)
    assert isinstance(mix, Mix)
    if op.macs:
        assert op.macs <= mix.products <= op.macs + 3 * 6  # and the pointwise products of a recurrent cell
    moved = mix.load + mix.store
    if kind in ("embedding", "concat"):
        moved *= 4  # words
    assert moved >= op.compulsory_bytes - 8 * (kind == "norm")


@pytest.mark.parametrize("kind", KERNELS)
def test_more_work_takes_more_instructions(kind: str) -> None:
    grow = {"matmul": "k", "conv2d": "k", "pool": "c", "elementwise": "cols", "softmax": "cols", "norm": "cols", "attention": "kv", "lstm": "steps",
            "gru": "batch", "embedding": "rows", "concat": "c1", "rope": "heads"}[kind]  # fmt: skip
    small, large = operator(kind), operator(kind, **{grow: 2 * OPS[kind].get(grow, 1)})
    one, two = instructions(small), instructions(large)
    assert isinstance(one, Mix) and isinstance(two, Mix)
    assert all(getattr(two, c) >= getattr(one, c) for c in CLASSES) and two.load > one.load


def test_side_by_side_results_share_loads_of_activations() -> None:
    op = operator("matmul", n=8)
    alone, four = instructions(op), instructions(op, 4)
    assert isinstance(alone, Mix) and isinstance(four, Mix)
    assert alone.products == four.products == op.macs
    assert alone.load - four.load == op.macs * (2 - 5 / 4)
    assert sharing(op, 4) == 4 and sharing(operator("conv2d", groups=4), 4) == 1


def test_a_depthwise_convolution_costs_more_per_product_than_a_dense_one() -> None:
    def per_product(op: Op) -> float:
        mix = instructions(op)
        assert isinstance(mix, Mix)
        return sum(getattr(mix, c) for c in CLASSES) / mix.products

    assert per_product(operator("conv2d", k=8, groups=8)) > per_product(operator("conv2d", k=8))


@pytest.mark.parametrize("dtype", ["fp16", "fp32", "bf16"])
def test_floating_point_is_refused(dtype: str) -> None:
    found = instructions(Op("o", "matmul", OPS["matmul"], dtype=dtype))
    assert isinstance(found, Unpriced) and "floating point" in found.reason


@pytest.mark.parametrize("kind", ["softmax", "attention", "lstm"])
def test_tables_of_32_bits_are_refused(kind: str) -> None:
    found = instructions(operator(kind, "int32"))
    assert isinstance(found, Unpriced) and "table" in found.reason
    assert "int32" in FORMATS


def test_an_operator_without_a_kernel_is_refused() -> None:
    assert instructions(Op("o", "fft", {"points": 64}, dtype="int8")) == Unpriced("no kernel")
