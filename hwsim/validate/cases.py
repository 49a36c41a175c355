"""Case files: published and measured figures, one target a file, checked when read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hwsim.core.errors import InvalidCase, nearest
from hwsim.core.resources import shipped
from hwsim.readers.yaml_file import FileModel, load_yaml, read_text
from hwsim.readers.yaml_file import validate as check

__all__ = ["published", "read_cases", "select"]

FORMS = ("primitive", "op", "trace")
PUBLISHED = "published.yaml"
Keys = dict[str, Any]


def _checked_workload(workload: Mapping[str, Any]) -> None:
    forms = [f for f in FORMS if f in workload]
    if not forms or (len(forms) > 1 and forms[0] != "primitive"):  # a primitive's own arguments may be called op or trace
        raise ValueError(f"a workload states exactly one of {', '.join(FORMS)}; this one {' and '.join(forms) or 'none'}")
    if not isinstance(workload[forms[0]], str):
        raise ValueError(f"'{forms[0]}' must be a name")


class Reference(FileModel):
    """What a ratio is taken against: the case's own metric with these keys replaced (`workload` as a whole, `mapping` key by key)."""

    chip: str | None = None
    workload: Keys | None = None
    mapping: Keys | None = None

    @model_validator(mode="after")
    def _check(self) -> Reference:
        if self.chip is None and self.workload is None and self.mapping is None:
            raise ValueError("relative_to states nothing to replace (chip, workload or mapping)")
        if self.workload is not None:
            _checked_workload(self.workload)
        return self


class Case(FileModel):
    """One figure that somebody measured or published: what ran, on what, how much, and where it was read.

    `value` is in SI base units (area in mm2) or, with `relative_to`, a ratio; `tolerance` is the relative error that an expert would accept.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    group: str = Field(min_length=1)
    chip: str = Field(min_length=1)
    workload: Keys
    mapping: Keys = Field(default_factory=dict)
    metric: str = Field(min_length=1)
    value: float = Field(gt=0, allow_inf_nan=False)
    kind: Literal["device", "board", "rtl", "simulator", "paper", "derived"]
    role: Literal["calibrate", "predict"]
    tolerance: float = Field(gt=0, allow_inf_nan=False)
    source: str = Field(min_length=1)
    note: str = ""
    relative_to: Reference | None = None

    @model_validator(mode="after")
    def _check(self) -> Case:
        _checked_workload(self.workload)
        return self


class _File(FileModel):
    target: str = Field(min_length=1)
    cases: list[Case] = Field(min_length=1)


@dataclass(frozen=True)
class CaseFile:
    """The cases of one file: all of one target; files that workloads name are looked up beside `path`."""

    path: Path
    target: str
    cases: tuple[Case, ...]


def read_cases(path: str | Path) -> CaseFile:
    """Read one case file. Raises `InvalidCase` with file, line and path for anything malformed, and for an id that is used twice.

    >>> from hwsim.core.resources import shipped
    >>> len(read_cases(shipped("models") / "wse2" / "published.yaml").cases) > 10
    True
    """
    found = _read_fast(read_text(path, InvalidCase))
    if found is None or len({c.id for c in found.cases}) < len(found.cases):
        found = _read_with_lines(path)
    return CaseFile(Path(path), found.target, tuple(found.cases))


def _read_fast(text: str) -> _File | None:
    """Return the file by the C parser, which keeps no lines (four times faster for hundreds of rows), or None when anything is wrong with it."""
    try:
        return _File.model_validate(YAML(typ="safe").load(text))
    except (YAMLError, ValidationError, RecursionError):
        return None


def _read_with_lines(path: str | Path) -> _File:
    """Return the file by the parser that knows every value's line. Raises `InvalidCase`."""
    document = load_yaml(path, InvalidCase)
    if not isinstance(document.data, dict):
        raise document.fail(InvalidCase, (), "a case file is a mapping with the keys target and cases")
    found = check(_File, document, InvalidCase)
    seen: dict[str, int] = {}
    for i, case in enumerate(found.cases):
        if (first := seen.setdefault(case.id, i)) != i:
            line = document.line_of(("cases", first))
            raise document.fail(InvalidCase, ("cases", i, "id"), f"id '{case.id}' is used twice (first on line {line})")
    return found


def published() -> tuple[CaseFile, ...]:
    """Read the published cases of every shipped chip (``models/CHIP/published.yaml``). Raises `InvalidCase`.

    >>> any(file.target == "wafer_mesh" for file in published())
    True
    """
    return tuple(read_cases(p) for p in sorted(shipped("models").glob(f"*/{PUBLISHED}")))


def select(files: Iterable[CaseFile], target: str | None) -> tuple[CaseFile, ...]:
    """Keep the files of one target (all for None) and check that ids are unique within a target.

    Raises `InvalidCase` for a target without cases and for an id that two files of a target share.

    >>> {file.target for file in select(published(), "spiking")}
    {'spiking'}
    """
    files = tuple(files)
    kept = tuple(f for f in files if target in (None, f.target))
    if not kept:
        known = sorted({f.target for f in files})
        raise InvalidCase(f"there are no cases{f' of target {target!r}' if target else ''}{nearest(target or '', known)}")
    owner: dict[tuple[str, str], Path] = {}
    for file in kept:
        for case in file.cases:
            if (first := owner.setdefault((file.target, case.id), file.path)) != file.path:
                raise InvalidCase(f"id '{case.id}' is used twice: in {first} and in {file.path}")
    return kept
