"""What a chip file of this kind must state."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, nearest

NonNegative = Field(default=math.nan, ge=0)


class WaferSpec(BaseModel):
    """Constants of a wafer-scale mesh, SI units; a field with a default may be left out and is then refused only where it is needed."""

    model_config = ConfigDict(extra="forbid")

    grid_usable: tuple[PositiveInt, PositiveInt]
    cores_marketed: PositiveFloat
    clock_hz: PositiveFloat
    sram_bytes_per_core: PositiveFloat
    sram_bytes_per_cycle: PositiveFloat
    sram_banks: float = NonNegative
    reserved_bytes_per_core: float = Field(ge=0)
    link_bits_per_cycle: PositiveFloat
    offwafer_bits_per_s: PositiveFloat
    colours: PositiveInt
    reserved_colours: int = Field(ge=0)
    input_queues: float = NonNegative
    output_queues: float = NonNegative
    hop_cycles: PositiveFloat
    ramp_cycles: PositiveFloat
    gemv_ramp_cycles: PositiveFloat
    fp16_mac_per_cycle: PositiveFloat
    fp32_mac_per_cycle: PositiveFloat
    fmac_cycles_per_mac: PositiveFloat
    fmac_call_cycles: float = Field(ge=0)
    gemm_per_k_cycles: float = Field(ge=0)
    gemm_step_cycles: float = Field(ge=0)
    gemv_fixed_cycles: float = Field(ge=0)
    call_fixed_cycles: float = Field(ge=0)
    shift_round_cycles: float = Field(ge=0)
    shift_beyond_cycles: float = Field(ge=0)
    operator_switch_cycles: float = Field(ge=0)
    transcendental_cycles: float = Field(ge=0)
    software_relay_cycles: float = Field(ge=0)
    library_call_cycles: float = Field(ge=0)
    multicast_task_cycles: float = NonNegative
    vendor_allreduce_fixed_cycles: float = NonNegative
    vendor_allreduce_per_hop_cycles: float = NonNegative
    loop_idle_step_cycles: float = NonNegative
    loop_transfer_cycles: float = NonNegative
    loop_call_cycles: float = NonNegative
    loop_slot_cycles: float = NonNegative
    loop_hidden_cycles: float = NonNegative
    t10_relay_cycles: float = NonNegative
    t10_step_cycles: float = NonNegative
    t10_word_cycles: float = NonNegative
    ladder_collective_cycles: float = NonNegative
    ladder_word_cycles: float = NonNegative
    ladder_cycles_per_mac: float = NonNegative
    chip_power_w: PositiveFloat
    core_peak_power_w: float = NonNegative
    mac_fp16_j: float = Field(ge=0)
    mac_fp32_j: float = Field(ge=0)
    sram_j_per_byte: float = Field(ge=0)
    link_j_per_bit: float = Field(ge=0)
    core_active_j_per_cycle: float = Field(ge=0)
    core_idle_w: float = Field(ge=0)
    core_area_mm2: PositiveFloat
    sram_area_share: float = Field(ge=0, le=1)
    die_area_mm2: PositiveFloat

    @model_validator(mode="after")
    def consistent(self) -> WaferSpec:
        """Cross-field checks."""
        width, height = self.grid_usable
        if width * height > self.cores_marketed:
            raise ValueError(f"grid_usable {width} x {height} holds more cores than cores_marketed {self.cores_marketed:,.0f}")
        if self.cores_marketed * self.core_area_mm2 > self.die_area_mm2:
            raise ValueError("cores_marketed x core_area_mm2 exceeds die_area_mm2")
        if self.reserved_bytes_per_core >= self.sram_bytes_per_core:
            raise ValueError("reserved_bytes_per_core leaves no memory")
        if self.fmac_cycles_per_mac * self.fp16_mac_per_cycle < 1 - 1e-9:
            raise ValueError("fmac_cycles_per_mac is faster than fp16_mac_per_cycle allows")
        return self


def check_chip(chip: Chip) -> None:
    """Raise `InvalidChip`, naming file, parameter and problem, unless `chip` is a sound wafer."""
    try:
        WaferSpec.model_validate({name: param.value for name, param in chip.params.items()})
    except ValidationError as error:
        lines = []
        for found in error.errors():
            name = ".".join(str(part) for part in found["loc"]) or "chip"
            hint = nearest(name, WaferSpec.model_fields) if found["type"] == "extra_forbidden" else ""
            problem = "unknown parameter" if found["type"] == "extra_forbidden" else found["msg"].removeprefix("Value error, ")
            lines.append(f"params.{name}: {problem}{hint}")
        raise InvalidChip(f"{chip.origin or chip.name}: {'; '.join(lines)}") from None
