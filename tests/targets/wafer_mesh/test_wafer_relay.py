"""Laying weights and cache out anew between prefill and decode, and the output queues of the WSE-3."""

from __future__ import annotations

import pytest

import hwsim
from hwsim.core.errors import Infeasible


def test_another_decode_grid_costs_one_move_of_what_a_core_holds():
    graph = hwsim.load_graph("llama3-8b", phase="generate", prompt=512, generate=16)
    chip = hwsim.load_chip("wse2")
    report = hwsim.simulate(graph, chip, {"prefill_grid": (600, 600), "decode_grid": (360, 360)}, interval=False)
    params = report.cost.program.params[0]
    assert 0 < params["relaid_wavelets"] * 4 < chip.number("sram_bytes_per_core")
    rows = report.cost.program.rows
    (row,) = [i for i in range(len(rows)) if rows[i]["relaid"]]
    moved = report.cost.values[row, [s.name for s in report.cost.program.slots].index("transfer")]
    wanted = chip.number("call_fixed_cycles") + 2 * params["relaid_wavelets"] + chip.number("hop_cycles") * 2 * (600 + 360)
    assert moved >= wanted
    assert moved < 1.2 * wanted


def test_the_same_grid_moves_nothing():
    graph = hwsim.load_graph("llama3-8b", phase="generate", prompt=512, generate=16)
    report = hwsim.simulate(graph, hwsim.load_chip("wse2"), {"grid": (600, 600)}, interval=False)
    assert report.cost.program.params[0]["relaid_wavelets"] == 0


def test_the_published_workload_has_no_move():
    mapping = {"prefill_grid": (660, 660), "decode_grid": (360, 360), "workload_mode": "paper_faithful"}
    graph = hwsim.load_graph("llama3-8b", phase="generate", prompt=512, generate=16)
    report = hwsim.simulate(graph, hwsim.load_chip("wse2"), mapping, interval=False)
    assert report.cost.program.params[0]["relaid_wavelets"] == 0


def test_queues_bound_what_a_core_sends_at_once():
    chip = hwsim.load_chip("wse3", output_queues=3)
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=64)
    with pytest.raises(Infeasible, match="output queues of decode layer on wse3: needs 5 queues, has 3 queues"):
        hwsim.simulate(graph, chip, {"grid": (420, 420)})
