"""``hwsim compare TRACE --chip all``, in process, on a few chips."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hwsim.cli import app

FEW = ["gap8", "a100", "u280", "wse2"]


@pytest.fixture(autouse=True)
def few_chips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwsim.readers.chip_file.chip_names", lambda: FEW)


def run(*args: str | Path, code: int = 0) -> Any:
    found = CliRunner().invoke(app, ["compare", "mobilenet-v1-0.25-128", "--chip", "all", *[str(a) for a in args]])
    assert found.exit_code == code, found.output + repr(found.exception)
    assert "Traceback" not in found.output
    return found


def test_everybody_is_listed_with_figures_or_a_reason(tmp_path: Path) -> None:
    record, picture = tmp_path / "all.json", tmp_path / "all.png"
    text = run("--json", record, "--scatter", picture, "--map", "gap8:cores=4").stdout
    assert "mobilenet-v1-0.25-128 on 3 of 4 chips" in text and "no kernel model" in " ".join(text.split())
    found = json.loads(record.read_text())
    assert found["schema"] == "hwsim.landscape/1" and {r["chip"] for r in found["chips"]} == set(FEW)
    assert picture.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--map", "cores=1"], "names its chip"), (["--set", "clock_hz=1 GHz"], "none can be set"),
        (["--scatter", "nowhere/x.png"], "there is no folder"),
    ],
)  # fmt: skip
def test_refusals(args: list[str], message: str) -> None:
    assert message in run(*args, code=2).stderr


def test_scatter_is_for_all_chips() -> None:
    found = CliRunner().invoke(app, ["compare", "resnet18", "--chip", "a100", "--scatter", "x.png"])
    assert found.exit_code == 2 and "--scatter is for --chip all" in found.stderr
