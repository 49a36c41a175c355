"""How a kernel is described, and where kernels are found.

A kernel is a function of an operator and a machine that returns the `Work` of the operator: its loops, each with the instructions of one pass (`Mix`)
and the passes of the busiest core, and its barriers, forks and transfers. It counts; what anything costs is left to the price. It reads no constant
of the chip but those that `Machine` offers.

An example, the dot product: every core walks its share, then core 0 adds the partial sums.

    @kernel("dot", dtypes=("int32",), isa=("rv32im", "rv32imc"))
    def dot_int32(op: Op, m: Machine) -> Work:
        share = m.share(op["elements"])                                   # elements of the busiest core, and mean over busiest
        body = Mix(load=2, alu=3, mul=1, taken=1, load_use=1)             # 2 loads, product, sum, 2 pointers, branch; the product waits
        return Work(
            loops=(
                Loop(body, share.busiest, balance=share.balance),
                Loop(Mix(load=1, alu=1), m.cores, sequential=True),       # the partial sums
            ),
            barriers=2, forks=1,
        )

Kernels register on import of their modules (`hwsim.targets.cluster.kernels` imports them all). Of several that serve an operator, the one with the
most conditions wins, then the one declared last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hwsim.core.encoding import Fields, LeftOut
from hwsim.core.errors import InvalidTrace, nearest
from hwsim.core.op import Op
from hwsim.targets.cluster import layout as L
from hwsim.targets.cluster.machine import Machine

INDEX = {name: i for i, name in enumerate(L.CLASSES)}
DOUBLES = {"dadd", "dmul", "ddiv", "f2d"}
PACKED = {"fvec", "fdiv_half"}


class Mix:
    """Instructions (and events) by class: those of `layout.CLASSES`. Mixes add up, and can be multiplied by a number.

    >>> (2 * Mix(load=1, mac=1) + Mix(taken=1)).counts
    {'load': 2.0, 'mac': 2.0, 'taken': 1.0}
    """

    __slots__ = ("counts",)

    def __init__(self, **counts: float) -> None:
        for name, count in counts.items():
            if name not in INDEX:
                raise InvalidTrace(f"no instruction class '{name}'{nearest(name, INDEX)}")
            if count < 0 or not math.isfinite(count):
                raise InvalidTrace(f"instruction class '{name}': {count} is no count")
        self.counts: Mapping[str, float] = {name: float(count) for name, count in counts.items()}

    def __add__(self, other: Mix) -> Mix:
        return Mix(**{n: self.counts.get(n, 0.0) + other.counts.get(n, 0.0) for n in {**self.counts, **other.counts}})

    def __mul__(self, times: float) -> Mix:
        return Mix(**{n: c * times for n, c in self.counts.items()})

    __rmul__ = __mul__

    @property
    def instructions(self) -> float:
        """Instructions issued; those of routines that it calls are not counted."""
        return sum(c for n, c in self.counts.items() if INDEX[n] < len(L.INSTRUCTIONS))


@dataclass(frozen=True)
class Loop:
    """A loop that every core of the team runs on its share (or, `sequential`, core 0 alone while the others wait).

    `mix` is one pass; `passes` those of the busiest core (a fraction is a mean); `balance` is mean over busiest of the team. `running` cores run it
    at once (None: the team). `pattern`: how the cores' TCDM accesses meet: ``spread`` over the banks, ``walk`` (each core its own contiguous words:
    they stagger once, then run free), ``free`` of conflicts, or ``stride``: all walk in step with `stride_words` (0: one word). `code_bytes` is the
    size of the body without the routines that it calls (None: by its instructions). `cold`: the first pass is fetched from L2.
    """

    mix: Mix
    passes: float
    balance: float = 1.0
    running: int | None = None
    sequential: bool = False
    pattern: str = "spread"
    stride_words: int = 0
    code_bytes: float | None = None
    cold: bool = False

    def __post_init__(self) -> None:
        if self.pattern not in L.PATTERNS:
            raise InvalidTrace(f"pattern is one of {', '.join(L.PATTERNS)}, got '{self.pattern}'{nearest(self.pattern, L.PATTERNS)}")
        if not (math.isfinite(self.passes) and self.passes >= 0):
            raise InvalidTrace(f"a loop of {self.passes} passes")
        if not 0 < self.balance <= 1 + 1e-9:
            raise InvalidTrace(f"balance is mean over busiest, in (0, 1], got {self.balance}")


@dataclass(frozen=True)
class Transfers:
    """What the DMA and L3 move for an operator.

    `in_bytes` and `out_bytes` between L2 and L1 in `transfers` commands with `lines` further lines of 2D ones; `first_bytes` (the first tile in)
    and `last_bytes` (the last tile out) are parts of them that nothing hides; `blocking`: nothing hides any. `l3_bytes` between L3 and L2, hidden
    under the rest unless `l3_blocking`.
    """

    in_bytes: float = 0.0
    out_bytes: float = 0.0
    transfers: float = 0.0
    lines: float = 0.0
    first_bytes: float = 0.0
    last_bytes: float = 0.0
    blocking: bool = False
    l3_bytes: float = 0.0
    l3_blocking: bool = False


@dataclass(frozen=True)
class Work:
    """What one operator is to the cluster: up to `layout.LOOPS` loops, one after another; `barriers` and `forks` (team starts; none on one core)
    in all.

    `macs_per_cycle` is the arithmetic peak of one core, for the roofline (None: the chip's for the dtype).
    """

    loops: tuple[Loop, ...]
    barriers: float = 0.0
    forks: float = 0.0
    transfers: Transfers = field(default_factory=Transfers)
    macs_per_cycle: float | None = None


Kernel = Callable[[Op, Machine], Work]


@dataclass(frozen=True)
class Entry:
    """A registered kernel and when it serves; an empty condition is none."""

    make: Kernel
    dtypes: tuple[str, ...]
    isa: tuple[str, ...]
    flows: tuple[str, ...]
    core: str
    when: Callable[[Op, Machine], bool] | None

    def serves(self, op: Op, m: Machine) -> bool:
        """True when every condition holds."""
        return (
            (not self.dtypes or op.dtype in self.dtypes)
            and (not self.isa or m.isa in self.isa)
            and (not self.flows or m.flow in self.flows)
            and (not self.core or m.core == self.core)
            and (self.when is None or self.when(op, m))
        )

    @property
    def conditions(self) -> int:
        """Number of conditions."""
        return sum(bool(c) for c in (self.dtypes, self.isa, self.flows, self.core, self.when))


KERNELS: dict[str, list[Entry]] = {}


def kernel(
    kind: str, *, dtypes: tuple[str, ...] = (), isa: tuple[str, ...] = (), flows: tuple[str, ...] = (), core: str = "",
    when: Callable[[Op, Machine], bool] | None = None,
) -> Callable[[Kernel], Kernel]:  # fmt: skip
    """Declare the decorated function as a kernel of operators of `kind`.

    `dtypes` are names of `hwsim.core.dtype`, `isa` instruction sets of the mapping (``thumb2`` on Cortex-M), `flows` software stacks (``""`` when the
    mapping names none), `core` the chip's ``core_isa``, `when` any further condition.
    """

    def add(make: Kernel) -> Kernel:
        KERNELS.setdefault(kind, []).append(Entry(make, dtypes, isa, flows, core, when))
        return make

    return add


def find(op: Op, m: Machine) -> Kernel | None:
    """Return the kernel that serves `op`, None when there is none."""
    best: Entry | None = None
    for entry in KERNELS.get(op.kind, ()):
        if entry.serves(op, m) and (best is None or entry.conditions >= best.conditions):
            best = entry
    return best.make if best else None


def encode(op: Op, m: Machine) -> Fields | LeftOut:
    """Return the operator's record (`layout.OP_FIELDS`), or why it has no model."""
    if not op.compulsory_bytes:
        return LeftOut("moves nothing", deliberate=True)
    make = find(op, m)
    if make is None:
        known = sorted({d for e in KERNELS.get(op.kind, ()) for d in e.dtypes})
        stack = f" under flow={m.flow}" if m.flow else ""
        some = f" (there are some for {', '.join(known)})" if known else ""
        if op.dtype in known:
            some = f" that serves its sizes on {m.chip.name} (others serve {op.dtype}: other flows, instruction sets, shapes or units)"
        return LeftOut(f"no kernel for {op.dtype} with {m.isa}{stack}{some}")
    work = make(op, m)
    if complaint := _complaint(work, m):
        return LeftOut(complaint)
    peak = work.macs_per_cycle or m.macs_per_cycle(op.dtype)
    return record(work, m, roofline=op.macs / (peak * m.cores), what=f"operator '{op.name}'")


def _complaint(work: Work, m: Machine) -> str | None:
    """Operations that neither the FPU nor the emulation library has."""
    used = {name for loop in work.loops for name, count in loop.mix.counts.items() if count}
    wanting = used & (DOUBLES if m.native else PACKED)
    if not wanting:
        return None
    return f"{', '.join(sorted(wanting))}: " + ("the unit has no double precision" if m.native else f"{m.fp} has no packed or half precision")


def record(work: Work, m: Machine, *, roofline: float = 0.0, what: str = "work") -> Fields:
    """Write `work` as a record of the operator table; `roofline` cycles. Raises `InvalidTrace` for a kernel of too many loops."""
    loops = [loop for loop in work.loops if loop.passes > 0]
    if len(loops) > L.LOOPS:
        raise InvalidTrace(f"{what}: its kernel has {len(loops)} loops, a record holds {L.LOOPS}")
    moved = work.transfers
    fields: dict[str, object] = {
        "cores": float(m.cores), "loops": float(len(loops)), "barriers": float(work.barriers), "forks": float(work.forks if m.cores > 1 else 0.0),
        "roofline": roofline,
        "dma_in_bytes": moved.in_bytes, "dma_out_bytes": moved.out_bytes, "dma_transfers": moved.transfers, "dma_lines": moved.lines,
        "dma_first_bytes": moved.first_bytes, "dma_last_bytes": moved.last_bytes, "dma_blocking": float(moved.blocking),
        "l3_bytes": moved.l3_bytes, "l3_blocking": float(moved.l3_blocking),
    }  # fmt: skip
    columns = [_columns(loop, m) for loop in loops]
    empty = dict.fromkeys(L.PER_LOOP, 0.0)
    columns += [empty] * (L.LOOPS - len(loops))
    for name in L.PER_LOOP:
        fields[name] = tuple(float(c[name]) for c in columns)
    rows = [_counts(loop, m) for loop in loops]
    fields["counts"] = tuple(rows + [(0.0,) * len(L.CLASSES)] * (L.LOOPS - len(rows)))
    return fields


def _columns(loop: Loop, m: Machine) -> dict[str, float]:
    """The per-loop columns of one loop."""
    body = loop.code_bytes if loop.code_bytes is not None else loop.mix.instructions * m.instruction_bytes
    return {
        "passes": loop.passes, "running": 1.0 if loop.sequential else float(loop.running or m.cores), "balance": loop.balance,
        "sequential": float(loop.sequential), "pattern": float(L.PATTERNS[loop.pattern]), "stride_words": float(loop.stride_words),
        "body_bytes": min(body, loop.mix.instructions * m.instruction_bytes), "code_bytes": body, "cold": float(loop.cold),
    }  # fmt: skip


def _counts(loop: Loop, m: Machine) -> tuple[float, ...]:
    """Instructions of the busiest core, by class; with operands in L2 its loads and stores go there."""
    counts = [0.0] * len(L.CLASSES)
    for name, count in loop.mix.counts.items():
        counts[INDEX[name]] += count * loop.passes
    if m.data == "l2":
        counts[L.L2_ACCESS] += counts[L.LOAD] + counts[L.STORE]
        counts[L.LOAD] = counts[L.STORE] = counts[L.LOAD_USE] = 0.0
    return tuple(counts)
