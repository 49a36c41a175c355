"""Serve a stream of requests: what a user of the service sees, what the machines do, and what it takes in joules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping
from hwsim.readers.load import load_graph
from hwsim.serve.outcome import Limits, Serving
from hwsim.serve.pricing import Machine, check_model, prefill_costs, step_costs
from hwsim.serve.ranges import interval as intervals
from hwsim.serve.ranges import ranges_of
from hwsim.serve.requests import Requests
from hwsim.serve.server import Policy
from hwsim.serve.simulation import Split, serve_at
from hwsim.serve.step_cost import StepCosts

CLOSE = 0.02  # share to which the highest rate is found


@dataclass(frozen=True)
class Site:
    """Machines with a model on them, priced once, for any stream whose requests are no longer than those that they were priced for."""

    costs: StepCosts
    machines: int
    policy: Policy
    split: Split | None
    longest: int
    longest_prompt: int
    machinery: tuple[Machine, Machine]  # that prefill and that decode, to take intervals of

    def serve(
        self, requests: Requests, *, concurrency: int = 0, warmup: int = 0, limits: Limits | None = None, interval: bool = False,
        timeline: bool = False,
    ) -> Serving:  # fmt: skip
        """Serve a stream; see `serve`. With `interval` it is served twice more (`hwsim.serve.ranges`).

        Raises `InvalidMapping`, also for longer requests than the machines were priced for.
        """
        if requests.longest > self.longest or requests.prompt_tokens.max() > self.longest_prompt:
            raise InvalidMapping(f"priced for requests of at most {self.longest} tokens, {self.longest_prompt} of them prompt")
        how: dict[str, Any] = {"machines": self.machines, "policy": self.policy, "concurrency": concurrency, "warmup": warmup, "limits": limits}
        done = serve_at(self.costs, requests, split=self.split, timeline=timeline, **how)
        if not interval:
            return done
        ranges = ranges_of(*self.machinery, self.costs, requests)
        low, high = (serve_at(ranges.costs(self.costs, end), requests, split=ranges.split(self.split, end), **how) for end in (0, 1))
        return replace(done, interval=intervals(ranges, done, (low, high)))

    def highest_rate(self, requests: Requests, limits: Limits, *, share: float = 0.9, warmup: int = 0) -> float:
        """The highest rate (requests a second, to 2 %) at which `share` of the requests stay within `limits`; 0 when none does.

        The stream's arrivals are stretched or squeezed to each rate that is tried (`Requests.at_rate`). Raises `InvalidMapping` for a share outside
        (0, 1], for no limits, and for a stream without arrival times or so short that no rate is too high for it.
        """
        if not 0 < share <= 1 or not limits.stated:
            raise InvalidMapping(f"the highest rate is that at which a share in (0, 1] of the requests is within limits; got {share:g}, {limits}")

        def good(rate: float) -> bool:
            return self.serve(requests.at_rate(rate), warmup=warmup, limits=limits).goodput()["within_limits"] >= share

        low, high = 0.0, 1.0
        while good(high):
            low, high = high, 2 * high
            if high > 1e9:
                raise InvalidMapping("no rate is too high for this stream: make it longer")
        while low == 0.0 and high > 1e-6:
            low, high = (high / 2, high) if good(high / 2) else (0.0, high / 2)
        while low and high - low > CLOSE * low:
            middle = (low + high) / 2
            low, high = (middle, high) if good(middle) else (low, middle)
        return low


def arrange(
    model: str, chip: Chip, requests: Requests, mapping: Mapping[str, Any] | None = None, *, max_batch: int = 32, machines: int = 1,
    paged: bool = False, chunk: int = 0, batching: str = "continuous", prefill_machines: int = 0, prefill_chip: Chip | None = None,
    prefill_mapping: Mapping[str, Any] | None = None, link_bytes_per_s: float = 0.0, idle_power_w: float | None = None, **options: Any,
) -> Site:  # fmt: skip
    """Price the machines of `serve` for requests as long as these, whenever they arrive. Raises as `serve` does."""
    policy = Policy(paged, chunk, batching)
    if chunk and chunk <= max_batch:
        raise InvalidMapping(f"chunk {chunk} leaves no token of a step to prompts: it must exceed the {max_batch} sequences that may decode")
    if prefill_chip is not None and not prefill_machines:
        raise InvalidMapping("a chip for prefill needs prefill_machines")
    check_model(model)
    if chunk > (positions := int(load_graph(model, phase="decode", context=1, **options).meta["model"]["max_context"])):
        raise InvalidMapping(f"a step is priced as a prefill of as many tokens, and the model has {positions:,} positions: chunk {chunk} is more")
    machine = Machine(model, chip, mapping or {}, options)
    prompt = int(requests.prompt_tokens.max())
    most = max(requests.longest - 1 if paged else prompt, chunk)  # a preempted request's own tokens are prefilled again
    costs = step_costs(machine, requests.longest, most, max_batch, idle_power_w=idle_power_w, prefills=not prefill_machines)
    split, first = None, machine
    if prefill_machines:
        first = Machine(model, prefill_chip or chip, (prefill_mapping or {}) if prefill_chip is not None else machine.mapping, options)
        split = Split(prefill_machines, _cache_bytes_per_token(model, options), link_bytes_per_s, prefill_costs(first, prompt, idle_power_w))
    return Site(costs, machines, policy, split, requests.longest, prompt, (first, machine))


def serve(
    model: str, chip: Chip, requests: Requests, mapping: Mapping[str, Any] | None = None, *, max_batch: int = 32, machines: int = 1,
    paged: bool = False, chunk: int = 0, batching: str = "continuous", prefill_machines: int = 0, prefill_chip: Chip | None = None,
    prefill_mapping: Mapping[str, Any] | None = None, link_bytes_per_s: float = 0.0, concurrency: int = 0, warmup: int = 0,
    limits: Limits | None = None, idle_power_w: float | None = None, interval: bool = False, timeline: bool = False, **options: Any,
) -> Serving:  # fmt: skip
    """Serve `requests` with `model` on `machines` alike chips and return what happened.

    `max_batch` sequences decode together on a machine; `paged`, `chunk` and `batching` are those of `Policy`. With `prefill_machines` prefill runs on
    machines of its own (of `prefill_chip` with `prefill_mapping`, else alike), and caches move over links of `link_bytes_per_s`. With `concurrency`,
    arrival times are left aside: so many requests are in the system as long as there are any, the next one enters when one ends. Times leave out the
    first `warmup` requests; `limits` are held against them. `idle_power_w` is what a waiting machine draws (default: the chip's idle figure, else its
    static power). With `interval`, the outcome says what the ranges of the chips' constants make of it; with `timeline` it keeps each machine's
    stretches of work. `options` are the model's (dtype, layers ...). Raises `Infeasible`, `InvalidMapping` and what a simulation raises.

    >>> from hwsim import load_chip
    >>> from hwsim.serve.requests import synthetic
    >>> done = serve("llama3-8b", load_chip("a100"), synthetic(20, 4.0, 200, 20), max_batch=8, layers=2)
    >>> done.figures["generated_tokens"]
    400.0
    """
    site = arrange(
        model, chip, requests, mapping, max_batch=max_batch, machines=machines, paged=paged, chunk=chunk, batching=batching,
        prefill_machines=prefill_machines, prefill_chip=prefill_chip, prefill_mapping=prefill_mapping, link_bytes_per_s=link_bytes_per_s,
        idle_power_w=idle_power_w, **options,
    )  # fmt: skip
    return site.serve(requests, concurrency=concurrency, warmup=warmup, limits=limits, interval=interval, timeline=timeline)


def _cache_bytes_per_token(model: str, options: Mapping[str, Any]) -> float:
    """Bytes of keys and values that one more token of context holds."""
    sizes = [sum(t.bytes for t in load_graph(model, phase="decode", context=c, **options).tensors.values() if t.role == "kv_cache") for c in (1, 2)]
    return float(sizes[1] - sizes[0])
