"""Simulation of a mapped netlist without delays: 64 patterns at once, one bit each of a word; how often each net changes.

One step is one period of every clock: inputs are set, gates settle, outputs are read, flip-flops take their next state (those of the falling edge
too; latches are refused). Flip-flops start at 0. A clear or preset that is active at the end of a step decides the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidTrace
from hwsim.engine.jit import jit, part
from hwsim.tech.cell_library import FLIP_FLOP, LATCH, Cell, Library
from hwsim.tech.logic import AND, NOT, OR, XOR, ZERO, program
from hwsim.tech.netlist import PORT, Netlist

Words = NDArray[np.uint64]
Ints = NDArray[np.int32]
PATTERNS = 64
DEEPEST = 64  # of a function's stack


@dataclass(frozen=True, eq=False)
class Logic:
    """Functions as programs: function i gives the value of `target[i]` by `code[start[i]:start[i + 1]]`, in an order in which operands come first.

    Values are those of nets, then one state per flip-flop, then 0 and 1. `flop_code` has next state, clear and preset of flip-flop f in turn.
    """

    values: int
    target: Ints
    start: Ints
    code: Ints
    states: Ints
    flop_start: Ints
    flop_code: Ints
    inputs: Ints
    outputs: Ints


@dataclass(frozen=True, eq=False)
class Trace:
    """What a simulation gave: `outputs` [steps, output ports] as words of 64 patterns, `toggles` [nets] a step and pattern."""

    outputs: Words
    toggles: NDArray[np.float64]


def compile_logic(netlist: Netlist, library: Library) -> Logic:
    """The functions of all cells of `netlist`. Raises `InvalidTrace` for latches, outputs without a function, and loops of gates."""
    nets = netlist.nets
    flops = [i for i in range(netlist.cells) if library.cell(netlist.types[netlist.cell_type[i]]).kind == FLIP_FLOP]
    state_of = {cell: nets + f for f, cell in enumerate(flops)}
    zero = nets + len(flops)
    at_pin: list[dict[str, int]] = [{} for _ in range(netlist.cells)]
    for cell, pin, net in zip(netlist.pin_cell.tolist(), netlist.pin_name.tolist(), netlist.pin_net.tolist(), strict=True):
        if cell != PORT:
            at_pin[cell][netlist.pin_names[pin]] = net
    for cell, pin, value in zip(netlist.tied_cell.tolist(), netlist.tied_pin.tolist(), netlist.tied_value.tolist(), strict=True):
        at_pin[cell][netlist.pin_names[pin]] = zero + value
    kinds = [_forms(library.cell(name)) for name in netlist.types]
    target: list[int] = []
    codes: list[list[int]] = []
    flop_codes: list[list[int]] = []
    for i, at in enumerate(netlist.cell_type.tolist()):
        names, outputs, sequential = kinds[at]
        values = [at_pin[i].get(name, state_of.get(i, zero)) for name in names]
        for pin, form in outputs:
            if pin in at_pin[i]:
                target.append(at_pin[i][pin])
                codes.append([values[s] if s >= 0 else s for s in form])
        flop_codes += [[values[s] if s >= 0 else s for s in form] for form in sequential]
    start, code = _flat(codes)
    order = _ordered(np.array(target, dtype=np.int32), start, code, zero + 2)
    if len(order) < len(codes):
        raise InvalidTrace(f"netlist '{netlist.name}' has a loop of gates through {len(codes) - len(order)} outputs: it cannot settle step by step")
    start, code = _flat([codes[i] for i in order])
    flop_start, flop_code = _flat(flop_codes)
    ports = {
        way: np.array([_value(p.net, p.constant, zero) for p in netlist.ports if p.direction == way], dtype=np.int32) for way in ("input", "output")
    }
    return Logic(
        zero + 2, np.array(target, dtype=np.int32)[order], start, code, np.arange(nets, zero, dtype=np.int32), flop_start, flop_code,
        ports["input"], ports["output"],
    )  # fmt: skip


def _value(net: int, constant: int | None, zero: int) -> int:
    return net if net >= 0 else zero + (constant or 0)


def _forms(cell: Cell) -> tuple[list[str], list[tuple[str, list[int]]], list[list[int]]]:
    """(operand names, program per output pin, programs of next state, clear and preset) of a cell; a state variable is the last operand."""
    if cell.kind == LATCH:
        raise InvalidTrace(f"cell '{cell.name}' is a latch: only flip-flops and gates are simulated")
    names = [pin.name for pin in cell.inputs]
    number = {name: i for i, name in enumerate(names)}
    inverse = ""
    if cell.state is not None:
        number[cell.state.variables[0]] = len(names)
        inverse = cell.state.variables[1]
        number[inverse] = len(names) + 1
        names.append(cell.state.variables[0])
    outputs = []
    for pin in cell.outputs:
        if not pin.function or pin.three_state:
            raise InvalidTrace(f"output '{pin.name}' of cell '{cell.name}' has no function that two values express")
        outputs.append((pin.name, _positive(program(pin.function, number), len(names))))
    if cell.state is None:
        return names, outputs, []
    sequential = [_positive(program(text or "0", number), len(names)) for text in (cell.state.data, cell.state.clear, cell.state.preset)]
    return names, outputs, sequential


def _positive(form: list[int], inverse: int) -> list[int]:
    """The program with the inverse state variable (operand `inverse`) written as the state, negated."""
    return [step for s in form for step in ((inverse - 1, NOT) if s == inverse else (s,))]


def _flat(codes: list[list[int]]) -> tuple[Ints, Ints]:
    start = np.zeros(len(codes) + 1, dtype=np.int32)
    np.cumsum([len(c) for c in codes], out=start[1:])
    return start, np.array([s for c in codes for s in c], dtype=np.int32)


@jit
def _ordered(target: Ints, start: Ints, code: Ints, values: int) -> Any:
    """Functions ordered so that operands come first; those in loops, and after them, are left out. O(length of all programs)."""
    maker = np.full(values, -1, dtype=np.int32)
    for i in range(len(target)):
        maker[target[i]] = i
    done = np.zeros(len(target), dtype=np.int8)  # 1: on the stack, 2: ordered
    order = np.empty(len(target), dtype=np.int32)
    stack, place = np.empty(len(target) + 1, dtype=np.int32), np.empty(len(target) + 1, dtype=np.int32)
    count = 0
    for first in range(len(target)):
        if done[first] != 0:
            continue
        depth = 0
        stack[0], place[0], done[first] = first, start[first], 1
        while depth >= 0:
            i, at = stack[depth], place[depth]
            if at < start[i + 1]:
                place[depth] = at + 1
                before = maker[code[at]] if code[at] >= 0 else -1
                if before >= 0:
                    if done[before] == 1:
                        return order[:count]
                    if done[before] == 0:
                        depth += 1
                        stack[depth], place[depth], done[before] = before, start[before], 1
            else:
                order[count], done[i] = i, 2
                count += 1
                depth -= 1
    return order[:count]


@part
def _run(code: Any, first: int, last: int, values: Any, stack: Any) -> Any:
    """Value of one program."""
    top = -1
    for at in range(first, last):
        step = code[at]
        if step >= 0:
            top += 1
            stack[top] = values[step]
        elif step == NOT:
            stack[top] = ~stack[top]
        elif step == AND:
            top -= 1
            stack[top] = stack[top] & stack[top + 1]
        elif step == OR:
            top -= 1
            stack[top] = stack[top] | stack[top + 1]
        elif step == XOR:
            top -= 1
            stack[top] = stack[top] ^ stack[top + 1]
        else:
            top += 1
            stack[top] = np.uint64(0) if step == ZERO else ~np.uint64(0)
    return stack[0]


@jit
def _simulate(
    target: Ints, start: Ints, code: Ints, states: Ints, flop_start: Ints, flop_code: Ints, inputs: Ints, outputs: Ints, values: Words, given: Words,
    found: Words, toggles: Any,
) -> None:  # fmt: skip
    stack = np.zeros(DEEPEST, dtype=np.uint64)
    after = np.zeros(len(states), dtype=np.uint64)
    before = values.copy()
    for step in range(len(given)):
        for i in range(len(inputs)):
            values[inputs[i]] = given[step, i]
        for i in range(len(target)):
            values[target[i]] = _run(code, start[i], start[i + 1], values, stack)
        for i in range(len(outputs)):
            found[step, i] = values[outputs[i]]
        for i in range(len(toggles)):
            if step > 0:
                changed = values[i] ^ before[i]
                while changed:
                    changed &= changed - np.uint64(1)
                    toggles[i] += 1
            before[i] = values[i]
        for f in range(len(states)):
            wanted = _run(flop_code, flop_start[3 * f], flop_start[3 * f + 1], values, stack)
            clear = _run(flop_code, flop_start[3 * f + 1], flop_start[3 * f + 2], values, stack)
            preset = _run(flop_code, flop_start[3 * f + 2], flop_start[3 * f + 3], values, stack)
            after[f] = (wanted & ~clear) | preset
        for f in range(len(states)):
            values[states[f]] = after[f]


def simulate(netlist: Netlist, library: Library, given: Mapping[str, NDArray[Any]]) -> Trace:
    """Run a netlist on patterns.

    `given` has, per bus or single input port, integers [steps, 64] (negative ones as two's complement); ports left out stay at 0.
    Raises `InvalidTrace` for unknown ports and shapes that differ.
    """
    logic = compile_logic(netlist, library)
    steps = {np.asarray(v).shape for v in given.values()}
    if len(steps) != 1 or len(shape := next(iter(steps))) != 2 or shape[1] != PATTERNS:
        raise InvalidTrace(f"inputs are integers of one shape [steps, {PATTERNS}], got {sorted(steps)}")
    names = [p.name for p in netlist.ports if p.direction == "input"]
    words = np.zeros((shape[0], len(names)), dtype=np.uint64)
    for name, numbers in given.items():
        columns = bus(names, name)
        if not columns:
            raise InvalidTrace(f"netlist '{netlist.name}' has no input '{name}'")
        for bit, column in enumerate(columns):
            words[:, column] = to_words(np.asarray(numbers).astype(np.int64) >> bit)
    values = np.zeros(logic.values, dtype=np.uint64)
    values[-1] = ~np.uint64(0)
    found = np.zeros((shape[0], len(logic.outputs)), dtype=np.uint64)
    toggles = np.zeros(netlist.nets)
    _simulate(
        logic.target, logic.start, logic.code, logic.states, logic.flop_start, logic.flop_code, logic.inputs, logic.outputs, values, words, found,
        toggles,
    )  # fmt: skip
    return Trace(found, toggles / max(1, shape[0] - 1) / PATTERNS)


def read_bus(netlist: Netlist, trace: Trace, name: str, signed: bool = False) -> NDArray[np.int64]:
    """Integers [steps, 64] at an output bus or port. Raises `InvalidTrace` for an unknown one."""
    columns = bus([p.name for p in netlist.ports if p.direction == "output"], name)
    if not columns:
        raise InvalidTrace(f"netlist '{netlist.name}' has no output '{name}'")
    total = np.zeros((len(trace.outputs), PATTERNS), dtype=np.int64)
    for bit, column in enumerate(columns):
        each = (trace.outputs[:, column, None] >> np.arange(PATTERNS, dtype=np.uint64) & np.uint64(1)).astype(np.int64)
        total += -(each << bit) if signed and bit == len(columns) - 1 else each << bit
    return total


def bus(names: list[str], name: str) -> list[int]:
    """Where the bits of a bus stand among port names, lowest first; of a single port, where it stands."""
    at = {each: i for i, each in enumerate(names)}
    if name in at:
        return [at[name]]
    bits = sorted((int(each[len(name) + 1 : -1]), i) for each, i in at.items() if each.startswith(f"{name}[") and each[len(name) + 1 : -1].isdigit())
    return [i for _, i in bits]


def to_words(bits: NDArray[Any]) -> Words:
    """The lowest bit of each of 64 integers, as one word: shape [..., 64] to [...]."""
    shifted: Words = ((bits & 1).astype(np.uint64) << np.arange(PATTERNS, dtype=np.uint64)).sum(axis=-1, dtype=np.uint64)
    return shifted
