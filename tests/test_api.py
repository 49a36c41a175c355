"""The Python face, on the toy target and on shipped chips."""

from __future__ import annotations

import subprocess
import sys

import fake_target
import pytest

import hwsim
from hwsim import api
from hwsim.core.errors import HwsimError, Infeasible, InvalidChip, InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.core.graph import GraphBuilder, single_op
from hwsim.readers.chip_file import chip_names

PRODUCT = single_op("matmul", m=10, k=20, n=30)
CYCLES = 6000 / 100 + 2 * (10 * 20 + 20 * 30 + 10 * 30) / 64


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The toy chip, its target installed."""
    fake_target.install(monkeypatch, tmp_path / "models")
    return hwsim.load_chip("toy")


def test_simulate_by_hand(toy):
    report = hwsim.simulate(PRODUCT, toy, {"arrays": 2})
    assert report.cycles == pytest.approx(CYCLES - 30) and report.fidelity == "analytic"
    assert report.energy_j == pytest.approx(6000e-12 + 0.5 * report.latency_s)
    low, high = report.interval["cycles"]
    assert low < report.cycles < high and report.versions["hwsim"] == hwsim.__version__


def test_event_fidelity_agrees_on_the_toy(toy):
    both = [hwsim.simulate(PRODUCT, toy, fidelity=f) for f in ("analytic", "event")]
    assert both[0].cycles == both[1].cycles == pytest.approx(CYCLES) and both[1].fidelity == "event"
    assert both[0].key != both[1].key and both[1].cost.schedule.end.size == 2


def test_intervals_can_be_switched_off(toy):
    assert hwsim.simulate(PRODUCT, toy, interval=False).interval == {}


def test_settings_reach_the_model(toy):
    fast = hwsim.load_chip("toy", clock_hz=2e9)
    assert hwsim.simulate(PRODUCT, fast).latency_s == pytest.approx(hwsim.simulate(PRODUCT, toy).latency_s / 2)
    assert hwsim.load_chip("toy", clock_hz="500 MHz").number("clock_hz") == 5e8


def test_compare_maps_each_chip_by_name(toy):
    reports = hwsim.compare(PRODUCT, [toy, hwsim.load_chip("toy2")], {"toy2": {"arrays": 4}}, interval=False)
    assert [r.cost.program.mapping["arrays"] for r in reports] == [1, 4]
    assert reports[1].latency_s < reports[0].latency_s / 2


def test_primitives(toy):
    assert hwsim.primitive("hop", toy, {"hops": 3}) == {"cycles": 6.0}
    with pytest.raises(InvalidTrace, match=r"target 'fake' has no primitive 'hopp' \(did you mean hop\?\); it has hop"):
        hwsim.primitive("hopp", toy)
    with pytest.raises(InvalidTrace, match="needs hops"):
        hwsim.primitive("hop", toy)
    with pytest.raises(InvalidMapping, match=r"no mapping option 'array' \(did you mean arrays\?\)"):
        hwsim.primitive("hop", toy, {"hops": 1}, {"array": 2})


def test_refusals(toy):
    with pytest.raises(InvalidMapping, match=r"unknown fidelity 'events' \(did you mean event\?\)"):
        hwsim.simulate(PRODUCT, toy, fidelity="events")
    with pytest.raises(Infeasible, match="arrays: needs 9 arrays, has 4 arrays; what would help: fewer arrays"):
        hwsim.simulate(PRODUCT, toy, {"arrays": 9})
    with pytest.raises(InvalidChip, match=r"clock_h.*did you mean clock_hz"):
        hwsim.load_chip("toy", clock_h=1e9)
    with pytest.raises(InvalidChip):
        hwsim.load_chip("nothing-like-it")


def test_lower_bounds_only_when_allowed(toy):
    builder = GraphBuilder()
    x = builder.tensor("x", (1, 8), role="input")
    builder.op("norm", "n", [builder.op("matmul", "fc", [x], m=1, k=8, n=8)], rows=1, cols=8, function="rms")
    graph = builder.graph(trace="two")
    with pytest.raises(UnsupportedOp, match="no model for 1 operator"):
        hwsim.simulate(graph, toy)
    assert hwsim.simulate(graph, toy, allow_unmodelled=True, interval=False).to_dict()["lower_bound"] is True


def test_every_refusal_is_one_tree(toy):
    for error in (Infeasible, InvalidChip, InvalidMapping, InvalidTrace, UnsupportedOp):
        assert issubclass(error, HwsimError) and issubclass(error, hwsim.HwsimError)


def test_recorded_accuracy_is_read_from_beside_the_chip(toy, tmp_path):
    assert api.recorded_accuracy("toy") == {}
    api.recorded_accuracy.cache_clear()
    (tmp_path / "models" / "toy" / "accuracy.json").write_text('{"metrics": {"cycles": {"n": 3, "mape": 0.1, "worst": 0.2}}}')
    assert hwsim.simulate(PRODUCT, toy, interval=False).accuracy == {"cycles": {"n": 3, "mape": 0.1, "worst": 0.2}}
    api.recorded_accuracy.cache_clear()


def test_rates_turn_intervals_round():
    assert api.with_rates({"latency_s": (1.0, 4.0)}, 8)["tokens_per_s"] == (2.0, 8.0)
    assert api.with_rates({"latency_s": (1.0, 4.0)}, 0) == {"latency_s": (1.0, 4.0)}


def test_public_names():
    for name in hwsim.__all__:
        assert getattr(hwsim, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'simulat'"):
        _ = hwsim.simulat


TWICE = """
for _ in range(2):
    try:
        hwsim.validate(target='nothing')
    except hwsim.HwsimError as refusal:
        print(refusal)
"""


@pytest.mark.parametrize("before", ["import hwsim", "import hwsim, hwsim.validate.cases"])
def test_validate_is_a_verb_whatever_was_imported_before(before):
    """Importing a submodule binds `hwsim.validate` to the package of that name."""
    found = subprocess.run([sys.executable, "-c", before + TWICE], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("there are no cases of target 'nothing'") == 2


def test_one_graph_runs_on_every_shipped_chip_or_is_refused():
    graph = single_op("matmul", m=256, k=256, n=256)
    ran = set()
    for name in chip_names():
        try:
            report = hwsim.simulate(graph, hwsim.load_chip(name), interval=False)
        except (Infeasible, UnsupportedOp, InvalidChip, InvalidMapping):  # too small, another kind, target not installed, a device without a design
            continue
        assert report.macs == 256**3 and report.energy_j > 0, name
        assert "latency_s" in report.cost.program.unstated or report.latency_s > 0, name  # a table of operation energies has no time
        assert report.area_mm2 > 0 or not report.cost.program.area_mm2, name  # areas of FPGA dies are not published
        ran.add(name)
    assert {"wse2", "wse3"} <= ran
