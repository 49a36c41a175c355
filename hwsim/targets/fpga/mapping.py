"""Mapping options of all designs; None leaves the choice to the design. Which options mean something to a design is its engine's to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from hwsim.core.errors import InvalidMapping
from hwsim.readers.options import check_options

COMMON = frozenset({"design", "clock_hz"})  # every engine reads them
Share = Field(default=None, gt=0, le=1)


class Options(BaseModel):
    """Mapping options.

    `design` puts a design on a bare device, `clock_hz` sets its clock. FlightLLM: `timing` (the authors' simulator, or the board), `cores`,
    `core_efficiency`, `hbm_efficiency`, `hbm_bandwidth_bytes_per_s`, `qk_density`, `weight_bits`, `overlap`, `attention_mask`, the buckets of
    program lengths, `share_slrs`, `merge_channels`; `length_pairs` (case files alone): geometric mean over [prompt, generate] pairs. Edge-MoE:
    `expert_order`, `softmax`, `gelu`, `linear`, `attention`. DPU: `arch`, `threads`, `softmax_cores`, `clock_gating`, `dsp_usage`, `policy`,
    `switch`. Zynq memory: `axi_ports`, `port_bits`, `column_aligned`, `bytes_per_transfer`. Arrays: `rows`, `cols`, `dsp_packing`, `multiplier`.
    FlexLLM: `tp`, `wp_kqvo`, `wp_mha`, `wp_ffn`, `wp_int4`, `bp`. Spatial designs: `macs_per_kernel`, `dsp`, `slrs`. `cards`: boards; `weights`:
    where they stay; `lm_head`: who computes it; `ddr_channels` and `mem_bandwidth_bytes_per_s`: the memory that the design uses.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    design: str | None = None
    clock_hz: PositiveFloat | None = None
    cores: PositiveInt | None = None
    cards: PositiveInt | None = None
    slrs: PositiveInt | None = None
    timing: Literal["authors_simulator", "board"] | None = None
    core_efficiency: float | None = Share
    hbm_efficiency: float | None = Share
    hbm_bandwidth_bytes_per_s: PositiveFloat | None = None
    qk_density: float | None = Share
    weight_bits: float | None = Field(default=None, ge=1, le=32)
    overlap: bool | None = None
    attention_mask: Literal["released_block_mask", "lambda", "none"] | None = None
    decode_bucket: PositiveInt | None = None
    prefill_bucket: PositiveInt | None = None
    share_slrs: bool | None = None
    merge_channels: bool | None = None
    length_pairs: tuple[tuple[PositiveInt, PositiveInt], ...] | None = None
    expert_order: Literal["by_expert", "by_token"] | None = None
    softmax: Literal["single_pass", "multi_pass"] | None = None
    gelu: Literal["table", "exact"] | None = None
    linear: Literal["unified", "separate"] | None = None
    attention: Literal["reordered", "naive"] | None = None
    arch: Literal["b512", "b800", "b1024", "b1152", "b1600", "b2304", "b3136", "b4096"] | None = None
    threads: Literal["single", "multi"] | None = None
    softmax_cores: int | None = Field(default=None, ge=0)
    clock_gating: bool | None = None
    dsp_usage: Literal["high", "low"] | None = None
    policy: Literal["context_gated", "all_branches"] | None = None
    switch: Literal["model_switch", "bitstream_reload", "none"] | None = None
    axi_ports: PositiveInt | None = None
    port_bits: PositiveInt | None = None
    column_aligned: bool | None = None
    bytes_per_transfer: PositiveFloat | None = None
    rows: PositiveInt | None = None
    cols: PositiveInt | None = None
    dsp_packing: bool | None = None
    tp: PositiveInt | None = None
    wp_kqvo: PositiveInt | None = None
    wp_mha: PositiveInt | None = None
    wp_ffn: PositiveInt | None = None
    wp_int4: PositiveInt | None = None
    bp: PositiveInt | None = None
    macs_per_kernel: PositiveInt | None = None
    dsp: PositiveInt | None = None
    weights: Literal["on_chip", "hbm", "ddr"] | None = None
    lm_head: Literal["fabric", "processor"] | None = None
    ddr_channels: PositiveInt | None = None
    mem_bandwidth_bytes_per_s: PositiveFloat | None = None
    multiplier: Literal["standard", "lmul"] | None = None

    @property
    def stated(self) -> dict[str, Any]:
        """The options that were given."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


def parse_options(mapping: Mapping[str, Any]) -> Options:
    """Check mapping options. Raises `InvalidMapping`, naming the nearest known word."""
    return check_options(Options, mapping, "fpga")


def refuse_strange(options: Options, known: frozenset[str], design: str) -> None:
    """Raise `InvalidMapping` when an option is stated that means nothing to the design."""
    if "length_pairs" in options.stated:
        raise InvalidMapping("length_pairs asks for a mean over several requests, which case files take (hwsim validate); a run is one request")
    if strange := sorted(set(options.stated) - known):
        raise InvalidMapping(f"design '{design}' has no mapping option {', '.join(strange)}; it has {', '.join(sorted(known))}")
