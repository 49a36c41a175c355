"""Which choices a GPU mapping has, and what each means when it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hwsim.core.errors import InvalidMapping
from hwsim.readers.options import check_options
from hwsim.tech.arithmetic import Multiplier

SERVING_SYSTEMS = ("sglang", "vllm", "vllm_smoothquant")
NAMEPLATE_SYSTEMS = ("sglang", "tensor_parallel_gemv")  # the published joules of these are the board's power times time
Dispatch = Literal["kernel", "queued", "graph", "grid_sync", "eager", "async"]
System = Literal["sglang", "vllm", "vllm_smoothquant", "tensor_parallel_gemv", "pytorch", "hf_transformers"]


class Options(BaseModel):
    """Mapping options; None leaves the choice to the target.

    `dispatch` is what a time includes: the kernel alone, a full queue, a captured graph, a persistent kernel with a grid-wide barrier, one
    synchronous framework call per operator (``eager``), or calls that the framework prepares while the device works (``async``). `kernels`
    names the measured kernel set (a training framework's, or a serving engine's), `library` the age of the kernels (others than ``cuda-12``
    are those of the chip's own generation). `fusion: serving` merges products of one input, hides residual sums in norms and keeps elementwise
    passes behind a convolution in its registers. `attention` is one fused kernel or three (product, softmax, product). `system` (also written
    `framework`) is the software that maps a whole model, or one product over several GPUs; it sets the defaults of the others. `devices` GPUs on
    `nodes` hosts, all of them in one tensor-parallel group. `l2_resident` lets small tensors pass from kernel to kernel through L2. `autocast`:
    a framework's automatic mixed precision (default with ``pytorch`` for networks in 16 bits; language models are loaded in 16 bits).
    `multiplier: lmul` lets integer additions stand for floating-point products in the joules of arithmetic (activity energy only).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: System | None = None
    framework: System | None = None
    dispatch: Dispatch | None = None
    kernels: Literal["framework", "serving"] | None = None
    library: Literal["cuda-8", "cuda-10.1", "cuda-12"] = "cuda-12"
    fusion: Literal["none", "serving"] | None = None
    attention: Literal["fused", "unfused"] | None = None
    layout: Literal["nchw", "nhwc"] | None = None
    tf32: bool = False
    autocast: bool | None = None
    l2_resident: bool = False
    devices: int = Field(default=1, ge=1)
    nodes: int = Field(default=1, ge=1)
    tensor_parallel: int | None = Field(default=None, ge=1)
    algorithm: Literal["ring", "one_shot", "in_switch"] | None = None
    link: Literal["nvlink_switch", "pcie"] = "nvlink_switch"
    split_kv: bool = True
    energy_mode: Literal["nameplate", "activity"] | None = None
    multiplier: Multiplier = "standard"

    @property
    def software(self) -> str:
        """The software that maps the model: `system`, or `framework`; empty when none is named."""
        return self.system or self.framework or ""

    @property
    def engine(self) -> bool:
        """True when a serving engine maps the model."""
        return self.software in SERVING_SYSTEMS

    @property
    def fused(self) -> bool:
        """True when elementwise passes and products of one input are merged."""
        return self.fusion == "serving" if self.fusion is not None else self.engine

    @property
    def unfused_attention(self) -> bool:
        """True when attention is three kernels: with synchronous calls, unless the mapping says otherwise."""
        if self.attention is not None:
            return self.attention == "unfused"
        return self.dispatch == "eager" or self.software == "hf_transformers"

    def mixed(self, phase: str, dtype: str, single: bool) -> bool:
        """True when mixed precision converts a 16-bit graph of phase `phase`."""
        if dtype not in ("fp16", "bf16"):
            return False
        return self.autocast if self.autocast is not None else self.software == "pytorch" and not phase and not single

    @property
    def energy(self) -> str:
        """nameplate (the default for systems whose published joules are) or activity."""
        return self.energy_mode or ("nameplate" if self.software in NAMEPLATE_SYSTEMS else "activity")

    def dispatch_of(self, phase: str, single: bool) -> Dispatch:
        """How an operator is dispatched: engines capture a decode step as a graph and queue a prefill; an operator alone is its kernel.

        A framework runs one operator as a synchronous call, and prepares the calls of a whole model while the device works.
        """
        if self.dispatch is not None:
            return self.dispatch
        if self.software in ("pytorch", "hf_transformers", "tensor_parallel_gemv"):
            return "eager" if single else "async"
        if self.engine and phase == "decode":
            return "graph"
        return "kernel" if single else "queued"

    def kernel_set(self) -> str:
        """The measured kernel set: a framework's for its calls, otherwise a serving engine's."""
        if self.kernels is not None:
            return self.kernels
        return "framework" if self.dispatch_of("", True) == "eager" else "serving"


def parse_options(mapping: Mapping[str, Any]) -> Options:
    """Check mapping options (texts of the command line are converted). Raises `InvalidMapping`, naming the nearest known word."""
    options = check_options(Options, mapping, "gpu")
    if options.system and options.framework and options.system != options.framework:
        raise InvalidMapping(f"system '{options.system}' and framework '{options.framework}' mean the same option; state one")
    if options.devices % options.nodes:
        raise InvalidMapping(f"devices {options.devices} do not spread evenly over {options.nodes} nodes")
    if options.tensor_parallel not in (None, options.devices):
        raise InvalidMapping(f"tensor_parallel {options.tensor_parallel} must equal devices {options.devices}: replicas and pipelines have no model")
    if options.algorithm in ("one_shot", "in_switch") and options.nodes > 1:
        raise InvalidMapping(f"algorithm {options.algorithm} works among the GPUs of one node; nodes must be 1")
    if options.algorithm == "in_switch" and options.link == "pcie":
        raise InvalidMapping("algorithm in_switch needs link nvlink_switch")
    if options.multiplier == "lmul" and options.energy == "nameplate":
        raise InvalidMapping("multiplier=lmul changes joules of arithmetic, nameplate energy is power times time: state energy_mode=activity")
    return options
