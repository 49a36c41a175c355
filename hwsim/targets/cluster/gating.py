"""Two classifiers that gate each other (Cough-E, arXiv 2410.24066): how often each runs, from a trace of events, on SimPy.

Scheme `mixed`: windows of the motion sensor until one is positive; then audio windows from the same start, at most `most_audio` in a row; a negative
one leads back to the motion sensor. `audio_only` and `imu_only` run every window of one kind. A window is positive when an event that its sensor
notices overlaps it. Output is every `output_s`, which neither starts nor stops a window.

A trace with ``gating`` in its meta names the file of events beside it; its operators are labelled ``audio_...`` and ``imu_...``, one window each.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import simpy

from hwsim.core.errors import InvalidMapping, InvalidTrace
from hwsim.core.graph import Graph
from hwsim.core.resources import shipped

MODES = ("mixed", "audio_only", "imu_only")
NOTICED = {"audio": ("cough", "sound"), "imu": ("cough", "motion")}  # kinds of event that make a window positive


@dataclass(frozen=True)
class Event:
    """Something that happens: `kind` cough, sound (heard only) or motion (felt only), from `start_s` to `end_s`."""

    start_s: float
    end_s: float
    kind: str


@dataclass(frozen=True)
class Scheme:
    """Windows of both sensors: length and hop in seconds, and the most audio windows in a row."""

    audio_s: float
    audio_hop_s: float
    imu_s: float
    imu_hop_s: float
    most_audio: int


@dataclass(frozen=True)
class Runs:
    """What ran: windows of each sensor in `duration_s`, the seconds that the core was busy, and the windows that ended after the next one's data."""

    audio: int
    imu: int
    duration_s: float
    busy_s: float = 0.0
    late: int = 0

    def per_second(self, sensor: str) -> float:
        """Windows of a sensor per second."""
        return (self.audio if sensor == "audio" else self.imu) / self.duration_s


def positive(events: Iterable[Event], sensor: str, start_s: float, length_s: float) -> bool:
    """True when an event that the sensor notices overlaps the window."""
    return any(e.kind in NOTICED[sensor] and e.start_s < start_s + length_s and e.end_s > start_s for e in events)


def run(events: tuple[Event, ...], scheme: Scheme, mode: str, duration_s: float, audio_s: float = 0.0, imu_s: float = 0.0) -> Runs:
    """Run the scheme over `duration_s` of events; a window takes `audio_s` or `imu_s` of the core once its samples are there.

    O(windows x events). Raises `InvalidMapping` for an unknown mode.
    """
    if mode not in MODES:
        raise InvalidMapping(f"mode is one of {', '.join(MODES)}, got '{mode}'")
    environment = simpy.Environment()
    core = simpy.Resource(environment, capacity=1)
    count = {"audio": 0, "imu": 0}
    spent = {"audio": audio_s, "imu": imu_s}
    busy, late = [0.0], [0]

    def window(sensor: str, start: float) -> Generator[Any, Any, bool]:
        length, hop = (scheme.audio_s, scheme.audio_hop_s) if sensor == "audio" else (scheme.imu_s, scheme.imu_hop_s)
        yield environment.timeout(max(0.0, start + length - environment.now))
        with core.request() as turn:
            yield turn
            yield environment.timeout(spent[sensor])
        busy[0] += spent[sensor]
        count[sensor] += 1
        late[0] += environment.now > start + length + hop
        return positive(events, sensor, start, length)

    def sensing() -> Generator[Any, Any, None]:
        start = 0.0
        while start < duration_s - 1e-9:
            if mode != "mixed":
                sensor = "audio" if mode == "audio_only" else "imu"
                yield from window(sensor, start)
                start += scheme.audio_hop_s if sensor == "audio" else scheme.imu_hop_s
                continue
            felt = yield from window("imu", start)
            if not felt:
                start += scheme.imu_hop_s
                continue
            for _ in range(scheme.most_audio):
                heard = yield from window("audio", start)
                start += scheme.audio_hop_s
                if not heard or start >= duration_s:
                    break

    environment.process(sensing())
    environment.run()
    return Runs(count["audio"], count["imu"], duration_s, busy[0], late[0])


@lru_cache(maxsize=16)
def read_events(name: str) -> tuple[Event, ...]:
    """Read a shipped file of events (columns start_s, end_s, kind). Raises `InvalidTrace`."""
    path = shipped("traces") / name
    if not path.is_file():
        raise InvalidTrace(f"no file of events '{name}' among the traces")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        events = tuple(Event(float(r["start_s"]), float(r["end_s"]), r["kind"]) for r in rows)
    except (KeyError, ValueError) as bad:
        raise InvalidTrace(f"events '{name}': columns are start_s, end_s (numbers) and kind ({bad})") from None
    kinds = {k for noticed in NOTICED.values() for k in noticed}
    for event in events:
        if event.kind not in kinds or not event.end_s > event.start_s >= 0 or not math.isfinite(event.end_s):
            raise InvalidTrace(f"events '{name}': {event} is no event of {', '.join(sorted(kinds))} with end_s above start_s")
    return events


def scheme_of(meta: Mapping[str, Any]) -> tuple[Scheme, str, float]:
    """(scheme, file of events, seconds) that a trace's meta states under ``gating``. Raises `InvalidTrace`."""
    stated = dict(meta["gating"])
    try:
        events, duration = str(stated.pop("events")), float(stated.pop("duration_s"))
        most = int(stated.pop("most_audio"))
        scheme = Scheme(**{k: float(v) for k, v in stated.items()}, most_audio=most)
    except (KeyError, TypeError, ValueError) as bad:
        raise InvalidTrace(f"gating needs events, duration_s, {', '.join(Scheme.__dataclass_fields__)} ({bad})") from None
    if min(duration, scheme.audio_s, scheme.audio_hop_s, scheme.imu_s, scheme.imu_hop_s, scheme.most_audio) <= 0:
        raise InvalidTrace(f"gating: durations and counts must be positive, got {meta['gating']}")
    return scheme, events, duration


@lru_cache(maxsize=64)
def _counted(scheme: Scheme, events: str, duration_s: float, mode: str) -> Runs:
    return run(read_events(events), scheme, mode, duration_s)


def window_rates(graph: Graph, mode: str) -> Mapping[int, float]:
    """Executions per second of every operator (by index) of a gated trace. Raises `InvalidTrace`, `InvalidMapping`."""
    scheme, events, duration = scheme_of(graph.meta)
    runs = _counted(scheme, events, duration, mode)
    found = {}
    for at, op in enumerate(graph.ops):
        sensor = op.label.partition("_")[0]
        if sensor not in NOTICED:
            raise InvalidTrace(f"operator '{op.name}' of a gated trace is labelled '{op.label}': labels start with audio_ or imu_")
        found[at] = runs.per_second(sensor)
    return found
