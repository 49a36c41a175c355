"""Where the constants of a result come from, in a line per quantity: technology tables, or the chip's own measurements, fits and assumptions."""

from __future__ import annotations

from collections.abc import Iterable

from hwsim.core.param import Param

OWN = (("measured or published", ("measured", "published")), ("derived", ("derived",)), ("fitted", ("fitted",)), ("assumed", ("assumed",)))


def provenance(params: Iterable[Param]) -> tuple[str, ...]:
    """A line for energies and powers (J.., W) and one for areas (mm2..) among `params`; none for a quantity that has no constant.

    >>> provenance([Param(1e-12, "J", "table", "published", table="links"), Param(2e-12, "J/B", "a board", "measured")])
    ('energy constants: 1 from technology tables (links); of the chip: 1 measured or published',)
    """
    found = list(params)
    groups = (("energy", ("J", "W")), ("area", ("mm2",)))
    return tuple(_line(word, held) for word, units in groups if (held := [p for p in found if p.unit.split("/")[0] in units]))


def _line(quantity: str, params: list[Param]) -> str:
    tables = [p.table for p in params if p.table]
    own = [p.status for p in params if not p.table]
    counts = ", ".join(f"{n} {word}" for word, statuses in OWN if (n := sum(status in statuses for status in own)))
    parts = [f"{len(tables)} from technology tables ({', '.join(sorted({*tables}))})" if tables else "none from technology tables"]
    return f"{quantity} constants: {'; of the chip: '.join([*parts, *([counts] if counts else [])])}"
