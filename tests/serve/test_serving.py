"""Serving: against queueing formulas and a step-by-step replay, conservation, and what must not get worse."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import InvalidMapping, InvalidTrace
from hwsim.serve.outcome import Limits
from hwsim.serve.requests import Requests, synthetic
from hwsim.serve.server import Policy
from hwsim.serve.serving import serve
from hwsim.serve.simulation import Split, serve_at
from hwsim.serve.step_cost import PrefillCosts, StepCosts
from hwsim.serve.stretch import gap_percentile


def costs_of(
    prefill_s=1e-3, base_s=0.01, sequence_s=0.001, token_s=1e-6, capacity=1e9, max_batch=8, static_w=10.0, idle_w=10.0, switch_s=0.0
) -> StepCosts:
    """A machine whose prompt token takes `prefill_s` (a tenth of it attention), and whose step base + sequence x batch + token x tokens held.

    A joule a second.
    """
    batches = np.array([1.0, max_batch]) if max_batch > 1 else np.array([1.0])
    contexts = np.tile([1.0, 1000.0], (len(batches), 1))
    steps = base_s + sequence_s * batches[:, None] + token_s * batches[:, None] * contexts
    prompts = np.array([1.0, 10_000.0])
    whole = prefill_s * prompts
    prefills = PrefillCosts(prompts, whole, whole, 0.1 * whole, 0.1 * whole, static_w, idle_w)
    return StepCosts(batches, contexts, steps, steps, prefills, static_w, idle_w, capacity, max_batch, switch_s, switch_s)


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
    ends, whole = np.zeros(len(requests)), requests.prompt_tokens + requests.generated_tokens
    while waiting or active:
        promised = sum(whole[r] for r in active)
        here = bool(waiting) and requests.arrival_s[waiting[0]] <= now
        if here and len(active) < costs.max_batch and promised + whole[waiting[0]] <= costs.capacity_tokens:
            r = waiting.pop(0)
            now += costs.prefill(float(requests.prompt_tokens[r]))[0]
            given[r] += 1
            active.append(r)
        elif active:
            held = sum(requests.prompt_tokens[r] + given[r] - 1 for r in active)
            now += costs.decode(len(active), held / len(active) + 1)[0]
            given[active] += 1
        else:
            now = requests.arrival_s[waiting[0]]
        active, ends = _let_go(active, given, requests, ends, now)
    return ends


def _let_go(active, given, requests, ends, now):
    for r in active:
        if given[r] == requests.generated_tokens[r]:
            ends[r] = now
    return [r for r in active if given[r] < requests.generated_tokens[r]], ends


@example(seed=396, capacity=400.0, max_batch=3, rate=10.0)  # a request for one token leaves its place to the next at once
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), capacity=st.sampled_from([400.0, 1e9]), max_batch=st.sampled_from([1, 3, 8]), rate=st.sampled_from([2.0, 10.0]))
def test_stretches_equal_a_replay_step_by_step(seed, capacity, max_batch, rate):
    costs = costs_of(capacity=capacity, max_batch=max_batch)
    made = synthetic(30, rate, 60, 12, spread=0.6, seed=seed)
    done = serve_at(costs, made)
    assert done.requests.arrival_s + done.latency_s == pytest.approx(replay(costs, made), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000), machines=st.integers(1, 3), paged=st.booleans(), prefill=st.integers(0, 2), chunk=st.sampled_from([0, 9, 50, 500]),
    capacity=st.sampled_from([400.0, 900.0, 1e9]), arrivals=st.sampled_from(["poisson", "together", "bursty"]), static=st.booleans(),
    concurrency=st.sampled_from([0, 1, 7, 100]), switch=st.sampled_from([0.0, 0.02]),
)  # fmt: skip
def test_every_request_ends_once_in_any_arrangement(seed, machines, paged, prefill, chunk, capacity, arrivals, static, concurrency, switch):
    made = synthetic(40, 20.0, 60, 12, spread=0.5, arrivals=arrivals, seed=seed)
    room = max(capacity, made.longest + 10)
    policy = Policy(paged, chunk, "static" if static and not chunk else "continuous")
    split = Split(prefill, 1000.0, 1e6) if prefill and not paged and not chunk else None
    how = {"machines": machines, "policy": policy, "split": split, "concurrency": concurrency}
    costs = costs_of(capacity=room, switch_s=switch)
    done = serve_at(costs, made, **how)  # raises when a request does not end once
    assert (done.latency_s >= done.time_to_first_token_s).all() and (done.time_to_first_token_s > 0).all()
    static_j = len(done.machines) * 10.0 * done.figures["duration_s"]
    assert done.figures["energy_j"] == pytest.approx(sum(m["dynamic_j"] for m in done.machines) + static_j)
    assert done.figures["mean_in_system"] == pytest.approx(done.figures["requests_per_s"] * done.latency_s.mean())  # Little's law
    assert (done.queue_s >= 0).all() and (done.queue_s < done.time_to_first_token_s).all()
    for machine in done.machines:
        assert machine["cached_tokens_most"] <= room and machine["widest_batch"] <= 8 and machine["busy"] <= 1 + 1e-9
    assert (serve_at(costs, made, **how).latency_s == done.latency_s).all()


def test_paged_caches_take_more_at_once_and_preempt_when_full():
    made = synthetic(60, 1.0, 50, 100, arrivals="together")
    kept = serve_at(costs_of(capacity=600.0), made)
    paged = serve_at(costs_of(capacity=600.0), made, policy=Policy(paged=True))
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
    with pytest.raises(InvalidTrace, match="lost in rounding"):
        serve_at(costs_of(), synthetic(3, 1e-9, 10, 2))
    with pytest.raises(InvalidMapping, match="at least one machine"):
        serve_at(costs_of(), made, machines=0)
    with pytest.raises(InvalidMapping, match="paged"):
        serve_at(costs_of(), made, policy=Policy(paged=True), split=Split(1, 1.0, 1.0))
    with pytest.raises(InvalidMapping, match="bandwidth"):
        Split(1, 1.0, 0.0)
    with pytest.raises(InvalidMapping, match="max_batch"):
        serve("llama3-8b", hwsim.load_chip("a100"), made, max_batch=0)


def test_one_at_a_time_takes_the_sum_of_all():
    """A closed loop of one: each request is served alone, with no wait."""
    costs = costs_of(token_s=0.0)
    done = serve_at(costs, synthetic(50, 1.0, 100, 5, arrivals="together"), concurrency=1)
    alone = 0.1 + 4 * 0.011
    assert done.latency_s == pytest.approx(np.full(50, alone)) and done.queue_s == pytest.approx(np.zeros(50))
    assert done.figures["duration_s"] == pytest.approx(50 * alone) and done.figures["mean_in_system"] == pytest.approx(1.0)
    assert done.requests.arrival_s == pytest.approx(alone * np.arange(50))


@pytest.mark.parametrize("concurrency", [1, 3, 20])
def test_a_fixed_concurrency_keeps_so_many_inside(concurrency):
    done = serve_at(costs_of(), synthetic(200, 1.0, 50, 30, spread=0.5), concurrency=concurrency)
    assert done.figures["most_in_system"] == concurrency
    assert done.figures["mean_in_system"] == pytest.approx(done.figures["requests_per_s"] * done.latency_s.mean())
    assert done.machines[0]["widest_batch"] == min(concurrency, 8)


def test_throughput_is_bounded_by_full_batches():
    costs = costs_of(prefill_s=1e-9, token_s=0.0)
    done = serve_at(costs, synthetic(400, 1.0, 10, 201, arrivals="together"))
    assert done.figures["tokens_per_s"] == pytest.approx(8 / 0.018, rel=0.01)  # eight a step of 10 + 8 ms


def test_gaps_are_counted_one_by_one():
    """A prompt that stalls the batch is a long gap of each of its sequences, at the gap's own place in the spread."""
    done = serve_at(costs_of(token_s=0.0), stream([0.0, 0.1 + 0.011 * 2.5], [100, 50], [10, 2]))
    gaps = [0.011] * 3 + [0.05 + 0.012] + [0.011] * 5 + [0.012]  # first request; its fourth gap holds the other's prefill; the other's one gap
    assert done.gaps.sum() == len(gaps)
    for percent in (5, 50, 80, 90, 100):
        exact = sorted(gaps)[int(np.ceil(percent / 100 * len(gaps))) - 1]
        assert exact <= gap_percentile(done.gaps, percent) <= exact * 1.0101
    assert np.isnan(gap_percentile(np.zeros_like(done.gaps), 50))


