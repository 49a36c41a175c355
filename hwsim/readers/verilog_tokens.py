"""Words of structural Verilog, with the line that each stands on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from hwsim.core.errors import InvalidTrace, Location

TOKEN = re.compile(
    r"(?P<skip>\s+|//[^\n]*|/\*.*?\*/|\(\*(?!\s*\)).*?\*\)|`(?:timescale|default_nettype|celldefine|endcelldefine|resetall)[^\n]*)"
    r"|\\(?P<escaped>\S+)(?=\s)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_$]*)"
    r"|(?P<number>(?:\d[\d_]*\s*)?'\s*[sS]?[bodhBODH]\s*[0-9a-fA-FxXzZ?_]+|\d[\d_]*(?:\.\d+)?)"
    r'|(?P<text>"(?:[^"\\\n]|\\.)*")'
    r"|(?P<sign>[()\[\]{}.,;:=#+*/<>!~&|^?@-])",
    re.DOTALL,
)
NAME, ESCAPED, NUMBER, TEXT, SIGN, END = "name", "escaped", "number", "text", "sign", "end"


class Token(NamedTuple):
    """A word of the file, what kind it is, and its line."""

    kind: str
    text: str
    line: int

    @property
    def is_name(self) -> bool:
        """True for an identifier, escaped or plain (keywords included)."""
        return self.kind in (NAME, ESCAPED)

    def word(self, text: str) -> bool:
        """True for this very keyword or sign (an escaped name is none)."""
        return self.text == text and self.kind in (NAME, SIGN)


def tokens(text: str, file: str) -> Iterator[Token]:
    """Words of `text`, ended by one of kind ``end``. Raises `InvalidTrace` with file and line for what is no Verilog. O(length)."""
    at, line = 0, 1
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise InvalidTrace(f"'{text[at : at + 20].split()[0]}' is no structural Verilog", location=Location(file, line))
        kind = str(found.lastgroup)
        if kind != "skip":
            yield Token(kind, found.group(kind), line)
        line += text.count("\n", at, found.end())
        at = found.end()
    yield Token(END, "the end of the file", line)


def constant_bits(text: str) -> list[str]:
    """The bits of a sized or unsized constant, highest first: ``4'b10x0`` -> 1 0 x 0. Raises `ValueError` for digits that its base has not."""
    if "'" not in text:
        return list(f"{int(text.replace('_', '')):032b}")
    size, rest = text.replace("_", "").replace(" ", "").split("'", 1)
    rest = rest.lower().lstrip("s")
    base, digits = rest[0], rest[1:]
    if base == "d":
        bits = list(f"{int(digits):b}")
    else:
        wide = {"b": 1, "o": 3, "h": 4}[base]
        bits = [b for d in digits for b in (wide * [d.replace("?", "z")] if d in "xz?" else list(f"{_digit(d, wide):0{wide}b}"))]
    width = int(size) if size else 32
    fill = bits[0] if bits[0] in "xz" else "0"
    return [fill] * (width - len(bits)) + bits[max(0, len(bits) - width) :]


def _digit(digit: str, wide: int) -> int:
    value = int(digit, 16)
    if value >> wide:
        raise ValueError(f"digit {digit} in a base of {1 << wide}")
    return value
