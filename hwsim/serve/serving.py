"""Serve a stream of requests: what a user of the service sees, what the machines do, and what it takes in joules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.errors import CostError, InvalidMapping
from hwsim.readers.load import load_graph
from hwsim.serve.requests import Requests
from hwsim.serve.server import BOTH, DECODE, PREFILL, Ledger, Line, Server
from hwsim.serve.step_cost import Machine, StepCosts, step_costs

SCHEMA = "hwsim.serving/1"
PERCENTILES = (50, 90, 99)
SPREAD = ("time_to_first_token_s", "time_per_token_s", "latency_s")


@dataclass(frozen=True)
class Split:
    """Prefill on machines of their own, whose caches go over a link to the decoding ones.

    `machines` prefill; a request's cache of `bytes_per_token` x its tokens takes that over `link_bytes_per_s`, each on the link by itself.
    """

    machines: int
    bytes_per_token: float
    link_bytes_per_s: float

    def __post_init__(self) -> None:
        if self.machines < 1 or not self.bytes_per_token > 0 or not self.link_bytes_per_s > 0:
            raise InvalidMapping("a split needs at least one prefill machine, bytes per token, and the bandwidth of a link")


@dataclass(frozen=True)
class Serving:
    """The outcome. Arrays of shape (n,), in the order of arrival: seconds to the first token, between tokens (NaN for one token), to the last.

    `figures` are the totals by name (SI units); `machines` one mapping of figures per machine. Raises `CostError` when a request did not end exactly
    once with the tokens that it asked for: a fault of the model.
    """

    requests: Requests
    time_to_first_token_s: NDArray[np.float64]
    time_per_token_s: NDArray[np.float64]
    latency_s: NDArray[np.float64]
    figures: Mapping[str, float]
    machines: tuple[Mapping[str, Any], ...]
    assumptions: tuple[str, ...] = field(default=())

    def percentiles(self) -> dict[str, dict[str, float]]:
        """Mean and percentiles of each time, by name: ``mean``, ``p50``, ``p90``, ``p99``."""
        found = {}
        for name in SPREAD:
            values = getattr(self, name)
            values = values[~np.isnan(values)]
            if len(values):
                found[name] = {"mean": float(values.mean())} | {f"p{q}": float(np.percentile(values, q)) for q in PERCENTILES}
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain data of the form ``hwsim.serving/1``."""
        return {
            "schema": SCHEMA, "requests": len(self.requests), **self.figures, "times": self.percentiles(),
            "machines": [dict(m) for m in self.machines], "assumptions": list(self.assumptions),
        }  # fmt: skip


def serve(
    model: str, chip: Chip, requests: Requests, mapping: Mapping[str, Any] | None = None, *, max_batch: int = 32, machines: int = 1,
    paged: bool = False, prefill_machines: int = 0, link_bytes_per_s: float = 0.0, **options: Any,
) -> Serving:  # fmt: skip
    """Serve `requests` with `model` on `machines` alike chips and return what happened.

    `max_batch` sequences decode together on a machine. A machine keeps room for each request's whole length, or, `paged`, takes requests while the
    cache has room and preempts the newest when it is full. With `prefill_machines` prefill runs on machines of its own, and caches move over a link
    of `link_bytes_per_s`. `options` are the model's (dtype, layers ...). Raises `Infeasible`, `InvalidMapping` and what a simulation raises.

    >>> from hwsim import load_chip
    >>> from hwsim.serve.requests import synthetic
    >>> done = serve("llama3-8b", load_chip("a100"), synthetic(20, 4.0, 200, 20), max_batch=8, layers=2)
    >>> done.figures["generated_tokens"]
    400.0
    """
    machine = Machine(model, chip, mapping or {}, options)
    costs = step_costs(machine, requests.longest, int(requests.prompt_tokens.max()), max_batch)
    split = Split(prefill_machines, _cache_bytes_per_token(model, options), link_bytes_per_s) if prefill_machines else None
    return serve_at(costs, requests, machines=machines, paged=paged, split=split)


def _cache_bytes_per_token(model: str, options: Mapping[str, Any]) -> float:
    """Bytes of keys and values that one more token of context holds."""
    sizes = [sum(t.bytes for t in load_graph(model, phase="decode", context=c, **options).tensors.values() if t.role == "kv_cache") for c in (1, 2)]
    return float(sizes[1] - sizes[0])


