"""What every target must keep, checked from outside: one call per chip, operator graph and mapping; a new target adds rows to its test's list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from hwsim import api
from hwsim.core.chip import Chip
from hwsim.core.cost import weighted
from hwsim.core.errors import HwsimError, InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.core.graph import Graph
from hwsim.core.param import Param, Value
from hwsim.core.program import Program, Table, first
from hwsim.core.report import Report
from hwsim.core.target import Target, load_target
from hwsim.engine.analytic import price_rows
from hwsim.engine.road import Priced, metrics_of, price_points

Mapped = Mapping[str, Any]
FACTORS = (0.7, 1.6)
COUNT = 1e6  # whole constants up to here may be counts: they stay whole


def check_target(chip: Chip, graph: Graph, mapping: Mapped, *, contends: bool = False) -> None:
    """Hold one program to the whole contract; `contends`: the event fidelity may take longer than the closed forms."""
    target = load_target(chip.target)
    target.check(chip)
    check_options(target, mapping)
    report = api.simulate(graph, chip, mapping)
    check_program(target, report.cost.program)
    check_road(target, report)
    check_report(report)
    check_event(report, api.simulate(graph, chip, mapping, fidelity="event", interval=False), contends)
    check_structural(target, graph, report.cost.program, target.options(mapping))


def check_options(target: Target, mapping: Mapped) -> None:
    """Options are normalised once and for all, and an unknown one is refused."""
    options = target.options(mapping)
    assert target.options(options) == options
    with pytest.raises(InvalidMapping, match="no_such_option"):
        target.options({**mapping, "no_such_option": 1})


def check_program(target: Target, program: Program) -> None:
    """The tables agree with the graph and the chip."""
    names = program.params.dtype.names or ()
    assert program.slots == target.slots and len({s.name for s in program.slots}) == len(program.slots)
    assert {s.where for s in program.slots if s.quantity == "cycles"} <= {*program.resources}
    assert len(program.row_of) == len(program.graph.ops) and max(program.row_of) == len(program.rows) - 1
    counts = np.zeros(len(program.rows))
    for op, row in zip(program.graph.ops, program.row_of, strict=True):
        if row >= 0:
            counts[row] += op.repeat
    assert counts.tolist() == program.counts.tolist()
    assert not program.lower_bound
    assert {*program.used_params} <= {*program.chip.params}, "a constant is used that the chip does not state"
    for name in {*names} & {*program.chip.params}:
        assert np.array_equal(program.params[name][0], np.asarray(program.chip.params[name].value, dtype=float)), name
    if "clock_hz" in names:
        assert program.params["clock_hz"][0] == program.clock_hz


def check_road(target: Target, report: Report) -> None:
    """The compiled loop over design points gives the figures of the report to the last bit, and preparing twice changes nothing."""
    program, cost = report.cost.program, report.cost
    params = np.repeat(program.params, 3)
    priced = price_points(target, program, params)
    assert params.tobytes() == np.repeat(program.params, 3).tobytes()
    assert priced.cycles.tolist() == [cost.cycles] * 3
    assert priced.sums.tolist() == [weighted(program.counts, cost.values).tolist()] * 3
    assert np.array_equal(price_rows(target.price, program), cost.values)
    power, area = target.surroundings(program, params)
    assert all(v.shape == (3,) for v in (*power.values(), *area.values()))
    assert first(power) == dict(program.static_power_w) and first(area) == dict(program.area_mm2)
    found = metrics_of(target, program, params, priced)
    for name in ("cycles", "latency_s", "energy_j", "power_w", "area_mm2"):
        if name in program.unstated:
            assert np.isnan(found[name]).all()
            continue
        assert found[name] == pytest.approx(report.metric(name), rel=1e-12)


def check_report(report: Report) -> None:
    """Parts add up, intervals hold their figures, bytes are at least the compulsory ones, everything is plain data."""
    program, parts = report.cost.program, report.breakdown()
    json.dumps(report.to_dict(), allow_nan=False)
    assert (report.cost.values >= 0).all() and np.isfinite(report.cost.values).all()
    if "energy_j" not in program.unstated:
        assert sum(parts["energy_j"].values()) == pytest.approx(report.energy_j)
    assert sum(parts["area_mm2"].values()) == pytest.approx(report.area_mm2) and (report.area_mm2 > 0 or not program.area_mm2)
    if program.serial and "latency_s" not in program.unstated:
        assert sum(parts["latency_s"].values()) == pytest.approx(report.latency_s)
    if program.rails:
        assert sum(parts["energy_by_rail_j"].values()) == pytest.approx(report.energy_j)
    counted = sum(op.compulsory_bytes * op.repeat for op, row in zip(program.graph.ops, program.row_of, strict=True) if row >= 0)
    if any(slot.quantity == "bytes" for slot in program.slots):
        assert sum(report.cost.bytes_by_level().values()) >= counted * (1 - 1e-9)
    for name, (low, high) in report.interval.items():
        assert low <= report.metric(name) * (1 + 1e-12) and report.metric(name) <= high * (1 + 1e-12), name


def check_event(analytic: Report, event: Report, contends: bool) -> None:
    """The event engine never undercuts the closed forms, and agrees with them where nothing contends."""
    assert event.cost.cycles >= analytic.cost.cycles * (1 - 1e-12)
    if not contends:
        assert event.cost.cycles == pytest.approx(analytic.cost.cycles, rel=1e-9)


def varied(param: Param) -> Iterator[Value]:
    """Other values of a constant: less and more; nothing for words."""
    value = param.value
    if isinstance(value, bool | str):
        return
    for factor in FACTORS:
        if isinstance(value, tuple):
            yield tuple(_scaled(v, factor) for v in value)
        elif value:
            yield _scaled(value, factor)
    if value == 0:
        yield param.high or 1.0


def _scaled(value: float, factor: float) -> float:
    whole = value == int(value) and abs(value) <= COUNT
    return float(max(1, round(value * factor))) if whole and value >= 1 else value * factor


def check_structural(target: Target, graph: Graph, base: Program, options: Mapped) -> None:
    """`structural` and `used_params` are complete: any other constant changes a column of the parameter table, or nothing at all.

    For each of them a changed column on the mapped program must give what a chip with that constant gives, bit for bit.
    """
    structural = target.structural(options)
    if structural is None:
        return
    columns = {*(base.params.dtype.names or ())} & {*base.chip.params}
    lost = [n for n in base.used_params if n not in columns and n not in structural]
    assert not lost, f"used, but neither columns nor structural: {lost}"
    own = price_points(target, base, base.params.copy())
    tried = 0
    for name in sorted({*base.chip.params} - structural):
        for value in varied(base.chip.params[name]):
            chip = base.chip.replace(**{name: value})
            try:
                target.check(chip)
            except HwsimError:
                continue
            _check_constant(target, graph, base, own, options, chip, name)
            tried += 1
    assert tried


def _check_constant(target: Target, graph: Graph, base: Program, own: Priced, options: Mapped, chip: Chip, name: str) -> None:
    fresh = target.map(graph, chip, options)
    assert fresh.rows.tobytes() == base.rows.tobytes() and fresh.row_of == base.row_of, f"{name} changes the operator table: it is structural"
    assert fresh.counts.tolist() == base.counts.tolist() and fresh.resources == base.resources and fresh.serial == base.serial, name
    params = base.params.copy()
    if name in (params.dtype.names or ()):
        params[name] = chip.params[name].value
    swept = price_points(target, base, params)
    simulated = price_points(target, fresh, fresh.params.copy())
    assert {**base.figures, **first(target.figures(base, params))} == fresh.figures, f"{name} changes a figure that sweeps keep"
    assert _bits(target, base, params, swept) == _bits(target, fresh, fresh.params, simulated), f"{name}: a sweep and a simulation differ"
    if name not in base.used_params:
        assert _bits(target, base, base.params, own) == _bits(target, fresh, fresh.params, simulated), f"{name} is read, but not in used_params"


def _bits(target: Target, program: Program, params: Table, priced: Priced) -> list[Any]:
    found = metrics_of(target, program, params, priced)
    return [priced.sums.tolist(), *(np.nan_to_num(v, nan=-1.0).tolist() for v in found.values())]


def check_unmodelled(chip: Chip, graph: Graph, mapping: Mapped, names: tuple[str, ...]) -> None:
    """The operators `names` of `graph` are refused together; when allowed, the rest is priced and called a lower bound."""
    with pytest.raises(UnsupportedOp) as refused:
        api.simulate(graph, chip, mapping)
    text = str(refused.value)
    assert all(name in text for name in names) and "--allow-unmodelled" in text
    report = api.simulate(graph, chip, mapping, allow_unmodelled=True, interval=False)
    assert report.cost.program.lower_bound and report.to_dict()["lower_bound"] is True
    assert all(any(name in warning for warning in report.cost.program.warnings) for name in names)
    assert report.cycles > 0
    for op, row in zip(report.cost.program.graph.ops, report.cost.program.row_of, strict=True):
        if op.name in names and row >= 0:
            assert report.cost.cycles_by_row[row] == 0


def check_primitives(chip: Chip) -> None:
    """Every primitive says what it is and refuses what it does not know."""
    target = load_target(chip.target)
    assert target.primitives
    for name, primitive in target.primitives.items():
        assert primitive.name == name and len(primitive.about) > 3 and primitive.optional <= {*primitive.args}
        with pytest.raises(InvalidTrace, match="no_such_argument"):
            api.primitive(name, chip, {"no_such_argument": 1})
        if needed := [n for n, v in primitive.args.items() if v is None and n not in primitive.optional]:
            with pytest.raises(InvalidTrace, match=f"needs {', '.join(needed)}"):
                api.primitive(name, chip, {})
        with pytest.raises(InvalidMapping, match="no_such_option"):
            api.primitive(name, chip, dict.fromkeys(primitive.args, 1), {"no_such_option": 1})
