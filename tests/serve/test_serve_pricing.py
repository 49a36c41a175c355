"""Tables of step costs: against direct simulation, the cache's bound, layouts, idle power; requests served on real chips."""

from __future__ import annotations

import numpy as np
import pytest

import hwsim
from hwsim.core.errors import Infeasible
from hwsim.serve.pricing import Machine, step_costs
from hwsim.serve.requests import Requests
from hwsim.serve.serving import serve


def stream(arrivals, prompts, generated) -> Requests:
    return Requests(np.array(arrivals, dtype=float), np.array(prompts), np.array(generated))


def machine(chip: str = "a100", model: str = "llama3-8b", mapping: dict | None = None, **options: object) -> Machine:
    return Machine(model, hwsim.load_chip(chip), mapping or {}, options)


def test_step_costs_interpolate_simulations():
    made = machine(layers=4)
    costs = step_costs(made, 4000, 3000, 64)
    for batch, context in ((1, 5), (3, 100), (24, 777), (50, 300), (64, 4000), (7, 3333)):
        report = made.decode(batch, context)
        assert costs.decode(batch, context) == pytest.approx((report.latency_s, report.cost.dynamic_j), rel=0.02)
    for prompt in (1, 90, 333, 1500, 3000):
        assert costs.prefill(prompt)[0] == pytest.approx(made.prefill(prompt).latency_s, rel=0.05)
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
