"""Matrix multiplications as CSV: columns ``name,m,k,n`` and, optionally, ``batch``, ``dtype``, ``count`` (serial executions)."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from hwsim.core.dtype import dtype as number_format
from hwsim.core.errors import InvalidTrace, Location, nearest
from hwsim.core.graph import Graph, GraphBuilder
from hwsim.readers.yaml_file import read_text

__all__ = ["read_gemm_csv"]

REQUIRED, OPTIONAL = ("name", "m", "k", "n"), ("batch", "dtype", "count")


def read_gemm_csv(path: str | Path, *, chain: bool = False, dtype: str = "fp16") -> Graph:
    """Return the graph of a CSV file of matrix multiplications, C[m, n] = A[m, k] B[k, n] with B a weight.

    The multiplications are independent, each with an input of its own; with `chain`, each reads the result of the row before, whose n must be
    its k (m and batch equal). `dtype` holds for rows that state none. Blank lines and lines that start with ``#`` are skipped.
    Raises `InvalidTrace` with file and line for missing or unknown columns and for figures that are not positive whole numbers.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "layers.csv"
    ...     size = path.write_text("name,m,k,n" + chr(10) + "fc1,1,64,32" + chr(10) + "fc2,1,32,10" + chr(10))
    ...     read_gemm_csv(path, chain=True).macs
    2368
    """
    rows = _rows(str(path), read_text(path, InvalidTrace))
    builder = GraphBuilder(dtype)
    last = ""
    for line, row in rows:
        where = Location(str(path), line)
        m, k, n = (_count(row, key, where) for key in ("m", "k", "n"))
        batch, count = (_count(row, key, where) if row.get(key) else 1 for key in ("batch", "count"))
        try:
            form = number_format(row.get("dtype") or dtype).name
            inputs = [last] if chain and last else []
            if inputs and (builder.tensors[last].shape != (batch, m, k) or builder.tensors[last].dtype != form):
                before = builder.tensors[last]
                raise InvalidTrace(f"reads ({batch}, {m}, {k}) of {form}, but the row before makes {before.shape} of {before.dtype}")
            if f"{row['name']}.out" in builder.tensors:
                raise InvalidTrace(f"name '{row['name']}' is used twice")
            last = builder.op("matmul", row["name"], inputs, dtype=form, weight_dtype=form, repeat=count, batch=batch, m=m, k=k, n=n)
        except InvalidTrace as bad:
            raise InvalidTrace(bad.problem, location=where) from None
    if not rows:
        raise InvalidTrace("holds no row", location=Location(str(path)))
    return builder.graph(trace=Path(path).stem, dtype=dtype)


def _rows(file: str, text: str) -> list[tuple[int, dict[str, str]]]:
    """Return (line, cells by column) of every row, after checking the header."""
    reader = csv.reader(io.StringIO(text), strict=True)
    header: list[str] = []
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        for cells in reader:
            words = [cell.strip() for cell in cells]
            if not any(words) or words[0].startswith("#"):
                continue
            where = Location(file, reader.line_num)
            if not header:
                header = [word.lower().lstrip("\ufeff") for word in words]
                _check_header(header, where)
                continue
            if len(words) != len(header):
                raise InvalidTrace(f"{len(words)} cells, but the header has {len(header)}", location=where)
            row = dict(zip(header, words, strict=True))
            if not row["name"]:
                raise InvalidTrace("the name is empty", location=where)
            rows.append((reader.line_num, row))
    except csv.Error as bad:
        raise InvalidTrace(f"not CSV: {bad}", location=Location(file, reader.line_num)) from None
    return rows


def _check_header(header: list[str], where: Location) -> None:
    known = (*REQUIRED, *OPTIONAL)
    for name in header:
        if name not in known:
            raise InvalidTrace(f"unknown column '{name}'{nearest(name, known)}", location=where)
        if header.count(name) > 1:
            raise InvalidTrace(f"column '{name}' is stated twice", location=where)
    if missing := [name for name in REQUIRED if name not in header]:
        raise InvalidTrace(f"column(s) missing: {', '.join(missing)}", location=where)


def _count(row: dict[str, str], key: str, where: Location) -> int:
    word = row[key]
    if not (word.isascii() and word.isdigit()) or int(word[:18]) < 1 or len(word) > 18:
        raise InvalidTrace(f"{key} must be a positive whole number, got '{word}'", location=where)
    return int(word)
