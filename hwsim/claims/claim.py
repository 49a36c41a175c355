"""A claim: what a paper states, what the models give, and whether the two agree within a tolerance that stands with the claim.

Error is ``ours / published - 1``. How a claim is judged (`test`):

- ``value``: |error| at most `tolerance`;
- ``sign``: ours lies on the same side of 1 as the published ratio, and within `tolerance` of it where one is stated;
- ``at least``, ``at most``: ours on that side of the published bound;
- ``range``: ours between `published` and `upper`, with `tolerance` as slack on either side;
- ``region``: ours is a count of configurations, of `tried`, for which the claim holds; it holds when there is one.

Verdicts: held; did not hold; conditional (it holds for some of what the paper leaves open: a region that is not the whole, a `conditional` figure);
not judged (the published side is remembered, not read). Counts of parameters, operations or bytes are a `kind` of their own: that they agree shows
that the graph is the paper's, not that a time is right. `basis` ``derived``: the published side was worked out from published layer tables.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from hwsim.core.errors import InvalidCase

__all__ = ["Claim", "Missing", "bound", "count", "region", "sign", "value", "within"]

Test = Literal["value", "sign", "at least", "at most", "range", "region"]
Role = Literal["predicted", "fitted"]
Kind = Literal["cost", "count"]
Basis = Literal["published", "derived", "remembered"]
Verdict = Literal["held", "did not hold", "conditional", "not judged"]


@dataclass(frozen=True)
class Claim:
    """One published figure beside ours.

    `paper` names who says so, `what` which figure, `carries` the assumption that the result stands or falls with, `source` where the published
    figure and the network were read. `unit` is of both figures ("x" a ratio). `role` ``fitted`` marks figures that a constant of the models was
    fitted to: their agreement shows nothing. `command` recomputes it. Raises `InvalidCase` for figures that are not finite, or a tolerance below 0.
    """

    paper: str
    what: str
    published: float
    ours: float
    unit: str
    carries: str
    source: str
    tolerance: float = 0.0
    test: Test = "value"
    upper: float = 0.0
    role: Role = "predicted"
    kind: Kind = "cost"
    basis: Basis = "published"
    conditional: bool = False
    tried: int = 0
    command: str = ""

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in (self.published, self.ours, self.tolerance, self.upper)):
            raise InvalidCase(f"claim '{self.paper}: {self.what}': figures must be finite, got {self.published}, {self.ours}")
        if self.tolerance < 0:
            raise InvalidCase(f"claim '{self.paper}: {self.what}': a tolerance is at least 0, got {self.tolerance}")
        if self.test == "range" and self.upper < self.published:
            raise InvalidCase(f"claim '{self.paper}: {self.what}': the range {self.published} to {self.upper} is empty")
        if self.published == 0 and self.test != "region":
            raise InvalidCase(f"claim '{self.paper}: {self.what}': a published figure of 0 has no relative error")

    @property
    def error(self) -> float:
        """Signed relative error; of a range or bound, from its nearer end, 0 inside; of a region, 0 where it holds, else -1."""
        if self.test == "region":
            return 0.0 if self.ours > 0 else -1.0
        if self.test in ("at least", "at most") and self.held:
            return 0.0
        if self.test == "range" and self.ours > self.published:
            return max(0.0, self.ours / self.upper - 1)
        return self.ours / self.published - 1

    @property
    def held(self) -> bool:
        """Whether the claim holds in the models, by its test."""
        if self.test == "at least":
            return self.ours >= self.published
        if self.test == "at most":
            return self.ours <= self.published
        if self.test == "sign":
            same = (self.ours > 1) == (self.published > 1)
            return same and (not self.tolerance or abs(self.error) <= self.tolerance)
        return abs(self.error) <= self.tolerance

    @property
    def verdict(self) -> Verdict:
        """One of the four of this module's text."""
        if self.basis == "remembered":
            return "not judged"
        if not self.held:
            return "did not hold"
        partial = self.test == "region" and self.ours < self.tried
        return "conditional" if self.conditional or partial else "held"

    @property
    def judged(self) -> bool:
        """Whether the verdict says something about the models: a predicted cost whose published side was read."""
        return self.role == "predicted" and self.kind == "cost" and self.basis != "remembered"

    @property
    def rule(self) -> str:
        """When it holds, in words."""
        percent = f"{100 * self.tolerance:.3g} %"
        return {
            "value": f"within {percent}", "sign": "same side of 1" + (f", within {percent}" if self.tolerance else ""),
            "at least": "a bound", "at most": "a bound", "region": "some configuration has it",
            "range": "in the range" + (f", {percent} slack" if self.tolerance else ""),
        }[self.test]  # fmt: skip

    @property
    def stated(self) -> str:
        """The published figure with its unit and what kind of figure it is."""
        number = f"{self.published:.4g}"
        if self.test == "range":
            number = f"{number} to {self.upper:.4g}"
        if self.test == "region":
            return "exists"
        return f"{self.test} {number} {self.unit}".strip() if self.test.startswith("at") else f"{number} {self.unit}".strip()

    @property
    def found(self) -> str:
        """Our figure with its unit."""
        if self.test == "region":
            return f"{self.ours:.0f} of {self.tried} configurations" if self.tried else f"{self.ours:.0f} configurations"
        return f"{self.ours:.4g} {self.unit}".strip()


