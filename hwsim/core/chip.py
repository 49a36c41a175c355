"""A chip: a named set of constants for one kind of silicon."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from hwsim.core.errors import InvalidChip, MissingParameter, nearest
from hwsim.core.param import Param, Value


@dataclass(frozen=True)
class Chip:
    """A validated chip file: `params` by name, the `target` that models it, and where the file was read (`origin`)."""

    name: str
    target: str
    params: Mapping[str, Param] = field(hash=False)
    title: str = ""
    origin: str = ""

    def param(self, name: str) -> Param:
        """Return the constant called `name`. Raises `MissingParameter`."""
        try:
            return self.params[name]
        except KeyError:
            raise MissingParameter(name, self.name, self.params) from None

    def number(self, name: str) -> float:
        """Return the constant called `name` as a float in SI units. Raises `MissingParameter` or `InvalidChip`."""
        return self.param(name).number

    def vector(self, name: str) -> tuple[float, ...]:
        """Return a vector constant. Raises `MissingParameter`, or `InvalidChip` when it is a single value."""
        value = self.param(name).value
        if not isinstance(value, tuple):
            raise InvalidChip(f"chip '{self.name}': '{name}' is not a vector")
        return value

    def text(self, name: str) -> str:
        """Return a constant of unit text. Raises `MissingParameter`, or `InvalidChip` when it is a figure."""
        value = self.param(name).value
        if not isinstance(value, str):
            raise InvalidChip(f"chip '{self.name}': '{name}' is not a word")
        return value

    def replace(self, **values: Value) -> Chip:
        """Return a chip with some constants set to other values (SI units), or with another name (``name=...``).

        Raises `InvalidChip` for a name that the chip does not state, naming the nearest ones.
        """
        name = str(values.pop("name", self.name))
        params = dict(self.params)
        for key, value in values.items():
            if key not in params:
                raise InvalidChip(f"chip '{self.name}' has no parameter '{key}'{nearest(key, params)}")
            params[key] = params[key].with_value(value)
        return replace(self, name=name, params=params)

    @cached_property
    def key(self) -> str:
        """Content key: equal chips have equal keys."""
        text = repr((self.name, self.target, sorted((k, p.value) for k, p in self.params.items())))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
