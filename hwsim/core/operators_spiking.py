"""Spiking networks: their kinds of operator, and the attributes by which an operator says that it runs over timesteps.

A product or convolution takes the attributes `timesteps` (T, default 1), `input_kind` (``real`` or ``spike``), `spike_rate` (0..1, the share of
ones at its input) and `spike_levels` (D, default 1: integer spikes of D levels, unrolled into D binary steps). Bounds are those of one timestep.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hwsim.core.errors import InvalidTrace
from hwsim.core.op import Bounds, Op, Operand, OpKind, Shape, register

SPIKING_KINDS = ("lif", "spiking_attention")
KINDS_OF_INPUT = ("real", "spike")
ATTENTION_RATES = ("rate_q", "rate_k", "rate_v")
ATTRIBUTES = ("timesteps", "input_kind", "spike_rate", "spike_levels", "spike_counts", *ATTENTION_RATES)
CONNECTED = ("matmul", "conv2d")  # operators that take spikes at their input and have weights


@dataclass(frozen=True)
class Spikes:
    """What an operator's attributes say: T, whether its input holds spikes, their rate (NaN: not stated), levels D, the attention's rates q, k, v.

    `counts` are the spikes at its input in every timestep, where a recording says so; empty otherwise.
    """

    timesteps: int = 1
    spiking: bool = False
    rate: float = math.nan
    levels: int = 1
    attention: tuple[float, float, float] = (math.nan, math.nan, math.nan)
    counts: tuple[int, ...] = ()


def spikes_of(op: Op) -> Spikes:
    """Read the attributes of an operator. A stated `spike_rate` means spikes unless `input_kind` is stated. Raises `InvalidTrace`."""
    attrs = op.attrs
    rate = _rate(op, "spike_rate")
    kind = attrs.get("input_kind", "real" if math.isnan(rate) else "spike")
    if kind not in KINDS_OF_INPUT:
        raise InvalidTrace(f"operator '{op.name}': input_kind is one of {', '.join(KINDS_OF_INPUT)}, got {kind!r}")
    if kind == "real" and not math.isnan(rate):
        raise InvalidTrace(f"operator '{op.name}': a spike_rate is that of input_kind spike; its input is real-valued")
    if op.kind not in CONNECTED and ("input_kind" in attrs or "spike_rate" in attrs):
        raise InvalidTrace(f"operator '{op.name}': input_kind and spike_rate belong to {' and '.join(CONNECTED)}, not to {op.kind}")
    if op.kind != "spiking_attention" and (given := [name for name in ATTENTION_RATES if name in attrs]):
        raise InvalidTrace(f"operator '{op.name}': {given[0]} belongs to spiking_attention, not to {op.kind}")
    query, key, value = (_rate(op, name) for name in ATTENTION_RATES)
    steps, levels = _whole(op, "timesteps"), _whole(op, "spike_levels")
    return Spikes(steps, kind == "spike" or op.kind == "spiking_attention", rate, levels, (query, key, value), _counts(op, steps))


def over_timesteps(attrs: Mapping[str, object]) -> bool:
    """True for attributes that change what an operator costs: those of a spiking network."""
    return any(name in attrs for name in ATTRIBUTES)


def _rate(op: Op, name: str) -> float:
    value = op.attrs.get(name)
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidTrace(f"operator '{op.name}': {name} is a share of ones in 0..1, got {value!r}")
    return float(value)


def _whole(op: Op, name: str) -> int:
    value = op.attrs.get(name, 1)
    if type(value) is not int or value < 1:
        raise InvalidTrace(f"operator '{op.name}': {name} must be a positive whole number, got {value!r}")
    return value


def _counts(op: Op, steps: int) -> tuple[int, ...]:
    """Spikes per timestep, written as one text ("120 98 101 77") because attributes are plain values."""
    text = op.attrs.get("spike_counts")
    if text is None:
        return ()
    words = str(text).split()
    if not all(word.isdigit() for word in words) or len(words) != steps:
        raise InvalidTrace(f"operator '{op.name}': spike_counts holds a count for each of its {steps} timesteps, got '{text}'")
    return tuple(int(word) for word in words)


def _attention_operands(b: Bounds) -> tuple[Operand, ...]:
    return tuple(Operand(name, (b["batch"], b["tokens"], b["heads"] * b["head_dim"])) for name in ("query", "key", "value"))


def _neurons(b: Bounds) -> tuple[Shape, ...]:
    return ((b["neurons"],),)


register(OpKind(
    # one timestep of neurons: leak (not of an integrate-and-fire neuron), integrate, compare with the threshold, reset
    "lif", ("neurons",), lambda b: (Operand("current", (b["neurons"],)),), _neurons,
    elementary=lambda b: b["neurons"], functions={"lif": 4, "if": 3},
))  # fmt: skip
register(OpKind(
    # one timestep of attention without softmax: k^T v, then q (k^T v), heads side by side
    "spiking_attention", ("heads", "tokens", "head_dim"), _attention_operands,
    results=lambda b: ((b["batch"], b["tokens"], b["heads"] * b["head_dim"]),),
    macs=lambda b: 2 * b["batch"] * b["heads"] * b["tokens"] * b["head_dim"] ** 2, defaults={"batch": 1},
))  # fmt: skip
