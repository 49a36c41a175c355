"""What DPU cores and softmax cores take of a device, and the array's peak."""

from __future__ import annotations

import math

from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible
from hwsim.targets.fpga.dpu.spec import MOST_CORES
from hwsim.targets.fpga.mapping import Options
from hwsim.targets.fpga.resources import Resources

BYTE_DEPTH = 2048  # of half a BRAM36 as 9 bits wide: banks are built from byte lanes
URAM_BYTES, URAM_DEPTH = 8, 4096
LOW = "low"


def peak_macs(chip: Chip, mode: str) -> float:
    """MACs per cycle of all cores: PP x ICP x OCP each; one row of a matrix x vector product fills 1 of PP rows."""
    rows = chip.number("dpu_pp") if mode == "mm" else 1.0
    return chip.number("cores") * rows * chip.number("dpu_icp") * chip.number("dpu_ocp")


def core_dsp(chip: Chip, usage: str) -> float:
    """DSP slices of a core: ``PP ICP OCP / 4`` (two products, two clock edges), and per lane PP x OCP accumulators and depthwise units.

    `usage` low builds the accumulators from LUTs. PG338: 118, 230, 438, 710 for B512, B1024, B2304, B4096 (high), 562 for B4096 (low).
    """
    lanes = chip.number("dpu_pp") * chip.number("dpu_ocp")
    suffix = LOW if usage == LOW else "high"
    multipliers = math.ceil(lanes * chip.number("dpu_icp") / chip.number("dpu_dsp_macs"))
    return multipliers + math.ceil(lanes * chip.number(f"dpu_dsp_per_lane_{suffix}")) + chip.number(f"dpu_dsp_fixed_{suffix}")


def core_lut(chip: Chip, usage: str) -> float:
    """LUTs of a core: control, per lane PP x OCP, per MAC of a cycle; more per lane where accumulators are LUTs."""
    lanes = chip.number("dpu_pp") * chip.number("dpu_ocp")
    low = lanes * chip.number("dpu_lut_per_lane_low") if usage == LOW else 0.0
    macs = lanes * chip.number("dpu_icp")
    return chip.number("dpu_lut_fixed") + lanes * chip.number("dpu_lut_per_lane") + macs * chip.number("dpu_lut_per_mac") + low


def core_ff(chip: Chip) -> float:
    """Flip-flops of a core: control, per lane PP x OCP, per MAC of a cycle."""
    lanes = chip.number("dpu_pp") * chip.number("dpu_ocp")
    return chip.number("dpu_ff_fixed") + lanes * (chip.number("dpu_ff_per_lane") + chip.number("dpu_icp") * chip.number("dpu_ff_per_mac"))


def core_memory(chip: Chip) -> tuple[float, float]:
    """(BRAM36, URAM) of a core.

    A bank is ICP bytes wide and `dpu_bank_depth` deep: half a BRAM36 per byte lane and 2048 words. There are OCP + 1 banks of weights and
    `dpu_image_banks_per_pixel` x PP of maps. On a device with URAM the weights, one bank of biases and `dpu_uram_image_banks` of maps (each as deep
    as two of BRAM) are URAM (Xilinx/Vitis-AI DPU-TRD: 5 + 17 + 1 for B4096).
    """
    width, depth = chip.number("dpu_icp"), chip.number("dpu_bank_depth")
    bank = width / 2 * math.ceil(depth / BYTE_DEPTH)
    images = chip.number("dpu_image_banks_per_pixel") * chip.number("dpu_pp")
    weights = chip.number("dpu_ocp") + 1
    if not chip.number("uram"):
        return (weights + images) * bank + chip.number("dpu_bram_fixed"), 0.0
    deep = max(1, math.ceil(URAM_DEPTH / depth))
    moved = min(chip.number("dpu_uram_image_banks"), math.ceil(images / deep))
    left = max(0.0, images - moved * deep)
    uram = (moved + weights + 1) * math.ceil(width / URAM_BYTES) * math.ceil(depth / URAM_DEPTH)
    return left * bank + chip.number("dpu_bram_fixed"), uram


def resources(chip: Chip, options: Options) -> Resources:
    """All cores, and softmax cores beside them. Raises `Infeasible` for more cores than one overlay has."""
    cores, softmax = chip.number("cores"), chip.number("softmax_cores")
    if cores > MOST_CORES:
        raise Infeasible("cores of a DPU", demand=cores, bound=float(MOST_CORES), unit="cores", levers=("fewer cores",))
    usage = options.dsp_usage or "high"
    lut, (bram, uram) = core_lut(chip, usage), core_memory(chip)
    core = Resources(lut=round(lut), ff=round(core_ff(chip)), bram=bram, uram=uram, dsp=core_dsp(chip, usage))
    beside = Resources(lut=chip.number("softmax_lut"), ff=chip.number("softmax_ff"), bram=chip.number("softmax_bram"), dsp=chip.number("softmax_dsp"))
    whole = core.times(cores) + beside.times(softmax)
    return Resources(**whole.figures, cores=int(cores))
