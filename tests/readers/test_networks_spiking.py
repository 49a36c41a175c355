"""Spiking networks: counts against published ones, options, where rates come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hwsim
from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import Graph

SMALL = {"embed_dims": 64, "depth": 1, "heads": 2, "image": 32, "classes": 10}  # 4 tokens


def rates(graph: Graph) -> dict[str, Any]:
    return {op.name: op.attrs["spike_rate"] for op in graph.ops if "spike_rate" in op.attrs}


@pytest.mark.parametrize(("options", "parameters"), [({"embed_dims": 512}, 29705768), ({"embed_dims": 384}, 16_810_000)])
def test_spikingformer_has_its_published_parameters(options: dict[str, int], parameters: int) -> None:
    assert hwsim.load_graph("spikingformer", **options).meta["parameters"] == pytest.approx(parameters, rel=2e-3)


@pytest.mark.parametrize(("rep", "macs"), [("train", 6472781760), ("merged", 10037322432)])
def test_meta_spikeformer_has_the_macs_of_its_definition(rep: str, macs: int) -> None:
    graph = hwsim.load_graph("meta_spikeformer", rep=rep)
    assert graph.macs == macs
    if rep == "train":
        assert graph.meta["parameters_conv_fc"] == 15016072


def test_vgg_convolutions_are_those_of_its_stages() -> None:
    graph = hwsim.load_graph("spiking-vgg16")
    assert sum(op.kind == "conv2d" for op in graph.ops) == 13 and sum(op.kind == "matmul" for op in graph.ops) == 3


def test_every_layer_but_the_first_and_the_head_reads_spikes() -> None:
    graph = hwsim.load_graph("spikingformer", **SMALL, rate=0.25)
    connected = {op.name for op in graph.ops if op.kind in ("conv2d", "matmul")}
    assert connected - {*rates(graph)} == {"patch0", "head"} and {*rates(graph).values()} == {0.25}
    head = next(op for op in graph.ops if op.name == "head")
    assert head.attrs == {"timesteps": 1, "input_kind": "real"}


def test_sums_of_spikes_are_no_spikes() -> None:
    graph = hwsim.load_graph("spikingformer", **SMALL, residual="add", rate=0.25)
    block = {name for name in rates(graph) if name.startswith("b0.")}
    assert block == {"b0.q", "b0.k", "b0.v", "b0.proj", "b0.fc2"}  # the first block's q, k, v follow the patch neurons; fc1 reads a sum
    deeper = hwsim.load_graph("spikingformer", **{**SMALL, "depth": 2}, residual="add", rate=0.25)
    assert {name for name in rates(deeper) if name.startswith("b1.")} == {"b1.proj", "b1.fc2"}


def test_lists_of_rates_go_in_order() -> None:
    listed = [0.01 * (i + 1) for i in range(10)]
    graph = hwsim.load_graph("spikingformer", **SMALL, layer_rates=listed, qkv_rates=[[0.1, 0.2, 0.3]])
    order = ["patch1", "patch2", "patch3", "patch4", "b0.q", "b0.k", "b0.v", "b0.proj", "b0.fc1", "b0.fc2"]
    assert rates(graph) == dict(zip(order, listed, strict=True))
    attention = next(op for op in graph.ops if op.kind == "spiking_attention")
    assert [attention.attrs[f"rate_{w}"] for w in "qkv"] == [0.1, 0.2, 0.3]


def test_the_shipped_rates_are_the_logged_ones() -> None:
    found = rates(hwsim.load_graph("spikingformer-8-512"))
    assert len(found) == 52 and found["patch1"] == 0.258312565 and found["b7.fc2"] == 0.0137684836


@pytest.mark.parametrize(("name", "options", "why"), [
    ("spikingformer", {"layer_rates": [0.1]}, "1 rates; 10 layers"), ("spikingformer", {"layer_rates": [1.5] * 10}, "0..1"),
    ("spikingformer", {"layer_rates": 0.3}, "is a list"), ("spikingformer", {"qkv_rates": [[0.1, 0.2]]}, "rate_q"),
    ("spikingformer", {"rate": 0.1, "layer_rates": [0.1] * 10}, "one of"), ("spikingformer", {"timestep": 4}, "timesteps"),
    ("spikingformer", {"heads": 3}, "does not divide"), ("spikingformer", {"image": 33}, "multiple of 8 and image"),
    ("spikingformer", {"timesteps": 0}, "positive whole"), ("spikingformer", {"residual": "sum"}, "pre, add"),
    ("spikingformer", {"rate": 0.2, "qkv_rates": [[0.1, 0.1, 0.1]]}, "go with layer_rates"), ("spikingformer", {"neuron": "relu"}, "lif, if"),
])  # fmt: skip
def test_bad_options_are_refused(name: str, options: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidTrace, match=why):
        hwsim.load_graph(name, **{**SMALL, **options})


@pytest.mark.parametrize(("name", "options", "why"), [
    ("meta_spikeformer", {"dims": [64, 128, 256]}, "four channel counts"), ("meta_spikeformer", {"dims": [64, 128, 255, 360]}, "multiples of 8"),
    ("spiking-vgg9", {"image": 30}, "multiple of 8"), ("spikingformer-8-512", {"depth": 4}, "fixed depth"), ("spikingformr", {}, "spikingformer"),
])  # fmt: skip
def test_other_networks_refuse_too(name: str, options: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidTrace, match=why):
        hwsim.load_graph(name, **options)


def test_recorded_events_become_counts(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_text("layer,timestep,neuron\nfc0,0,5\nfc0,1,5\nfc0,1,7\nhead,1,0\n")
    graph = hwsim.load_graph("spiking-vgg9", timesteps=2, spikes=str(path))
    fc0, head, conv1 = (next(op for op in graph.ops if op.name == name) for name in ("fc0", "head", "conv1"))
    assert fc0.attrs["spike_counts"] == "1 2" and fc0.attrs["spike_rate"] == pytest.approx(3 / (2 * 4096))
    assert head.attrs["spike_counts"] == "0 1" and "spike_rate" not in conv1.attrs


@pytest.mark.parametrize(("text", "why"), [
    ("layer,step,neuron\nfc0,0,1\n", "starts with the line"), ("layer,timestep,neuron\nfc0,0\n", "an event is"),
    ("layer,timestep,neuron\n", "no event"),
    ("layer,timestep,neuron\nfc0,0,1\nfc0,0,1\n", "fires twice"), ("layer,timestep,neuron\nfc0,0,-1\n", "an event is"),
    ("layer,timestep,neuron\nfc0,1,5000\n", "4,096 inputs"), ("layer,timestep,neuron\nfc0,7,1\n", "8 timesteps, the network 2"),
    ("layer,timestep,neuron\nfc9,1,1\n", "no layer 'fc9'.*fc0"),
])  # fmt: skip
def test_bad_event_files_are_refused_with_their_place(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "run.csv"
    path.write_text(text)
    with pytest.raises(InvalidTrace, match=why) as refused:
        hwsim.load_graph("spiking-vgg9", timesteps=2, spikes=str(path))
    assert "run.csv" in str(refused.value)


@pytest.mark.parametrize(("layer", "why"), [
    ("fc0: {rate: 1.5}", "less than or equal to 1"), ("fc0: {}", "state one of"), ("fc0: {rate: 0.1, counts: [1, 2]}", "state one of"),
    ("fc0: {q: 0.1, k: 0.2}", "three rates"), ("fc0: {q: 0.1, k: 0.2, v: 0.3}", "is no attention"), ("fc0: {counts: [1, -2]}", "not negative"),
    ("fc0: {rates: 0.1}", "rate"),
])  # fmt: skip
def test_bad_rate_files_are_refused(tmp_path: Path, layer: str, why: str) -> None:
    path = tmp_path / "rates.yaml"
    path.write_text(f"schema: hwsim.spikes/1\nsource: a test\nlayers:\n  {layer}\n")
    with pytest.raises(InvalidTrace, match=why):
        hwsim.load_graph("spiking-vgg9", timesteps=2, spikes=str(path))


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "rates.yaml"
    for rate in (0.1, 0.2):
        path.write_text(f"schema: hwsim.spikes/1\nsource: a test\nlayers:\n  fc0: {{rate: {rate}}}\n")
        graph = hwsim.load_graph("spiking-vgg9", spikes=str(path))
        assert rates(graph) == {"fc0": rate}
