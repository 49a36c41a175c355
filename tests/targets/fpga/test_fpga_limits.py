"""What FPGA models refuse: clocks, formats and states that no device or design has, alike in runs, primitives and sweeps."""

from __future__ import annotations

from typing import Any

import pytest

import hwsim
from hwsim.core.errors import HwsimError, Infeasible, InvalidChip, InvalidMapping, InvalidTrace
from hwsim.core.target import load_target
from hwsim.explore.evaluate import evaluate
from hwsim.explore.space import load_space


def test_a_clock_beyond_the_slices_is_refused_in_sweeps_too(tmp_path: Any) -> None:
    path = tmp_path / "clock.yaml"
    path.write_text(
        "trace: {name: llama2-7b, phase: decode, context: 512}\nchips: [u280+flightllm]\nsampling: grid\nmetrics: [latency_s]\n"
        "parameters:\n  design_clock_hz: {list: [225 MHz, 775 MHz, 776 MHz, 900 MHz]}\n"
    )
    space = load_space(path)
    found = evaluate(space, space.batch(0, 4))
    assert list(found.status == 0) == [True, True, False, False]


def test_a_clock_beyond_the_slices_is_refused() -> None:
    graph = hwsim.load_graph("llama2-7b", phase="decode", context=16)
    with pytest.raises(Infeasible, match="clock"):
        hwsim.simulate(graph, hwsim.load_chip("u280"), {"clock_hz": 900e6})
    fast = hwsim.load_chip("u280+flightllm").replace(design_clock_hz=900e6)
    with pytest.raises(Infeasible, match="clock"):
        hwsim.simulate(graph, fast)
    with pytest.raises(InvalidChip, match="dsp_fmax_hz"):
        load_target("fpga").check(fast)


@pytest.mark.parametrize(
    ("mapping", "match"),
    [({"weight_bits": 0.01}, "weight_bits"), ({"weight_bits": 64}, "weight_bits"), ({"length_pairs": ((128, 512),)}, "case files")],
)
def test_options_that_mean_nothing_to_a_run(mapping: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidMapping, match=match):
        hwsim.simulate(hwsim.load_graph("llama2-7b", phase="decode", context=16), hwsim.load_chip("u280"), mapping)


@pytest.mark.parametrize(
    ("name", "arguments", "design", "error"),
    [
        ("int8_packing_depth", {"lane_bits": 2000000}, None, InvalidTrace),
        ("int8_packing_depth", {"product_bits": 49}, None, InvalidTrace),
        ("dsp_chain", {"k": 16, "n": 16, "kept": []}, None, InvalidTrace),
        ("dsp_chain", {"k": 16, "n": 16, "kept": 0}, None, InvalidTrace),
        ("dsp_chain", {"k": 16, "n": 16, "kept": [2, 4]}, None, InvalidTrace),
        ("dsp_chain", {"k": 1e300, "n": 16}, None, InvalidTrace),
        ("platform_power", {"state": "running"}, "flightllm", InvalidTrace),
        ("platform_power", {"state": "request_trace_mean"}, "spatial_llm", InvalidTrace),
    ],
)
def test_primitives_refuse_clearly(name: str, arguments: dict[str, Any], design: str | None, error: type[HwsimError]) -> None:
    with pytest.raises(error):
        hwsim.primitive(name, hwsim.load_chip("u280"), arguments, {} if design is None else {"design": design})


def test_vector_unit() -> None:
    """FINN: (MH / PE)(MW / SIMD) vectors; ceil(PE / packed) SIMD slices of DSP48E2, PE ceil(SIMD / 3) of DSP58, segments of five at 300 MHz."""
    given = {"rows": 64, "cols": 96, "vectors": 10, "outputs": 8, "inputs": 24}
    old = hwsim.primitive("vector_unit", hwsim.load_chip("u280"), given)
    assert (old["cycles"], old["dsp"], old["macs_per_cycle"]) == (8 * 4 * 10 + 5, 4 * 24, 192)
    new = hwsim.primitive("vector_unit", hwsim.load_chip("vhk158"), given, {"clock_hz": 300e6})
    assert (new["cycles"], new["dsp"]) == (8 * 4 * 10 + 2 + 3, 8 * 8)
    with pytest.raises(InvalidTrace, match="clock_hz"):
        hwsim.primitive("vector_unit", hwsim.load_chip("vhk158"), given)
    with pytest.raises(InvalidTrace, match="inputs"):
        hwsim.primitive("vector_unit", hwsim.load_chip("u280"), {**given, "inputs": 97})
