"""Repeated wires, and the H-tree that joins the mats of an SRAM array.

Forms of CACTI 7 (HewlettPackard/cacti @1ffd8df, BSD-style licence). Repeaters are chosen for the least energy and leakage at a delay that exceeds
the fastest one's by `slack`. Lengths in um.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from hwsim.tech.sram_gates import horowitz
from hwsim.tech.sram_process import EPSILON_0, Process

SPACING_STEP_UM = 100.0
MOST_SPACINGS = 4.0
SHORT_CIRCUIT_LOG3 = 1.0986


class Repeated(NamedTuple):
    """A repeated wire, per um: delay, joules of one rise, leakage; spacing and size of its repeaters, area of one, capacitance per um."""

    delay: float
    energy: float
    leak: float
    spacing: float
    size: float
    repeater_area: float
    c: float


@lru_cache(maxsize=256)
def repeated(p: Process) -> Repeated:
    """Choose the repeaters of semi-global wires, drawn at half the layer's width and spacing."""
    layer = p.semiglobal
    width = layer.pitch / 4
    r = p.repeater_rho / (layer.aspect * width * width)
    c = EPSILON_0 * layer.miller * (layer.sideways * layer.aspect + layer.upward * width / layer.dielectric) + layer.fringe
    n, q = p.w_min, p.p_over_n * p.w_min
    gate, drain = p.gate_c * (n + q), p.inverter_drain(n, q)
    drive = (p.r_on(n) + p.r_on(q, p=True)) / 2
    best = math.sqrt(drive * c / (r * gate))
    shortest = math.sqrt(2 * drive * (drain + gate) / (r * c))

    def wire(spacing: float, size: float) -> tuple[float, float, float]:
        tau = drive * (gate + drain) + drive * c * spacing / size + r * spacing * drain * size + 0.5 * r * c * spacing**2
        switching = (size * (gate + drain) + spacing * c) * p.vdd**2
        short = p.vdd * n * p.short_circuit * SHORT_CIRCUIT_LOG3 * size * tau
        return 0.693 * tau / spacing, (switching + short) / spacing, p.vdd * p.inverter_leak(n * size, q * size) / spacing

    fastest = wire(shortest, best)
    chosen, least = (shortest, best), math.inf
    for i in range(math.ceil((MOST_SPACINGS - 1) * shortest / SPACING_STEP_UM)):
        for down in range(math.ceil(best) - 1):
            spacing, size = shortest + SPACING_STEP_UM * i, best - down
            delay, energy, leak = wire(spacing, size)
            cost = energy / fastest[1] + leak / fastest[2]
            if delay <= fastest[0] * (1 + p.slack) and cost < least:
                chosen, least = (spacing, size), cost
    delay, energy, leak = wire(*chosen)
    return Repeated(delay, energy, leak, *chosen, p.gate_area(n * chosen[1], q * chosen[1], p.h_gate), c)


@dataclass(frozen=True)
class Tree:
    """An H-tree: one way's delay, joules a bit that travels through it."""

    delay: float
    energy_j: float


def extent(p: Process, mat_w: float, mat_h: float, across: int, down: int, address: int, data: int) -> tuple[float, float]:
    """(width, height) of `across` x `down` mats with the tree's tracks between them."""
    h, v = across.bit_length() - 1, down.bit_length() - 1
    pitch = p.semiglobal.pitch
    if h == v:
        tall, wide, along_v, along_h = down - 1, across - 1, float(h), float(v)
    elif h > v:
        tall, wide, along_v, along_h = down - 1 + h - v, across - 1, 2 * (1 - 0.5 ** (h - v)) + 2 ** (h - v) * v, float(v)
    else:
        tall = wide = across - 1 + v - h
        along_v, along_h = float(h), h + 2 * (1 - 0.5 ** (v - h))
    return mat_w * across + (address * wide + data * along_h) * pitch, mat_h * down + (address * tall + data * along_v) * pitch


