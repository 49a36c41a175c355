"""A constant of a chip or a technology, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hwsim.core.errors import InvalidChip

STATUSES = ("measured", "published", "derived", "fitted", "assumed")
Value = float | str | bool | tuple[float, ...]


@dataclass(frozen=True)
class Param:
    """One constant with its provenance.

    `value` is in SI base units (or the counting unit named by `unit`); a tuple for vectors such as a grid.
    `status` is one of `STATUSES`; `fitted` and `assumed` need a range `low`..`high`, in the same unit, that holds the value.
    `fitted_on` names the validation groups or cases that a fitted constant was fitted on; `table` the technology table that the value comes from.

    Raises `InvalidChip` for an unknown status, a missing source, or a range that does not hold the value.
    """

    value: Value
    unit: str
    source: str
    status: str
    low: float | None = None
    high: float | None = None
    fitted_on: tuple[str, ...] = ()
    table: str = ""

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise InvalidChip(f"status '{self.status}' is none of {', '.join(STATUSES)}")
        if not self.source.strip():
            raise InvalidChip("a constant needs a source")
        if self.status in ("fitted", "assumed") and self.is_number and (self.low is None or self.high is None):
            raise InvalidChip(f"a constant of status '{self.status}' needs a range (low, high)")
        if self.status == "fitted" and not self.fitted_on:
            raise InvalidChip("a fitted constant must name the cases it was fitted on (fitted_on)")
        if self.is_number and self.low is not None and self.high is not None and not self.low <= self.number <= self.high:
            raise InvalidChip(f"range {self.low:g}..{self.high:g} does not hold the value {self.number:g}")

    @property
    def is_number(self) -> bool:
        """True for a single number (neither text, nor flag, nor vector)."""
        return isinstance(self.value, int | float) and not isinstance(self.value, bool)

    @property
    def number(self) -> float:
        """The value as a float. Raises `InvalidChip` when it is text or a vector."""
        if isinstance(self.value, int | float):
            return float(self.value)
        raise InvalidChip(f"{self.value!r} is not a single number")

    @property
    def has_range(self) -> bool:
        """True when low and high are stated and differ, so that an interval can be propagated."""
        return self.low is not None and self.high is not None and self.high > self.low

    def with_value(self, value: Value) -> Param:
        """Return the same constant set by the user: no range any more, and the source says so."""
        return replace(self, value=value, low=None, high=None, status="derived", fitted_on=(), source="set by the user", table="")
