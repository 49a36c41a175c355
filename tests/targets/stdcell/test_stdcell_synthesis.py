"""Synthesis: the script, the cache, refusals; and, where Yosys is installed, blocks mapped onto cells that compute what their RTL says."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path

import pytest

import hwsim
from hwsim.core.errors import HwsimError, InvalidTrace, MissingParameter
from hwsim.readers.blocks import CORES, block_file, find_rtl
from hwsim.targets.stdcell import synthesis
from hwsim.targets.stdcell.cells import load_library
from hwsim.targets.stdcell.synthesis import commands, mapped_document, packed, recipe, synthesise

LIBRARIES = ("asap7", "gt2n", "nangate45", "probe3-5t", "sky130hd")
needs_yosys = pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed (extra rtl)")
COUNTER = """module counter (input clk, reset, enable, output reg [7:0] q);
  always @(posedge clk) if (reset) q <= 0; else if (enable) q <= q + 1;
endmodule
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "hwsim" / "synthesis"


@pytest.fixture
def counter(tmp_path: Path) -> str:
    (tmp_path / "counter.v").write_text(COUNTER)
    return str(tmp_path / "counter.v")


def test_script_of_an_unbuffered_block() -> None:
    rtl = find_rtl("stdcell_mac_grid.v", "mac_grid")
    lines = list(commands(rtl, recipe(hwsim.load_chip("asap7"), False)))
    assert lines[0] == "read_verilog -sv stdcell_mac_grid.v"
    assert "abc -D 500 -liberty cells.lib" in lines
    assert lines.index("opt") < lines.index("abc -D 500 -liberty cells.lib")


def test_script_of_a_buffered_block_with_another_aim() -> None:
    how = recipe(hwsim.load_chip("gt2n"), True, 321e-12)
    assert (how.driving_cell, how.output_load_f) == ("buf_x4", pytest.approx(2e-15))
    assert "abc -D 321 -constr limits.constr -liberty cells.lib" in list(commands(find_rtl("stdcell_mac_grid.v", "mac_grid"), how))


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_open_library_has_a_recipe_with_cells_of_its_own(library: str) -> None:
    chip = hwsim.load_chip(library)
    assert recipe(chip, False).delay_s > recipe(chip, True).delay_s
    assert load_library(chip).cell(recipe(chip, True).driving_cell).outputs


def test_a_chip_without_a_recipe() -> None:
    with pytest.raises(MissingParameter, match="abc_delay_s"):
        recipe(hwsim.load_chip("tech-tables"), False)


def test_without_yosys_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(synthesis.importlib.metadata, "version", missing)
    with pytest.raises(HwsimError, match=r"pip install 'hwsim\[rtl\]'"):
        hwsim.primitive("synthesise", hwsim.load_chip("asap7"), {"rtl": "stdcell_mac_grid.v", "top": "mac_grid"})


def test_a_core_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(HwsimError, match=r"pythondata-cpu-ibex.*pip install"):
        find_rtl("ibex")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"rtl": "none.v", "top": "t"}, r"no file 'none\.v'"),
        ({"rtl": "stdcell_mac_grid.v"}, "name the top module"),
        ({"rtl": 7, "top": "t"}, "rtl is a file"),
        ({"rtl": [], "top": "t"}, "names no file"),
        ({"rtl": "stdcell_mac_grid.v", "top": 3}, "top is the name"),
        ({"rtl": "stdcell_mac_grid.v", "top": "mac_grid; shell"}, "top is the name"),
        ({"rtl": ["stdcell_mac_grid.v", "stdcell_mac_grid.v"], "top": "mac_grid"}, "two files of one name"),
        ({"rtl": "stdcell_mac_grid.v", "top": "mac_grid", "buffered": "yes"}, "buffered is true or false"),
        ({"rtl": "stdcell_mac_grid.v", "top": "mac_grid", "abc_delay_ps": 0}, "abc_delay_ps"),
    ],
)
def test_refusals(arguments: dict[str, object], problem: str) -> None:
    with pytest.raises(HwsimError, match=problem):
        hwsim.primitive("synthesise", hwsim.load_chip("asap7"), arguments)


