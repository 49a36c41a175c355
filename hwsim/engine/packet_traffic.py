"""Random traffic on a packet mesh: destination patterns, and a run that can be advanced and measured window by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping, nearest
from hwsim.engine.packet_build import Traffic, scalars, state
from hwsim.engine.packet_config import RouterConfig
from hwsim.engine.packet_kernel import run_cycles, start_sources
from hwsim.engine.packet_state import (
    G_ACCEPTED,
    G_ALL_ARRIVED,
    G_ALL_LATENCY,
    G_ARRIVED,
    G_FLYING,
    G_FLYING_BORN,
    G_FROM,
    G_HOPS,
    G_INJECTED,
    G_LATENCY,
    G_OPEN,
    G_TIME,
    G_UNTIL,
    NEVER,
)

PATTERNS = ("uniform", "transpose", "neighbor")
DRAIN_STEP, DRAIN_LOOK = 1000, 50


def pattern_destinations(pattern: str | Sequence[int] | NDArray[np.int64], width: int, height: int) -> NDArray[np.int64]:
    """(n,) destinations of the nodes, or an empty array for ``uniform`` (any node, the source too, drawn anew for every packet).

    ``transpose``: (x, y) to (y, x), square meshes only. ``neighbor``: ((x + 1) mod width, (y + 1) mod height). A sequence is taken
    as it is. Raises InvalidMapping for an unknown name or destinations that do not fit the mesh.
    """
    nodes = width * height
    node = np.arange(nodes, dtype=np.int64)
    x, y = node % width, node // width
    if not isinstance(pattern, str):
        given = np.asarray(pattern)
        if given.shape != (nodes,) or given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= nodes:
            raise InvalidMapping(f"packet mesh: a pattern is {nodes} node numbers in 0..{nodes - 1}")
        return given.astype(np.int64)
    if pattern == "uniform":
        return np.zeros(0, dtype=np.int64)
    if pattern == "neighbor":
        return (y + 1) % height * width + (x + 1) % width
    if pattern == "transpose":
        if width != height:
            raise InvalidMapping(f"packet mesh: transpose needs a square mesh, not {width} x {height}")
        return x * width + y
    raise InvalidMapping(f"packet mesh: unknown pattern '{pattern}'{nearest(pattern, PATTERNS)}; known: {', '.join(PATTERNS)}")


@dataclass(frozen=True, slots=True)
class TrafficResult:
    """What a run of random traffic gives.

    ``latency_cycles``: mean from a packet's creation to its tail's arrival, waiting at the source included (nan if none arrived).
    ``accepted``, ``offered``: flits per node and cycle that reached their node in the window, that were to be created. ``stable``:
    False if the mean latency, packets under way counted with their age, passed the limit. ``packets``: measured and arrived.
    ``flit_hops``: flits times routers crossed, ``cycles``: simulated; both of the whole run.
    """

    latency_cycles: float
    accepted: float
    offered: float
    stable: bool
    packets: int
    flit_hops: int
    cycles: int


class TrafficRun:
    """Random traffic under way: :meth:`advance` it, :meth:`measure` from a cycle on, :meth:`drain` what is measured.

    Every node makes a packet of ``packet_flits`` flits with probability ``rate / packet_flits`` in every cycle. A packet is measured if
    its source comes to it after :meth:`measure` and it was created before the measurement's end (as in BookSim 2).
    """

    def __init__(self, size: tuple[int, int], router: RouterConfig, order: str, traffic: Traffic) -> None:
        width, height = size
        self.nodes, self._rate = width * height, traffic.packets * traffic.flits
        self._par = scalars(width, height, router, order, traffic)
        self._state = state(width, height, router, self._par, traffic)
        self._glob[G_FROM] = NEVER
        self._accepted = self._start = 0
        start_sources(self._state, self._par)

    @property
    def _glob(self) -> NDArray[np.int64]:
        return self._state.glob

    @property
    def cycle(self) -> int:
        """Cycles simulated."""
        return int(self._glob[G_TIME])

    @property
    def flit_hops(self) -> int:
        """Flits times routers crossed, so far."""
        return int(self._glob[G_HOPS])

    @property
    def in_flight(self) -> tuple[int, int]:
        """Flits that sources came to and that have not arrived, and the sum of their ages in cycles."""
        flying = int(self._glob[G_FLYING])
        return flying, flying * self.cycle - int(self._glob[G_FLYING_BORN])

    @property
    def injected(self) -> int:
        """Flits that sources sent, so far."""
        return int(self._glob[G_INJECTED])

    @property
    def arrived(self) -> tuple[int, int]:
        """Packets that arrived so far, measured or not, and the sum of their latencies in cycles."""
        return int(self._glob[G_ALL_ARRIVED]), int(self._glob[G_ALL_LATENCY])

    @property
    def measured(self) -> tuple[int, int]:
        """Measured packets that arrived, and the sum of their latencies in cycles."""
        return int(self._glob[G_ARRIVED]), int(self._glob[G_LATENCY])

    @property
    def accepted_flits(self) -> int:
        """Flits that reached their nodes, so far."""
        return int(self._glob[G_ACCEPTED])

    @property
    def accepted(self) -> float:
        """Flits per node and cycle that arrived since :meth:`measure`."""
        return (int(self._glob[G_ACCEPTED]) - self._accepted) / (self.nodes * max(1, self.cycle - self._start))

    def advance(self, cycles: int) -> None:
        """Simulate ``cycles`` more cycles."""
        run_cycles(self._state, self._par, self.cycle + cycles)
        self._glob[G_TIME] = max(self.cycle, self._start)

    def measure(self) -> None:
        """Measure from the present cycle on."""
        self._start, self._accepted = self.cycle, int(self._glob[G_ACCEPTED])
        self._glob[G_FROM], self._glob[G_UNTIL] = self.cycle, NEVER

    def mean_latency(self, *, under_way: bool = False) -> float:
        """Mean latency of the measured packets in cycles (nan if none); ``under_way``: flits in flight count with their age."""
        count, total = self.measured
        if under_way:
            flying, age = self.in_flight
            count, total = count + flying, total + age
        return total / count if count else float("nan")

    def drain(self, limit: float) -> bool:
        """End the window and run, the traffic going on, until every measured packet arrived; False if the mean latency passes ``limit``."""
        self._glob[G_UNTIL] = end = self.cycle
        while True:
            for _ in range(DRAIN_STEP // DRAIN_LOOK):
                if self._glob[G_OPEN] == 0 and not bool((self._state.nodes["due"] < end).any()):
                    return True
                self.advance(DRAIN_LOOK)
            if self.mean_latency(under_way=True) > limit:
                return False

    def result(self, accepted: float, stable: bool) -> TrafficResult:
        """The run so far, with ``accepted`` of its window."""
        return TrafficResult(self.mean_latency(), accepted, self._rate, stable, self.measured[0], self.flit_hops, self.cycle)
