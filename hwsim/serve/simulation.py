"""The simulation of serving on SimPy: arrivals, machines and links together, and the figures of what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import simpy

from hwsim.core.errors import CostError, InvalidMapping, InvalidTrace
from hwsim.serve.chunked import ChunkedServer
from hwsim.serve.ledger import Ledger, Line
from hwsim.serve.outcome import Limits, Serving
from hwsim.serve.requests import Requests
from hwsim.serve.server import BOTH, DECODE, PREFILL, Policy, Server
from hwsim.serve.step_cost import PrefillCosts, StepCosts

LONGEST_S = 1e9  # of a stream: clock times are then good to 0.1 us


@dataclass(frozen=True)
class Split:
    """Prefill on machines of their own, whose caches go over links to the decoding ones.

    `machines` prefill, at the `costs` of their chip (None: they are alike the decoding ones). A request's cache of `bytes_per_token` x its tokens
    leaves over its machine's link of `link_bytes_per_s`, one cache after another.
    """

    machines: int
    bytes_per_token: float
    link_bytes_per_s: float
    costs: PrefillCosts | None = None

    def __post_init__(self) -> None:
        if self.machines < 1 or not self.bytes_per_token >= 0 or not self.link_bytes_per_s > 0:
            raise InvalidMapping("a split needs at least one prefill machine, bytes per token, and the bandwidth of a link")


def serve_at(
    costs: StepCosts, requests: Requests, *, machines: int = 1, policy: Policy | None = None, split: Split | None = None, concurrency: int = 0,
    warmup: int = 0, limits: Limits | None = None, timeline: bool = False,
) -> Serving:  # fmt: skip
    """Serve `requests` on machines whose steps cost `costs`; see `hwsim.serve.serving.serve`.

    Raises `InvalidMapping`, `InvalidTrace`, `CostError`.
    """
    policy = policy or Policy()
    _check(requests, machines, policy, split, concurrency, warmup)
    env, ledger, line = simpy.Environment(), Ledger.of(len(requests)), Line()
    kind = ChunkedServer if policy.chunk else Server
    if split is None:
        servers = [kind(env, costs, requests, ledger, line, role=BOTH, policy=policy) for _ in range(machines)]
    else:
        later = Line()
        first = costs if split.costs is None else replace(costs, prefills=split.costs, static_w=split.costs.static_w, idle_w=split.costs.idle_w)
        first = replace(first, switch_s=0.0, switch_j=0.0)  # either kind of machine keeps its layout
        servers = [
            Server(env, first, requests, ledger, line, role=PREFILL, hand_over=_Link(env, later, requests, split)) for _ in range(split.machines)
        ]
        servers += [Server(env, costs, requests, ledger, later, role=DECODE, policy=policy) for _ in range(machines)]
    for server in servers if timeline else ():
        server.tally.spans = []
    if concurrency:
        _keep_busy(env, line, ledger, len(requests), concurrency)
    else:
        env.process(_arrivals(env, line, ledger, requests))
    env.run()
    return _outcome(costs, requests, ledger, servers, line, split, warmup, limits or Limits())


def _check(requests: Requests, machines: int, policy: Policy, split: Split | None, concurrency: int, warmup: int) -> None:
    if (span := float(requests.arrival_s[-1] - requests.arrival_s[0])) > LONGEST_S:
        raise InvalidTrace(f"requests arrive over {span:.3g} s, and steps would be lost in rounding beyond {LONGEST_S:.0e} s")
    if machines < 1:
        raise InvalidMapping(f"at least one machine serves, got {machines}")
    if split is not None and policy.paged:
        raise InvalidMapping("paged caches are for machines that prefill and decode; with prefill machines of their own a request keeps its room")
    if split is not None and policy.chunk:
        raise InvalidMapping("prompts in chunks share steps with decoding sequences; prefill machines of their own read them in one piece")
    if concurrency < 0:
        raise InvalidMapping(f"concurrency is a number of requests (0: they arrive at their times), got {concurrency}")
    if not 0 <= warmup < len(requests):
        raise InvalidMapping(f"warmup leaves out requests: at least 0 and fewer than the {len(requests)} there are, got {warmup}")


def _arrivals(env: simpy.Environment, line: Line, ledger: Ledger, requests: Requests) -> Any:
    for request, at in enumerate((requests.arrival_s - requests.arrival_s[0]).tolist()):  # epochs would leave too few digits for steps
        if at > env.now:
            yield env.timeout(at - env.now)
        ledger.arrive(request, env.now)
        line.join(request)


def _keep_busy(env: simpy.Environment, line: Line, ledger: Ledger, count: int, concurrency: int) -> None:
    """Let `concurrency` requests in, and one for each that ends."""
    coming = iter(range(count))

    def enter(_: int = 0) -> None:
        request = next(coming, None)
        if request is not None:
            ledger.arrive(request, env.now)
            line.join(request)

    def begin() -> Any:
        for _ in range(concurrency):
            enter()
        yield env.timeout(0.0)

    ledger.ended = enter
    env.process(begin())


class _Link:
    """The link of one prefill machine: caches leave one after another and join the line of the decoding machines."""

    def __init__(self, env: simpy.Environment, line: Line, requests: Requests, split: Split) -> None:
        self.env, self.line, self.requests, self.split = env, line, requests, split
        self.free_s = 0.0

    def __call__(self, request: int) -> None:
        tokens = float(self.requests.prompt_tokens[request])
        self.free_s = max(self.free_s, self.env.now) + tokens * self.split.bytes_per_token / self.split.link_bytes_per_s
        self.env.process(self._travel(request, self.free_s - self.env.now))

    def _travel(self, request: int, seconds: float) -> Any:
        yield self.env.timeout(seconds)
        self.line.join(request)


def _outcome(
    costs: StepCosts, requests: Requests, ledger: Ledger, servers: list[Server], line: Line, split: Split | None, warmup: int, limits: Limits
) -> Serving:
    if (ledger.ends != 1).any() or (ledger.given != requests.generated_tokens).any() or ledger.gaps.sum() != (requests.generated_tokens - 1).sum():
        raise CostError(f"{int((ledger.ends != 1).sum())} requests did not end exactly once with the tokens that they asked for")
    served = replace(requests, arrival_s=requests.arrival_s if ledger.ended is None else ledger.arrive_s)
    with np.errstate(invalid="ignore"):
        between = (ledger.end_s - ledger.first_s) / np.where(requests.generated_tokens > 1, requests.generated_tokens - 1, np.nan)
    span = float(ledger.end_s.max() - ledger.arrive_s[0])
    rows = tuple({"role": s.role, **_machine(s, span)} for s in servers)
    figures = _figures(served, ledger, rows, line, span)
    figures |= {"capacity_tokens": costs.capacity_tokens, "max_batch": float(costs.max_batch)}
    start = ledger.start_s - ledger.arrive_s
    first, whole = ledger.first_s - ledger.arrive_s, ledger.end_s - ledger.arrive_s
    return Serving(
        served, start, first, between, whole, ledger.preempted, ledger.gaps, figures, rows, _assumptions(costs, split, servers[-1].policy),
        _warnings(ledger, rows), limits, warmup, spans=tuple(tuple(s.tally.spans or ()) for s in servers),
    )  # fmt: skip


def _figures(requests: Requests, ledger: Ledger, rows: tuple[Mapping[str, Any], ...], line: Line, span: float) -> dict[str, float]:
    tokens, prompts = float(requests.generated_tokens.sum()), float(requests.prompt_tokens.sum())
    dynamic, static = sum(r["dynamic_j"] for r in rows), sum(r["static_j"] for r in rows)
    idle, gaps = sum(r["idle_j"] for r in rows), float(requests.arrival_s[-1] - requests.arrival_s[0])
    energy = dynamic + static + idle
    return {
        "duration_s": span, **({"offered_per_s": (len(requests) - 1) / gaps} if gaps else {}), "requests_per_s": len(requests) / span,
        "generated_tokens": tokens, "prompt_tokens": prompts, "tokens_per_s": tokens / span, "total_tokens_per_s": (tokens + prompts) / span,
        "energy_j": energy, "dynamic_j": dynamic, "static_j": static, "idle_j": idle, "energy_per_token_j": energy / tokens,
        "energy_per_request_j": energy / len(requests), "power_w": energy / span, "mean_in_system": ledger.inside_s / span,
        "most_in_system": float(ledger.inside_most), "longest_line": float(line.longest), "preemptions": float(ledger.preempted.sum()),
    }  # fmt: skip


def _machine(server: Server, span: float) -> dict[str, float]:
    t = server.tally
    return {
        "busy": t.busy_s / span, "prefill_s": t.prefill_s, "decode_s": t.decode_s, "mixed_s": t.mixed_s, "switch_s": t.switch_s,
        "dynamic_j": t.joules, "static_j": server.costs.static_w * t.busy_s, "idle_j": server.costs.idle_w * max(0.0, span - t.busy_s),
        "static_w": server.costs.static_w, "idle_w": server.costs.idle_w, "steps": float(t.steps),
        "mean_batch": t.sequence_steps / t.steps if t.steps else 0.0, "widest_batch": float(t.widest), "cached_tokens_most": t.cached_most,
    }  # fmt: skip


def _assumptions(costs: StepCosts, split: Split | None, policy: Policy) -> tuple[str, ...]:
    found = ["sequences of unlike contexts are priced at their mean; between priced points costs are linear"]
    if policy.chunk:
        found.append("a step's tokens share the layers' products, priced as a prefill of as many; attention of prompts and of decoding adds up")
    else:
        found.append("a prompt is prefilled alone and in one piece; its end gives the first token")
    if split is not None:
        found.append(f"a cache of {split.bytes_per_token:,.0f} bytes a token goes over its machine's link; the link's joules are not modelled")
        found.append("a cache that waits for room among the decoding machines takes none on the others")
    for one, what in ((costs, "a machine"), (split.costs if split is not None else None, "one that prefills")):
        if one is not None:
            found.append(f"{what} draws {one.static_w:,.5g} W of static power at work and {one.idle_w:,.5g} W as it waits, to the last token")
    return (*found, *costs.notes)


def _warnings(ledger: Ledger, rows: tuple[Mapping[str, Any], ...]) -> tuple[str, ...]:
    """Say so when requests came faster than they were served: waits grew to the end, on machines that were never idle."""
    waits = ledger.first_s - ledger.arrive_s
    quarter = len(waits) // 4
    if quarter < 5 or ledger.ended is not None or max(r["busy"] for r in rows) < 0.95:
        return ()
    early, late = float(waits[quarter : 2 * quarter].mean()), float(waits[-quarter:].mean())
    if late < 1.5 * early:
        return ()
    return (f"requests came faster than they were served: the wait for a first token grew from {early:.3g} to {late:.3g} s, with no end in sight",)
