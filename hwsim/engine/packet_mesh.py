"""A 2-D mesh of packet-switched virtual-channel routers, simulated cycle by cycle.

Wormhole switching with credits: a packet's head finds the route (dimension ordered) and takes an output VC, its flits follow through
the switch as credits allow, the tail frees the VC. Routers are those of Dally & Towles, "Principles and Practices of Interconnection
Networks" (2004), chapters 16-19; timing and allocators agree with BookSim 2 (Jiang et al., ISPASS 2013), see
``scripts/referee_booksim.py``. Node (x, y) has number y * width + x. Not the fabric of :mod:`hwsim.engine.mesh`, which has static routes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.core.errors import InvalidMapping
from hwsim.engine.packet_build import Messages, Traffic, scalars, state
from hwsim.engine.packet_config import RouterConfig
from hwsim.engine.packet_kernel import run_cycles, start_sources
from hwsim.engine.packet_state import DEST_SHIFT, G_HOPS, G_LAST, MAX_NODES, NEVER, TAG_SHIFT
from hwsim.engine.packet_traffic import PATTERNS, TrafficResult, TrafficRun, pattern_destinations

__all__ = ["PATTERNS", "Deliveries", "PacketMesh", "RouterConfig", "TrafficResult", "TrafficRun"]

Longs = NDArray[np.int64]
MAX_TIME = 1 << 50
MAX_TAGS = 1 << (DEST_SHIFT - TAG_SHIFT)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """When the messages of a list moved; n of them, in the order given.

    ``arrival_cycles``: (n,) cycle in which the last flit reached its node; ``injected_cycles``: (n,) cycle in which the source sent
    the first. ``makespan_cycles``: cycles from 0 up to and with that of the last arrival, so the last arrival + 1; 0 for no messages.
    ``flit_hops``: flits times routers crossed.
    """

    arrival_cycles: Longs
    injected_cycles: Longs
    makespan_cycles: int
    flit_hops: int


class PacketMesh:
    """``width`` x ``height`` routers ``router``, packets routed x first (``order`` "xy") or y first ("yx").

    A link carries one flit per cycle each way, and so do a node's links to and from its router (one cycle long). Links of another
    width: choose how many bytes a flit has, and give messages the number of flits that this makes.
    Raises InvalidMapping for sizes below 1, more than 4 M nodes, or an unknown order.
    """

    def __init__(self, width: int, height: int, router: RouterConfig, order: str = "xy") -> None:
        if width < 1 or height < 1 or width * height > MAX_NODES:
            raise InvalidMapping(f"packet mesh: {width} x {height} nodes; 1 to {MAX_NODES} are possible")
        if order not in ("xy", "yx"):
            raise InvalidMapping(f"packet mesh: order '{order}' is neither 'xy' nor 'yx'")
        self.width, self.height, self.router, self.order = width, height, router, order

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return self.width * self.height

    def routers_between(self, source: int, destination: int) -> int:
        """Routers that a packet crosses: the distance + 1. Raises InvalidMapping for nodes outside the mesh."""
        for node in (source, destination):
            if not 0 <= node < self.nodes:
                raise InvalidMapping(f"packet mesh: node {node} is not in 0..{self.nodes - 1}")
        return abs(source % self.width - destination % self.width) + abs(source // self.width - destination // self.width) + 1

    def zero_load_cycles(self, source: int, destination: int, flits: int) -> int:
        """Cycles from a message's ready cycle to its arrival when nothing else moves (:meth:`RouterConfig.zero_load_cycles`).

        Raises InvalidMapping for nodes outside the mesh or fewer than 1 flit.
        """
        if flits < 1:
            raise InvalidMapping(f"packet mesh: a message of {flits} flits")
        return self.router.zero_load_cycles(self.routers_between(source, destination), flits)

    def deliver(self, sources: ArrayLike, destinations: ArrayLike, flits: ArrayLike, ready_cycles: ArrayLike | None = None) -> Deliveries:
        """Send a list of messages, each one packet, and run until all have arrived. O(flits x hops).

        ``sources``, ``destinations``: (n,) nodes, a node may send to itself (through its router); ``flits``: (n,) or one for all;
        ``ready_cycles``: (n,) cycles from which each may be sent, default 0. A source sends its messages in the order given, one
        after the other, and waits for a message that is not ready. Raises InvalidMapping for shapes or values that do not fit.
        """
        messages = self._messages(sources, destinations, flits, 0 if ready_cycles is None else ready_cycles)
        par = scalars(self.width, self.height, self.router, self.order, None)
        mesh = state(self.width, self.height, self.router, par, messages)
        start_sources(mesh, par)
        run_cycles(mesh, par, NEVER)
        moved = mesh.messages
        return Deliveries(moved["arrived"].copy(), moved["injected"].copy(), int(mesh.glob[G_LAST]) + 1, int(mesh.glob[G_HOPS]))

    def _messages(self, sources: ArrayLike, destinations: ArrayLike, flits: ArrayLike, ready: ArrayLike) -> Messages:
        columns = []
        number = np.asarray(sources).size
        limits = ((0, self.nodes - 1), (0, self.nodes - 1), (1, MAX_TIME), (0, MAX_TIME))
        named = {"sources": sources, "destinations": destinations, "flits": flits, "ready": ready}
        for (name, given), (low, high) in zip(named.items(), limits, strict=True):
            column = np.asarray(given)
            if column.ndim > 1 or (column.ndim == 1 and len(column) != number) or (column.size and column.dtype.kind not in "iu"):
                raise InvalidMapping(f"packet mesh: {name} must be {number} integers, as many as there are sources")
            if column.size and not low <= int(column.min()) <= int(column.max()) <= high:
                raise InvalidMapping(f"packet mesh: {name} are not all in {low}..{high}")
            columns.append(np.array(np.broadcast_to(column, (number,)), dtype=np.int64))
        if number >= MAX_TAGS:
            raise InvalidMapping(f"packet mesh: {number} messages; up to {MAX_TAGS - 1} are possible")
        return Messages(*columns)

    def start_traffic(
        self, pattern: str | Sequence[int] | Longs, rate: float, packet_flits: int = 1, seed: int = 1, *, shared_stream: bool = False
    ) -> TrafficRun:
        """Random traffic at cycle 0, to be advanced step by step; arguments and errors as of :meth:`run_traffic`.

        ``shared_stream``: all nodes draw from one stream in the order of BookSim 2, so the packets are those of its run with that seed;
        O(nodes) per cycle. Otherwise every node has its own.
        """
        if packet_flits < 1 or not 0 <= rate <= 1:
            raise InvalidMapping(f"packet mesh: {rate} flits per node and cycle in packets of {packet_flits}; a node sends 0 to 1 flit per cycle")
        if seed < 0:
            raise InvalidMapping(f"packet mesh: the seed {seed} is negative")
        destinations = pattern_destinations(pattern, self.width, self.height)
        traffic = Traffic(rate / packet_flits, packet_flits, destinations, seed, shared_stream)
        return TrafficRun((self.width, self.height), self.router, self.order, traffic)

    def run_traffic(
        self,
        pattern: str | Sequence[int] | Longs,
        rate: float,
        packet_flits: int = 1,
        warmup: int = 6000,
        measure: int = 6000,
        seed: int = 1,
        latency_limit: float = 500.0,
    ) -> TrafficResult:
        """Run random traffic: ``warmup`` cycles, ``measure`` cycles, and on until the packets of the latter have arrived.

        ``pattern``: a name of ``PATTERNS`` or (n,) destinations. ``rate``: flits per node and cycle, created in packets of
        ``packet_flits`` flits by a Bernoulli trial per node and cycle. A run whose mean latency, ages of packets under way included,
        passes ``latency_limit`` cycles at the end or later is not stable and is not run to its end. The same seed gives the same result.
        Raises InvalidMapping for an unknown pattern, a rate outside 0..1 or lengths that are not positive.
        """
        if warmup < 0 or measure < 1:
            raise InvalidMapping(f"packet mesh: {warmup} cycles of warm-up, {measure} of measurement")
        run = self.start_traffic(pattern, rate, packet_flits, seed)
        run.advance(warmup)
        run.measure()
        run.advance(measure)
        accepted = run.accepted
        stable = not run.mean_latency(under_way=True) > latency_limit and run.drain(latency_limit)
        return run.result(accepted, stable)
