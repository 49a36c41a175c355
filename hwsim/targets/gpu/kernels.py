"""`price`: what one operator costs, put together from its mechanisms (`gemm`, `conv`, `attention`, `streaming`, ...) and its launch.

Cycles are of the SM clock. Bandwidths come in bytes per second and are turned into bytes per cycle by the clock, so memory and links do not speed up
with it. `p` is a record of `spec.PARAMETERS`, `op` one of `spec.OP_DTYPE`, `out` one of the slots.
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit
from hwsim.targets.gpu import spec
from hwsim.targets.gpu.attention import attention_compute, attention_memory
from hwsim.targets.gpu.collectives import allreduce_seconds
from hwsim.targets.gpu.conv import price_conv
from hwsim.targets.gpu.energy import charge
from hwsim.targets.gpu.gemm import overlapped, price_matmul, sm_rate, stream_cycles
from hwsim.targets.gpu.streaming import vector_memory


@jit
def call_seconds(op: Any, p: Any) -> float:
    """Seconds of one synchronous framework call at vanishing size, launch and ramp included. Source: LLMCompass tables."""
    if op.kind == spec.MATMUL or op.kind == spec.ATTENTION or op.kind == spec.CONV:  # noqa: PLR1714  (jitted)
        return float(p.eager_matmul_s)
    if op.kind == spec.SOFTMAX:
        return float(p.eager_softmax_s)
    return float(p.eager_norm_s if op.kind == spec.NORM else p.eager_elementwise_s)


@jit
def launch_seconds(op: Any, p: Any) -> float:
    """Seconds that an operator costs before its steady state: the launch, by dispatch, and the kernel's ramp.

    ``T = a + V / b``: a kernel alone pays its ramp; in a queue or a captured graph, the gap to its predecessor too; an eager call pays the
    framework's whole call, which holds both. Source: gpu-benches (gaps), LLMCompass tables (calls).
    """
    if op.dispatch == spec.EAGER:
        return float(op.launches * call_seconds(op, p))
    ramp = p.gemm_ramp_s if op.kind == spec.MATMUL or op.kind == spec.ATTENTION or op.kind == spec.CONV else p.vector_ramp_s  # noqa: PLR1714
    return float(op.launches * (dispatch_gap(op.dispatch, p) + ramp))


@jit
def dispatch_gap(dispatch: float, p: Any) -> float:
    """Seconds between the end of a kernel and the start of the next: in a full queue, in a captured graph; 0 for a kernel alone.

    The measured interval of small kernels holds the kernel's own ramp, so only its excess over the ramp of a streaming kernel is a gap.
    """
    if dispatch == spec.KERNEL:
        return 0.0
    return float(max(0.0, interval_seconds(dispatch, p) - p.vector_ramp_s))


@jit
def interval_seconds(dispatch: float, p: Any) -> float:
    """Seconds from one vanishingly small kernel to the next: a captured graph, a persistent kernel's barrier, or a full queue."""
    if dispatch == spec.GRAPH:
        return float(p.graph_launch_s)
    return float(p.grid_sync_s if dispatch == spec.GRID_SYNC else p.queued_launch_s)


@jit
def price_collective(op: Any, p: Any, out: Any) -> None:
    """An all-reduce, and what it costs to call or launch it."""
    out.collective = allreduce_seconds(op.bytes, p) * p.clock_hz
    if op.dispatch == spec.EAGER:
        out.launch = op.launches * p.eager_collective_s * p.clock_hz
    elif op.gpus > 1:
        out.launch = op.launches * dispatch_gap(op.dispatch, p) * p.clock_hz


@jit
def price(op: Any, p: Any, out: Any) -> None:
    """Fill the slots of one operator (one execution, on all GPUs at once); one that has no model (kind 0) only gets its compulsory bytes.

    With asynchronous dispatch the framework prepares the next call while the device works: an operator takes the longer of the two.
    """
    if op.kind == spec.UNMODELLED:
        out.dram_bytes = op.compulsory_bytes
        return
    executed = op.macs
    if op.kind == spec.ALLREDUCE:
        price_collective(op, p, out)
    else:
        out.launch = launch_seconds(op, p) * p.clock_hz
        if op.kind == spec.MATMUL:
            price_matmul(op, p, out)
        elif op.kind == spec.ATTENTION:
            out.compute, out.memory = attention_compute(op, p), attention_memory(op, p)
        elif op.kind == spec.CONV:
            executed = price_conv(op, p, out) * op.gpus
        else:
            out.memory = vector_memory(op, p, out)
        if out.compute > 0:
            out.exposed = max(0.0, overlapped(out.compute, out.memory, p.overlap_exposed) - max(out.compute, out.memory))
        if op.converted_bytes > 0:
            out.exposed += stream_cycles(op.converted_bytes, p.copy_stream, p)
    if op.dispatch == spec.ASYNC:
        out.dispatch = op.launches * (p.transformers_dispatch_s if p.transformers > 0 else p.async_dispatch_s) * p.clock_hz
    out.host_gap = (op.host * (p.vllm_step_s if p.vllm > 0 else p.host_step_s) + op.requests * p.host_request_s) * p.clock_hz
    if executed > 0:
        out.roofline = executed / (op.gpus * p.sm_count * sm_rate(op.arithmetic, p))
    charge(op, p, executed, out)
