"""Device files: complete, sound, and told apart from their designs; shared estimators of resources."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import Infeasible, InvalidChip, MissingParameter
from hwsim.readers.chip_file import chip_names, load_chip
from hwsim.targets.fpga import spec
from hwsim.targets.fpga.resources import Resources, bram_of, bram_of_bytes, uram_of

DEVICES = [name for name in chip_names() if load_chip(name).target == "fpga"]
FABRIC = [name for name in DEVICES if "dies" in load_chip(name).params]


def test_the_published_devices_are_here() -> None:
    assert {*DEVICES} >= {"u280", "vhk158", "zcu102", "zcu104", "kv260", "u50", "u55c", "u200", "u250", "vcu128", "vck190", "v80", "generic-45nm"}
    assert {*DEVICES} - {*FABRIC} == {"generic-45nm"}


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_is_sound(name: str) -> None:
    chip = hwsim.load_chip(name)
    assert all(param.source for param in chip.params.values())
    if name in FABRIC:
        assert 0 < chip.number("dsp") < chip.number("lut") <= chip.number("ff")
        assert chip.number("hbm_channels") + chip.number("ddr_channels") > 0


def test_user_budget_of_the_u280() -> None:
    chip = hwsim.load_chip("u280")
    budget = {name: chip.number(name) - chip.number(f"shell_{name}") for name in spec.RESOURCES}
    assert budget == {"lut": 1_170_835, "ff": 2_402_634, "bram": 1_819, "uram": 960, "dsp": 9_020}
    assert chip.number("hbm_channels") * chip.number("hbm_channel_bytes_per_s") == 460e9


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"shell_lut": 2e6}, "shell_lut exceeds lut"),
        ({"hbm_stream_efficiency": 1.1}, "at most 1"),
        ({"dies": 0}, "dies"),
        ({"dsp_type": "dsp58"}, "dsp_chain_first_s"),
        ({"dsp_type": "dsp47"}, "did you mean"),
        ({"ddr_refresh_s": 1.0}, "ddr_refresh_interval_s"),
    ],
)
def test_an_impossible_device_is_refused(changes: dict[str, float], complaint: str) -> None:
    with pytest.raises(InvalidChip, match=complaint):
        hwsim.load_chip("u280", **changes)


def test_an_incomplete_or_strange_device_is_refused(tmp_path: Path) -> None:
    head = "schema: hwsim.chip/1\nname: own\ntarget: fpga\n"
    entry = "{value: 1, unit: '1', status: published, source: t}"
    own = tmp_path / "chip.yaml"
    own.write_text(f"{head}params:\n  dies: {entry}\n")
    with pytest.raises(MissingParameter):
        hwsim.load_chip(str(own))
    own.write_text(f"{head}based_on: u280\nparams:\n  luts: {entry}\n")
    with pytest.raises(InvalidChip, match="did you mean lut"):
        hwsim.load_chip(str(own))
    with pytest.raises(InvalidChip, match="no engine 'sistolic'"):
        design = "schema: hwsim.design/1\nname: d\nengine: sistolic\nparams:\n  design_clock_hz: {value: 1 MHz, status: published, source: t}\n"
        (tmp_path / "d.yaml").write_text(design)
        hwsim.load_chip(f"u280+{tmp_path / 'd.yaml'}")


def test_memories_of_a_shape() -> None:
    assert [bram_of(w, d) for w, d in ((72, 512), (36, 512), (36, 1024), (73, 512), (128, 4096))] == [1, 0.5, 1, 1.5, 16]
    assert [uram_of(w, d) for w, d in ((72, 4096), (64, 4096), (128, 4096), (72, 4097))] == [1, 1, 2, 2]
    assert uram_of(128, 4096, 128) == 256 and bram_of_bytes(4609) == 2


@given(width=st.integers(1, 2000), depth=st.integers(1, 20000))
def test_memories_hold_what_they_are_asked_to(width: int, depth: int) -> None:
    assert bram_of(width, depth) * 36 * 1024 >= width * depth
    assert uram_of(width, depth) * 288 * 1024 >= width * depth


def test_resources_add_up_and_must_fit() -> None:
    one = Resources(lut=10, dsp=3, cores=1)
    assert (one + one).figures == one.times(2).figures == {"lut": 20, "ff": 0, "bram": 0, "uram": 0, "dsp": 6}
    chip = hwsim.load_chip("u280+systolic_array")
    Resources(dsp=9020).must_fit(chip)
    with pytest.raises(Infeasible, match="DSP slices"):
        Resources(dsp=9021).must_fit(chip)
    Resources(dsp=3008, cores=1).must_fit(chip)
    with pytest.raises(Infeasible, match="one die"):
        Resources(dsp=2 * 3009, cores=2).must_fit(chip)
