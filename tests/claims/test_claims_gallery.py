"""The gallery's scripts: graphs against closed formulas and published counts, claims against what they must show."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

import hwsim

SCRIPTS = Path(__file__).parents[2] / "scripts"


def script(name: str) -> ModuleType:
    """A script of the gallery as a module."""
    if str(SCRIPTS) not in sys.path:
        sys.path.insert(0, str(SCRIPTS))
    return importlib.import_module(name)


def test_every_script_of_the_gallery_has_claims() -> None:
    gallery = script("gallery")
    names = gallery.names()
    assert {"vovnet", "e2gc", "dolphin", "waferllm", "ffet_block"} <= set(names)
    assert all(callable(script(gallery.module(name)).claims) for name in names)


def test_femtodet_has_the_published_count_to_the_parameter() -> None:
    parameters, macs, *_ = script("claims.femtodet").claims()
    assert parameters.ours == 62297 + 6464 + 13  # convolutions and head, batch norms, gates: published as 68.77 k
    assert macs.ours == pytest.approx(71.7, rel=1e-3)


@pytest.mark.parametrize(("size", "count", "macs"), [(1, 0, 0.568), (8, 0, 0.689), (0, 32, 0.684), (32, 0, 1.107), (0, 8, 1.085)])
def test_grouped_mobilenets_do_the_derived_work(size: int, count: int, macs: float) -> None:
    graph = script("claims.e2gc").mobilenet(1, size=size, count=count)
    convolutions = sum(op.macs for op in graph.ops if op.kind == "conv2d")
    assert convolutions / 1e9 == pytest.approx(macs, abs=6e-4)


@pytest.mark.parametrize(("size", "count", "macs"), [(4, 0, 4.097), (8, 0, 4.196), (0, 32, 4.228), (0, 16, 4.460), (32, 0, 4.792)])
def test_grouped_resnexts_do_the_derived_work(size: int, count: int, macs: float) -> None:
    graph = script("claims.e2gc").resnext(1, size=size, count=count)
    assert sum(op.macs for op in graph.ops if op.kind == "conv2d") / 1e9 == pytest.approx(macs, abs=6e-4)


def test_mixed_bits_compress_by_their_mean() -> None:
    quantised = script("claims.cptquant")
    graph = hwsim.load_graph("opt-2.7b", phase="decode", context=16)
    assert quantised.compression(graph, (4,)) == pytest.approx(4)
    assert quantised.compression(graph, (16,)) == pytest.approx(1)
    assert quantised.compression(graph, (8, 4)) == pytest.approx(16 / 6)


def test_a_compressed_context_gains_nothing_when_it_is_short() -> None:
    dolphin = script("claims.dolphin")
    short, long = (dolphin.gains("a100", context, 64, 1)[0] for context in (1024, 8192))
    assert long > short > 1
    assert dolphin.gains("a100", 8192, 64, 256)[0] < long  # the answer's tokens cost the same either way


def test_forward_only_training_does_two_thirds_of_the_work() -> None:
    training = script("claims.training")
    count = {kind: sum(m * k * n for m, k, n in training.passes((64,) * 101, 8, **options)) for kind, options in {
        "bp": {"forward": 1, "weights": 1, "inputs": True}, "mf": {"forward": 1, "weights": 1, "inputs": False},
        "ff": {"forward": 2, "weights": 2, "inputs": False}}.items()}  # fmt: skip
    assert count["mf"] / count["bp"] == pytest.approx(2 / 3, rel=0.01)
    assert count["ff"] / count["bp"] == pytest.approx(4 / 3, rel=0.01)


def test_sparse_storage_never_beats_its_density() -> None:
    pruning = script("claims.pruning")
    for density in (0.05, 0.1, 0.25, 0.5):
        for bits in (8, 16, 32):
            assert min(pruning.bytes_over_dense(density, bits)) > density
    mask, index = pruning.bytes_over_dense(1 / 16, 32)
    assert mask == pytest.approx(index)  # a bit a weight against 16 bits a non-zero


@pytest.mark.parametrize("chip", ["titan-x-pascal", "p4000", "k80"])
def test_new_boards_run_a_network_within_their_power(chip: str) -> None:
    board = hwsim.load_chip(chip)
    report = hwsim.simulate(hwsim.load_graph("resnet50", batch=8, dtype="fp32"), board, {"library": "cuda-10.1"}, interval=False)
    assert report.power_w <= board.number("tdp_w") * 1.0001
    peak = 2 * board.number("sm_count") * board.number("vector_fp32_macs_per_cycle") * board.number("clock_hz")
    assert report.latency_s >= 2 * report.macs / 2.25 / peak  # Winograd's algorithm saves at most 2.25 times


PAPERS = (
    "Protein LMs", "E2GC", "Cluster heads (WSN)", "Beyond Backprop", "CBNet", "CARMA", "L-Mul", "Dolphin", "QuickSelection",
    "Two-point cells", "E-3DSNN", "NL-ADC", "SLTT", "Energy-aware code generation", "FemtoDet", "Generative Energy Arena",
    "RL + ant colony scheduling", "COMODO", "Event-based optical flow", "Max-Former", "IIR-SNN", "QSD-Transformer", "SpikeGPT",
    "Neural Brain", "HLOP-SNN", "To prune, or not", "Single-atom catalysts", "Cough-E", "Blimp SNN-PID", "CPTQuant", "NALSM", "WaferLLM",
    "Sensing-to-Action", "FFET block", "pyhgf", "Meta-SpikeFormer", "DNN is not all", "Smart-grid security", "GPT4Battery", "SELFIES",
    "VoVNet", "Spikformer V2", "Microgrid control", "Diffusion LM", "GPR saddle search", "SpikePoint", "Laser weeding", "Edge-MoE", "GOLF",
    "FlightLLM", "ECoFLaP",
)  # fmt: skip


def test_every_paper_is_recomputed_or_listed_with_a_reason() -> None:
    missing = {m.paper for m in script("claims.missing").MISSING}
    texts = " ".join(path.read_text() for path in [*SCRIPTS.glob("claims/*.py"), *SCRIPTS.glob("reproduce_*.py")] if path.stem != "missing")
    assert len(set(PAPERS)) == 51
    assert not [paper for paper in PAPERS if paper not in missing and f'"{paper}"' not in texts]


def test_max_former_lies_in_its_range_at_the_rates_that_it_names() -> None:
    former = script("claims.max_former")
    low, high = (former.energy(rate) for rate in (0.1, 0.3))
    assert former.energy(0.2) == pytest.approx((low + high) / 2)  # linear in the rate
    assert 0.1 < former.neighbour_rate() < 0.2


def test_the_share_of_audio_gives_the_published_saving() -> None:
    cough = script("claims.cough_e")
    _, needed = cough.claims()
    mixed = needed.ours * cough.joules("audio_only") + (1 - needed.ours) * cough.joules("imu_only")
    assert mixed / cough.joules("audio_only") == pytest.approx(0.2944)
