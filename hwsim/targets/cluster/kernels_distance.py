"""Kernels that measure distances or walk trees: nearest neighbours, one step of K-Means, decision trees and forests.

Structure of the GVSoC programs: samples or trees over the cores, a private result per core, a barrier, and a reduction.
"""

from __future__ import annotations

from hwsim.core.errors import InvalidMapping
from hwsim.core.op import Op
from hwsim.targets.cluster.kernel import Loop, Mix, Work, kernel
from hwsim.targets.cluster.kernels_learners import FLOATS, element, multiply_add, operations, rest
from hwsim.targets.cluster.machine import Machine


def only_horizontal(op: Op, m: Machine) -> None:
    """Raise `InvalidMapping` for a vertical split of a kernel that has no classes to deal."""
    if m.split != "horizontal":
        raise InvalidMapping(f"split={m.split} deals classes to the cores; {op.kind} is split over its samples or trees (horizontal)")


SWAP = Mix(load=2, store=3, alu=4)  # take the nearest sample out of the list


@kernel("knn", dtypes=FLOATS)
def knn(op: Op, m: Machine) -> Work:
    """Squared distances of the own samples, then a selection pass over them per neighbour; core 0 merges the sorted lists of all cores."""
    only_horizontal(op, m)
    samples, k = m.share(op["samples"]), op["neighbours"]
    arithmetic = Mix(fsub=1) + multiply_add(m)
    mix, covered = element(m, 2, arithmetic, stalls=1, plain_stalls=0, unroll=4, pointers=4)
    passes, over = divmod(op["features"], covered)
    mine = samples.busiest * op["queries"]
    compare = Mix(load=1, load_use=1, fcmp=1, alu=1, branch=1) + (Mix() if m.hardware_loops else Mix(alu=1, taken=1))
    loops = (
        Loop(mix, mine * passes, balance=samples.balance),
        Loop(rest(m, 2, arithmetic), mine * over, balance=samples.balance),
        Loop(Mix(alu=4, store=1, taken=1), mine, balance=samples.balance),
        Loop(compare, mine * k, balance=samples.balance),
        Loop(SWAP, k * op["queries"]),
        Loop(Mix(load=2, load_use=1, fcmp=1, alu=3, branch=1, taken=1), k * m.cores * op["queries"], sequential=True),
    )
    return Work(loops, barriers=op["queries"], forks=1)


def distance_element(m: Machine) -> Mix:
    """One feature of a distance in a loop that the compiler unrolls whole: two loads at offsets, subtract, multiply-add."""
    return Mix(load=2, load_use=0 if m.native else 1) + operations(m, Mix(fsub=1) + multiply_add(m))


@kernel("kmeans", dtypes=FLOATS)
def kmeans(op: Op, m: Machine) -> Work:
    """Clear the own sums; add every own sample to the sum of its nearest centroid; then the centroids of the clusters dealt to the core."""
    only_horizontal(op, m)
    samples, dealt = m.share(op["samples"]), m.share(op["clusters"])
    c, f, times = op["clusters"], op["features"], op["iterations"]
    mine, own = samples.busiest * times, dealt.busiest * times
    partial = m.cores * (Mix(load=1) + operations(m, Mix(fadd=1)))
    count = m.cores * Mix(load=1, alu=1) + Mix(i2f=1, fdiv=1, alu=8, taken=1)
    loops = (
        Loop(Mix(store=4, alu=1, taken=1), times * (c * f + c) / 4),
        Loop(distance_element(m), mine * c * f, balance=samples.balance),
        Loop(Mix(fcmp=1, branch=1, alu=4, taken=1), mine * c, balance=samples.balance),
        Loop(Mix(load=2, store=1, load_use=0 if m.native else 1) + operations(m, Mix(fadd=1)), mine * f, balance=samples.balance),
        Loop(Mix(load=1, store=1, mul=1, alu=7, taken=1), mine, balance=samples.balance),
        Loop(count, own, balance=dealt.balance),
        Loop(partial + Mix(fmul=1, store=1, alu=2, taken=1), own * f, balance=dealt.balance),
    )
    return Work(loops, barriers=2 * times, forks=1)


def level(m: Machine) -> Mix:
    """One level of a tree in heap order: load index, feature value and threshold, compare, node = 2 node + 1 + result, loop."""
    address = 2 if m.hardware_loops else 5  # of three loads: indexed ones need none
    loop = Mix() if m.hardware_loops else Mix(taken=1)
    return Mix(load=3, load_use=2, fcmp=1, alu=address + 3) + loop


LEAF = Mix(load=2, load_use=2, store=1, alu=8, taken=1)  # the class of a leaf, its counter, the next tree


def traversals(op: Op, m: Machine, trees: int) -> tuple[Loop, ...]:
    """Trees dealt cyclically, walked root to leaf."""
    dealt = m.share(trees)
    mine = dealt.busiest * op["samples"]
    return (Loop(level(m), mine * op["depth"], balance=dealt.balance), Loop(LEAF, mine, balance=dealt.balance))


@kernel("random_forest", dtypes=FLOATS)
def random_forest(op: Op, m: Machine) -> Work:
    """Every core walks its trees and counts their votes; core 0 adds up the counters of all cores and takes the greatest."""
    only_horizontal(op, m)
    clear = Loop(Mix(store=1, alu=1), op["classes"] * op["samples"])
    votes = Loop(m.cores * Mix(load=1, alu=1) + Mix(alu=4, branch=1, taken=1), op["classes"] * op["samples"], sequential=True)
    return Work((clear, *traversals(op, m, op["trees"]), votes), barriers=2 * op["samples"], forks=1)


@kernel("decision_tree", dtypes=FLOATS)
def decision_tree(op: Op, m: Machine) -> Work:
    """One tree: samples over the cores."""
    only_horizontal(op, m)
    dealt = m.share(op["samples"])
    loops = (Loop(level(m), dealt.busiest * op["depth"], balance=dealt.balance), Loop(LEAF, dealt.busiest, balance=dealt.balance))
    return Work(loops, barriers=1, forks=1)
