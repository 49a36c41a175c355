"""Which choices a cluster mapping has, and what each means when it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping, nearest
from hwsim.readers.options import check_options
from hwsim.tech.arithmetic import Multiplier

NETWORK_FLOWS = ("autotiler-2019", "autotiler-nntool", "dory")
CORTEX_FLOWS = ("x-cube-ai", "microtvm-cmsis-nn", "microtvm-native", "plumerai")
FLOWS = (*NETWORK_FLOWS, "pulp-dsp", *CORTEX_FLOWS)
RISCV = ("rv32im", "rv32imc", "xpulp", "xpulp_unroll2")


class Options(BaseModel):
    """Mapping options; None leaves the choice to the target.

    `cores`: cores of the team (all). `fp`: F instructions (``native``: the default where there is an FPU) or an emulation library (else ``rvfplib``).
    `split`: what is dealt to the cores. `isa`: instructions that the compiler may use. `simd`: packed bytes. `runtime`: how the team is started
    (``spmd``: it runs already). `flow`: the software stack behind a network or library. `data`: where the operands are. `bn_bits`: constants of
    DORY's normalisation. `l1_bytes`, `l2_bytes`: buffers given to a flow. `part`: device behind a Cortex-M. `mode`: scheme of Cough-E.
    `multiplier`: ``standard`` only; no energy of arithmetic is known apart from that of a core's cycle.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cores: int | None = Field(default=None, ge=1)
    fp: Literal["native", "libgcc", "rvfplib", "rvfplib_size"] | None = None
    split: Literal["horizontal", "vertical"] | None = None
    isa: Literal["rv32im", "rv32imc", "xpulp", "xpulp_unroll2"] | None = None
    simd: bool | None = None
    runtime: Literal["spmd", "pulp_runtime", "gap_sdk"] | None = None
    flow: Literal[
        "autotiler-2019", "autotiler-nntool", "dory", "pulp-dsp", "x-cube-ai", "microtvm-cmsis-nn", "microtvm-native", "plumerai"
    ] | None = None  # fmt: skip
    data: Literal["l1", "l2"] | None = None
    bn_bits: Literal[32, 64] | None = None
    l1_bytes: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    l2_bytes: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    frequency_hz: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    fc_frequency_hz: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    voltage_v: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    part: str | None = None
    energy_mode: Literal["platform_constant", "physical"] | None = None
    mode: Literal["mixed", "audio_only", "imu_only"] | None = None
    multiplier: Multiplier | None = None


def parse_options(mapping: Mapping[str, Any]) -> Options:
    """Check mapping options. Raises `InvalidMapping` for an unknown one, a bad value, and for options that mean nothing together."""
    options = check_options(Options, mapping, "cluster")
    if options.flow in CORTEX_FLOWS and options.isa is not None:
        raise InvalidMapping(f"flow={options.flow} runs on Cortex-M; isa={options.isa} is an instruction set of RISC-V")
    if options.multiplier == "lmul":
        raise InvalidMapping(
            "multiplier=lmul: a cluster's energies are per cycle of the platform or of a core, whatever it computes; no share of products is known "
            "that other multipliers could save. 'hwsim primitive multiply_energy --chip generic-45nm' compares the operations themselves"
        )
    return options


def check_serves(options: Options, chip: Chip) -> None:
    """Refuse options that this chip cannot serve. Raises `InvalidMapping`."""
    have = int(chip.number("cores"))
    if options.cores is not None and options.cores > have:
        raise InvalidMapping(f"cores={options.cores}: {chip.name} has {have}")
    riscv = chip.text("core_isa") == "xpulp"
    if options.fp == "native" and not chip.number("fpu_units"):
        raise InvalidMapping(f"fp=native: {chip.name} has no floating-point unit; use libgcc or rvfplib")
    if not riscv and options.fp not in (None, "native"):
        raise InvalidMapping(f"fp={options.fp} is an emulation library for RISC-V; {chip.name} is none")
    if not riscv and options.isa is not None:
        raise InvalidMapping(f"isa={options.isa} is an instruction set of RISC-V; {chip.name} is none")
    if riscv and options.flow in CORTEX_FLOWS:
        raise InvalidMapping(f"flow={options.flow} is a stack for Cortex-M; {chip.name} is none")
    if not riscv and options.flow is not None and options.flow not in CORTEX_FLOWS:
        raise InvalidMapping(f"flow={options.flow} is a stack for PULP clusters; {chip.name} is none")
    if options.part is not None:
        known = chip.text("parts").split() if "parts" in chip.params else []
        if options.part not in known:
            raise InvalidMapping(f"part={options.part}: {chip.name} stands for {', '.join(known) or 'itself only'}{nearest(options.part, known)}")


def at_point(chip: Chip, options: Options) -> Chip:
    """Return the chip at the mapping's part, clocks, voltage and buffer sizes. Raises `InvalidMapping` for a clock that the voltage forbids."""
    changed: dict[str, float] = {}
    if options.part is not None:
        index = chip.text("parts").split().index(options.part)
        changed = {"clock_hz": chip.vector("part_clock_hz")[index], "energy_per_cycle_j": chip.vector("part_energy_per_cycle_j")[index]}
    if options.flow == "dory" and options.frequency_hz is None and "dory_clock_hz" in chip.params:
        changed = {"clock_hz": chip.number("dory_clock_hz"), "voltage_v": chip.number("dory_voltage_v")}
    for name, value in (("clock_hz", options.frequency_hz), ("fc_clock_hz", options.fc_frequency_hz), ("voltage_v", options.voltage_v)):
        if value is not None:
            changed[name] = value
    chip = chip.replace(**{n: v for n, v in changed.items() if v != chip.number(n)})
    if "clock_points_hz" in chip.params and (options.frequency_hz is not None or options.voltage_v is not None):
        _check_point(chip)
    return chip


def _check_point(chip: Chip) -> None:
    """Refuse a clock above the one that the voltage allows: a straight line between and beyond the stated points."""
    clocks, volts = chip.vector("clock_points_hz"), chip.vector("voltage_points_v")
    voltage, clock = chip.number("voltage_v"), chip.number("clock_hz")
    slope = (clocks[-1] - clocks[0]) / (volts[-1] - volts[0])
    most = clocks[0] + slope * (voltage - volts[0])
    if most <= 0:
        raise InvalidMapping(f"{chip.name} does not run at {voltage:g} V; raise voltage_v")
    if clock > most * (1 + 1e-9):
        asked = f"not at {clock / 1e6:.4g} MHz; raise voltage_v or lower frequency_hz"
        raise InvalidMapping(f"{chip.name} runs at most at {most / 1e6:.4g} MHz at {voltage:g} V, {asked}")
