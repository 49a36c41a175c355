"""Language models: parameter totals, MACs against closed formulas, context, families, refusals."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import InvalidTrace
from hwsim.core.resources import shipped
from hwsim.readers.huggingface import read_huggingface
from hwsim.readers.load import load_graph, trace_names

PARAMETERS = {
    "llama3-8b": 8.03e9,
    "llama2-7b": 6.74e9,
    "llama2-13b": 13.0e9,
    "codellama-34b": 33.7e9,
    "qwen2-72b": 72.7e9,
    "opt-6.7b": 6.66e9,
    "phi-3-mini": 3.82e9,
    "llama-3.2-1b": 1.236e9,
    "tinyllama-1.1b": 1.10e9,
    "llama3.1-8b": 8.03e9,
    "llama3.1-70b": 70.6e9,
    "llama3.1-405b": 406e9,
    "qwen3-8b": 8.19e9,
    "qwen3-32b": 32.8e9,
    "gpt3-175b": 175e9,
    "mistral-7b": 7.24e9,
    "mixtral-8x7b": 46.7e9,
    "gemma-2b": 2.51e9,
    "gemma2-9b": 9.24e9,
    "gpt2-345m": 0.355e9,
    "opt-350m": 0.331e9,
    "gpt-neox-20b": 20.55e9,
    "chatglm2-6b": 6.24e9,
    "bitnet-0.73b": 0.73e9,
    "mmfreelm-370m": 0.374e9,
    "mmfreelm-2.7b": 2.70e9,
    "mamba2-2.7b": 2.70e9,
    "qwen2-7b": 7.62e9,
    "qwen2-0.5b": 0.494e9,
    "opt-2.7b": 2.65e9,
    "gpt2": 0.124e9,
}


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_parameter_totals(name):
    assert load_graph(name, context=16).meta["model"]["parameters"] == pytest.approx(PARAMETERS[name], rel=0.01)


def test_every_shipped_config_has_a_published_total():
    configs = {p.parent.name for p in shipped("traces").glob("*/config.json")}
    assert configs == set(PARAMETERS)
    assert configs <= set(trace_names())


def llama_macs(model: dict[str, int], tokens: int, batch: int, pairs: int) -> int:
    """Closed formula: projections and gated feed-forward per token, two MACs per attended pair and head element, one head row per sequence."""
    d, wide, narrow = model["d_model"], model["heads"] * model["head_dim"], model["kv_heads"] * model["head_dim"]
    linear = 2 * d * wide + 2 * d * narrow + 3 * d * model["ffn"]
    return batch * (model["layers"] * (tokens * linear + 2 * pairs * wide) + d * model["vocab"])


@pytest.mark.parametrize("name", ["llama3-8b", "llama2-7b", "qwen2-72b", "phi-3-mini", "qwen3-8b", "llama-3.2-1b"])
@given(n=st.integers(1, 2000), batch=st.integers(1, 64))
def test_macs_of_prefill_and_decode(name, n, batch):
    decode = load_graph(name, phase="decode", context=n, batch=batch, layers=1)
    assert decode.macs == llama_macs(decode.meta["model"], 1, batch, n)
    prefill = load_graph(name, phase="prefill", prompt=n, batch=batch, layers=1)
    assert prefill.macs == llama_macs(prefill.meta["model"], n, batch, n * (n + 1) // 2)


def test_macs_of_the_whole_model():
    graph = load_graph("llama3-8b", phase="prefill", prompt=4096)
    assert graph.macs == llama_macs(graph.meta["model"], 4096, 1, 4096 * 4097 // 2)


@given(prompt=st.integers(1, 300), steps=st.integers(1, 300))
def test_generation_is_prefill_and_every_decode_step(prompt, steps):
    graph = load_graph("tinyllama-1.1b", phase="generate", prompt=prompt, generate=steps, layers=1)
    heads = [op for op in graph.ops if op.label == "head"]
    assert sum(op.repeat for op in heads if op.phase == "decode") == steps
    assert len(heads) - 1 == min(16, steps)
    model = graph.meta["model"]
    exact = llama_macs(model, prompt, 1, prompt * (prompt + 1) // 2) + sum(llama_macs(model, 1, 1, c) for c in range(prompt + 1, prompt + steps + 1))
    half = model["heads"] * model["head_dim"] * steps  # the middle of an even bucket is half a token off
    assert abs(graph.macs - exact) <= half
    if steps <= 16:
        assert graph.macs == exact


def test_stages_of_a_generation_are_a_chain_and_share_the_weights():
    graph = load_graph("tinyllama-1.1b", phase="generate", prompt=8, generate=40, layers=2)
    assert [op.phase for op in graph.ops] == sorted((op.phase for op in graph.ops), reverse=True)
    first = {op.name: i for i, op in enumerate(graph.ops)}
    assert graph.ops[graph.predecessors[first["decode.3.embed_tokens"]][0]].name == "decode.2.sample"
    assert graph.weight_bytes == load_graph("tinyllama-1.1b", context=8, layers=2).weight_bytes
    assert graph.ops[first["decode.0.layers.1.q_proj"]].inputs[1] == "layers.1.q_proj.weight"


def test_bytes_of_a_decode_step_are_weights_and_cache_once():
    graph = load_graph("llama2-7b", context=1000, batch=4)
    attention = next(op for op in graph.ops if op.label == "attention")
    cache = 2 * 4 * 1000 * 4096 * 2
    assert attention.input_bytes == cache + 4 * 4096 * 2  # every position once (the new one from the projections), and the queries
    table = 32000 * 4096 * 2
    assert sum(op.weight_bytes for op in graph.ops) == graph.weight_bytes - table + 4 * 4096 * 2
    caches = [t for t in graph.tensors.values() if t.role == "kv_cache"]
    assert len(caches) == 64
    assert {t.shape for t in caches} == {(4, 1000, 32, 128)}


def test_number_formats():
    graph = load_graph("llama2-7b", context=64, dtype="int8", weight_dtype="int4", kv_dtype="fp8", weight_density=0.5, layers=1)
    ops = {op.name: op for op in graph.ops}
    assert graph.tensors["layers.0.attention.key"].dtype == "fp8"
    assert ops["layers.0.q_proj"].weight_bytes == 4096 * 4096 / 2 / 2
    assert ops["head"].weight_density == 1
    assert (ops["layers.0.input_norm"].weight_dtype, ops["head"].weight_dtype) == ("int8", "int4")


@pytest.mark.parametrize("sizes", [{"phase": "decode", "context": 512}, {"phase": "prefill", "prompt": 512}])
def test_a_quantised_model_with_a_narrow_cache(sizes):
    graph = load_graph("llama-3.2-1b", dtype="fp32", weight_dtype="q8_0", kv_dtype="fp16", **sizes)
    gains = (2 * 16 + 1) * 2048
    assert graph.weight_bytes == (1235814400 - gains) * 34 / 32 + gains * 4
    assert graph.weight_bytes == pytest.approx(1.321e9, rel=0.01)  # the published file; its tied table is stored once
    ops = {op.name: op for op in graph.ops}
    assert ops["head"].weight_bytes == 128256 * 2048 * 34 / 32
    assert ops["embed_tokens"].weight_bytes == sizes.get("prompt", 1) * 2048 * 34 / 32
    caches = [t for t in graph.tensors.values() if t.role == "kv_cache"]
    assert sum(t.bytes for t in caches) == 16 * 2 * 512 * 8 * 64 * 2
    attention = ops["layers.0.attention"]
    read = 512 - sizes.get("prompt", 1)
    fresh = sizes.get("prompt", 1) * (2048 + 2 * 512) * 4  # queries and the new keys and values, not yet in the cache's format
    assert attention.input_bytes == 2 * read * 512 * 2 + fresh


def test_block_formats_are_refused_where_rows_are_not_whole_blocks(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({**LLAMA, "intermediate_size": 100}))
    with pytest.raises(InvalidTrace, match=r"'layers\.0\.down_proj': q8_0 stores blocks of 32, and a row of its weight holds 100"):
        load_graph(file, context=4, weight_dtype="q8_0")
    with pytest.raises(InvalidTrace, match="q4_0 is a format of stored weights and caches, not of activations"):
        load_graph("llama-3.2-1b", context=4, dtype="q4_0")
    assert load_graph("qwen2-72b", context=64, weight_dtype="q4_0", kv_dtype="q8_0", layers=1).weight_bytes > 0  # biases are no rows


def of_prefill(name, **options):
    graph = load_graph(name, layers=1, **options)
    return graph, {op.name.removeprefix("prefill."): op for op in graph.ops if op.phase == "prefill"}


@pytest.mark.parametrize(("logits", "count"), [("last", 1), ("half", 51), ("all", 101), (None, 1)])
@pytest.mark.parametrize("name", ["llama3-8b", "opt-350m", "gemma2-9b"])
def test_logits_of_a_prompt(name, logits, count):
    graph, ops = of_prefill(name, phase="prefill", prompt=101, batch=3, logits=logits)
    rows = 3 * count
    assert (ops["head"]["m"], graph.meta.get("logits", "last")) == (rows, logits or "last")
    if "final_norm" in ops:
        assert (ops["final_norm"]["rows"], ops["final_norm"]["source_rows"]) == (rows, 303 if count < 101 else 0)
    else:  # the norms of a post-norm model lie before the cut
        assert ops["project_out"]["m"] == rows
        assert [op["rows"] for op in ops.values() if op.label == "gather"] == ([rows] if count < 101 else [])
    if "soft_cap" in ops:
        assert ops["soft_cap"]["rows"] == rows
    plain = of_prefill(name, phase="prefill", prompt=101, batch=3)[0]
    width = ops["head"]["k"]
    projected = width * 1024 if name == "opt-350m" else 0
    assert graph.macs - plain.macs == 3 * (count - 1) * (width * ops["head"]["n"] + projected)


@pytest.mark.parametrize(("logits", "count"), [("last", 1), ("half", 4), ("all", 7)])
def test_a_generation_samples_from_the_last_token(logits, count):
    graph, ops = of_prefill("tinyllama-1.1b", phase="generate", prompt=7, generate=3, batch=2, logits=logits)
    assert (ops["head"]["m"], ops["sample"]["rows"]) == (2 * count, 2)
    assert ("last_logits" in ops) == (count > 1)
    assert {op["m"] for op in graph.ops if op.label == "head" and op.phase == "decode"} == {2}


def test_logits_of_a_decode_step():
    assert load_graph("llama3-8b", context=64, logits="all").key == load_graph("llama3-8b", context=64).key
    assert of_prefill("llama3-8b", phase="prefill", prompt=1, logits="half")[1]["head"]["m"] == 1


def test_labels_layers_and_names():
    graph = load_graph("llama3-8b", context=64)
    op = next(op for op in graph.ops if op.name == "layers.3.q_proj")
    assert (op.layer, op.label, op.phase) == (3, "q", "decode")
    labels = {"embedding", "norm", "q", "k", "v", "rope", "attention", "o", "add", "gate", "up", "silu_mul", "down", "head"}
    assert {op.label for op in graph.ops} == labels
    assert len(graph.unique[0]) <= 16
    assert {"qkv", "gate_up"} <= {op.label for op in load_graph("phi-3-mini", context=64).ops}
    assert {"router", "dispatch", "combine"} <= {op.label for op in load_graph("mixtral-8x7b", context=64).ops}
    assert graph.meta["trace"] == "llama3-8b"


def test_head_sees_the_last_token_only():
    for name in ("llama3-8b", "opt-350m", "gpt2-345m", "gemma2-9b"):
        graph = load_graph(name, phase="prefill", prompt=100, batch=3, layers=1)
        head = next(op for op in graph.ops if op.name == "head")
        assert head["m"] == 3


def test_sliding_windows():
    inside, outside = (load_graph("mistral-7b", context=c, layers=1) for c in (4096, 20000))
    full = next(op for op in inside.ops if op.kind == "attention")
    cut = next(op for op in outside.ops if op.kind == "attention")
    assert full.macs == cut.macs
    assert cut.input_bytes == full.input_bytes
    layers = [op for op in load_graph("gemma2-9b", context=8000, layers=4).ops if op.kind == "attention"]
    assert [op["window"] for op in layers] == [4096, 0, 4096, 0]


@given(batch=st.integers(1, 300))
def test_experts_hold_every_token(batch):
    graph = load_graph("mixtral-8x7b", context=16, batch=batch, layers=1)
    gate = next(op for op in graph.ops if op.label == "gate")
    slots = 2 * batch
    assert gate["pool"] == 8
    assert slots <= gate["batch"] * gate["m"] < slots + gate["batch"]
    assert gate["batch"] == (2 if batch == 1 else min(8, gate["batch"]))
    assert gate["batch"] <= min(8, slots)
    assert math.isclose(gate.weight_bytes, gate["batch"] * 4096 * 14336 * 2)


def test_defaults_and_maximum():
    assert load_graph("llama3-8b").meta["context"] == 4096
    assert load_graph("tinyllama-1.1b").meta["context"] == 2048
    assert load_graph("llama3-8b", context=9000, max_context=16384).meta["context"] == 9000
    assert load_graph("opt-6.7b", context=3000, max_context=4096).tensors["embed_positions.weight"].shape == (4096, 4096)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"context": 9000}, "9000 positions exceed the model's 8192 (max_position_embeddings)"),
        ({"phase": "prefil"}, "did you mean prefill?"),
        ({"phase": "prefill"}, "phase prefill needs prompt"),
        ({"phase": "generate", "prompt": 3}, "phase generate needs generate"),
        ({"phase": "generate", "prompt": 8000, "generate": 193}, "8193 positions exceed"),
        ({"contxt": 3}, "no option 'contxt' (did you mean context"),
        ({"context": 0}, "context must be a positive whole number"),
        ({"batch": -1}, "batch must be"),
        ({"batch": True}, "batch must be"),
        ({"batch": 1.5}, "batch must be"),
        ({"layers": 33}, "layers 33 exceeds the model's 32"),
        ({"prompt": 5}, "prompt has no meaning in phase decode"),
        ({"dtype": "fp17"}, "unknown dtype 'fp17'"),
        ({"kv_dtype": "x"}, "unknown dtype"),
        ({"logits": "half"}, "logits half (of the prompt tokens) has no meaning in phase decode"),
        ({"logits": "al"}, "unknown logits 'al' (did you mean all"),
        ({"logits": True, "phase": "prefill", "prompt": 4}, "unknown logits 'True'"),
        ({"weight_density": 0}, "weight_density must be in"),
        ({"weight_density": 1.1}, "weight_density must be in"),
        ({"weight_density": "a"}, "weight_density must be in"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(InvalidTrace) as raised:
        load_graph("llama3-8b", **options)
    assert message in str(raised.value)


LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 100,
    "max_position_embeddings": 256,
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "lama"}, "architecture 'lama' is not read; supported: llama, mistral"),
        ({"model_type": None}, "supported: llama"),
        ({"hidden_size": None}, "the config states no 'hidden_size'"),
        ({"hidden_size": 65}, "65 is no multiple of the 4 attention heads"),
        ({"num_key_value_heads": 3}, "3 does not divide the 4 attention heads"),
        ({"vocab_size": "x"}, "vocab_size: must be a positive whole number"),
        ({"hidden_act": "tanhh"}, "hidden_act: 'tanhh' is none of silu"),
        ({"tie_word_embeddings": 1}, "must be true or false"),
        ({"model_type": "mixtral", "num_local_experts": 2, "num_experts_per_tok": 3}, "3 exceeds the 2 experts"),
        ({"model_type": "qwen3"}, "states no 'head_dim'"),
        ({"num_hidden_layers": 0}, "num_hidden_layers: must be a positive"),
    ],
)
def test_bad_configs_name_file_and_key(tmp_path, change, message):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({k: v for k, v in {**LLAMA, **change}.items() if v is not None}, indent=1))
    with pytest.raises(InvalidTrace) as raised:
        read_huggingface(file, context=4)
    assert message in str(raised.value)
    assert str(raised.value).startswith(str(file))


def test_attention_and_mlp_biases(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({**LLAMA, "attention_bias": True, "mlp_bias": True}))
    graph = read_huggingface(file, "tiny", context=4)
    assert sum(name.endswith(".bias") for name in graph.tensors) == 2 * 7
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "config.json").write_text("[]")
    with pytest.raises(InvalidTrace, match="a mapping of keys"):
        read_huggingface(tmp_path / "list" / "config.json")
