"""Event fidelity inside an operator: the fabric's part of allreduces, reductions and broadcasts run cycle by cycle on the wavelet mesh.

All columns of a program do the same, so one line of cores is run. Software costs (steps, switches, local products) keep their measured
constants: the loop adds what the closed forms leave out, contention on the ramps. An uncontended line agrees with its form to the cycle.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.program import Program
from hwsim.engine.mesh import MeshTiming
from hwsim.engine.mesh_programs import run_allreduce, run_broadcast, run_reduce
from hwsim.targets.wafer_mesh import layout as L
from hwsim.targets.wafer_mesh.collectives import ADD, CHAIN, ktree_allreduce, reduce_broadcast, reduce_line, ring_allreduce
from hwsim.targets.wafer_mesh.gemm import wavelets

SLOT = {slot.name: i for i, slot in enumerate(L.SLOTS)}
REDUCE_NAMES = {code: name for name, code in L.REDUCE_CODES.items()}


@dataclass(frozen=True)
class Line:
    """An allreduce that an operator performs `times`: over `cores` of a line, `b` wavelets each, with the program's ramp or the bare one."""

    times: float
    cores: int
    b: int
    bare: bool = False


def timing(params: Any, bare: bool) -> MeshTiming:
    """The fabric's constants as whole cycles; the two ramps share 2 T_R."""
    both = round(2 * float(params["ramp_cycles" if bare else "gemv_ramp_cycles"]))
    return MeshTiming(round(float(params["hop_cycles"])), both - both // 2, both // 2)


def lines_of(op: Any, p: Any) -> Iterator[Line]:
    """The line allreduces of one decode operator or collective (prefill's row sums are a few of thousands of steps and keep their form)."""
    w, h = (int(p["decode_w"]), int(p["decode_h"])) if op["decode"] else (int(p["prefill_w"]), int(p["prefill_h"]))
    eb = float(op["element_bytes"])
    if op["kind"] == L.ALLREDUCE:
        yield from (Line(1, cores, int(wavelets(op["elements"], eb)), bare=True) for cores in (w, h) if cores > 1)
    elif not op["decode"]:
        return
    elif op["kind"] == L.MATMUL and op["lead"]:
        vectors = op["batch"] * op["m"]
        yield Line(1, h, int(wavelets(vectors * sum(math.ceil(op[n] / w) for n in ("n", "n2", "n3")), eb)))
    elif op["kind"] == L.ATTENTION:
        ct, dt, heads = math.ceil(op["positions"] / w), math.ceil(op["heads"] * op["head_dim"] / h), math.ceil(op["heads"] / h)
        yield Line(1, w, int(wavelets(op["rows"] * heads * ct, eb)))
        yield Line(1, h, int(wavelets(op["rows"] * dt, eb)))
        yield Line(2, h, int(wavelets(op["rows"] * heads, eb)))
    elif op["allreduces"]:
        yield Line(float(op["allreduces"]), h, int(wavelets(op["rows"], eb)))


@lru_cache(maxsize=256)
def added_cycles(line: Line, kind: str, groups: int, clocked: MeshTiming) -> float:
    """Cycles that the loop takes beyond the closed form of the same line (never fewer than 0: a published bound may exceed the schedule)."""
    hop, ramp2 = float(clocked.hop_cycles), float(clocked.ramp2_cycles)
    if kind == "allreduce_ktree":
        form = ktree_allreduce(line.cores, groups, line.b, hop, ramp2)
        run = run_allreduce(kind, line.cores, line.b, clocked, groups=groups)
    elif kind == "allreduce_ring":
        if line.b % line.cores:
            return 0.0  # the loop moves whole chunks only
        form = ring_allreduce(line.cores, line.b, hop, ramp2)
        run = run_allreduce(kind, line.cores, line.b, clocked)
    else:
        form = reduce_broadcast(float(L.REDUCE_CODES[kind]), line.cores, line.b, hop, ramp2)
        run = run_allreduce("allreduce_reduce_broadcast", line.cores, line.b, clocked, reduce=kind)
    return max(0.0, run.cycles - form)


def kind_of(params: Any, line: Line, groups: float) -> str:
    """Name of the loop's program for a line; the empty string when the price function chose freely among several."""
    if not line.bare:
        return {L.GEMV_RING: "allreduce_ring", L.GEMV_PIPELINE: REDUCE_NAMES[CHAIN]}.get(int(params["gemv"]), "allreduce_ktree")
    if params["collective"] == L.REDUCE_BROADCAST:
        return REDUCE_NAMES.get(int(params["reduce"]), "")
    return {L.RING: "allreduce_ring"}.get(int(params["collective"]), "allreduce_ktree" if groups and not params["collective"] else "")


def lone_collective(op: Any, p: Any) -> float:
    """Cycles that a reduce or broadcast takes on the loop beyond its form; 0 for other operators and for a reduce left to the price function."""
    w, h = int(p["prefill_w"]), int(p["prefill_h"])
    b = int(wavelets(op["elements"], op["element_bytes"]))
    clocked = timing(p, bare=True)
    hop, ramp2 = float(clocked.hop_cycles), float(clocked.ramp2_cycles)
    if op["kind"] == L.BROADCAST:
        return max(0.0, run_broadcast(w, h, b, clocked).cycles - (b + hop * (w + h - 2) + ramp2 + ADD)) if w * h > 1 else 0.0
    if op["kind"] != L.REDUCE or not p["reduce"]:
        return 0.0
    name = REDUCE_NAMES[int(p["reduce"])]
    added = (run_reduce(name, n, b, clocked).cycles - reduce_line(p["reduce"], n, b, hop, ramp2) for n in (w, h) if n > 1)
    return sum(max(0.0, extra) for extra in added)


def refined(program: Program, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return slot values whose allreduce cycles hold what the cycle loop adds. WaferLLM's programs only: the baselines have no schedule to run."""
    p = program.params[0]
    if p["system"] != L.WAFERLLM:
        return values
    out = values.copy()
    for row, op in enumerate(program.rows):
        groups = float(values[row, SLOT["groups"]])
        for line in lines_of(op, p):
            if kind := kind_of(p, line, groups):
                out[row, SLOT["allreduce"]] += line.times * added_cycles(line, kind, int(groups) or 1, timing(p, line.bare))
        if op["kind"] in (L.REDUCE, L.BROADCAST):
            out[row, SLOT["allreduce"]] += lone_collective(op, p)
    return out
