"""Recording accuracy: what validation found is kept beside each chip, so that every report can state it."""

from __future__ import annotations

import json
from pathlib import Path

from hwsim.api import recorded_accuracy
from hwsim.core.errors import InvalidCase
from hwsim.core.resources import shipped
from hwsim.validate.cases import PUBLISHED
from hwsim.validate.score import Validation

__all__ = ["record_accuracy"]

ACCURACY = "accuracy.json"


def record_accuracy(validation: Validation) -> list[Path]:
    """Write ``models/CHIP/accuracy.json`` for every chip whose own published cases were run; returns the files written.

    Raises `InvalidCase` when a folder cannot be written.

    >>> from hwsim.validate.score import validate
    >>> record_accuracy(validate("wafer_mesh"))                                                               # doctest: +SKIP
    """
    written = []
    models = shipped("models")
    folders = sorted({r.path.parent for r in validation.results if r.path.parent.parent == models and r.path.name == PUBLISHED})
    for folder in folders:
        own = Validation(tuple(r for r in validation.results if r.path.parent == folder))
        path = folder / ACCURACY
        partial = path.with_suffix(".json.tmp")
        try:
            partial.write_text(json.dumps(own.accuracy(folder.name), indent=2) + "\n", encoding="utf-8")
            partial.replace(path)
        except OSError as bad:
            raise InvalidCase(f"{path} cannot be written: {bad.strerror}") from None
        written.append(path)
    recorded_accuracy.cache_clear()
    return written
