"""Hugging Face ``config.json`` of decoder-only language models -> `Decoder` -> Graph.

Read are llama, mistral (sliding window), mixtral (mixture of experts), qwen2, qwen3, phi3, opt, gemma, gemma2, gpt2, gpt_neox, chatglm, bitnet,
and two whose layers are recurrences: hgrn_bit (the MatMul-free language models) and mamba2. Rotary positions are counted on all of head_dim,
whatever fraction a family rotates; the soft cap of gemma2's attention scores is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from hwsim.core.dtype import dtype as number_format
from hwsim.core.errors import InvalidTrace, nearest
from hwsim.core.graph import Graph
from hwsim.readers.decoder import LOGITS, PHASES, Decoder, Request, decoder_graph
from hwsim.readers.yaml_file import Document, changed_at, load_json

__all__ = ["read_decoder", "read_huggingface"]

OPTIONS = (*(f.name for f in fields(Request)), "layers", "max_context")
DEFAULT_CONTEXT = 4096
UNBOUNDED = 1 << 30  # positions of a recurrence, which has no table of them


class _Config:
    """A config.json, with errors that name the file and the key."""

    def __init__(self, document: Document) -> None:
        if not isinstance(document.data, dict):
            raise document.fail(InvalidTrace, (), "a config.json holds a mapping of keys")
        self.document, self.data = document, document.data

    def fail(self, key: str, problem: str) -> InvalidTrace:
        """Return the error for one key."""
        return InvalidTrace(problem, location=self.document.location((key,)))

    def count(self, key: str, default: int | None = None) -> int:
        """Return a positive whole number. Raises `InvalidTrace` when it is missing (without default) or something else."""
        value = self.data.get(key)
        if value is None:
            if default is None:
                near = nearest(key, self.data)
                raise self.fail(key, f"the config states no '{key}'{near}")
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.fail(key, f"must be a positive whole number, got {value!r}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Return a switch."""
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, f"must be true or false, got {value!r}")
        return value

    def word(self, key: str, default: str, known: Mapping[str, str]) -> str:
        """Return the translation of a word. Raises `InvalidTrace` for an unknown one."""
        value = self.data.get(key) or default
        if value not in known:
            raise self.fail(key, f"'{value}' is none of {', '.join(known)}")
        return known[value]


_GATED = {"silu": "silu_mul", "swish": "silu_mul", "gelu": "gelu_mul", "gelu_pytorch_tanh": "gelu_mul"}
_PLAIN = {"relu": "relu", "gelu": "gelu", "gelu_new": "gelu", "gelu_fast": "gelu", "silu": "silu"}


