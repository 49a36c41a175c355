"""Distributed matrix products on the mesh, in closed form: MeshGEMM and its rivals, MeshGEMV's local part, the cache shift.

Tiles per core: `mt` x `kt` of X, `kt` x `nt` of W. A step multiplies one pair of tiles. Tiles travel in whole wavelets of four bytes.
Sources: He et al., WaferLLM, OSDI 2025 and its released kernels (what the programs do); device runs on the WSE-3 (what it costs).
"""

from __future__ import annotations

import math

from hwsim.engine.jit import part


@part
def wavelets(elements: float, element_bytes: float) -> float:
    """Whole 32-bit wavelets of `elements`."""
    return math.ceil(elements * element_bytes / 4)


@part
def virtual_side(w: float, h: float) -> float:
    """Steps of a product on a w x h grid: the least common multiple of its sides (the side itself on a square grid)."""
    return w * h / math.gcd(int(w), int(h))


@part
def multiply_cycles(mt: float, kt: float, nt: float, per_k: float, per_call: float, per_mac: float) -> float:
    """One pair of tiles: per k, set the structure registers; per (k, n), one vector FMAC call; per MAC, its share of the datapath."""
    return kt * per_k + kt * nt * per_call + mt * kt * nt * per_mac


@part
def gemv_local_cycles(kt: float, nt: float, per_call: float, per_mac: float) -> float:
    """A vector times a tile: kt vector FMAC calls of length nt."""
    return kt * per_call + kt * nt * per_mac


@part
def alignment_cycles(p: float, x_wavelets: float, per_round: float) -> float:
    """Skew X on the device: p/2 rounds of the two-hop shift, each a send and then a receive of the tile, and one more round to start and drain."""
    return (p // 2 + 1) * (per_round + 2 * x_wavelets)


@part
def farthest_sum(p: float) -> float:
    """Sum over i of max(i, p - 1 - i): the hops that SUMMA's broadcasts travel in one product, about 3 p^2 / 4."""
    half = p // 2
    return p * (p - 1) - (half * (half - 1) / 2 + (p - half) * (p - half - 1) / 2 if p > 1 else 0.0)


@part
def summa_transfer(p: float, x_wavelets: float, w_wavelets: float, hop: float, turn: float, library: float) -> float:
    """Per step: the library's call, the farthest core's distance, the longer of both streams, the ramps; nothing overlaps."""
    return p * (library + max(x_wavelets, w_wavelets) + turn - 1) + hop * farthest_sum(p)


@part
def cannon_transfer(p: float, x_wavelets: float, w_wavelets: float, hop: float, turn: float) -> float:
    """Per step: neighbour shifts whose head-to-tail wrap crosses the whole line, w + hop (p - 1) + 2 T_R."""
    return p * (max(x_wavelets, w_wavelets) + hop * (p - 1) + turn - 1)


@part
def allgather_transfer(p: float, x_wavelets: float, w_wavelets: float, hop: float, relay: float) -> float:
    """Collect a whole row of X and column of W: p - 1 tiles per axis relayed in software, both streams through one ramp."""
    return (p - 1) * (hop + relay) + (p - 1) * max(x_wavelets, w_wavelets)


@part
def shift_cycles(p: float, rounds: float, tile_wavelets: float, fixed: float, per_round: float, beyond: float) -> float:
    """Store-and-forward rounds: a blocking send, then a blocking receive, two cycles a wavelet.

    Rounds after the first p find the block out of its own columns: a core then sends or receives, not both, and saves `beyond` cycles.
    """
    return fixed + rounds * (per_round + 2 * tile_wavelets) - max(0.0, rounds - p) * beyond


@part
def transpose_cycles(p: float, wavelets_per_pair: float, hop: float) -> float:
    """All-to-all along a line of p cores: the middle link carries (p/2)^2 messages each way, behind the farthest distance."""
    return (p / 2) ** 2 * wavelets_per_pair + hop * (p - 1)


@part
def fft_cycles(points: float, per_flop: float, per_call: float) -> float:
    """One 1-D transform of `points` in one core, radix two: points/2 log2 points butterflies, each ten fp32 operations and one call."""
    stages = math.log2(points)
    return points / 2 * stages * 10 * per_flop + stages * points / 2 * per_call
