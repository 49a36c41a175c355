"""Serving: against queueing formulas and a step-by-step replay, conservation, and what must not get worse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.serve.requests import Requests, synthetic
from hwsim.serve.serving import Split, serve, serve_at
from hwsim.serve.step_cost import Machine, StepCosts, step_costs


def costs_of(prefill_s=1e-3, base_s=0.01, sequence_s=0.001, token_s=1e-6, capacity=1e9, max_batch=8, static_w=10.0) -> StepCosts:
    """A machine whose prompt token takes `prefill_s`, and whose step base + sequence x batch + token x tokens held; a joule a second."""
    batches = np.array([1.0, max_batch]) if max_batch > 1 else np.array([1.0])
    contexts = np.tile([1.0, 1000.0], (len(batches), 1))
    steps = base_s + sequence_s * batches[:, None] + token_s * batches[:, None] * contexts
    prompts = np.array([1.0, 10_000.0])
    return StepCosts(batches, contexts, steps, steps, prompts, prefill_s * prompts, prefill_s * prompts, static_w, capacity, max_batch)


def stream(arrivals, prompts, generated) -> Requests:
    return Requests(np.array(arrivals, dtype=float), np.array(prompts), np.array(generated))


def test_one_request_alone():
    done = serve_at(costs_of(), stream([2.0], [100], [4]))
    steps = [0.011 + 1e-6 * (100 + i) for i in (1, 2, 3)]  # each attends to its own new token too
    assert done.time_to_first_token_s[0] == pytest.approx(0.1) and done.latency_s[0] == pytest.approx(0.1 + sum(steps))
    assert done.time_per_token_s[0] == pytest.approx(sum(steps) / 3)
    assert done.figures["dynamic_j"] == pytest.approx(done.latency_s[0]) and done.figures["energy_j"] == pytest.approx(11 * done.latency_s[0])


def test_a_request_for_one_token_ends_with_its_prefill():
    done = serve_at(costs_of(), stream([0.0], [100], [1]))
    assert done.latency_s[0] == done.time_to_first_token_s[0] == pytest.approx(0.1) and np.isnan(done.time_per_token_s[0])
    assert "time_per_token_s" not in done.percentiles()


def test_a_request_joins_at_the_end_of_the_running_step():
    done = serve_at(costs_of(token_s=0.0), stream([0.0, 0.1 + 0.011 * 2.5], [100, 50], [10, 2]))
    joined = 0.1 + 0.011 * 3  # the third step runs to its end
    assert done.time_to_first_token_s[1] == pytest.approx(joined + 0.05 - done.requests.arrival_s[1])
    assert done.latency_s[1] == pytest.approx(joined + 0.05 + 0.012 - done.requests.arrival_s[1])
    assert done.latency_s[0] == pytest.approx(joined + 0.05 + 0.012 + 5 * 0.011)  # 3 steps, 1 together, 5 alone


def test_waiting_follows_pollaczek_khinchine():
    """One place, one token: a queue with constant service. Mean wait = rho s / (2 (1 - rho)) for Poisson arrivals."""
    service, load = 0.1, 0.7
    made = synthetic(60_000, load / service, 100, 1, seed=3)
    done = serve_at(costs_of(max_batch=1), made)
    assert done.time_to_first_token_s.mean() - service == pytest.approx(load * service / (2 * (1 - load)), rel=0.05)
    assert done.machines[0]["busy"] == pytest.approx(load, rel=0.02)


def replay(costs: StepCosts, requests: Requests) -> np.ndarray:
    """End of each request, one step at a time: the oldest that fits is prefilled first, else one step of all."""
    now, waiting, active, given = 0.0, list(range(len(requests))), [], np.zeros(len(requests), dtype=int)
    ends = np.zeros(len(requests))
    while waiting or active:
        promised = sum(requests.prompt_tokens[r] + requests.generated_tokens[r] for r in active)
        if waiting and requests.arrival_s[waiting[0]] <= now and len(active) < costs.max_batch:
            r = waiting[0]
            if promised + requests.prompt_tokens[r] + requests.generated_tokens[r] <= costs.capacity_tokens:
                now += costs.prefill(float(requests.prompt_tokens[r]))[0]
                given[r] += 1
                waiting.pop(0)
                active.append(r)
        elif not active:
            now = requests.arrival_s[waiting[0]]
            continue
        if waiting and requests.arrival_s[waiting[0]] <= now and len(active) < costs.max_batch:
            promised = sum(requests.prompt_tokens[r] + requests.generated_tokens[r] for r in active if given[r] < requests.generated_tokens[r])
            active, ends = _let_go(active, given, requests, ends, now)
            if promised + requests.prompt_tokens[waiting[0]] + requests.generated_tokens[waiting[0]] <= costs.capacity_tokens:
                continue
        active, ends = _let_go(active, given, requests, ends, now)
        if active:
            held = sum(requests.prompt_tokens[r] + given[r] - 1 for r in active)
            now += costs.decode(len(active), held / len(active) + 1)[0]
            given[active] += 1
            active, ends = _let_go(active, given, requests, ends, now)
    return ends


def _let_go(active, given, requests, ends, now):
    for r in active:
        if given[r] == requests.generated_tokens[r]:
            ends[r] = now
    return [r for r in active if given[r] < requests.generated_tokens[r]], ends


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), capacity=st.sampled_from([400.0, 1e9]), max_batch=st.sampled_from([1, 3, 8]), rate=st.sampled_from([2.0, 10.0]))
def test_stretches_equal_a_replay_step_by_step(seed, capacity, max_batch, rate):
    costs = costs_of(capacity=capacity, max_batch=max_batch)
    made = synthetic(30, rate, 60, 12, spread=0.6, seed=seed)
    done = serve_at(costs, made)
    assert done.requests.arrival_s + done.latency_s == pytest.approx(replay(costs, made), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000), machines=st.integers(1, 3), paged=st.booleans(), prefill=st.integers(0, 2),
    capacity=st.sampled_from([400.0, 900.0, 1e9]), arrivals=st.sampled_from(["poisson", "together", "bursty"]),
)  # fmt: skip
def test_every_request_ends_once_in_any_arrangement(seed, machines, paged, prefill, capacity, arrivals):
    made = synthetic(40, 20.0, 60, 12, spread=0.5, arrivals=arrivals, seed=seed)
    room = max(capacity, made.longest + 10)
    how = {"machines": machines, "paged": paged, "split": Split(prefill, 1000.0, 1e6) if prefill and not paged else None}
    done = serve_at(costs_of(capacity=room), made, **how)  # raises when a request does not end once
    assert (done.latency_s >= done.time_to_first_token_s).all() and (done.time_to_first_token_s > 0).all()
    static_j = done.figures["static_w"] * done.figures["duration_s"]
    assert done.figures["energy_j"] == pytest.approx(sum(m["dynamic_j"] for m in done.machines) + static_j)
    for machine in done.machines:
        assert machine["cached_tokens_most"] <= room and machine["widest_batch"] <= 8 and machine["busy"] <= 1 + 1e-9
    assert (serve_at(costs_of(capacity=room), made, **how).latency_s == done.latency_s).all()


def test_paged_caches_take_more_at_once_and_preempt_when_full():
    made = synthetic(60, 1.0, 50, 100, arrivals="together")
    kept = serve_at(costs_of(capacity=600.0), made)
    paged = serve_at(costs_of(capacity=600.0), made, paged=True)
    assert kept.machines[0]["widest_batch"] == 4 and kept.figures["preemptions"] == 0
    assert paged.machines[0]["widest_batch"] > 4 and paged.figures["preemptions"] > 0


def test_a_second_machine_a_faster_link_and_a_lighter_load_help():
    made = synthetic(300, 12.0, 80, 20, spread=0.5, seed=5)
    light = synthetic(300, 3.0, 80, 20, spread=0.5, seed=5)
    one = serve_at(costs_of(), made)
    assert serve_at(costs_of(), made, machines=2).latency_s.mean() < one.latency_s.mean()
    assert serve_at(costs_of(), light).latency_s.mean() < one.latency_s.mean()
    slow, fast = (serve_at(costs_of(), made, split=Split(1, 1000.0, rate)) for rate in (1e5, 1e8))
    assert fast.latency_s.mean() < slow.latency_s.mean()


def test_a_split_sends_each_cache_over_the_link():
    done = serve_at(costs_of(token_s=0.0), stream([0.0], [100], [3]), split=Split(1, 1000.0, 1e6))
    assert done.latency_s[0] == pytest.approx(0.1 + 100 * 1000 / 1e6 + 2 * 0.011)
    assert [m["role"] for m in done.machines] == ["prefill", "decode"]


def test_impossible_arrangements_are_refused():
    made = stream([0.0], [10], [2])
    with pytest.raises(InvalidMapping, match="at least one machine"):
        serve_at(costs_of(), made, machines=0)
    with pytest.raises(InvalidMapping, match="paged"):
        serve_at(costs_of(), made, paged=True, split=Split(1, 1.0, 1.0))
    with pytest.raises(InvalidMapping, match="bandwidth"):
        Split(1, 1.0, 0.0)
    with pytest.raises(InvalidMapping, match="max_batch"):
        serve("llama3-8b", hwsim.load_chip("a100"), made, max_batch=0)


MACHINE = Machine("llama3-8b", hwsim.load_chip("a100"), {}, {"layers": 4})


def test_step_costs_interpolate_simulations():
    costs = step_costs(MACHINE, 4000, 3000, 64)
    for batch, context in ((1, 5), (3, 100), (24, 777), (50, 300), (64, 4000), (7, 3333)):
        report = MACHINE.decode(batch, context)
        assert costs.decode(batch, context) == pytest.approx((report.latency_s, report.cost.dynamic_j), rel=0.02)
    for prompt in (1, 90, 333, 1500, 3000):
        assert costs.prefill(prompt)[0] == pytest.approx(MACHINE.prefill(prompt).latency_s, rel=0.05)
    assert costs.prefill(0) == (0.0, 0.0)


def test_the_cache_bounds_the_tokens_held():
    edge = Machine("llama3-8b", hwsim.load_chip("et-soc-1"), {}, {})
    costs = step_costs(edge, 4096, 2048, 256)
    assert edge.fits(1, 4096) and not edge.fits(256, 4096) and 4096 < costs.capacity_tokens < 256 * 4096
    batch = int(costs.max_batch)
    assert edge.fits(batch, int(costs.capacity_tokens // batch * 0.99)) and not edge.fits(batch, int(costs.capacity_tokens // batch * 1.05))


def test_a_request_that_does_not_fit_alone_is_refused():
    with pytest.raises(Infeasible, match=r"max_length|parameters and KV cache"):
        serve("llama3-8b", hwsim.load_chip("u280+flightllm"), stream([0.0], [5000], [10]), max_batch=1)


def test_short_requests_have_short_axes():
    done = serve("llama3-8b", hwsim.load_chip("a100"), stream([0.0, 0.0], [1, 1], [1, 2]), max_batch=2, layers=1)
    assert done.figures["generated_tokens"] == 3
