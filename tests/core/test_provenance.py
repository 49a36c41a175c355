"""The line that says how many constants of a result come from technology tables."""

from hwsim import load_chip, load_graph, simulate
from hwsim.core.param import Param
from hwsim.core.provenance import provenance


def constant(unit, status, table=""):
    ranged = {"low": 1.0, "high": 1.0} if status in ("fitted", "assumed") else {}
    return Param(1.0, unit, "a source", status, **ranged, fitted_on=("x",) if status == "fitted" else (), table=table)


def test_constants_are_counted_by_quantity_and_origin():
    tables = [constant("J", "published", "b"), constant("J/B", "assumed", "a"), constant("J/bit", "derived", "a")]
    own = [constant("W", "measured"), constant("J/FLOP", "published"), constant("J", "fitted"), constant("J", "assumed")]
    params = [*tables, *own, constant("mm2/B", "derived"), constant("Hz", "assumed")]
    assert provenance(params) == (
        "energy constants: 3 from technology tables (a, b); of the chip: 2 measured or published, 1 fitted, 1 assumed",
        "area constants: none from technology tables; of the chip: 1 derived",
    )


def test_only_tables_and_nothing_at_all():
    assert provenance([constant("mm2", "derived", "t")]) == ("area constants: 1 from technology tables (t)",)
    assert provenance([constant("s", "measured"), constant("J2", "measured")]) == ()


def test_a_report_says_which_constants_are_those_of_tables():
    graph = load_graph("spikingformer-8-512")
    honest = simulate(graph, load_chip("snn-45nm"), {"energy_mode": "honest"})
    line = "energy constants: 7 from technology tables (arithmetic-45nm)"
    assert honest.assumptions[-1] == line
    assert honest.to_dict()["assumptions"][-1] == line
    assert sum(source.get("table") == "arithmetic-45nm" and source["unit"] == "J" for source in honest.sources()) == 7
    own = simulate(graph, load_chip("snn-45nm", add_fp32_j="0.7 pJ"), {"energy_mode": "honest"})
    assert own.assumptions[-1] == "energy constants: 6 from technology tables (arithmetic-45nm); of the chip: 1 derived"
