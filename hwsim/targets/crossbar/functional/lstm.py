"""A recurrent network (LSTM) for the small tasks: trained here with full precision, then run with its gates on a crossbar behind nonlinear ramps.

Gates: [i, f, g, o] = [x, h] @ W, one array of (inputs + hidden) x 4 hidden weights without a bias row; c' = s(f) c + s(i) tanh(g);
h' = s(o) tanh(c'). On the crossbar the products are one read, sigmoid and tanh come from ramps (tanh of the cell state too), the rest is digital.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidTrace
from hwsim.targets.crossbar.functional.noisy import LinearConverter, held_values, products, ramp_outputs
from hwsim.targets.crossbar.functional.programming import Sources, Written, program
from hwsim.targets.crossbar.functional.ramp import Ramp, place
from hwsim.targets.crossbar.functional.ramp_error import written_thresholds
from hwsim.targets.crossbar.functional.slices import ArrayShape, quantise
from hwsim.targets.crossbar.functional.tasks import Sequences

Array = NDArray[np.float64]
RampSet = tuple[tuple[Ramp, Array], tuple[Ramp, Array], tuple[Ramp, Array]]
RATE, FIRST, SECOND, SMALL, BATCH, LARGEST = 5e-3, 0.9, 0.999, 1e-8, 64, 1.0  # Adam, and the largest gradient norm


@dataclass(frozen=True)
class Lstm:
    """`gates` (inputs + hidden, 4 hidden); `head` (hidden + 1, classes), its last row the bias."""

    gates: Array
    head: Array

    @property
    def hidden(self) -> int:
        """Hidden units."""
        return int(self.gates.shape[1]) // 4


@dataclass(frozen=True)
class Score:
    """Share of right answers, and mean bits to write the targets with the network's odds (its bits per character)."""

    accuracy: float
    bits: float


def _sigmoid(x: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x), dtype=np.float64)


def _log_odds(hidden: Array, head: Array) -> Array:
    logits = hidden @ head[:-1] + head[-1]
    top = logits.max(axis=-1, keepdims=True)
    return np.asarray(logits - top - np.log(np.exp(logits - top).sum(axis=-1, keepdims=True)), dtype=np.float64)


def _score(hidden: Array, head: Array, data: Sequences) -> Score:
    """Score of hidden states (samples, steps, hidden)."""
    asked = data.targets >= 0
    odds, wanted = _log_odds(hidden[asked], head), data.targets[asked]
    return Score(float(np.mean(odds.argmax(axis=-1) == wanted)), float(-np.mean(odds[np.arange(len(wanted)), wanted]) / np.log(2)))


def _forward(net: Lstm, x: Array) -> tuple[Array, list[tuple[Array, ...]]]:
    """Hidden states (samples, steps, hidden), and what the way back needs of every step."""
    h = c = np.zeros((len(x), net.hidden))
    kept: list[tuple[Array, ...]] = []
    states: list[Array] = []
    for t in range(x.shape[1]):
        joined = np.concatenate([x[:, t], h], axis=1)
        i, f, g, o = np.split(joined @ net.gates, 4, axis=1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        before, c = c, f * c + i * g
        bent = np.tanh(c)
        h = o * bent
        kept.append((joined, i, f, g, o, before, bent))
        states.append(h)
    return np.stack(states, axis=1), kept


def _gradient(net: Lstm, data: Sequences) -> tuple[Array, Array]:
    """Gradient of the mean negative log odds of the targets with respect to gates and head."""
    hidden, kept = _forward(net, data.inputs)
    asked = data.targets >= 0
    rise = np.exp(_log_odds(hidden, net.head)) * asked[..., None]
    rise[asked, data.targets[asked]] -= 1
    rise /= asked.sum()
    ones = np.concatenate([hidden, np.ones((*hidden.shape[:2], 1))], axis=-1)
    head = np.einsum("nth,ntk->hk", ones, rise)
    to_hidden = rise @ net.head[:-1].T
    gates = np.zeros_like(net.gates)
    dh = dc = np.zeros_like(hidden[:, 0])
    features = data.inputs.shape[2]
    for t in range(len(kept) - 1, -1, -1):
        joined, i, f, g, o, before, bent = kept[t]
        dh = dh + to_hidden[:, t]
        dc = dc + dh * o * (1 - bent**2)
        slopes = [dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g**2), dh * bent * o * (1 - o)]
        back = np.concatenate(slopes, axis=1)
        gates += joined.T @ back
        dh = (back @ net.gates.T)[:, features:]
        dc = dc * f
    return gates, head


def train(data: Sequences, hidden: int, *, epochs: int, seed: int = 1, rate: float = RATE) -> Lstm:
    """Train with Adam on batches of 64. Raises InvalidTrace for sizes below 1."""
    if hidden < 1 or epochs < 1:
        raise InvalidTrace(f"{hidden} hidden units, {epochs} epochs: give at least one")
    rng = np.random.default_rng(seed)
    rows = data.inputs.shape[2] + hidden
    head = np.concatenate([rng.normal(0, hidden**-0.5, (hidden, data.classes)), np.zeros((1, data.classes))])
    weights = [rng.normal(0, rows**-0.5, (rows, 4 * hidden)), head]
    mean, square = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights]
    count = 0
    for _ in range(epochs):
        order = rng.permutation(len(data.inputs))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            slopes = _gradient(Lstm(*weights), Sequences(data.inputs[chosen], data.targets[chosen], data.classes))
            norm = float(np.sqrt(sum((s**2).sum() for s in slopes)))
            count += 1
            for k, slope in enumerate(slopes):
                cut = slope * min(1.0, LARGEST / max(norm, SMALL))
                mean[k] = FIRST * mean[k] + (1 - FIRST) * cut
                square[k] = SECOND * square[k] + (1 - SECOND) * cut**2
                weights[k] = weights[k] - rate * mean[k] / (1 - FIRST**count) / (np.sqrt(square[k] / (1 - SECOND**count)) + SMALL)
    return Lstm(*weights)


