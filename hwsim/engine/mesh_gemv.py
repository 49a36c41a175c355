"""MeshGEMV: local products, then the K = 2 tree allreduce along y of every column (He et al., WaferLLM, OSDI 2025)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping
from hwsim.engine.mesh import MeshProgram, MeshRun, MeshTiming, RouteTable, WaveletMesh
from hwsim.engine.mesh_forms import ktree_allreduce_cycles
from hwsim.engine.mesh_isa import matmul
from hwsim.engine.mesh_lines import Lines

KTREE_COLOURS = 9  # two per direction in each of two phases, one broadcast


def default_groups(p: int, timing: MeshTiming) -> int:
    """The divisor of ``p`` for which the K-tree allreduce of one wavelet is shortest (ties: fewer groups)."""
    divisors = [g for g in range(1, p + 1) if p % g == 0]
    return min(divisors, key=lambda g: (ktree_allreduce_cycles(p, g, 1, timing.hop_cycles, timing.ramp2_cycles, timing.op_cycles), g))


def ktree(lines: Lines, groups: int, addr: int, wavelets: int) -> None:
    """Append the K = 2 tree allreduce to the lines: colours 0-3 phase one, 4-7 phase two, 8 broadcast.

    In every group of s = P/g neighbours two chains run from both ends to the group root at offset s//2; the roots chain to the
    second root, that of group g//2, from both ends, passing the cores between as router hops; it multicasts both ways.
    Raises InvalidMapping unless ``groups`` divides the length of the lines.
    """
    p = lines.length
    if groups < 1 or p % groups:
        raise InvalidMapping(f"K-tree: {groups} groups do not divide {p} cores")
    s = p // groups
    offset = s // 2
    for start in range(0, p, s):
        root = start + offset
        lines.chain(range(start, root + 1), (0, 1), addr, wavelets)
        lines.chain(range(start + s - 1, root - 1, -1), (2, 3), addr, wavelets)
    second = groups // 2 * s + offset
    lines.chain(range(offset, second + 1, s), (4, 5), addr, wavelets)
    lines.chain(range(p - s + offset, second - 1, -s), (6, 7), addr, wavelets)
    lines.flood(second, 8, addr, wavelets)


def mesh_gemv_program(
    width: int,
    height: int,
    kt: int,
    nt: int,
    groups: int,
    *,
    wavelets: int | None = None,
    compute_cycles: int = 0,
    data: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> MeshProgram:
    """y = x A on ``width`` x ``height`` cores: x of length height*kt split along y and copied along x, y split along x.

    Every core multiplies its kt x nt tile in ``compute_cycles``, then ``wavelets`` (default nt: one element each) are
    allreduced along y with ``groups`` groups. ``data``: (x, A of shape (height*kt, width*nt)), or None for counts only.
    Memory of a core: y tile, x tile, A tile.
    """
    moved = nt if wavelets is None else wavelets
    memory = None
    if data is not None:
        x, a = data
        if x.shape != (height * kt,) or a.shape != (height * kt, width * nt):
            raise InvalidMapping(f"mesh GEMV: vector {x.shape} and matrix {a.shape} are not ({height * kt},) and ({height * kt}, {width * nt})")
        if moved != nt:
            raise InvalidMapping(f"mesh GEMV: with data a wavelet carries one element: {moved} wavelets for {nt} elements")
        memory = np.zeros((height, width, nt + kt + kt * nt))
        memory[:, :, nt : nt + kt] = x.reshape(height, 1, kt)
        memory[:, :, nt + kt :] = a.reshape(height, kt, width, nt).transpose(0, 2, 1, 3).reshape(height, width, kt * nt)
    lines = Lines(RouteTable(width, height, KTREE_COLOURS), "y")
    ktree(lines, groups, 0, moved)
    return lines.program(memory, prefix=[matmul(0, nt, nt + kt, (1, kt, nt), compute_cycles)])


def run_mesh_gemv(
    width: int,
    height: int,
    kt: int,
    nt: int,
    timing: MeshTiming,
    *,
    groups: int | None = None,
    wavelets: int | None = None,
    compute_cycles: int = 0,
    data: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> MeshRun:
    """Build and run :func:`mesh_gemv_program`; with data, ``result`` is y of shape (width*nt,), as every row of cores holds it.

    Raises InvalidMapping for groups that do not divide the height, data of the wrong shape, or rows that disagree.
    """
    g = default_groups(height, timing) if groups is None else groups
    program = mesh_gemv_program(width, height, kt, nt, g, wavelets=wavelets, compute_cycles=compute_cycles, data=data)
    run = WaveletMesh(program, timing).run()
    if run.memory is None:
        return run
    return replace(run, result=run.memory[height // 2, :, :nt].reshape(-1))
