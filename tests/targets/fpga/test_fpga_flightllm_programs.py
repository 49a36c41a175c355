"""Instruction programs: their counts, bytes and order against the published ones, and what follows from their structure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.program import Program
from hwsim.core.target import load_target
from hwsim.targets.fpga.flightllm import tasks as T
from hwsim.targets.fpga.flightllm.instructions import Instructions
from hwsim.targets.fpga.flightllm.loops import all_programs
from hwsim.targets.fpga.flightllm.masks import kept_per_row, kept_totals
from hwsim.targets.fpga.flightllm.queues import run

REPLAY = {"design": "flightllm", "timing": "authors_simulator"}
FORMATS = {"dtype": "int8", "weight_dtype": "int4", "kv_dtype": "int8"}
CHIP = hwsim.load_chip("vhk158")


def mapped(mapping: dict[str, Any] | None = None, trace: str = "llama2-7b", **request: Any) -> Program:
    return load_target("fpga").map(hwsim.load_graph(trace, **{**FORMATS, **request}), CHIP, {**REPLAY, **(mapping or {})})


def counts(program: Program) -> np.ndarray:
    found = np.zeros(6)
    for row, times, made in all_programs(program):
        found += program.counts[row] * times * made.counts()
    return found


@pytest.mark.parametrize(("context", "expected"), [(512, [89554, 418, 0, 8830, 4545, 418]), (1024, [97746, 418, 0, 9854, 4545, 418])])
def test_decode_programs_are_the_published_ones(context: int, expected: list[int]) -> None:
    assert counts(mapped(phase="decode", context=context)).tolist() == expected


def test_prefill_program_is_the_published_one() -> None:
    assert counts(mapped(phase="prefill", prompt=128)).tolist() == [728024, 720640, 127952, 0, 248960, 354]


def test_a_longer_prompt_is_near_the_published_one() -> None:
    found = counts(mapped(phase="prefill", prompt=512))
    assert found == pytest.approx([2977704, 2882560, 550168, 0, 995840, 354], rel=0.004)
    assert found[[1, 4, 5]].tolist() == [2882560, 995840, 354]  # what the masks do not change


def test_steps_share_the_program_of_their_bucket() -> None:
    sizes = [counts(mapped(phase="decode", context=context)).sum() for context in (497, 511, 512, 513)]
    assert sizes[0] == sizes[1] == sizes[2] < sizes[3]


def joined(parts: list[Instructions]) -> Instructions:
    return Instructions(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("queue", "rate", "amount", "wait", "release")))


@pytest.mark.parametrize("request_", [{"phase": "decode", "context": 300}, {"phase": "prefill", "prompt": 128}])
def test_layers_follow_each_other_so_that_a_row_at_a_time_is_the_whole(request_: dict[str, Any]) -> None:
    """The last instruction of a layer (SYS) releases the first of the next: makespans add up."""
    program = mapped(trace="gpt2-345m", layers=1, **request_)
    p, parts = program.params[0], {row: made for row, _, made in all_programs(program)}
    order = [row for row in program.row_of if row in parts]
    alone = sum(run(parts[row], p).cycles for row in order)
    assert run(joined([parts[row] for row in order]), p).cycles == pytest.approx(alone, rel=1e-12)


def test_every_token_released_for_a_wait_is_taken() -> None:
    """Counts per pair of queues agree: nothing is left behind for the next layer but the SYS that it waits for."""
    program = mapped(phase="decode", context=512)
    for row, _, made in all_programs(program):
        for source in range(6):
            for other in range(6):
                released = int(((made.queue == source) & (made.release >> other & 1 == 1)).sum())
                taken = int(((made.queue == other) & (made.wait >> source & 1 == 1)).sum())
                assert released == taken, (program.representatives[row].name, source, other)


def test_masks_of_the_released_model_keep_their_published_shares() -> None:
    chip = hwsim.load_chip("u280+flightllm")
    heads = kept_per_row(chip, "released_block_mask", 32)
    for length, kept, executed in ((128, 1.0, 1.0), (256, 0.97, None), (512, 0.80, 0.543), (1024, 0.53, 0.340), (2048, 0.30, 0.190)):
        found, blocks = kept_totals(heads, length, 64, 128, 16), length // 64
        triangle = 32 * 64 * 64 * blocks * (blocks + 1) / 2
        assert found.scores / triangle == pytest.approx(kept, abs=0.012)
        if executed:
            assert found.columns * 16 * 128 / (32 * length**2) == pytest.approx(executed, abs=0.003)


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(1, 30), st.integers(2, 40))
def test_a_mask_keeps_no_more_than_the_triangle_and_executes_all_it_keeps(blocks: int, heads: int, most: int) -> None:
    found = kept_totals((float(most),) * heads, 16 * blocks, 64, 128, 16)
    length = 16 * blocks
    dense = kept_totals((1e9,) * heads, length, 64, 128, 16)
    assert found.scores <= dense.scores <= heads * length**2
    assert found.columns <= dense.columns and found.columns * 16 * 128 >= found.scores
    assert found.scores + found.zero_bytes == heads * length**2  # one byte a score: kept or filled with zeros


@pytest.mark.parametrize("mask", ["released_block_mask", "lambda", "none"])
@pytest.mark.parametrize("prompt", [40, 128, 700])
def test_mask_totals_are_those_of_the_program(mask: str, prompt: int) -> None:
    program = mapped({"attention_mask": mask, "prefill_bucket": 16}, trace="gpt2-345m", phase="prefill", prompt=prompt, layers=1)
    row, _, made = next(found for found in all_programs(program) if program.rows[found[0]]["fl_task"] == T.MM_ATTENTION)
    op, products = program.rows[row], made.queue == T.MM
    values = 16 * -(-int(op["fl_length"]) // 128) * 4  # heads x tiles x column blocks of 64 values
    assert products.sum() == op["fl_columns"] + values
    assert (made.rate == T.ZERO).sum() == 0 or made.amount[made.rate == T.ZERO].sum() == op["fl_zero_bytes"]
    special = made.amount[made.queue == T.MISC].sum() * 16 / 2
    assert special == op["fl_kept"]