def tree(p: Process, width: float, height: float, across: int, down: int, inwards: bool) -> Tree:
    """Walk an H-tree from its root to a mat: a wire and a gate at each branch, a NAND inwards, a tristate buffer outwards."""
    h, v = across.bit_length() - 1, down.bit_length() - 1
    wire = repeated(p)
    gate = _nand if inwards else _tristate
    long, tall = width / 2, height / 4
    long_now, tall_now = width / 2, height / 2
    delay = energy = 0.0

    def size_of(length: float, scale: float) -> float:
        return wire.size if length > wire.spacing else scale / wire.spacing * wire.size

    while h > 0 or v > 0:
        both = v > 0 and h > 0 and h <= v
        if h > v:
            first, long_now, long, h = long, long, long / 2, h - 1
            second = 0.0
        elif both:
            first, second, long_now, tall_now = long, tall, long, tall
            long, tall, h, v = long / 2, tall / 2, h - 1, v - 1
        else:
            first, second, tall_now, tall, v = tall, 0.0, tall, tall / 2, v - 1
        effective = min(long_now, wire.spacing)
        s1, s2 = size_of(long_now, long_now), size_of(tall_now, long_now)
        step, joules = gate(p, s1, s2, effective)
        delay, energy = delay + wire.delay * first + step, energy + wire.energy * first + joules
        if both:
            s3 = size_of(tall_now, long_now)
            step, joules = gate(p, s2, s3, wire.spacing if tall_now > wire.spacing else tall_now)
            delay, energy = delay + wire.delay * second + step, energy + wire.energy * second + joules
    return Tree(delay, energy)


def _rise(p: Process, length: float) -> float:
    wire = repeated(p)
    return wire.delay * length * wire.spacing * 1e-6 / p.vth  # as CACTI has it: a length in metres over volts


@lru_cache(maxsize=65536)
def _nand(p: Process, s1: float, s2: float, length: float) -> tuple[float, float]:
    n_min, p_min, ratio = p.w_min, p.p_over_n * p.w_min, p.p_over_n
    size = max(s1 * (1 + ratio) / (2 + ratio), 1.0)
    load = 2 * p.gate_c * s2 * (n_min + p_min)
    tau = 2 * p.r_on(size * n_min) * (2 * p.drain(size * n_min, height=p.h_gate) + load)
    c = 2 * p.drain(ratio * size * p_min, p=True, height=p.h_gate) + p.drain(size * n_min, height=p.h_gate) + load
    return horowitz(_rise(p, length), tau, p.vth / p.vdd), 0.5 * c * p.vdd**2


@lru_cache(maxsize=65536)
def _tristate(p: Process, s1: float, s2: float, length: float) -> tuple[float, float]:
    n, q, ratio = p.w_min, p.p_over_n * p.w_min, p.p_over_n
    size = s1 * (1 + ratio) / (2 + ratio + 1 + 2 * ratio)
    load2 = p.gate_c * s2 * (n + q)
    effort = (load2 + repeated(p).c * length) / load2
    pass_size = p.gate_c * s1 * (n + q) / 2 / (effort * p.gate_c * q)
    size = max(size, 1.0)
    d_n, d_p = p.drain(size * n, height=p.h_gate), p.drain(size * q, p=True, height=p.h_gate)
    pass_drain = p.inverter_drain(pass_size * n, pass_size * q)
    out = 2 * pass_drain + p.gate_c * s1 * (n + q)
    r_nor, r_pass = 2 * p.r_on(size * q, p=True), p.r_on(pass_size * n)
    tau = r_nor * (d_n + 2 * d_p + p.gate_c * pass_size * q) + (r_nor + r_pass) * out
    c = 2 * d_p + d_n + p.gate_c * pass_size * q  # NAND
    c += d_p + d_n + p.gate_c * size * (n + q)  # inverter
    c += d_p + 2 * d_n + p.gate_c * pass_size * (n + q)  # NOR
    return horowitz(_rise(p, length), tau, p.vth / p.vdd), 0.5 * (c + out) * p.vdd**2
