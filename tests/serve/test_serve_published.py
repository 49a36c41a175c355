"""Served traffic against measured serving (ML.ENERGY leaderboard @0cd52da: H100, vLLM, chat prompts), rows that fitted no constant."""

from __future__ import annotations

import pytest

import hwsim
from hwsim.serve.requests import synthetic
from hwsim.serve.serving import serve


@pytest.mark.parametrize(
    ("model", "gpus", "batch", "generate", "watts", "gap_s", "tokens_per_s"),
    [("qwen3-8b", 1, 64, 645, 514, 13.95e-3, 4315), ("qwen3-32b", 2, 128, 624, 1074, 29.7e-3, 3905)],
)
def test_a_fixed_concurrency_agrees_with_the_leaderboard(model, gpus, batch, generate, watts, gap_s, tokens_per_s):
    chip = hwsim.load_chip("h100")
    stream = synthetic(max(128, 4 * batch), 1.0, chip.number("chat_prompt_tokens"), generate, arrivals="together")
    mapping = {"system": "vllm", "devices": gpus}
    done = serve(model, chip, stream, mapping, max_batch=batch, paged=True, chunk=2048, concurrency=batch, dtype="bf16")
    assert done.figures["tokens_per_s"] == pytest.approx(tokens_per_s, rel=0.2)
    assert done.percentiles()["gap_s"]["p50"] == pytest.approx(gap_s, rel=0.15)
    assert done.figures["power_w"] == pytest.approx(watts, rel=0.15)
