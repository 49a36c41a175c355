"""Fills the tables of `StepCosts` from simulations of one chip with a model on it.

Axes are refined where costs jump (tiles, waves, ranks): an interval is halved while the simulation at its middle is off the straight line by more
than `OFF`, as long as there are points left. Layers of one kind cost alike, so that most points are priced with few layers and extended, after a
check that the chip's costs are linear in the layers; where they are not, every point is the whole model.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim import api
from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, InvalidMapping, InvalidTrace
from hwsim.core.report import Report
from hwsim.core.target import load_target
from hwsim.readers.load import is_generated, load_graph, trace_path
from hwsim.serve.step_cost import PrefillCosts, StepCosts

CONTEXTS, PROMPTS, BATCHES = 7, 257, 33  # most points of an axis
FIRST_PROMPTS = 25
OFF = 0.01  # share by which a straight line may be off at an interval's middle
LINEAR = 1e-9


class Step(NamedTuple):
    """Seconds and dynamic joules of a step, and of its attention."""

    seconds: float
    joules: float
    attention_s: float
    attention_j: float


@dataclass(frozen=True)
class Machine:
    """A chip with a model on it: simulates prefill and decode graphs. `options` are the model's (dtype, layers, max_context ...)."""

    model: str
    chip: Chip
    mapping: Mapping[str, Any]
    options: Mapping[str, Any]
    few: list[int] = field(default_factory=list, compare=False)  # layers of one kind, once costs are known to be linear in them

    def decode(self, batch: int, context: int, **more: Any) -> Report:
        """Simulate one decode step. Raises `HwsimError`."""
        return self._run(phase="decode", batch=batch, context=context, **more)

    def prefill(self, prompt: int, **more: Any) -> Report:
        """Simulate the prefill of one prompt. Raises `HwsimError`."""
        return self._run(phase="prefill", prompt=prompt, **more)

    def generate(self, prompt: int) -> Report:
        """Simulate a prefill and one decode step after it. Raises `HwsimError`."""
        return self._run(phase="generate", prompt=prompt, generate=1)

    def _run(self, *, interval: bool = False, **request: Any) -> Report:
        return api.simulate(load_graph(self.model, **{**self.options, **request}), self.chip, self.mapping, interval=interval)

    def fits(self, batch: int, context: int) -> bool:
        """Whether `batch` sequences of `context` tokens fit on the chip."""
        try:
            self.decode(batch, context)
        except Infeasible:
            return False
        return True

    def learn(self, points: Iterable[Callable[..., Report]]) -> None:
        """See whether costs of the `points` are linear in the layers; later steps are then priced with few of them."""
        points = list(points)
        for few in (1, 2):  # two: sliding windows in every other layer
            if all(_linear(point, few) for point in points):
                self.few.append(few)
                return

    def step(self, simulate: Callable[..., Report]) -> Step:
        """Price a step: the whole model, or extended from few of its layers."""
        if not self.few:
            return _step(simulate())
        return _extended(simulate, self.few[0], _layers(self))


def check_model(model: str) -> None:
    """Refuse a trace that is no language model, which has no prefill and decode to serve. Raises `InvalidTrace`."""
    if is_generated(model) or trace_path(model)[0].suffix != ".json":
        raise InvalidTrace(f"trace '{model}' is no decoder-only language model: requests are prompts, served by prefill and decode steps")


def _layers(machine: Machine) -> int:
    return int(load_graph(machine.model, phase="decode", context=1, **machine.options).meta["model"]["layers"])


def _linear(simulate: Callable[..., Report], few: int) -> bool:
    whole = simulate()
    layers = int(whole.meta["model"]["layers"])
    if layers < 4 * few or layers % few:
        return False
    try:
        found = _extended(simulate, few, layers)
    except Infeasible:
        return False
    return all(math.isclose(a, b, rel_tol=LINEAR, abs_tol=1e-15) for a, b in zip(found, _step(whole), strict=True))


def _extended(simulate: Callable[..., Report], few: int, layers: int) -> Step:
    one, two = _step(simulate(layers=few)), _step(simulate(layers=2 * few))
    return Step(*(a + (layers / few - 1) * (b - a) for a, b in zip(one, two, strict=True)))


def _step(report: Report) -> Step:
    cost, program = report.cost, report.cost.program
    slots = [i for i, slot in enumerate(program.slots) if slot.quantity == "joules"]
    cycles = joules = 0.0
    for op, row in zip(program.graph.ops, program.row_of, strict=True):
        if row >= 0 and op.label == "attention":
            cycles += op.repeat * float(cost.cycles_by_row[row])
            joules += op.repeat * float(cost.values[row, slots].sum())
    return Step(report.latency_s, cost.dynamic_j, min(cycles / program.clock_hz, report.latency_s), joules)


