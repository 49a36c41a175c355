"""A toy target and chips for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import fake_target
import pytest


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models with the chips toy and toy2."""
    folder = tmp_path / "models"
    fake_target.install(monkeypatch, folder)
    return folder


@pytest.fixture(autouse=True)
def default_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output as wide as when piped to a file, whatever the test runner tells its workers."""
    monkeypatch.delenv("COLUMNS", raising=False)
