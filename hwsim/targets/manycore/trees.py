"""Reduction trees as the operator table holds them: levels of each distance class, hops of those that cross the mesh, bytes sent in all."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.targets.manycore.machine import Machine


def mesh_level_hops(stride: int, shires: int, at: Sequence[tuple[float, float]]) -> float:
    """Longest pair of a tree level between shires s, multiples of twice the stride, and s + stride."""
    return max((abs(at[s][0] - at[s + stride][0]) + abs(at[s][1] - at[s + stride][1]) for s in range(0, shires - stride, 2 * stride)), default=0.0)


def tree_levels(minions: int, message_bytes: float, times: float, groups: float, m: Machine) -> dict[str, float]:
    """Levels of `times` one-way trees over `minions` (an all-reduce is two ways), run by `groups` of minions at once.

    Minions pair with their number plus 2^h: inside a neighbourhood over tree edges, then inside the shire, then between shires by ID.
    """
    edges = levels = mesh = hops = far = 0.0
    sent = {"all_sent_edges": 0.0, "all_sent_shire": 0.0, "all_sent_mesh": 0.0}
    reached = 1
    while reached < minions:
        moved = message_bytes * times * groups * max(1, minions // (2 * reached))
        if reached < m.neighbourhood:
            edges += 1
            sent["all_sent_edges"] += moved
        elif reached < m.shire_minions:
            levels += 1
            sent["all_sent_shire"] += moved
        else:
            longest = mesh_level_hops(reached // m.shire_minions, -(-minions // m.shire_minions), m.at)
            mesh, hops, far = mesh + 1, hops + longest, far + max(0.0, longest - m.far_hops)
            sent["all_sent_mesh"] += moved
        reached *= 2
    return {
        "tree_bytes": message_bytes, "tree_edges": times * edges, "tree_levels": times * levels, "tree_mesh_levels": times * mesh,
        "tree_hops": times * hops, "tree_far_hops": times * far, **sent,
    }  # fmt: skip
