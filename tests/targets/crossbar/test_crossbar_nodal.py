"""Wire resistance: against node equations written out in full, against circuits solved elsewhere, and limits."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hwsim.core.errors import InvalidChip, InvalidTrace
from hwsim.targets.crossbar.functional.nodal import (
    Wires,
    cell_currents,
    column_currents,
    effective_conductance,
    transfer_conductance,
    worst_drop_estimate,
)

Array = NDArray[np.float64]
SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
FILES = sorted((SCRIPTS / "data").glob("irdrop_exact_*.npz"))


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


referee = load_script("referee_irdrop")


def node_equations(g: Array, v: Array, wires: Wires) -> Array:
    """Column currents from one dense system of all 2 rows x columns node voltages (positive wire resistances)."""
    rows, columns = g.shape
    a, b = np.zeros((2 * g.size, 2 * g.size)), np.zeros(2 * g.size)

    def join(n: int, m: int, siemens: float) -> None:
        a[n, n] += siemens
        a[m, m] += siemens
        a[n, m] -= siemens
        a[m, n] -= siemens

    for i in range(rows):
        for j in range(columns):
            top, bottom = i * columns + j, g.size + i * columns + j
            join(top, bottom, g[i, j])
            if j > 0:
                join(top, top - 1, 1 / wires.row_ohm)
            if i > 0:
                join(bottom, bottom - columns, 1 / wires.column_ohm)
        a[i * columns, i * columns] += 1 / wires.row_ohm
        b[i * columns] += v[i] / wires.row_ohm
    last = 2 * g.size - columns
    a[range(last, 2 * g.size), range(last, 2 * g.size)] += 1 / wires.column_ohm
    found: Array = np.linalg.solve(a, b)[last:] / wires.column_ohm
    return found


def crossbar(rows: int, columns: int, seed: int = 1) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return 1 / rng.uniform(1e4, 1e6, (rows, columns)), rng.uniform(0, 0.2, rows)


@settings(max_examples=25)
@given(st.integers(1, 7), st.integers(1, 7), st.floats(0.01, 1e5), st.floats(0.01, 1e5), st.integers(0, 99))
def test_equals_the_node_equations(rows: int, columns: int, row_ohm: float, column_ohm: float, seed: int) -> None:
    g, v = crossbar(rows, columns, seed)
    wires = Wires(row_ohm, column_ohm)
    assert column_currents(g, v, wires) == pytest.approx(node_equations(g, v, wires), rel=1e-8)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_circuits_solved_elsewhere(path: Path) -> None:
    verdict = referee.judge(referee.circuit(path))
    assert verdict.max_relative_error < 1e-9
    assert verdict.max_relative_error_fast < 1e-4
    assert verdict.max_relative_error_fast < verdict.max_relative_error_ideal_wires / 100


def test_there_are_six_solved_circuits() -> None:
    assert len(FILES) == 6


def test_single_cell_is_a_voltage_divider() -> None:
    assert column_currents(np.array([[1e-3]]), np.array([2.0]), Wires(100, 300)) == pytest.approx([2.0 / 1400])


def test_ideal_wires_and_open_cells() -> None:
    g, v = crossbar(5, 4)
    g[2] = 0.0
    assert column_currents(g, v, Wires(0, 0)) == pytest.approx(v @ g, rel=1e-12)
    assert cell_currents(g, v, Wires(5, 5))[2] == pytest.approx(np.zeros(4))
    assert not column_currents(np.zeros((3, 3)), np.ones(3), Wires(1, 1)).any()


def test_transfer_matrix_serves_every_input() -> None:
    g, v = crossbar(9, 6)
    wires = Wires(50, 20)
    assert v @ transfer_conductance(g, wires) == pytest.approx(column_currents(g, v, wires), rel=1e-9)


def test_fast_approximation_is_exact_for_its_drive_and_close_around() -> None:
    g, v = crossbar(48, 48)
    wires = Wires(2, 2)
    exact = column_currents(g, v, wires)
    assert v @ effective_conductance(g, wires, v) == pytest.approx(exact, rel=1e-5)
    fast = np.abs(v @ effective_conductance(g, wires) / exact - 1).max()
    assert fast < 1e-3 < np.abs(v @ g / exact - 1).max()
    assert effective_conductance(g, Wires(0, 0)) == pytest.approx(g)


@given(st.integers(1, 12), st.floats(0.01, 100), st.floats(1.01, 10))
def test_more_resistance_never_gives_more_current(size: int, ohm: float, more: float) -> None:
    g, _ = crossbar(size, size)
    v = np.full(size, 0.2)
    total = [column_currents(g, v, Wires(r, r)).sum() for r in (0.0, ohm, ohm * more)]
    assert total[0] > total[1] > total[2] > 0


def test_rule_of_thumb() -> None:
    assert worst_drop_estimate(2.12, 50e-6, 256) == pytest.approx(3.47, rel=1e-2)
    assert worst_drop_estimate(2.12, 20e-6, 64) == pytest.approx(0.087, rel=1e-2)
    assert worst_drop_estimate(2.12, 20e-6, 64, 0.5) == pytest.approx(0.0434, rel=1e-2)


def test_what_is_no_circuit_is_refused() -> None:
    g, v = crossbar(3, 3)
    with pytest.raises(InvalidChip, match="ohm per cell"):
        Wires(-1, 0)
    for bad_g, bad_v, message in ((g[0], v, "rows x columns"), (g, v[:2], "one per row"), (-g, v, "not negative"), (g, v * np.nan, "finite")):
        with pytest.raises(InvalidTrace, match=message):
            column_currents(bad_g, bad_v, Wires(1, 1))
    with pytest.raises(InvalidTrace, match="rows x columns"):
        transfer_conductance(g[0], Wires(1, 1))
    with pytest.raises(InvalidTrace, match="positive in every row"):
        effective_conductance(g, Wires(1, 1), np.array([1.0, 0.0, 1.0]))


def test_referee_prints_the_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    g, v = crossbar(4, 6)
    drives = np.stack([v, 2 * v], axis=1)
    path = tmp_path / "c.npz"
    np.savez(path, R=1 / g, V=drives, r_i=3.0, I_out=np.stack([node_equations(g, x, Wires(3, 3)) for x in drives.T]))
    assert referee.main(["--file", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["max_relative_error"] < 1e-9
    assert (found["rows"], found["columns"], found["drives"], found["wire_ohm"]) == (4, 6, 2, 3.0)
    assert referee.main(["--file", str(path)]) == 0
    assert "fast approximation" in capsys.readouterr().out


def stored(**changes: Any) -> dict[str, Any]:
    return {"R": np.full((2, 2), 1e4), "V": np.ones((2, 1)), "r_i": 1.0, "I_out": np.ones((1, 2)), **changes}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"R": np.ones((2, 2))}, "has no V, r_i, I_out"),
        (stored(R=np.ones(4)), "R has shape"),
        (stored(R=np.zeros((2, 2))), "above 0"),
        (stored(r_i=np.ones(2)), "not one number"),
        (stored(r_i=-1.0), "ohm per cell"),
        (stored(V=np.ones((3, 1))), "V has shape"),
        (stored(I_out=np.ones((1, 3))), "I_out has shape"),
        (stored(I_out=np.full((1, 2), np.nan)), "finite"),
        (stored(I_out=np.zeros((1, 2))), "0 everywhere"),
        (stored(R=np.array([["a", "b"], ["c", "d"]])), "no npz file of numbers"),
    ],
)
def test_referee_refuses_bad_files(arrays: dict[str, Any], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays)
    assert referee.main(["--file", str(path)]) == 2
    assert message in capsys.readouterr().err


def test_referee_refuses_what_is_no_npz(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, single = tmp_path / "a.npz", tmp_path / "b.npy"
    text.write_text("no archive")
    np.save(single, np.ones(3))
    for path, message in ((tmp_path / "none.npz", "no file"), (text, "no npz file"), (single, "single array"), (tmp_path, "no file")):
        assert referee.main(["--file", str(path)]) == 2
        assert message in capsys.readouterr().err
