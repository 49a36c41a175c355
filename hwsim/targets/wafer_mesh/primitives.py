"""Single mechanisms of the wafer, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hwsim.core.arguments import flag, number, word
from hwsim.core.chip import Chip
from hwsim.core.target import Primitive
from hwsim.targets.wafer_mesh.gemm import alignment_cycles, wavelets

Mapped = Mapping[str, Any]
Metrics = Mapping[str, float]
PORTS, DIRECTIONS = 4, 2
RAMPS = {"meshgemv": "gemv_ramp_cycles", "collective": "ramp_cycles"}


def _clock(chip: Chip, mapping: Mapped) -> float:
    return float(mapping.get("clock_hz") or chip.number("clock_hz"))


def _timed(chip: Chip, mapping: Mapped, cycles: float) -> Metrics:
    return {"cycles": cycles, "latency_s": cycles / _clock(chip, mapping)}


def _sizes(args: Mapped, *names: str) -> list[float]:
    """Numbers of at least 1."""
    return [number(args, name, least=1) for name in names]


def meshgemm_loop(chip: Chip, args: Mapped, mapping: Mapped) -> Metrics:
    """MeshGEMM with the local product repeated 0, 1 or 2 times and the moves on or off, as the SDK simulator runs it.

    T = P (idle step + X's half alignment round + moves + repeats x product - hidden): moves and product add up, only `loop_hidden_cycles` overlap.
    """
    p, mt, kt, nt = _sizes(args, "p", "mt", "kt", "nt")
    repeats, moves = number(args, "compute_repeats"), flag(args, "communication")
    wx, ww = wavelets(mt * kt, 2.0), wavelets(kt * nt, 2.0)
    slots = math.ceil(mt / chip.number("fp16_mac_per_cycle"))
    product = kt * nt * (chip.number("loop_call_cycles") + (slots - 1) * chip.number("loop_slot_cycles"))
    step = chip.number("loop_idle_step_cycles") + wx + repeats * product
    if moves:
        step += chip.number("loop_transfer_cycles") + max(wx, ww) - (chip.number("loop_hidden_cycles") if repeats else 0.0)
    return _timed(chip, mapping, p * step)


def hop_latency(chip: Chip, args: Mapped, mapping: Mapped) -> Metrics:
    """Cycles that router hops add on a preset route: alpha x hops."""
    return _timed(chip, mapping, chip.number("hop_cycles") * number(args, "hops", least=1))


def multicast_arrival(chip: Chip, args: Mapped, mapping: Mapped) -> Metrics:
    """From the injecting task to the receiving task of the core `hops` away on a multicast row: task to task at one hop, then alpha per hop."""
    return _timed(chip, mapping, chip.number("multicast_task_cycles") + chip.number("hop_cycles") * (number(args, "hops", least=1) - 1))


def chain_stage(chip: Chip, args: Mapped, mapping: Mapped) -> Metrics:
    """Receive, add, send, one hop: alpha + 2 T_R + 1, with the ramp latency of the matrix-vector program or of the bare collective."""
    ramp = chip.number(RAMPS[word(args, "program", RAMPS)])
    return _timed(chip, mapping, chip.number("hop_cycles") + 2 * ramp + 1)


def ramp_latency(chip: Chip, args: Mapped, mapping: Mapped) -> Metrics:
    """Cycles between a core and its router."""
    return _timed(chip, mapping, chip.number("ramp_cycles"))


def software_relay(chip: Chip, args: Mapped, mapping: Mapped) -> Metrics:
    """`words` wavelets through `hops` cores that each receive and re-send them in a data task; the words pipeline through the cores."""
    hops, words = _sizes(args, "hops", "words")
    return _timed(chip, mapping, (hops + words - 1) * chip.number("software_relay_cycles") + chip.number("hop_cycles") * hops)


def fmac_call(chip: Chip, args: Mapped, mapping: Mapped) -> Metrics:
    """One vector FMAC of `length` fp16 elements."""
    return _timed(chip, mapping, chip.number("fmac_call_cycles") + number(args, "length", least=1) * chip.number("fmac_cycles_per_mac"))


def alignment_round(chip: Chip, args: Mapped, mapping: Mapped) -> Metrics:
    """One round of MeshGEMM's alignment, and all rounds of a grid of `p` cores a side, for an X tile of `mt` x `kt`."""
    p, mt, kt = _sizes(args, "p", "mt", "kt")
    words = wavelets(mt * kt, 2.0)
    one = chip.number("shift_round_cycles") + 2 * words
    return {**_timed(chip, mapping, one), "all_rounds_cycles": float(alignment_cycles(p, words, chip.number("shift_round_cycles")))}


def sram_total(chip: Chip, args: Mapped, mapping: Mapped) -> Metrics:
    """All marketed cores' SRAM: capacity, and bandwidth of all ports at the clock."""
    cores = chip.number("cores_marketed")
    return {
        "bytes": cores * chip.number("sram_bytes_per_core"),
        "bandwidth_bytes_per_s": cores * chip.number("sram_bytes_per_cycle") * _clock(chip, mapping),
    }


def fabric_total(chip: Chip, args: Mapped, mapping: Mapped) -> Metrics:
    """All links, both directions: cores x 4 ports x 2 directions x link width x clock."""
    bits = chip.number("cores_marketed") * PORTS * DIRECTIONS * chip.number("link_bits_per_cycle") * _clock(chip, mapping)
    return {"bandwidth_bytes_per_s": bits / 8}


def offwafer_io(chip: Chip, args: Mapped, mapping: Mapped) -> Metrics:
    """Ethernet to the outside."""
    return {"bandwidth_bytes_per_s": chip.number("offwafer_bits_per_s") / 8}


def die(chip: Chip, args: Mapped, mapping: Mapped) -> Metrics:
    """The whole wafer: area, marketed cores, nameplate power, dense fp16 peak (two operations per MAC)."""
    cores = chip.number("cores_marketed")
    return {
        "area_mm2": chip.number("die_area_mm2"), "count": cores, "power_w": chip.number("chip_power_w"),
        "tops": 2 * cores * chip.number("fp16_mac_per_cycle") * _clock(chip, mapping) / 1e12,
    }  # fmt: skip


def core(chip: Chip, args: Mapped, mapping: Mapped) -> Metrics:
    """One core: area, peak power, dense fp16 peak."""
    return {
        "area_mm2": chip.number("core_area_mm2"), "power_w": chip.number("core_peak_power_w"),
        "tops": 2 * chip.number("fp16_mac_per_cycle") * _clock(chip, mapping) / 1e12,
    }  # fmt: skip


def core_at_peak(chip: Chip, args: Mapped, mapping: Mapped) -> Metrics:
    """Power of one core that issues full-width fp16 MACs every cycle, by the activity energies: held against the published peak."""
    macs = chip.number("fp16_mac_per_cycle")
    per_cycle = macs * (chip.number("mac_fp16_j") + 6 * chip.number("sram_j_per_byte")) + chip.number("core_active_j_per_cycle")
    return {"power_w": per_cycle * _clock(chip, mapping) + chip.number("core_idle_w")}


LOOP_ARGS = {"p": None, "mt": None, "kt": None, "nt": None, "dtype": "fp16", "compute_repeats": 1, "communication": True}
PRIMITIVES = {
    made.name: made
    for made in (
        Primitive("meshgemm_loop", "a whole MeshGEMM with the product repeated and the moves on or off", meshgemm_loop, LOOP_ARGS),
        Primitive("hop_latency", "router hops on a preset route", hop_latency, {"hops": 1}),
        Primitive("multicast_arrival", "one wavelet from task to task along a multicast row", multicast_arrival, {"hops": 1}),
        Primitive("chain_stage", "receive, add, send, one hop", chain_stage, {"program": "collective"}),
        Primitive("ramp_latency", "core to router", ramp_latency),
        Primitive("software_relay", "words relayed by data tasks", software_relay, {"hops": 1, "words": 1}),
        Primitive("fmac_call", "one vector FMAC", fmac_call, {"length": 1}),
        Primitive("alignment_round", "a round of MeshGEMM's alignment", alignment_round, {"p": None, "mt": 1, "kt": 1}),
        Primitive("sram_total", "capacity and bandwidth of all core memories", sram_total),
        Primitive("fabric_total", "bandwidth of all links", fabric_total),
        Primitive("offwafer_io", "bandwidth off the wafer", offwafer_io),
        Primitive("die", "area, cores, nameplate power and peak of the wafer", die),
        Primitive("core", "area, peak power and peak rate of a core", core),
        Primitive("core_at_peak", "power of a busy core by the activity energies", core_at_peak),
    )
}
