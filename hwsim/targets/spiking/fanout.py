"""Fan-out of an event: how many weights it meets, and how long the lanes of a core take for them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.op import Op
from hwsim.core.operators import conv_output


@dataclass(frozen=True)
class FanOut:
    """An event reaches `reached` of the `used` cores; in each, the lanes take `words` cycles (mean), over all of them it meets `targets` weights."""

    used: int
    reached: int
    words: float
    targets: float


def fan_out(op: Op, cores: int, lanes: int) -> FanOut:
    """Fan-out of the mean event at an operator's input when output channels are dealt over `cores`, pruned weights left out.

    A grouped operator's event meets the channels of its group only. At the border of a feature map a spike lies in fewer windows. With all weights
    present the last word of lanes may be part empty (``ceil``); pruned weights are packed, which the event fidelity refines.
    """
    channels, groups = _outputs(op)
    used = min(cores, channels)
    reached = min(used, channels // groups)
    share = -(-(channels // groups) // reached)
    windows, weights = _windows(op)
    if op.weight_density < 1:
        words = float(share * op.weight_density / lanes * (windows * weights).sum())
    else:
        words = float((np.ceil(windows * share / lanes) * weights).sum())
    return FanOut(used, reached, words, float((windows * weights).sum()) * (channels // groups) * op.weight_density)


def _outputs(op: Op) -> tuple[int, int]:
    """(output channels, groups)."""
    if op.kind == "conv2d":
        return op["k"], op["groups"]
    if op.kind == "matmul":
        return op["n"], 1
    return op["heads"] * op["head_dim"], op["heads"]


def _windows(op: Op) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(numbers of windows that positions lie in, share of the positions of each number)."""
    if op.kind != "conv2d":
        return np.ones(1), np.ones(1)
    rows, columns = _along(op["h"], op["r"], op), _along(op["w"], op["s"], op)
    both = np.multiply.outer(rows, columns).ravel()
    numbers, times = np.unique(both, return_counts=True)
    return numbers, times / len(both)


def _along(size: int, kernel: int, op: Op) -> NDArray[np.float64]:
    """In how many windows each position along one axis lies. O(size x kernel)."""
    outputs = conv_output(size, kernel, op.bounds)
    stride, dilation = op["stride"], op["dilation"]
    span = dilation * (kernel - 1) + 1
    pad = op["pad"] if not op["same"] else max(0, (outputs - 1) * stride + span - size) // 2
    if op["flat"] and size == kernel == 1:
        pad = 0
    inside = np.zeros(size)
    for tap in range(kernel):
        at = np.arange(outputs) * stride + tap * dilation - pad
        np.add.at(inside, at[(at >= 0) & (at < size)], 1)
    return inside


def mesh_hops(cores: int) -> int:
    """Hops from one corner of a near-square mesh to the other."""
    side = math.ceil(math.sqrt(cores))
    return side - 1 + -(-cores // side) - 1
