"""Accuracy of results on chips: nothing left with every source off, each source alone, what is refused, and where reports show it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from hwsim import api
from hwsim.cli.app import app
from hwsim.core.errors import HwsimError, InvalidMapping, UnsupportedOp
from hwsim.core.program import Program
from hwsim.core.target import load_target
from hwsim.plot.analog import analog_tables
from hwsim.readers.load import graph_of_workload
from hwsim.targets.crossbar.analog.converters import ramp_accuracy
from hwsim.targets.crossbar.analog.layers import Layer, layer_error
from hwsim.targets.crossbar.analog.path import Numbers
from hwsim.targets.crossbar.analog.path import Path as AnalogPath
from hwsim.targets.crossbar.analog.report import layers_of, path_of
from hwsim.targets.crossbar.analog.tasks import task_accuracy, trained
from hwsim.targets.crossbar.compose import composed
from hwsim.targets.crossbar.functional.lstm import evaluate
from hwsim.targets.crossbar.mapping import parse_options

CHIPS = ("nladc-16nm", "isaac", "puma", "neurram")


def path_on(chip: str, **options: Any) -> AnalogPath:
    return path_of(composed(api.load_chip(chip), parse_options(options)))


def mapped(chip: str, options: dict[str, Any], **bounds: Any) -> Program:
    target, silicon = load_target("crossbar"), api.load_chip(chip)
    return target.map(graph_of_workload({"op": "linear", **bounds}), silicon, target.options(options))


def error_of(chip: str, numbers: Numbers, outputs: int = 24, **options: Any) -> Any:
    return layer_error(path_on(chip, programmings=3, **options), Layer("x", numbers, outputs, False), 1)


@pytest.mark.parametrize("chip", ["isaac", "puma"])
def test_lossless_chips_compute_exactly_with_every_source_off(chip: str) -> None:
    bits = 8 if chip == "isaac" else 9
    found = error_of(chip, Numbers(300, 8, 8, 8), noise="none", adc_bits=bits)
    assert found.relative_rms == found.converters_only == 0.0
    assert error_of(chip, Numbers(300, 8, 8, 8), write_sigma_s=5e-6).relative_rms > 1e-3


@pytest.mark.parametrize(("chip", "numbers"), [("nladc-16nm", Numbers(72, 5, 5, 5)), ("neurram", Numbers(300, 4, 4, 8))])
def test_with_every_source_off_only_the_converter_is_left(chip: str, numbers: Numbers) -> None:
    found = error_of(chip, numbers, noise="none")
    assert found.relative_rms == found.converters_only > 0
    assert found.spread == 0
    assert error_of(chip, numbers).relative_rms > found.relative_rms


@pytest.mark.parametrize("bits", [3, 5, 7])
def test_a_bit_more_halves_the_error_of_ideal_converters(bits: int) -> None:
    coarse, fine = (error_of("nladc-16nm", Numbers(72, 5, 5, 5), noise="none", adc_bits=b).relative_rms for b in (bits, bits + 1))
    assert coarse / fine == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize(
    "source",
    [
        {"write_sigma_s": 10e-6}, {"stuck_off": 0.05}, {"stuck_on": 0.02}, {"read_noise": 0.3}, {"device_model": "pcm_like", "cell_g_max_s": 25e-6},
        {"device_model": "pcm_like", "cell_g_max_s": 25e-6, "drift_s": 1e6}, {"adc_offset_lsb": 2.0}, {"wires": "resistive"},
    ],
    ids=lambda s: "-".join(s),
)  # fmt: skip
def test_each_source_alone_adds_to_the_error(source: dict[str, Any]) -> None:
    base: dict[str, Any] = {"write_sigma_s": 0.0, "adc_bits": 8}
    if "device_model" in source:
        del base["write_sigma_s"]
        base["ramp_g_max_s"] = 25e-6
    chip = api.load_chip("nladc-16nm")
    if "device_model" in source:
        chip = replace(chip, params={n: p for n, p in chip.params.items() if n != "write_sigma_s"})
    path = path_of(composed(chip, parse_options({**base, **source, "programmings": 3})))
    found = layer_error(path, Layer("x", Numbers(72, 8, 8, 8), 24, False), 1)
    assert found.relative_rms > 1.2 * found.converters_only


def test_ir_drop_is_stated_with_its_error() -> None:
    found = error_of("nladc-16nm", Numbers(72, 5, 5, 5), wires="resistive", wire_ohm=0.5)
    assert 0 < found.ir_drop_share < 0.12
    assert 0 < found.wire_error < 0.005
    assert error_of("nladc-16nm", Numbers(72, 5, 5, 5), wires="resistive", wire_ohm=1.0).ir_drop_share > found.ir_drop_share
    with pytest.raises(InvalidMapping, match="can be solved"):
        error_of("nladc-16nm", Numbers(633, 5, 5, 5), outputs=8064, wires="resistive")


def test_a_ramp_follows_the_supply_and_a_converter_does_not() -> None:
    numbers = Numbers(72, 5, 5, 5)
    ramp = [error_of("nladc-16nm", numbers, read_v=v).relative_rms for v in (0.15, 0.2, 0.25)]
    assert ramp == pytest.approx([ramp[0]] * 3, rel=1e-9)
    other = [error_of("nladc-16nm", numbers, read_v=v, adc="sar").relative_rms for v in (0.15, 0.2, 0.25)]
    assert other[0] == pytest.approx(0.25, abs=0.05)  # a quarter less signal for the same reference
    assert other[0] > 2 * other[1] < other[2]


def test_published_ramp_nonlinearity_on_the_chip() -> None:
    found = ramp_accuracy(path_on("nladc-16nm"), "sigmoid")
    assert found.cells == 37
    assert found.inl_mean_lsb == pytest.approx(0.13, abs=0.01)  # of 20,000 draws at 2.67 uS
    assert found.inl_max_lsb == pytest.approx(0.34, abs=0.02)
    assert found.inl_estimate_lsb == pytest.approx(found.inl_mean_lsb, rel=0.05)
    quiet = ramp_accuracy(path_on("nladc-16nm", noise="none"), "sigmoid")
    assert quiet.inl_max_lsb == quiet.dnl_max_lsb == 0


def test_spare_cells_rescue_a_ramp() -> None:
    lost, kept = (ramp_accuracy(path_on("nladc-16nm", stuck_off=0.02, calibration_cells=n), "tanh").inl_mean_lsb for n in (0, 5))
    whole = ramp_accuracy(path_on("nladc-16nm"), "tanh").inl_mean_lsb
    assert whole <= kept < 1.1 * whole
    assert lost > 1.5 * kept


def test_layers_and_functions_of_a_program() -> None:
    chip = api.load_chip("nladc-16nm")
    target = load_target("crossbar")
    program = target.map(api.load_graph("kws-lstm", dtype="int5"), chip, target.options({}))
    layers = layers_of(program, path_of(chip))
    assert [(x.numbers.inputs, x.outputs, x.functions) for x in layers] == [
        (72, 128, ("sigmoid", "sigmoid", "tanh", "sigmoid")), (32, 12, ("linear",)),
    ]  # fmt: skip


def test_shipped_networks_know_their_tasks() -> None:
    assert evaluate(trained("keywords")[1], trained("keywords")[0].test).accuracy > 0.93
    task, net = trained("characters")
    assert evaluate(net, task.test).bits < task.least_bits + 0.6  # of log2(50) = 5.6


def test_tasks_suffer_from_write_errors() -> None:
    quiet = task_accuracy(path_on("nladc-16nm", noise="none", adc_bits=8, programmings=2), "keywords")
    assert quiet.analog == pytest.approx(quiet.digital, abs=0.02)
    assert quiet.analog == quiet.converters_only
    bad = task_accuracy(path_on("nladc-16nm", write_sigma_s=40e-6, programmings=3), "keywords")
    assert bad.analog < quiet.analog - 0.1
    assert bad.worst <= bad.analog
    assert bad.analog_bits > bad.digital_bits


def test_what_cannot_be_modelled_is_refused() -> None:
    for chip in ("dimc2", "jia", "colonnade"):
        with pytest.raises(UnsupportedOp, match="no model of its cells' errors"):
            path_of(api.load_chip(chip))
    with pytest.raises(UnsupportedOp, match="computes digitally"):
        api.simulate(api.load_graph("resnet50"), api.load_chip("a100"), interval=False, accuracy=True)
    with pytest.raises(InvalidMapping, match="no drift"):
        path_on("nladc-16nm", drift_s=1e5)
    with pytest.raises(InvalidMapping, match="no device model 'rram_wann'"):
        path_on("isaac", device_model="rram_wann")
    with pytest.raises(HwsimError, match="fitted between"):
        error_of("isaac", Numbers(100, 8, 8, 8), device_model="rram_milo_igvva100")
    with pytest.raises(InvalidMapping, match="bit by bit"):
        path_on("isaac", bits_per_read=2)
    with pytest.raises(InvalidMapping, match="noise"):
        path_on("isaac", noise="some")


def test_report_page_and_json_say_it(tmp_path: Path) -> None:
    run = ["run", "kws-lstm", "--chip", "nladc-16nm", "--map", "adc_bits=5", "--map", "programmings=2", "--accuracy", "--no-interval"]
    shown = CliRunner().invoke(app, [*run, "--json", str(tmp_path / "a.json"), "--html", str(tmp_path / "a.html")])
    assert shown.exit_code == 0, shown.output
    found = json.loads((tmp_path / "a.json").read_text())["analog"]
    assert found["conditions"]["programmings"] == 2
    assert found["conditions"]["adc_bits"] == 5
    assert {t["name"] for t in found["tasks"]} == {"keywords", "characters"}
    assert len(analog_tables(found)) == 4
    for text in (shown.stdout, (tmp_path / "a.html").read_text()):
        assert "error of each matrix (2 programmings)" in text
        assert "small tasks (2 programmings)" in text
    plain = api.simulate(api.load_graph("kws-lstm", dtype="int5"), api.load_chip("nladc-16nm"), interval=False)
    assert "analog" not in plain.to_dict()
    assert np.isfinite(found["layers"][0]["snr_db"])
