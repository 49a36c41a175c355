"""Event fidelity of lines that cross the mesh: responses of L3 homes and remote scratchpads, packet by packet through wormhole routers.

The closed form lets every shire draw its lines at the rate of its lines in flight; here the lines of all reading shires share links and routers.
A mesh of several layers, each as wide as a line, takes the lines of a layer by address: one layer is run, its homes spread evenly. Every shire asks
for a window of lines at the closed form's rate; what a window takes longer in the steady state stretches the operator's mesh time. Requests and
the DRAM's own lines (a tenth of what the mesh carries) are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.program import Program
from hwsim.engine.packet_mesh import PacketMesh, RouterConfig
from hwsim.targets.manycore import layout as L
from hwsim.targets.manycore.machine import positions

SLOT = {slot.name: i for i, slot in enumerate(L.SLOTS)}
ROUTER = RouterConfig(virtual_channels=4, buffer_flits=8, route_cycles=0, vc_cycles=1, switch_cycles=1)  # with its link: 4 cycles a hop each way
LEAST_WINDOWS = 3  # windows of lines before the steady state


@dataclass(frozen=True)
class Window:
    """Lines that every reading shire asks for in one layer in `cycles` NoC cycles, from the homes 0..`homes`; shires `at` their stops."""

    lines: int
    cycles: int
    readers: int
    homes: int
    at: tuple[tuple[float, float], ...]


def uncontended_rate(latency_cycles: float, readers: float, p: Any) -> float:
    """Bytes per minion cycle that one shire draws alone: lines in flight over latency, at most its link (as `kernels.mesh_cycles`)."""
    link = p["mesh_link_bytes_per_noc_cycle"] * p["noc_clock_hz"] / p["clock_hz"]
    return float(min(link, readers * p["outstanding_lines"] * p["line_bytes"] / latency_cycles))


def window_of(latency_cycles: float, readers: float, shires: int, homes: int, at: tuple[tuple[float, float], ...], p: Any) -> Window:
    """The window of lines in flight of one layer, and the NoC cycles that the closed form gives it."""
    layers = max(1.0, math.floor(p["mesh_link_bytes_per_noc_cycle"] / p["line_bytes"]))
    lines = max(1, round(readers * p["outstanding_lines"] / layers))
    rate = uncontended_rate(latency_cycles, readers, p) * p["clock_hz"] / p["noc_clock_hz"]
    return Window(lines, max(1, math.ceil(lines * layers * p["line_bytes"] / rate)), shires, homes, at)


@lru_cache(maxsize=256)
def stretch(window: Window) -> float:
    """How many times longer than uncontended a window takes when all shires read at once; at least 1.

    The lines of the windows run first walk all homes a whole number of times, so those of as many windows more repeat them: what these take is the
    steady state.
    """
    width = int(max(x for x, _ in window.at)) + 1
    height = int(max(y for _, y in window.at)) + 1
    stops = np.array([int(y) * width + int(x) for x, y in window.at])
    mesh = PacketMesh(width, height, ROUTER)
    around = window.homes // math.gcd(window.lines, window.homes)
    windows = around * math.ceil(LEAST_WINDOWS / around)
    half, whole = (_makespan(mesh, window, stops, n) for n in (windows, 2 * windows))
    return max(1.0, (whole - half) / (window.cycles * windows))


def _makespan(mesh: PacketMesh, window: Window, stops: NDArray[np.int64], windows: int) -> int:
    """NoC cycles until `windows` windows of lines have arrived at all reading shires; line j of shire s lies in home s + 1 + j."""
    line, reader = np.meshgrid(np.arange(windows * window.lines), np.arange(window.readers), indexing="ij")
    home = (reader + 1 + line) % window.homes
    ready = line * window.cycles // window.lines
    return mesh.deliver(stops[home.ravel()], stops[reader.ravel()], 1, ready.ravel()).makespan_cycles


def refined(program: Program, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return slot values whose mesh cycles hold what contention adds. Operators that read nothing over the mesh keep theirs."""
    p = program.params[0]
    at = positions(program.chip)
    shires = int(program.mapping["shires"])  # type: ignore[call-overload]
    out = values.copy()
    for row, op in enumerate(program.rows):
        if op["l3_bytes"] + op["remote_bytes"] <= 0 or shires < 2:
            continue
        near = op["remote_bytes"] / uncontended_rate(p["remote_cycles"], op["fetchers"], p)
        far = op["l3_bytes"] / uncontended_rate(p["l3_cycles"], op["fetchers"], p)
        longer = near * (stretch(window_of(p["remote_cycles"], op["fetchers"], shires, shires, at, p)) - 1) if near else 0.0
        longer += far * (stretch(window_of(p["l3_cycles"], op["fetchers"], shires, len(at), at, p)) - 1) if far else 0.0
        out[row, SLOT["mesh"]] += longer
    return out
