"""Distributed matrix products C = X W on a P x P wavelet mesh: MeshGEMM, Cannon, SUMMA, allgather.

X is cut into tiles of mt x kt, W of kt x nt, C of mt x nt, one of each per core. MeshGEMM is that of He et al., WaferLLM (OSDI 2025):
tiles travel a logical ring 1, 3, 5, ..., 6, 4, 2 whose every step is at most two hops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping
from hwsim.engine.mesh import MeshProgram, MeshRun, MeshTiming, RouteTable, WaveletMesh
from hwsim.engine.mesh_isa import Instr, delay, matmul, recv, reg, repeat, send, swap, wait
from hwsim.engine.mesh_lines import Lines, colour_intervals

# registers of the ring programs
R_X, R_X_NEXT, R_W, R_W_NEXT, R_CX_OUT, R_CX_IN, R_CW_OUT, R_CW_IN, R_CA_OUT, R_CA_IN, R_SWAP, R_KEEP, R_WSWAP, R_WKEEP = range(14)


@dataclass(frozen=True, slots=True)
class GemmSize:
    """Grid side ``p``; tile sizes ``mt``, ``kt``, ``nt`` in elements; ``x_wavelets``, ``w_wavelets`` of one tile (0: one per element);
    ``compute_cycles`` of one local product; ``step_overhead`` and ``round_overhead``: software cycles per step and alignment round.
    """

    p: int
    mt: int
    kt: int
    nt: int
    compute_cycles: int
    x_wavelets: int = 0
    w_wavelets: int = 0
    step_overhead: int = 0
    round_overhead: int = 0

    def __post_init__(self) -> None:
        if min(self.p, self.mt, self.kt, self.nt) < 1 or min(self.compute_cycles, self.x_wavelets, self.w_wavelets) < 0:
            raise InvalidMapping(f"mesh GEMM: impossible size {self}")
        if min(self.step_overhead, self.round_overhead) < 0:
            raise InvalidMapping(f"mesh GEMM: negative overhead in {self}")

    @property
    def moved(self) -> tuple[int, int]:
        """Wavelets of a tile of X and of W."""
        return self.x_wavelets or self.mt * self.kt, self.w_wavelets or self.kt * self.nt


Operands = tuple[NDArray[np.float64], NDArray[np.float64]]


def ring_order(p: int) -> list[int]:
    """The two-hop interleave as a ring of 0-based positions: 0, 2, 4, ..., 5, 3, 1."""
    return [*range(0, p, 2), *range(p - 1 - p % 2, 0, -2)]


def tiles(size: GemmSize, data: Operands) -> Operands:
    """X and W as tiles: (p, p, mt*kt) and (p, p, kt*nt), by block row and column. Raises InvalidMapping on other shapes."""
    x, w = data
    p, mt, kt, nt = size.p, size.mt, size.kt, size.nt
    if x.shape != (p * mt, p * kt) or w.shape != (p * kt, p * nt):
        raise InvalidMapping(f"mesh GEMM: operands {x.shape} and {w.shape} are not ({p * mt}, {p * kt}) and ({p * kt}, {p * nt})")
    if size.moved != (mt * kt, kt * nt):
        raise InvalidMapping("mesh GEMM: with data a wavelet carries one element; leave x_wavelets and w_wavelets out")
    xt = x.reshape(p, mt, p, kt).transpose(0, 2, 1, 3).reshape(p, p, mt * kt)
    wt = w.reshape(p, kt, p, nt).transpose(0, 2, 1, 3).reshape(p, p, kt * nt)
    return xt, wt


def run_gemm(program: MeshProgram, size: GemmSize, timing: MeshTiming) -> MeshRun:
    """Run; with data, ``result`` is the product, (p*mt, p*nt)."""
    run = WaveletMesh(program, timing).run()
    if run.memory is None:
        return run
    c = run.memory[:, :, : size.mt * size.nt].reshape(size.p, size.p, size.mt, size.nt)
    return replace(run, result=c.transpose(0, 2, 1, 3).reshape(size.p * size.mt, size.p * size.nt))


def _routes(lines: Lines, messages: Sequence[tuple[int, int]], first: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Route one message per position; the colour each position sends and receives on."""
    out = np.zeros(lines.length, dtype=np.int32)
    into = np.zeros(lines.length, dtype=np.int32)
    for (here, there), colour in zip(messages, colour_intervals(messages), strict=True):
        lines.message(first + colour, here, there)
        out[here] = into[there] = first + colour
    return out, into


