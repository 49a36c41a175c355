"""The small tasks on a chip's arrays: accuracy of the trained networks in full precision, behind the converters alone, and over programmings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path as Path_

import numpy as np
from numpy.typing import NDArray

from hwsim.targets.crossbar.analog.converters import linear_converter, ramp_thresholds, with_offset
from hwsim.targets.crossbar.analog.path import Path
from hwsim.targets.crossbar.functional.lstm import (
    Lstm,
    Score,
    evaluate,
    evaluate_behind_converters,
    evaluate_behind_ramps,
    evaluate_through,
    gate_inputs,
)
from hwsim.targets.crossbar.functional.noisy import held_values, ramp_outputs
from hwsim.targets.crossbar.functional.programming import Sources, program
from hwsim.targets.crossbar.functional.slices import quantise
from hwsim.targets.crossbar.functional.tasks import Sequences, Task, characters, keywords

Array = NDArray[np.float64]
CALIBRATION = 64  # input vectors that converters are calibrated with
NETWORKS = Path_(__file__).with_name("networks.npz")  # written by scripts/train_crossbar_tasks.py
TASKS: dict[str, tuple[Callable[[], Task], int, int]] = {  # task, hidden units, epochs
    "keywords": (lambda: keywords(train=1200, test=300), 32, 12),
    "characters": (lambda: characters(train=1000, test=100), 48, 30),
}


@dataclass(frozen=True)
class TaskAccuracy:
    """Right answers and bits per answer: in full precision, with converters alone, and over programmings (and their spread, the worst)."""

    name: str
    samples: int
    digital: float
    converters_only: float
    analog: float
    spread: float
    worst: float
    digital_bits: float
    analog_bits: float
    bits_spread: float


def save(networks: Mapping[str, Lstm]) -> None:
    """Write networks for `trained`, in half precision."""
    parts = {f"{name}_{part}": getattr(net, part).astype(np.float16) for name, net in networks.items() for part in ("gates", "head")}
    np.savez_compressed(NETWORKS, **parts)


@cache
def trained(name: str) -> tuple[Task, Lstm]:
    """The task and its network, trained without knowing of any chip."""
    with np.load(NETWORKS) as found:
        net = Lstm(*(found[f"{name}_{part}"].astype(np.float64) for part in ("gates", "head")))
    return TASKS[name][0](), net


def task_accuracy(path: Path, name: str) -> TaskAccuracy:
    """Run one task. Raises `InvalidMapping`, `InvalidChip`, `InvalidTrace`."""
    task, net = trained(name)
    digital = evaluate(net, task.test)
    quiet = _score(path.silent, net, task, np.random.default_rng(0))
    found = [_score(path, net, task, np.random.default_rng((1, k))) for k in range(path.programmings)]
    right, bits = [s.accuracy for s in found], [s.bits for s in found]
    return TaskAccuracy(
        name, len(task.test.inputs), digital.accuracy, quiet.accuracy, float(np.mean(right)), float(np.std(right, ddof=1)), min(right), digital.bits,
        float(np.mean(bits)), float(np.std(bits, ddof=1)),
    )  # fmt: skip


def _score(path: Path, net: Lstm, task: Task, rng: np.random.Generator) -> Score:
    """One programming of the gates."""
    numbers = replace(path.task, inputs=len(net.gates))
    shape = path.shape_of(numbers)
    integers, unit = quantise(net.gates, shape.weight_limit)
    if path.ramp:
        if not path.nonlinear:
            return _behind_linear_ramp(path, net, task, rng)
        sigmoid, tanh, cell = (ramp_thresholds(path, name, rng) for name in ("sigmoid", "tanh", "tanh"))
        lsb = float(np.mean([np.ptp(t) / max(len(t) - 1, 1) for _, t in (sigmoid, tanh)])) / (unit / shape.input_limit)
        written = program(integers, shape, with_offset(path, lsb, shape), rng)
        return evaluate_behind_ramps(net, task.test, written, unit, (sigmoid, tanh, cell), rng)
    ideal = program(integers, shape, Sources(), rng)
    inputs, _ = quantise(_some(net, task.train), shape.input_limit, 1.0)
    converter = linear_converter(path, ideal, inputs, path.adc_bits(numbers))
    written = program(integers, shape, with_offset(path, converter.step, shape), rng)
    return evaluate_behind_converters(net, task.test, written, unit, converter, rng, gain=path.gain)


def _some(net: Lstm, data: Sequences) -> Array:
    """Input vectors of the gates from the training data."""
    seen = gate_inputs(net, data)
    return np.asarray(seen[np.random.default_rng(2).choice(len(seen), CALIBRATION, replace=False)], dtype=np.float64)


def _behind_linear_ramp(path: Path, net: Lstm, task: Task, rng: np.random.Generator) -> Score:
    """Values held by the columns converted by one linear ramp as written, over a range from data; sigmoid and tanh are digital."""
    shape = path.shape_of(replace(path.task, inputs=len(net.gates)))
    integers, unit = quantise(net.gates, shape.weight_limit)
    inputs, _ = quantise(_some(net, task.train), shape.input_limit, 1.0)
    top = float(np.abs(inputs @ integers).max())
    ramp, thresholds = ramp_thresholds(path, "linear", rng)
    written = program(integers, shape, with_offset(path, top * ramp.lsb, shape), rng)

    def gates(joined: Array) -> tuple[Array, Array, Array, Array]:
        applied, step = quantise(joined, shape.input_limit, 1.0)
        codes = ramp_outputs(held_values(written, applied, 1.0 / top, rng), ramp, thresholds) + 0.5 * ramp.lsb
        i, f, g, o = np.split(unit * step * top * codes, 4, axis=1)
        return _sigmoid(i), _sigmoid(f), np.asarray(np.tanh(g)), _sigmoid(o)

    return evaluate_through(net, task.test, gates, lambda c: np.asarray(np.tanh(c)))


def _sigmoid(x: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x), dtype=np.float64)
