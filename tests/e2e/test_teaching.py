"""The teaching script runs from its first cell to its last."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "teach_first_hour.py"


def test_every_cell_says_something(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(SCRIPT))
    text = capsys.readouterr().out
    assert text.startswith("1. llama3-8b on a100: 8.04 GMAC a token in ")
    wanted = ("bound by memory", "central 90 %", "peak rate of device memory", "wse2", "what would help", "1000 points", "The smallest dram_bytes")
    for words in wanted:
        assert words in text
    cells = [line for line in SCRIPT.read_text().splitlines() if line.startswith("# %% ")]
    assert [cell.split()[2] for cell in cells] == [f"{i}." for i in range(1, len(cells) + 1)]
    assert all(f"\n{i}. " in "\n" + text for i in range(1, len(cells) + 1))


def test_bounds_by_hand_hold(capsys: pytest.CaptureFixture[str]) -> None:
    """The script tells students that memory is the bound: its own figures must say so."""
    names = runpy.run_path(str(SCRIPT))
    capsys.readouterr()
    assert names["by_arithmetic"] < names["by_memory"] < names["report"].latency_s < 2 * names["by_memory"]
    assert names["slowest"] > names["fastest"]