def serve_at(costs: StepCosts, requests: Requests, *, machines: int = 1, paged: bool = False, split: Split | None = None) -> Serving:
    """Serve `requests` on machines whose steps cost `costs`; see `serve`. Raises `InvalidMapping`, `CostError`."""
    if machines < 1:
        raise InvalidMapping(f"at least one machine serves, got {machines}")
    if split is not None and paged:
        raise InvalidMapping("paged caches are for machines that prefill and decode; with prefill machines of their own a request keeps its room")
    env, ledger, line = simpy.Environment(), Ledger.of(len(requests)), Line()
    if split is None:
        servers = [Server(env, costs, requests, ledger, line, role=BOTH, paged=paged) for _ in range(machines)]
    else:
        later = Line()

        def hand_over(request: int) -> None:
            tokens = float(requests.prompt_tokens[request])
            env.process(_travel(env, later, request, tokens * split.bytes_per_token / split.link_bytes_per_s))

        servers = [Server(env, costs, requests, ledger, line, role=PREFILL, hand_over=hand_over) for _ in range(split.machines)]
        servers += [Server(env, costs, requests, ledger, later, role=DECODE) for _ in range(machines)]
    env.process(_arrivals(env, line, requests))
    env.run()
    return _outcome(costs, requests, ledger, servers, line, split)


def _arrivals(env: simpy.Environment, line: Line, requests: Requests) -> Any:
    for request, at in enumerate(requests.arrival_s.tolist()):
        if at > env.now:
            yield env.timeout(at - env.now)
        line.join(request)


def _travel(env: simpy.Environment, line: Line, request: int, seconds: float) -> Any:
    yield env.timeout(seconds)
    line.join(request)


def _outcome(costs: StepCosts, requests: Requests, ledger: Ledger, servers: list[Server], line: Line, split: Split | None) -> Serving:
    if (ledger.ends != 1).any() or (ledger.given != requests.generated_tokens).any():
        raise CostError(f"{int((ledger.ends != 1).sum())} requests did not end exactly once with the tokens that they asked for")
    first, whole = ledger.first_s - requests.arrival_s, ledger.end_s - requests.arrival_s
    with np.errstate(invalid="ignore"):
        between = (ledger.end_s - ledger.first_s) / np.where(requests.generated_tokens > 1, requests.generated_tokens - 1, np.nan)
    span = float(ledger.end_s.max() - requests.arrival_s[0])
    dynamic = sum(s.tally.joules for s in servers)
    energy = dynamic + costs.static_w * span * len(servers)
    tokens = float(requests.generated_tokens.sum())
    figures = {
        "duration_s": span, "generated_tokens": tokens, "prompt_tokens": float(requests.prompt_tokens.sum()), "tokens_per_s": tokens / span,
        "requests_per_s": len(requests) / span, "energy_j": energy, "dynamic_j": dynamic, "static_w": costs.static_w * len(servers),
        "energy_per_token_j": energy / tokens, "energy_per_request_j": energy / len(requests), "power_w": energy / span,
        "longest_line": float(line.longest), "preemptions": float(ledger.preempted.sum()), "capacity_tokens": costs.capacity_tokens,
        "max_batch": float(costs.max_batch),
    }  # fmt: skip
    rows = tuple({"role": s.role, **_machine(s, span)} for s in servers)
    return Serving(requests, first, between, whole, figures, rows, _assumptions(split))


def _machine(server: Server, span: float) -> dict[str, float]:
    t = server.tally
    return {
        "busy": (t.prefill_s + t.decode_s) / span, "prefill_s": t.prefill_s, "decode_s": t.decode_s, "dynamic_j": t.joules, "steps": float(t.steps),
        "mean_batch": t.sequence_steps / t.steps if t.steps else 0.0, "widest_batch": float(t.widest), "cached_tokens_most": t.cached_most,
    }  # fmt: skip


def _assumptions(split: Split | None) -> tuple[str, ...]:
    found = [
        "sequences of unlike contexts are priced at their mean; between grid points costs are linear",
        "a prompt is prefilled alone and in one piece; its end gives the first token",
        "machines draw their static power from the first arrival to the last token",
    ]
    if split is not None:
        found.append(f"a cache of {split.bytes_per_token:,.0f} bytes a token goes over a link of its own; the link's joules are not modelled")
    return tuple(found)
