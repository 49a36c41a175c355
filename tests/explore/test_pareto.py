"""Fronts against brute force, ties, what is not finite, and volumes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hwsim.core.errors import HwsimError
from hwsim.explore.pareto import Objective, front_mask, front_of, hypervolume, objectives_of, pareto

COARSE = st.sampled_from([0.0, -0.0, 1.0, 2.0, 3.0, -1.5, np.inf, -np.inf, np.nan])
FINE = st.floats(-1e3, 1e3)


def brute(table: Any) -> list[bool]:
    """The definition, point by point."""
    usable = [not np.isnan(row).any() for row in table]
    return [
        usable[i] and not any(usable[j] and (q <= p).all() and (q < p).any() for j, q in enumerate(table))
        for i, p in enumerate(table)
    ]  # fmt: skip


def tables(width: int) -> Any:
    return hnp.arrays(np.float64, st.tuples(st.integers(0, 24), st.just(width)), elements=COARSE | FINE)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_front_is_the_definition(width: int, data: Any) -> None:
    table = data.draw(tables(width))
    assert front_mask(table).tolist() == brute(table)


@given(table=tables(3), flips=st.tuples(st.booleans(), st.booleans(), st.booleans()))
@settings(max_examples=60, deadline=None)
def test_maximising_is_minimising_the_negative(table: Any, flips: tuple[bool, ...]) -> None:
    signed = table * np.where(flips, -1.0, 1.0)
    assert front_mask(table, flips).tolist() == front_mask(signed).tolist()


@given(table=tables(3), seed=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_order_of_points_does_not_matter(table: Any, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(table))
    assert front_mask(table[order]).tolist() == front_mask(table)[order].tolist()


def test_equal_points_are_all_on_the_front() -> None:
    table = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 2.0], [0.5, 3.0]])
    assert front_mask(table).tolist() == [True, True, False, True]
    assert front_mask(np.column_stack([table, np.zeros(4)])).tolist() == [True, True, False, True]


def test_large_fronts_of_a_sphere_are_kept_whole() -> None:
    points = np.abs(np.random.default_rng(1).normal(size=(20_000, 3)))
    sphere = points / np.linalg.norm(points, axis=1)[:, None]
    assert front_mask(sphere, (True, True, True)).all()
    both = np.concatenate([sphere, sphere * 0.999])
    assert front_mask(both, (True, True, True))[:20_000].all()


def test_infinite_figures_are_compared_like_others() -> None:
    table = np.array([[0.0, 0.0, np.inf], [1.0, 0.0, np.inf], [0.0, 0.0, np.inf], [-np.inf, 1.0, np.inf]])
    assert front_mask(table).tolist() == [True, False, True, True] == brute(table)


def test_shapes_are_checked() -> None:
    assert front_mask(np.zeros((0, 2))).shape == (0,)
    for bad in (np.zeros(3), np.zeros((3, 0))):
        with pytest.raises(HwsimError, match="points x objectives"):
            front_mask(bad)
    with pytest.raises(HwsimError, match="1 directions for 2"):
        front_mask(np.zeros((3, 2)), [True])


def test_objectives_are_checked() -> None:
    assert objectives_of(["latency_s"], ["tokens_per_s"]) == (Objective("latency_s"), Objective("tokens_per_s", True))
    for args, words in (([], "at least one"), (["a", "a"], "named twice"), (["tokens_per_s"], "larger is better.*--maximise tokens_per_s")):
        with pytest.raises(HwsimError, match=words):
            objectives_of(args)


def test_infeasible_rows_stay_out_and_best_comes_first() -> None:
    columns = {
        "x": np.arange(5), "latency_s": np.array([3.0, 1.0, 0.1, 2.0, np.nan]), "energy_j": np.array([1.0, 4.0, 0.1, 2.0, 0.0]),
        "status": np.array(["ok", "ok", "infeasible", "ok", "ok"], dtype=object),
    }  # fmt: skip
    front = pareto(columns, ["latency_s", "energy_j"])
    assert front.rows.tolist() == [1, 3, 0] and len(front) == 3
    assert (front.feasible, front.total) == (3, 5)
    assert front.records()[0] == {"x": 1, "latency_s": 1.0, "energy_j": 4.0, "status": "ok"}
    assert front.to_dict()["objectives"][0] == {"metric": "latency_s", "direction": "minimise"}
    with pytest.raises(HwsimError, match=r"no metric 'latncy_s'.*did you mean latency_s"):
        front_of(columns, [Objective("latncy_s")])


def test_an_empty_front_is_no_error() -> None:
    front = front_of({"a": np.array([np.nan]), "b": np.array([1.0])}, objectives_of(["a", "b"]))
    assert len(front) == 0 and front.records() == [] and front.feasible == 0


def test_hypervolume_in_closed_form() -> None:
    assert hypervolume(np.array([[1.0, 1.0], [2.0, 2.0], [9.0, 0.0]]), (3.0, 3.0)) == 4.0
    assert hypervolume(np.array([[1.0, 1.0, 1.0]]), (3.0, 2.0, 4.0)) == 6.0
    assert hypervolume(np.array([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]), (2.0, 2.0, 2.0)) == pytest.approx(4 + 1)
    assert hypervolume(np.array([[2.0, 2.0]]), (1.0, 1.0), [True, True]) == 1.0
    assert hypervolume(np.array([[5.0, 5.0]]), (3.0, 3.0)) == 0.0
    with pytest.raises(HwsimError, match="reference"):
        hypervolume(np.zeros((2, 4)), (1.0,) * 4)


@given(table=hnp.arrays(np.float64, (6, 3), elements=st.sampled_from([0.0, 1.0, 2.0, 3.0])))
@settings(max_examples=50, deadline=None)
def test_hypervolume_counts_unit_cubes(table: Any) -> None:
    """On whole numbers the volume is the number of unit cubes that some point covers."""
    cubes = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    covered = (cubes[:, None, :] >= table[None, :, :]).all(axis=2).any(axis=1).sum()
    assert hypervolume(table, (4.0, 4.0, 4.0)) == pytest.approx(float(covered))
