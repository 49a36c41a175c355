"""A constant that a chip file takes from a technology table, so that a change of the table reaches the chip.

``ddr_j_per_byte: {table: dram-system, constant: ddr4_3200_j_per_bit, unit: J/B}`` under ``from_tables``
"""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.core.errors import HwsimError, InvalidChip
from hwsim.core.param import Param
from hwsim.readers.param_entry import Figure
from hwsim.readers.quantity import expression, quantity
from hwsim.readers.yaml_file import Document, FileModel, KeyPath


class TableEntry(FileModel):
    """Constant `constant` of the technology table `table`, in `unit` of the same dimension (the table's own where none is stated).

    The range is the table's unless `low` and `high` are stated, which a chip does that knows less than the table.
    """

    table: str
    constant: str
    unit: str | None = None
    low: Figure | None = None
    high: Figure | None = None
    note: str = ""


def from_table(document: Document, at: KeyPath, entry: TableEntry, table: Chip) -> Param:
    """Return the constant: assumed where the table assumes it, else derived. Raises `InvalidChip` with file, line and path."""
    try:
        found = table.param(entry.constant)
        unit = entry.unit or found.unit

        def in_unit(figure: float) -> float:
            return figure if entry.unit is None else quantity(f"{figure!r} {found.unit}", entry.unit, InvalidChip)

        low, high = (
            quantity(stated, unit, InvalidChip) if stated is not None else own if own is None else in_unit(own)
            for stated, own in ((entry.low, found.low), (entry.high, found.high))
        )
        status = "assumed" if found.status == "assumed" else "derived"
        source = f"technology table {table.name}, {entry.constant}: {found.source}{f'; {entry.note}' if entry.note else ''}"
        return Param(in_unit(found.number), expression(unit, InvalidChip).si, source, status, low, high, table=table.name)
    except HwsimError as bad:
        raise document.fail(InvalidChip, at, bad.problem) from None
