"""Prompts in chunks beside decoding: limits of the mixed step's cost, a replay step by step, and what chunks are for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.core.errors import InvalidMapping
from hwsim.serve.requests import Requests, synthetic
from hwsim.serve.server import Policy
from hwsim.serve.simulation import Split, serve_at
from hwsim.serve.step_cost import PrefillCosts, StepCosts


def costs_of(capacity=1e9, max_batch=8) -> StepCosts:
    """Products of r rows: 5 ms + r x 0.1 ms; attention of a prompt of n: n^2 x 1 ns; a decode step: its rows' products, 1 us a token held, 2 ms."""
    batches = np.array([1.0, max_batch])
    contexts = np.tile([1.0, 1000.0], (2, 1))
    steps = 7e-3 + 1e-4 * batches[:, None] + 1e-6 * batches[:, None] * contexts
    tokens = np.arange(1.0, 2001.0)
    attention = 1e-9 * tokens**2
    seconds = 5e-3 + 1e-4 * tokens + attention
    prefills = PrefillCosts(tokens, seconds, seconds, attention, attention, 10.0, 10.0)
    return StepCosts(batches, contexts, steps, steps, prefills, 10.0, 10.0, capacity, max_batch)


def test_a_prompt_in_one_chunk_alone_costs_its_prefill():
    costs = costs_of()
    assert costs.mixed(0, 0.0, [(0, 300)]) == pytest.approx(costs.prefill(300)) and costs.mixed(3, 50.0, []) == costs.decode(3, 50.0)


def test_a_mixed_step_shares_the_products_and_adds_attention():
    found = costs_of().mixed(4, 100.0, [(200, 60), (0, 36)])
    products, chunks, decoding = 5e-3 + 1e-4 * 100, 1e-9 * (260**2 - 200**2 + 36**2), 2e-3 + 1e-6 * 400
    assert found == pytest.approx((products + chunks + decoding,) * 2)


def test_a_mixed_step_takes_at_least_its_products_where_decoding_is_laid_out_better():
    """Where decoding is faster than the products of a prefill of as many rows, nothing is taken off a step for it."""
    costs = costs_of()
    slow = StepCosts(costs.batches, costs.contexts, costs.decode_s / 100, costs.decode_j, costs.prefills, 10.0, 10.0, 1e9, 8)
    assert slow.mixed(4, 100.0, [(0, 60)])[0] == pytest.approx(5e-3 + 1e-4 * 64 + 1e-9 * 60**2)


def test_chunks_of_one_prompt_cost_its_attention_once():
    costs = costs_of()
    parts = [costs.mixed(0, 0.0, [(start, 50)])[0] for start in range(0, 300, 50)]
    assert sum(parts) == pytest.approx(costs.prefill(300)[0] + 5 * 5e-3)  # each further step has the products' fixed time again


def replay(costs: StepCosts, requests: Requests, chunk: int) -> np.ndarray:
    """End of each request, one step at a time."""
    now, nexts, ends = 0.0, 0, np.zeros(len(requests))
    filling: list[list[int]] = []  # request, done
    given: dict[int, int] = {}
    while nexts < len(requests) or filling or given:
        room = chunk - len(given) - sum(int(requests.prompt_tokens[r]) - d for r, d in filling)
        while room > 0 and nexts < len(requests) and requests.arrival_s[nexts] <= now and len(given) + len(filling) < costs.max_batch:
            room -= int(requests.prompt_tokens[nexts])
            filling.append([nexts, 0])
            nexts += 1
        if not filling and not given:
            now = requests.arrival_s[nexts]
            continue
        left, chunks = chunk - len(given), []
        for one in filling:
            new = min(left, int(requests.prompt_tokens[one[0]]) - one[1])
            if new > 0:
                chunks.append((one[1], new))
                left -= new
        held = sum(int(requests.prompt_tokens[r]) + g - 1 for r, g in given.items())
        now += costs.mixed(len(given), held / len(given) + 1 if given else 0.0, chunks)[0]
        given = {r: g + 1 for r, g in given.items()}
        for one, (_, new) in zip(filling, chunks, strict=False):
            one[1] += new
        for r, _ in [f for f in filling if f[1] == requests.prompt_tokens[f[0]]]:
            given[r] = 1
        filling = [f for f in filling if f[1] < requests.prompt_tokens[f[0]]]
        for r in [r for r, g in given.items() if g == requests.generated_tokens[r]]:
            ends[r] = now
            del given[r]
    return ends


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), chunk=st.sampled_from([9, 40, 500]), max_batch=st.sampled_from([2, 8]), rate=st.sampled_from([5.0, 50.0]))
def test_chunks_equal_a_replay_step_by_step(seed, chunk, max_batch, rate):
    costs = costs_of(max_batch=max_batch)
    made = synthetic(30, rate, 60, 12, spread=0.6, seed=seed)
    done = serve_at(costs, made, policy=Policy(chunk=chunk))
    assert done.requests.arrival_s + done.latency_s == pytest.approx(replay(costs, made, chunk), rel=1e-9)


def test_chunks_shorten_the_longest_gaps_and_delay_first_tokens():
    made = synthetic(300, 5.0, 800, 40, spread=0.3, seed=1).clipped(1900)
    whole, chunked = (serve_at(costs_of(), made, policy=Policy(chunk=c)) for c in (0, 64))
    assert chunked.percentiles()["gap_s"]["p99"] < 0.5 * whole.percentiles()["gap_s"]["p99"]
    assert chunked.time_to_first_token_s.mean() > whole.time_to_first_token_s.mean()


def test_short_prompts_share_a_step():
    made = Requests(np.zeros(6), np.full(6, 10), np.full(6, 1))
    done = serve_at(costs_of(), made, policy=Policy(chunk=100))
    assert done.latency_s == pytest.approx(np.full(6, 5e-3 + 1e-4 * 60 + 6e-9 * 100)) and done.machines[0]["steps"] == 1


def test_preempted_requests_are_read_again_in_chunks():
    made = synthetic(40, 100.0, 50, 80, seed=2)
    done = serve_at(costs_of(capacity=300.0), made, policy=Policy(paged=True, chunk=32))
    assert done.figures["preemptions"] > 0 and done.machines[0]["cached_tokens_most"] <= 300 and done.preemptions.sum() == done.figures["preemptions"]


def test_what_chunks_do_not_go_with():
    made = Requests(np.zeros(1), np.full(1, 10), np.full(1, 2))
    with pytest.raises(InvalidMapping, match="prefill machines of their own"):
        serve_at(costs_of(), made, policy=Policy(chunk=64), split=Split(1, 1.0, 1.0))
    with pytest.raises(InvalidMapping, match="continuous"):
        Policy(chunk=64, batching="static")
    with pytest.raises(InvalidMapping, match="chunk is a number"):
        Policy(chunk=-1)
    with pytest.raises(InvalidMapping, match="did you mean continuous"):
        Policy(batching="continous")
