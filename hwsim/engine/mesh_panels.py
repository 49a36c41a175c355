"""Matrix products on a P x P wavelet mesh that spread whole panels: SUMMA by multicast, and GEMM via allgather by relays."""

from __future__ import annotations

import numpy as np

from hwsim.core.errors import InvalidMapping
from hwsim.engine.mesh import MeshProgram, MeshRun, MeshTiming, RouteTable
from hwsim.engine.mesh_gemm import GemmSize, Operands, run_gemm, tiles
from hwsim.engine.mesh_isa import (
    E_BIT,
    N_BIT,
    RAMP_BIT,
    S_BIT,
    W_BIT,
    Instr,
    delay,
    inc,
    matmul,
    recv,
    reg,
    relay,
    repeat,
    send,
    set_route,
    wait,
)
from hwsim.engine.mesh_lines import Lines

# registers of SUMMA: lengths of the three runs of plain steps, routes of a root and after it (x, then w)
R_BEFORE, R_BETWEEN, R_AFTER, R_X_ROOT, R_X_DONE, R_W_ROOT, R_W_DONE = range(7)


def _summa_step(size: GemmSize, x_root: bool, w_root: bool) -> list[Instr]:
    """Take part in both broadcasts of a step, as root or receiver; wait; multiply. Roots set their routes before and after."""
    nx, nw = size.moved
    c, tx, tw = size.mt * size.nt, size.mt * size.kt, size.kt * size.nt
    own_x, own_w, buf_x, buf_w = c, c + tx, c + tx + tw, c + 2 * tx + tw
    body: list[Instr] = []
    if x_root:
        body.append(set_route(0, RAMP_BIT, reg(R_X_ROOT)))
    if w_root:
        body.append(set_route(1, RAMP_BIT, reg(R_W_ROOT)))
    body.append(send(0, own_x, nx, asynchronous=True) if x_root else recv(0, buf_x, nx, asynchronous=True))
    body.append(send(1, own_w, nw, asynchronous=True) if w_root else recv(1, buf_w, nw, asynchronous=True))
    body.append(wait())
    if x_root:
        body.append(set_route(0, E_BIT, reg(R_X_DONE)))
    if w_root:
        body.append(set_route(1, S_BIT, reg(R_W_DONE)))
    x, w = own_x if x_root else buf_x, own_w if w_root else buf_w
    return [*body, matmul(0, x, w, (size.mt, size.kt, size.nt), size.compute_cycles), delay(size.step_overhead)]


def summa_program(size: GemmSize, data: Operands | None = None) -> MeshProgram:
    """SUMMA: in step i column i multicasts its X tiles along the rows and row i its W tiles along the columns; then all multiply.

    One colour per axis, whose routes the roots of successive steps rewrite at run time. Raises InvalidMapping for P < 2.
    """
    p = size.p
    if p < 2:
        raise InvalidMapping("SUMMA needs at least 2 x 2 cores")
    routes = RouteTable(p, p, 2)
    for lines, colour in ((Lines(routes, "x"), 0), (Lines(routes, "y"), 1)):
        lines.add(colour, 0, RAMP_BIT, lines.forward)
        lines.add(colour, slice(1, p - 1), lines.backward, lines.forward | RAMP_BIT)
        lines.add(colour, p - 1, lines.backward, RAMP_BIT)
    plain = _summa_step(size, False, False)
    x_root, w_root = _summa_step(size, True, False), _summa_step(size, False, True)
    runs = [repeat(reg(r), plain) for r in (R_BEFORE, R_BETWEEN, R_AFTER)]
    programs = (
        [*runs[0], *x_root, *runs[1], *w_root, *runs[2]],
        [*runs[0], *_summa_step(size, True, True), *runs[2]],
        [*runs[0], *w_root, *runs[1], *x_root, *runs[2]],
    )
    y, x = np.mgrid[0:p, 0:p]
    registers = np.zeros((p, p, 7), dtype=np.int32)
    registers[:, :, R_BEFORE] = np.minimum(x, y)
    registers[:, :, R_BETWEEN] = np.maximum(abs(x - y) - 1, 0)
    registers[:, :, R_AFTER] = p - 1 - np.maximum(x, y)
    registers[:, :, R_X_ROOT] = np.where(x > 0, W_BIT, 0) | np.where(x < p - 1, E_BIT, 0)
    registers[:, :, R_X_DONE] = np.where(x > 0, W_BIT, 0) | RAMP_BIT
    registers[:, :, R_W_ROOT] = np.where(y > 0, N_BIT, 0) | np.where(y < p - 1, S_BIT, 0)
    registers[:, :, R_W_DONE] = np.where(y > 0, N_BIT, 0) | RAMP_BIT
    memory = None
    if data is not None:
        xt, wt = tiles(size, data)
        c, nx, nw = size.mt * size.nt, xt.shape[2], wt.shape[2]
        memory = np.zeros((p, p, c + 2 * nx + 2 * nw))
        memory[:, :, c : c + nx], memory[:, :, c + nx : c + nx + nw] = xt, wt
    which = (1 + np.sign(x - y)).astype(np.int32)
    return MeshProgram(routes, programs, which, registers, memory, threads=2)


