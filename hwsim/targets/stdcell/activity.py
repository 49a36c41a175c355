"""How often nets rise per clock cycle: a stated rate for all, propagated through the logic, or from a gate-level simulation.

Propagation follows Najm (1993): a net has a probability of being 1 and a density of transitions per cycle, its driver's inputs being independent:
``P(y) = sum of the probabilities of its ones``, ``D(y) = sum over inputs of P(dy/dx) D(x)`` with the Boolean difference. A flip-flop's output has the
probability of its data and changes at most once a cycle, ``D = 2 P (1 - P)``, or less where its data changes less often. Loops through flip-flops are
iterated. Rises are half the transitions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.targets.stdcell.levels import TimingGraph
from hwsim.targets.stdcell.simulate import PATTERNS, simulate
from hwsim.tech.cell_library import COMBINATIONAL, Cell
from hwsim.tech.logic import truth_table
from hwsim.tech.netlist import PORT

Floats = NDArray[np.float64]
ROUNDS = 8  # of the loop through flip-flops
HALF = 0.5


@dataclass(frozen=True, eq=False)
class Signals:
    """Of each net: probability of 1 and transitions per clock cycle [nets]."""

    probability: Floats
    density: Floats

    @property
    def rises(self) -> Floats:
        """Rises per clock cycle [nets]."""
        return self.density / 2.0


@dataclass(frozen=True, eq=False)
class _Function:
    """Truth table of one output: values [2^n] and, per input, whether the output follows it [n, 2^n]."""

    inputs: tuple[str, ...]
    value: Floats
    follows: Floats


def _functions(cell: Cell) -> dict[str, _Function]:
    names = tuple(p.name for p in cell.inputs)
    found = {}
    for pin in cell.outputs:
        if not pin.function:
            continue
        value = truth_table(pin.function, names)
        rows = np.arange(len(value))
        follows = np.array([value != value[rows ^ (1 << i)] for i in range(len(names))], dtype=np.float64).reshape(len(names), len(value))
        found[pin.name] = _Function(names, value.astype(np.float64), follows)
    return found


def propagated(graph: TimingGraph, input_density: float = 0.2) -> Signals:
    """Probabilities and densities of all nets; inputs of the block are 1 half the time and change `input_density` times a cycle."""
    n, library = graph.netlist, graph.library
    tables = {name: _functions(library.cell(name)) for name in n.types if library.cell(name).kind == COMBINATIONAL}
    start, pins = n.cell_pins
    tied: dict[int, dict[str, float]] = {}
    for cell, pin, value in zip(n.tied_cell.tolist(), n.tied_pin.tolist(), n.tied_value.tolist(), strict=True):
        tied.setdefault(cell, {})[n.pin_names[pin]] = float(value)
    probability, density = np.full(n.nets, HALF), np.zeros(n.nets)
    density[n.pin_net[n.net_start[:-1]][n.pin_cell[n.net_start[:-1]] == PORT]] = input_density
    sequential = graph.sequential
    density[[net for net in range(n.nets) if (c := n.pin_cell[n.net_start[net]]) >= 0 and sequential[c]]] = input_density
    for _ in range(ROUNDS):
        before = density.copy()
        for c in graph.order:
            own = pins[start[c] : start[c + 1]]
            ins = {n.pin_names[n.pin_name[p]]: n.pin_net[p] for p in own if not n.pin_drives[p] and not n.pin_clock[p]}
            outs = {n.pin_names[n.pin_name[p]]: n.pin_net[p] for p in own if n.pin_drives[p]}
            if sequential[c]:
                continue
            for name, net in outs.items():
                table = tables[n.types[n.cell_type[c]]].get(name)
                if table is not None:
                    chance = np.array([probability[ins[i]] if i in ins else tied.get(int(c), {}).get(i, 0.0) for i in table.inputs])
                    change = np.array([density[ins[i]] if i in ins else 0.0 for i in table.inputs])
                    probability[net], density[net] = _output(table, chance, change)
        _clock_flops(graph, probability, density)
        if np.abs(density - before).max() < 1e-3:
            break
    return Signals(probability, density)


def _output(table: _Function, chance: Floats, change: Floats) -> tuple[float, float]:
    """Probability and density of an output."""
    bits = np.arange(len(table.value))[None, :] >> np.arange(len(chance))[:, None] & 1
    each = np.where(bits == 1, chance[:, None], 1.0 - chance[:, None])
    joint = each.prod(axis=0)
    return float(joint @ table.value), float((table.follows @ joint) @ change)


def _clock_flops(graph: TimingGraph, probability: Floats, density: Floats) -> None:
    """Give every output of a flip-flop or latch what its data inputs say; an inverted output has the same density."""
    n = graph.netlist
    start, pins = n.cell_pins
    for c in np.flatnonzero(graph.sequential):
        own = pins[start[c] : start[c + 1]]
        data = [n.pin_net[p] for p in own if not n.pin_drives[p] and not n.pin_clock[p]]
        if not data:
            continue
        chance, change = float(np.mean(probability[data])), float(np.max(density[data]))
        for p in own:
            if n.pin_drives[p]:
                probability[n.pin_net[p]] = chance
                density[n.pin_net[p]] = min(change, 2.0 * chance * (1.0 - chance))


def simulated(graph: TimingGraph, steps: int = 64, seed: int = 0) -> Signals:
    """Transitions per cycle of every net under random inputs (changing every other cycle on average), after as many steps of settling."""
    n = graph.netlist
    random = np.random.default_rng(seed)
    clocks = set(n.clock_nets.tolist())
    given = {p.name: random.integers(0, 2, (steps, PATTERNS)) for p in n.ports if p.direction == "input" and p.net not in clocks}
    trace = simulate(n, graph.library, given)
    return Signals(np.full(n.nets, HALF), trace.toggles)
