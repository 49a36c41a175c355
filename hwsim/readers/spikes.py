"""Spike files: what a recorded or published run says about the spikes at the input of every layer.

A YAML file states a rate, or the spikes of every timestep, for each layer by name; attention has the rates of query, key and value:

```yaml
schema: hwsim.spikes/1
source: where the figures come from
layers:
  patch1: {rate: 0.258}
  conv3: {counts: [412, 377, 390, 401]}             # spikes at the input in each timestep
  b0.attention: {q: 0.172, k: 0.036, v: 0.070}
```

A CSV file lists single events, one a line under the header ``layer,timestep,neuron`` (both counted from 0).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from hwsim.core.errors import InvalidTrace, Location
from hwsim.readers.yaml_file import Document, FileModel, load_schema, read_text, validate

__all__ = ["read_spikes"]

SCHEMA = "hwsim.spikes/1"
HEADER = ["layer", "timestep", "neuron"]


@dataclass(frozen=True)
class LayerSpikes:
    """Spikes at the input of a layer: a `rate` (0..1), the `counts` of every timestep, or an attention's rates (q, k, v).

    `neurons`: the layer has at least that many inputs, judged by the highest index in the file (0: the file names none).
    """

    rate: float | None = None
    counts: tuple[int, ...] = ()
    attention: tuple[float, float, float] | None = None
    neurons: int = 0


@dataclass(frozen=True)
class SpikeFile:
    """Layers by name, and where they were read."""

    origin: str
    layers: Mapping[str, LayerSpikes] = field(hash=False)


class LayerEntry(FileModel):
    """One layer of a YAML file."""

    rate: float | None = Field(default=None, ge=0, le=1)
    counts: list[int] = Field(default_factory=list)
    q: float | None = Field(default=None, ge=0, le=1)
    k: float | None = Field(default=None, ge=0, le=1)
    v: float | None = Field(default=None, ge=0, le=1)


class SpikesEntry(FileModel):
    """A whole YAML file."""

    schema_: str = Field(alias="schema")
    source: str
    layers: dict[str, LayerEntry]


def read_spikes(path: str | Path) -> SpikeFile:
    """Return the layers of a spike file, YAML or CSV by its ending. Raises `InvalidTrace` with file and line.

    >>> read_spikes("nowhere.yaml")
    Traceback (most recent call last):
        ...
    hwsim.core.errors.InvalidTrace: ...
    """
    if Path(path).suffix.lower() == ".csv":
        return _read_events(Path(path))
    document = load_schema(path, SCHEMA, "spike", InvalidTrace)
    entry = validate(SpikesEntry, document, InvalidTrace)
    return SpikeFile(str(path), {name: _layer(document, name, layer) for name, layer in entry.layers.items()})


def _layer(document: Document, name: str, entry: LayerEntry) -> LayerSpikes:
    three = (entry.q, entry.k, entry.v)
    given = [entry.rate is not None, bool(entry.counts), any(r is not None for r in three)]
    if sum(given) != 1:
        raise document.fail(InvalidTrace, ("layers", name), "state one of rate, counts, or q, k and v")
    if any(count < 0 for count in entry.counts):
        raise document.fail(InvalidTrace, ("layers", name, "counts"), "a count of spikes is not negative")
    if entry.q is not None and entry.k is not None and entry.v is not None:
        return LayerSpikes(attention=(entry.q, entry.k, entry.v))
    if given[2]:
        raise document.fail(InvalidTrace, ("layers", name), "an attention has three rates: q, k and v")
    return LayerSpikes(entry.rate, tuple(entry.counts))


def _read_events(path: Path) -> SpikeFile:
    """Count the events of every layer and timestep; each neuron fires at most once a timestep."""
    lines = csv.reader(read_text(path, InvalidTrace).splitlines())
    if next(lines, None) != HEADER:
        raise InvalidTrace(f"a file of events starts with the line {','.join(HEADER)}", location=Location(str(path), 1))
    seen: dict[str, set[tuple[int, int]]] = {}
    for at, row in enumerate(lines, start=2):
        if not row:
            continue
        if len(row) != len(HEADER) or not row[0] or not (row[1].isdigit() and row[2].isdigit()):
            raise InvalidTrace(f"an event is {','.join(HEADER)}, the last two whole numbers from 0; got '{','.join(row)}'",
                               location=Location(str(path), at))  # fmt: skip
        event = int(row[1]), int(row[2])
        if event in seen.setdefault(row[0], set()):
            raise InvalidTrace(f"neuron {event[1]} of layer '{row[0]}' fires twice in timestep {event[0]}", location=Location(str(path), at))
        seen[row[0]].add(event)
    if not seen:
        raise InvalidTrace("no event in it", location=Location(str(path)))
    steps = 1 + max(step for events in seen.values() for step, _ in events)
    return SpikeFile(str(path), {name: _counted(events, steps) for name, events in seen.items()})


def _counted(events: set[tuple[int, int]], steps: int) -> LayerSpikes:
    counts = [0] * steps
    for step, _ in events:
        counts[step] += 1
    return LayerSpikes(counts=tuple(counts), neurons=1 + max(neuron for _, neuron in events))
