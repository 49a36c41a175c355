"""Numba's decorator, typed, with the on-disk cache switched on; importing this module imports Numba.

Numba keys a function's cached machine code by the function's own file only. A mechanism called from another file would go stale
silently, so the stamp here covers every file that its code can come from: the engine's, the technology's and those of its own folder (a target's
whole folder).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])
ENGINE = Path(__file__).resolve().parent
SHARED = (ENGINE, ENGINE.parent / "tech")
OPTIONS: dict[str, Any] = {"error_model": "numpy", "no_cfunc_wrapper": True}  # no callback for C is made: nothing here is called so


def own_folder(source: Path) -> Path:
    """The folder whose files a function's code can come from: its file's own, or the whole folder of the target that it belongs to."""
    inside = [folder for folder in source.parents if folder.parent.name == "targets"]
    return inside[0] if inside else source.parent


@cache
def folder_stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """(name, size, time of change in ns) of every Python file in the engine, the technology and `folder`, subfolders included."""
    files = sorted({*(path for shared in SHARED for path in shared.glob("*.py")), *folder.rglob("*.py")})
    return tuple((path.name, (status := path.stat()).st_size, status.st_mtime_ns) for path in files)


def stamped(compiled: F, source: Path | None = None) -> F:
    """Add the stamp of the engine and of the folder of `source` (default: the function's own file) to a cached dispatcher's own; returns it."""
    dispatcher: Any = compiled
    file = dispatcher._cache._cache_file
    folder = own_folder((source or Path(dispatcher.py_func.__code__.co_filename)).resolve())
    file._source_stamp = (file._source_stamp, folder_stamp(folder))
    return compiled


def jit(function: F) -> F:
    """Compile `function` in nopython mode; the machine code is kept on disk, so the second process starts fast."""
    dispatcher: Any = numba.njit(cache=True, **OPTIONS)(function)
    return cast(F, stamped(dispatcher))


def part(function: F) -> F:
    """Compile a mechanism into its callers: no call is left in a price function that runs a million times a second."""
    dispatcher: Any = numba.njit(forceinline=True, **OPTIONS)(function)
    return cast(F, dispatcher)
