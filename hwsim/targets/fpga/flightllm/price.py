"""Closed forms of a layer's program on the six queues.

The queues form a flow line LD -> product -> MISC -> ST. With equal tiles its makespan is the longest path: the first tile through every station, and
the slowest station for the rest; a remainder piece of k adds paths through it, and in MM mode, where only two tiles fit the buffer, a stall per
column block.
The six-queue loop (`queues`) gives the same or a little more.
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.fpga.flightllm import tasks as T
from hwsim.targets.fpga.flightllm.price_decode import price_attention_mv, price_linear_mv
from hwsim.targets.fpga.flightllm.price_prefill import price_attention_mm, price_linear_mm
from hwsim.targets.fpga.flightllm.timing import load_one, misc_cycles


@part
def price_rows(op: Any, p: Any, out: Any) -> float:
    """Norm or softmax: rows flow through LD, MISC and ST."""
    load, special, rows = load_one(op.cols, p), misc_cycles(op.cols, p.sfu_row_passes, p) * p.fl_scale, op.fl_vectors
    out.load, out.special, out.store = rows * load, rows * special, rows * load
    out.hbm_bytes = 2 * rows * op.cols
    return float(load + special + p.fl_sfu + load + (rows - 1) * max(load, special))


@part
def price_elementwise(op: Any, p: Any, out: Any) -> float:
    """An operation on its own: operands, passes, result."""
    size = op.rows * op.cols
    out.load, out.special = op.fl_operands * load_one(size, p), misc_cycles(size, op.fl_passes, p) * p.fl_scale
    out.store = load_one(size, p)
    out.hbm_bytes = (op.fl_operands + 1) * size
    return float(out.load + out.special + p.fl_sfu + out.store)


@part
def price_flightllm(op: Any, p: Any, out: Any) -> None:
    """Fill cycles, roofline and HBM bytes of one execution. What is fused behind a product costs nothing of its own."""
    if op.fl_task == T.FUSED:
        return
    whole = 0.0
    out.sync = p.fl_scale
    if op.fl_task == T.MV_LINEAR:
        whole = price_linear_mv(op, p, out)
    elif op.fl_task == T.MV_ATTENTION:
        whole = price_attention_mv(op, p, out)
    elif op.fl_task == T.MM_LINEAR:
        whole = price_linear_mm(op, p, out)
    elif op.fl_task == T.MM_ATTENTION:
        whole = price_attention_mm(op, p, out)
    elif op.fl_task == T.ROWS:
        whole = price_rows(op, p, out)
    else:
        whole = price_elementwise(op, p, out)
    longest = max(max(out.load, out.compute), max(out.special, out.store))
    if p.fl_serial > 0:
        whole = out.load + out.compute + out.special + out.store
    out.exposed = max(0.0, whole - longest)
