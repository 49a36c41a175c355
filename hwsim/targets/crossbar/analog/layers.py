"""Error of one layer: random weights and inputs of its shape through the path, over several programmings, against the digital result.

Weights are normal numbers; inputs are magnitudes of normal numbers (what a rectifier leaves) or, in a recurrence, uniform over both signs. Both are
quantised to the layer's bits first, so the error is what the analog path adds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping
from hwsim.targets.crossbar.analog.converters import LINEAR_PIECES, OUTPUTS, linear_converter, ramp_thresholds, with_offset
from hwsim.targets.crossbar.analog.path import Numbers, Path
from hwsim.targets.crossbar.functional.accuracy import OutputError, output_error
from hwsim.targets.crossbar.functional.activation import activation
from hwsim.targets.crossbar.functional.nodal import drop_share, effective_conductance, fast_error
from hwsim.targets.crossbar.functional.noisy import held_values, products, ramp_outputs
from hwsim.targets.crossbar.functional.programming import Sources, program
from hwsim.targets.crossbar.functional.slices import ArrayShape, quantise, target_conductances

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
READS, OUTPUTS_TRIED, MOST_CELLS = 32, 64, 4_000_000
PRE_ACTIVATION = 1.5  # root mean square of what enters a nonlinear function
TOP = 3.0  # standard deviations at full scale


@dataclass(frozen=True)
class Layer:
    """A stored matrix of the program: `functions` are those of its columns' converters, in equal shares."""

    name: str
    numbers: Numbers
    outputs: int
    recurrent: bool
    functions: tuple[str, ...] = ("linear",)


@dataclass(frozen=True)
class LayerError:
    """`relative_rms` is the mean over programmings, `spread` its standard deviation; `converters_only`: with every other source off.

    `ir_drop_share`: of the current, all rows driven; `wire_error`: bound of the approximation that stands for the wires.
    """

    name: str
    inputs: int
    outputs: int
    relative_rms: float
    spread: float
    snr_db: float
    effective_bits: float
    converters_only: float
    ir_drop_share: float
    wire_error: float


def layer_error(path: Path, layer: Layer, seed: int) -> LayerError:
    """Measure one layer. Raises `InvalidMapping`, `InvalidChip`, `InvalidTrace`."""
    rng = np.random.default_rng(seed)
    shape = path.shape_of(layer.numbers)
    outputs = _outputs(path, layer, shape)
    x, w = _drawn(layer, shape, outputs, rng)
    quiet = _through(path.silent, layer, shape, x, w, np.random.default_rng(seed))
    found = [_through(path, layer, shape, x, w, np.random.default_rng((seed, k))) for k in range(path.programmings)]
    rms = [e.relative_rms for e in found]
    mean = float(np.sqrt(np.mean(np.square(rms))))
    snr = -20 * float(np.log10(mean)) if mean > 0 else np.inf
    drop = _drop(path, shape, w)
    bound = fast_error(drop) if path.sources.wires is not None else 0.0
    return LayerError(layer.name, layer.numbers.inputs, layer.outputs, float(np.mean(rms)), float(np.std(rms, ddof=1)), snr, (snr - 1.76) / 6.02,
                      quiet.relative_rms, drop, bound)  # fmt: skip


def _outputs(path: Path, layer: Layer, shape: ArrayShape) -> int:
    """Columns tried: without wires they do not depend on each other, so a sample does. Raises `InvalidMapping` for arrays too large to solve."""
    if path.sources.wires is None:
        return min(layer.outputs, OUTPUTS_TRIED)
    if (cells := layer.numbers.inputs * layer.outputs * shape.weight_digits * shape.polarity) > MOST_CELLS:
        raise InvalidMapping(f"wires resistive: {layer.name} has {cells:.3g} cells, and {MOST_CELLS:.0e} can be solved; state wires ideal")
    return layer.outputs


def _drawn(layer: Layer, shape: ArrayShape, outputs: int, rng: np.random.Generator) -> tuple[Integers, Integers]:
    weights, _ = quantise(rng.standard_normal((layer.numbers.inputs, outputs)), shape.weight_limit, TOP)
    size = (READS, layer.numbers.inputs)
    drawn = rng.uniform(-TOP, TOP, size) if layer.recurrent else np.abs(rng.standard_normal(size))
    return quantise(drawn, shape.input_limit, TOP)[0], weights


def _through(path: Path, layer: Layer, shape: ArrayShape, x: Integers, w: Integers, rng: np.random.Generator) -> OutputError:
    """One programming: write, read, convert, compare."""
    ideal = program(w, shape, Sources(), rng)
    exact = (x @ w).astype(np.float64)
    if not path.ramp:
        converter = linear_converter(path, ideal, x, path.adc_bits(layer.numbers))
        written = program(w, shape, with_offset(path, converter.step, shape), rng)
        return output_error(products(written, x, converter, rng, gain=path.gain), exact)
    top = float(np.abs(exact).max()) or 1.0
    names = layer.functions if path.nonlinear else ("linear",)
    scale = 1.0 / top if set(names) <= {"linear", "relu"} else PRE_ACTIVATION / float(np.sqrt(np.mean(exact**2)))
    ramps = [ramp_thresholds(path, name, rng) for name in names]
    lsb = float(np.mean([(t[-1] - t[0]) / max(len(t) - 1, 1) for _, t in ramps])) / scale
    written = program(w, shape, with_offset(path, lsb, shape), rng)
    held = held_values(written, x, scale, rng)
    ours, wanted = [], []
    for columns, name, (ramp, thresholds) in zip(np.array_split(np.arange(held.shape[1]), len(names)), names, ramps, strict=True):
        ours.append(ramp_outputs(held[:, columns], ramp, thresholds) + 0.5 * ramp.lsb)
        value = activation(LINEAR_PIECES.get(name, name)).value(scale * exact[:, columns])
        wanted.append(np.clip(value, *OUTPUTS.get(name, (-1.0, 1.0))))
    return output_error(np.hstack(ours), np.hstack(wanted))


def _drop(path: Path, shape: ArrayShape, w: Integers) -> float:
    """Share of current that the wires of the first array take, all rows driven."""
    if path.sources.wires is None:
        return 0.0
    g = target_conductances(w, shape).reshape(len(w), -1)[: shape.rows, : shape.columns]
    return drop_share(g, effective_conductance(g, path.sources.wires))
