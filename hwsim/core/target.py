"""What a kind of silicon must provide, and how targets are found: by the entry-point group ``hwsim.targets``, built-ins included."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, InvalidChip, InvalidTrace, UnsupportedOp, nearest
from hwsim.core.graph import Graph
from hwsim.core.operators_spiking import over_timesteps
from hwsim.core.program import Program, Slot, Table

ENTRY_POINT_GROUP = "hwsim.targets"
Mapped = Mapping[str, Any]
Price = Callable[[Any, Any, Any], None]
Prepare = Callable[[Any], None]
Around = tuple[Mapping[str, NDArray[np.float64]], Mapping[str, NDArray[np.float64]]]


@dataclass(frozen=True)
class Primitive:
    """One mechanism in isolation.

    `args` names its arguments with their defaults (``None`` = required, unless the name is in `optional`). `run(chip, arguments, mapping)` returns
    its metrics by name, SI units; `hwsim.core.arguments` reads numbers, words and flags.
    """

    name: str
    about: str
    run: Callable[[Chip, Mapped, Mapped], Mapping[str, float]]
    args: Mapping[str, Any] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()

    def __call__(self, chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
        """Check the arguments and run. Raises `InvalidTrace` for an unknown or missing one."""
        for name in arguments:
            if name not in self.args:
                raise InvalidTrace(f"primitive '{self.name}' has no argument '{name}'{nearest(name, self.args)}")
        full = {**self.args, **arguments}
        if missing := [n for n, v in full.items() if v is None and n not in self.optional]:
            raise InvalidTrace(f"primitive '{self.name}' needs {', '.join(missing)}")
        return self.run(chip, full, mapping)


@runtime_checkable
class Target(Protocol):
    """A kind of silicon. Every method is a plain function of frozen inputs.

    `price(op, p, out)` is jitted and fills one record of `slots` from one record of the operator table and one of the parameter table.
    `prepare(p)`, jitted or None, fills derived fields of a parameter record, once per record, before anything is priced with it;
    `map` has applied it to the record that it returns.
    """

    name: str
    slots: tuple[Slot, ...]
    price: Price
    prepare: Prepare | None
    primitives: Mapping[str, Primitive]

    def check(self, chip: Chip) -> None:
        """Refuse a chip that does not state what this target needs. Raises `InvalidChip` or `MissingParameter`."""

    def options(self, mapping: Mapped) -> Mapped:
        """Check and normalise mapping options. Raises `InvalidMapping`."""

    def map(self, graph: Graph, chip: Chip, mapping: Mapped, *, allow_unmodelled: bool = False) -> Program:
        """Lower `graph` and lay it out on `chip`. Raises `UnsupportedOp`, `Infeasible`, `InvalidMapping`, `MissingParameter`."""

    def refine(self, program: Program, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the slot values of the event fidelity: cycles taken from cycle loops where the target has them."""

    def surroundings(self, program: Program, params: Table) -> Around:
        """(static power by component in watts, area by component in mm2), arrays of shape (n,) for n records of the parameter table."""

    def figures(self, program: Program, params: Table) -> Mapping[str, NDArray[np.float64]]:
        """Those of the program's `figures` that depend on constants which are not structural, arrays of shape (n,) for n records."""

    def default_dtype(self, chip: Chip, kind: str) -> str:
        """Number format that a command takes for an operator of `kind` (``""``: a network by name) that states none; empty: the reader's own."""

    def structural(self, mapping: Mapped) -> frozenset[str] | None:
        """Names of the chip constants that `map` itself depends on with these options; None = all of them (the mapper searches)."""


@runtime_checkable
class AnalogTarget(Protocol):
    """A target whose results have errors that it models; an addition to `Target` that most have not."""

    def analog(self, program: Program) -> Mapping[str, Any]:
        """How far the results of `program` are from digital ones, as plain data. Raises `UnsupportedOp`, `InvalidMapping`."""


@runtime_checkable
class DesignedTarget(Protocol):
    """A target whose chips run whichever design is placed on them (mapping option ``design``); an addition to `Target` that most have not."""

    def designs(self, chip: Chip) -> tuple[str, ...]:
        """Names of the designs that a comparison may place on `chip`; empty where it has one already, or takes none."""


class TargetBase:
    """What most targets do alike; a target overrides what it does otherwise.

    No derived parameters, no cycle loops (the event fidelity is the closed forms' values on SimPy), and a mapping that may depend on any constant.
    """

    name: str
    prepare: Prepare | None = None
    reads_timesteps: bool = False  # whether it reads the attributes of spiking networks (`hwsim.core.operators_spiking`)

    def refine(self, program: Program, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values as they are."""
        return values

    def figures(self, program: Program, params: Table) -> Mapping[str, NDArray[np.float64]]:
        """None: what `map` worked out holds for every record."""
        return {}

    def default_dtype(self, chip: Chip, kind: str) -> str:
        """None of its own."""
        return ""

    def structural(self, mapping: Mapped) -> frozenset[str] | None:
        """Every constant: always right, slow in sweeps. Name those that `map` reads to have the rest swept on the fast road."""
        return None

    def refuse(self, skipped: Sequence[str], allow_unmodelled: bool) -> tuple[str, ...]:
        """Return the warnings about operators without a model. Raises `UnsupportedOp` unless they are allowed."""
        if skipped and not allow_unmodelled:
            raise UnsupportedOp(self.name, skipped)
        return tuple(f"not modelled, priced at nothing: {line}" for line in skipped)

    def must_fit(self, what: str, demand: float, bound: float, unit: str, levers: Sequence[str]) -> None:
        """Raise `Infeasible` when `demand` exceeds `bound`."""
        if demand > bound:
            raise Infeasible(what, demand=demand, bound=bound, unit=unit, levers=levers)


def check_timesteps(target: Target, graph: Graph) -> None:
    """Refuse operators that run over timesteps, or on spikes, where the target would price one dense pass. Raises `InvalidTrace`."""
    if getattr(target, "reads_timesteps", False):
        return
    if over := [op.name for op in graph.ops if over_timesteps(op.attrs)]:
        some = ", ".join(over[:3]) + (f" and {len(over) - 3} more" if len(over) > 3 else "")
        raise InvalidTrace(f"target '{target.name}' prices one dense pass: it reads no timesteps or spikes, which {some} state")


@cache
def target_names() -> dict[str, str]:
    """Names of the installed targets and the entry points they load from."""
    return {e.name: e.value for e in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda e: e.name)}


@cache
def load_target(name: str) -> Target:
    """Import the target called `name`. Raises `InvalidChip` for an unknown one, naming those installed."""
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        if entry.name == name:
            return cast(Target, entry.load())
    raise InvalidChip(f"no target '{name}' is installed (installed: {', '.join(target_names()) or 'none'}){nearest(name, target_names())}")

