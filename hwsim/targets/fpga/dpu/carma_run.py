"""A trace of contexts on SimPy: cores as servers, frames one after the other, energy from the states that the board passes through."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import simpy

from hwsim.core.chip import Chip
from hwsim.core.cost import operator_cycles
from hwsim.core.graph import Graph
from hwsim.core.target import load_target
from hwsim.engine.analytic import price_rows
from hwsim.targets.fpga.dpu.carma import GATED, MODEL, RELOAD, Contexts, active_parts, part_of, part_weights
from hwsim.targets.fpga.dpu.power import core_w
from hwsim.targets.fpga.dpu.price import port_bytes_per_cycle

SENSORS = {"camera_left": "sensor_camera_w", "camera_right": "sensor_camera_w", "radar": "sensor_radar_w", "lidar": "sensor_lidar_w"}
Process = Generator[Any, Any, None]


@dataclass(frozen=True)
class Drive:
    """Means over the frames of a trace: seconds and joules of a frame (the board; its sensors), seconds of switching, changes of context."""

    latency_s: float
    energy_j: float
    sensor_j: float
    switch_s: float
    changes: int
    by_context_s: Mapping[str, float]


@dataclass(frozen=True)
class Platform:
    """What a drive needs of the board: seconds of each part on one core, of the frame's own work, port rate, watts."""

    seconds: Mapping[str, float]
    frame_s: float
    weights: Mapping[str, float]
    bytes_per_s: float
    bitstream_s: float
    still_w: float
    core_w: float
    sensors_w: Mapping[str, float]


def platform(graph: Graph, chip: Chip, *, clock_gating: bool, **mapping: Any) -> Platform:
    """Price every part of `graph` on one core of a DPU. Raises the errors of mapping."""
    target = load_target("fpga")
    program = target.map(graph, chip, {**mapping, "clock_gating": clock_gating})
    cycles = operator_cycles(price_rows(target.price, program), program.stages)
    seconds: dict[str, float] = {}
    for op, row in zip(program.graph.ops, program.row_of, strict=True):
        if row >= 0:
            seconds[part_of(op)] = seconds.get(part_of(op), 0.0) + float(cycles[row]) / program.clock_hz
    made = program.chip
    last = next(op for op, row in zip(reversed(program.graph.ops), reversed(program.row_of), strict=True) if row >= 0)
    seconds[part_of(last)] -= made.number("host_frame_s")
    rate = float(port_bytes_per_cycle(0.0, program.params[0])) * program.clock_hz
    return Platform(
        seconds, made.number("host_frame_s"), part_weights(graph), rate, made.number("bitstream_load_s"), sum(program.static_power_w.values()),
        core_w(made), {sensor: made.number(constant) for sensor, constant in SENSORS.items()},
    )  # fmt: skip


def drive(graph: Graph, board: Platform, contexts: Contexts, policy: str, switch: str, cores: int = 1) -> Drive:
    """Run a trace of contexts, each frame when the one before has ended: stems, then branches, on the first free of `cores`.

    The board draws ``still + busy cores x watts of a core``; a sensor is on while a stem of the context reads it (always with all branches).
    """
    environment = simpy.Environment()
    servers = simpy.Resource(environment, cores)
    active = active_parts(graph, contexts, policy)
    busy = switched = sensed = 0.0
    changes = 0
    spent: dict[str, float] = {}

    def run(part: str) -> Process:
        nonlocal busy
        with servers.request() as turn:
            yield turn
            yield environment.timeout(board.seconds[part])
            busy += board.seconds[part]

    def frames() -> Process:
        nonlocal switched, sensed, changes
        before: frozenset[str] | None = None
        for context in contexts.each():
            start, now = environment.now, active[context]
            if before is not None and now != before:
                changes += 1
                loading = _switch_s(board, now - before, switch)
                switched += loading
                yield environment.timeout(loading)
            before = now
            yield environment.timeout(board.frame_s)
            for kind in ("stem", "branch"):
                yield environment.all_of([environment.process(run(part)) for part in sorted(now) if part.startswith(kind)])
            spent[context] = environment.now - start
            on = [s for s in board.sensors_w if policy != GATED or f"stem {s}" in now]
            sensed += sum(board.sensors_w[s] for s in on) * (environment.now - start)

    environment.process(frames())
    environment.run()
    count, total = contexts.frames, float(environment.now)
    joules = board.still_w * total + board.core_w * busy
    return Drive(total / count, joules / count, sensed / count, switched / count, changes, spent)


def _switch_s(board: Platform, fresh: frozenset[str], switch: str) -> float:
    """Seconds of a change: weights of fresh parts over the port rate, a bitstream, or nothing."""
    if switch == MODEL:
        return sum(board.weights[part] for part in fresh) / board.bytes_per_s
    return board.bitstream_s if switch == RELOAD else 0.0