def test_energy_is_power_times_time():
    """Static power at work, idle power between, and a joule a second of work on top."""
    done = serve_at(costs_of(static_w=40.0, idle_w=7.0), synthetic(100, 0.5, 100, 20, seed=2), machines=2)
    figures, span = done.figures, done.figures["duration_s"]
    work = sum(m["prefill_s"] + m["decode_s"] for m in done.machines)
    assert figures["energy_j"] == pytest.approx(work * (1 + 40) + (2 * span - work) * 7)
    assert figures["energy_j"] == pytest.approx(figures["dynamic_j"] + figures["static_j"] + figures["idle_j"])
    assert figures["power_w"] * span == pytest.approx(figures["energy_j"])
    assert figures["energy_per_token_j"] * 2000 == pytest.approx(figures["energy_j"])


def test_limits_count_the_requests_that_meet_both():
    made = synthetic(300, 6.0, 100, 20, spread=0.6, seed=8)
    done = serve_at(costs_of(), made, limits=Limits(0.3, 0.02), warmup=50)
    first, per = done.time_to_first_token_s[50:] <= 0.3, done.time_per_token_s[50:] <= 0.02
    found = done.goodput()
    assert 0 < found["within_limits"] < 1 and found["within_limits"] == pytest.approx((first & per).mean())
    assert found["within_first_token_limit"] == pytest.approx(first.mean())
    assert found["goodput_requests_per_s"] == pytest.approx(found["within_limits"] * done.figures["requests_per_s"])
    assert serve_at(costs_of(), made).goodput() == {}
    assert done.percentiles()["latency_s"]["p50"] == pytest.approx(np.percentile(done.latency_s[50:], 50))
    with pytest.raises(InvalidMapping, match="positive time"):
        Limits(0.0)


