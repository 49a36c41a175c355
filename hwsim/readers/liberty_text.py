"""The text of a Liberty file as a tree of groups: ``name (arguments) { attribute : value; attribute (values); group (...) {...} }``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from hwsim.core.errors import InvalidChip, Location

_TOKEN = re.compile(r'(?:\s|\\[ \t\r]*\n|/\*.*?\*/|//[^\n]*)+|"((?:[^"\\]|\\.)*)"|([{}():;,])|((?:[^\s{}():;,"\\/]|/(?![*/]))+)', re.DOTALL)
QUOTED = '"'
END = ""


@dataclass(eq=False)
class Group:
    """One group: its `name`, arguments, `simple` attributes (the last of a name stands), `complex` ones (all of a name), inner groups, first line."""

    name: str
    arguments: tuple[str, ...]
    line: int
    simple: dict[str, str] = field(default_factory=dict)
    complex: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def all(self, *names: str) -> Iterator[Group]:
        """Inner groups of these names, in order."""
        return (g for g in self.groups if g.name in names)

    def first(self, name: str) -> Group | None:
        """The first inner group of a name."""
        return next(self.all(name), None)

    @property
    def argument(self) -> str:
        """The first argument: the name of a cell, pin or template; empty when there is none."""
        return self.arguments[0] if self.arguments else ""


@dataclass(frozen=True)
class _Token:
    kind: str  # QUOTED, "word", or the sign itself
    text: str
    line: int


class _Parser:
    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.tokens = list(self._tokens(text))
        self.at = 0

    def fail(self, line: int, problem: str) -> InvalidChip:
        return InvalidChip(problem, location=Location(self.file, line))

    def _tokens(self, text: str) -> Iterator[_Token]:
        line, at = 1, 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self.fail(line, f"not Liberty: {text[at : at + 20]!r}")
            quoted, sign, word = found.groups()
            if quoted is not None:
                yield _Token(QUOTED, quoted.replace("\\\n", " ").replace("\n", " "), line)
            elif sign:
                yield _Token(sign, sign, line)
            elif word:
                yield _Token("word", word, line)
            line += found.group().count("\n")
            at = found.end()
        yield _Token(END, "", line)

    def take(self, *kinds: str) -> _Token:
        """The next token, which must be one of `kinds`."""
        token = self.tokens[self.at]
        if token.kind not in kinds:
            wanted = " or ".join(f"'{k}'" if len(k) == 1 and k != QUOTED else "a name" for k in dict.fromkeys(kinds))
            raise self.fail(token.line, f"{wanted} is due, got '{token.text}'" if token.kind != END else f"{wanted} is due, the file ends here")
        self.at += 1
        return token

    def statement(self, group: Group) -> None:
        """One attribute or inner group of `group`."""
        name = self.take("word", QUOTED)
        if self.take(":", "(").kind == ":":
            value = [self.take("word", QUOTED).text]
            while self.tokens[self.at].kind in ("word", QUOTED, ":") and self.tokens[self.at].line == name.line:
                value.append(self.take("word", QUOTED, ":").text)
            self._end()
            group.simple[name.text] = " ".join(value)
            return
        arguments = self._arguments()
        if self.tokens[self.at].kind == "{":
            group.groups.append(self.body(Group(name.text, arguments, name.line)))
        else:
            self._end()
            group.complex.setdefault(name.text, []).append(arguments)

    def _end(self) -> None:
        """The semicolon, which many files leave out at the end of a line."""
        if self.tokens[self.at].kind == ";":
            self.at += 1

    def _arguments(self) -> tuple[str, ...]:
        found: list[str] = []
        while (token := self.take("word", QUOTED, ",", ")", ":")).kind != ")":
            if token.kind in ("word", QUOTED):
                found.append(token.text)
        return tuple(found)

    def body(self, group: Group) -> Group:
        """What stands in the braces of `group`."""
        self.take("{")
        while self.tokens[self.at].kind not in ("}", END):
            if self.tokens[self.at].kind == ";":
                self.at += 1
                continue
            self.statement(group)
        self.take("}")
        self._end()
        return group


def parse_liberty(text: str, file: str) -> Group:
    """Return the `library` group of a Liberty text. Raises `InvalidChip` with file and line."""
    parser = _Parser(text, file)
    name = parser.take("word")
    if name.text != "library":
        raise parser.fail(name.line, f"a Liberty file begins with a 'library' group, got '{name.text}'")
    parser.take("(")
    library = parser.body(Group("library", parser._arguments(), name.line))
    if parser.tokens[parser.at].kind != END:
        raise parser.fail(parser.tokens[parser.at].line, "more text after the library group")
    return library
