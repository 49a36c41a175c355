"""YAML and JSON files with line numbers, and their validation: a message reads ``file:line: path: problem (did you mean ...?)``."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from hwsim.core.errors import HwsimError, Location, nearest

Key = str | int
KeyPath = tuple[Key, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)
_DEPTH, _NODES = 60, 1_000_000
_TAG = "tag:yaml.org,2002:"


class FileModel(BaseModel):
    """Base of the models that files are checked with: no unknown keys, no silent conversion, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@dataclass
class Document:
    """A parsed file: plain `data`, and the 1-based line of every value by its path of keys."""

    file: str
    data: Any
    text: str = field(repr=False)
    _lines: dict[KeyPath, int] | None = field(default=None, repr=False)

    def line_of(self, path: Sequence[Key] = ()) -> int | None:
        """Return the line where the value at `path` starts, or that of its nearest enclosing value; None when unknown."""
        if self._lines is None:  # JSON keeps no lines: read the text again, as the YAML that it also is
            try:
                self._lines = _Walk(self.file, HwsimError).document(self.text).lines
            except HwsimError:
                self._lines = {}
        at = tuple(path)
        while at and at not in self._lines:
            at = at[:-1]
        return self._lines.get(at)

    def location(self, path: Sequence[Key] = ()) -> Location:
        """Return the place of the value at `path`, as errors state it."""
        return Location(self.file, self.line_of(path), path_text(path))

    def fail(self, error: type[HwsimError], path: Sequence[Key], problem: str) -> HwsimError:
        """Return `error` for the value at `path`, to be raised."""
        return error(problem, location=self.location(path))


def path_text(path: Sequence[Key]) -> str:
    """Write a path of keys as errors show it.

    >>> path_text(("params", "grid", "value", 0))
    'params.grid.value[0]'
    """
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


def read_text(path: str | Path, error: type[HwsimError]) -> str:
    """Return the text of a file. Raises `error` when it is missing, a folder, unreadable or not UTF-8."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise error("no such file", location=Location(str(path))) from None
    except UnicodeDecodeError as bad:
        raise error(f"not UTF-8 text (byte {bad.start})", location=Location(str(path))) from None
    except OSError as bad:
        raise error(f"cannot be read: {bad.strerror}", location=Location(str(path))) from None


def load_yaml(path: str | Path, error: type[HwsimError]) -> Document:
    """Parse a YAML 1.2 file of one document. Raises `error` with file and line for bad syntax, duplicate keys and foreign tags."""
    return parse_yaml(read_text(path, error), str(path), error)


def load_schema(path: str | Path, schema: str, what: str, error: type[HwsimError]) -> Document:
    """Parse a file (`what` it is, for messages) whose first key names its schema. Raises `error` as `load_yaml` does, and for another schema."""
    document = load_yaml(path, error)
    if not isinstance(document.data, dict):
        raise document.fail(error, (), f"a {what} file is a mapping with schema: {schema}")
    if (stated := document.data.get("schema")) != schema:
        raise document.fail(error, ("schema",), f"must be {schema}, got {stated!r}")
    return document


def changed_at(path: Path) -> int:
    """Time of a file's last change in ns, by which its parsed content is kept; 0 when it cannot be read (reading it then says why)."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def parse_yaml(text: str, file: str, error: type[HwsimError]) -> Document:
    """Parse YAML text; `file` is its name in messages. Raises `error` as `load_yaml` does."""
    walk = _Walk(file, error).document(text)
    return Document(file, walk.data, text, walk.lines)


def load_json(path: str | Path, error: type[HwsimError]) -> Document:
    """Parse a JSON file. Raises `error` with file, line and column for bad syntax, and for duplicate keys or figures that are not finite."""
    text, file = read_text(path, error), str(path)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            seen: set[str] = set()
            twice = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
            raise error(f"key '{twice}' is stated twice", location=Location(file))
        return made

    def constant(name: str) -> float:
        raise error(f"{name} is not a JSON number", location=Location(file))

    try:
        return Document(file, json.loads(text, object_pairs_hook=unique, parse_constant=constant), text)
    except json.JSONDecodeError as bad:
        raise error(f"column {bad.colno}: {bad.msg}", location=Location(file, bad.lineno)) from None
    except RecursionError:
        raise error("nested too deeply", location=Location(file)) from None


