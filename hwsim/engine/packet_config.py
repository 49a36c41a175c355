"""Constants of a packet-switched mesh router and the closed form of its uncontended latency."""

from __future__ import annotations

from dataclasses import dataclass, fields

from hwsim.core.errors import InvalidMapping

MAX_VCS = 12  # the five input ports' virtual channels share one 64-bit word
NODE_LINK_CYCLES = 1  # between a node and its own router, either way


@dataclass(frozen=True, slots=True)
class RouterConfig:
    """An input-queued virtual-channel router and its links; every delay in cycles.

    ``virtual_channels`` per input port, each a FIFO of ``buffer_flits`` flits. Stages of the pipeline: ``route_cycles`` (RC, 0: the
    route is computed a hop ahead), ``vc_cycles`` (VA), ``switch_cycles`` (SA), ``traversal_cycles`` (ST); RC and VA concern heads
    only. ``speculative``: a head asks for the switch in the cycle in which it asks for an output VC. A flit is on a link for
    ``link_cycles``, a credit as long, and the credit counts ``credit_cycles`` after it arrived. Stages longer than one cycle are
    not pipelined within a VC: the request stands in the stage's last cycle, so a VC sends at most one flit per ``switch_cycles``.
    The width of a link is one flit: a caller models other widths by how many flits it makes of its bytes.
    Raises InvalidMapping for a value out of range (1..12 VCs, up to 4096 flits, delays up to 64 cycles).
    """

    virtual_channels: int
    buffer_flits: int
    route_cycles: int
    vc_cycles: int
    switch_cycles: int
    traversal_cycles: int = 1
    link_cycles: int = 1
    credit_cycles: int = 1
    speculative: bool = False

    def __post_init__(self) -> None:
        limits = {"virtual_channels": (1, MAX_VCS), "buffer_flits": (1, 4096), "route_cycles": (0, 64), "credit_cycles": (0, 64)}
        for field in fields(self):
            if field.name == "speculative":
                continue
            low, high = limits.get(field.name, (1, 64))
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise InvalidMapping(f"packet mesh: {field.name} = {value!r} is not an integer in {low}..{high}")
        if not isinstance(self.speculative, bool):
            raise InvalidMapping(f"packet mesh: speculative = {self.speculative!r} is neither True nor False")

    @property
    def head_wait(self) -> int:
        """Cycles from a head at the front of its FIFO to its first request for an output VC."""
        return self.route_cycles + (max(self.vc_cycles, self.switch_cycles) if self.speculative else self.vc_cycles) - 1

    @property
    def pipeline_cycles(self) -> int:
        """Cycles a head spends in an idle router: RC + VA + SA + ST, VA and SA together if speculative."""
        return self.head_wait + 1 + (0 if self.speculative else self.switch_cycles) + self.traversal_cycles

    def zero_load_cycles(self, routers: int, flits: int) -> int:
        """Cycles from the creation of a packet of ``flits`` to its tail's arrival, when nothing else moves, over ``routers`` routers.

        pipeline H + link (H - 1) + 3 for the head (one link cycle and one for sending at the source, one link cycle at the end), then
        one cycle per flit (``switch_cycles`` if longer); where buffers are shorter than the credit loop, every ``buffer_flits`` flits
        wait for the rest of the loop.
        Reference: the law c H + 2 + flits - 1 of BookSim 2; the loop is equation (16.1) of Dally & Towles (2004) in cycles.
        """
        head = self.pipeline_cycles * routers + self.link_cycles * (routers - 1) + 2 + NODE_LINK_CYCLES
        turns, turn = (flits - 1) // self.buffer_flits, self.buffer_flits * self.switch_cycles
        return head + (flits - 1) * self.switch_cycles + turns * max(0, self._credit_loop(routers) - turn)

    def _credit_loop(self, routers: int) -> int:
        """Cycles from a flit's leave to take a buffer to that of the flit which its credit allows, on the slowest link of a path."""
        to_node = self.traversal_cycles + 2 * (NODE_LINK_CYCLES + 1) + self.credit_cycles
        if routers == 1:
            return max(to_node, 2 * (NODE_LINK_CYCLES + 1) + self.switch_cycles - 1)
        return max(to_node, self.traversal_cycles + 2 * (self.link_cycles + 1) + self.credit_cycles + self.switch_cycles - 1)
