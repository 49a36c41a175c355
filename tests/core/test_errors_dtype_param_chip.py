"""Errors, number formats, constants and chips."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core import errors
from hwsim.core.chip import Chip
from hwsim.core.dtype import DTYPES, block_format, dtype
from hwsim.core.errors import HwsimError, Infeasible, InvalidChip, InvalidTrace, Location, MissingParameter, UnsupportedOp, nearest
from hwsim.core.graph import Tensor
from hwsim.core.op import Op
from hwsim.core.param import STATUSES, Param
from hwsim.core.resources import shipped
from hwsim.core.units import engineering, write_metric


def test_nearest_names():
    assert nearest("wse-2", ["wse2", "wse3", "a100"]) == " (did you mean wse2, wse3?)"
    assert nearest("zzz", ["wse2"]) == ""


def test_locations():
    assert str(Location("f.yaml")) == "f.yaml"
    assert str(Location("f.yaml", 3, "a.b")) == "f.yaml:3: a.b"
    raised = InvalidChip("is bad", location=Location("f.yaml", 3))
    assert (str(raised), raised.problem) == ("f.yaml:3: is bad", "is bad")


def test_one_tree():
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, Exception)]
    assert all(issubclass(k, HwsimError) for k in kinds)


def test_messages_say_what_would_help():
    short = Infeasible("weights", demand=2e9, bound=1e9, unit="B", levers=["fewer layers", "int4"])
    assert str(short) == "weights: needs 2e+09 B, has 1e+09 B; what would help: fewer layers; int4"
    again = pickle.loads(pickle.dumps(short))
    assert (str(again), again.levers, again.demand) == (str(short), short.levers, 2e9)
    assert "did you mean clock_hz" in str(MissingParameter("clok_hz", "toy", ["clock_hz"]))
    assert UnsupportedOp("gpu", ["a", "b"]).ops == ("a", "b")


def test_number_formats():
    assert (dtype("int4").bytes, dtype("float16").name, dtype("bf16").kind) == (0.5, "fp16", "float")
    assert all(name == form.name and form.bits > 0 for name, form in DTYPES.items())
    with pytest.raises(InvalidTrace, match=r"unknown dtype 'fp61' \(did you mean fp"):
        dtype("fp61")


def test_block_formats_count_their_scales():
    assert 32 * dtype("q8_0").bytes == 34 and 32 * dtype("q4_0").bytes == 18
    assert (dtype("q8_0").bits, dtype("q4_0").bits, dtype("q8_0").block, dtype("int8").block) == (8.5, 4.5, 32, 1)
    assert (block_format("fp16", "q4_0"), block_format("fp16", "int4"), block_format()) == ("q4_0", "", "")
    assert (dtype("int1").name, dtype("int1").bits) == ("binary", 1)
    op = Op("x", "matmul", {"m": 2, "k": 64, "n": 3}, dtype="fp32", weight_dtype="q8_0")
    assert (op.weight_bytes, op.input_bytes, op.output_bytes) == (2 * 3 * 34, 2 * 64 * 4, 2 * 3 * 4)
    assert Tensor("w", (3, 4096), "q4_0", "weight").bytes == 3 * 128 * 18


def param(**changes: object) -> Param:
    return Param(**{"value": 3.0, "unit": "cycle", "source": "table 2", "status": "published", **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "guess"}, "none of measured"),
        ({"source": " "}, "needs a source"),
        ({"status": "assumed"}, "needs a range"),
        ({"status": "assumed", "low": 1.0}, "needs a range"),
        ({"status": "fitted", "low": 1.0, "high": 4.0}, "must name the cases"),
        ({"low": 4.0, "high": 5.0}, "does not hold the value"),
    ],
)
def test_constants_that_are_refused(changes, message):
    with pytest.raises(InvalidChip, match=message):
        param(**changes)


@given(st.sampled_from(STATUSES), st.floats(-1e9, 1e9), st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_range_that_holds_the_value_is_accepted(status, value, below, above):
    made = param(status=status, value=value, low=value - below, high=value + above, fitted_on=("x",))
    assert made.number == value
    assert made.has_range == (made.high > made.low)
    assert not made.with_value(7.0).has_range
    assert made.with_value(7.0).source == "set by the user"


def test_values_that_are_no_number():
    assert param(value=True, unit="flag").is_number is False
    assert param(value=(1.0, 2.0), status="assumed").is_number is False
    with pytest.raises(InvalidChip, match="not a single number"):
        _ = param(value="ring").number


def chip() -> Chip:
    return Chip("toy", "gpu", {"clock_hz": param(value=1e9, unit="Hz"), "grid": param(value=(2.0, 3.0)), "kind": param(value="ring", unit="text")})


def test_chips_answer_by_name():
    toy = chip()
    assert (toy.number("clock_hz"), toy.vector("grid")) == (1e9, (2.0, 3.0))
    with pytest.raises(MissingParameter, match="'clock'"):
        toy.number("clock")
    with pytest.raises(InvalidChip, match="not a vector"):
        toy.vector("clock_hz")
    with pytest.raises(InvalidChip, match="not a single number"):
        toy.number("grid")


def test_replace_makes_another_chip():
    toy = chip()
    fast = toy.replace(clock_hz=2e9, name="fast")
    assert (fast.name, fast.number("clock_hz"), toy.number("clock_hz")) == ("fast", 2e9, 1e9)
    assert fast.key != toy.key == chip().key == copy.deepcopy(toy).key
    with pytest.raises(InvalidChip, match="did you mean clock_hz"):
        toy.replace(clok_hz=1.0)


def test_shipped_folders_exist():
    assert shipped("traces").is_dir()
    assert shipped("models").is_dir()


def test_figures_for_people():
    assert engineering(3.7e-4, "s") == "370 us"
    assert (engineering(0.0, "s"), engineering(float("inf"), "s")) == ("0 s", "inf s")
    assert (write_metric("cycles", 1234567), write_metric("latency_s", 1e-3), write_metric("tops", 2.5)) == ("1,234,567 cycles", "1 ms", "2.5 TOPS")
