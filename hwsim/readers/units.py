"""The units that files and settings may use, in one table, and the factor and dimension of an expression of them.

Products and quotients of prefixed units (``pJ/bit``, ``GB/s``, ``fF/um2``, ``ohm*um``) are worked out here; anything richer (parentheses,
roots) goes to a pint registry made from the same table, which is imported only then. Dimensions are counted in the base symbols below, with
energy as a base (``kg`` is not used), so that an area is exactly what has metres squared: it is kept in mm2. A byte is 8 bit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from tokenize import TokenError
from typing import Any

Powers = Mapping[str, int]

COUNTS = (
    "cycle", "PE", "MAC", "FLOP", "OP", "core", "token", "element", "cell", "column", "row", "bank", "channel", "spike", "event",
    "instruction", "thread", "warp", "block", "gate", "transistor", "track", "sample", "beat", "flit", "packet", "word", "line", "request",
    "SM", "tile", "lane", "port", "DSP", "LUT", "FF", "BRAM", "URAM", "level", "step", "layer", "GPU", "device", "link", "stage", "hop",
    "call", "kernel", "launch", "wave", "neuron", "synapse", "array", "pixel", "inference", "transfer", "entry", "slot", "access", "input",
    "output", "bin", "pulse", "fin", "route", "chip", "die", "node", "pass", "conversion", "comparison", "context", "queue", "register",
    "group", "pin", "wire", "query", "message", "iteration", "tap", "engine", "unit",
)  # fmt: skip
_PLURALS = {"entry": "entries", "query": "queries", "synapse": "synapses", "access": "accesses", "pass": "passes", "die": "dies"}
_SI = {"T": 12, "G": 9, "M": 6, "k": 3, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "P": 15, "c": -2}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50}


class UnknownUnit(Exception):
    """A word of a unit expression is in no table; `word` names it."""

    def __init__(self, word: str) -> None:
        self.word = word
        super().__init__(word)


@dataclass(frozen=True)
class Unit:
    """One unit: its factor to the base symbols, its dimension, how its SI form is written, and which prefixes it takes."""

    factor: Fraction
    powers: Powers
    si: str
    prefixes: str = ""


@dataclass(frozen=True)
class Expression:
    """A unit expression: `factor` to hwsim's internal unit `si`, its dimension `powers`, and `bytes`, the power of bytes in `si`."""

    factor: Fraction
    powers: Powers
    si: str
    bytes: int

    @property
    def countable(self) -> bool:
        """True when it only counts things (or is a plain number), so that a bare figure is clear."""
        return all(p in COUNTS for p in self.powers)


def _table() -> dict[str, Unit]:
    one, small, large = Fraction(1), "munpfac", "kMGTP"
    volt, farad = {"J": 1, "A": -1, "s": -1}, {"A": 2, "s": 2, "J": -1}
    table = {
        "s": Unit(one, {"s": 1}, "s", "munpfa"), "Hz": Unit(one, {"s": -1}, "Hz", "kMGTm"), "m": Unit(one, {"m": 1}, "m", "munpck"),
        "J": Unit(one, {"J": 1}, "J", small + large), "W": Unit(one, {"J": 1, "s": -1}, "W", small + large),
        "A": Unit(one, {"A": 1}, "A", small + "k"), "V": Unit(one, volt, "V", small + "k"), "K": Unit(one, {"K": 1}, "K", "m"),
        "F": Unit(one, farad, "F", small), "C": Unit(one, {"A": 1, "s": 1}, "C", small),
        "ohm": Unit(one, {"J": 1, "A": -2, "s": -1}, "ohm", "munkMG"), "S": Unit(one, {"A": 2, "s": 1, "J": -1}, "S", "munpf"),
        "bit": Unit(one, {"bit": 1}, "bit", "i" + large), "B": Unit(Fraction(8), {"bit": 1}, "B", "i" + large),
        "eV": Unit(Fraction("1.602176634e-19"), {"J": 1}, "J", "mk"), "min": Unit(Fraction(60), {"s": 1}, "s"),
        "hour": Unit(Fraction(3600), {"s": 1}, "s"), "1": Unit(one, {}, ""), "%": Unit(Fraction(1, 100), {}, ""),
    }  # fmt: skip
    for name in COUNTS:
        table[name] = table[_PLURALS.get(name, name + "s")] = Unit(one, {name: 1}, name, "ikMGTP")
    for alias, name in {"second": "s", "b": "bit", "bits": "bit", "byte": "B", "bytes": "B", "Ohm": "ohm", "Ω": "ohm", "op": "OP", "ops": "OP",
                        "flop": "FLOP", "flops": "FLOP", "mac": "MAC", "macs": "MAC", "fraction": "1", "ratio": "1", "percent": "%",
                        "T": "transfer", "h": "hour", "Op": "OP", "Flop": "FLOP", "nt": "neuron"}.items():  # fmt: skip
        table[alias] = table[name]
    del table["nt"]
    for alias, name in {"bps": "bit", "Bps": "B", "FLOPS": "FLOP", "OPS": "OP", "MACS": "MAC"}.items():
        base = table[name]
        table[alias] = Unit(base.factor, {**base.powers, "s": -1}, f"{base.si}/s", "ikMGTP")
    table["FLOPs"], table["OPs"], table["MACs"] = table["FLOP"], table["OP"], table["MAC"]
    return table


