"""Decoder-only language models: a `Decoder` (the architecture's figures) and a `Request` (what is run) -> Graph.

One pass of the model is a *stage*: the prefill of a prompt, or one decode step. ``prefill`` and ``decode`` graphs hold one stage; a ``generate``
graph holds the prefill and then decode stages in at most 16 buckets of context (`Op.repeat` steps each, at the middle context of the bucket),
chained through the sampled token (``sample``, a top-1 over the logits); their names start with ``prefill.``, ``decode.0.``...

The output head of a prefill works on the last token of each prompt, on the second half of its tokens (as a perplexity run does; the longer half of
an odd prompt) or on all (`Request.logits`), and the final norm with it. A generation samples from the last token's logits.

Keys and values: the cache tensors ``layers.3.attention.key`` and ``.value`` have shape (batch, context, kv_heads, head_dim), the tokens of this
stage included. The new tokens' keys and values reach the attention as operands of their own (``new_key``, ``new_value``, or inside the fused
query), so it reads ``context - new`` positions from the cache, and the append is the projection's own output written once.

Mixture of experts: tokens are spread evenly over the expected number of distinct experts, experts x (1 - (1 - top / experts)^rows); the rows per
expert are rounded up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import Graph, Tensor
from hwsim.core.op import Op
from hwsim.readers import recurrent

BUCKETS = 16
PHASES = ("prefill", "decode", "generate")
LOGITS = ("last", "half", "all")


@dataclass(frozen=True)
class Decoder:
    """Architecture of a decoder-only model. Sizes in elements; `windows` are the sliding windows of the layers in turn, 0 = full attention.

    `activation` names the elementwise function of the feed-forward block (``silu_mul`` and ``gelu_mul`` are gated). `positions` > 0 is the
    size of a learned position table; `embedding` the width of the token embedding where it differs from `d_model`. `sub_norms` are norms before the
    output and down projections. `mixer` is ``attention``, or a recurrence of `hwsim.readers.recurrent`: ``hgrn`` or ``mamba2`` (`state` elements per
    channel, `groups` of B and C, a causal convolution of `conv` tokens); `ffn` 0 = no feed-forward block.
    """

    family: str
    layers: int
    d_model: int
    ffn: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    max_context: int
    tied: bool
    norm: str = "rms"
    activation: str = "silu_mul"
    rope: bool = True
    qkv_bias: bool = False
    out_bias: bool = False
    ffn_bias: bool = False
    fused_qkv: bool = False
    fused_gate_up: bool = False
    qk_norm: bool = False
    post_norms: bool = False
    norm_after: bool = False
    parallel: bool = False
    scaled_embedding: bool = False
    soft_cap: bool = False
    positions: int = 0
    embedding: int = 0
    experts: int = 0
    experts_per_token: int = 0
    windows: tuple[int, ...] = (0,)
    sub_norms: bool = False
    mixer: str = "attention"
    state: int = 0
    groups: int = 1
    conv: int = 0

    @property
    def gated(self) -> bool:
        """True for SwiGLU and GeGLU blocks."""
        return self.activation.endswith("_mul")


@dataclass(frozen=True)
class Request:
    """What is run: `phase` and its sizes in tokens, `batch` sequences, the number formats, and `logits`, the prompt tokens that the head works on.

    `weight_dtype` holds for all weight matrices (embedding and head too; norms keep `dtype`), `weight_density` for those of the layers.
    """

    phase: str
    batch: int = 1
    prompt: int = 0
    context: int = 0
    generate: int = 0
    dtype: str = "fp16"
    weight_dtype: str = ""
    weight_density: float = 1.0
    kv_dtype: str = ""
    logits: str = "last"

    def headed(self, new: int) -> int:
        """Tokens of each sequence that the output head works on, of the `new` ones of a stage."""
        return {"last": 1, "half": new - new // 2, "all": new}[self.logits]

    def stages(self) -> list[tuple[str, str, int, int, int]]:
        """(name prefix, phase, new tokens, context, repeats) of every stage, in order."""
        if self.phase == "prefill":
            return [("", "prefill", self.prompt, self.prompt, 1)]
        if self.phase == "decode":
            return [("", "decode", 1, self.context, 1)]
        count = min(BUCKETS, self.generate)
        edges = [self.prompt + self.generate * i // count for i in range(count + 1)]
        steps = [(f"decode.{i}.", "decode", 1, (lo + hi + 2) // 2, hi - lo) for i, (lo, hi) in enumerate(pairwise(edges))]
        return [("prefill.", "prefill", self.prompt, self.prompt, 1), *steps]

    @property
    def last_context(self) -> int:
        """Positions held at the end."""
        return {"prefill": self.prompt, "decode": self.context, "generate": self.prompt + self.generate}[self.phase]


def decoder_graph(model: Decoder, request: Request, trace: str = "decoder") -> Graph:
    """Return the operator graph of a request to a model. O(layers x stages).

    `meta` states trace, phase, batch, the sizes asked for, the number formats, and `model`, a plain dict of the architecture with the number of
    parameters in the graph. Raises `InvalidTrace` when more positions are asked for than the model has.
    """
    if request.last_context > model.max_context:
        raise InvalidTrace(
            f"{trace}: {request.last_context} positions exceed the model's {model.max_context} (max_position_embeddings); "
            "ask for fewer, or state max_context=... if it runs with scaled positions"
        )
    made = _Made()
    ids = ""
    for prefix, phase, new, context, repeat in request.stages():
        stage = _Stage(model, request, made, prefix, phase, new, context, repeat)
        ids = stage.emit(ids)
    parameters = sum(t.elements for t in made.tensors.values() if t.role == "weight")
    facts = {
        "layers": model.layers, "d_model": model.d_model, "ffn": model.ffn, "heads": model.heads, "kv_heads": model.kv_heads,
        "head_dim": model.head_dim, "vocab": model.vocab, "tied": model.tied, "experts": model.experts,
        "experts_per_token": model.experts_per_token, "max_context": model.max_context, "family": model.family, "parameters": parameters,
        **({"mixer": model.mixer, "state": model.state} if model.mixer != "attention" else {}),
    }  # fmt: skip
    sizes = {k: v for k in ("prompt", "context", "generate") if (v := getattr(request, k))}
    formats = {"dtype": request.dtype, "weight_dtype": request.weight_dtype or request.dtype, "kv_dtype": request.kv_dtype or request.dtype}
    meta: dict[str, Any] = {"trace": trace, "phase": request.phase, "batch": request.batch, **sizes, **formats}
    if request.weight_density != 1:
        meta["weight_density"] = request.weight_density
    if request.logits != "last":
        meta["logits"] = request.logits
    return Graph(tuple(made.ops), made.tensors, {**meta, "model": facts})


@dataclass
class _Made:
    """Operators and tensors so far."""

    ops: list[Op] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)


class _Stage:
    """Emits one pass of the model. Layers of one kind are built once; the others are twins under other names."""

    def __init__(self, model: Decoder, request: Request, made: _Made, prefix: str, phase: str, new: int, context: int, repeat: int) -> None:
        self.model, self.request, self.made, self.prefix = model, request, made, prefix
        self.new, self.context, self.rows = new, context, request.batch * new
        self.common: dict[str, Any] = {"dtype": request.dtype, "phase": phase, "repeat": repeat}
        self.weights = request.weight_dtype or request.dtype
        self.layer: int | None = None

    def emit(self, ids: str) -> str:
        """Emit the pass that reads the tokens `ids` (an input when empty); return the sampled tokens of a generation."""
        m = self.model
        x = self.embed(ids)
        templates: dict[int, tuple[int, str, int, int]] = {}
        for i in range(m.layers):
            window = m.windows[i % len(m.windows)]
            if window in templates:
                x = self.repeat_layer(i, x, *templates[window])
            else:
                first, carry = len(self.made.ops), x
                self.layer = i
                x = self.emit_layer(f"layers.{i}.", x, window)
                templates[window] = (i, carry, first, len(self.made.ops))
        self.layer = None
        batch = self.request.batch
        rows = batch * self.request.headed(self.new)
        if m.norm_after and rows < self.rows:
            x = self.gather("last_token" if rows == batch else "last_tokens", x, rows, self.rows, m.d_model)
        elif not m.norm_after:
            x = self.norm("final_norm", x, rows, m.d_model, source_rows=self.rows if rows < self.rows else 0)
        if m.embedding:
            x = self.linear("project_out", x, m.d_model, m.embedding, "head", rows=rows)
        width = m.embedding or m.d_model
        shared = ["embed_tokens.weight"] if m.tied else []
        x = self.op("matmul", "head", [x, *shared], label="head", weight_dtype=self.weights, m=rows, k=width, n=m.vocab)
        if m.soft_cap:
            x = self.op("elementwise", "soft_cap", [x], label="softcap", function="tanh", rows=rows, cols=m.vocab)
        if self.request.phase != "generate":
            return ""
        if rows > batch:
            x = self.gather("last_logits", x, batch, rows, m.vocab)
        return self.op("topk", "sample", [x], label="sample", out_dtype="int32", rows=batch, cols=m.vocab, top=1)

    def embed(self, ids: str) -> str:
        """Token embedding, and learned positions where the family has them."""
        m = self.model
        sizes: dict[str, Any] = {"label": "embedding", "rows": self.rows}
        width = m.embedding or m.d_model
        x = self.op("embedding", "embed_tokens", [ids] if ids else [], weight_dtype=self.weights, vocab=m.vocab, cols=width, **sizes)
        if m.embedding:
            x = self.linear("project_in", x, width, m.d_model, "embedding")
        if m.scaled_embedding:
            x = self.op("elementwise", "embed_scale", [x], function="scale", cols=width, **sizes)
        if m.positions:
            p = self.op("embedding", "embed_positions", [], weight_dtype=self.weights, vocab=m.positions, cols=m.d_model, **sizes)
            x = self.add("embed_add", x, p)
        return x

    def emit_layer(self, at: str, x: str, window: int) -> str:
        """One decoder layer on the residual stream `x`; returns the stream after it."""
        m = self.model
        if m.norm_after:
            x = self.norm(f"{at}attention_norm", self.add(f"{at}attention_add", x, self.attention(at, x, window)), self.rows, m.d_model)
            return self.norm(f"{at}ffn_norm", self.add(f"{at}ffn_add", x, self.feed_forward(at, x)), self.rows, m.d_model)
        y = self.attention(at, self.norm(f"{at}input_norm", x, self.rows, m.d_model), window)
        if m.post_norms:
            y = self.norm(f"{at}attention_post_norm", y, self.rows, m.d_model)
        if m.parallel:
            z = self.feed_forward(at, self.norm(f"{at}ffn_norm", x, self.rows, m.d_model))
            return self.add(f"{at}ffn_add", self.add(f"{at}attention_add", x, y), z)
        x = self.add(f"{at}attention_add", x, y)
        if not m.ffn:
            return x
        y = self.feed_forward(at, self.norm(f"{at}ffn_norm", x, self.rows, m.d_model))
        if m.post_norms:
            y = self.norm(f"{at}ffn_post_norm", y, self.rows, m.d_model)
        return self.add(f"{at}ffn_add", x, y)

    def attention(self, at: str, x: str, window: int) -> str:
        """Projections, rotation, attention over the cache, output projection."""
        m, r = self.model, self.request
        if m.mixer != "attention":
            return recurrent.MIXERS[m.mixer](self, at, x)
        wide, narrow = m.heads * m.head_dim, m.kv_heads * m.head_dim
        if m.fused_qkv:
            inputs = [self.linear(f"{at}qkv_proj", x, m.d_model, wide + 2 * narrow, "qkv", bias=m.qkv_bias)]
            if m.rope:
                inputs = [self.rope(f"{at}rope", inputs[0], m.heads + m.kv_heads, m.kv_heads)]
        else:
            q = self.linear(f"{at}q_proj", x, m.d_model, wide, "q", bias=m.qkv_bias)
            k = self.linear(f"{at}k_proj", x, m.d_model, narrow, "k", bias=m.qkv_bias)
            v = self.linear(f"{at}v_proj", x, m.d_model, narrow, "v", bias=m.qkv_bias)
            if m.qk_norm:
                q = self.norm(f"{at}q_norm", q, self.rows * m.heads, m.head_dim)
                k = self.norm(f"{at}k_norm", k, self.rows * m.kv_heads, m.head_dim)
            if m.rope:
                q, k = self.rope(f"{at}rope_q", q, m.heads), self.rope(f"{at}rope_k", k, m.kv_heads)
            inputs = [q, "", "", k, v]
        sizes: dict[str, Any] = {
            "batch": r.batch, "heads": m.heads, "kv_heads": m.kv_heads, "q": self.new, "kv": self.context, "head_dim": m.head_dim,
            "new": self.new, "fused": int(m.fused_qkv), "causal": int(self.new > 1), "window": window if window < self.context else 0,
        }  # fmt: skip
        attrs = {"kv_dtype": r.kv_dtype} if r.kv_dtype and r.kv_dtype != r.dtype else {}
        y = self.op("attention", f"{at}attention", inputs, label="attention", operand_role="kv_cache", attrs=attrs, **sizes)
        if m.sub_norms:
            y = self.norm(f"{at}attention_sub_norm", y, self.rows, wide)
        return self.linear(f"{at}o_proj", y, wide, m.d_model, "o", bias=m.out_bias)

    def feed_forward(self, at: str, x: str) -> str:
        """The feed-forward block, dense or a mixture of experts."""
        m = self.model
        if not m.experts:
            return self.dense(at, x, self.rows, {})
        top, slots = m.experts_per_token, self.rows * m.experts_per_token
        active = min(m.experts, slots, max(top, round(m.experts * (1 - (1 - top / m.experts) ** self.rows))))
        each = math.ceil(slots / active)
        padded = {"slots": active * each if active * each != slots else 0}
        scores = self.op("matmul", f"{at}router", [x], label="router", weight_dtype=self.weights, m=self.rows, k=m.d_model, n=m.experts)
        choice = self.op("moe_routing", f"{at}routing", [scores], label="router", rows=self.rows, experts=m.experts, top=top)
        sizes: dict[str, Any] = {"rows": self.rows, "cols": m.d_model, "top": top, **padded}
        x = self.op("moe_dispatch", f"{at}dispatch", [x, choice], label="dispatch", **sizes)
        x = self.dense(at, x, active * each, {"batch": active, "rows": each, "pool": m.experts})
        return self.op("moe_combine", f"{at}combine", [x, choice], label="combine", **sizes)

    def dense(self, at: str, x: str, rows: int, experts: dict[str, int]) -> str:
        """Gate, up, activation and down projections on `rows` rows; `experts` splits the projections over experts."""
        m = self.model
        more: dict[str, Any] = {**experts, "bias": m.ffn_bias}
        act: dict[str, Any] = {"label": m.activation, "function": m.activation, "rows": rows, "cols": m.ffn}
        if m.gated and m.fused_gate_up:
            x = self.linear(f"{at}gate_up_proj", x, m.d_model, 2 * m.ffn, "gate_up", **more)
            x = self.op("elementwise", f"{at}{m.activation}", [x], operands=2, fused=1, **act)
        elif m.gated:
            gate = self.linear(f"{at}gate_proj", x, m.d_model, m.ffn, "gate", **more)
            up = self.linear(f"{at}up_proj", x, m.d_model, m.ffn, "up", **more)
            x = self.op("elementwise", f"{at}{m.activation}", [gate, up], operands=2, **act)
        else:
            x = self.linear(f"{at}up_proj", x, m.d_model, m.ffn, "up", **more)
            x = self.op("elementwise", f"{at}{m.activation}", [x], **act)
        if m.sub_norms:
            x = self.norm(f"{at}ffn_sub_norm", x, rows, m.ffn)
        return self.linear(f"{at}down_proj", x, m.ffn, m.d_model, "down", **more)

    def linear(self, name: str, x: str, k: int, n: int, label: str, *, rows: int = 0, bias: bool = False, **more: Any) -> str:
        """A projection with weights."""
        density = self.request.weight_density if self.layer is not None else 1.0
        return self.op("matmul", name, [x], label=label, weight_dtype=self.weights, weight_density=density, m=rows or self.rows, k=k, n=n,
                       bias=int(bias), **more)  # fmt: skip

    def norm(self, name: str, x: str, rows: int, cols: int, source_rows: int = 0) -> str:
        """An RMS norm (gain) or layer norm (gain and offset)."""
        weights = 2 if self.model.norm == "layer" else 1
        return self.op("norm", name, [x], label="norm", function=self.model.norm, rows=rows, cols=cols, weights=weights, source_rows=source_rows)

    def gather(self, name: str, x: str, rows: int, source_rows: int, cols: int) -> str:
        """A copy of `rows` of the `source_rows` rows of `x`."""
        return self.op("embedding", name, ["", x], label="gather", operand_role="activation", rows=rows, vocab=source_rows, cols=cols)

    def rope(self, name: str, x: str, heads: int, carried: int = 0) -> str:
        """Rotary positions on `heads` heads."""
        return self.op("rope", name, [x], label="rope", rows=self.rows, heads=heads, head_dim=self.model.head_dim, carried=carried)

    def add(self, name: str, x: str, y: str) -> str:
        """A residual addition."""
        return self.op("elementwise", name, [x, y], label="add", function="add", rows=self.rows, cols=self.model.d_model, operands=2)

    def op(self, kind: str, name: str, inputs: Sequence[str], *, out_dtype: str = "", **rest: Any) -> str:
        """Append one operator and its result; missing inputs are declared: weights shared by all stages, caches and ids of this stage."""
        fields: dict[str, Any] = {key: rest.pop(key) for key in list(rest) if key in _FIELDS}
        op = Op(self.prefix + name, kind, rest, layer=self.layer, **self.common, **fields)
        names = list(inputs) + [""] * (len(op.operands) - len(inputs))
        for i, operand in enumerate(op.operands):
            if not names[i]:
                weight = operand.role == "weight"
                names[i] = f"{name}.{operand.name}" if weight else f"{self.prefix}{name}.{operand.name}"
                role = "input" if operand.role == "activation" else operand.role
                self.made.tensors.setdefault(names[i], Tensor(names[i], operand.shape, op.dtype_of(operand), role))
        outs = tuple(f"{op.name}.out{i or ''}" for i in range(len(op.results)))
        for out, shape in zip(outs, op.results, strict=True):
            self.made.tensors[out] = Tensor(out, shape, out_dtype or op.dtype)
        self.made.ops.append(op.twin(op.name, tuple(names), outs, self.layer))
        return outs[0]

    def state(self, name: str, shape: tuple[int, ...]) -> str:
        """Declare what a recurrence remembers between the stages."""
        held = f"{self.prefix}{name}"
        self.made.tensors[held] = Tensor(held, shape, self.request.dtype, "state")
        return held

    def repeat_layer(self, layer: int, x: str, like: int, carry: str, first: int, last: int) -> str:
        """Append twins of the layer `like`, which is the operators `first` to `last` and reads the stream `carry`, now reading `x`."""
        old, new, tensors = f"layers.{like}.", f"layers.{layer}.", self.made.tensors
        old_here, new_here = self.prefix + old, self.prefix + new
        cut, cut_here = len(old), len(old_here)
        names = {carry: x}
        for op in self.made.ops[first:last]:
            for name in (*op.inputs, *op.outputs):
                if name not in names:
                    to = new_here + name[cut_here:] if name.startswith(old_here) else new + name[cut:] if name.startswith(old) else name
                    names[name] = to
                    if to not in tensors:
                        tensors[to] = tensors[name].twin(to)
            inputs = tuple([names[t] for t in op.inputs])
            self.made.ops.append(op.twin(new_here + op.name[cut_here:], inputs, tuple([names[t] for t in op.outputs]), layer))
        return names[op.outputs[0]]


_FIELDS = frozenset(Op.__dataclass_fields__) - {"name", "kind", "bounds", "inputs", "outputs", "dtype", "layer", "phase", "repeat"}
