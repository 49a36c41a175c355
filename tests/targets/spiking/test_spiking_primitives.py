"""Mechanisms in isolation, against their formulas."""

from __future__ import annotations

import pytest

import hwsim
from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import single_op

SNN, CORE = "snn-45nm", "event-core-45nm"


def test_operations_cost_what_the_literature_says() -> None:
    chip = hwsim.load_chip(SNN)
    assert hwsim.primitive("synaptic_energy", chip, {"ac_ops": 3.88e9, "mac_ops": 260497384})["energy_j"] == pytest.approx(4.69e-3, rel=5e-3)
    assert hwsim.primitive("synaptic_energy", chip, {"ac_ops": 1, "mac_ops": 1})["energy_j"] == pytest.approx(5.5e-12)
    eight = hwsim.primitive("synaptic_energy", chip, {"ac_ops": 0, "mac_ops": 1, "dtype": "int8"})["energy_j"]
    assert eight == pytest.approx(0.25e-12)
    with pytest.raises(InvalidTrace, match="ac_ops"):
        hwsim.primitive("synaptic_energy", chip, {"ac_ops": -1, "mac_ops": 0})
    with pytest.raises(InvalidTrace, match="dtype"):
        hwsim.primitive("synaptic_energy", chip, {"ac_ops": 1, "mac_ops": 0, "dtype": "int2"})


@pytest.mark.parametrize(("size", "joules"), [(8192, 10e-12), (32768, 20e-12), (1 << 20, 100e-12), (16384, 200**0.5 * 1e-12)])
def test_a_memory_access_is_a_line_in_logarithms_through_the_table(size: int, joules: float) -> None:
    assert hwsim.primitive("memory_access", hwsim.load_chip(SNN), {"bits": 64, "size_bytes": size})["energy_j"] == pytest.approx(joules)


def test_the_published_break_even_is_a_ratio_of_two_energies() -> None:
    chip = hwsim.load_chip(SNN)
    for steps in (1, 4, 10):
        assert hwsim.primitive("break_even_rate", chip, {"timesteps": steps})["count"] == pytest.approx(4.6 / 0.9 / steps)


@pytest.mark.parametrize("mode", ["published", "honest"])
def test_at_the_break_even_rate_both_take_the_same(mode: str) -> None:
    """A layer and its neurons, against the same layer in one dense pass (activations of a layer counted once, at its input)."""
    chip, n = hwsim.load_chip(SNN), 256
    rate = hwsim.primitive("break_even_rate", chip, {"timesteps": 8, "fan_in": n, "fan_out": n}, {"energy_mode": mode})["count"]
    assert 0 < rate < 1

    def joules(kind: str, mapping: dict[str, str], **fields: object) -> dict[str, float]:
        graph = single_op(kind, dtype="fp32", **fields)
        return dict(hwsim.simulate(graph, chip, {"energy_mode": mode, **mapping}, interval=False).cost.by_component("joules"))

    layer = joules("matmul", {}, m=1, k=n, n=n, attrs={"timesteps": 8, "spike_rate": rate})
    neurons = joules("lif", {}, neurons=n, function="lif", attrs={"timesteps": 8})
    neurons.pop("activation", None)
    dense = joules("matmul", {"execution": "dense"}, m=1, k=n, n=n)
    assert sum(layer.values()) + sum(neurons.values()) == pytest.approx(sum(dense.values()))


def test_memory_lowers_the_break_even_rate() -> None:
    chip, asked = hwsim.load_chip(SNN), {"timesteps": 4}
    published, honest = (hwsim.primitive("break_even_rate", chip, asked, {"energy_mode": m})["count"] for m in ("published", "honest"))
    assert honest < published and honest < 1


def test_an_event_takes_its_words_and_its_synapses() -> None:
    chip = hwsim.load_chip(CORE)
    one, many = (hwsim.primitive("synaptic_event", chip, {"fan_out": f}) for f in (8, 80))
    assert many["cycles"] - one["cycles"] == 9 and one["latency_s"] == one["cycles"] / 2e8
    assert many["energy_j"] > 9 * one["energy_j"] / 2
    with pytest.raises(InvalidTrace, match="no machine"):
        hwsim.primitive("synaptic_event", hwsim.load_chip(SNN), {"fan_out": 8})
