"""Mapping options: those of the frame, and any constant of the chip by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, PositiveInt

from hwsim.core.errors import InvalidMapping, nearest
from hwsim.readers.options import check_options
from hwsim.targets.crossbar.spec import PARAMETERS

FIXED = frozenset({"family", "boundary"})  # what a chip is cannot be an option
Value = float | str


class FrameOptions(BaseModel):
    """Options that choose how a graph lies on the arrays; which of them mean something is the family's to say (`Family.options`).

    `duplication`: copies of every matrix, or ``balanced``: spare arrays go to the layers with most vectors. `conv_mapping`: a kernel unrolled on
    the rows (``im2col``) or each of its positions on arrays of its own. `reprogram`: weights that do not fit are written at each use. `adc`: the
    kind of converter, for families that offer several.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    duplication: PositiveInt | Literal["balanced"] | None = None
    conv_mapping: Literal["im2col", "kernel_shifted"] | None = None
    reprogram: bool | None = None


FRAME = tuple(FrameOptions.model_fields)
DEFAULTS = FrameOptions()


@dataclass(frozen=True)
class Options:
    """What a mapping states: choices of the frame, and `constants` of the chip that it replaces."""

    frame: FrameOptions
    constants: Mapping[str, Value]

    @property
    def stated(self) -> dict[str, Any]:
        """Everything that was given."""
        return {**{n: v for n, v in self.frame.model_dump().items() if v is not None}, **self.constants}


def parse_options(mapping: Mapping[str, Any]) -> Options:
    """Check mapping options. Raises `InvalidMapping`, naming the nearest known word.

    >>> parse_options({"duplication": 2, "adc_bits": 5}).constants
    {'adc_bits': 5.0}
    """
    frame = {n: v for n, v in mapping.items() if n in FRAME}
    rest = {n: v for n, v in mapping.items() if n not in FRAME}
    known = {c.name: c for c in PARAMETERS.constants if c.name not in FIXED}
    constants: dict[str, Value] = {}
    for name, value in rest.items():
        if name not in known:
            names = sorted((*FRAME, *known))
            raise InvalidMapping(f"target 'crossbar' has no mapping option '{name}'{nearest(name, names)}; it has {', '.join(FRAME)}, "
                                 "and the constants of the chip by their names")  # fmt: skip
        if known[name].text:
            if not isinstance(value, str):
                raise InvalidMapping(f"mapping option {name} is a word, got {value!r}")
            constants[name] = value
        elif not isinstance(value, bool | int | float) or known[name].size != 1:
            raise InvalidMapping(f"mapping option {name} is a number, got {value!r}")
        else:
            constants[name] = float(value)
    return Options(check_options(FrameOptions, frame, "crossbar"), constants)


def refuse_strange(options: Options, known: frozenset[str], chip: str) -> None:
    """Raise `InvalidMapping` when an option is stated that the chip's family does not read."""
    if strange := sorted(set(options.stated) - known):
        raise InvalidMapping(f"chip '{chip}' has no mapping option {', '.join(strange)}; it has {', '.join(sorted(known))}")