@dataclass(frozen=True)
class Missing:
    """A claim that no cost model, or not this one, can recompute, and why."""

    paper: str
    what: str
    reason: str


def value(
    paper: str, what: str, published: float, ours: float, unit: str, *, tolerance: float, carries: str, source: str, role: Role = "predicted",
    kind: Kind = "cost", basis: Basis = "published", conditional: bool = False,
) -> Claim:  # fmt: skip
    """A claim that holds within a relative tolerance.

    >>> made = value("A paper", "time on A100", 10.0, 10.4, "ms", tolerance=0.05, carries="the two share an array", source="a paper, table 2")
    >>> made.verdict, round(made.error, 3)
    ('held', 0.04)
    """
    return Claim(paper, what, published, ours, unit, carries, source, tolerance, role=role, kind=kind, basis=basis, conditional=conditional)


def count(paper: str, what: str, published: float, ours: float, unit: str, *, tolerance: float, carries: str, source: str,
          basis: Basis = "published") -> Claim:  # fmt: skip
    """A count of parameters, operations or bytes that follows from layer tables.

    >>> count("A paper", "parameters", 25.5e6, 25.6e6, "", tolerance=0.01, carries="the two share an array", source="a paper, table 2").kind
    'count'
    """
    return Claim(paper, what, published, ours, unit, carries, source, tolerance, kind="count", basis=basis)


def sign(paper: str, what: str, published: float, ours: float, *, carries: str, source: str, tolerance: float = 0.0, kind: Kind = "cost",
         basis: Basis = "published", conditional: bool = False) -> Claim:  # fmt: skip
    """A ratio that lies on the published side of 1, and within a tolerance where one is stated; `conditional` where an open choice was made with it
    in view.

    >>> [sign("A paper", "time, B over A", 0.8, ours, carries="the two share an array", source="a paper, table 2").verdict for ours in (0.9, 1.1)]
    ['held', 'did not hold']
    """
    return Claim(paper, what, published, ours, "x", carries, source, tolerance, "sign", kind=kind, basis=basis, conditional=conditional)


def bound(
    paper: str, what: str, published: float, ours: float, unit: str, *, side: Literal["at least", "at most"], carries: str, source: str,
    kind: Kind = "cost", basis: Basis = "published",
) -> Claim:  # fmt: skip
    """A claim of at least or at most so much.

    >>> bound("A paper", "energy saved", 10.0, 12.0, "x", side="at least", carries="the two share an array", source="a paper, table 2").verdict
    'held'
    """
    return Claim(paper, what, published, ours, unit, carries, source, 0.0, side, kind=kind, basis=basis)


def within(
    paper: str, what: str, published: tuple[float, float], ours: float, unit: str, *, carries: str, source: str, tolerance: float = 0.0,
    kind: Kind = "cost", basis: Basis = "published", conditional: bool = False, role: Role = "predicted",
) -> Claim:  # fmt: skip
    """A claim that states a range; `conditional` where ours is what the claim would need, and the range what is possible.

    >>> within("A paper", "speed-up", (2.0, 5.0), 6.5, "x", carries="the two share an array", source="a paper, table 2").verdict
    'did not hold'
    """
    low, high = published
    return Claim(paper, what, low, ours, unit, carries, source, tolerance, "range", high, role, kind, basis, conditional)


def region(paper: str, what: str, found: int, *, carries: str, source: str, tried: int = 0, conditional: bool = False) -> Claim:
    """A claim that some configuration exists; `found` of the `tried` ones have it. `conditional` where the claim was read in our favour.

    >>> region("A paper", "five times less time", 3, carries="the two share an array", source="a paper, table 2", tried=40).verdict
    'conditional'
    """
    return Claim(paper, what, 1.0, float(found), "", carries, source, 0.0, "region", conditional=conditional, tried=tried)
