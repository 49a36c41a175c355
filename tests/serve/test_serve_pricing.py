"""Tables of step costs: against direct simulation, the cache's bound, layouts, idle power; requests served on real chips."""

from __future__ import annotations

import re

import numpy as np
import pytest

import hwsim
from hwsim.core.errors import Infeasible, InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.core.report import Report
from hwsim.readers.load import graph_of_workload
from hwsim.serve.outcome import Limits
from hwsim.serve.pricing import Machine, Step, axis, cache_tokens, prefill_costs, refined, step_costs
from hwsim.serve.requests import Requests, synthetic
from hwsim.serve.serving import arrange, serve

GRID = re.compile(r"decode_grid (\d+ x \d+), prefill_grid (\d+ x \d+)")


def stream(arrivals, prompts, generated) -> Requests:
    return Requests(np.array(arrivals, dtype=float), np.array(prompts), np.array(generated))


def machine(chip: str = "a100", model: str = "llama3-8b", mapping: dict | None = None, **options: object) -> Machine:
    return Machine(model, hwsim.load_chip(chip), mapping or {}, options)


def test_the_cache_bounds_the_tokens_held():
    edge = Machine("llama3-8b", hwsim.load_chip("et-soc-1"), {}, {})
    costs = step_costs(edge, 4096, 100, 256)
    assert edge.fits(1, 4096) and not edge.fits(256, 4096) and 4096 < costs.capacity_tokens < 256 * 4096
    batch = int(costs.max_batch)
    assert edge.fits(batch, int(costs.capacity_tokens // batch * 0.99)) and not edge.fits(batch, int(costs.capacity_tokens // batch * 1.05))


@pytest.mark.parametrize(
    ("model", "mapping", "options", "tokens"),
    [
        ("llama3-8b", {}, {}, (40e9 - 16.06e9) / 131072), ("llama3-8b", {}, {"kv_dtype": "fp8"}, (40e9 - 16.06e9) / 65536),
        ("llama3-8b", {"devices": 2}, {}, (80e9 - 16.06e9) / 131072), ("llama2-7b", {}, {}, (40e9 - 13.48e9) / 524288),
    ],
)  # fmt: skip
def test_the_cache_takes_what_the_weights_leave(model, mapping, options, tokens):
    """Grouped queries, the cache's own format, several boards: bytes of memory less weights, over bytes of a token."""
    found = cache_tokens(machine("a100-40", model, mapping, **options), 4000, 300)
    assert found == pytest.approx(tokens, rel=0.02) and found <= tokens * 1.001


def test_a_request_that_does_not_fit_alone_is_refused():
    with pytest.raises(Infeasible, match=r"max_length|parameters and KV cache"):
        serve("llama3-8b", hwsim.load_chip("u280+flightllm"), stream([0.0], [5000], [10]), max_batch=1)


def test_short_requests_have_short_axes():
    done = serve("llama3-8b", hwsim.load_chip("a100"), stream([0.0, 0.0], [1, 1], [1, 2]), max_batch=2, layers=1)
    assert done.figures["generated_tokens"] == 3


CHIPS = [("a100", "llama3-8b", {}, 200, 0.03), ("wse2", "llama3-8b", {}, 16, 0.03), ("et-soc-1", "llama3-8b", {}, 16, 0.04),
        ("vhk158", "llama2-7b", {}, 4, 0.04)]  # fmt: skip


@pytest.mark.parametrize(("chip", "model", "mapping", "batch", "close"), CHIPS)
def test_tables_are_close_to_simulations_on_every_kind_of_chip(chip, model, mapping, batch, close):
    """Points drawn at random, where costs jump by tiles and waves too."""
    made = machine(chip, model, mapping)
    costs = step_costs(made, 1500, 1000, batch)
    if costs.notes:  # the layouts that were kept
        mapping = {"decode_grid": GRID.search(costs.notes[0])[1], "prefill_grid": GRID.search(costs.notes[0])[2]}
        made = machine(chip, model, {k: tuple(int(n) for n in v.split(" x ")) for k, v in mapping.items()})
    rng = np.random.default_rng(3)
    for _ in range(8):
        b = int(rng.integers(1, costs.max_batch + 1))
        context, prompt = int(rng.integers(1, min(1500, costs.capacity_tokens // b) + 1)), int(rng.integers(1, 1001))
        report, first = made.decode(b, context), made.prefill(prompt)
        assert costs.decode(b, context)[0] == pytest.approx(report.latency_s, rel=close)
        assert costs.decode(b, context)[1] == pytest.approx(report.cost.dynamic_j, rel=0.06)
        assert costs.prefill(prompt)[0] == pytest.approx(first.latency_s, rel=close + 0.02)
        assert costs.prefill(0) == (0.0, 0.0) and costs.mixed(0, 0.0, [(0, prompt)]) == pytest.approx(costs.prefill(prompt))


@pytest.mark.parametrize(("chip", "model", "few"), [("a100", "llama3-8b", 1), ("a100", "gemma2-9b", 2), ("et-soc-1", "llama3-8b", 1)])
def test_few_layers_give_the_whole_model_where_costs_are_linear_in_them(chip, model, few):
    made = machine(chip, model)
    made.learn([lambda **m: made.decode(2, 6000, **m), lambda **m: made.prefill(30, **m)])
    assert made.few == [few]
    for batch, context in ((3, 5000), (7, 11)):
        step, report = made.step(lambda b=batch, c=context, **m: made.decode(b, c, **m)), made.decode(batch, context)
        assert (step.seconds, step.joules) == pytest.approx((report.latency_s, report.cost.dynamic_j), rel=1e-9)
        assert step.attention_s == pytest.approx(report.part("latency_s", component="attention"), rel=1e-9)


def test_a_model_too_small_to_shorten_is_priced_whole():
    made = machine(layers=2)
    made.learn([lambda **m: made.decode(1, 10, **m)])
    assert made.few == []


def test_the_wafer_keeps_its_layouts_and_pays_for_changing_between_them():
    made = machine("wse2")
    costs = step_costs(made, 300, 60, 4)
    assert "decode_grid" in costs.notes[0] and costs.switch_s > 0
    forced = step_costs(machine("wse2", mapping={"grid": (600, 600)}), 300, 60, 4)
    assert forced.notes == () and forced.switch_s == 0
    assert step_costs(machine(layers=2), 100, 50, 4).switch_s == 0


@pytest.mark.parametrize(
    ("chip", "mapping", "stated", "watts"),
    [
        ("h100", {}, None, 105.0), ("h100", {"devices": 2}, None, 210.0), ("a100", {}, None, 66.5), ("h100", {}, 80.0, 80.0),
        ("et-soc-1", {}, None, None),
    ],
)  # fmt: skip
def test_idle_power_is_the_boards_own_or_as_stated(chip, mapping, stated, watts):
    costs = prefill_costs(machine(chip, mapping=mapping, layers=2), 20, stated)
    assert costs.idle_w == pytest.approx(costs.static_w if watts is None else watts) and costs.idle_w <= costs.static_w


def test_intervals_are_halved_where_costs_jump():
    asked = []

    def price(x: int) -> Step:
        asked.append(x)
        return Step(1.0 + (x > 700) + x * 1e-3, 0.0, 0.0, 0.0)

    found = refined(price, axis(1000, 5), 60)
    assert 700 in found and 701 in found and len(asked) == len(set(asked)) < 40
    assert len(refined(price, [1, 1000], 4)) == 4


def test_a_jump_just_above_an_interval_is_seen():
    """A new tile above 64, and less and less of it wasted: the middle alone is near the line."""
    found = refined(lambda x: Step(1.0 + 0.1 * (x > 64) + 0.1 * max(0, x - 64) / 64, 0.0, 0.0, 0.0), [1, 64, 200], 30)
    assert 65 in found


def test_what_is_no_language_model_is_refused():
    for name in ("resnet50", "spikingformer-8-512", "cough-e"):
        with pytest.raises(InvalidTrace, match="no decoder-only language model"):
            serve(name, hwsim.load_chip("a100"), stream([0.0], [10], [2]))
    with pytest.raises(InvalidTrace, match="did you mean"):
        serve("lama3-8b", hwsim.load_chip("a100"), stream([0.0], [10], [2]))
    with pytest.raises(InvalidMapping, match="8,192 positions: chunk 9000"):
        serve("llama3-8b", hwsim.load_chip("a100"), stream([0.0], [10], [2]), chunk=9000)
    with pytest.raises(UnsupportedOp, match="spiking"):
        serve("llama3-8b", hwsim.load_chip("snn-45nm"), stream([0.0], [10], [2]))


def test_prefill_on_a_gpu_and_decode_on_a_wafer():
    done = serve(
        "llama3-8b", hwsim.load_chip("wse2"), synthetic(50, 10.0, 300, 40), max_batch=8, prefill_machines=1, prefill_chip=hwsim.load_chip("h100"),
        prefill_mapping={"system": "vllm"}, link_bytes_per_s=50e9,
    )  # fmt: skip
    alone = serve("llama3-8b", hwsim.load_chip("wse2"), synthetic(50, 10.0, 300, 40), max_batch=8)
    assert [round(m["static_w"]) for m in done.machines] == [193, 15000]
    assert done.time_to_first_token_s.mean() < 0.2 * alone.time_to_first_token_s.mean()


def test_a_full_batch_of_alike_requests_is_the_static_case():
    """Requests all at once, as many as the batch: their decode steps are those of a generation of a batch, simulated whole."""
    batch, prompt, generate = 16, 200, 64
    chip, mapping = hwsim.load_chip("h100"), {"system": "vllm"}
    done = serve("llama3-8b", chip, synthetic(batch, 1.0, prompt, generate, arrivals="together"), mapping, max_batch=batch)

    def seconds(**options: object) -> float:
        return hwsim.simulate(hwsim.load_graph("llama3-8b", prompt=prompt, **options), chip, mapping, interval=False).latency_s

    static = seconds(phase="generate", generate=generate - 1, batch=batch) - seconds(phase="prefill", batch=batch)
    assert done.machines[0]["decode_s"] == pytest.approx(static, rel=0.01)
    assert done.machines[0]["prefill_s"] == pytest.approx(batch * seconds(phase="prefill"), rel=0.01)


def test_a_site_is_priced_once_and_finds_its_highest_rate():
    made = synthetic(300, 1.0, 200, 20, spread=0.3, seed=1)
    site = arrange("llama3-8b", hwsim.load_chip("a100"), made, max_batch=16, layers=8)
    limits = Limits(0.05, 0.02)
    rate = site.highest_rate(made, limits)
    within = [site.serve(made.at_rate(r), limits=limits).goodput()["within_limits"] for r in (0.9 * rate, rate, 1.1 * rate)]
    assert within[0] >= within[1] >= 0.9 > within[2]
    assert site.highest_rate(made, Limits(1e-6)) == 0.0
    with pytest.raises(InvalidMapping, match="priced for requests"):
        site.serve(synthetic(3, 1.0, 5000, 20))
    with pytest.raises(InvalidMapping, match="highest rate"):
        site.highest_rate(made, Limits())
    with pytest.raises(InvalidTrace, match="one after another"):
        site.highest_rate(synthetic(3, 1.0, 20, 20, arrivals="together"), limits)


def test_intervals_hold_the_outcome_and_leave_fixed_power_alone():
    made = synthetic(100, 4.0, 200, 20, spread=0.3, seed=1)
    done = serve("llama3-8b", hwsim.load_chip("a100"), made, max_batch=16, layers=8, interval=True, limits=Limits(0.02, 0.01))
    for name in ("tokens_per_s", "energy_j", "power_w", "mean_in_system"):
        low, high = done.interval[name]
        assert low < done.figures[name] < high
    for name, values in done.percentiles().items():
        for statistic, value in values.items():
            low, high = done.interval["times"][name][statistic]
            assert low <= value <= high and (low < high or name == "queue_s")
    assert done.interval["limits"]["within_limits"][0] <= done.goodput()["within_limits"] <= done.interval["limits"]["within_limits"][1]
    assert done.to_dict()["interval"]["tokens_per_s"] == done.interval["tokens_per_s"]
    wafer = serve("llama3-8b", hwsim.load_chip("wse2"), made, {"grid": (600, 600)}, max_batch=4, interval=True)
    assert wafer.interval["power_w"] == pytest.approx((15e3, 15e3))  # the nameplate's, whatever the times


@pytest.mark.parametrize(("chip", "mapping", "again"), [("a100", {"system": "vllm"}, {"dispatch": "queued"}), ("et-soc-1", {}, {})])
def test_a_mixed_step_is_close_to_the_sum_of_its_operators(chip, mapping, again):
    """Products of all rows, each attention as an operator of its own, the head on one row more per sequence."""
    made = machine(chip, mapping=mapping)
    costs = step_costs(made, 3000, 2600, 48)

    def attention(**sizes: int) -> float:
        op = {"op": "attention", "heads": 32, "kv_heads": 8, "head_dim": 128, "fused": 0, "window": 0, "operand_role": "kv_cache", **sizes}
        return 32 * hwsim.simulate(graph_of_workload(op), made.chip, {**mapping, **again}, interval=False).latency_s

    def part(report: Report, label: str) -> float:
        return report.part("latency_s", component=label)

    for batch, context, before, new in ((16, 1000, 0, 496), (48, 2000, 1024, 464), (8, 500, 2048, 504), (32, 1500, 512, 100), (1, 100, 0, 30)):
        rows, step, few = made.prefill(batch + new), made.decode(batch, context), made.prefill(batch)
        products = rows.latency_s - part(rows, "attention") + part(step, "head") - part(few, "head")
        chunk = attention(batch=1, q=new, kv=before + new, new=new, causal=1)
        decoding = attention(batch=batch, q=1, kv=context, new=1, causal=0)
        assert costs.mixed(batch, context, [(before, new)])[0] == pytest.approx(products + chunk + decoding, rel=0.07)
