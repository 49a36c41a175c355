"""Area of SRAM macros in the table that chips read: what the array model and the bit cells give today."""

import importlib.util
from pathlib import Path

import pytest

from hwsim.readers.chip_file import load_chip
from hwsim.readers.technology import technology
from hwsim.tech.interconnect import macro_mm2

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_sram_macros.py"


def test_the_table_is_what_its_script_writes():
    spec = importlib.util.spec_from_file_location("make_sram_macros", SCRIPT)
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.FILE.read_text() == script.text()


def test_array_model_and_bit_cells_agree_where_both_are_known():
    """At 22 nm: eight bit cells over the efficiency of macros, against the array model."""
    cells = 8 * macro_mm2(technology("interconnect"), technology("bit-cells"), 1, 22)
    assert technology("sram-macros").number("n22_lstp_mm2_per_byte") == pytest.approx(cells, rel=0.2)


@pytest.mark.parametrize(("chip", "node"), [("gap8", 55), ("gap9", 22), ("pulp-open", 22), ("mr-wolf", 40), ("cortex-m4", 90), ("cortex-m33", 40)])
def test_chips_take_the_figure_of_their_node(chip, node):
    assert load_chip(chip).number("area_sram_mm2_per_byte") == technology("sram-macros").number(f"n{node}_lstp_mm2_per_byte")


def test_the_shire_of_the_manycore_still_fills_its_die_plot():
    """What remains of a minion shire, 13.9 mm2, was worked out with the SRAM figure: both change together."""
    p = load_chip("et-soc-1")
    sram = sum(p.number(f"{name}_bytes") for name in ("scratchpad", "l2", "l3"))
    filled = p.number("minions_per_shire") * p.number("area_minion_mm2") + sram * p.number("area_sram_mm2_per_byte")
    assert filled + p.number("area_shire_rest_mm2") == pytest.approx(13.9, rel=1e-3)
