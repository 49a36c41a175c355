"""Design files: ``models/designs/<design>.yaml`` -> `Design`, an accelerator apart from the device that it is built on.

```yaml
schema: hwsim.design/1
name: flightllm
engine: flightllm           # which of the target's models prices it
title: FlightLLM, ...
based_on: other             # optional: start from the constants of another design
params:                     # entries as in a chip file; names that no device uses
  design_clock_hz: {value: 225 MHz, status: published, source: "..."}
devices:                    # optional: constants that differ by the device it was built on
  vhk158:
    cores: {value: 4, unit: core, status: published, source: "..."}
```

`compose` puts a design on a device: one chip with the constants of both, so that every constant of either can be set, swept and cited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from pydantic import Field

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, nearest
from hwsim.core.param import Param
from hwsim.core.resources import shipped
from hwsim.readers.param_entry import ParamEntry, read_param
from hwsim.readers.yaml_file import FileModel, changed_at, load_schema, validate

__all__ = ["Design", "compose", "design_names", "design_path", "read_design"]

SCHEMA = "hwsim.design/1"
SEPARATOR = "+"
FOLDER = "designs"
_INHERITANCE_DEPTH = 8


class DesignEntry(FileModel):
    """A whole design file."""

    schema_: str = Field(alias="schema")
    name: str
    engine: str = ""
    title: str = ""
    based_on: str | None = None
    note: str = ""
    params: dict[str, ParamEntry] = Field(default_factory=dict)
    devices: dict[str, dict[str, ParamEntry]] = Field(default_factory=dict)


@dataclass(frozen=True)
class Design:
    """An accelerator design: its constants, those that differ by device (`devices`), and the `engine` that prices it."""

    name: str
    engine: str
    params: Mapping[str, Param] = field(hash=False)
    devices: Mapping[str, Mapping[str, Param]] = field(hash=False)
    title: str = ""
    origin: str = ""


def design_names() -> list[str]:
    """Return the names of the shipped designs, sorted.

    >>> "flightllm" in design_names()
    True
    """
    return sorted(found.stem for found in (shipped("models") / FOLDER).glob("*.yaml"))


def design_path(name_or_path: str | Path) -> Path:
    """Return the design file meant by a name or a path. Raises `InvalidChip` for an unknown name, naming the nearest ones.

    >>> design_path("flightllm").name
    'flightllm.yaml'
    """
    text, path = str(name_or_path), Path(name_or_path)
    if path.suffix in (".yaml", ".yml"):
        return path
    known = design_names()
    if text not in known:
        raise InvalidChip(f"unknown design '{text}'{nearest(text, known)}; known: {', '.join(known) or 'none'} (or give a path to a design's .yaml)")
    return shipped("models") / FOLDER / f"{text}.yaml"


def read_design(path: str | Path) -> Design:
    """Return the design of a file; unchanged files are parsed once. Raises `InvalidChip` with ``file:line: path: problem``.

    >>> read_design(design_path("flightllm")).engine
    'flightllm'
    """
    where = Path(path)
    return _read(where, changed_at(where), 0)


@lru_cache(maxsize=128)
def _read(path: Path, stamp: int, depth: int) -> Design:
    document = load_schema(path, SCHEMA, "design", InvalidChip)
    entry = validate(DesignEntry, document, InvalidChip)
    base = Design("", "", {}, {})
    if entry.based_on is not None:
        if depth >= _INHERITANCE_DEPTH:
            raise document.fail(InvalidChip, ("based_on",), "designs are based on each other in a circle")
        beside = path.parent / entry.based_on
        found = beside if beside.suffix in (".yaml", ".yml") else design_path(entry.based_on)
        base = _read(found, changed_at(found), depth + 1)
    engine = entry.engine or base.engine
    if not engine:
        raise document.fail(InvalidChip, (), "a design names its engine, or one that it is based on")
    params = {**base.params, **{n: read_param(document, ("params", n), e) for n, e in entry.params.items()}}
    devices = {name: dict(own) for name, own in base.devices.items()}
    for device, entries in entry.devices.items():
        stated_here = {n: read_param(document, ("devices", device, n), e) for n, e in entries.items()}
        devices[device] = {**devices.get(device, {}), **stated_here}
        if strange := [n for n in stated_here if n not in params]:
            raise document.fail(InvalidChip, ("devices", device, strange[0]), "differs by device, but params states no value for the others")
    return Design(entry.name, engine, params, devices, entry.title, str(path))


def compose(device: Chip, design: Design) -> Chip:
    """Return one chip: `design` on `device`, named ``DEVICE+DESIGN``, with the words ``design`` and ``engine`` among its constants.

    Raises `InvalidChip` when the device holds a design already, or both state a constant.

    >>> from hwsim.readers.chip_file import load_chip
    >>> compose(load_chip("u280"), read_design(design_path("flightllm"))).name
    'u280+flightllm'
    """
    if "design" in device.params:
        raise InvalidChip(f"chip '{device.name}' holds a design already ({device.text('design')}); put '{design.name}' on the bare device")
    own = {**design.params, **design.devices.get(device.name, {})}
    if both := sorted(set(own) & set(device.params)):
        raise InvalidChip(f"design '{design.name}' and device '{device.name}' both state {', '.join(both)}")
    words = {
        "design": Param(design.name, "text", f"design file {Path(design.origin).name}", "derived"),
        "engine": Param(design.engine, "text", f"design file {Path(design.origin).name}", "derived"),
    }
    title = " on ".join(t for t in (design.title, device.title) if t)
    return replace(device, name=f"{device.name}{SEPARATOR}{design.name}", params={**device.params, **own, **words}, title=title)


def stated_by_designs(name: str) -> list[str]:
    """Names of the shipped designs that state a constant called `name`."""
    return [design for design in design_names() if name in read_design(design_path(design)).params]