def _exchange(size: GemmSize, wavelets: int, colours: tuple[int, int], buffers: tuple[int, int], *, keep: bool) -> list[Instr]:
    """One alignment round: send the current tile, receive the next one, wait for both; swap unless ``keep``."""
    body = [
        send(reg(colours[0]), reg(buffers[0]), wavelets, asynchronous=True),
        recv(reg(colours[1]), reg(buffers[1]), wavelets, asynchronous=True),
        wait(),
        delay(size.round_overhead),
    ]
    return body if keep else [*body, swap(*buffers)]


def _steps(size: GemmSize) -> list[Instr]:
    """P steps: four asynchronous moves beside the product of the tiles being sent, then swap the double buffers."""
    x, w = size.moved
    body = [
        send(reg(R_CX_OUT), reg(R_X), x, asynchronous=True),
        recv(reg(R_CX_IN), reg(R_X_NEXT), x, asynchronous=True),
        send(reg(R_CW_OUT), reg(R_W), w, asynchronous=True),
        recv(reg(R_CW_IN), reg(R_W_NEXT), w, asynchronous=True),
        matmul(0, reg(R_X), reg(R_W), (size.mt, size.kt, size.nt), size.compute_cycles),
        wait(),
        delay(size.step_overhead),
        swap(R_X, R_X_NEXT),
        swap(R_W, R_W_NEXT),
    ]
    return repeat(size.p, body)


def _registers(size: GemmSize) -> NDArray[np.int32]:
    """Registers with the double buffers' addresses: C, X, X', W, W'."""
    x, w = size.mt * size.kt, size.kt * size.nt
    c = size.mt * size.nt
    registers = np.zeros((size.p, size.p, 14), dtype=np.int32)
    registers[:, :, [R_X, R_X_NEXT, R_W, R_W_NEXT]] = [c, c + x, c + 2 * x, c + 2 * x + w]
    return registers


