"""Mapping options from a user (command line, Python, case files), checked by a pydantic model: one wording of errors for all targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from hwsim.core.errors import InvalidMapping, nearest

M = TypeVar("M", bound=BaseModel)


def check_options(model: type[M], mapping: Mapping[str, Any], target: str) -> M:
    """Return `mapping` as an instance of `model`. Raises `InvalidMapping` for an unknown option or a bad value, naming what is known."""
    for name in mapping:
        if name not in model.model_fields:
            known = sorted(model.model_fields)
            raise InvalidMapping(f"target '{target}' has no mapping option '{name}'{nearest(name, known)}; it has {', '.join(known)}")
    try:
        return model.model_validate(dict(mapping))
    except ValidationError as bad:
        raise InvalidMapping("; ".join(_problem(item) for item in bad.errors(include_url=False))) from None


def _problem(item: Any) -> str:
    name, given = ".".join(str(part) for part in item["loc"]) or "mapping", item["input"]
    if item["type"] == "literal_error":
        words = [w.strip(" '") for w in str(item["ctx"]["expected"]).replace(" or ", ",").split(",")]
        return f"mapping option {name} is one of {', '.join(words)}, got {given!r}{nearest(str(given), words)}"
    return f"mapping option {name}: {item['msg'].removeprefix('Value error, ')}, got {given!r}"
