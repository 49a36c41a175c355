"""Which choices a GPU mapping has, and what each means when it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hwsim.core.errors import InvalidMapping
from hwsim.readers.options import check_options

SERVING_SYSTEMS = ("sglang", "vllm")
Dispatch = Literal["kernel", "queued", "graph", "eager"]


class Options(BaseModel):
    """Mapping options; None leaves the choice to the target.

    `dispatch` is what a time includes (the kernel alone, a full queue, a captured graph, one synchronous framework call per operator). `kernels`
    names the measured kernel set (a training framework's, or a serving engine's). `fusion: serving` merges products of one input and hides
    residual sums in norms. `system` is the software that maps a whole model, or one product over several GPUs; it sets the defaults of the
    others. `devices` GPUs on `nodes` hosts, all of them in one tensor-parallel group.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: Literal["sglang", "vllm", "tensor_parallel_gemv", "pytorch"] | None = None
    dispatch: Dispatch | None = None
    kernels: Literal["framework", "serving"] | None = None
    fusion: Literal["none", "serving"] | None = None
    tf32: bool = False
    devices: int = Field(default=1, ge=1)
    nodes: int = Field(default=1, ge=1)
    tensor_parallel: int | None = Field(default=None, ge=1)
    algorithm: Literal["ring", "one_shot"] | None = None
    link: Literal["nvlink_switch"] = "nvlink_switch"
    split_kv: bool = True
    energy_mode: Literal["nameplate", "activity"] = "nameplate"

    @property
    def engine(self) -> bool:
        """True when a serving engine maps the model."""
        return self.system in SERVING_SYSTEMS

    @property
    def fused(self) -> bool:
        """True when elementwise passes and products of one input are merged."""
        return self.fusion == "serving" if self.fusion is not None else self.engine

    def dispatch_of(self, phase: str, single: bool) -> Dispatch:
        """How an operator is dispatched: engines capture a decode step as a graph and queue a prefill; an operator alone is its kernel."""
        if self.dispatch is not None:
            return self.dispatch
        if self.system in ("pytorch", "tensor_parallel_gemv"):
            return "eager"
        if self.engine and phase == "decode":
            return "graph"
        return "kernel" if single else "queued"

    def kernel_set(self) -> str:
        """The measured kernel set: a framework's for eager calls, otherwise a serving engine's."""
        if self.kernels is not None:
            return self.kernels
        return "framework" if self.dispatch_of("", True) == "eager" else "serving"


def parse_options(mapping: Mapping[str, Any]) -> Options:
    """Check mapping options (texts of the command line are converted). Raises `InvalidMapping`, naming the nearest known word."""
    options = check_options(Options, mapping, "gpu")
    if options.devices % options.nodes:
        raise InvalidMapping(f"devices {options.devices} do not spread evenly over {options.nodes} nodes")
    if options.tensor_parallel not in (None, options.devices):
        raise InvalidMapping(f"tensor_parallel {options.tensor_parallel} must equal devices {options.devices}: replicas and pipelines have no model")
    if options.algorithm == "one_shot" and options.nodes > 1:
        raise InvalidMapping("algorithm one_shot reads the other GPUs of one node; nodes must be 1")
    return options

