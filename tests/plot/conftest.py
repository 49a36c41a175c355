"""Reports of the toy target, a hand-made sweep, and what makes a figure readable."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import fake_target
import numpy as np
import pytest
from plot_helpers import SENSITIVITY, columns

import hwsim
from hwsim.core.report import Report


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models with the chips toy and toy2."""
    folder = tmp_path / "models"
    fake_target.install(monkeypatch, folder)
    return folder


@pytest.fixture
def simulated(models: Path, tmp_path: Path) -> Callable[..., Report]:
    """Simulate three products on a toy chip."""
    trace = tmp_path / "net.csv"
    trace.write_text("name,m,k,n\nstem,1,64,64\nbody,64,256,256\nhead,1,256,10\n")

    def run(chip: str = "toy", **options: Any) -> Report:
        return hwsim.simulate(hwsim.load_graph(str(trace)), hwsim.load_chip(chip), **options)

    return run


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """A sweep's result folder of two shards, with a sensitivity result."""
    folder = tmp_path / "sweep"
    (folder / "shards").mkdir(parents=True)
    found = {k: [None if isinstance(v, float) and np.isnan(v) else v for v in c.tolist()] for k, c in columns().items()}
    rows = [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]
    for i, part in enumerate((rows[:20], rows[20:])):
        source = tmp_path / f"rows{i}.json"
        source.write_text(json.dumps(part))
        with duckdb.connect() as connection:
            connection.execute(f"copy (select * from read_json('{source}')) to '{folder}/shards/{i}.parquet' (format parquet)")
    (folder / "sensitivity.json").write_text(json.dumps(SENSITIVITY))
    return folder


@pytest.fixture
def readable() -> Callable[[Any], None]:
    """Check that a figure cuts no text at its edge, and that no two texts overlap."""

    def check(figure: Any) -> None:
        from matplotlib.text import Text

        from hwsim.plot import style

        with style.styled():
            figure.draw_without_rendering()
            width, height = figure.bbox.width, figure.bbox.height
            hidden = set()
            for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
                low, high = sorted(axis.get_view_interval())
                for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                    slack = 1e-9 * (high - low)
                    labels = (tick.label1, tick.label2) if not low - slack <= tick.get_loc() <= high + slack else (tick.label2,)
                    hidden.update(id(label) for label in labels)
            boxes = []
            for text in figure.findobj(Text):
                if not text.get_text().strip() or not text.get_visible() or id(text) in hidden:
                    continue
                box = Text.get_window_extent(text)
                assert box.x0 >= -1 and box.x1 <= width + 1 and box.y0 >= -1 and box.y1 <= height + 1, f"'{text.get_text()}' is cut"
                if text.get_rotation() % 90 == 0:
                    boxes.append((text.get_text(), box))
            for (a, first), (b, second) in itertools.combinations(boxes, 2):
                apart = first.x1 <= second.x0 + 0.5 or second.x1 <= first.x0 + 0.5 or first.y1 <= second.y0 + 0.5 or second.y1 <= first.y0 + 0.5
                assert apart, f"'{a}' overlaps '{b}'"

    return check
