"""Case files: what is accepted, and that everything else is refused with file, line and path."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hwsim.core.errors import InvalidCase
from hwsim.validate.cases import read_cases, select

ROW = (
    "{id: a-1, group: g, chip: toy, workload: {op: matmul, m: 1, k: 8, n: 8}, metric: cycles, value: 6e-05, kind: device, role: predict, "
    "tolerance: 0.1, source: here}"
)


def write(folder: Path, *rows: str, head: str = "target: fake\ncases:\n") -> Path:
    path = folder / "cases.yaml"
    path.write_text(head + "".join(f"  - {row}\n" for row in rows))
    return path


def test_a_full_row(tmp_path: Path) -> None:
    extra = ROW[:-1] + ", note: n, mapping: {grid: [4, 4]}, relative_to: {chip: toy2}}"
    found = read_cases(write(tmp_path, extra))
    assert found.target == "fake"
    case = found.cases[0]
    assert (case.value, case.mapping, case.note) == (6e-05, {"grid": [4, 4]}, "n")
    assert case.relative_to is not None and case.relative_to.chip == "toy2" and case.relative_to.mapping is None


def test_a_primitive_may_have_arguments_called_op_or_trace(tmp_path: Path) -> None:
    row = ROW.replace("{op: matmul, m: 1, k: 8, n: 8}", "{primitive: layer_bytes, trace: llama2-7b, op: matmul}")
    assert read_cases(write(tmp_path, row)).cases[0].workload["trace"] == "llama2-7b"


@pytest.mark.parametrize(
    ("old", "new", "path", "problem"),
    [
        ("tolerance: 0.1", "tolerence: 0.1", "cases[0].tolerence", "did you mean tolerance"),
        ("value: 6e-05", "value: -1", "cases[0].value", "greater than 0"),
        ("value: 6e-05", "value: .nan", "cases[0].value", "finite"),
        ("value: 6e-05", "value: '5'", "cases[0].value", "number"),
        ("tolerance: 0.1", "tolerance: 0", "cases[0].tolerance", "greater than 0"),
        ("kind: device", "kind: guess", "cases[0].kind", "'device'"),
        ("role: predict", "role: both", "cases[0].role", "'calibrate'"),
        ("source: here", "source: ''", "cases[0].source", "at least 1"),
        (", source: here", "", "cases[0].source", "missing"),
        ("id: a-1", "id: A 1", "cases[0].id", "pattern"),
        ("{op: matmul, m: 1, k: 8, n: 8}", "{m: 1}", "cases[0]", "exactly one of primitive, op, trace"),
        ("{op: matmul, m: 1, k: 8, n: 8}", "{op: matmul, trace: x}", "cases[0]", "this one op and trace"),
        ("{op: matmul, m: 1, k: 8, n: 8}", "{op: 3}", "cases[0]", "'op' must be a name"),
        ("source: here", "source: here, relative_to: {}", "cases[0].relative_to", "states nothing"),
        ("source: here", "source: here, relative_to: {metric: x}", "cases[0].relative_to.metric", "unknown key"),
    ],
)
def test_malformed_rows_name_file_line_and_path(tmp_path: Path, old: str, new: str, path: str, problem: str) -> None:
    file = write(tmp_path, ROW.replace(old, new))
    with pytest.raises(InvalidCase) as caught:
        read_cases(file)
    text = str(caught.value)
    assert text.startswith(f"{file}:3: {path}: ") and problem in text


@pytest.mark.parametrize("text", ["", "- 1\n", "target: fake\n", "target: fake\ncases: []\n", "target: fake\ncases: [\n", "target: [fake\n"])
def test_malformed_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text(text)
    with pytest.raises(InvalidCase, match=r"cases\.yaml"):
        read_cases(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidCase, match="no such file"):
        read_cases(tmp_path / "none.yaml")


def test_duplicate_ids_name_both_lines(tmp_path: Path) -> None:
    with pytest.raises(InvalidCase, match=r"cases\.yaml:4: cases\[1\]\.id: id 'a-1' is used twice \(first on line 3\)"):
        read_cases(write(tmp_path, ROW, ROW))


def test_duplicate_keys(tmp_path: Path) -> None:
    with pytest.raises(InvalidCase, match="stated twice"):
        read_cases(write(tmp_path, ROW.replace("group: g", "group: g, group: h")))


def test_two_files_of_a_target_share_no_id(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    files = [read_cases(write(tmp_path, ROW)), read_cases(write(tmp_path / "b", ROW))]
    with pytest.raises(InvalidCase, match="used twice: in"):
        select(files, None)


def test_select_by_target(tmp_path: Path) -> None:
    files = [read_cases(write(tmp_path, ROW))]
    assert select(files, "fake") == tuple(files)
    with pytest.raises(InvalidCase, match=r"no cases of target .fakes. .did you mean fake"):
        select(files, "fakes")


def test_hundreds_of_rows_are_read_at_once(tmp_path: Path) -> None:
    """600 rows take some 0.15 s here; the bound only catches a return to a slow parser."""
    file = write(tmp_path, *(ROW.replace("a-1", f"a-{i}") for i in range(600)))
    start = time.perf_counter()
    assert len(read_cases(file).cases) == 600
    assert time.perf_counter() - start < 2
