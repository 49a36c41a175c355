"""A tiny RV32I machine for tests: runs programs of named instructions on registers and bytes of memory, and counts what it executes by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

Instruction = tuple[str | int, ...]
MASK = 0xFFFFFFFF


def signed(value: int, bits: int = 32) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


ARITHMETIC: dict[str, Callable[[int, int], int]] = {"add": lambda a, b: a + b, "and": lambda a, b: a & b, "or": lambda a, b: a | b}
SHIFTS: dict[str, Callable[[int, int], int]] = {"sll": lambda a, b: a << b, "srl": lambda a, b: a >> b, "sra": lambda a, b: signed(a) >> b}
BRANCHES: dict[str, Callable[[int, int], bool]] = {
    "beq": lambda a, b: a == b, "bne": lambda a, b: a != b, "blt": lambda a, b: signed(a) < signed(b), "bge": lambda a, b: signed(a) >= signed(b),
}  # fmt: skip


class Machine:
    """Registers by name, memory in bytes; a label is an instruction ("label", name)."""

    def __init__(self, memory: bytearray) -> None:
        self.memory, self.registers, self.counts = memory, {"zero": 0}, Counter[str]()

    def run(self, program: list[Instruction]) -> Counter[str]:
        labels = {str(i[1]): at for at, i in enumerate(program) if i[0] == "label"}
        at = 0
        while at < len(program):
            at = self.step(program[at], at, labels)
        return self.counts

    def value(self, operand: str | int) -> int:
        return operand & MASK if isinstance(operand, int) else self.registers[operand]

    def step(self, instruction: Instruction, at: int, labels: dict[str, int]) -> int:
        name, *operands = instruction
        name = str(name)
        if name == "label":
            return at + 1
        if name in BRANCHES:
            taken = BRANCHES[name](self.value(operands[0]), self.value(operands[1]))
            self.counts["taken" if taken else "branch"] += 1
            return labels[str(operands[2])] if taken else at + 1
        if name in ("jal", "ret"):
            self.counts["jump" if name == "jal" else "indirect"] += 1
            if name == "ret":
                return self.registers["ra"]
            self.registers["ra"] = at + 1
            return labels[str(operands[0])]
        self.counts[self.execute(name, operands)] += 1
        return at + 1

    def execute(self, name: str, operands: list[str | int]) -> str:
        to, a = str(operands[0]), self.value(operands[1])
        if name in ("lb", "lbu", "lw"):
            raw = int.from_bytes(self.memory[a : a + (4 if name == "lw" else 1)], "little")
            self.registers[to] = signed(raw, 8) & MASK if name == "lb" else raw
            return "load"
        if name == "sb":
            self.memory[a] = self.registers[to] & 0xFF
            return "store"
        b = self.value(operands[2])
        shift = name in SHIFTS
        self.registers[to] = (SHIFTS if shift else ARITHMETIC)[name](a, b) & MASK
        return "shift" if shift else "alu"


def shift_add(multiplicand: str, multiplier: str, total: str, bits: int, tag: str) -> list[Instruction]:
    """total += multiplicand x multiplier (unsigned, of `bits` bits), unrolled; the multiplicand is lost."""
    made: list[Instruction] = []
    for bit in range(bits):
        past = f"{tag}{bit}"
        made += [("and", "t", multiplier, 1 << bit), ("beq", "t", "zero", past), ("add", total, total, multiplicand), ("label", past)]
        made += [("sll", multiplicand, multiplicand, 1)] if bit < bits - 1 else []
    return made


def mulsi3() -> list[Instruction]:
    """libgcc's product of a0 and a1, in a0."""
    return [
        ("label", "mulsi3"), ("add", "a2", "a0", 0), ("add", "a0", "zero", 0), ("label", "again"), ("and", "a3", "a1", 1),
        ("beq", "a3", "zero", "skip"), ("add", "a0", "a0", "a2"), ("label", "skip"), ("srl", "a1", "a1", 1), ("sll", "a2", "a2", 1),
        ("bne", "a1", "zero", "again"), ("ret",),
    ]  # fmt: skip


def matmul(m: int, k: int, n: int, a: int, b: int, bias: int, out: int, scale: int, shift: int) -> list[Instruction]:
    """C = clamp((A B + bias) scale >> shift): A [m, k] of bytes, B [n, k] of signed bytes, bias [n] of words; addresses of each."""
    one: list[Instruction] = [("lbu", "x", "pa"), ("lb", "w", "pb"), *shift_add("w", "x", "sum", 8, "p")]
    scaled: list[Instruction] = [("add", "r", "zero", 1 << (shift - 1)), *shift_add("sum", "scale", "r", 16, "s"), ("sra", "r", "r", shift)]
    return [
        ("add", "row", "zero", a), ("add", "last", "zero", a + m * k), ("add", "po", "zero", out), ("add", "end", "zero", bias + 4 * n),
        ("add", "scale", "zero", scale), ("add", "low", "zero", -128), ("add", "high", "zero", 128),
        ("label", "rows"), ("add", "pb", "zero", b), ("add", "bp", "zero", bias), ("add", "stop", "row", k), ("add", "keep", "row", 0),
        ("label", "results"), ("lw", "sum", "bp"), ("add", "bp", "bp", 4), ("add", "pa", "keep", 0),
        ("label", "steps"), *one, ("add", "pa", "pa", 1), ("add", "pb", "pb", 1), ("bne", "pa", "stop", "steps"),
        *scaled, ("blt", "r", "low", "bad"), ("bge", "r", "high", "bad"), ("sb", "r", "po"), ("add", "po", "po", 1), ("bne", "bp", "end", "results"),
        ("add", "row", "stop", 0), ("bne", "row", "last", "rows"), ("label", "bad"),
    ]  # fmt: skip
