"""Random numbers of the packet mesh's traffic: a stream of its own for every node, or the one that BookSim 2 shares among all.

Own streams are SplitMix64 (Steele, Lea & Flood 2014). The shared ones are Knuth's lagged Fibonacci generators ran_array and ranf_array
(TAOCP volume 2, third edition, section 3.6): X_j = X_(j-100) - X_(j-37) mod 2^30 for destinations, U_j = U_(j-100) + U_(j-37) mod 1
for trials; of every 1009 numbers 100 are used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.mesh_jit import inlined
from hwsim.engine.packet_state import G_REAL, G_WHOLE, State

LONG, SHORT, SEPARATION, BATCH = 100, 37, 70, 1009
_WHOLE = 1 << 30
_STEP, _MIX1, _MIX2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


@inlined
def draw(s: State, node: int) -> float:
    """The node's next random number in [0, 1)."""
    z = s.nodes[node].random + _STEP
    s.nodes[node].random = z
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    z = z ^ (z >> _S31)
    return np.int64(z >> _S11) * 2.0**-53


@inlined
def draw_real(s: State) -> float:
    """The shared stream's next number in [0, 1)."""
    at = s.glob[G_REAL]
    if at == LONG:
        at = 0
        for j in range(BATCH):
            z = s.real[j] + s.real[j + LONG - SHORT]
            s.real[j + LONG] = z - 1.0 if z >= 1.0 else z
        for j in range(LONG):  # what was used, then the state after the batch
            s.real_now[j] = s.real[j]
        for j in range(LONG):
            s.real[j] = s.real[j + BATCH]
    s.glob[G_REAL] = at + 1
    return float(s.real_now[at])


@inlined
def draw_whole(s: State) -> int:
    """The shared stream's next integer in 0..2^30 - 1."""
    at = s.glob[G_WHOLE]
    if at == LONG:
        at = 0
        for j in range(BATCH):
            s.whole[j + LONG] = (s.whole[j] - s.whole[j + LONG - SHORT]) & (_WHOLE - 1)
        for j in range(LONG):
            s.whole_now[j] = s.whole[j]
        for j in range(LONG):
            s.whole[j] = s.whole[j + BATCH]
    s.glob[G_WHOLE] = at + 1
    return int(s.whole_now[at])


def _jump(x: list[int], seed: int, sign: int, modulus: int) -> list[int]:
    """The 100 numbers that are 2^70 times the seed ahead, by squaring polynomials as in Knuth's ran_start; ``x`` has 100 + 99 places."""
    bits, left = seed, SEPARATION - 1
    while left:
        for j in range(LONG - 1, 0, -1):
            x[2 * j], x[2 * j - 1] = x[j], 0
        for j in range(2 * LONG - 2, LONG - 1, -1):
            x[j - (LONG - SHORT)] = (x[j - (LONG - SHORT)] + sign * x[j]) % modulus
            x[j - LONG] = (x[j - LONG] + sign * x[j]) % modulus
        if bits & 1:
            x[1 : LONG + 1] = x[:LONG]
            x[0] = x[LONG]
            x[SHORT] = (x[SHORT] + sign * x[LONG]) % modulus
        if bits:
            bits >>= 1
        else:
            left -= 1
    state = [*x[SHORT:LONG], *x[:SHORT]]
    for _ in range(10 * (2 * LONG - 1)):
        state.append((state[-LONG] + sign * state[-SHORT]) % modulus)
        del state[0]
    return state


def shared_streams(seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(1109,) each: the shared streams' first 100 numbers, then room for a batch. ``seed`` is taken modulo 2^30."""
    seed &= _WHOLE - 1
    fraction = 1 << 52  # reals are multiples of 2^-52
    reals, bits = [], 2 * (seed + 2)
    for _ in range(LONG):
        reals.append(bits)
        bits *= 2
        if bits >= fraction:
            bits -= fraction - 2
    reals[1] += 1
    wholes, bits = [], (seed + 2) & (_WHOLE - 2)
    for _ in range(LONG):
        wholes.append(bits)
        bits *= 2
        if bits >= _WHOLE:
            bits -= _WHOLE - 2
    wholes[1] += 1
    room = [0] * (LONG - 1)
    real, whole = np.zeros(LONG + BATCH), np.zeros(LONG + BATCH, dtype=np.int64)
    real[:LONG] = np.array(_jump(reals + room, seed, 1, fraction)) * 2.0**-52
    whole[:LONG] = _jump(wholes + room, seed, -1, _WHOLE)
    return real, whole
