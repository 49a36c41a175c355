"""Joules of one issued instruction by kind, both harts at work.

Few kinds were calibrated; the others follow: fp32 add and multiply-add in eight lanes cost what one lane's data costs times eight on top of the
vector pipe (zeros: the pipe alone); a multiply lies between them; the vector integer multiply uses the fp multiplier; transcendentals pay by the
issue cycles that their passes take; the iterative multiplier retires eight bits a cycle, the divider one.
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit, part
from hwsim.targets.manycore import spec_energy as codes

NAMES = {
    "nop": codes.NOP, "fence": codes.FENCE, "add": codes.ALU, "addi": codes.ALU, "sub": codes.ALU, "xor": codes.ALU, "or": codes.ALU,
    "and": codes.ALU, "sll": codes.ALU, "srl": codes.ALU, "branch": codes.BRANCH, "taken_branch": codes.BRANCH, "jal": codes.BRANCH,
    "mul": codes.MULTIPLY, "mulw": codes.MULTIPLY_WORD, "div": codes.DIVIDE, "divw": codes.DIVIDE_WORD,
    "fadd.s": codes.SCALAR_ADD, "fsub.s": codes.SCALAR_ADD, "fmul.s": codes.SCALAR_MULTIPLY, "fmadd.s": codes.SCALAR_FMA,
    "fadd.ps": codes.VECTOR_ADD, "fsub.ps": codes.VECTOR_ADD, "fmul.ps": codes.VECTOR_MULTIPLY, "fmadd.ps": codes.VECTOR_FMA,
    "fadd.pi": codes.VECTOR_INTEGER, "fmul.pi": codes.VECTOR_MULTIPLY, "fexp.ps": codes.EXPONENTIAL, "flog.ps": codes.LOGARITHM,
    "frcp.ps": codes.RECIPROCAL, "ld": codes.LOAD_WORD, "flw.ps": codes.VECTOR_LOAD, "fsw.ps": codes.VECTOR_STORE,
}  # fmt: skip


@part
def blend(zeros: float, random: float, activity: float) -> float:
    """Energy between that of zeros and that of random words: linear in the share of bits that switch."""
    return zeros + activity * (random - zeros)


@part
def float_j(kind: float, lanes: float, p: Any) -> float:
    """Joules of an fp32 add, multiply or multiply-add: the pipe, and data in `lanes` lanes."""
    share = 0.0 if kind == codes.VECTOR_ADD else 1.0 if kind == codes.VECTOR_FMA else p.multiply_between
    pipe = blend(p.fadd_zeros_j, p.fmadd_zeros_j, share)
    return float(pipe + p.activity * lanes * blend(p.fadd_lane_j, p.fmadd_lane_j, share))


@part
def iterative_j(kind: float, p: Any) -> float:
    """Joules of a multiply or divide in the iterative integer unit: an issue, and its cycles.

    A multiply cycle adds eight partial products and shifts the product, a divide cycle subtracts once and shifts: `divide_data_share` of the data's
    part, all of the clocked part. Half a word takes half the bits.
    """
    issue = blend(p.alu_zeros_j, p.alu_random_j, p.activity)
    cycles = 1.0 / (p.harts_per_minion * p.issue_mul)
    clocked = (p.multiply_zeros_j - p.alu_zeros_j) / cycles
    data = (p.multiply_random_j - p.alu_random_j) / cycles - clocked
    if kind == codes.MULTIPLY or kind == codes.MULTIPLY_WORD:  # noqa: PLR1714  (jitted)
        beats = cycles if kind == codes.MULTIPLY else cycles * p.issue_mul / p.issue_mulw
        return float(issue + beats * (clocked + p.activity * data))
    beats = p.divide_cycles if kind == codes.DIVIDE else p.divide_cycles * p.issue_div / p.issue_divw
    return float(issue + beats * (clocked + p.activity * p.divide_data_share * data))


@part
def instruction_each_j(kind: float, p: Any) -> float:
    """Joules of one instruction at the measured operating point."""
    a = p.activity
    if kind >= codes.SCALAR_ADD and kind <= codes.SCALAR_FMA:
        return float_j(kind - codes.SCALAR_ADD + codes.VECTOR_ADD, 1.0, p)
    if kind >= codes.VECTOR_ADD and kind <= codes.VECTOR_FMA:
        return float_j(kind, p.lanes, p)
    if kind >= codes.MULTIPLY and kind <= codes.DIVIDE_WORD:
        return iterative_j(kind, p)
    if kind == codes.VECTOR_INTEGER:
        return blend(p.vector_integer_zeros_j, p.vector_integer_random_j, a)
    if kind >= codes.EXPONENTIAL and kind <= codes.RECIPROCAL:
        passes = p.issue_transcendental / p.issue_reciprocal if kind == codes.RECIPROCAL else 1.0
        return float(passes * blend(p.exponential_zeros_j, p.exponential_random_j, a))
    if kind == codes.LOAD_WORD:
        return blend(p.load_word_zeros_j, p.load_word_random_j, a)
    if kind == codes.VECTOR_LOAD:
        return float(p.register_bytes * blend(p.l1_load_zeros_j, p.l1_load_random_j, a))
    if kind == codes.VECTOR_STORE:
        return float(p.register_bytes * blend(p.l1_store_zeros_j, p.l1_store_random_j, a))
    if kind == codes.BRANCH:
        return blend(p.branch_zeros_j, p.branch_random_j, a)
    if kind == codes.NOP:
        return blend(p.nop_zeros_j, p.nop_random_j, a)
    return float(p.fence_j) if kind == codes.FENCE else blend(p.alu_zeros_j, p.alu_random_j, a)


@part
def instruction_j(count: float, kind: float, p: Any) -> float:
    """Joules of `count` instructions of a kind, L1 hits included, with the record's operands, voltage and card."""
    return float(count * p.scale_arithmetic * instruction_each_j(kind, p))


@part
def set_instructions(p: Any) -> None:
    """Fill the joules of the instructions that kernels are counted in: integer, vector multiply-add, exponential, reciprocal."""
    p.scalar_j = instruction_j(1.0, codes.ALU, p)
    p.vector_j = instruction_j(1.0, codes.VECTOR_FMA, p)
    p.exponential_j = instruction_j(1.0, codes.EXPONENTIAL, p)
    p.reciprocal_j = instruction_j(1.0, codes.RECIPROCAL, p)


@jit
def one_instruction_j(kind: float, p: Any) -> float:
    """`instruction_j` of one instruction, for primitives."""
    return instruction_j(1.0, kind, p)