@needs_yosys
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_counter_on_every_library(library: str, counter: str) -> None:
    chip = hwsim.load_chip(library)
    plain = hwsim.primitive("synthesise", chip, {"rtl": counter, "top": "counter"})
    netlist = synthesise(chip, find_rtl(counter, "counter"), recipe(chip, False))
    assert plain["count"] == netlist.cells
    flops = [name for name in netlist.types if load_library(chip).cell(name).kind == "ff"]
    assert sum(netlist.count_of[name] for name in flops) == 8
    assert 0 < plain["sequential_area_mm2"] < plain["area_mm2"]
    assert plain["sequential_area_mm2"] == pytest.approx(sum(netlist.count_of[n] * load_library(chip).cell(n).area_um2 for n in flops) * 1e-6)


@needs_yosys
def test_a_result_is_kept_and_a_damaged_one_made_anew(counter: str, own_cache: Path) -> None:
    chip, rtl = hwsim.load_chip("gt2n"), find_rtl(counter, "counter")
    first = mapped_document(chip, rtl, recipe(chip, False))
    (kept,) = own_cache.iterdir()
    assert kept.read_bytes() == packed(first)
    kept.write_bytes(b"torn")
    assert mapped_document(chip, rtl, recipe(chip, False)) == first
    assert kept.read_bytes() == packed(first)
    Path(counter).write_text(COUNTER.replace("7:0", "8:0"))
    assert mapped_document(chip, rtl, recipe(chip, False)) != first
    assert len(list(own_cache.iterdir())) == 2


@needs_yosys
def test_shipped_netlists_are_those_of_this_recipe() -> None:
    chip = hwsim.load_chip("asap7")
    document = mapped_document(chip, find_rtl("stdcell_rv32i_single.v", "rv32i_single"), recipe(chip, False))
    if synthesis.yosys_version() != "0.70":
        pytest.skip("the shipped netlists are of Yosys 0.70")
    assert packed(document) == block_file("stdcell_rv32i_single_asap7.json.gz").read_bytes()


@needs_yosys
@pytest.mark.parametrize(
    ("text", "problem"),
    [("module t (input a, output y);\n  assign y = a +;\nendmodule\n", r"bad\.v:2.*syntax error"), ("module u; endmodule\n", "t")],
)
def test_rtl_that_yosys_refuses(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "bad.v").write_text(text)
    with pytest.raises(InvalidTrace, match=f"Yosys: .*{problem}"):
        hwsim.primitive("synthesise", hwsim.load_chip("gt2n"), {"rtl": str(tmp_path / "bad.v"), "top": "t"})


@needs_yosys
@pytest.mark.parametrize("name", ["serv"])
def test_a_core_by_name(name: str) -> None:
    if importlib.util.find_spec(CORES[name].package.replace("-", "_")) is None:
        pytest.skip(f"{CORES[name].package} is not installed")
    found = hwsim.primitive("synthesise", hwsim.load_chip("probe3-5t"), {"rtl": name})
    assert 300 < found["count"] < 1500  # a bit-serial core without its register file


@needs_yosys
def test_included_files_are_found_beside_the_source(tmp_path: Path) -> None:
    (tmp_path / "width.vh").write_text("`define WIDTH 4\n")
    (tmp_path / "inc.v").write_text('`include "width.vh"\nmodule inc (input [`WIDTH-1:0] a, output y); assign y = ^a; endmodule\n')
    arguments = {"rtl": str(tmp_path / "inc.v"), "top": "inc"}
    four = hwsim.primitive("synthesise", hwsim.load_chip("probe3-5t"), arguments)
    (tmp_path / "width.vh").write_text("`define WIDTH 8\n")
    assert hwsim.primitive("synthesise", hwsim.load_chip("probe3-5t"), arguments)["count"] > four["count"]