def _place(size: GemmSize, x: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
    """Core memories with X and W tiles (p, p, elements) in the first buffers."""
    nx, nw, c = size.mt * size.kt, size.kt * size.nt, size.mt * size.nt
    memory = np.zeros((size.p, size.p, c + 2 * nx + 2 * nw))
    memory[:, :, c : c + nx] = x
    memory[:, :, c + 2 * nx : c + 2 * nx + nw] = w
    return memory


def mesh_gemm_program(size: GemmSize, data: Operands | None = None) -> MeshProgram:
    """MeshGEMM: the host skews W; X is aligned on the device in P//2 two-hop rounds (rows of both parities in opposite
    directions, each row keeping its tile once it is in place); then P steps of the interleave on both axes. 12 colours.

    Raises InvalidMapping for P < 3, which has no two-hop ring.
    """
    p = size.p
    if p < 3:
        raise InvalidMapping(f"MeshGEMM needs at least 3 x 3 cores, not {p} x {p}")
    order = ring_order(p)
    rank = np.argsort(order)
    onward = [(order[i], order[(i + 1) % p]) for i in range(p)]
    back = [(there, here) for here, there in onward]
    routes = RouteTable(p, p, 12)
    rows, columns = Lines(routes, "x"), Lines(routes, "y")
    registers = _registers(size)
    registers[:, :, R_CX_OUT], registers[:, :, R_CX_IN] = _routes(rows, onward, 0)
    cw_out, cw_in = _routes(columns, onward, 3)
    registers[:, :, R_CW_OUT], registers[:, :, R_CW_IN] = cw_out[:, None], cw_in[:, None]
    registers[1::2, :, R_CA_OUT], registers[1::2, :, R_CA_IN] = _routes(rows, onward, 6)
    registers[0::2, :, R_CA_OUT], registers[0::2, :, R_CA_IN] = _routes(rows, back, 9)
    shifts = (np.arange(p) + 1) // 2
    registers[:, :, R_SWAP], registers[:, :, R_KEEP] = shifts[:, None], (p // 2 - shifts)[:, None]
    align, buffers = (R_CA_OUT, R_CA_IN), (R_X, R_X_NEXT)
    body = [
        *repeat(reg(R_SWAP), _exchange(size, size.moved[0], align, buffers, keep=False)),
        *repeat(reg(R_KEEP), _exchange(size, size.moved[0], align, buffers, keep=True)),
        *_steps(size),
    ]
    memory = None
    if data is not None:
        x, w = tiles(size, data)
        skew = np.array(order)[(rank[:, None] + rank[None, :]) % p]
        memory = _place(size, x, w[skew, np.arange(p)[None, :]])
    return MeshProgram(routes, (body,), np.zeros((p, p), dtype=np.int32), registers, memory, threads=4)


def run_mesh_gemm(size: GemmSize, timing: MeshTiming, *, data: Operands | None = None) -> MeshRun:
    """Build and run :func:`mesh_gemm_program`; ``data``: (X, W), ``result``: their product. ``timing.overlap`` decides whether
    the moves hide behind the product or take its cycles."""
    return run_gemm(mesh_gemm_program(size, data), size, timing)


def cannon_program(size: GemmSize, data: Operands | None = None, *, preskewed: bool = True) -> MeshProgram:
    """Cannon's algorithm: neighbour shifts west and north with a wrap through the routers on the opposite links. 6 colours.

    Without ``preskewed``, P - 1 rounds per axis skew X and W on the device first. Raises InvalidMapping for P < 2.
    """
    p = size.p
    if p < 2:
        raise InvalidMapping("Cannon needs at least 2 x 2 cores")
    messages = [(i, (i - 1) % p) for i in range(p)]
    routes = RouteTable(p, p, 6)
    registers = _registers(size)
    registers[:, :, R_CX_OUT], registers[:, :, R_CX_IN] = _routes(Lines(routes, "x"), messages, 0)
    cw_out, cw_in = _routes(Lines(routes, "y"), messages, 3)
    registers[:, :, R_CW_OUT], registers[:, :, R_CW_IN] = cw_out[:, None], cw_in[:, None]
    at = np.arange(p)
    registers[:, :, R_SWAP], registers[:, :, R_KEEP] = at[:, None], (p - 1 - at)[:, None]
    registers[:, :, R_WSWAP], registers[:, :, R_WKEEP] = at, p - 1 - at
    skew: list[Instr] = []
    if not preskewed:
        x_way, x_buffers = (R_CX_OUT, R_CX_IN), (R_X, R_X_NEXT)
        w_way, w_buffers = (R_CW_OUT, R_CW_IN), (R_W, R_W_NEXT)
        skew += repeat(reg(R_SWAP), _exchange(size, size.moved[0], x_way, x_buffers, keep=False))
        skew += repeat(reg(R_KEEP), _exchange(size, size.moved[0], x_way, x_buffers, keep=True))
        skew += repeat(reg(R_WSWAP), _exchange(size, size.moved[1], w_way, w_buffers, keep=False))
        skew += repeat(reg(R_WKEEP), _exchange(size, size.moved[1], w_way, w_buffers, keep=True))
    memory = None
    if data is not None:
        x, w = tiles(size, data)
        if preskewed:
            inner = (at[:, None] + at[None, :]) % p
            x, w = x[at[:, None], inner], w[inner, at[None, :]]
        memory = _place(size, x, w)
    return MeshProgram(routes, ([*skew, *_steps(size)],), np.zeros((p, p), dtype=np.int32), registers, memory, threads=4)


def run_cannon(size: GemmSize, timing: MeshTiming, *, data: Operands | None = None, preskewed: bool = True) -> MeshRun:
    """Build and run :func:`cannon_program`; ``data``: (X, W), ``result``: their product."""
    return run_gemm(cannon_program(size, data, preskewed=preskewed), size, timing)
