"""Where the shipped files are: `models/` and `traces/`, inside the wheel or beside the package in a source tree."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def shipped(folder: str) -> Path:
    """Return the folder of shipped files called `folder` (``models`` or ``traces``)."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "data" / folder
    return inside if inside.is_dir() else package.parent / folder
