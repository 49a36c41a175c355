"""Logic functions in Liberty's notation, as programs for a small stack machine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidChip, nearest

NOT, AND, OR, XOR, ZERO, ONE = -1, -2, -3, -4, -5, -6  # operators; an operand is its number, 0 or more
WORD = re.compile(r"\s*(?:([A-Za-z_]\w*)|([01])|([!~'()&*|+^]))")
TIGHT, LOOSE = {"&": AND, "*": AND}, {"|": OR, "+": OR}


def program(function: str, operands: Mapping[str, int]) -> list[int]:
    """Postfix program of a function: ``!`` ``~`` and trailing ``'`` negate; then ``^``, ``&`` ``*`` or a blank, ``|`` ``+``, from tight to loose.

    `operands` numbers the names. Raises `InvalidChip` for what is no function of them.

    >>> program("!(A & B)", {"A": 0, "B": 1})
    [0, 1, -2, -1]
    """
    return _Parser(function, operands).whole()


class _Parser:
    def __init__(self, function: str, operands: Mapping[str, int]) -> None:
        self.function, self.operands = function, operands
        self.words: list[str] = []
        at, text = 0, function.rstrip()
        while at < len(text):
            found = WORD.match(text, at)
            if found is None:
                raise self.refuse(f"'{text[at:].split()[0]}' is no part of one")
            self.words.append(found.group(found.lastindex or 0))
            at = found.end()
        self.at = 0

    def refuse(self, problem: str) -> InvalidChip:
        return InvalidChip(f"function '{self.function}': {problem}")

    @property
    def here(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def whole(self) -> list[int]:
        found = self.loose()
        if self.here:
            raise self.refuse(f"'{self.here}' is not expected here")
        return found

    def loose(self) -> list[int]:
        found = self.tight()
        while self.here in LOOSE:
            self.at += 1
            found = [*found, *self.tight(), OR]
        return found

    def tight(self) -> list[int]:
        found = self.exclusive()
        while self.here and self.here not in (*LOOSE, ")"):
            self.at += self.here in TIGHT
            found = [*found, *self.exclusive(), AND]
        return found

    def exclusive(self) -> list[int]:
        found = self.one()
        while self.here == "^":
            self.at += 1
            found = [*found, *self.one(), XOR]
        return found

    def one(self) -> list[int]:
        word = self.here
        self.at += 1
        if word in ("!", "~"):
            return [*self.one(), NOT]
        if word == "(":
            found = self.loose()
            if self.here != ")":
                raise self.refuse("a bracket is not closed")
            self.at += 1
        elif word in ("0", "1"):
            found = [ONE if word == "1" else ZERO]
        elif word in self.operands:
            found = [self.operands[word]]
        else:
            raise self.refuse(f"'{word or 'nothing'}' is no operand{nearest(word, self.operands)}")
        while self.here == "'":
            self.at += 1
            found = [*found, NOT]
        return found


def truth_table(function: str, names: Sequence[str]) -> NDArray[np.bool_]:
    """Value of a function for every combination of its operands [2^n]; the first name is the lowest bit of the index. O(2^n)."""
    rows = np.arange(1 << len(names))
    columns = [(rows >> i & 1).astype(np.bool_) for i in range(len(names))]
    stack: list[NDArray[np.bool_]] = []
    for step in program(function, {name: i for i, name in enumerate(names)}):
        if step >= 0:
            stack.append(columns[step])
        elif step in (ZERO, ONE):
            stack.append(np.full(len(rows), step == ONE))
        elif step == NOT:
            stack.append(~stack.pop())
        else:
            b, a = stack.pop(), stack.pop()
            stack.append(a & b if step == AND else a | b if step == OR else a ^ b)
    return stack.pop()
