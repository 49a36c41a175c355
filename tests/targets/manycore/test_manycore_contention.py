"""Readers of other shires' scratchpads that share links of the packet mesh."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from hwsim.core.errors import InvalidTrace
from hwsim.readers.chip_file import load_chip
from hwsim.targets.manycore import contention
from hwsim.targets.manycore.machine import positions
from hwsim.targets.manycore.primitives import PRIMITIVES

CHIP = load_chip("et-soc-1")
AT = positions(CHIP)
NARROW = CHIP.replace(mesh_link_bytes_per_noc_cycle=128.0)


def rate(chip: Any = CHIP, **arguments: Any) -> float:
    return float(PRIMITIVES["memory_bandwidth"](chip, {"level": "remote_scp", **arguments}, {})["bandwidth_bytes_per_s"])


@pytest.mark.parametrize(("hops", "shires"), [(1, 32), (2, 32), (4, 32), (5, 32), (6, 31), (8, 16)])
def test_targets_are_at_the_distance_and_have_two_readers_at_most(hops: int, shires: int) -> None:
    targets = contention.targets_at(hops, shires, AT)
    pairs = [(AT[s], AT[t]) for s, t in enumerate(targets) if t >= 0]
    assert len(pairs) == shires
    assert all(abs(a[0] - b[0]) + abs(a[1] - b[1]) == hops for a, b in pairs)
    assert max(Counter(t for t in targets if t >= 0).values()) <= contention.MOST_READERS


def test_one_reader_alone_meets_nobody() -> None:
    assert rate(hops=4, shires=1, contention=True) == pytest.approx(rate(hops=4, shires=1), rel=0.01)


def test_neighbours_share_no_link() -> None:
    assert rate(hops=1, contention=True) == pytest.approx(rate(hops=1), rel=0.01)


@pytest.mark.parametrize("arguments", [{"hops": 4}, {"hops": 6, "shires": 31}, {"id_offset": 1}, {"id_offset": 6}])
def test_contention_never_helps_and_narrower_links_hurt_more(arguments: dict[str, int]) -> None:
    alone, wide, narrow = rate(**arguments), rate(contention=True, **arguments), rate(NARROW, contention=True, **arguments)
    assert narrow < 0.9 * wide
    assert wide <= 1.05 * alone  # the closed form of a ring shares the busiest link evenly


def test_at_their_assumed_width_links_take_little_from_what_was_measured() -> None:
    for hops, measured in ((1, 46.8e9), (2, 41.8e9), (4, 32.8e9)):
        assert rate(hops=hops, report="per_shire", contention=True) == pytest.approx(measured, rel=0.08)


def test_l3_readers_contend_on_narrow_links() -> None:
    for chip in (CHIP, NARROW):
        assert rate(chip, level="l3", contention=True) <= rate(chip, level="l3")


def test_contention_is_of_the_mesh() -> None:
    for arguments in ({"level": "own_scp"}, {"level": "dram"}, {"hops": 1, "access": "store"}):
        with pytest.raises(InvalidTrace, match="cross the mesh"):
            rate(contention=True, **arguments)
