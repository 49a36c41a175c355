"""Tables and units of a Liberty file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

import numpy as np

from hwsim.core.errors import InvalidChip, Location
from hwsim.readers.liberty_text import Group
from hwsim.tech.cell_library import Floats, Surface

_PREFIX = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0}
SLEWS = ("input_net_transition", "input_transition_time", "constrained_pin_transition")  # rows of our surfaces
COLUMNS = ("total_output_net_capacitance", "related_pin_transition", "related_out_total_output_net_capacitance")
LOADS = ("total_output_net_capacitance", "related_out_total_output_net_capacitance")
ONE = np.zeros(1)


class Tables:
    """Reads the tables of one library: units, templates, axes in either order, one or two dimensions or a single figure."""

    def __init__(self, root: Group, file: str) -> None:
        self.root, self.file = root, file
        self.templates = {g.argument: g for g in root.groups if g.name in ("lu_table_template", "power_lut_template")}

    def fail(self, group: Group, problem: str) -> InvalidChip:
        return InvalidChip(problem, location=Location(self.file, group.line, f"{group.name}({group.argument})"))

    @cached_property
    def time_s(self) -> float:
        """The unit of time."""
        return self._unit(self.root.simple.get("time_unit", "1ns"), "s")

    @cached_property
    def leakage_w(self) -> float:
        """The unit of leakage."""
        return self._unit(self.root.simple.get("leakage_power_unit", "1nW"), "W")

    @cached_property
    def volt_v(self) -> float:
        """The unit of voltage."""
        return self._unit(self.root.simple.get("voltage_unit", "1V"), "V")

    @cached_property
    def load_f(self) -> float:
        """The unit of capacitance."""
        stated = self.root.complex.get("capacitive_load_unit", [("1", "pf")])[-1]
        if len(stated) != 2:
            raise self.fail(self.root, f"capacitive_load_unit needs a figure and a unit, got {', '.join(stated)}")
        return self._unit("".join(stated).lower(), "f")

    @cached_property
    def energy_j(self) -> float:
        """The unit of internal power tables: capacitance unit x V^2."""
        return self.load_f * self.volt_v**2

    def _unit(self, text: str, base: str) -> float:
        found = re.fullmatch(rf"\s*([0-9.eE+-]+)\s*([fpnum]?){base}\s*", text, re.IGNORECASE if base == "f" else 0)
        if found is None:
            raise self.fail(self.root, f"'{text}' is no unit such as 1n{base}")
        return float(found.group(1)) * _PREFIX[found.group(2).lower()]

    def surface(self, owner: Group, name: str, *, constraint: bool = False, power: bool = False) -> Surface | None:
        """The table called `name` of a timing or power group in SI units: rows are (data) slews, columns loads or clock slews; None without one."""
        group = owner.first(name) or (owner.first("power") if power else None)
        if group is None:
            return None
        template = self.templates.get(group.argument)
        if template is None and group.argument not in ("", "scalar"):
            raise self.fail(group, f"no template '{group.argument}'")
        axes, names = [], []
        for k in (1, 2, 3):
            index = group.complex.get(f"index_{k}") or (template.complex.get(f"index_{k}") if template else None)
            if index is not None:
                axes.append(self._figures(group, index[-1]))
                names.append(template.simple.get(f"variable_{k}", "") if template else "")
        if "values" not in group.complex:
            raise self.fail(group, "states no values")
        values = self._figures(group, group.complex["values"][-1])
        if len(axes) > 2 or len(values) != int(np.prod([len(a) for a in axes])):
            raise self.fail(group, f"{len(values)} values for axes of {' x '.join(str(len(a)) for a in axes) or '1'} points")
        return self._oriented(group, axes, names, values * (self.energy_j if power else self.time_s), constraint)

    def _oriented(self, group: Group, axes: list[Floats], names: list[str], values: Floats, constraint: bool) -> Surface:
        """Rows by slew, columns by load or clock slew."""
        unknown = [n for n in names if n and n not in SLEWS and n not in COLUMNS]
        if unknown:
            raise self.fail(group, f"no model for a table over '{unknown[0]}'")
        table = values.reshape([len(a) for a in axes]) if axes else values.reshape(1, 1)
        column = self.time_s if constraint else self.load_f
        if len(axes) == 1:
            if names[0] in COLUMNS:
                return Surface(ONE, axes[0] * column, table.reshape(1, -1))
            return Surface(axes[0] * self.time_s, ONE, table.reshape(-1, 1))
        if len(axes) == 2:
            if names[0] in COLUMNS:
                axes, table = axes[::-1], table.T
            return Surface(axes[0] * self.time_s, axes[1] * column, np.ascontiguousarray(table))
        return Surface(ONE, ONE, table)

    def _figures(self, group: Group, texts: Iterable[str]) -> Floats:
        try:
            return np.array([float(v) for text in texts for v in text.replace(",", " ").split()])
        except ValueError as bad:
            raise self.fail(group, f"a table of figures is due: {bad}") from None


def merged(left: Surface | None, right: Surface | None) -> Surface | None:
    """The element-wise maximum of two surfaces, on the axes of the first."""
    if left is None or right is None:
        return left if right is None else right
    return Surface(left.x, left.y, np.maximum(left.values, right.grid(left.x, left.y)))


def mean_figure(surfaces: Iterable[Surface | None], slew_s: float, load_f: float) -> float:
    """Mean over the surfaces there are at one point, at least 0; 0 without any."""
    found = [s.at(slew_s, load_f) for s in surfaces if s is not None]
    return max(0.0, float(np.mean(found))) if found else 0.0
