"""Primitives of the TCDM, the instruction cache, L2 and the DMA."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping, InvalidTrace
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.cluster.icache import icache_stalls
from hwsim.targets.cluster.memory import l2_cycles, transfer_cycles
from hwsim.targets.cluster.numbers import resolved
from hwsim.targets.cluster.tcdm_loop import NO_ACCESS, loop

Figures = Mapping[str, float]
PATTERNS = ("random", "same_word", "own_bank", "shared_walk", "stride")
SEED, DRAWS = 20210722, 16  # random addresses: that many draws, averaged
MOST_ACCESSES = 50_000_000
ALU_BYTES, LOOP_BYTES = 4, 12  # an ALU instruction; the add, branch and jump at the end of a body
ACCESS = {
    "pattern": None, "loads": 64, "iterations": 10, "alu_between": 0, "loop": "branch", "footprint_words": 256, "stride_words": 16,
}  # fmt: skip


def addresses(arguments: Mapped, cores: int, loads: int, rng: np.random.Generator, banks: int) -> tuple[NDArray[np.int64], int]:
    """((cores, loads) words of the first pass, words by which all move each pass). Raises `InvalidTrace`."""
    pattern = word(arguments, "pattern", PATTERNS)
    if pattern == "random":
        return rng.integers(0, whole(arguments, "footprint_words", most=2**31), (cores, loads)), 0
    if pattern == "same_word":
        return np.zeros((cores, loads), np.int64), 0
    if pattern == "own_bank":
        return np.repeat(np.arange(cores, dtype=np.int64)[:, None] % banks, loads, 1), 0
    step = 1 if pattern == "shared_walk" else whole(arguments, "stride_words", least=0, most=2**31)
    return np.tile(np.arange(loads, dtype=np.int64) * step, (cores, 1)), loads * step


def run_access(chip: Chip, arguments: Mapped, mapping: Mapped) -> tuple[float, float]:
    """(mean busy cycles of a core, mean stalls per load), cycle by cycle."""
    m, p = resolved(chip, mapping)
    loads, iterations = whole(arguments, "loads", most=65536), whole(arguments, "iterations", most=MOST_ACCESSES)
    between, banks = whole(arguments, "alu_between", least=0, most=4096), int(p["tcdm_banks"][0])
    draws = DRAWS if arguments["pattern"] == "random" and m.cores > 1 else 1
    if loads * (1 + between) * iterations * m.cores * draws > MOST_ACCESSES:
        raise InvalidTrace(f"tcdm_access is run cycle by cycle: loads x iterations x cores are limited to {MOST_ACCESSES / draws:,.0f}")
    hardware = word(arguments, "loop", ("branch", "hardware")) == "hardware"
    extra = 0 if hardware else round(float(p["alu_cycles"][0] + p["taken_cycles"][0]))
    rng = np.random.default_rng(SEED)
    busy, waits = [], []
    for _ in range(draws):
        words, moved = addresses(arguments, m.cores, loads, rng, banks)
        slots = np.full((m.cores, loads, 1 + between), NO_ACCESS, np.int64)
        slots[:, :, 0] = words
        body = slots.reshape(m.cores, -1)
        run = loop(body, np.full(body.shape[1], moved, np.int64), extra, iterations, banks)
        busy.append(float(run.busy.mean()))
        waits.append(float(run.stalls.mean()) / (loads * iterations))
    return float(np.mean(busy)), float(np.mean(waits))


def tcdm_access(chip: Chip, arguments: Mapped, mapping: Mapped) -> Figures:
    """Busy cycles of a core, mean over cores, of a loop of loads."""
    return {"cycles": run_access(chip, arguments, mapping)[0]}


def tcdm_stalls(chip: Chip, arguments: Mapped, mapping: Mapped) -> Figures:
    """Stall cycles per load of the same loop."""
    return {"cycles": run_access(chip, arguments, mapping)[1]}


def icache_loop(chip: Chip, arguments: Mapped, mapping: Mapped) -> Figures:
    """Cycles of a loop of straight ALU instructions, first pass cold; any number of cores fetch the same lines."""
    _, p = resolved(chip, mapping)
    body, iterations = number(arguments, "body_bytes", least=ALU_BYTES), whole(arguments, "iterations")
    control = p["alu_cycles"][0] + p["branch_cycles"][0] + p["jump_cycles"][0]
    issue = iterations * (body / ALU_BYTES * p["alu_cycles"][0] + control)
    code = body + LOOP_BYTES
    return {"cycles": float(issue + icache_stalls(iterations * code, code, 1.0, p[0]))}


def l2_access(chip: Chip, arguments: Mapped, mapping: Mapped) -> Figures:
    """Cycles of one of many independent accesses of L2 by every core."""
    m, p = resolved(chip, mapping)
    word(arguments, "access", ("load", "store"))
    return {"cycles": float(l2_cycles(float(m.cores), p[0]))}


def dma_transfer(chip: Chip, arguments: Mapped, mapping: Mapped) -> Figures:
    """Cycles and bytes per second of one linear transfer, programmed and polled by a core."""
    m, p = resolved(chip, mapping)
    if m.core != "xpulp":
        raise InvalidMapping(f"dma_transfer is of a cluster's DMA; {chip.name} has none: its core loads its operands itself")
    moved = number(arguments, "bytes", least=1)
    outwards = word(arguments, "direction", ("l2_to_l1", "l1_to_l2")) == "l1_to_l2"
    cycles = float(transfer_cycles(moved, outwards, p[0]))
    return {"cycles": cycles, "bandwidth_bytes_per_s": moved / cycles * float(p["clock_hz"][0]) if cycles else math.inf}


PRIMITIVES: Mapping[str, Primitive] = {
    p.name: p
    for p in (
        Primitive("tcdm_access", "a loop of loads of every core, cycle by cycle", tcdm_access, ACCESS),
        Primitive("tcdm_stalls", "stalls per load of a loop of loads", tcdm_stalls, ACCESS),
        Primitive("icache_loop", "a loop of straight instructions, first pass cold", icache_loop, {"body_bytes": None, "iterations": 50}),
        Primitive("l2_access", "a load or store of L2", l2_access, {"access": None}),
        Primitive("dma_transfer", "a linear transfer between L2 and L1", dma_transfer, {"direction": None, "bytes": None}),
    )
}
