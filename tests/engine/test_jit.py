"""The jit decorator: compiled, equal to the plain function, and stamped with every file that its code can come from."""

from __future__ import annotations

import importlib.util
import math
import os
import sys
from pathlib import Path

import pytest

from hwsim.engine import jit as J
from hwsim.targets.wafer_mesh import gemm


def module(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    made = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = made
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a mechanism, and its helper in another file."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "jit_helper.py").write_text("from hwsim.engine.jit import jit\n\n\n@jit\ndef twice(x):\n    return 2.0 * x\n")
    text = "from hwsim.engine.jit import jit\nfrom jit_helper import twice\n\n\n@jit\ndef shifted(x):\n    return twice(x) + 1.0\n"
    (tmp_path / "jit_user.py").write_text(text)
    yield tmp_path
    for name in ("jit_helper", "jit_user"):
        sys.modules.pop(name, None)


def test_compiled_functions_equal_the_plain_ones():
    for p in (1.0, 7.0, 720.0):
        assert gemm.farthest_sum(p) == gemm.farthest_sum.py_func(p)
        assert gemm.virtual_side(p, 12.0) == gemm.virtual_side.py_func(p, 12.0)
    assert gemm.farthest_sum.nopython_signatures


def test_division_by_zero_follows_numpy():
    @J.jit
    def ratio(a, b):
        return a / b

    assert ratio(1.0, 0.0) == math.inf and math.isnan(ratio(0.0, 0.0))


def test_the_second_process_finds_the_machine_code(folder):
    first = module(folder / "jit_user.py")
    assert first.shifted(3.0) == 7.0
    assert sum(first.shifted.stats.cache_misses.values()) == 1
    sys.modules.pop("jit_helper")
    again = module(folder / "jit_user.py")
    assert again.shifted(3.0) == 7.0
    assert sum(again.shifted.stats.cache_hits.values()) == 1


def test_a_changed_helper_in_another_file_is_not_served_stale(folder):
    assert module(folder / "jit_user.py").shifted(3.0) == 7.0
    sys.modules.pop("jit_helper")
    helper = folder / "jit_helper.py"
    helper.write_text(helper.read_text().replace("2.0", "5.0"))
    os.utime(helper, ns=(1, 1))
    importlib.invalidate_caches()
    J.folder_stamp.cache_clear()
    assert module(folder / "jit_user.py").shifted(3.0) == 16.0


def test_the_stamp_covers_the_engine_and_the_function_s_own_folder(tmp_path):
    (tmp_path / "mine.py").write_text("x = 1\n")
    J.folder_stamp.cache_clear()
    names = [name for name, _, _ in J.folder_stamp(tmp_path)]
    assert "mine.py" in names and "analytic.py" in names and "jit.py" in names
    before = J.folder_stamp(tmp_path)
    (tmp_path / "mine.py").write_text("x = 22\n")
    J.folder_stamp.cache_clear()
    after = J.folder_stamp(tmp_path)
    assert after != before
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "part.py").write_text("x = 1\n")
    J.folder_stamp.cache_clear()
    assert J.folder_stamp(tmp_path) != after
    assert J.own_folder(Path("a/targets/fpga/dpu/price.py")) == Path("a/targets/fpga") and J.own_folder(Path("a/b/c.py")) == Path("a/b")
    J.folder_stamp.cache_clear()
