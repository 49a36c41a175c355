"""The tensor unit in isolation: one TensorFMA, loops of them with their operand loads, a tensor load, and peak rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hwsim.core.arguments import flag, number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.target import Mapped, Primitive
from hwsim.engine.jit import jit
from hwsim.targets.manycore import memory, tensor
from hwsim.targets.manycore.layout import WORD_ELEMENTS
from hwsim.targets.manycore.power import tensor_loop_power
from hwsim.targets.manycore.primitives_common import hops_of, per_shire, readers, record
from hwsim.targets.manycore.spec_energy import DATA_CODES

SOURCES = ("l1scp", "tenb")
TILES = ("shared", "private", "dram")
LEVELS = ("l2_read_buffer", "l2", "own_scp", "remote_scp", "l3", "dram")


@dataclass(frozen=True)
class Shape:
    """One TensorFMA: C (m x n) += A (m x k) B (k x n), `words` 32-bit words of k; `int8` operands."""

    m: int
    n: int
    k: int
    words: int
    int8: bool

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the operation."""
        return self.m * self.n * self.k


def shape_of(chip: Chip, arguments: Mapped) -> Shape:
    """Read m, n, k and dtype. Raises `InvalidTrace` for what the unit does not take."""
    name = word(arguments, "dtype", tuple(WORD_ELEMENTS))
    per_word = WORD_ELEMENTS[name]
    words_most = int(chip.number("tile_words"))
    m = whole(arguments, "m", most=chip.number("tile_rows"))
    n = whole(arguments, "n", least=4, most=chip.number("tile_cols"))
    k = whole(arguments, "k", most=words_most * per_word)
    if n % 4:
        raise InvalidTrace(f"n must be a multiple of 4, got {n}")
    if k % per_word:
        raise InvalidTrace(f"k must be a multiple of {per_word} with {arguments['dtype']}: rows of A are whole 32-bit words, got {k}")
    return Shape(m, n, k, k // per_word, name == "int8")


@jit
def busy(m: float, words: float, int8: bool, tenb: bool, line_interval: float, p: Any) -> float:
    """Busy cycles of the unit alone."""
    return tensor.fma_busy(m, words, int8, tenb, line_interval, p)


@jit
def loop(m: float, words: float, int8: bool, tenb: bool, a_loaded: bool, rate: float, p: Any) -> float:
    """Cycles per operation of an endless loop; operands come at `rate` bytes per cycle and minion, B too when A is loaded or B streams."""
    compute = tensor.fma_in_loop(m, words, int8, tenb, p)
    if not a_loaded and not tenb:
        return compute
    return max(compute, tensor.operand_cycles(m, words, a_loaded, a_loaded or tenb, rate, p))


@jit
def operand_rate(tiles: int, shires: float, minions: float, p: Any) -> float:
    """Bytes per cycle that one of `minions` per shire draws from a shared pool (0), its own tiles in its shire (1), or DRAM (2)."""
    if tiles == 0:
        return memory.shared_load_rate(minions, p) / minions
    if tiles == 1:
        return memory.own_load_rate(p.load_units * minions, p.tile_rows, p.banks_per_shire, p) / minions
    flying = memory.flight_rate(minions, p.load_units * p.outstanding_lines, p.dram_cycles, p)
    return float(min(shires * flying, p.dram_bytes_per_cycle) / (shires * minions))


@jit
def lone_load(lines: float, further: float, p: Any) -> float:
    """Cycles of a tensor load by a lone minion."""
    return memory.load_cycles(lines, further, p)


def fma_cycles(p: Any, shape: Shape, arguments: Mapped) -> float:
    """Cycles of one operation, in the unit alone or per operation of a loop. Raises `InvalidTrace`."""
    scope = word(arguments, "scope", ("unit", "loop"))
    tenb = word(arguments, "b_source", SOURCES) == "tenb"
    interval = arguments["b_line_interval"]
    flag(arguments, "rows_masked")
    if interval is not None and (scope == "loop" or not tenb):
        raise InvalidTrace("b_line_interval is the arrival of B at the unit alone: scope unit, b_source tenb; in a loop it follows from the tiles")
    if scope == "unit":
        if arguments["tiles"] is not None:
            raise InvalidTrace("tiles say where a loop loads its operands from; scope unit is one operation whose operands are in place")
        beats = float(p["load_beat_cycles"])  # of a line that is already on its way
        spacing = beats if interval is None else number(arguments, "b_line_interval", least=beats)
        return float(busy(shape.m, shape.words, shape.int8, tenb, spacing, p))
    if arguments["tiles"] is not None and not tenb and not flag(arguments, "a_loaded"):
        raise InvalidTrace("tiles say where operands are loaded from; with a_loaded=false and b_source=l1scp the loop loads none")
    place = TILES.index("private" if arguments["tiles"] is None else word(arguments, "tiles", TILES))
    shires, each = per_shire(p, readers(p, arguments))
    rate = operand_rate(place, shires, each, p)
    return float(loop(shape.m, shape.words, shape.int8, tenb, flag(arguments, "a_loaded"), rate, p))


def tensor_load(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Cycles of a tensor load of 1-16 rows of 64 B: groups of lines in flight; many minions share the shire's port, the mesh or DRAM."""
    p = record(chip, mapping)[0]
    level = word(arguments, "level", LEVELS)
    rows = whole(arguments, "rows", most=chip.number("tile_rows"))
    if (arguments["hops"] is not None) != (level == "remote_scp") and level != "l3":
        raise InvalidTrace("tensor_load takes hops for level remote_scp (1 and more) or l3, and needs them for remote_scp")
    latency = {
        "l2_read_buffer": p["read_buffer_latency_cycles"], "l2": p["l2_latency_cycles"], "own_scp": p["l2_latency_cycles"],
        "l3": p["l3_cycles"], "dram": p["dram_cycles"],
    }  # fmt: skip
    if arguments["hops"] is not None:
        hops = hops_of(p, arguments, 0 if level == "l3" else 1)
        latency["l3" if level == "l3" else "remote_scp"] = path_latency(0 if level == "l3" else 1, hops, p)
    cycles = lone_load(rows, float(latency[level] - p["l2_latency_cycles"]), p)
    shires, each = per_shire(p, readers(p, arguments))
    moved = rows * p["line_bytes"] * each
    port = p["read_buffer_bytes_per_cycle"] * p["read_buffer_share"] if level == "l2_read_buffer" else p["shire_bytes_per_cycle"]
    shared = max(moved / port, moved * shires / p["dram_bytes_per_cycle"] if level == "dram" else 0.0)
    return {"cycles": float(max(cycles, shared)), "latency_s": float(max(cycles, shared) / p["clock_hz"])}


@jit
def path_latency(remote: int, hops: float, p: Any) -> float:
    """Latency of L3 (0) or another shire's scratchpad (1), cycles."""
    return memory.remote_latency(hops, p) if remote else memory.l3_latency(hops, p)


def peak_rate(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Peak rate of the tensor units: ``2 MAC/cycle x minions x clock``; all minions on the die may be counted."""
    dtype = word(arguments, "dtype", tuple(WORD_ELEMENTS))
    p = record(chip, mapping)[0]
    most = max(chip.number("shires_on_die"), chip.number("shires")) * chip.number("minions_per_shire")
    minions = int(p["shires"] * p["minions_per_shire"]) if arguments["minions"] is None else whole(arguments, "minions", most=most)
    return {"tops": float(2.0 * p[f"macs_per_cycle_{dtype}"] * minions * p["clock_hz"] / 1e12)}


def tensor_fma(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """One TensorFMA: busy cycles of the unit alone, or cycles, rate and power of an endless loop on `minions` minions.

    Masked rows and zero operands change no time. Power figures are left out at a clock without a known voltage.
    """
    p = record(chip, mapping)[0]
    shape = shape_of(chip, arguments)
    if arguments["data"] is not None:
        word(arguments, "data", tuple(DATA_CODES))
    cycles = fma_cycles(p, shape, arguments)
    if arguments["scope"] == "unit":
        return {"cycles": cycles}
    minions = readers(p, arguments)
    loads = {**arguments, "minions": minions}
    rate = {"cycles": cycles, "tops": 2e-12 * shape.macs * minions * float(p["clock_hz"]) / cycles}
    return {**rate, **tensor_loop_power(chip, loads, mapping, cycles)}


PRIMITIVES = {
    made.name: made
    for made in (
        Primitive(
            "tensor_fma", "one tensor operation: C (m x n) += A (m x k) B (k x n)", tensor_fma,
            {"scope": "loop", "m": 16, "n": 16, "k": None, "dtype": "fp32", "b_source": "tenb", "b_line_interval": None, "a_loaded": True,
             "tiles": None, "rows_masked": False, "minions": None, "data": None},
            frozenset({"b_line_interval", "tiles", "minions", "data"}),
        ),
        Primitive(
            "tensor_load", "a tensor load of 1-16 lines", tensor_load, {"rows": 16, "level": None, "hops": None, "minions": 1}, frozenset({"hops"})
        ),
        Primitive("peak_rate", "peak rate of the tensor units", peak_rate, {"dtype": None, "minions": None}, frozenset({"minions"})),
    )
}  # fmt: skip
