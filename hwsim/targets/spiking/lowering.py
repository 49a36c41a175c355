"""From operators to counts: operations by the literature's convention, memory accesses, events.

Convention (counter of zhouchenlin2096/Spikingformer@4378623): ``dense = T (MACs + bias additions)``; a layer whose input is real-valued, or always 1,
is billed ``dense`` as MAC; another ``T D rate (MACs + bias additions)`` as AC. Attention: ``T heads tokens d^2 (min(rate_k, rate_v) + rate_q)`` AC.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from hwsim.core.dtype import dtype
from hwsim.core.encoding import Fields, LeftOut
from hwsim.core.op import Op
from hwsim.core.operators_spiking import CONNECTED, Spikes, spikes_of
from hwsim.targets.spiking.fanout import FanOut, fan_out
from hwsim.targets.spiking.spec import FORMATS

PASSES = ("pool", "elementwise", "concat")  # between layers: not counted by the convention


@dataclass
class Lowering:
    """Encodes operators; `machine` is (cores, lanes) of an event core, None for a chip of operations. `unrated` lists layers without a rate."""

    dense: bool
    machine: tuple[int, int] | None
    unrated: list[str] = field(default_factory=list)
    unrated_at: list[int] = field(default_factory=list)

    def encode(self, at: int, op: Op) -> Fields | LeftOut:
        """The record of one operator, over all of its timesteps."""
        if op.dtype not in FORMATS:
            return LeftOut(f"energies are known for {', '.join(FORMATS)}, not for {op.dtype}")
        found, known = self._counted(op), len(self.unrated_at)
        if len(self.unrated) > known:
            self.unrated[known:] = [op.name]
            self.unrated_at.append(at)
        return found

    def _counted(self, op: Op) -> Fields | LeftOut:
        spikes = spikes_of(op)
        code, state = FORMATS[op.dtype]
        common = {"format": code, "state_bits": state, "weight_bits": dtype(op.weight_dtype).bits, "steps": 1 if self.dense else spikes.timesteps}
        if op.kind in CONNECTED:
            if op.operand_role != "weight":
                return LeftOut("a product of two activations; attention of spikes is spiking_attention")
            return {**common, **self._connected(op, spikes, state)}
        if op.kind == "spiking_attention":
            return {**common, **self._attention(op, spikes)}
        if op.kind == "lif":
            return {**common, **self._neurons(op, spikes)}
        return {**common, **self._pass(op, spikes, state)} if op.kind in PASSES else LeftOut("no model")

    def _connected(self, op: Op, spikes: Spikes, state: int) -> dict[str, float]:
        """A layer with weights."""
        inputs, outputs = math.prod(op.operands[0].shape), math.prod(op.results[0])
        biased = op.macs + op.elementary if op.kind == "matmul" else op.macs + op["bias"] * outputs
        if self.dense or not spikes.spiking or spikes.rate == 1:
            steps = 1 if self.dense else spikes.timesteps * spikes.levels
            billed = {"dense_ops": steps * biased, "mac_ops": steps * biased * op.weight_density}
            events, bits = steps * inputs, steps * inputs * min(state, dtype(op.dtype).bits)
        else:
            steps = spikes.timesteps * spikes.levels
            rate = self._rated(op, spikes.rate)
            billed = {"dense_ops": spikes.timesteps * biased, "ac_ops_layers": steps * rate * biased * op.weight_density}
            events, bits = sum(spikes.counts) if spikes.counts else round(steps * rate * inputs), steps * inputs
        work = billed.get("mac_ops", 0.0) + billed.get("ac_ops_layers", 0.0)
        return {**billed, "weight_reads": work, "activation_bits": bits, "steps": steps, **self._events(op, events)}

    def _attention(self, op: Op, spikes: Spikes) -> dict[str, float]:
        """Attention of spikes: k^T v accumulates the rarer of the two, q adds up rows of it; the product k^T v is written and read once."""
        q, k, v = (self._rated(op, rate) if not self.dense else 1.0 for rate in spikes.attention)
        steps = 1 if self.dense else spikes.timesteps * spikes.levels
        half = op.macs // 2
        count = "mac_ops" if self.dense else "ac_ops_attention"
        values = sum(math.prod(o.shape) for o in op.operands)
        share = min(k, v) + q
        return {
            "dense_ops_attention": (1 if self.dense else spikes.timesteps) * op.macs, count: steps * half * share, "steps": steps,
            "state_accesses": 2 * steps * op["batch"] * op["heads"] * op["head_dim"] ** 2,
            "activation_bits": steps * values * (dtype(op.dtype).bits if self.dense else 1),
            **self._events(op, round(steps * values / 3 * share)),
        }  # fmt: skip

    def _neurons(self, op: Op, spikes: Spikes) -> dict[str, float]:
        """Neurons read and write their potential in every timestep; without spikes they are an activation function."""
        n = op["neurons"]
        if self.dense:
            return {"neuron_updates": n, "elementary": n, "activation_bits": n * dtype(op.dtype).bits}
        steps = spikes.timesteps
        operations = steps * n * op.spec.functions[op.function or "lif"]
        return {"neuron_updates": steps * n, "elementary": operations, "state_accesses": 2 * steps * n, "activation_bits": steps * n}

    def _pass(self, op: Op, spikes: Spikes, state: int) -> dict[str, float]:
        """A pool, a residual sum or a concatenation: values move at the width of a partial sum."""
        steps = 1 if self.dense else spikes.timesteps
        moved = sum(math.prod(o.shape) for o in op.operands) + sum(math.prod(s) for s in op.results)
        return {"elementary": steps * op.elementary, "activation_bits": steps * moved * state}

    def _rated(self, op: Op, rate: float) -> float:
        """The rate, or 0 where none is stated, which is remembered."""
        if not math.isnan(rate):
            return rate
        self.unrated.append(op.name)
        return 0.0

    def _events(self, op: Op, events: float) -> dict[str, float]:
        """What an event core does for `events` spikes (or graded values) at an operator's input."""
        if self.machine is None:
            return {}
        fan: FanOut = fan_out(op, *self.machine)
        return {
            "events": events, "reached": fan.reached, "used": fan.used, "words": fan.words, "targets": fan.targets, "sparse": op.weight_density < 1,
        }  # fmt: skip