TABLE = _table()
_POWER = re.compile(r"^(.*?[A-Za-z%Ω])(?:\^|\*\*)?(-?\d)?$")
_UNICODE = str.maketrans({"µ": "u", "μ": "u", "²": "2", "³": "3", "·": "*", "×": "*", "Ω": "Ω"})


@cache
def word_unit(word: str) -> Unit:
    """Return one prefixed unit such as ``GHz`` or ``KiB``. Raises `UnknownUnit`."""
    if word in TABLE:
        return TABLE[word]
    for prefix, exponent in _BINARY.items():
        if word.startswith(prefix) and (unit := TABLE.get(word[2:])) is not None and "i" in unit.prefixes:
            return Unit(unit.factor * 2**exponent, unit.powers, unit.si)
    unit = TABLE.get(word[1:])
    if unit is not None and word[0] in _SI and word[0] in unit.prefixes:
        return Unit(unit.factor * Fraction(10) ** _SI[word[0]], unit.powers, unit.si)
    raise UnknownUnit(word)


@cache
def unit_expression(text: str) -> Expression:
    """Return what a unit expression means; the empty text and ``1`` mean a plain number. Raises `UnknownUnit`."""
    text = re.sub(r"\s*\bper\b\s*", "/", text.strip().translate(_UNICODE)).replace(" / ", "/").replace(" * ", "*")
    if re.search(r"[()]|\d\.\d|[-+]\s*[A-Za-z]", text):
        return _by_pint(text)
    factor, powers, symbols = Fraction(1), dict[str, int](), dict[str, int]()
    for sign, word in _words(text):
        match = _POWER.match(word)
        name, exponent = (match[1], int(match[2] or 1)) if match else (word, 1)
        unit = word_unit(name)
        factor *= unit.factor ** (sign * exponent)
        _add(powers, unit.powers, sign * exponent)
        _add(symbols, _symbols(unit.si), sign * exponent)
    return _finish(factor, powers, symbols)


def _words(text: str) -> list[tuple[int, str]]:
    if not text or text == "1":
        return []
    parts = re.split(r"(?<!\*)([*/ ])(?!\*)", text)
    signs = [1] + [-1 if op == "/" else 1 for op in parts[1::2]]
    return [(sign, word) for sign, word in zip(signs, parts[::2], strict=True) if word != "1"]


def _symbols(si: str) -> Powers:
    head, _, tail = si.partition("/")
    return {**({head: 1} if head else {}), **({tail: -1} if tail else {})}


def _add(into: dict[str, int], powers: Powers, times: int) -> None:
    for name, power in powers.items():
        into[name] = into.get(name, 0) + power * times
        if not into[name]:
            del into[name]


def _finish(factor: Fraction, powers: dict[str, int], symbols: dict[str, int]) -> Expression:
    areas = int(symbols.get("m", 0) / 2)
    parts: dict[str, int] = {}
    for symbol, power in symbols.items():
        parts |= {"mm2": areas, "m": power - 2 * areas} if symbol == "m" else {symbol: power}
    bytes_ = symbols.get("B", 0)  # an internal unit in bytes keeps its bytes: the factor is to bytes, not to bits
    factor = factor * Fraction(10) ** (6 * areas) / Fraction(8) ** bytes_
    over = [f"{s}{p if p > 1 else ''}" if s != "mm2" or p == 1 else f"mm2^{p}" for s, p in parts.items() if p > 0]
    under = [f"{s}{-p if p < -1 else ''}" if s != "mm2" or p == -1 else f"mm2^{-p}" for s, p in parts.items() if p < 0]
    text = "*".join(over) or ("1" if under else "")
    return Expression(factor, powers, "/".join([text, *under]), bytes_)


@cache
def _registry() -> Any:
    """The pint registry of the same units; built in milliseconds, since it loads no file of definitions."""
    from pint import UnitRegistry  # noqa: PLC0415  (a slow import that plain units do without)

    registry: Any = UnitRegistry(None, cache_folder=None)
    for base in ("J", "s", "m", "A", "K", "bit", *COUNTS):
        registry.define(f"{base} = [{base}]")
    registry.define("B = 8 * bit")
    return registry


def _by_pint(text: str) -> Expression:
    """Have pint read an expression with parentheses; every unit word is first spelt in base units."""
    registry = _registry()

    def spell(match: re.Match[str]) -> str:
        word = _POWER.match(match[0])
        unit = word_unit(word[1] if word else match[0])
        terms = "".join(f" * {base}**({power})" for base, power in unit.powers.items())
        return f"(({unit.factor.numerator}/{unit.factor.denominator}{terms})**({(word and word[2]) or 1}))"

    from pint.errors import PintError  # noqa: PLC0415  (as above)

    try:
        value = registry.Quantity(registry.parse_expression(re.sub(r"[A-Za-zΩ]+\d?", spell, text).replace("^", "**"))).to_root_units()
        if any(power != int(power) for _, power in value.unit_items()):
            raise UnknownUnit(text)
        powers = {str(name): int(power) for name, power in value.unit_items()}
        return _finish(Fraction(f"{float(value.magnitude):.15g}"), powers, dict(powers))
    except (PintError, TokenError, SyntaxError, ValueError, ArithmeticError, AttributeError, TypeError):
        raise UnknownUnit(text) from None
