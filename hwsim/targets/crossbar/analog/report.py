"""The accuracy of a mapped program's results: conditions, converters, layers, tasks, as plain data for reports."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping, UnsupportedOp
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.core.program import Program
from hwsim.targets.crossbar import layout
from hwsim.targets.crossbar.analog.converters import LINEAR_PIECES, ramp_accuracy
from hwsim.targets.crossbar.analog.layers import OUTPUTS_TRIED, READS, Layer, layer_error
from hwsim.targets.crossbar.analog.path import PATHS, Numbers, Path
from hwsim.targets.crossbar.analog.tasks import TASKS, task_accuracy
from hwsim.targets.crossbar.fold import folded
from hwsim.targets.crossbar.functional.activation import ACTIVATIONS
from hwsim.targets.crossbar.functional.nodal import worst_drop_estimate
from hwsim.targets.crossbar.spec import family_name
from hwsim.targets.crossbar.stored import RECURRENT

GATES = ("sigmoid", "sigmoid", "tanh", "sigmoid")
SEED = 1


def path_of(chip: Chip) -> Path:
    """The analog path of a chip. Raises `UnsupportedOp` for a family without one."""
    family = family_name(chip)
    if family not in PATHS:
        raise UnsupportedOp("crossbar", (
            f"accuracy of results on chip '{chip.name}': family '{family}' has no model of its cells' errors (there are models for "
            f"{', '.join(PATHS)}); digital arrays are exact, and errors of charge-domain ones are not published",
        ))  # fmt: skip
    return PATHS[family](chip)


def analog(program: Program) -> Mapping[str, Any]:
    """Everything about the accuracy of one program's results. Raises `UnsupportedOp`, `InvalidMapping`, `InvalidChip`."""
    path = path_of(program.chip)
    layers = layers_of(program, path)
    if not layers:
        raise InvalidMapping("accuracy of results: this program has no weights on arrays")
    functions = sorted({f for layer in layers for f in layer.functions}) if path.nonlinear else ["linear"] if path.ramp else []
    if path.nonlinear:
        functions = sorted({*functions, "sigmoid", "tanh"})  # of the tasks' gates
    found = [layer_error(path, layer, SEED + k) for k, layer in enumerate(layers)]
    return {
        "conditions": conditions(path),
        "converters": [asdict(ramp_accuracy(path, f)) for f in functions],
        "layers": [asdict(e) for e in found],
        "tasks": [asdict(task_accuracy(path, name)) for name in TASKS],
        "assumptions": list(_assumptions(path)),
        "warnings": [*_wire_warnings(path, layers), *_wire_shares(found)],
    }


def layers_of(program: Program, path: Path) -> list[Layer]:
    """One layer per distinct stored matrix of the program."""
    found = []
    for row, op in zip(program.rows, program.representatives, strict=True):
        if row["kind"] == layout.MATRIX:
            numbers = Numbers(*(int(row[n]) for n in ("inputs", "input_bits", "weight_bits", "output_bits")))
            functions = _functions(program.graph, op) if path.nonlinear else ("linear",)
            found.append(Layer(op.name, numbers, int(row["outputs"]), bool(row["recurrent"]), functions))
    return found


def _functions(graph: Graph, op: Op) -> tuple[str, ...]:
    """What the ramps behind an operator convert through: the gates' functions, the activation that alone reads it, else nothing."""
    if op.attrs.get(RECURRENT) and op.label == "gates":
        return GATES
    affine, outputs = folded(graph), set(op.outputs)
    for other in graph.ops:
        if other.name in affine and outputs & set(other.inputs):
            outputs |= set(other.outputs)
        elif other.kind == "elementwise" and len(other.inputs) == 1 and outputs & set(other.inputs):
            name = LINEAR_PIECES.get(other.function, other.function)
            return (other.function,) if name in ACTIVATIONS else ("linear",)
    return ("linear",)


def conditions(path: Path) -> dict[str, Any]:
    """Under what all figures hold."""
    chip, sources = path.chip, path.sources
    return {
        "device_model": sources.programming.name if sources.programming is not None else "none",
        "write_sigma_s": chip.number("write_sigma_s") if sources.programming is not None and sources.programming.name == "constant" else None,
        "stuck_off": sources.stuck.off if sources.stuck else 0.0, "stuck_on": sources.stuck.on if sources.stuck else 0.0,
        "time_since_programming_s": sources.time_s or 0.0, "read_noise": sources.read_noise,
        "wire_ohm": sources.wires.row_ohm if sources.wires else 0.0, "adc": chip.text("adc") if "adc" in chip.params else "linear",
        "adc_bits": int(chip.number("adc_bits")) if "adc_bits" in chip.params else None,
        "adc_offset_lsb": path.offset_lsb, "adc_gain": path.gain, "range_calibration": "data" if path.calibrated else "worst_case",
        "programmings": path.programmings, "cell_range_s": [chip.number("cell_g_min_s") if "cell_g_min_s" in chip.params else 0.0,
                                                            chip.number("cell_g_max_s")], "hardware_aware_training": "none",
    }  # fmt: skip


def _assumptions(path: Path) -> tuple[str, ...]:
    return (
        f"layers: random weights and inputs of the layer's bits, {READS} input vectors, at most {OUTPUTS_TRIED} columns (all with wires); the "
        "error is against the digital result of the same integers",
        "tasks are small ones of own making, trained in full precision for no chip: they compare chips, and are no speech commands or Penn Treebank",
        "converters that are no ramps have no nonlinearity but their offset",
        *(("comparators and the ramp share the read voltage: a change of supply leaves codes as they are",) if path.ramp else ()),
        *(("one sigma for all conductances, as no fit for the cells of this chip is published",)
          if path.sources.programming is not None and path.sources.programming.name == "constant" else ()),
        *path.notes,
    )  # fmt: skip


def _wire_warnings(path: Path, layers: Sequence[Layer]) -> list[str]:
    """Where wires are ideal: what thin ones of the node would do by rule of thumb."""
    chip = path.chip
    if path.sources.wires is not None:
        return []
    shapes = [path.shape_of(layer.numbers) for layer in layers]
    sizes = [
        math.sqrt(min(s.rows, x.numbers.inputs) * min(s.columns, x.outputs * s.weight_digits * s.polarity))
        for s, x in zip(shapes, layers, strict=True)
    ]
    ohm = chip.number("wire_ohm")
    mean = 0.25 * (shapes[0].g_min_s + shapes[0].g_max_s)
    worst = worst_drop_estimate(ohm, mean, int(max(sizes)), 0.5)
    if worst < 0.01:
        return []
    return [f"wires are ideal here; with {ohm:g} ohm per cell the worst column would lose about {min(worst, 1.0):.0%} by rule of thumb"
            f": state wires resistive to have it in the figures"]  # fmt: skip


def _wire_shares(found: Sequence[Any]) -> list[str]:
    bad = [e for e in found if e.ir_drop_share > 0.05]
    worst = max((e.ir_drop_share for e in bad), default=0.0)
    return [f"wires take {worst:.0%} of the current of {bad[0].name}: nothing here corrects for that"] if bad else []
