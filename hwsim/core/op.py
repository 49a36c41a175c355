"""Operators: a kind, its loop bounds, and what follows from them (shapes, MACs, elementary operations, bytes).

The kinds themselves are declared in `hwsim.core.operators`, one `OpKind` each; adding an operator is adding one there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from hwsim.core.dtype import dtype
from hwsim.core.errors import InvalidTrace, nearest

Bounds = Mapping[str, int]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Operand:
    """One input that a kind of operator reads: its shape, its usual role, and the elements really touched.

    `dtype` is ``op`` (the operator's), ``weight`` (its weight dtype), ``cache`` (its attribute ``kv_dtype``), or the name of a fixed one.
    `touched` counts the elements read when that is fewer than the whole tensor (embedding rows, active experts).
    """

    name: str
    shape: Shape
    role: str = "activation"
    dtype: str = "op"
    touched: int | None = None

    @property
    def elements(self) -> int:
        """Elements read from this operand."""
        return math.prod(self.shape) if self.touched is None else self.touched


@dataclass(frozen=True)
class OpKind:
    """A kind of operator.

    `bounds` are required loop bounds, `defaults` the optional ones with their default (0 allowed, as a flag or 'none').
    `operands(b)` gives the inputs and `results(b)` the output shapes; `macs(b)` counts multiply-accumulates and `elementary(b)` the other
    arithmetic operations (one per add, multiply, compare, exponential...), by which vector units are charged.
    `functions` names the variants (``gelu``, ``rms``...) with the elementary operations per element of each.
    """

    name: str
    bounds: tuple[str, ...]
    operands: Callable[[Bounds], tuple[Operand, ...]]
    results: Callable[[Bounds], tuple[Shape, ...]]
    macs: Callable[[Bounds], int] = lambda b: 0
    elementary: Callable[[Bounds], int] = lambda b: 0
    defaults: Mapping[str, int] = field(default_factory=dict)
    functions: Mapping[str, int] = field(default_factory=dict)
    check: Callable[[Bounds], str | None] = lambda b: None

    @property
    def all_bounds(self) -> tuple[str, ...]:
        """Required bounds, then optional ones: the order of the operator table's columns."""
        return self.bounds + tuple(self.defaults)


KINDS: dict[str, OpKind] = {}


def register(kind: OpKind) -> OpKind:
    """Add a kind of operator; its name must be new."""
    if kind.name in KINDS:
        raise InvalidTrace(f"operator kind '{kind.name}' is declared twice")
    KINDS[kind.name] = kind
    return kind


def op_kind(name: str) -> OpKind:
    """Return the kind called `name`. Raises `InvalidTrace`, naming the nearest ones."""
    if name not in KINDS:
        import hwsim.core.operators  # noqa: PLC0415
        import hwsim.core.operators_classical  # noqa: PLC0415
        import hwsim.core.operators_spiking  # noqa: F401, PLC0415  (they declare the built-in kinds on first use)
    try:
        return KINDS[name]
    except KeyError:
        raise InvalidTrace(f"unknown operator '{name}'{nearest(name, KINDS)}") from None


@dataclass(frozen=True)
class Op:
    """One operator of a graph.

    `bounds` are its loop bounds in elements; `inputs` and `outputs` name tensors of the graph. `operand_role` is the role of its second
    operand (weight, activation or kv_cache). `label` names the component for breakdowns, `layer` the layer it belongs to, `phase` prefill
    or decode; `repeat` counts serial executions that this op stands for (the steps of a generation at nearly the same context).

    Raises `InvalidTrace` for missing, unknown, negative or contradictory bounds.
    """

    name: str
    kind: str
    bounds: Mapping[str, int] = field(hash=False)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    dtype: str = "fp16"
    weight_dtype: str = ""
    weight_density: float = 1.0
    function: str = ""
    operand_role: str = "weight"
    label: str = ""
    layer: int | None = None
    phase: str = ""
    repeat: int = 1
    attrs: Mapping[str, str | int | float | bool] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        kind = op_kind(self.kind)
        object.__setattr__(self, "bounds", _checked_bounds(self.name, kind, self.bounds))
        object.__setattr__(self, "weight_dtype", dtype(self.weight_dtype or self.dtype).name)
        object.__setattr__(self, "dtype", dtype(self.dtype).name)
        object.__setattr__(self, "label", self.label or self.kind)
        if not 0 < self.weight_density <= 1:
            raise InvalidTrace(f"operator '{self.name}': weight_density {self.weight_density} is not in (0, 1]")
        if self.repeat < 1:
            raise InvalidTrace(f"operator '{self.name}': repeat {self.repeat} is not positive")
        if self.function and self.function not in kind.functions:
            known = ", ".join(kind.functions) or "none"
            raise InvalidTrace(f"operator '{self.name}': {self.kind} has no function '{self.function}' (known: {known})")

    def __getitem__(self, bound: str) -> int:
        return self.bounds[bound]

    @cached_property
    def spec(self) -> OpKind:
        """The declaration of this operator's kind."""
        return op_kind(self.kind)

    @cached_property
    def operands(self) -> tuple[Operand, ...]:
        """The inputs that its bounds call for, in the order of `inputs`."""
        return self.spec.operands(self.bounds)

    @cached_property
    def results(self) -> tuple[Shape, ...]:
        """The shapes of its outputs."""
        return self.spec.results(self.bounds)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one execution, counting every weight as present (density is not applied)."""
        return self.spec.macs(self.bounds)

    @property
    def elementary(self) -> int:
        """Other arithmetic operations of one execution."""
        per_element = self.spec.functions.get(self.function)
        return self.spec.elementary(self.bounds) * (1 if per_element is None else per_element)

    def dtype_of(self, operand: Operand) -> str:
        """Name of the dtype that an operand has: the operator's, its weights', its cache's (attribute ``kv_dtype``) or a fixed one."""
        tag = operand.dtype
        if tag == "op":
            return self.dtype
        if tag == "weight":
            return self.weight_dtype
        return str(self.attrs.get("kv_dtype", self.dtype)) if tag == "cache" else tag

    def twin(self, name: str, inputs: tuple[str, ...], outputs: tuple[str, ...], layer: int | None = None) -> Op:
        """Return the same operator under another name, on other tensors, in another layer; nothing is checked or computed again."""
        made = object.__new__(Op)
        made.__dict__.update(self.__dict__)
        made.__dict__.update(name=name, inputs=inputs, outputs=outputs, layer=layer)
        return made

    def _bytes(self, *, weights: bool) -> float:
        return sum(o.elements * dtype(self.dtype_of(o)).bytes for o in self.operands if (o.role == "weight") == weights)

    @property
    def weight_bytes(self) -> float:
        """Bytes of weights read once (density applied); 0 when the second operand is no weight."""
        return self._bytes(weights=True) * self.weight_density if self.operand_role == "weight" else 0.0

    @property
    def input_bytes(self) -> float:
        """Bytes of activations (and cache) read once."""
        return self._bytes(weights=False) + (0.0 if self.operand_role == "weight" else self._bytes(weights=True))

    @property
    def output_bytes(self) -> float:
        """Bytes of results written once."""
        return sum(math.prod(s) for s in self.results) * dtype(self.dtype).bytes

    @cached_property
    def compulsory_bytes(self) -> float:
        """Bytes that any machine must move: every operand read once, every result written once."""
        return self.weight_bytes + self.input_bytes + self.output_bytes

    @cached_property
    def signature(self) -> tuple[object, ...]:
        """What the price depends on: operators of equal signature are priced once."""
        return (
            self.kind, tuple(self.bounds.values()), self.dtype, self.weight_dtype, self.weight_density, self.function,
            self.operand_role, self.label, self.phase, tuple(sorted(self.attrs.items())),
        )  # fmt: skip


def _checked_bounds(op_name: str, kind: OpKind, given: Bounds) -> dict[str, int]:
    unknown = [b for b in given if b not in kind.all_bounds]
    if unknown:
        raise InvalidTrace(f"operator '{op_name}': {kind.name} has no bound '{unknown[0]}'{nearest(unknown[0], kind.all_bounds)}")
    missing = [b for b in kind.bounds if b not in given]
    if missing:
        raise InvalidTrace(f"operator '{op_name}': {kind.name} needs {', '.join(missing)}")
    bounds: dict[str, int] = {}
    for bound in kind.all_bounds:
        value = given.get(bound, kind.defaults.get(bound, 0))
        if isinstance(value, bool) and bound in kind.defaults:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidTrace(f"operator '{op_name}': {bound} must be a whole number, got {value!r}")
        if value < 0 or (value == 0 and kind.defaults.get(bound) != 0):
            raise InvalidTrace(f"operator '{op_name}': {bound} must be positive, got {value}")
        bounds[bound] = value
    if complaint := kind.check(bounds):
        raise InvalidTrace(f"operator '{op_name}': {complaint}")
    return bounds
