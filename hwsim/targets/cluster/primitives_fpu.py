"""Primitives of floating point: shared units, and the emulation libraries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hwsim.core.arguments import word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping, InvalidTrace, nearest
from hwsim.core.program import Table
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.cluster.fpu import Stream, cycles_per_slot
from hwsim.targets.cluster.isolate import priced
from hwsim.targets.cluster.kernel import Loop, Mix, Work
from hwsim.targets.cluster.kernels_learners import multiply_add
from hwsim.targets.cluster.machine import Machine
from hwsim.targets.cluster.numbers import resolved

Figures = Mapping[str, float]
SIMPLE = (
    "fadd.s", "fsub.s", "fmul.s", "fmadd.s", "fmsub.s", "fnmadd.s", "fnmsub.s", "fmin.s", "fmax.s", "fsgnj.s", "fsgnjn.s", "feq.s", "flt.s", "fle.s",
    "fcvt.h", "fcvt.s", "vfadd.h", "vfsub.h", "vfmul.h", "vfmac.h", "vfmin.h", "vfmax.h",
)  # fmt: skip
DIVIDES = {"fdiv.s": "fdiv_cycles", "fsqrt.s": "fdiv_cycles", "fdiv.h": "fdiv_half_cycles", "fsqrt.h": "fdiv_half_cycles"}
SHARES = {"independent": 1.0, "dependent": 1.0, "alternate_nop": 0.5}  # of issue slots that are floating point
OPERATIONS = {
    "fadd": "fadd", "fsub": "fsub", "fmul": "fmul", "fdiv": "fdiv", "flt": "fcmp", "fle": "fcmp", "fge": "fcmp", "fgt": "fcmp", "feq": "feq",
    "i2f": "i2f", "f2i": "f2i", "dadd": "dadd", "dmul": "dmul", "ddiv": "ddiv", "f2d": "f2d", "fmac_loop": "",  # a product added to a running sum
}  # fmt: skip


def stream(p: Table, instruction: str, share: float) -> Stream:
    """What a core that repeats one instruction issues. Raises `InvalidTrace` for an unknown one."""
    if instruction not in SIMPLE and instruction not in DIVIDES:
        known = (*SIMPLE, *DIVIDES)
        raise InvalidTrace(f"instruction is one of {', '.join(known)}, got '{instruction}'{nearest(instruction, known)}")
    return Stream(float(p[DIVIDES[instruction]][0]) if instruction in DIVIDES else 0.0, share)


def slot_cycles(p: Table, m: Machine, streams: Sequence[Stream]) -> float:
    """Cycles per issue slot of the slowest core. Raises `InvalidMapping` without a unit."""
    units = int(p["fpu_units"][0])
    if not units:
        raise InvalidMapping(f"{m.chip.name} has no floating-point unit")
    return cycles_per_slot(streams, units, int(p["dividers"][0]))


def fpu_throughput(chip: Chip, arguments: Mapped, mapping: Mapped) -> Figures:
    """Cycles per issue slot of the slowest core, all cores repeating one instruction."""
    m, p = resolved(chip, mapping)
    share = SHARES[word(arguments, "pattern", SHARES)]
    return {"cycles": slot_cycles(p, m, [stream(p, str(arguments["instruction"]), share)] * m.cores)}


def fpu_mix(chip: Chip, arguments: Mapped, mapping: Mapped) -> Figures:
    """The same with groups of cores that repeat different instructions, low core numbers first."""
    m, p = resolved(chip, mapping)
    share = SHARES[word(arguments, "pattern", SHARES)]
    names, counts = _list(arguments, "instructions"), _list(arguments, "core_counts")
    if len(names) != len(counts) or not names:
        raise InvalidTrace("instructions and core_counts are lists of the same length")
    streams = []
    for name, count in zip(names, counts, strict=True):
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise InvalidTrace(f"core_counts are whole numbers, got {count!r}")
        streams += [stream(p, str(name), share)] * count
    if not 0 < len(streams) <= int(chip.number("cores")):
        raise InvalidTrace(f"core_counts add up to {len(streams)}, {chip.name} has {chip.number('cores'):g} cores")
    return {"cycles": slot_cycles(p, m, streams)}


def _list(arguments: Mapped, name: str) -> tuple[Any, ...]:
    """An argument that is a list. Raises `InvalidTrace`."""
    value = arguments[name]
    if not isinstance(value, list | tuple):
        raise InvalidTrace(f'{name} is a list, as in ["fadd.s", "fdiv.s"] or [4, 4], got {value!r}')
    return tuple(value)


def softfloat_op(chip: Chip, arguments: Mapped, mapping: Mapped) -> Figures:
    """Cycles of one call of an emulated operation, the empty call and loop taken off; instruction-cache stalls included."""
    m, p = resolved(chip, mapping)
    if m.native:
        raise InvalidMapping("softfloat_op measures an emulation library: state fp=libgcc, rvfplib or rvfplib_size")
    operation = word(arguments, "operation", OPERATIONS)
    mix = multiply_add(m) if operation == "fmac_loop" else Mix(**{OPERATIONS[operation]: 1.0})
    found = priced(Work((Loop(mix, 1.0, code_bytes=0.0),)), m, p)
    return {"cycles": found["cycles"] - float(p["call_cycles"][0])}


PRIMITIVES: Mapping[str, Primitive] = {
    p.name: p
    for p in (
        Primitive("fpu_throughput", "one floating-point instruction on all cores", fpu_throughput, {"instruction": None, "pattern": "independent"}),
        Primitive(
            "fpu_mix", "different instructions on groups of cores", fpu_mix,
            {"instructions": None, "core_counts": None, "pattern": "independent"},
        ),
        Primitive("softfloat_op", "one emulated floating-point operation", softfloat_op, {"operation": None}),
    )
}  # fmt: skip