def run_summa(size: GemmSize, timing: MeshTiming, *, data: Operands | None = None) -> MeshRun:
    """Build and run :func:`summa_program`; ``data``: (X, W), ``result``: their product."""
    return run_gemm(summa_program(size, data), size, timing)


def _gather_axis(place: int, first: int, tile: int) -> tuple[list[Instr], list[Instr]]:
    """Sends and relays of one axis for a core at the low end (0), inside (1) or at the high end (2) of its line.

    Registers ``first``..: own tile; own last element; element before the own tile; tile after it; wavelets from below; from
    above; colours sent and received forward, backward. Tiles travelling forward go last element first, so that they are
    stored downwards from the core's own tile, each where it belongs.
    """
    own, end, below, above, n_low, n_high, f_out, f_in, b_out, b_in = (reg(first + i) for i in range(10))
    sends = [send(f_out, end, tile, step=-1, asynchronous=True)] if place < 2 else []
    sends += [send(b_out, own, tile, asynchronous=True)] if place > 0 else []
    forward = relay(f_in, f_out, below, n_low, step=-1, asynchronous=True)
    backward = relay(b_in, b_out, above, n_high, asynchronous=True)
    if place == 2:
        forward = recv(f_in, below, n_low, step=-1, asynchronous=True)
    elif place == 0:
        backward = recv(b_in, above, n_high, asynchronous=True)
    return sends, [forward, backward]


def allgather_program(size: GemmSize, data: Operands | None = None) -> MeshProgram:
    """GEMM via allgather: every core collects its row of X and its column of W through its neighbours, then multiplies P tiles.

    Cores relay: neighbours' tiles are received, kept and sent on, both ways at once on both axes. 8 colours. Needs P >= 2.
    """
    p = size.p
    if p < 2:
        raise InvalidMapping("GEMM via allgather needs at least 2 x 2 cores")
    routes = RouteTable(p, p, 8)
    for axis, base in (("x", 0), ("y", 4)):
        lines = Lines(routes, axis)
        for i in range(p - 1):
            lines.message(base + i % 2, i, i + 1)
            lines.message(base + 2 + i % 2, i + 1, i)
    y, x = np.mgrid[0:p, 0:p]
    nx, nw = size.moved
    c = size.mt * size.nt
    registers = np.zeros((p, p, 22), dtype=np.int32)
    for first, at, tile, start, colour in ((0, x, nx, c, 0), (10, y, nw, c + p * nx, 4)):
        own = start + at * tile
        fields = (own, own + tile - 1, own - 1, own + tile, at * tile, (p - 1 - at) * tile,
                  colour + at % 2, colour + (at + 1) % 2, colour + 2 + (at + 1) % 2, colour + 2 + at % 2)  # fmt: skip
        for i, field in enumerate(fields):
            registers[:, :, first + i] = field
    registers[:, :, 20], registers[:, :, 21] = c, c + p * nx
    product = [matmul(0, reg(20), reg(21), (size.mt, size.kt, size.nt), size.compute_cycles), inc(20, nx), inc(21, nw)]
    programs = []
    for py in range(3):
        for px in range(3):
            x_sends, x_relays = _gather_axis(px, 0, nx)
            w_sends, w_relays = _gather_axis(py, 10, nw)
            programs.append([*x_sends, *w_sends, wait(), *x_relays, *w_relays, wait(), delay(size.step_overhead), *repeat(p, product)])
    place = np.ones(p, dtype=np.int32)
    place[0], place[-1] = 0, 2
    memory = None
    if data is not None:
        xt, wt = tiles(size, data)
        memory = np.zeros((p, p, c + p * (nx + nw)))
        for i in range(p):
            memory[:, i, c + i * nx : c + (i + 1) * nx] = xt[:, i]
            memory[i, :, c + p * nx + i * nw : c + p * nx + (i + 1) * nw] = wt[i]
    which = place[:, None] * 3 + place[None, :]
    return MeshProgram(routes, tuple(programs), which, registers, memory, threads=4)


def run_allgather_gemm(size: GemmSize, timing: MeshTiming, *, data: Operands | None = None) -> MeshRun:
    """Build and run :func:`allgather_program`; ``data``: (X, W), ``result``: their product."""
    return run_gemm(allgather_program(size, data), size, timing)
