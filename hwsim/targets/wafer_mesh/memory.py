"""M and R of PLMR: what a core's 48 KiB and its few routes must hold. What does not fit is `Infeasible`, with demand, bound and levers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hwsim.core.chip import Chip
from hwsim.core.dtype import dtype
from hwsim.core.errors import Infeasible
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.wafer_mesh import layout as L

# colours per axis-pair of each algorithm (released kernels; HPDC'24); 0 = as many as cores on a line
COLOURS = {
    "meshgemm": 12, "meshgemm_t": 9, "cannon": 8, "summa": 4, "allgather_gemm": 0, "meshgemv": 10, "gemv_pipeline": 4, "gemv_ring": 4, "shift_kv": 3,
    "concat_kv": 3, "reduce_star": 2, "reduce_chain": 2, "reduce_tree": 3, "reduce_two_phase": 3, "broadcast_flood": 1,
    "allreduce_reduce_broadcast": 4, "allreduce_ring": 4, "vendor_allreduce": 4, "decode layer": 21, "prefill layer": 19,
}  # fmt: skip
# colours on which one core sends at the same time: each needs an output queue of its own where queues are few (WSE-3: eight)
OUTPUT_QUEUES = {"meshgemm": 4, "meshgemm_t": 4, "cannon": 4, "meshgemv": 5, "decode layer": 5, "prefill layer": 6}


def check_colours(chip: Chip, algorithm: str) -> int:
    """Return the colours that `algorithm` needs. Raises `Infeasible` beyond the routable ones less those of the runtime, or beyond the queues."""
    needed = COLOURS[algorithm] or 4  # an allgather relays in software because O(P) routes do not exist
    bound = int(chip.number("colours") - chip.number("reserved_colours"))
    if needed > bound:
        raise Infeasible(
            f"routing colours of {algorithm} on {chip.name}", demand=needed, bound=bound, unit="colours",
            levers=("fewer reserved colours (reserved_colours)", "an algorithm with fewer routes"),
        )  # fmt: skip
    queues = OUTPUT_QUEUES.get(algorithm, 2)
    if "output_queues" in chip.params and queues > (held := chip.number("output_queues")):
        raise Infeasible(
            f"output queues of {algorithm} on {chip.name}", demand=queues, bound=held, unit="queues",
            levers=("an algorithm with fewer routes at a time",),
        )  # fmt: skip
    return needed


def tile_bytes(op: Op, grid: tuple[int, int], algorithm: str) -> float:
    """SRAM bytes per core of one distributed product, buffers included.

    MeshGEMM, Cannon and SUMMA keep two tiles of each input and one of the result; an allgather keeps whole rows and columns; a matrix-vector product
    keeps its weights and three vectors.
    """
    width, height = grid
    steps = math.lcm(width, height)
    eb, wb = dtype(op.dtype).bytes, dtype(op.weight_dtype).bytes
    mt, nt = math.ceil(op["m"] / height), math.ceil(op["n"] / width)
    if algorithm in L.GEMV_CODES:
        kt, vectors = math.ceil(op["k"] / height), op["batch"] * op["m"]
        return wb * kt * nt + eb * vectors * (kt + 2 * nt)
    if algorithm == "allgather_gemm":
        return eb * op["k"] * mt + wb * op["k"] * nt + eb * mt * nt
    kt = math.ceil(op["k"] / steps)
    return 2 * eb * mt * kt + 2 * wb * kt * nt + eb * mt * nt


def check_tile(chip: Chip, op: Op, grid: tuple[int, int], algorithm: str) -> float:
    """Return the bytes per core that a product needs with the reserve. Raises `Infeasible`."""
    demand = tile_bytes(op, grid, algorithm) + chip.number("reserved_bytes_per_core")
    bound = chip.number("sram_bytes_per_core")
    if demand > bound:
        levers = ["a larger grid", "a narrower dtype"] + (["algorithm=meshgemm, which keeps two tiles only"] if algorithm == "allgather_gemm" else [])
        raise Infeasible(f"tiles of {algorithm} on {grid[0]} x {grid[1]} cores, per core", demand=demand, bound=bound, unit="B", levers=levers)
    return demand


def check_weights(chip: Chip, graph: Graph) -> None:
    """Raise `Infeasible` when the weights of a whole graph exceed what all usable cores hold beside the reserve."""
    cores = math.prod(int(v) for v in chip.vector("grid_usable"))
    demand, bound = graph.weight_bytes / cores + chip.number("reserved_bytes_per_core"), chip.number("sram_bytes_per_core")
    if demand > bound:
        raise Infeasible(
            f"all weights of {graph.name} over the usable cores of {chip.name}, per core", demand=demand, bound=bound, unit="B",
            levers=("a narrower weight dtype", "fewer layers"),
        )  # fmt: skip


def resident_bytes(op: Op, grid: tuple[int, int]) -> float:
    """SRAM bytes per core that an operator other than a product needs at least.

    A collective keeps its elements in every core (a shift twice: it swaps buffers); the others spread operands and results over the grid, and an
    attention of many queries its score matrix too.
    """
    cores = grid[0] * grid[1]
    eb = dtype(op.dtype).bytes
    if op.kind in ("reduce", "broadcast", "allreduce", "shift"):
        return op["elements"] * eb * (2 if op.kind == "shift" else 1)
    scores = eb * op["batch"] * op["heads"] * op["q"] * op["kv"] / cores if op.kind == "attention" else 0.0
    return op.compulsory_bytes / cores + scores


def check_resident(chip: Chip, op: Op, grid: tuple[int, int]) -> float:
    """Return the bytes per core that an operator other than a product needs with the reserve. Raises `Infeasible`."""
    demand = resident_bytes(op, grid) + chip.number("reserved_bytes_per_core")
    if demand > (bound := chip.number("sram_bytes_per_core")):
        levers = ("a narrower dtype", "fewer elements" if "elements" in op.bounds else "a larger grid")
        raise Infeasible(f"{op.name} ({op.kind}) on {grid[0]} x {grid[1]} cores, per core", demand=demand, bound=bound, unit="B", levers=levers)
    return demand


@dataclass(frozen=True)
class Residency:
    """How a language model lies on the wafer, per core of a `width` x `height` grid.

    The layers are spread over all copies of the grid that the usable cores make (a fraction of a copy is used too: a layer may be cut).
    `weight_bytes` counts all weights, `table_bytes` those of them that belong to no layer.
    """

    copies: float
    layers_per_core: float
    weight_bytes: float
    table_bytes: float
    kv_bytes_per_token: float
    fixed_bytes: float
    bound_bytes: float
    rows: int

    @property
    def free_bytes(self) -> float:
        """What weights, buffers and code leave for the cache."""
        return self.bound_bytes - self.weight_bytes - self.fixed_bytes

    @property
    def tokens_of_one_row(self) -> float:
        """Cache entries that one row of cores holds."""
        return max(0.0, self.free_bytes) / self.kv_bytes_per_token

    def max_tokens(self, policy: str) -> int:
        """Capacity: shift keeps the rows level, so all hold cache; concatenation fills the one row that new tokens arrive in."""
        x = self.tokens_of_one_row
        return math.floor(x * self.rows) if policy == "shift" else math.floor(x)


@lru_cache(maxsize=64)
def layer_shape(graph: Graph) -> tuple[tuple[tuple[int, int, int, float], ...], int, float, int]:
    """((k, n, stored matrices, bytes per element) of the products of one layer, K and V width, bytes per cache element, new tokens per step)."""
    first = min(op.layer for op in graph.ops if op.layer is not None)
    products: dict[str, tuple[int, int, int, float]] = {}
    width, cache_bytes, rows = 0, 2.0, 1
    for op in graph.ops:
        if op.layer != first:
            continue
        name = op.inputs[1] if op.kind == "matmul" else op.name
        if op.kind == "matmul" and op.operand_role == "weight":
            products[name] = (op["k"], op["n"], op["pool"] or op["batch"], dtype(op.weight_dtype).bytes * op.weight_density)
        elif op.kind == "attention":
            width = (op["kv_heads"] or op["heads"]) * op["head_dim"]
            cache_bytes = dtype(str(op.attrs.get("kv_dtype", op.dtype))).bytes * op["batch"]
            rows = max(rows, op["batch"] * op["q"])
    return tuple(products.values()), width, cache_bytes, rows


def residency(chip: Chip, graph: Graph, grid: tuple[int, int], paper_faithful: bool) -> Residency:
    """Lay a model's weights and cache out on copies of `grid` (grouped-query K and V at their own width; dimensions padded to the grid).

    `paper_faithful` counts layers only; `exact` adds embedding and head, spread over all cores, and activations.
    """
    model: Mapping[str, Any] = graph.meta["model"]
    width, height = grid
    usable = math.prod(int(v) for v in chip.vector("grid_usable"))
    copies = usable / (width * height)
    layers = float(model["layers"])
    per_core = layers / min(copies, layers)
    products, kv_width, cache_bytes, rows = layer_shape(graph)
    weights = sum(math.ceil(k / height) * math.ceil(n / width) * stored * eb for k, n, stored, eb in products) * per_core
    fixed, tables = chip.number("reserved_bytes_per_core"), 0.0
    if not paper_faithful:
        elements = float(model["vocab"]) * float(model["d_model"]) * (1 if model["tied"] else 2)
        tables = dtype(str(graph.meta.get("weight_dtype", "fp16"))).bytes * elements / usable
        widest = max(math.ceil(n / width) for _, n, _, _ in products)
        eb = dtype(str(graph.meta.get("dtype", "fp16"))).bytes
        fixed += eb * math.ceil(rows / height) * (15 * math.ceil(model["d_model"] / width) + 3 * widest)
    per_token = 2 * cache_bytes * math.ceil(kv_width / width) * per_core
    return Residency(copies, per_core, weights + tables, tables, per_token, fixed, chip.number("sram_bytes_per_core"), height)


def check_scores(chip: Chip, graph: Graph, grid: tuple[int, int], found: Residency) -> None:
    """Raise `Infeasible` when the score matrix of a prefill (heads x prompt x prompt, spread over the grid) does not fit beside the weights."""
    prompt, model = int(graph.meta.get("prompt", 0)), graph.meta["model"]
    eb = dtype(str(graph.meta.get("dtype", "fp16"))).bytes
    tile = eb * math.ceil(prompt / grid[1]) * math.ceil(int(model["heads"]) * prompt / grid[0]) * int(graph.meta.get("batch", 1))
    if tile > found.free_bytes:
        raise Infeasible(
            f"attention scores of a {prompt}-token prefill on {grid[0]} x {grid[1]} cores, per core",
            demand=tile, bound=max(0.0, found.free_bytes), unit="B",
            levers=("a shorter prompt", "a larger grid", "a narrower weight dtype"),
        )  # fmt: skip


def check_residency(chip: Chip, graph: Graph, found: Residency, policy: str, tokens: int) -> None:
    """Raise `Infeasible` when the weights do not fit beside the reserve, or the cache holds fewer than `tokens` positions."""
    if found.free_bytes < 0:
        needed = found.weight_bytes + found.fixed_bytes
        room = (found.bound_bytes - found.fixed_bytes - found.table_bytes) / (found.weight_bytes - found.table_bytes)
        most = int(room * float(graph.meta["model"]["layers"]))
        raise Infeasible(
            f"{graph.name} on {chip.name}, weights, buffers and code per core", demand=needed, bound=found.bound_bytes, unit="B",
            levers=(*([f"{most} layers at most, fewer beside a cache (layers={most})"] if most > 0 else []),
                    "a narrower weight dtype (weight_dtype=int8 or int4)",
                    "workload_mode=paper_faithful, which prices layers without asking where they all lie"),
        )  # fmt: skip
    if tokens > (capacity := found.max_tokens(policy)):
        levers = ["a shorter context", "a narrower kv_dtype"] + (["kv_cache=shift, which uses every row"] if policy != "shift" else [])
        raise Infeasible(f"KV cache of {graph.name} on {chip.name}", demand=tokens, bound=capacity, unit="tokens", levers=levers)
