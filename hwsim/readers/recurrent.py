"""Token mixers that are recurrences in place of attention: what they remember has one size, whatever the context.

``hgrn`` (MatMul-free language models, arXiv 2406.02528): inputs, forget gates and output gates from three projections, one state element per channel.
``mamba2`` (arXiv 2405.21060): a gate, the inputs with B and C, and a step size per head, which the released model makes in one projection; a causal
depthwise convolution over the inputs, then the state-space step, counted in its recurrent form in prefill too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol


class Stage(Protocol):
    """The part of a decoder stage that a mixer uses: see `hwsim.readers.decoder`."""

    model: Any
    request: Any
    rows: int
    new: int

    def op(self, kind: str, name: str, inputs: Sequence[str], *, out_dtype: str = "", **rest: Any) -> str: ...
    def linear(self, name: str, x: str, k: int, n: int, label: str, *, rows: int = 0, bias: bool = False, **more: Any) -> str: ...
    def norm(self, name: str, x: str, rows: int, cols: int, source_rows: int = 0) -> str: ...
    def state(self, name: str, shape: tuple[int, ...]) -> str: ...


def hgrn(stage: Stage, at: str, x: str) -> str:
    """Gated linear recurrence: h = forget h + (1 - forget) input per channel, normalised and gated."""
    m, batch = stage.model, stage.request.batch
    wide = m.heads * m.head_dim
    made = {label: stage.linear(f"{at}{label}_proj", x, m.d_model, wide, label) for label in ("i", "f", "g")}
    values = _each(stage, f"{at}input_act", "silu", wide, made["i"])
    forget = _each(stage, f"{at}forget_act", "sigmoid", wide, made["f"])
    held = stage.state(f"{at}state", (batch, wide, m.state))
    sizes = {"batch": batch, "steps": stage.new, "channels": wide, "state": m.state}
    y = stage.op("ssm", f"{at}recurrence", [values, forget, held], label="recurrence", **sizes)
    y = stage.norm(f"{at}recurrence_norm", y, stage.rows, wide)
    return stage.linear(f"{at}o_proj", _each(stage, f"{at}gate", "silu_mul", wide, made["g"], y), wide, m.d_model, "o")


def mamba2(stage: Stage, at: str, x: str) -> str:
    """State-space mixer with a scalar decay per head."""
    m, batch, new = stage.model, stage.request.batch, stage.new
    inner = m.heads * m.head_dim
    wide = inner + 2 * m.groups * m.state
    gate = stage.linear(f"{at}z_proj", x, m.d_model, inner, "in")
    values = stage.linear(f"{at}xbc_proj", x, m.d_model, wide, "in")
    step = stage.linear(f"{at}dt_proj", x, m.d_model, m.heads, "in")
    before = stage.state(f"{at}conv_state", (batch, wide, m.conv - 1))
    window = stage.op("concat", f"{at}conv_window", [before, values], label="conv", rows=batch * wide, c0=m.conv - 1, c1=new)
    sizes = {"n": batch, "c": wide, "h": 1, "w": new + m.conv - 1, "k": wide, "r": 1, "s": m.conv, "groups": wide, "bias": 1}
    values = stage.op("conv2d", f"{at}conv", [window], label="conv", **sizes)
    values = _each(stage, f"{at}conv_act", "silu", wide, values)
    held = stage.state(f"{at}state", (batch, inner, m.state))
    weights = {"batch": batch, "steps": new, "channels": inner, "state": m.state, "heads": m.heads, "groups": m.groups}
    y = stage.op("ssm", f"{at}ssm", [values, "", step, held], label="ssm", **weights)
    y = _each(stage, f"{at}gate", "silu_mul", inner, gate, y)
    return stage.linear(f"{at}out_proj", stage.norm(f"{at}ssm_norm", y, stage.rows, inner), inner, m.d_model, "out")


def _each(stage: Stage, name: str, function: str, cols: int, *inputs: str) -> str:
    return stage.op("elementwise", name, inputs, label=function, function=function, rows=stage.rows, cols=cols, operands=len(inputs))


MIXERS: dict[str, Callable[[Stage, str, str], str]] = {"hgrn": hgrn, "mamba2": mamba2}
