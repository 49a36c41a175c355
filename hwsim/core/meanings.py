"""What a target's constants mean: one line each in ``constants.txt`` beside the target's `spec`, of the form ``name: meaning``.

>>> meanings("wafer_mesh")["hop_cycles"]
'cycles of a wavelet from one router to the next'
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from hwsim.core.errors import InvalidChip
from hwsim.core.target import load_target

FILE = "constants.txt"


@cache
def meanings(target: str) -> Mapping[str, str]:
    """Return the meaning of each constant of a target by name; empty for a target that states none.

    Raises `InvalidChip` for an unknown target, and for a line that is no ``name: meaning`` or names a constant twice.
    """
    package = type(load_target(target)).__module__.rpartition(".")[0]
    if not package:
        return {}
    where = files(package) / FILE
    return read_meanings(where.read_text(encoding="utf-8"), f"{target}/{FILE}") if where.is_file() else {}


def read_meanings(text: str, origin: str) -> dict[str, str]:
    """Return the meanings that `text` states; ``#`` starts a comment line, `origin` names the file in errors. Raises `InvalidChip`.

    >>> read_meanings("# of a toy\\nclock_hz: clock of the array", "toy")
    {'clock_hz': 'clock of the array'}
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, meaning = (part.strip() for part in line.partition(":"))
        if not colon or not name.isidentifier() or not meaning:
            raise InvalidChip(f"{origin}:{number}: write it as 'name: meaning'")
        if name in found:
            raise InvalidChip(f"{origin}:{number}: '{name}' is explained twice")
        found[name] = meaning
    return found