def test_one_token_has_no_time_between_to_be_late():
    done = serve_at(costs_of(), stream([0.0], [10], [1]), limits=Limits(1.0, 1e-9))
    assert done.goodput()["within_limits"] == 1.0


@pytest.mark.parametrize(("rate", "grows"), [(2.0, False), (40.0, True)])
def test_a_load_beyond_capacity_is_said(rate, grows):
    done = serve_at(costs_of(), synthetic(400, rate, 100, 20, seed=1))
    assert bool(done.warnings) == grows
    if grows:
        assert "faster than they were served" in done.warnings[0]


def test_changing_the_layout_takes_its_time():
    costs = costs_of(token_s=0.0, switch_s=0.5)
    done = serve_at(costs, stream([0.0, 0.0, 0.2 + 0.5 + 0.012 * 1.5], [100, 100, 100], [4, 4, 1]))
    join = 0.2 + 0.5 + 2 * 0.012 + 0.5 + 0.1  # two prompts, to decode, two steps, back, the third prompt
    assert done.latency_s[2] + done.requests.arrival_s[2] == pytest.approx(join)
    assert done.latency_s[0] == pytest.approx(join + 0.5 + 0.012) and done.machines[0]["switch_s"] == pytest.approx(1.5)


def test_static_batches_wait_for_all_of_the_one_before():
    costs = costs_of(token_s=0.0)
    done = serve_at(costs, stream([0.0, 0.15], [100, 100], [11, 2]), policy=Policy(batching="static"))
    assert done.queue_s[1] == pytest.approx(0.1 + 10 * 0.011 - 0.15)
    made = synthetic(300, 6.0, 60, 30, spread=1.0, seed=3)
    static, continuous = (serve_at(costs_of(), made, policy=Policy(batching=b)) for b in ("static", "continuous"))
    assert static.latency_s.mean() > continuous.latency_s.mean()


def test_caches_leave_a_prefill_machine_one_after_another():
    """Two short prompts, caches of half a second on the link: the second waits for the first."""
    done = serve_at(costs_of(token_s=0.0), stream([0.0, 0.0], [100, 100], [2, 2]), split=Split(1, 5000.0, 1e6))
    assert done.latency_s == pytest.approx([0.1 + 0.5 + 0.011, 0.1 + 2 * 0.5 + 0.011])


def test_prefill_on_another_chip_has_its_own_times_and_power():
    fast = costs_of(prefill_s=1e-4, static_w=100.0, idle_w=3.0).prefills
    done = serve_at(costs_of(token_s=0.0), stream([0.0], [100], [3]), split=Split(1, 0.0, 1e6, fast))
    assert done.time_to_first_token_s[0] == pytest.approx(0.01)
    assert [(m["static_w"], m["idle_w"]) for m in done.machines] == [(100.0, 3.0), (10.0, 10.0)]
    assert done.figures["energy_j"] == pytest.approx(0.032 + 0.01 * 100 + 0.022 * 3 + 0.032 * 10)


def test_the_log_holds_every_request(tmp_path):
    done = serve_at(costs_of(), stream([0.0, 1.0], [10, 20], [1, 3]))
    lines = done.write_log(tmp_path / "log.csv").read_text().splitlines()
    assert lines[0] == "arrival_s,prompt_tokens,generated_tokens,queue_s,time_to_first_token_s,time_per_token_s,latency_s,preemptions"
    first, second = (line.split(",") for line in lines[1:])
    assert first[1:3] == ["10", "1"] and first[5] == "" and float(second[6]) == done.latency_s[1]


def test_arrivals_in_epochs_keep_the_digits_of_steps():
    made = synthetic(60, 20.0, 60, 12, spread=0.5, seed=4)
    late = Requests(made.arrival_s + 2.0**40, made.prompt_tokens, made.generated_tokens)  # 35,000 years of seconds: 0.24 ms from number to number
    early = Requests(late.arrival_s - 2.0**40, made.prompt_tokens, made.generated_tokens)
    found, same = serve_at(costs_of(), late), serve_at(costs_of(), early)
    assert found.latency_s == pytest.approx(same.latency_s, rel=1e-12) and (found.requests.arrival_s == late.arrival_s).all()


@pytest.mark.parametrize("how", [{}, {"policy": Policy(chunk=40)}, {"machines": 2}, {"split": Split(1, 100.0, 1e6)}])
def test_stretches_of_work_do_not_overlap_and_add_up_to_the_busy_time(how):
    done = serve_at(costs_of(switch_s=0.001), synthetic(60, 8.0, 60, 12, spread=0.5, seed=4), timeline=True, **how)
    for machine, spans in zip(done.machines, done.spans, strict=True):
        assert sum(length for *_, length in spans) == pytest.approx(machine["busy"] * done.figures["duration_s"])
        for (*_, start, length), (*_, following, _) in pairwise(spans):
            assert start + length <= following + 1e-9
    assert serve_at(costs_of(), stream([0.0], [10], [2])).spans == ((),)