def _llama(c: _Config, family: str) -> Decoder:
    heads, d_model = c.count("num_attention_heads"), c.count("hidden_size")
    bias = c.flag("attention_bias", False)
    return Decoder(
        family, c.count("num_hidden_layers"), d_model, c.count("intermediate_size"), heads, c.count("num_key_value_heads", heads),
        c.count("head_dim", max(1, d_model // heads)), c.count("vocab_size"), c.count("max_position_embeddings"),
        c.flag("tie_word_embeddings", False), activation=c.word("hidden_act", "silu", _GATED),
        qkv_bias=bias, out_bias=bias, ffn_bias=c.flag("mlp_bias", False),
    )  # fmt: skip


def _mistral(c: _Config, family: str) -> Decoder:
    return replace(_llama(c, family), windows=(c.count("sliding_window", 0),))


def _mixtral(c: _Config, family: str) -> Decoder:
    experts, top = c.count("num_local_experts"), c.count("num_experts_per_tok")
    if top > experts:
        raise c.fail("num_experts_per_tok", f"{top} exceeds the {experts} experts")
    return replace(_mistral(c, family), experts=experts, experts_per_token=top)


def _qwen2(c: _Config, family: str) -> Decoder:
    return replace(_llama(c, family), qkv_bias=True, out_bias=False)


def _qwen3(c: _Config, family: str) -> Decoder:
    c.count("head_dim")
    return replace(_llama(c, family), qk_norm=True)


def _phi3(c: _Config, family: str) -> Decoder:
    return replace(_mistral(c, family), fused_qkv=True, fused_gate_up=True)


def _gemma(c: _Config, family: str) -> Decoder:
    c.count("head_dim")
    model = _llama(_Config(replace(c.document, data={"hidden_act": c.data.get("hidden_activation") or "gelu_pytorch_tanh", **c.data})), family)
    return replace(model, scaled_embedding=True, tied=c.flag("tie_word_embeddings", True))


def _gemma2(c: _Config, family: str) -> Decoder:
    capped = c.data.get("final_logit_softcapping") is not None
    return replace(_gemma(c, family), post_norms=True, soft_cap=capped, windows=(c.count("sliding_window"), 0))


def _opt(c: _Config, family: str) -> Decoder:
    heads, d_model, context = c.count("num_attention_heads"), c.count("hidden_size"), c.count("max_position_embeddings")
    width, bias = c.count("word_embed_proj_dim", d_model), c.flag("enable_bias", True)
    return Decoder(
        family, c.count("num_hidden_layers"), d_model, c.count("ffn_dim"), heads, heads, d_model // heads, c.count("vocab_size"), context,
        c.flag("tie_word_embeddings", True), norm="layer", activation=c.word("activation_function", "relu", _PLAIN), rope=False,
        qkv_bias=bias, out_bias=bias, ffn_bias=bias, positions=context + 2, embedding=width if width != d_model else 0,
        norm_after=not c.flag("do_layer_norm_before", True),
    )  # fmt: skip


def _gpt2(c: _Config, family: str) -> Decoder:
    heads, d_model, context = c.count("n_head"), c.count("n_embd"), c.count("n_positions")
    return Decoder(
        family, c.count("n_layer"), d_model, c.count("n_inner", 4 * d_model), heads, heads, d_model // heads, c.count("vocab_size"), context,
        c.flag("tie_word_embeddings", True), norm="layer", activation=c.word("activation_function", "gelu_new", _PLAIN), rope=False,
        qkv_bias=True, out_bias=True, ffn_bias=True, fused_qkv=True, positions=context,
    )  # fmt: skip


def _gpt_neox(c: _Config, family: str) -> Decoder:
    heads, d_model = c.count("num_attention_heads"), c.count("hidden_size")
    return Decoder(
        family, c.count("num_hidden_layers"), d_model, c.count("intermediate_size"), heads, heads, d_model // heads, c.count("vocab_size"),
        c.count("max_position_embeddings"), c.flag("tie_word_embeddings", False), norm="layer",
        activation=c.word("hidden_act", "gelu", _PLAIN), qkv_bias=True, out_bias=True, ffn_bias=True, fused_qkv=True,
        parallel=c.flag("use_parallel_residual", True),
    )  # fmt: skip


def _chatglm(c: _Config, family: str) -> Decoder:
    heads, d_model, bias = c.count("num_attention_heads"), c.count("hidden_size"), c.flag("add_bias_linear", False)
    kv_heads = c.count("multi_query_group_num") if c.flag("multi_query_attention", False) else heads
    return Decoder(
        family, c.count("num_layers"), d_model, c.count("ffn_hidden_size"), heads, kv_heads, c.count("kv_channels", max(1, d_model // heads)),
        c.count("padded_vocab_size"), c.count("seq_length"), c.flag("tie_word_embeddings", False), norm="rms" if c.flag("rmsnorm", True) else "layer",
        qkv_bias=bias or c.flag("add_qkv_bias", False), out_bias=bias, ffn_bias=bias, fused_qkv=True, fused_gate_up=True,
    )  # fmt: skip


def _bitnet(c: _Config, family: str) -> Decoder:
    return replace(_llama(c, family), sub_norms=True)


def _hgrn(c: _Config, family: str) -> Decoder:
    """Its feed-forward width, where not stated, is hidden_ratio x 2/3 of the model's, rounded up to a multiple of 256."""
    d_model = c.count("hidden_size")
    ffn = c.count("intermediate_size", -(-(d_model * c.count("hidden_ratio", 4) * 2 // 3) // 256) * 256)
    wide, heads = d_model * c.count("expand_ratio", 1), c.count("num_heads", 1)
    return Decoder(
        family, c.count("num_hidden_layers"), d_model, ffn, heads, heads, wide // heads, c.count("vocab_size"), UNBOUNDED,
        c.flag("tie_word_embeddings", False), activation=c.word("hidden_act", "swish", _GATED), rope=False, fused_gate_up=True, mixer="hgrn", state=1,
    )  # fmt: skip


def _mamba2(c: _Config, family: str) -> Decoder:
    d_model, heads, head_dim, groups = c.count("hidden_size"), c.count("num_heads"), c.count("head_dim"), c.count("n_groups", 1)
    if heads * head_dim != d_model * c.count("expand", 2):
        raise c.fail("num_heads", f"{heads} heads of {head_dim} are not expand x hidden_size ({c.count('expand', 2)} x {d_model})")
    return Decoder(
        family, c.count("num_hidden_layers"), d_model, 0, heads, heads, head_dim, c.count("vocab_size"), UNBOUNDED,
        c.flag("tie_word_embeddings", True), rope=False, mixer="mamba2", state=c.count("state_size"), groups=groups, conv=c.count("conv_kernel", 4),
    )  # fmt: skip


FAMILIES: dict[str, Callable[[_Config, str], Decoder]] = {
    "llama": _llama, "mistral": _mistral, "mixtral": _mixtral, "qwen2": _qwen2, "qwen3": _qwen3, "phi3": _phi3, "opt": _opt,
    "gemma": _gemma, "gemma2": _gemma2, "gpt2": _gpt2, "gpt_neox": _gpt_neox, "chatglm": _chatglm, "bitnet": _bitnet, "hgrn_bit": _hgrn,
    "mamba2": _mamba2,
}  # fmt: skip


@lru_cache(maxsize=64)
def _decoder(path: str, stamp: int) -> Decoder:
    config = _Config(load_json(path, InvalidTrace))
    family = config.data.get("model_type")
    if not isinstance(family, str) or family not in FAMILIES:
        raise config.fail("model_type", f"architecture {family!r} is not read; supported: {', '.join(FAMILIES)}{nearest(str(family), FAMILIES)}")
    model = FAMILIES[family](config, family)
    if model.heads % model.kv_heads:
        raise config.fail("num_key_value_heads", f"{model.kv_heads} does not divide the {model.heads} attention heads")
    if "head_dim" not in config.data and model.d_model % model.heads:
        raise config.fail("hidden_size", f"{model.d_model} is no multiple of the {model.heads} attention heads (state head_dim)")
    return model


def read_decoder(path: str | Path) -> Decoder:
    """Return the architecture that a config.json states; an unchanged file is read once.

    Raises `InvalidTrace` with file, line and key: a missing or impossible figure, or an architecture that is not supported.

    >>> from hwsim.core.resources import shipped
    >>> read_decoder(shipped("traces") / "llama3-8b" / "config.json").layers
    32
    """
    where = Path(path)
    return _decoder(str(where), changed_at(where))


def read_huggingface(path: str | Path, trace: str = "", **options: Any) -> Graph:
    """Return the graph of a model run as the options say.

    `phase` is ``prefill`` (needs `prompt`), ``decode`` (one token whose KV length is `context`, itself included; default phase, default context
    4096 or the model's maximum) or ``generate`` (needs `prompt` and `generate`: that many decode steps after the prefill). Further options:
    `batch`, `dtype` (default fp16), `weight_dtype`, `kv_dtype` (default dtype), `weight_density` in (0, 1], `layers` (only so many), and
    `max_context` (positions allowed, against the published maximum) and `logits`: the prompt tokens that the output head works on,
    ``last`` (default), ``half`` (the second half, as a perplexity run does) or ``all``. An option of None counts as absent. Raises `InvalidTrace`.

    >>> from hwsim.core.resources import shipped
    >>> read_huggingface(shipped("traces") / "llama3-8b" / "config.json", phase="prefill", prompt=128).phase
    'prefill'
    """
    given = {key: value for key, value in options.items() if value is not None}
    name = trace or Path(path).resolve().parent.name
    unknown = [key for key in given if key not in OPTIONS]
    if unknown:
        raise InvalidTrace(f"trace '{name}' has no option '{unknown[0]}'{nearest(unknown[0], OPTIONS)}; it has {', '.join(OPTIONS)}")
    for key in ("prompt", "context", "generate", "batch", "layers", "max_context"):
        if key in given and (isinstance(given[key], bool) or not isinstance(given[key], int) or given[key] < 1):
            raise InvalidTrace(f"trace '{name}': {key} must be a positive whole number, got {given[key]!r}")
    model = read_decoder(path)
    layers, most = given.pop("layers", model.layers), given.pop("max_context", model.max_context)
    if layers > model.layers:
        raise InvalidTrace(f"trace '{name}': layers {layers} exceeds the model's {model.layers}")
    model = replace(model, layers=layers, max_context=most, positions=max(model.positions, most) if model.positions else 0)
    return decoder_graph(model, _request(name, model, given), name)


def _request(name: str, model: Decoder, given: dict[str, Any]) -> Request:
    phase = given.setdefault("phase", "decode")
    if phase not in PHASES:
        raise InvalidTrace(f"trace '{name}': unknown phase '{phase}'{nearest(str(phase), PHASES)}; phases: {', '.join(PHASES)}")
    if phase == "decode":
        given.setdefault("context", min(DEFAULT_CONTEXT, model.max_context))
    needs = {"prefill": ("prompt",), "decode": ("context",), "generate": ("prompt", "generate")}[phase]
    for key in ("prompt", "context", "generate"):
        if key in needs and key not in given:
            raise InvalidTrace(f"trace '{name}': phase {phase} needs {key} (tokens)")
        if key in given and key not in needs:
            raise InvalidTrace(f"trace '{name}': {key} has no meaning in phase {phase}, which takes {' and '.join(needs)}")
    logits = given.get("logits", "last")
    if logits not in LOGITS:
        raise InvalidTrace(f"trace '{name}': unknown logits '{logits}'{nearest(str(logits), LOGITS)}; it is one of {', '.join(LOGITS)}")
    if phase == "decode":
        if logits == "half":
            raise InvalidTrace(f"trace '{name}': logits half (of the prompt tokens) has no meaning in phase decode, which has one token")
        given["logits"] = "last"  # all of one token
    for key in ("dtype", "weight_dtype", "kv_dtype"):
        if key in given:
            given[key] = number_format(str(given[key])).name
    density = given.get("weight_density", 1.0)
    if isinstance(density, bool) or not isinstance(density, int | float) or not 0 < density <= 1:
        raise InvalidTrace(f"trace '{name}': weight_density must be in (0, 1], got {density!r}")
    return Request(**{**given, "weight_density": float(density)})
