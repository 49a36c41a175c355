"""Language models beyond the transformer decoder: parameters and work against published sizes, states in place of a cache, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import Graph
from hwsim.readers.load import load_graph

PARAMETERS = {  # in 1e6: the models' cards and papers; 0.73e9 of TeLLMe, "370M" and "2.7B" of the MatMul-free language models
    "chatglm2-6b": 6243.58, "bitnet-0.73b": 728.8, "mmfreelm-370m": 373.9, "mmfreelm-2.7b": 2701.6, "mamba2-2.7b": 2702.6, "opt-350m": 331.2,
}  # fmt: skip
RECURRENT = ("mmfreelm-370m", "mmfreelm-2.7b", "mamba2-2.7b")


def held(graph: Graph, role: str) -> float:
    return sum(t.bytes for t in graph.tensors.values() if t.role == role)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_parameters_are_those_published(name: str) -> None:
    assert load_graph(name).meta["model"]["parameters"] / 1e6 == pytest.approx(PARAMETERS[name], rel=1e-3)


@pytest.mark.parametrize("name", RECURRENT)
def test_a_recurrence_needs_the_same_for_any_context(name: str) -> None:
    near, far = (load_graph(name, phase="decode", context=context) for context in (1, 100_000))
    assert near.macs == far.macs
    assert held(near, "state") == held(far, "state") > 0
    assert held(far, "kv_cache") == 0


@pytest.mark.parametrize("name", RECURRENT)
def test_a_prompt_is_that_many_tokens_of_work(name: str) -> None:
    one, many = load_graph(name, phase="decode", context=1), load_graph(name, phase="prefill", prompt=100, logits="all")
    assert many.macs == 100 * one.macs
    assert held(many, "state") == held(one, "state")
    assert load_graph(name, phase="decode", context=1, batch=4).macs == 4 * one.macs


def test_work_of_a_state_space_model() -> None:
    graph = load_graph("mamba2-2.7b", phase="decode", context=1)
    d, inner, state, heads = 2560, 5120, 128, 80
    wide = inner + 2 * state
    layer = d * (inner + wide + heads) + inner * d + 4 * wide + 2 * inner * state
    assert graph.macs == 64 * layer + d * 50288
    assert held(graph, "state") == 64 * (inner * state + 3 * wide) * 2
    assert graph.meta["model"]["mixer"] == "mamba2"


def test_work_of_a_matmul_free_model() -> None:
    graph = load_graph("mmfreelm-370m", phase="decode", context=1, dtype="int8", weight_dtype="ternary")
    assert graph.macs == 24 * (4 * 1024**2 + 3 * 1024 * 2816) + 1024 * 32000
    assert not [op for op in graph.ops if op.kind == "attention"]
    matrices = sum(t.elements for t in graph.tensors.values() if t.dtype == "ternary")
    assert matrices == pytest.approx(373.9e6, rel=1e-3)
    assert sum(t.bytes for t in graph.tensors.values() if t.dtype == "ternary") == pytest.approx(0.2 * matrices)


def test_a_generation_chains_its_stages() -> None:
    graph = load_graph("mamba2-2.7b", phase="generate", prompt=8, generate=32, layers=2)
    assert len([op for op in graph.ops if op.kind == "ssm"]) == 2 * 17
    assert sum(op.repeat for op in graph.ops if op.kind == "ssm" and op["steps"] == 1) == 2 * 32


def test_groups_of_queries_and_norms_inside_blocks() -> None:
    glm = load_graph("chatglm2-6b", phase="decode", context=64)
    attention = next(op for op in glm.ops if op.kind == "attention")
    assert (attention["heads"], attention["kv_heads"], attention["head_dim"]) == (32, 2, 128)
    assert held(glm, "kv_cache") == 28 * 2 * 64 * 2 * 128 * 2
    bitnet = load_graph("bitnet-0.73b", phase="decode", context=64)
    assert len([op for op in bitnet.ops if op.kind == "norm"]) == 4 * 24 + 1


def test_a_projected_embedding() -> None:
    graph = load_graph("opt-350m", phase="decode", context=64)
    by_name = {op.name: op for op in graph.ops}
    assert (by_name["project_in"]["k"], by_name["project_in"]["n"]) == (512, 1024)
    assert (by_name["project_out"]["k"], by_name["project_out"]["n"]) == (1024, 512)
    assert by_name["head"]["k"] == 512


MAMBA: dict[str, Any] = {
    "model_type": "mamba2", "hidden_size": 64, "num_hidden_layers": 2, "num_heads": 4, "head_dim": 32, "state_size": 16, "vocab_size": 100,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_heads": 5}, "expand x hidden_size"),
        ({"state_size": 0}, "positive whole"),
        ({"n_groups": 3}, "groups"),
        ({"head_dim": None}, "head_dim"),
    ],
)
def test_impossible_configurations_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({k: v for k, v in {**MAMBA, **change}.items() if v is not None}))
    with pytest.raises(InvalidTrace, match=message):
        load_graph(path)


def test_a_small_configuration_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(MAMBA))
    graph = load_graph(path, phase="decode", context=5)
    assert graph.meta["model"]["parameters"] == 100 * 64 + 64 + 2 * (64 * (128 + 160 + 4) + 5 * 160 + 3 * 4 + 128 + 128 * 64 + 64)
