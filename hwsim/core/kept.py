"""Results that are kept for the next call with the same key: the last few, the oldest go."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
GRAPHS = 32  # lowered or encoded graphs that a target keeps


class Kept(Generic[K, V]):
    """The last `most` results by key, for what is worked out from a graph: its key is short, the graph itself is not hashed.

    >>> kept: Kept[int, str] = Kept(most=2)
    >>> [kept.get(n, lambda: f"made for {n}") for n in (1, 2, 1, 3)][-1], sorted(kept.found)
    ('made for 3', [1, 3])
    """

    def __init__(self, most: int = GRAPHS) -> None:
        self.most = most
        self.found: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return the result of `key`, made now if it is not kept."""
        value = self.found.pop(key) if key in self.found else make()
        self.found[key] = value
        while len(self.found) > self.most:
            self.found.popitem(last=False)
        return value
