"""Chip files made of a block's figures: they are read back, run, and say where every constant comes from."""

from __future__ import annotations

import pytest

import hwsim
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace, MissingParameter
from hwsim.core.graph import single_op
from hwsim.readers.technology import technology
from hwsim.targets.stdcell.core_file import Figures, array_lines, bit_cell_of, chip_text, core_lines, dram_lines, memory_lines, words

CORE = Figures(1e9, (0.9e9, 1.1e9), 4e-4, 1e-12, 0.5e-12, 1e-4, "hwsim block small --chip ffet-3p5t")
GRID = Figures(2e9, (1.9e9, 2.2e9), 16e-6, 1.6e-12, 0.8e-12, 1.6e-4, "hwsim block grid --chip ffet-3p5t")
CELL = (0.02e-6, "0.02 um2 (made up)")


@pytest.fixture(scope="module")
def chip(tmp_path_factory: pytest.TempPathFactory) -> Chip:
    lines = [words("core", "mac_array", "made up"), words("library", "ffet-3p5t", "made up")]
    lines += core_lines(CORE, "small", (1.0,) * 8, "made up", True)
    lines += [*memory_lines("imem", 4096, 64, 5, CELL), *memory_lines("dmem", 8192, 64, 5, CELL)]
    lines += [*array_lines(GRID, "grid", 16, 8, 4), *memory_lines("buffer", 32768, 256, 22, None), *dram_lines("lpddr4", 16, 3.2e9)]
    path = tmp_path_factory.mktemp("chip") / "chip.yaml"
    path.write_text(chip_text("made", "A made chip", "For a test.", lines))
    return hwsim.load_chip(str(path))


def test_a_made_chip_runs(chip: Chip) -> None:
    report = hwsim.simulate(single_op("matmul", m=40, k=30, n=20, dtype="int8"), chip, {})
    assert report.cost.program.clock_hz == pytest.approx(2e9)
    assert report.interval["energy_j"][0] < report.energy_j


def test_constants_are_those_of_the_blocks_and_say_so(chip: Chip) -> None:
    assert chip.number("core_cycle_j") == pytest.approx(1.5e-12) and chip.param("core_cycle_j").high == pytest.approx(2.5e-12)
    assert chip.number("element_mac_j") == pytest.approx(0.1e-12) and chip.number("element_clock_j") == pytest.approx(0.05e-12)
    assert chip.number("element_area_mm2") == pytest.approx(1e-6) and chip.number("rows") == 8
    assert (chip.param("core_clock_hz").low, chip.param("core_clock_hz").high) == (0.9e9, 1.1e9)
    assert all("hwsim block" in chip.param(n).source for n in ("core_clock_hz", "core_leakage_w", "element_mac_j", "array_clock_hz"))
    assert not [p for p in chip.params.values() if p.status in ("fitted", "measured")]


def test_memories_below_22_nm_are_scaled_and_have_the_area_of_their_bit_cells(chip: Chip) -> None:
    whole = {line.name: line for line in memory_lines("dmem", 8192, 64, 22, None)}
    assert chip.number("dmem_read_j") < 0.5 * float(whole["dmem_read_j"].value)
    assert chip.number("dmem_access_s") == pytest.approx(float(whole["dmem_access_s"].value))
    low, high = chip.param("dmem_access_s").low, chip.param("dmem_access_s").high
    assert low is not None and high is not None and low < chip.number("dmem_access_s") < high
    assert 8192 * 8 * CELL[0] < chip.number("dmem_area_mm2") < 2 * 8192 * 8 * CELL[0]
    assert whole["dmem_access_s"].low is None and whole["dmem_access_s"].status == "derived"


def test_what_no_table_holds_is_refused() -> None:
    with pytest.raises(InvalidTrace, match="ddr9"):
        list(dram_lines("ddr9", 16, 1e9))
    with pytest.raises(MissingParameter, match="n6_mm2"):
        bit_cell_of(technology("bit-cells"), "n6_mm2")
    assert bit_cell_of(technology("bit-cells"), "n5_mm2")[0] == pytest.approx(0.021e-6)
