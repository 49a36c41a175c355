"""The options that commands share, and how their texts become values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from hwsim.core.errors import HwsimError, InvalidMapping


def complete_trace(incomplete: str) -> list[str]:
    """Return the traces whose names start so, for the shell's completion."""
    from hwsim.readers.load import trace_names  # noqa: PLC0415  (only in a shell that completes)

    return [name for name in trace_names() if name.startswith(incomplete)]


def complete_chip(incomplete: str) -> list[str]:
    """Return the chips whose names start so, or the designs after ``DEVICE+``, for the shell's completion."""
    from hwsim.readers.chip_file import chip_names  # noqa: PLC0415  (as above)
    from hwsim.readers.design_file import design_names  # noqa: PLC0415

    device, plus, _ = incomplete.partition("+")
    known = [f"{device}+{design}" for design in design_names()] if plus else chip_names()
    return [name for name in known if name.startswith(incomplete)]


def complete_name(incomplete: str) -> list[str]:
    """Return what show takes: chips, designs and traces."""
    from hwsim.readers.design_file import design_names  # noqa: PLC0415  (as above)

    return [*complete_chip(incomplete), *(n for n in design_names() if n.startswith(incomplete)), *complete_trace(incomplete)]


TraceName = Annotated[
    str, typer.Argument(metavar="TRACE", help="A name from 'hwsim traces', or a path to a config.json, ONNX, YAML or CSV file.",
                        autocompletion=complete_trace),
]  # fmt: skip
ChipName = Annotated[
    str, typer.Option("--chip", help="A name from 'hwsim chips', or a path to a chip.yaml.", show_default=False, autocompletion=complete_chip)
]
ChipNames = Annotated[
    list[str], typer.Option("--chip", help="A chip, by name or path; once for each.", show_default=False, autocompletion=complete_chip)
]
Phase = Annotated[str | None, typer.Option(help="prefill, decode or generate (for a language model).", show_default=False)]
Prompt = Annotated[int | None, typer.Option(help="Tokens of the prompt.", show_default=False)]
Generate = Annotated[int | None, typer.Option(help="Tokens to generate.", show_default=False)]
Context = Annotated[int | None, typer.Option(help="Tokens attended in decode, the new one included.", show_default=False)]
Batch = Annotated[int | None, typer.Option(help="Sequences or images at once.", show_default=False)]
Dtype = Annotated[str | None, typer.Option(help="Number format, such as fp16 or int8.", show_default=False)]
WeightDtype = Annotated[str | None, typer.Option(help="Number format of the weights.", show_default=False)]
KvDtype = Annotated[str | None, typer.Option(help="Number format of the key-value cache.", show_default=False)]
Logits = Annotated[str | None, typer.Option(help="Prompt tokens that the output head works on: last, half or all.", show_default=False)]
Layers = Annotated[int | None, typer.Option(help="Keep only this many layers.", show_default=False)]
MaxContext = Annotated[int | None, typer.Option(help="Positions to allow, against the model's published maximum.", show_default=False)]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="PARAM=VALUE", help="Set a constant of the chip: clock_hz='1.1 GHz'.")]
Maps = Annotated[list[str] | None, typer.Option("--map", metavar="OPTION=VALUE", help="Force a mapping option: grid=420x420.")]
ChipMaps = Annotated[
    list[str] | None, typer.Option("--map", metavar="[CHIP:]OPTION=VALUE", help="Force a mapping option: grid=420x420, or wse2:grid=420x420.")
]
ChipSets = Annotated[
    list[str] | None, typer.Option("--set", metavar="[CHIP:]PARAM=VALUE", help="Set a constant: clock_hz='1.1 GHz', or wse2:clock_hz='1 GHz'.")
]
Args = Annotated[list[str] | None, typer.Option("--arg", metavar="NAME=VALUE", help="An argument: m=1.")]
TraceArgs = Annotated[list[str] | None, typer.Option("--arg", metavar="NAME=VALUE", help="A further option of the trace: timesteps=4.")]
Fidelity = Annotated[str, typer.Option(help="analytic (closed forms) or event (simulated contention, cycle loops).")]
NoInterval = Annotated[bool, typer.Option("--no-interval", help="Skip the intervals, for speed.")]
AllowUnmodelled = Annotated[bool, typer.Option("--allow-unmodelled", help="Skip operators without a model; totals become lower bounds.")]
Accuracy = Annotated[bool, typer.Option("--accuracy", help="Add how far results are from digital ones (targets with analog cells).")]
Json = Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="Write JSON to a file, or '-' for nothing but JSON on stdout.")]

_GRID = re.compile(r"\d+(x\d+)+")


def assignments(texts: Iterable[str] | None, option: str, error: type[HwsimError]) -> dict[str, str]:
    """Split texts of the form ``name=value``. Raises `error` for another form and for a name that is given twice."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        name, value = name.strip().replace("-", "_"), value.strip()
        if not equals or not name or not value:
            raise error(f"{option} '{text}': write it as name=value")
        if name in found:
            raise error(f"{option}: '{name}' is given twice")
        found[name] = value
    return found


def parse_value(text: str, error: type[HwsimError]) -> Any:
    """Return the value that a text writes: ``420x420`` a pair, ints, floats, true and false, JSON lists, quantities in SI units, else the word.

    >>> parse_value("420x420", InvalidMapping), parse_value("0.5", InvalidMapping), parse_value("850 MHz", InvalidMapping)
    ((420, 420), 0.5, 850000000.0)
    """
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _GRID.fullmatch(text):
        return tuple(int(part) for part in text.split("x"))
    if text.startswith("["):
        try:
            return _tuples(json.loads(text))
        except json.JSONDecodeError as bad:
            raise error(f"'{text}' is not a JSON list: {bad.msg}") from None
    for number in (int, float):
        try:
            found: float = number(text)
        except ValueError:
            continue
        if not math.isfinite(found):
            raise error(f"'{text}' is not a finite number")
        return found
    if re.match(r"[-+]?\.?\d\S*\s", text):
        from hwsim.readers.quantity import to_si  # noqa: PLC0415  (only when a unit is written)

        return to_si(text, error=error)[0]
    return text


def parse_values(texts: Iterable[str] | None, option: str, error: type[HwsimError] = InvalidMapping) -> dict[str, Any]:
    """Return the values of texts of the form ``name=value``. Raises `error`."""
    return {name: parse_value(value, error) for name, value in assignments(texts, option, error).items()}


def texts_by_chip(texts: Iterable[str] | None, option: str, chips: Iterable[str]) -> dict[str, list[str]]:
    """Return the ``name=value`` texts of each chip: those without a prefix go to all, ``CHIP:name=value`` to one. Raises `InvalidMapping`."""
    found: dict[str, list[str]] = {chip: [] for chip in chips}
    for text in texts or ():
        prefix, colon, _ = text.partition("=")[0].rpartition(":")
        if colon and prefix not in found:
            raise InvalidMapping(f"{option} '{text}': '{prefix}' is none of the chips compared ({', '.join(found)})")
        for chip in [prefix] if colon else found:
            found[chip].append(text[len(prefix) + 1 :] if colon else text)
    return found


def split_by_chip(texts: Iterable[str] | None, chips: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the mapping options of each chip. Raises `InvalidMapping`."""
    return {chip: parse_values(mine, "--map") for chip, mine in texts_by_chip(texts, "--map", chips).items()}


def stated(**options: Any) -> dict[str, Any]:
    """Keep the options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
