"""CARMA (arXiv 2306.15748): a trace of contexts switches the branches of a sensor-fusion network on and off at run time.

Every frame runs the branches of its context and the stems that they read (`context_gated`), or all of them (`all_branches`). A change of context
loads the weights of the parts that were not running (`model_switch`: the overlay stays, an instruction pointer moves), a bitstream
(`bitstream_reload`), or nothing (`none`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from pydantic import Field

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping, InvalidTrace, nearest
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.core.resources import shipped
from hwsim.readers.yaml_file import FileModel, load_yaml, validate
from hwsim.targets.fpga.dpu.twins import dealt_graph
from hwsim.targets.fpga.mapping import Options

SCHEMA = "hwsim.contexts/1"
GATED, RELOAD, MODEL = "context_gated", "bitstream_reload", "model_switch"
PARTS = ("stem", "branch")
Active = tuple[str, ...]


class ContextsEntry(FileModel):
    """A file of contexts."""

    schema_: str = Field(alias="schema")
    title: str
    source: str
    contexts: dict[str, list[str]]
    frames: list[list[str | int]]


@dataclass(frozen=True)
class Contexts:
    """Branches by context, and stretches of (context, frames) in order."""

    branches: Mapping[str, Active]
    stretches: tuple[tuple[str, int], ...]

    @property
    def frames(self) -> int:
        """Frames in all."""
        return sum(count for _, count in self.stretches)

    def each(self) -> Iterator[str]:
        """The context of every frame."""
        for context, count in self.stretches:
            for _ in range(count):
                yield context


@dataclass(frozen=True)
class Schedule:
    """The graph with executions over all frames, what switching loads, and what the mapping says; `frames` 0: a plain pass."""

    graph: Graph
    frames: int = 0
    switch_bytes: float = 0.0
    bitstreams: int = 0
    stated: Mapping[str, object] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()


def contexts_path() -> Path:
    """The shipped trace of contexts."""
    return shipped("traces") / "carma-contexts" / "contexts.yaml"


@lru_cache(maxsize=8)
def read_contexts(path: Path | None = None) -> Contexts:
    """Return a trace of contexts. Raises `InvalidTrace`."""
    document = load_yaml(path or contexts_path(), InvalidTrace)
    entry = validate(ContextsEntry, document, InvalidTrace)
    if entry.schema_ != SCHEMA:
        raise document.fail(InvalidTrace, ("schema",), f"must be {SCHEMA}, got '{entry.schema_}'")
    stretches = []
    for i, stretch in enumerate(entry.frames):
        match stretch:
            case [str(context), int(count)] if count >= 1:
                if context not in entry.contexts:
                    raise document.fail(InvalidTrace, ("frames", i), f"no context '{context}'{nearest(context, entry.contexts)}")
                stretches.append((context, count))
            case _:
                raise document.fail(InvalidTrace, ("frames", i), f"a stretch is [context, frames], got {stretch}")
    if not stretches or not all(entry.contexts.values()):
        raise document.fail(InvalidTrace, (), "a trace of contexts has frames, and every context a branch")
    return Contexts({name: tuple(branches) for name, branches in entry.contexts.items()}, tuple(stretches))


def part_of(op: Op) -> str:
    """The stem or branch that an operator belongs to, as ``stem camera_left``; empty for neither."""
    return next((f"{kind} {op.attrs[kind]}" for kind in PARTS if kind in op.attrs), "")


def parts_needed(graph: Graph, branches: Active) -> frozenset[str]:
    """Branches, and the stems whose maps they read (directly or not). Raises `InvalidTrace` for a branch that the graph lacks."""
    have = {str(op.attrs["branch"]) for op in graph.ops if "branch" in op.attrs}
    if unknown := [name for name in branches if name not in have]:
        raise InvalidTrace(f"'{graph.name}' has no branch '{unknown[0]}'{nearest(unknown[0], have)}; it has {', '.join(sorted(have))}")
    needed = {f"branch {name}" for name in branches}
    for op in reversed(graph.ops):
        if part_of(op) in needed:
            needed |= {part_of(graph.ops[graph.producers[name]]) for name in op.inputs if name in graph.producers}
    return frozenset(needed)


def part_weights(graph: Graph) -> dict[str, float]:
    """Weights of every part, one byte each."""
    found: dict[str, float] = {}
    for op in graph.ops:
        own = sum(o.elements for o in op.operands if o.role == "weight") if op.operand_role == "weight" else 0
        found[part_of(op)] = found.get(part_of(op), 0.0) + own
    return found


def active_parts(graph: Graph, contexts: Contexts, policy: str) -> dict[str, frozenset[str]]:
    """Parts that run, by context."""
    if policy != GATED:
        every = frozenset(part_of(op) for op in graph.ops)
        return dict.fromkeys(contexts.branches, every)
    return {name: parts_needed(graph, branches) for name, branches in contexts.branches.items()}


def scheduled(graph: Graph, options: Options, chip: Chip, contexts: Contexts | None = None) -> Schedule:
    """Return the work of a whole trace of contexts (default: the shipped one), or the plain graph without a policy. Raises `InvalidMapping`."""
    if options.policy is None:
        if options.switch is not None:
            raise InvalidMapping("switch says what a change of context loads: state a policy (context_gated or all_branches)")
        return Schedule(graph)
    if options.threads == "multi":
        raise InvalidMapping("a trace of contexts deals its parts to the cores itself: threads multi does not apply")
    if not any("branch" in op.attrs for op in graph.ops):
        raise InvalidMapping(f"policy {options.policy}: '{graph.name}' has no branches to switch (hydrafusion has)")
    trace = contexts or read_contexts()
    active = active_parts(graph, trace, options.policy)
    runs, beside = _dealt(trace, active, int(chip.number("cores")))
    moved, changes = _switching(graph, trace, active)
    switch = options.switch or (MODEL if options.policy == GATED else "none")
    return Schedule(
        dealt_graph(graph, lambda op: runs[part_of(op)], lambda op: beside[part_of(op)]), trace.frames,
        moved if switch == MODEL else 0.0, changes if switch == RELOAD else 0,
        {"policy": options.policy, "switch": switch, "frames": trace.frames},
        (f"{trace.frames} frames of a trace of contexts; a frame's stems, then its branches, are dealt to the cores in turn, and what the other"
         " cores do takes no time of its own; sensors and the gate are not counted",),
    )  # fmt: skip


def _dealt(trace: Contexts, active: Mapping[str, frozenset[str]], cores: int) -> tuple[Counter[str], Counter[str]]:
    """Frames in which a part is on the first core, and on another: stems and branches are dealt in turn, so that the first core has the most."""
    runs: Counter[str] = Counter()
    beside: Counter[str] = Counter()
    for context, count in trace.stretches:
        for kind in PARTS:
            for i, part in enumerate(sorted(p for p in active[context] if p.startswith(kind))):
                (beside if i % cores else runs)[part] += count
    return runs, beside


def _switching(graph: Graph, trace: Contexts, active: Mapping[str, frozenset[str]]) -> tuple[float, int]:
    """(bytes of weights, changes) over the trace: a change loads the parts that did not run before; what the first frame needs is there."""
    weights = part_weights(graph)
    moved, changes = 0.0, 0
    for (before, _), (now, _) in pairwise(trace.stretches):
        if fresh := active[now] - active[before]:
            moved += sum(weights[part] for part in fresh)
        changes += active[now] != active[before]
    return moved, changes