def prefill_costs(machine: Machine, longest_prompt: int, idle_power_w: float | None = None) -> PrefillCosts:
    """Price prefills of up to `longest_prompt` tokens on a machine that does nothing else. Raises what a simulation raises."""
    report = machine.prefill(longest_prompt)
    if not machine.few:
        machine.learn([lambda **m: machine.prefill(longest_prompt, **m), lambda **m: machine.prefill(1, **m)])
    found = refined(lambda p: machine.step(lambda **m: machine.prefill(p, **m)), axis(longest_prompt, min(FIRST_PROMPTS, longest_prompt)), PROMPTS)
    seconds, joules, attention_s, attention_j = np.array([found[p] for p in sorted(found)], dtype=np.float64).T
    static = sum(report.cost.program.static_power_w.values())
    return PrefillCosts(
        np.array(sorted(found), dtype=np.float64), seconds, joules, attention_s, attention_j, static, _idle_w(machine, report, static, idle_power_w)
    )


def step_costs(
    machine: Machine, longest: int, longest_prompt: int, max_batch: int, *, idle_power_w: float | None = None, prefills: bool = True
) -> StepCosts:
    """Price a machine for requests that end with at most `longest` tokens, of which at most `longest_prompt` are prefilled at once.

    Without `prefills` the machine only decodes. Raises `Infeasible` when one such request does not fit, `InvalidMapping` for a batch below 1, and
    what a simulation raises.
    """
    if max_batch < 1:
        raise InvalidMapping(f"max_batch must be at least 1, got {max_batch}")
    machine.decode(1, longest)  # raises when one request alone does not fit
    capacity = cache_tokens(machine, longest, max_batch)
    machine, notes = _pinned(machine, longest_prompt if prefills else 0, *_widest(capacity, longest, max_batch))
    if notes:
        capacity = cache_tokens(machine, longest, max_batch)
    widest, full = _widest(capacity, longest, max_batch)
    machine.learn([lambda **m: machine.decode(widest, full, **m), lambda **m: machine.decode(1, longest, **m),
                   *([lambda **m: machine.prefill(longest_prompt, **m)] if prefills else [])])  # fmt: skip
    some = max(1, full // 2)
    powers = sorted({*(2**i for i in range(widest.bit_length()) if 2**i <= widest), widest})
    batches = sorted(refined(lambda b: machine.step(lambda **m: machine.decode(b, some, **m)), powers, BATCHES + len(powers)))
    points = min(CONTEXTS, full)
    contexts = np.array([axis(min(longest, capacity // b), points) for b in batches], dtype=np.float64)
    steps = [[machine.step(lambda b=b, c=int(c), **m: machine.decode(b, c, **m)) for c in row] for b, row in zip(batches, contexts, strict=True)]
    report = machine.decode(widest, full)
    static = sum(report.cost.program.static_power_w.values())
    idle = _idle_w(machine, report, static, idle_power_w)
    prompts = prefill_costs(machine, longest_prompt, idle_power_w) if prefills else _no_prefills(static, idle)
    switch_s, switch_j = _switch(machine, longest_prompt) if prefills and notes else (0.0, 0.0)
    return StepCosts(
        np.array(batches, dtype=np.float64), contexts, np.array([[s.seconds for s in row] for row in steps]),
        np.array([[s.joules for s in row] for row in steps]), prompts, max(static, prompts.static_w), idle, float(capacity), widest,
        switch_s, switch_j, notes,
    )  # fmt: skip


def _no_prefills(static: float, idle: float) -> PrefillCosts:
    nothing = np.zeros(1)
    return PrefillCosts(nothing, nothing, nothing, nothing, nothing, static, idle)


def _widest(capacity: int, longest: int, max_batch: int) -> tuple[int, int]:
    """(widest batch, the longest context at it): a request ends with two tokens at least."""
    widest = max(1, min(max_batch, capacity // 2))
    return widest, min(longest, capacity // widest)


def _pinned(machine: Machine, longest_prompt: int, widest: int, context: int) -> tuple[Machine, tuple[str, ...]]:
    """Pin where the mapper lays the model, once for prefill and once for decode: a server does not lay its weights out anew for each batch.

    The layout of decode is the best one at the widest batch, that of prefill at the longest prompt. Mapping options that state one are kept.
    """
    if any("grid" in name for name in machine.mapping):
        return machine, ()
    grids: dict[str, Any] = {"decode_grid": machine.decode(widest, context).cost.program.mapping.get("grid")}
    if longest_prompt:
        grids["prefill_grid"] = machine.prefill(longest_prompt).cost.program.mapping.get("grid")
    if not all(grids.values()):
        return machine, ()
    said = ", ".join(f"{name} {grid[0]} x {grid[1]}" for name, grid in grids.items() if grid)
    return replace(machine, mapping={**machine.mapping, **grids}), (
        f"the model lies on the chip as suits the widest batch and the longest prompt ({said}); mapping options of these names choose otherwise",
    )


def _switch(machine: Machine, prompt: int) -> tuple[float, float]:
    """(seconds, joules) between prefill and decode: a generation, less its prefill, its decode step and its sampling."""
    whole, parts = machine.generate(prompt), (machine.prefill(prompt), machine.decode(1, prompt + 1))
    rows = {row for op, row in zip(whole.cost.program.graph.ops, whole.cost.program.row_of, strict=True) if row >= 0 and op.label == "sample"}
    slots = [i for i, slot in enumerate(whole.cost.program.slots) if slot.quantity == "joules"]
    counts = whole.cost.program.counts
    sampling_s = sum(float(counts[r] * whole.cost.cycles_by_row[r]) for r in rows) / whole.cost.program.clock_hz
    sampling_j = sum(float(counts[r] * whole.cost.values[r, slots].sum()) for r in rows)
    seconds = whole.latency_s - sampling_s - sum(p.latency_s for p in parts)
    joules = whole.cost.dynamic_j - sampling_j - sum(p.cost.dynamic_j for p in parts)
    return max(0.0, seconds), max(0.0, joules)


def _idle_w(machine: Machine, report: Report, static: float, stated: float | None) -> float:
    """Watts of a machine that waits: as stated; the chip's own figure of an idle board; else its static power.

    Raises `InvalidMapping` for a stated figure that is no power.
    """
    if stated is not None:
        if not 0 <= stated < math.inf:
            raise InvalidMapping(f"idle power must be 0 W or more, got {stated:g}")
        return stated
    primitive = load_target(machine.chip.target).primitives.get("idle")
    if primitive is None or "memory_loaded" not in primitive.args:
        return static
    board = api.primitive("idle", machine.chip, {"memory_loaded": True})["power_w"]
    return min(static, board * float(report.cost.program.figures.get("devices", 1)))


def cache_tokens(machine: Machine, longest: int, max_batch: int) -> int:
    """Tokens that the cache holds, as far as `max_batch` requests of `longest` tokens can ask for them.

    Bisection over whole sequences first, then over the context of the widest batch that holds one token each.
    """
    if machine.fits(max_batch, longest):
        return max_batch * longest
    batch = _most(lambda b: machine.fits(b, 1), 1, max_batch)
    return max(longest, batch * _most(lambda c: machine.fits(batch, c), 1, longest))


def _most(fits: Callable[[int], bool], low: int, high: int) -> int:
    """The largest whole number in `low`..`high` that fits, where `low` does."""
    if fits(high):
        return high
    while high - low > max(1, low // 256):
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def axis(high: int, points: int) -> NDArray[np.int64]:
    """Whole numbers from 1 to `high` (at least `points`), all different, closer at the short end, where costs bend most."""
    found = np.rint(np.linspace(1, math.sqrt(high), points) ** 2).astype(np.int64)
    for i in range(1, points):
        found[i] = max(found[i], found[i - 1] + 1)
    return found


def refined(price: Callable[[int], Step], start: Iterable[int], most: int) -> dict[int, Step]:
    """Price the points `start` and more between them, at most `most` in all, until straight lines are good to `OFF` (widest intervals first).

    An interval is looked at in its middle and just above its low end, where the next tile of rows begins; where a line is off it is cut there.
    """
    found = {int(x): price(int(x)) for x in start}
    open_ = deque(pairwise(sorted(found)))
    while open_ and len(found) < most:
        low, high = open_.popleft()
        for cut in ((low + high) // 2, low + 1):
            if low < cut < high and cut not in found and len(found) < most:
                step = price(cut)
                share = (cut - low) / (high - low)
                straight = found[low].seconds + share * (found[high].seconds - found[low].seconds)
                found[cut] = step
                if abs(straight - step.seconds) > OFF * step.seconds:
                    open_ += [(low, cut), (cut, high)]
                    break
                high = cut  # the line holds to the middle: look at the half below it
    return found
