"""Complete programs for the wavelet mesh, by name: what to import to run an algorithm cycle by cycle.

GEMMs: :func:`run_mesh_gemm`, :func:`run_cannon`, :func:`run_summa`, :func:`run_allgather_gemm` (:class:`GemmSize`). GEMV:
:func:`run_mesh_gemv`. Collectives on a line: :func:`run_reduce`, :func:`run_broadcast`, :func:`run_allreduce`. KV cache:
:func:`run_kv_shift`. The ``*_program`` builders give the routes, programs and data without running them.
"""

from hwsim.engine.mesh_collectives import REDUCES, run_allreduce, run_broadcast, run_kv_shift, run_reduce, two_phase_size
from hwsim.engine.mesh_gemm import GemmSize, cannon_program, mesh_gemm_program, ring_order, run_cannon, run_mesh_gemm
from hwsim.engine.mesh_gemv import default_groups, mesh_gemv_program, run_mesh_gemv
from hwsim.engine.mesh_panels import allgather_program, run_allgather_gemm, run_summa, summa_program

__all__ = [
    "REDUCES",
    "GemmSize",
    "allgather_program",
    "cannon_program",
    "default_groups",
    "mesh_gemm_program",
    "mesh_gemv_program",
    "ring_order",
    "run_allgather_gemm",
    "run_allreduce",
    "run_broadcast",
    "run_cannon",
    "run_kv_shift",
    "run_mesh_gemm",
    "run_mesh_gemv",
    "run_reduce",
    "run_summa",
    "summa_program",
    "two_phase_size",
]
