"""The teaching script runs from its first cell to its last."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "teach_first_hour.py"


def test_every_cell_says_something(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(SCRIPT))
    text = capsys.readouterr().out
    assert text.startswith("llama3-8b: 8.04 GMAC a token on a100") and "1000 points" in text and "what would help" in text
    assert SCRIPT.read_text().count("\n# %% ") == 9
