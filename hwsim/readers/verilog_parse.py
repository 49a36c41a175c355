"""Structural Verilog parsed: modules with ports, wires, instances and plain assignments, each name spelt out bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hwsim.core.errors import InvalidTrace, Location
from hwsim.readers.verilog_tokens import END, NUMBER, TEXT, Token, constant_bits, tokens

Bit = str  # name of a net, ``NAME [3]`` of a bus, or a constant: ``=0``, ``=1``, ``=x``, ``=z``
Bits = list[Bit]  # highest first, as written
DIRECTIONS = ("input", "output", "inout")
WIRES = ("wire", "tri", "supply0", "supply1", "logic")
BEHAVIOUR = ("always", "initial", "reg", "function", "task", "generate", "case", "if", "for", "specify", "always_ff", "always_comb", "genvar")
WIDEST = 1 << 20


def bus_bit(name: str, index: int) -> Bit:
    """Name of one bit of a bus: another one than that of a single net which is called ``name[index]``."""
    return f"{name} [{index}]"


def label(bit: Bit) -> str:
    """How a bit is written."""
    return bit.replace(" ", "")


@dataclass(frozen=True)
class Use:
    """An instance: of which module or cell, under which name, on which line; pins by name, or in order where `ordered`."""

    of: str
    name: str
    line: int
    pins: dict[str, Bits | None]
    ordered: bool = False


@dataclass
class Module:
    """A module: its ports in order, the range of every declared name, what it uses, and its assignments (left, right, line)."""

    name: str
    line: int
    ports: list[str] = field(default_factory=list)
    direction: dict[str, str] = field(default_factory=dict)
    span: dict[str, tuple[int, int] | None] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)
    assigns: list[tuple[Bits, Bits, int]] = field(default_factory=list)

    def bits(self, name: str) -> Bits:
        """Every bit of a declared name, highest first as declared; an undeclared one is one bit wide."""
        span = self.span.get(name)
        if span is None:
            return [name]
        step = -1 if span[0] >= span[1] else 1
        return [bus_bit(name, i) for i in range(span[0], span[1] + step, step)]


def parse(text: str, file: str) -> dict[str, Module]:
    """The modules of a file by name. Raises `InvalidTrace` with file and line for whatever is no flat or hierarchical gate netlist."""
    return {module.name: module for module in _Parser(text, file).modules()}


class _Parser:
    """Recursive descent over the words of one file."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.words = list(tokens(text, file))
        self.at = 0
        self.module = Module("", 0)

    # words ----------------------------------------------------------------------------------------
    @property
    def here(self) -> Token:
        return self.words[self.at]

    def refuse(self, problem: str, line: int | None = None) -> InvalidTrace:
        return InvalidTrace(problem, location=Location(self.file, self.here.line if line is None else line))

    def take(self) -> Token:
        token = self.here
        if token.kind == END:
            raise self.refuse("the file ends inside a module")
        self.at += 1
        return token

    def skip(self, sign: str) -> bool:
        if self.here.word(sign):
            self.at += 1
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.skip(sign):
            raise self.refuse(f"expected '{sign}', got '{self.here.text}'")

    def identifier(self) -> str:
        if not self.here.is_name:
            raise self.refuse(f"expected a name, got '{self.here.text}'")
        return self.take().text

    def integer(self) -> int:
        negative = self.skip("-")
        token = self.take()
        if token.kind != NUMBER or "'" in token.text or "." in token.text:
            raise self.refuse(f"expected a whole number, got '{token.text}'", token.line)
        return int(token.text.replace("_", "")) * (-1 if negative else 1)

    # modules --------------------------------------------------------------------------------------
    def modules(self) -> Iterator[Module]:
        seen: set[str] = set()
        while self.here.kind != END:
            line = self.here.line
            if not (self.skip("module") or self.skip("macromodule")):
                raise self.refuse(f"expected 'module', got '{self.here.text}'")
            self.module = Module(self.identifier(), line)
            if self.module.name in seen:
                raise self.refuse(f"module '{self.module.name}' stands here twice", line)
            seen.add(self.module.name)
            if self.skip("#"):
                self.balanced("(", ")")
            if self.skip("("):
                self.header()
            self.need(";")
            while not self.skip("endmodule"):
                self.item()
            if missing := [p for p in self.module.ports if p not in self.module.direction]:
                raise self.refuse(f"port '{missing[0]}' of module '{self.module.name}' has no direction", line)
            yield self.module

    def balanced(self, opening: str, closing: str) -> None:
        """Pass over a bracketed part: parameters are not used."""
        self.need(opening)
        depth = 1
        while depth:
            token = self.take()
            depth += token.word(opening) - token.word(closing)

    def header(self) -> None:
        direction, span = "", None
        while not self.skip(")"):
            if self.here.text in DIRECTIONS and self.here.is_name:
                direction, span = self.kind_and_span()
            name = self.identifier()
            self.module.ports.append(name)
            if direction:
                self.declare(name, span, direction)
            if not self.skip(","):
                self.need(")")
                return

    def kind_and_span(self) -> tuple[str, tuple[int, int] | None]:
        direction = self.take().text
        while self.here.text in (*WIRES, "signed", "var"):
            self.take()
        if self.here.word("reg"):
            raise self.refuse("'reg' is behaviour: map the design to gates first")
        return direction, self.range()

    def range(self) -> tuple[int, int] | None:
        if not self.skip("["):
            return None
        high = self.integer()
        self.need(":")
        low = self.integer()
        self.need("]")
        if abs(high - low) >= WIDEST:
            raise self.refuse(f"a bus of {abs(high - low) + 1} bits")
        return high, low

    def declare(self, name: str, span: tuple[int, int] | None, direction: str = "") -> None:
        self.module.span[name] = span if span is not None or name not in self.module.span else self.module.span[name]
        if direction:
            self.module.direction[name] = direction

    # items ----------------------------------------------------------------------------------------
    def item(self) -> None:
        token = self.here
        if token.kind == "name" and token.text in DIRECTIONS:
            direction, span = self.kind_and_span()
            self.names(span, direction)
        elif token.kind == "name" and token.text in WIRES:
            self.take()
            self.skip("signed")
            self.names(self.range(), "", token.text)
        elif self.skip("assign"):
            self.assignments()
        elif token.kind == "name" and token.text in ("parameter", "localparam", "defparam"):
            while not self.skip(";"):
                self.take()
        elif token.kind == "name" and token.text in BEHAVIOUR:
            raise self.refuse(f"'{token.text}' is behaviour, not structure: map the design to gates first (hwsim synthesises RTL with Yosys)")
        elif token.is_name:
            self.instances()
        elif not self.skip(";"):
            raise self.refuse(f"expected a declaration, an instance or 'endmodule', got '{token.text}'")

    def names(self, span: tuple[int, int] | None, direction: str, kind: str = "") -> None:
        while True:
            line, name = self.here.line, self.identifier()
            if direction and name not in self.module.ports:
                raise self.refuse(f"'{name}' is no port of module '{self.module.name}'", line)
            self.declare(name, span, direction)
            if kind in ("supply0", "supply1"):
                self.assign(self.module.bits(name), [f"={kind[-1]}"] * len(self.module.bits(name)), line)
            if self.skip("="):
                self.assign(self.module.bits(name), self.expression(), line)
            if not self.skip(","):
                return self.need(";")

    def assignments(self) -> None:
        while True:
            line, left = self.here.line, self.expression()
            self.need("=")
            self.assign(left, self.expression(), line)
            if not self.skip(","):
                return self.need(";")

    def assign(self, left: Bits, right: Bits, line: int) -> None:
        if len(left) > len(right):
            right = ["=0"] * (len(left) - len(right)) + right
        self.module.assigns.append((left, right[len(right) - len(left) :], line))

    def instances(self) -> None:
        of = self.identifier()
        if self.skip("#"):
            if self.here.word("("):
                self.balanced("(", ")")
            else:
                self.take()
        while True:
            line, name = self.here.line, self.identifier()
            if self.here.word("["):
                raise self.refuse(f"'{name}' is an array of instances: write each one out")
            self.need("(")
            self.module.uses.append(self.pins(of, name, line))
            if not self.skip(","):
                return self.need(";")

    def pins(self, of: str, name: str, line: int) -> Use:
        found: dict[str, Bits | None] = {}
        ordered = not self.here.word(".")
        while not self.skip(")"):
            if ordered:
                found[str(len(found))] = None if self.here.word(",") or self.here.word(")") else self.expression()
            else:
                self.need(".")
                pin = self.identifier()
                if pin in found:
                    raise self.refuse(f"pin '{pin}' of '{name}' is connected twice")
                self.need("(")
                found[pin] = None if self.here.word(")") else self.expression()
                self.need(")")
            if not self.skip(","):
                self.need(")")
                break
        return Use(of, name, line, found, ordered and bool(found))

    # expressions ----------------------------------------------------------------------------------
    def expression(self) -> Bits:
        token = self.take()
        if token.word("{"):
            return self.concatenation()
        if token.kind == NUMBER:
            try:
                return [f"={bit}" for bit in constant_bits(token.text)]
            except ValueError as error:
                raise self.refuse(f"'{token.text}' is no constant: {error}", token.line) from error
        if not token.is_name or token.kind == TEXT:
            raise self.refuse(f"'{token.text}' is no net: logic belongs in cells", token.line)
        return self.select(token)

    def concatenation(self) -> Bits:
        times = 1
        if self.here.kind == NUMBER and self.words[self.at + 1].word("{"):
            times = self.integer()
            self.need("{")
            found = self.concatenation()
            self.need("}")
            return found * times
        bits = self.expression()
        while self.skip(","):
            bits = bits + self.expression()
        self.need("}")
        return bits

    def select(self, token: Token) -> Bits:
        declared = token.text in self.module.span
        if not self.here.word("["):
            return self.module.bits(token.text)
        self.take()
        high = self.integer()
        low = self.integer() if self.skip(":") else high
        self.need("]")
        if not declared or self.module.span[token.text] is None:
            raise self.refuse(f"'{token.text}' is no bus", token.line)
        all_bits = self.module.bits(token.text)
        try:
            first, last = all_bits.index(bus_bit(token.text, high)), all_bits.index(bus_bit(token.text, low))
        except ValueError:
            raise self.refuse(f"'{token.text}[{high}{f':{low}' if low != high else ''}]' is outside of {token.text}", token.line) from None
        return all_bits[min(first, last) : max(first, last) + 1]