class _Walk:
    """One pass over the composed nodes: plain data and lines."""

    def __init__(self, file: str, error: type[HwsimError]) -> None:
        self.file, self.error = file, error
        self.lines: dict[KeyPath, int] = {}
        self.data: Any = None
        self.left = _NODES

    def document(self, text: str) -> _Walk:
        """Parse `text` and keep its data and lines."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                node = YAML(typ="safe", pure=True).compose(text)
        except MarkedYAMLError as bad:
            mark = bad.problem_mark or bad.context_mark
            problem = " ".join(p for p in (bad.context, bad.problem) if p)
            raise self.error(problem, location=Location(self.file, mark.line + 1 if mark else None)) from None
        except YAMLError as bad:
            raise self.error(f"not YAML: {str(bad).splitlines()[0]}", location=Location(self.file)) from None
        except RecursionError:
            raise self.error("nested too deeply", location=Location(self.file)) from None
        self.data = None if node is None else self.value(node, ())
        return self

    def fail(self, node: Node, path: KeyPath, problem: str) -> HwsimError:
        """Return the error for `node`."""
        return self.error(problem, location=Location(self.file, node.start_mark.line + 1, path_text(path)))

    def value(self, node: Node, path: KeyPath) -> Any:
        """Return the plain data of `node`."""
        self.lines[path] = node.start_mark.line + 1
        self.left -= 1
        if len(path) > _DEPTH or self.left < 0:
            raise self.fail(node, path[:6], "nested too deeply or too large (does an alias hold itself?)")
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        return self.scalar(node, path)

    def mapping(self, node: MappingNode, path: KeyPath) -> dict[Key, Any]:
        """Return a mapping, refusing a key that is stated twice."""
        made: dict[Key, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode) or key_node.tag == _TAG + "merge":
                raise self.fail(key_node, path, "a key must be a plain word or number")
            key = self.scalar(key_node, path)
            if not isinstance(key, str) and (isinstance(key, bool) or not isinstance(key, int)):
                key = str(key_node.value)
            if key in made:
                raise self.fail(key_node, (*path, key), f"key '{key}' is stated twice (first on line {self.lines[(*path, key)]})")
            made[key] = self.value(value_node, (*path, key))
            self.lines[(*path, key)] = key_node.start_mark.line + 1
        return made

    def scalar(self, node: Node, path: KeyPath) -> Any:
        """Return text, number, flag or None, by the tag that the resolver gave the node."""
        tag, text = str(node.tag), str(node.value)
        if tag in (_TAG + "str", _TAG + "timestamp"):
            return text
        try:
            if tag == _TAG + "int":
                return _whole(text.replace("_", ""))
            if tag == _TAG + "float":
                return _real(text.replace("_", ""))
        except ValueError:
            raise self.fail(node, path, f"'{text}' is not a number") from None
        if tag == _TAG + "bool":
            return text.lower() == "true"
        if tag == _TAG + "null":
            return None
        raise self.fail(node, path, f"tag '{tag}' is not known here")


def _whole(text: str) -> int:
    plain = text.lstrip("+-")
    return int(text, 0) if plain[:2] in ("0x", "0o", "0b") else int(text)


def _real(text: str) -> float:
    special = {".inf": math.inf, "+.inf": math.inf, "-.inf": -math.inf, ".nan": math.nan}
    return special[text.lower()] if text.lower() in special else float(text)


def validate(model: type[ModelT], document: Document, error: type[HwsimError], at: Sequence[Key] = ()) -> ModelT:
    """Check the value at the path `at` of `document` with a pydantic `model` and return the model's instance.

    Raises `error` with one line per problem: ``file:line: path: problem``, unknown keys with the nearest known ones.
    """
    data = document.data
    for key in at:
        data = data[key]
    try:
        return model.model_validate(data)
    except ValidationError as bad:
        found = sorted(bad.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")
        paths = [tuple(at) + _real_path(data, item["loc"], item["type"] == "missing") for item in found]
        problems = list({path: (path, _problem(model, item, paths.count(path) > 1)) for path, item in zip(paths, found, strict=True)}.values())
    path, problem = problems[0]
    others = [f"{document.location(p)}: {text}" for p, text in problems[1:]]
    raise document.fail(error, path, "\n".join([problem, *others]))


def _real_path(data: Any, loc: tuple[Key, ...], missing: bool) -> KeyPath:
    """Keep of a pydantic location only what the file has too (it adds the names of union members), and the key that is missing."""
    path: list[Key] = []
    for i, key in enumerate(loc):
        if isinstance(data, Mapping) and key in data:
            data = data[key]
        elif isinstance(data, list):
            if not isinstance(key, int) or key >= len(data):
                continue
            data = data[key]
        elif not missing or i < len(loc) - 1:
            continue
        path.append(key)
    return tuple(path)


def _problem(model: type[BaseModel], item: Any, union: bool) -> str:
    loc, kind, message = item["loc"], item["type"], item["msg"]
    if kind == "extra_forbidden":
        return f"unknown key{nearest(str(loc[-1]), _keys(model, loc[:-1]))}"
    if kind == "missing":
        return "is missing"
    if kind == "model_type":
        return f"must be a mapping of keys, got {type(item['input']).__name__}"
    if union:
        return f"a {type(item['input']).__name__} does not fit here"
    given = item["input"]
    shown = f", got {given!r}" if isinstance(given, str | int | float | bool) or given is None else ""
    return f"{message.removeprefix('Value error, ').removeprefix('Input ')}{shown}"


def _keys(model: type[BaseModel], loc: tuple[Key, ...]) -> list[str]:
    """Return the known keys of the (nested) model at `loc`."""
    here: list[type[BaseModel]] = [model]
    for key in loc:
        inner: list[type[BaseModel]] = []
        for one in here:
            if isinstance(key, str) and (found := _field(one, key)) is not None:
                inner += _models(found)
        here = inner or here
    return [name for one in here for f, info in one.model_fields.items() for name in {f, info.alias or f}]


def _field(model: type[BaseModel], key: str) -> Any:
    for name, info in model.model_fields.items():
        if key in (name, info.alias):
            return info.annotation
    return None


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, dict, list, tuple) or get_args(annotation):
        return [m for part in get_args(annotation) for m in _models(part)]
    return []
