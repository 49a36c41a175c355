"""Sums of products over named indices, as products of matrices: pair by pair from the left, what only one operand has summed out first."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

from hwsim.core.errors import InvalidTrace
from hwsim.core.op import Shape
from hwsim.readers.frameworks.importer import Importer
from hwsim.readers.frameworks.values import Value


def einsum(made: Importer, equation: str, xs: Sequence[Value], shape: Sequence[int]) -> Value:
    """Add the operators of a sum. Raises `InvalidTrace` for an index that one operand has twice (a diagonal) and for terms that do not fit them."""
    terms, out = _terms(made.name, equation, xs)
    size = dict(chain.from_iterable(zip(term, x.shape, strict=True) for term, x in zip(terms, xs, strict=True) if len(term) == len(x.shape)))
    for term, x in zip(terms, xs, strict=True):  # a size of one is repeated along the other's
        size |= {i: max(size[i], s) for i, s in zip(term, x.shape, strict=True)}
    term, x = terms[0], xs[0]
    for i in range(1, len(xs)):
        later = {*out, *chain.from_iterable(terms[i + 1 :])}
        term, x = _pair(made, size, (term, x), (terms[i], xs[i]), later)
    kept = "".join(i for i in term if i in out)
    x = _summed(made, size, term, x, {*out})
    wanted = [size[i] for i in out]
    return made.view(x, shape) if kept == out or x.constant else made.view(made.copy(x, wanted, "transpose"), shape)


def _terms(name: str, equation: str, xs: Sequence[Value]) -> tuple[list[str], str]:
    """Indices of each operand and of the result, an ellipsis as indices of its own, those of a result left out in their order."""
    left, arrow, out = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    spare = [chr(c) for c in range(0x3B1, 0x3C9)]
    if len(terms) != len(xs):
        raise InvalidTrace(f"'{name}': the sum '{equation}' is of {len(terms)} tensors, not {len(xs)}")
    wide = max((len(x.shape) - len(t) + 3 for t, x in zip(terms, xs, strict=True) if "..." in t), default=0)
    found = []
    for t, x in zip(terms, xs, strict=True):
        rest = len(x.shape) - len(t) + 3
        found.append(t.replace("...", "".join(spare[wide - rest : wide])) if "..." in t else t)
        if len({*found[-1]}) != len(found[-1]) or len(found[-1]) != len(x.shape):
            raise InvalidTrace(f"'{name}': the sum '{equation}' has no model (an index twice, or another number of them than dimensions)")
    if not arrow:
        letters = "".join(found)
        out = "..." * bool(wide) + "".join(sorted(i for i in {*letters} if letters.count(i) == 1 and i not in spare))
    return found, out.replace("...", "".join(spare[:wide]))


def _summed(made: Importer, size: dict[str, int], term: str, x: Value, kept: set[str]) -> Value:
    """x summed over what is not kept."""
    shape = [size[i] for i in term if i in kept]
    count = x.elements // max(1, math.prod(shape))
    if x.constant:
        return made.constant(shape, x.dtype)
    return made.view(x, shape) if count <= 1 else made.mean(x, count, shape, word="sum")


def _pair(made: Importer, size: dict[str, int], first: tuple[str, Value], second: tuple[str, Value], later: set[str]) -> tuple[str, Value]:
    """The product of two operands over what they share and nothing after them has."""
    (a, x), (b, y) = first, second
    x, y = _wide(made, size, a, x), _wide(made, size, b, y)
    x, y = _summed(made, size, a, x, later | {*b}), _summed(made, size, b, y, later | {*a})
    a, b = "".join(i for i in a if i in later | {*b}), "".join(i for i in b if i in later | {*a})
    batch = [i for i in a if i in b and i in later]
    rows, cols = [i for i in a if i not in b], [i for i in b if i not in a]
    inner = [i for i in a if i in b and i not in later]
    left, turned, right = "".join(batch + rows + inner), "".join(batch + cols + inner), "".join(batch + inner + cols)
    n_batch, m, n, k = (math.prod(size[i] for i in part) for part in (batch, rows, cols, inner))
    done = "".join(batch + rows + cols)
    shape: Shape = tuple(size[i] for i in done)
    if x.constant and y.constant:
        return done, made.constant(shape, x.dtype)
    if not inner and not (rows and cols):  # no sum: a pass over the elements
        return done, made.each("mul", [_ordered(made, size, a, x, left), _ordered(made, size, b, y, right)], shape)
    if x.constant and not y.constant:
        (a, x), (b, y), rows, cols, m, n = (b, y), (a, x), cols, rows, n, m
        left, turned, right = "".join(batch + rows + inner), "".join(batch + cols + inner), "".join(batch + inner + cols)
        done = "".join(batch + rows + cols)
        shape = tuple(size[i] for i in done)
    x = _ordered(made, size, a, x, left)
    if b not in (right, turned):
        y = _ordered(made, size, b, y, right)
    lead = (n_batch,) if n_batch > 1 else ()
    out = made.matmul(made.view(x, (*lead, m, k)), made.view(y, (*lead, k, n)), (*lead, m, n))
    return done, made.view(out, shape)


def _wide(made: Importer, size: dict[str, int], term: str, x: Value) -> Value:
    shape = tuple(size[i] for i in term)
    return x if x.shape == shape else made.constant(shape, x.dtype) if x.constant else made.repeat(x, shape)


def _ordered(made: Importer, size: dict[str, int], term: str, x: Value, wanted: str) -> Value:
    """x with its indices in another order; stored values are laid out ahead of time."""
    shape = [size[i] for i in wanted]
    if x.constant:
        return made.constant(shape, x.dtype)
    return x if term == wanted else made.copy(x, shape, "transpose")
