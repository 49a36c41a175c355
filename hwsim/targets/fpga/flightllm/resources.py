"""What FlightLLM takes of a device, by the paper's equations (arXiv 2401.03868): DSP = (pM pK pN MPU) MPE, URAM = the activation buffer,
BRAM = weight + global + index buffers.
"""

from __future__ import annotations

import math

from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible
from hwsim.targets.fpga.mapping import Options
from hwsim.targets.fpga.resources import Resources, bram_of, uram_of

PORT_BITS = 512.0


def core_macs(chip: Chip, mode: str) -> float:
    """MACs per cycle of one core, matrix x matrix (mm) or matrix x vector (mv)."""
    return math.prod(chip.number(f"{mode}_{side}") for side in (("n", "k", "m") if mode == "mm" else ("n", "k")))


def peak_macs(chip: Chip, mode: str) -> float:
    """MACs per cycle of all cores."""
    return chip.number("cores") * core_macs(chip, mode)


def core_resources(chip: Chip) -> Resources:
    """One core: matrix engine, special function unit, buffers, ports with their FIFOs, scheduler."""
    array = math.ceil(core_macs(chip, "mm") / chip.number("dsp_int8_macs"))
    lanes, ports, depth = chip.number("sfu_elements_per_cycle"), chip.number("ports_per_core"), chip.number("buffer_depth")
    banks, bank_bits = chip.number("a_channels") * chip.number("a_banks"), 8 * chip.number("a_bank_bytes")
    bram = (
        bram_of(8 * chip.number("b_buffer_bytes_wide"), depth) + bram_of(bank_bits, chip.number("global_depth"), banks)
        + bram_of(8 * chip.number("meta_bytes_wide"), depth) + bram_of(8, depth) + bram_of(8 * chip.number("bias_bytes_wide"), depth)
        + (bram_of(PORT_BITS, chip.number("port_fifo_depth"), ports) if chip.number("port_fifo_depth") else 0.0)
    )  # fmt: skip
    activations = uram_of(bank_bits, depth, banks)
    if chip.number("uram") == 0:
        bram, activations = bram + bram_of(bank_bits, depth, banks), 0.0
    lut = array * chip.number("mpe_lut_per_dsp") + lanes * chip.number("sfu_lut_per_lane") + ports * chip.number("port_lut")
    return Resources(lut=lut + chip.number("scheduler_lut"), ff=array * chip.number("mpe_ff_per_dsp"), bram=bram, uram=activations,
                     dsp=array + lanes * chip.number("sfu_dsp_per_lane"))  # fmt: skip


def resources(chip: Chip, options: Options) -> Resources:
    """All cores, one per die. Raises `Infeasible` when the cores' activation channels outnumber the HBM pseudo-channels."""
    cores = chip.number("cores")
    wanted, have = cores * chip.number("a_channels"), chip.number("hbm_channels")
    if wanted > have:
        raise Infeasible(f"HBM channels of design '{chip.text('design')}' on {chip.name}", demand=wanted, bound=have, unit="pseudo-channels",
                         levers=("fewer cores", "a device with HBM"))  # fmt: skip
    whole = core_resources(chip).times(cores)
    return Resources(lut=whole.lut, ff=whole.ff, bram=whole.bram, uram=whole.uram, dsp=whole.dsp, cores=int(cores))
