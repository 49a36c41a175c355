"""A 2-D mesh of cores whose routers forward single-word wavelets on static colour routes, simulated cycle by cycle.

The fabric is that of Luczynski et al., "Near-Optimal Wafer-Scale Reduce" (HPDC 2024): per cycle one wavelet on every directed
link, one into and one out of a core over the RAMP that x and y traffic share; colours are virtual channels with their own queues
and back pressure; a route may fan out at no cost. Contention of links, RAMPs and cores emerges; real values move.

:class:`WaveletMesh` is the engine; builders of complete programs are in :mod:`hwsim.engine.mesh_programs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError, Infeasible, InvalidMapping
from hwsim.engine import mesh_state as st
from hwsim.engine.mesh_build import FAULT_EDGE, FAULT_NONE, Caps, Grid, colour_uses, count_lanes, fill_lanes, missing_ramp
from hwsim.engine.mesh_core import ERROR_MEMORY, ERROR_READERS, ERROR_THREADS
from hwsim.engine.mesh_isa import F_IN, F_OUT, Program, assemble
from hwsim.engine.mesh_kernel import STATUS_DEADLOCK, STATUS_ERROR, STATUS_LIMIT, run_cycles

_NAMES = ("north", "south", "east", "west", "ramp")
_ERRORS = {
    ERROR_THREADS: "more asynchronous moves than threads",
    ERROR_READERS: "two receives at once on one colour",
    ERROR_MEMORY: "an address outside the core's memory",
}


class MeshDeadlockError(HwsimError):
    """No wavelet moves and no core computes, but programs have not ended; ``cores`` are (x, y, colour in, colour out)."""

    def __init__(self, cycle: int, unfinished: int, cores: Sequence[tuple[int, int, int, int]]) -> None:
        self.cycle, self.unfinished, self.cores = cycle, unfinished, tuple(cores)
        listed = "; ".join(f"({x}, {y}) in {_colour(a)} out {_colour(b)}" for x, y, a, b in self.cores[:8])
        super().__init__(f"mesh deadlock at cycle {cycle}: {unfinished} cores blocked on colours: {listed}")


def _colour(colour: int) -> str:
    return "-" if colour < 0 else str(colour)


@dataclass(frozen=True, slots=True)
class MeshTiming:
    """Constants of the fabric, in cycles (from the chip file).

    ``hop_cycles``: router to router (alpha). ``ramp_out_cycles`` + ``ramp_in_cycles``: core to router and back (2 T_R).
    ``queue_depth``: wavelets a queue holds beyond those under way; uncontended results do not depend on it from 2 up.
    ``op_cycles``: from reading to writing one element of a core's stream (the add of receive-add-send).
    ``colours``: routable colours. ``overlap``: whether asynchronous moves run beside a computation for free; if not,
    every cycle in which a core moves an element takes that cycle from its computation.
    Raises InvalidMapping when a latency, depth or the number of colours is out of range.
    """

    hop_cycles: int
    ramp_out_cycles: int
    ramp_in_cycles: int
    op_cycles: int = 1
    queue_depth: int = 2
    colours: int = 24
    overlap: bool = False

    def __post_init__(self) -> None:
        for name in ("hop_cycles", "ramp_out_cycles", "ramp_in_cycles", "op_cycles", "queue_depth"):
            if not 1 <= getattr(self, name) <= 64:
                raise InvalidMapping(f"mesh: {name} = {getattr(self, name)} is not in 1..64")
        if not 1 <= self.colours <= 32:
            raise InvalidMapping(f"mesh: colours = {self.colours} is not in 1..32")

    @property
    def ramp2_cycles(self) -> int:
        """2 T_R: both passages of the RAMP."""
        return self.ramp_out_cycles + self.ramp_in_cycles


class RouteTable:
    """Routes of a ``width`` x ``height`` mesh: ``rx``, ``tx`` of shape (colours, height, width), sets of directions (uint8)."""

    def __init__(self, width: int, height: int, colours: int) -> None:
        if width < 1 or height < 1:
            raise InvalidMapping(f"mesh: a grid of {width} x {height} cores")
        self.width, self.height = width, height
        self.rx: NDArray[np.uint8] = np.zeros((colours, height, width), dtype=np.uint8)
        self.tx: NDArray[np.uint8] = np.zeros((colours, height, width), dtype=np.uint8)

    @property
    def colours(self) -> int:
        """Number of colours."""
        return int(self.rx.shape[0])

    def add(self, colour: int, y: object, x: object, rx: int, tx: int) -> None:
        """Add ``rx`` to the inputs and ``tx`` to the outputs of ``colour`` at rows ``y`` and columns ``x`` (any numpy index)."""
        self.rx[colour, y, x] |= np.uint8(rx)  # type: ignore[index]
        self.tx[colour, y, x] |= np.uint8(tx)  # type: ignore[index]


@dataclass(frozen=True, slots=True)
class MeshProgram:
    """Everything a run needs: routes, programs, which core runs which (``which``: (height, width)), registers, data.

    ``registers``: (height, width, n) int32. ``memory``: (height, width, words) float64, or None for skeleton mode (counts only).
    ``threads``: asynchronous moves a core can have under way.
    """

    routes: RouteTable
    programs: tuple[Program, ...]
    which: NDArray[np.int32]
    registers: NDArray[np.int32]
    memory: NDArray[np.float64] | None = None
    threads: int = 0


@dataclass(frozen=True, slots=True)
class MeshRun:
    """What a run gives. ``cycles``: the last core's end; ``finish``: (height, width) cycle at which each core ended.

    ``links``: (height, width, 4) wavelets sent N, S, E, W; ``ramp_in``, ``ramp_out``: (height, width) wavelets; ``events``: queue
    and core steps simulated; ``memory``: (height, width, words) at the end, or None; ``result``: what the program computed.
    """

    cycles: int
    finish: NDArray[np.int32]
    links: NDArray[np.int32]
    ramp_in: NDArray[np.int32]
    ramp_out: NDArray[np.int32]
    events: int
    memory: NDArray[np.float64] | None = None
    result: NDArray[np.float64] | None = field(default=None)

    @property
    def wavelet_hops(self) -> int:
        """Wavelets times links travelled (HPDC's energy E)."""
        return int(self.links.sum(dtype=np.int64))

    @property
    def link_max(self) -> float:
        """Utilisation of the busiest directed link: wavelets per cycle."""
        return float(self.links.max()) / self.cycles if self.cycles else 0.0

    @property
    def link_mean(self) -> float:
        """Mean utilisation of the directed links that carried anything: wavelets per cycle."""
        used = int(np.count_nonzero(self.links))
        return self.wavelet_hops / (used * self.cycles) if used and self.cycles else 0.0

    @property
    def router_cycles(self) -> int:
        """Routers times simulated cycles."""
        return self.cycles * int(self.finish.size)


class WaveletMesh:
    """A mesh with its program loaded; :meth:`run` simulates it to the end, once.

    Raises InvalidMapping for routes that leave the mesh or that the neighbour does not take, for moves on colours
    without a RAMP route and for malformed programs; Infeasible for colours beyond ``timing.colours``.
    """

    def __init__(self, program: MeshProgram, timing: MeshTiming) -> None:
        self.program, self.timing = program, timing
        routes = program.routes
        if routes.colours > timing.colours:
            raise Infeasible(
                "colours (static routes)",
                demand=routes.colours,
                bound=timing.colours,
                unit="colours",
                levers=("an algorithm with O(1) routes per core", "routes rewritten at run time", "software relays"),
            )
        self._check_shapes()
        self._n = routes.width * routes.height
        self._state, self._par = self._build()

    def _check_shapes(self) -> None:
        p = self.program
        shape = (p.routes.height, p.routes.width)
        memory_shape = shape if p.memory is None else p.memory.shape[:2]
        if p.which.shape != shape or p.registers.shape[:2] != shape or memory_shape != shape:
            raise InvalidMapping(f"mesh: programs, registers or memory do not have the grid's shape {shape}")
        if p.which.size and not 0 <= int(p.which.min()) <= int(p.which.max()) < len(p.programs):
            raise InvalidMapping(f"mesh: core programs are numbered outside 0..{len(p.programs) - 1}")

    def _build(self) -> tuple[st.State, st.Par]:
        program, timing, n = self.program, self.timing, self._n
        routes = program.routes
        colours = routes.colours
        which = program.which.reshape(-1)
        regs = np.ascontiguousarray(program.registers.reshape(n, -1), dtype=np.int32)
        code, start, depth = assemble(program.programs)
        uses = colour_uses(program.programs, which, regs, colours)
        rx_now = np.ascontiguousarray(routes.rx.reshape(colours, n).T)
        tx_now = np.ascontiguousarray(routes.tx.reshape(colours, n).T)
        rx, tx = (rx_now | uses.rx).reshape(-1), (tx_now | uses.tx).reshape(-1)
        bad = missing_ramp(uses.sends.reshape(-1), uses.hears.reshape(-1), rx, tx)
        if bad >= 0:
            core, colour = divmod(int(bad), colours)
            raise InvalidMapping(f"mesh: core {self._xy(core)} moves data on colour {colour}, which has no RAMP route there")
        base = np.zeros(n * colours, dtype=np.int32)
        n_lanes = int(count_lanes(rx, tx, base))
        lane = np.zeros(max(n_lanes, 1) * st.LANE_WORDS, dtype=np.int32)
        grid = Grid(routes.width, routes.height, colours)
        depth_q = timing.queue_depth
        caps = Caps(depth_q + timing.hop_cycles, depth_q + timing.ramp_out_cycles + timing.op_cycles, depth_q + timing.ramp_in_cycles)
        fault = np.zeros(3, dtype=np.int64)
        kind = fill_lanes(grid, caps, rx, tx, rx_now.reshape(-1), tx_now.reshape(-1), base, lane, fault)
        if kind != FAULT_NONE:
            where = f"mesh: router {self._xy(int(fault[0]))} sends colour {fault[1]} {_NAMES[int(fault[2])]}"
            raise InvalidMapping(f"{where} off the mesh" if kind == FAULT_EDGE else f"{where}, where no input takes it")
        return self._allocate(lane, base, rx, code, start[which], regs, (n_lanes, depth, max(caps)))

    def _allocate(
        self,
        lane: NDArray[np.int32],
        base: NDArray[np.int32],
        rx: NDArray[np.uint8],
        code: NDArray[np.int32],
        pc: NDArray[np.int64],
        regs: NDArray[np.int32],
        sizes: tuple[int, int, int],
    ) -> tuple[st.State, st.Par]:
        n_lanes, depth, deepest_queue = sizes
        timing, n, memory = self.timing, self._n, self.program.memory
        slots = 1 + self.program.threads
        ring, wheel = 1 << (deepest_queue - 1).bit_length(), 2
        while wheel < timing.ramp2_cycles + timing.hop_cycles + timing.op_cycles + 2:
            wheel *= 2
        events = n_lanes + n * slots
        port = np.full((n * 7, st.PORT_WORDS), -1, dtype=np.int32)
        port[:, st.P_COUNT] = 0
        slot = np.zeros((n, slots, st.SLOT_WORDS), dtype=np.int32)
        slot[:, :, st.S_CORE] = np.arange(n, dtype=np.int32)[:, None]
        core = np.zeros((n, st.CORE_WORDS), dtype=np.int32)
        core[:, st.C_PC] = pc
        core[:, st.C_STOLEN] = -1
        bucket_cap = events + n_lanes  # a new route can bring a lane back into the bucket of the same cycle
        bucket = np.empty(wheel * bucket_cap, dtype=np.int32)
        bucket[:n] = n_lanes + np.arange(n, dtype=np.int64) * slots
        fill = np.zeros(wheel, dtype=np.int64)
        fill[0] = n
        mem = np.zeros(1) if memory is None else np.array(memory, dtype=np.float64).reshape(-1)
        state = st.State(
            lane, np.zeros(max(n_lanes, 1) * ring, dtype=np.int32), np.zeros(1 if memory is None else max(n_lanes, 1) * ring),
            port.reshape(-1), slot.reshape(-1), core.reshape(-1), np.zeros(n * depth, dtype=np.int32), code, regs.reshape(-1).copy(), mem,
            np.zeros(events, dtype=np.uint8), bucket, fill, np.full(st.SLEEP_WHEEL, -1, dtype=np.int32), base, rx,
            np.zeros(st.GLOBALS, dtype=np.int64),
        )  # fmt: skip
        par = st.Par(
            n_lanes, n, timing.hop_cycles, timing.ramp_out_cycles, timing.ramp_in_cycles, timing.op_cycles, ring, wheel, bucket_cap, slots,
            0 if memory is None else int(memory.shape[2]), regs.shape[1], depth, self.program.routes.colours, memory is not None,
            not timing.overlap,
        )  # fmt: skip
        return state, par

    def _xy(self, core: int) -> tuple[int, int]:
        return core % self.program.routes.width, core // self.program.routes.width

    def run(self, max_cycles: int = 1 << 30) -> MeshRun:
        """Simulate until every core's program has ended.

        Raises MeshDeadlockError when nothing can move any more, InvalidMapping for programs at fault (too few threads, two
        receives at once on a colour, addresses outside a core's memory, wavelets nobody receives), Infeasible beyond ``max_cycles``.
        """
        s, p = self._state, self._par
        status = run_cycles(s, p, max_cycles)
        if status == STATUS_DEADLOCK:
            raise self._deadlock()
        if status == STATUS_LIMIT:
            raise Infeasible("mesh cycles", demand=float(s.glob[st.G_TIME]), bound=max_cycles, unit="cycles", levers=("raise max_cycles",))
        if status == STATUS_ERROR:
            what = _ERRORS[int(s.glob[st.G_ERROR])]
            raise InvalidMapping(f"mesh: core {self._xy(int(s.glob[st.G_ERROR_CORE]))}: {what}")
        left = int(s.lane[st.L_COUNT :: st.LANE_WORDS].sum())
        if left:
            raise InvalidMapping(f"mesh: all programs ended, but {left} wavelets were never received")
        shape = (self.program.routes.height, self.program.routes.width)
        finish = s.core[st.C_FINISH :: st.CORE_WORDS].reshape(shape).copy()
        counts = s.port[st.P_COUNT :: st.PORT_WORDS]
        router = counts[: self._n * 5].reshape(*shape, 5)
        out = counts[self._n * 5 :].reshape(*shape, 2)[:, :, 1]
        memory = s.mem.reshape(*shape, -1) if p.values else None
        return MeshRun(int(finish.max()), finish, router[:, :, :4].copy(), router[:, :, 4].copy(), out.copy(), int(s.glob[st.G_EVENTS]), memory)

    def _deadlock(self) -> MeshDeadlockError:
        s, p = self._state, self._par
        slots = s.slot.reshape(self._n, p.slots, st.SLOT_WORDS)
        ended = s.core[st.C_STATE :: st.CORE_WORDS] == st.CORE_END
        cores = []
        for core, index in np.argwhere((slots[:, :, st.S_BUSY] == st.SLOT_STREAM) & ~ended[:, None])[:64]:
            record = slots[core, index]
            flags = int(record[st.S_FLAGS])
            colour_in = int(record[st.S_CIN]) if flags & F_IN else -1
            cores.append((*self._xy(int(core)), colour_in, int(record[st.S_COUT]) if flags & F_OUT else -1))
        return MeshDeadlockError(int(s.glob[st.G_TIME]), int(np.count_nonzero(~ended)), cores)
