"""Cycles of one layer on a DPU core: convolution array, miscellaneous engine, data ports, and what the processor does around it."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.fpga.dpu.parts import DENSE, DEPTHWISE, PRODUCT, WINDOW


@part
def tile_rows(op: Any, p: Any) -> float:
    """Steps of the array over a map: `dpu_pp` rows of it advance together along its width, ``images x ceil(h / PP) x w``."""
    return float(op.images * math.ceil(op.map_h / p.dpu_pp) * op.map_w)


@part
def pass_rows(op: Any, p: Any) -> float:
    """Steps of the miscellaneous engine over a map: `dpu_misc_pp` rows of it advance together along its width."""
    return float(op.images * math.ceil(op.map_h / p.dpu_misc_pp) * op.map_w)


@part
def convolution_cycles(op: Any, p: Any) -> float:
    """Cycles of the array: ``ceil(rows / PP) w x ceil(c / ICP) x ceil(k / OCP) x r s``, for each group.

    A first layer of few channels folds taps of a row into the free input lanes (channel augmentation): 3 channels x 5 columns in 16 lanes.
    """
    inputs, outputs = op.c / op.groups, op.k / op.groups
    taps = op.r * op.s
    if p.dpu_channel_augmentation > 0 and inputs < p.dpu_icp:
        folded = max(1.0, min(op.s, math.floor(p.dpu_icp / inputs)))
        taps = op.r * math.ceil(op.s / folded)
    return float(tile_rows(op, p) * op.groups * math.ceil(inputs / p.dpu_icp) * math.ceil(outputs / p.dpu_ocp) * taps)


@part
def product_cycles(op: Any, p: Any) -> float:
    """A matrix product as a 1 x 1 convolution over its rows."""
    return float(op.batch * math.ceil(op.m / p.dpu_pp) * math.ceil(op.k / p.dpu_icp) * math.ceil(op.n / p.dpu_ocp))


@part
def miscellaneous_cycles(op: Any, p: Any) -> float:
    """Depthwise convolutions, pools and elementwise passes: `dpu_misc_pp` rows x ICP lanes; a depthwise multiplier above 1 takes that many passes."""
    lanes = math.ceil(op.c / p.dpu_icp)
    if op.dpu_part == DEPTHWISE:
        return float(pass_rows(op, p) * lanes * op.r * op.s * (op.k / op.groups))
    if op.dpu_part == WINDOW:
        whole = op.images * math.ceil(op.h / p.dpu_misc_pp) * op.w  # one window over the whole map: every lane sums its rows
        return float(lanes * (whole if op.map_h * op.map_w == 1 else pass_rows(op, p) * op.r * op.s))
    return float(pass_rows(op, p) * lanes * op.operands)


@part
def array_cycles(op: Any, p: Any) -> float:
    """Cycles of the convolution array for one layer."""
    if op.dpu_part == DENSE:
        return float(convolution_cycles(op, p))
    if op.dpu_part == PRODUCT:
        return float(product_cycles(op, p))
    return 0.0


@part
def ddr_bytes_per_cycle(p: Any) -> float:
    """What DDR delivers to all cores together: ``efficiency x peak``, at the design's clock."""
    return float(p.ddr_efficiency * p.dpu_ddr_channels * p.ddr_channel_bytes_per_s / p.design_clock_hz)


@part
def port_bytes_per_cycle(load: float, p: Any) -> float:
    """Bytes per cycle of a core's data ports: requests in flight over a latency that grows as ``1 / (1 - load)`` with what other cores draw."""
    alone = p.dpu_ports * p.dpu_port_bits / 8 * p.dpu_port_efficiency
    return float(min(alone * (1 - load), ddr_bytes_per_cycle(p)))


@part
def transfer_cycles(op: Any, load: float, p: Any) -> float:
    """Cycles of the data ports for one layer's weights and maps that are not on chip; reads and writes share them."""
    return float((op.ddr_read + op.ddr_write) / port_bytes_per_cycle(load, p))


@part
def exposed_cycles(op: Any, load: float, p: Any) -> float:
    """Instruction fetch, first tile in and last tile out of every layer, which nothing hides; waits on memory like the ports."""
    return float(op.passes * p.dpu_layer_cycles / (1 - load))


@part
def layer_cycles(op: Any, load: float, p: Any) -> float:
    """Cycles of a layer on its core: the engines run at once, the longest counts."""
    engines = max(array_cycles(op, p), miscellaneous_cycles(op, p) if op.dpu_part >= DEPTHWISE else 0.0)
    return float(max(engines, transfer_cycles(op, load, p)) + exposed_cycles(op, load, p))


@part
def host_seconds(op: Any, p: Any) -> float:
    """Seconds of the processor: preparing pixels, softmax scores (unless a softmax core does them), boxes, and operators that a DPU lacks."""
    scores = 0.0 if p.softmax_cores > 0 else op.host_scores * p.host_score_s
    boxes = op.host_scans * p.host_scan_s + op.host_box_scores * p.host_box_score_s
    return float(op.host_frames * p.host_frame_s + op.host_pixels * p.host_pixel_s + scores + boxes + op.host_elements * p.host_element_s)


@part
def price_dpu(op: Any, p: Any, out: Any) -> None:
    """One layer on one core; one `beside` it, on another core, moves its bytes and takes no time of its own."""
    load = p.dpu_ddr_load
    out.ddr_bytes = op.ddr_read + op.ddr_write + op.switch_read
    if op.beside > 0:
        return
    if op.dpu_part > 0:
        out.compute = array_cycles(op, p)
        out.special = miscellaneous_cycles(op, p) if op.dpu_part >= DEPTHWISE else 0.0
        out.load = transfer_cycles(op, load, p)
        out.exposed = exposed_cycles(op, load, p)
        out.roofline = op.macs / (p.dpu_pp * p.dpu_icp * p.dpu_ocp)
    if p.softmax_cores > 0:
        out.special += op.host_scores / p.softmax_scores_per_cycle
    switching = op.switch_read / port_bytes_per_cycle(load, p) + op.switch_bitstreams * p.bitstream_load_s * p.clock_hz
    out.sync = host_seconds(op, p) * p.clock_hz + switching
