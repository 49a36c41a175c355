"""Matrices on arrays: slices, parts, copies, what stays and what is written at each use."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import Infeasible, InvalidMapping, MissingParameter
from hwsim.core.graph import Graph, GraphBuilder
from hwsim.targets.crossbar.arrays import Geometry, copies, residents
from hwsim.targets.crossbar.mapping import FrameOptions, parse_options
from hwsim.targets.crossbar.plan import Rules, stored_plan
from hwsim.targets.crossbar.stored import Stored

ONE = Stored(300, 100, 1, 1, 10, 8, 8, 8)
SIZES = st.integers(1, 3000)


def network(layers: int = 3) -> Graph:
    b = GraphBuilder("int8")
    x = b.tensor("x", (4, 128), role="input")
    for i in range(layers):
        x = b.op("matmul", f"fc{i}", [x], m=4, k=128, n=128)
    return b.graph(trace="mlp")


@given(SIZES, SIZES, st.integers(1, 16), st.sampled_from([1, 2]))
def test_parts_cover_the_matrix_and_no_more(inputs: int, outputs: int, weight_bits: int, polarity: int) -> None:
    at = Geometry(128, 256, 2.0, polarity).place(Stored(inputs, outputs, 1, 1, 1, 8, weight_bits, 8))
    assert at.slices == math.ceil(weight_bits / 2)
    assert (at.row_parts, at.column_parts) == (math.ceil(inputs / 128), math.ceil(outputs * at.slices * polarity / 256))
    assert at.arrays == at.row_parts * at.column_parts
    assert at.used == inputs * outputs * at.slices * polarity
    assert 0 < at.utilisation <= 1


def test_pairs_of_columns_hold_the_magnitude() -> None:
    signed = Geometry(256, 256, 3.0, 2, magnitude=True).place(replace(ONE, weight_bits=4))
    assert (signed.slices, signed.column_parts) == (1, 1)
    assert Geometry(256, 256, 3.0, 2).place(replace(ONE, weight_bits=4)).slices == 2


def test_small_groups_share_an_array_along_its_diagonal() -> None:
    depthwise = replace(ONE, inputs=9, outputs=1, groups=64, active=64)
    together = Geometry(128, 128, 2.0).place(depthwise)  # 4 columns a group: 14 fit the rows, 32 the columns
    assert together.arrays == math.ceil(64 / 14)
    assert Geometry(128, 128, 2.0, packed=False).place(depthwise).arrays == 64


def test_kernel_positions_on_arrays_of_their_own() -> None:
    at = Geometry(128, 128, 8.0).place(replace(ONE, inputs=9 * 200, outputs=100, blocks=9))
    assert (at.row_parts, at.arrays) == (18, 18)


def test_an_array_as_large_as_its_matrix() -> None:
    at = Geometry(0, 0, 16.0).place(ONE)
    assert (at.arrays, at.cells, at.utilisation) == (1, 30000, 1.0)


def test_copies_stop_at_the_vectors_and_at_recurrences() -> None:
    kinds = [ONE, replace(ONE, vectors=2), replace(ONE, recurrent=True), replace(ONE, written_share=0.5)]
    assert copies(kinds, [1] * 4, FrameOptions(duplication=4), None) == [4, 2, 1, 1]
    assert copies(kinds, [1] * 4, FrameOptions(), 100) == [1] * 4


@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 40)), min_size=1, max_size=8), st.integers(0, 400))
def test_balanced_copies_are_the_best_that_fit(layers: list[tuple[int, int]], spare: int) -> None:
    matrices, arrays = [replace(ONE, vectors=v) for v, _ in layers], [a for _, a in layers]
    count = sum(arrays) + spare
    made = copies(matrices, arrays, FrameOptions(duplication="balanced"), count)
    taken = sum(d * a for d, a in zip(made, arrays, strict=True))
    assert taken <= count and min(made) >= 1
    longest = max(math.ceil(m.vectors / d) for m, d in zip(matrices, made, strict=True))
    faster = [math.ceil(m.vectors / max(1, longest - 1)) for m in matrices]
    assert longest == 1 or sum(d * a for d, a in zip(faster, arrays, strict=True)) > count


def test_balanced_copies_need_a_number_of_arrays() -> None:
    with pytest.raises(InvalidMapping, match="state a number"):
        copies([ONE], [1], FrameOptions(duplication="balanced"), None)


def test_weights_that_do_not_fit_are_refused_with_what_would_help() -> None:
    with pytest.raises(Infeasible, match=r"needs 6 arrays, has 5 arrays.*reprogram") as refused:
        residents({"a": 2, "b": 2, "c": 2}, 5, reprogram=False, chip="x")
    assert (refused.value.demand, refused.value.bound) == (6, 5)


def test_the_largest_matrix_always_needs_room() -> None:
    assert residents({"a": 2, "b": 2, "c": 2}, 5, reprogram=True, chip="x") == {"a"}
    with pytest.raises(Infeasible, match="largest"):
        residents({"a": 9}, 5, reprogram=True, chip="x")


def laid(mapping: dict[str, object], count: int | None, layers: int = 3) -> tuple[dict[str, object], object]:
    chip = hwsim.load_chip("nladc-16nm")
    made = stored_plan(network(layers), parse_options(mapping), chip, Rules(Geometry(128, 128, 8.0, count=count)))
    rows = {op.name: made.table.rows[row] for op, row in zip(made.graph.ops, made.table.row_of, strict=True)}
    return rows, made


def test_swapped_weights_are_written_row_by_row_at_each_use() -> None:
    rows, made = laid({"reprogram": True}, 2)
    written = [name for name, row in rows.items() if row["write_rows"] > 0]
    assert len(written) == 2 and all(rows[n]["write_rows"] == 128 and rows[n]["write_cells"] == 128 * 128 for n in written)
    assert any("written at each use" in w for w in made.warnings)


def test_copies_and_swapping_exclude_each_other() -> None:
    with pytest.raises(InvalidMapping, match="not even one copy"):
        laid({"reprogram": True, "duplication": 2}, 2)


def test_swapping_needs_write_constants() -> None:
    chip = hwsim.load_chip("nladc-16nm")
    mute = replace(chip, params={n: p for n, p in chip.params.items() if not n.startswith("write_")})
    with pytest.raises(MissingParameter, match="write_row_s"):
        stored_plan(network(), parse_options({"reprogram": True}), mute, Rules(Geometry(128, 128, 8.0, count=2)))


def test_copies_share_the_vectors_out() -> None:
    rows, made = laid({"duplication": 3}, None)
    assert all(row["rounds"] == 2 and row["duplication"] == 3 for row in rows.values())
    assert made.figures["arrays"] == 9


def test_layers_that_share_weights_share_their_arrays() -> None:
    b = GraphBuilder("int8")
    weight = b.tensor("w", (1, 128, 128), role="weight")
    x = b.tensor("x", (4, 128), role="input")
    for i in range(3):
        x = b.op("matmul", f"fc{i}", [x, weight], m=4, k=128, n=128)
    chip = hwsim.load_chip("nladc-16nm")
    made = stored_plan(b.graph(), parse_options({}), chip, Rules(Geometry(128, 128, 8.0, count=1)))
    assert made.figures["arrays"] == 1