def evaluate(net: Lstm, data: Sequences) -> Score:
    """The network in full precision."""
    return _score(_forward(net, data.inputs)[0], net.head, data)


@dataclass(frozen=True)
class Ramps:
    """Ramps of `bits` for sigmoid and tanh in cells of g_min_s..g_max_s, each written once with an error of `sigma_s`, with `calibration`."""

    bits: int
    g_min_s: float
    g_max_s: float
    sigma_s: float = 0.0
    calibration: str = "one_point"

    def written(self, function: str, low: float, rng: np.random.Generator) -> tuple[Ramp, Array]:
        """A ramp over low..1 and the thresholds of one writing."""
        ramp = Ramp(function, self.bits, low, 1.0)
        return ramp, written_thresholds(place(ramp, self.g_min_s, self.g_max_s), self.sigma_s, self.calibration, rng)


def _convert(held: Array, ramp: tuple[Ramp, Array]) -> Array:
    """Centre of the code of each held value."""
    return ramp_outputs(held, *ramp) + 0.5 * ramp[0].lsb


Gates = Callable[[Array], tuple[Array, Array, Array, Array]]


def evaluate_through(net: Lstm, data: Sequences, gates: Gates, bend: Callable[[Array], Array]) -> Score:
    """The network with `gates` (of [x, h], (samples, inputs + hidden)) and `bend` (tanh of the cell state) by other means; the head is digital."""
    h = c = np.zeros((len(data.inputs), net.hidden))
    states = []
    for t in range(data.inputs.shape[1]):
        i, f, g, o = gates(np.concatenate([data.inputs[:, t], h], axis=1))
        c = f * c + i * g
        h = o * bend(c)
        states.append(h)
    return _score(np.stack(states, axis=1), net.head, data)


def evaluate_on_crossbar(net: Lstm, data: Sequences, shape: ArrayShape, sources: Sources, ramps: Ramps, rng: np.random.Generator) -> Score:
    """The network with its gates on one array, written once: noise of reads in every step. Raises InvalidMapping, InvalidTrace, InvalidChip.

    Inputs and hidden states are quantised to the array's input bits over -1..1, weights over their largest magnitude; the head is digital.
    """
    drawn = program_and_ramps(net, shape, sources, ramps, rng)
    return evaluate_behind_ramps(net, data, *drawn, rng)


def program_and_ramps(net: Lstm, shape: ArrayShape, sources: Sources, ramps: Ramps, rng: np.random.Generator) -> tuple[Written, float, RampSet]:
    """The gates as written, the value of one weight level, and ramps for sigmoid, tanh, and tanh of the cell state."""
    integers, unit = quantise(net.gates, shape.weight_limit)
    written = program(integers, shape, sources, rng)
    return written, unit, (ramps.written("sigmoid", 0.0, rng), ramps.written("tanh", -1.0, rng), ramps.written("tanh", -1.0, rng))


def evaluate_behind_ramps(net: Lstm, data: Sequences, written: Written, unit: float, ramps: RampSet, rng: np.random.Generator) -> Score:
    """The network behind ramps (sigmoid, tanh, tanh of the cell state) as written; `unit`: value of one weight level."""
    sigmoid, tanh, cell = ramps

    def gates(joined: Array) -> tuple[Array, Array, Array, Array]:
        inputs, step = quantise(joined, written.shape.input_limit, 1.0)
        i, f, g, o = np.split(held_values(written, inputs, unit * step, rng), 4, axis=1)
        return _convert(i, sigmoid), _convert(f, sigmoid), _convert(g, tanh), _convert(o, sigmoid)

    return evaluate_through(net, data, gates, lambda c: _convert(c, cell))


def evaluate_behind_converters(
    net: Lstm, data: Sequences, written: Written, unit: float, converter: LinearConverter, rng: np.random.Generator, *, gain: float = 1.0
) -> Score:
    """The network behind linear converters, sigmoid and tanh evaluated digitally without error."""

    def gates(joined: Array) -> tuple[Array, Array, Array, Array]:
        inputs, step = quantise(joined, written.shape.input_limit, 1.0)
        i, f, g, o = np.split(unit * step * products(written, inputs, converter, rng, gain=gain), 4, axis=1)
        return _sigmoid(i), _sigmoid(f), np.asarray(np.tanh(g)), _sigmoid(o)

    return evaluate_through(net, data, gates, lambda c: np.asarray(np.tanh(c)))


def gate_inputs(net: Lstm, data: Sequences) -> Array:
    """[x, h] of every step in full precision, (samples x steps, inputs + hidden)."""
    return np.concatenate([kept[0] for kept in _forward(net, data.inputs)[1]])
