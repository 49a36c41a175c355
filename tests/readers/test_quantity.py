"""Units: known conversions, prefixes against each other, and pint as the judge."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import HwsimError, InvalidChip
from hwsim.readers.quantity import parse_setting, quantity, to_si
from hwsim.readers.units import COUNTS, TABLE, Expression, _by_pint, unit_expression, word_unit


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("1.1 GHz", (1.1e9, "Hz")),
        ("0.1 pJ/bit", (1e-13, "J/bit")),
        ("48 KiB", (49152, "B")),
        ("48 kB", (48000, "B")),
        ("1 GiB", (2**30, "B")),
        ("1 GB", (1e9, "B")),
        ("25.6 GB/s", (25.6e9, "B/s")),
        ("1.2 Tb/s", (1.2e12, "bit/s")),
        ("10 Gbps", (1e10, "bit/s")),
        ("46225 mm2", (46225, "mm2")),
        ("2 um2", (2e-6, "mm2")),
        ("2 um^2", (2e-6, "mm2")),
        ("2 um*um", (2e-6, "mm2")),
        ("1 cm2", (100, "mm2")),
        ("3 mm", (3e-3, "m")),
        ("2 fF/um2", (2e-9, "F/mm2")),
        ("5 W/mm2", (5, "W/mm2")),
        ("3 ohm*um", (3e-6, "ohm*m")),
        ("1 J/mm", (1000, "J/m")),
        ("312 TFLOPS", (312e12, "FLOP/s")),
        ("1 TOPS", (1e12, "OP/s")),
        ("3 %", (0.03, "")),
        ("4", (4, "")),
        ("2 1/s", (2, "1/s")),
        ("8 B/cycle", (8, "B/cycle")),
        ("8 bytes per cycle", (8, "B/cycle")),
        ("1e3 kMAC", (1e6, "MAC")),
        ("-40 mV", (-0.04, "V")),
        ("300 K", (300, "K")),
        ("1.5 µs", (1.5e-6, "s")),
        ("10 mW/MHz", (1e-8, "W/Hz")),
        ("2.4 GT/s", (2.4e9, "transfer/s")),
        ("1 eV", (1.602176634e-19, "J")),
        ("3 pJ/(bit*mm)", (3e-9, "J/bit/m")),
        ("1 J/(B)", (0.125, "J/bit")),
    ],
)
def test_to_si(given_, expected):
    assert to_si(given_) == expected


def test_figures_are_the_nearest_floats():
    assert to_si(0.1, "pJ/bit") == (1e-13, "J/bit")
    assert quantity("0.3 ns", "s") == 3e-10
    assert quantity(750, "PE") == 750.0


@given(st.floats(-1e12, 1e12), st.sampled_from(["GHz", "pJ/bit", "KiB", "um2", "GB/s", "fF/um2", "MAC/cycle", "mW"]))
def test_a_number_and_its_text_agree(value, unit):
    assert quantity(f"{value!r} {unit}", unit) == quantity(value, unit) == to_si(value, unit)[0]


@given(
    st.integers(1, 10**6),
    st.sampled_from([("us", "ns", 1000), ("KiB", "B", 1024), ("GB", "bit", 8 * 10**9), ("mm2", "um2", 10**6), ("MAC", "MACs", 1)]),
)
def test_larger_units_hold_so_many_smaller_ones(n, units):
    big, small, ratio = units
    assert quantity(f"{n} {big}", small) == quantity(f"{n * ratio} {small}", small)


@pytest.mark.parametrize("text", ["pJ/bit", "GB/s", "fF/um2", "ohm*um", "mW/MHz", "KiB", "MAC/cycle", "nA/um", "V*V", "J/m2"])
def test_pint_agrees_with_the_short_way(text):
    short, pint = unit_expression(text), _by_pint(text)
    assert pint.powers == short.powers
    assert float(pint.factor) == pytest.approx(float(short.factor * 8**short.bytes), rel=1e-12)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_unit_is_read_alone_and_to_itself(name):
    found = unit_expression(name)
    assert isinstance(found, Expression)
    assert found.factor > 0
    assert unit_expression(found.si).factor == 1
    assert unit_expression(found.si).powers == found.powers


def test_counts_never_turn_into_one_another():
    for a, b in (("PE", "core"), ("MAC", "OP"), ("OP", "FLOP"), ("cycle", "s")):
        with pytest.raises(HwsimError, match="is due"):
            quantity(f"3 {a}", b)
    assert len(set(COUNTS)) == len(COUNTS)


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("5", "Hz", "needs a unit, such as 5 GHz"),
        ("5 s", "Hz", "'5 s' is in s, but Hz is due"),
        ("5 KB", "B", "unknown unit 'KB'"),
        ("5 furlong", "m", "unknown unit 'furlong'"),
        ("5 GHZ", "Hz", "did you mean"),
        ("fast", "Hz", "is no quantity"),
        ("nan s", "s", "is no quantity"),
        ("1e400 s", "s", "too large"),
        ("1e9999 s", "s", "unknown unit"),
        (math.inf, "s", "not a finite number"),
        (True, "s", "not a finite number"),
        ("3 J/(nopes)", "J", "unknown unit 'nopes'"),
        ("3 V/(Hz^0.5)", "V", "unknown unit"),
        ("3 J/(", "J", "unknown unit"),
        ("3 GPE/s", "B/s", "is due"),
    ],
)
def test_refusals(text, unit, message):
    with pytest.raises(InvalidChip, match=message.replace("(", r"\(")):
        quantity(text, unit, InvalidChip)


def test_binary_prefixes_need_information():
    with pytest.raises(HwsimError):
        to_si("3 Kis")
    assert word_unit("KiB").factor == 8192


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("0.85GHz", "Hz", 8.5e8),
        ("[750, 994]", "PE", (750.0, 994.0)),
        ("(1 ns, 2 ns)", "s", (1e-9, 2e-9)),
        ("true", "flag", True),
        ("False", "flag", False),
        (" a b ", "text", "a b"),
        ("3", "cycle", 3.0),
        ("0.5", "", 0.5),
        ("2 B", "bit", 16.0),
    ],
)
def test_settings(text, unit, expected):
    assert parse_setting("x", text, unit, InvalidChip) == expected


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("0.85", "Hz", "^clock_hz needs a unit, such as 0.85 GHz$"),
        ("5", "J/bit", "^clock_hz needs a unit, such as 5 pJ/bit$"),
        ("1 s", "Hz", "^clock_hz: '1 s' is in s, but Hz is due$"),
        ("on", "flag", "clock_hz is true or false"),
        ("x", "Hz", "clock_hz: 'x' is no quantity"),
    ],
)
def test_bad_settings_name_the_constant(text, unit, message):
    with pytest.raises(InvalidChip, match=message):
        parse_setting("clock_hz", text, unit, InvalidChip)
