"""Activation functions that a ramp can invert: value, inverse, and the open range of outputs on which the inverse exists.

gelu falls before its minimum at x = -0.7518, so its inverse is that of the branch on the right: an input further left than the minimum converts
to the lowest code. Functions that are not monotonic, or are flat over a range, are refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping, nearest
from hwsim.engine.jit import jit

Vector = NDArray[np.float64]
SELU_SCALE, SELU_ALPHA = 1.0507, 1.67326  # Klambauer et al., 2017
GELU_LEAST_AT = -0.7517915246935645  # where x Phi(x) is least
GELU_LEAST = -0.16997120747990369
NOT_INVERTIBLE = {
    "swish": "falls before its minimum; cut it into monotonic pieces",
    "silu": "falls before its minimum; cut it into monotonic pieces",
    "mish": "falls before its minimum; cut it into monotonic pieces",
    "relu": "is flat below 0; take linear with out_min 0, which converts the same codes",
    "hard_sigmoid": "is flat outside its slope; take linear over the slope",
    "hard_tanh": "is flat outside its slope; take linear over the slope",
    "softmax": "is no function of one input",
}


@dataclass(frozen=True)
class Activation:
    """`value` and `inverse` of arrays; outputs lie in the open interval (`low`, `high`)."""

    name: str
    value: Callable[[Vector], Vector]
    inverse: Callable[[Vector], Vector]
    low: float
    high: float


@jit
def gelu(x: Vector) -> Vector:
    """x Phi(x) for each of a vector."""
    found = np.empty_like(x)
    for k in range(len(x)):
        found[k] = 0.5 * x[k] * math.erfc(-x[k] / math.sqrt(2.0))
    return found


@jit
def gelu_inverse(y: Vector) -> Vector:
    """The x >= -0.7518 with x Phi(x) = y, by bisection to the last bit; y above the minimum."""
    found = np.empty_like(y)
    for k in range(len(y)):
        low, high = GELU_LEAST_AT, max(y[k], 0.0) + 1.0
        while True:
            x = 0.5 * (low + high)
            if x in (low, high):
                break
            if 0.5 * x * math.erfc(-x / math.sqrt(2.0)) < y[k]:
                low = x
            else:
                high = x
        found[k] = x
    return found


def _elu(scale: float, alpha: float) -> tuple[Callable[[Vector], Vector], Callable[[Vector], Vector]]:
    """Value and inverse of scale * (x if x > 0 else alpha (e^x - 1))."""
    slope = scale * alpha
    return (
        lambda x: np.where(x > 0, scale * x, slope * np.expm1(np.minimum(x, 0.0))),
        lambda y: np.where(y > 0, y / scale, np.log1p(np.minimum(y, 0.0) / slope)),
    )


ACTIVATIONS = {
    a.name: a
    for a in (
        Activation("linear", lambda x: x, lambda y: y, -math.inf, math.inf),
        Activation("sigmoid", lambda x: 1 / (1 + np.exp(-x)), lambda y: np.log(y) - np.log1p(-y), 0.0, 1.0),
        Activation("tanh", np.tanh, np.arctanh, -1.0, 1.0),
        Activation("softplus", lambda x: np.logaddexp(0.0, x), lambda y: y + np.log(-np.expm1(-y)), 0.0, math.inf),
        Activation("softsign", lambda x: x / (1 + np.abs(x)), lambda y: y / (1 - np.abs(y)), -1.0, 1.0),
        Activation("elu", *_elu(1.0, 1.0), -1.0, math.inf),
        Activation("selu", *_elu(SELU_SCALE, SELU_ALPHA), -SELU_SCALE * SELU_ALPHA, math.inf),
        Activation("gelu", gelu, gelu_inverse, GELU_LEAST, math.inf),
    )
}


def activation(name: str) -> Activation:
    """The activation of this name. Raises InvalidMapping for one that is unknown or has no inverse."""
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    if name in NOT_INVERTIBLE:
        raise InvalidMapping(f"a ramp cannot convert through {name}: it {NOT_INVERTIBLE[name]}")
    raise InvalidMapping(f"no activation '{name}'{nearest(name, ACTIVATIONS)}; there are {', '.join(ACTIVATIONS)}")
