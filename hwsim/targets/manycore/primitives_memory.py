"""Memory levels in isolation: load-to-use latency, and bandwidth of reader sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.core.arguments import flag, number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, InvalidTrace
from hwsim.core.target import Mapped, Primitive
from hwsim.engine.jit import jit
from hwsim.targets.manycore import bandwidth, memory, shire_map
from hwsim.targets.manycore.primitives_common import hops_of, offset_of, record

LEVELS = ("l1", "l2_read_buffer", "l2", "own_scp", "remote_scp", "l3", "dram", "dram_row_conflict_extra")
RATED = ("l1", "l2", "own_scp", "remote_scp", "l3", "dram")
CAPACITY = {"l1": "l1_bytes_per_hart", "l2": "l2_bytes", "own_scp": "scratchpad_bytes", "remote_scp": "scratchpad_bytes"}


@jit
def path_cycles(level: int, home_hops: float, memory_hops: float, p: Any) -> float:
    """Latency over the mesh: 0 another shire's scratchpad, 1 L3, 2 DRAM."""
    if level == 0:
        return memory.remote_latency(home_hops, p)
    if level == 1:
        return memory.l3_latency(home_hops, p)
    return memory.dram_latency(home_hops, memory_hops, p)


@jit
def hits(working_set: float, p: Any) -> float:
    """Share of a working set that stays in L3."""
    return memory.resident_share(working_set, p.l3_bytes * p.shires, p.cache_ways)


@jit
def home_hops_from(shire: int, p: Any) -> float:
    """Mean hops from a shire to the homes of lines."""
    return shire_map.mean_home_hops_from(shire, p)


def fits(p: Any, level: str, held: float) -> None:
    """Refuse a working set (bytes of one shire, or of one hart for L1) that its level cannot hold. Raises `Infeasible`."""
    if level in CAPACITY and held > p[CAPACITY[level]]:
        levers = (f"a level that holds it (l3, dram), or a larger {CAPACITY[level]}",)
        raise Infeasible(f"working set at level {level}", demand=held, bound=float(p[CAPACITY[level]]), unit="B", levers=levers)


def in_dram(p: Any, held: float) -> float:
    """The chip's working set (bytes), which DRAM holds. Raises `Infeasible`."""
    if held > p["dram_bytes"]:
        raise Infeasible("working set in DRAM", demand=held, bound=float(p["dram_bytes"]), unit="B", levers=("more dram_bytes",))
    return held


def level_of(p: Any, arguments: Mapped) -> str:
    """The level stated, or the nearest one that holds the working set. Raises `InvalidTrace`."""
    if arguments["level"] is not None:
        return word(arguments, "level", LEVELS)
    if arguments["working_set_bytes"] is None:
        raise InvalidTrace(f"memory_latency needs a level ({', '.join(LEVELS)}) or working_set_bytes")
    held = in_dram(p, number(arguments, "working_set_bytes"))
    if held <= p["l1_bytes_per_hart"]:
        return "l1"
    return "l2" if held <= p["l2_bytes"] else "l3" if held <= p["l3_bytes"] * p["shires"] else "dram"


def home_hops(p: Any, arguments: Mapped, level: str) -> float:
    """Hops from the requester to the target or home: stated, or the mean over lines homed everywhere from one shire or from all."""
    if arguments["hops"] is not None:
        if arguments["shire"] is not None:
            raise InvalidTrace("hops state the distance; shire asks for the mean over all distances: state one of them")
        return hops_of(p, arguments, 1 if level == "remote_scp" else 0)
    if level == "remote_scp":
        raise InvalidTrace("memory_latency of remote_scp needs hops (1 and more) from the requester to the target")
    if arguments["shire"] is None:
        return float(p["home_hops"])
    return float(home_hops_from(whole(arguments, "shire", least=0, most=p["shires"] - 1), p))


def mesh_latency(p: Any, arguments: Mapped, level: str) -> float:
    """Cycles of a load over the mesh; a working set that L3 holds in part is a mean of both. Raises `InvalidTrace`."""
    hops = home_hops(p, arguments, level)
    if level == "remote_scp":
        if arguments["working_set_bytes"] is not None:
            fits(p, level, number(arguments, "working_set_bytes"))
        return float(path_cycles(0, hops, 0.0, p))
    near, far = path_cycles(1, hops, 0.0, p), path_cycles(2, hops, float(p["memory_hops"]), p)
    share = 1.0 if level == "l3" else 0.0
    if arguments["working_set_bytes"] is not None:
        share = hits(in_dram(p, number(arguments, "working_set_bytes")), p)
    return float(share * near + (1.0 - share) * far)


def memory_latency(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Load-to-use latency of one dependent load, DRAM's mean wait for refreshes included."""
    p = record(chip, mapping)[0]
    level = level_of(p, arguments)
    hart = whole(arguments, "hart", least=0, most=p["harts_per_minion"] - 1)
    near = {"l1": "l1_latency_cycles", "l2_read_buffer": "read_buffer_latency_cycles", "l2": "l2_latency_cycles", "own_scp": "l2_latency_cycles"}
    if level == "dram_row_conflict_extra":
        if any(arguments[name] is not None for name in ("hops", "shire", "working_set_bytes")):
            raise InvalidTrace("dram_row_conflict_extra is what another row of the same bank adds: hops, shire and working_set_bytes change nothing")
        cycles = float(p["dram_row_conflict_s"] * p["clock_hz"])
        return {"cycles": cycles, "latency_s": cycles / float(p["clock_hz"])}
    if level in near:
        if arguments["hops"]:
            raise InvalidTrace(f"level {level} is in the requester's own shire: hops have no meaning")
        if arguments["working_set_bytes"] is not None:
            fits(p, level, number(arguments, "working_set_bytes"))
        cycles = float(p[near[level]])
    else:
        cycles = mesh_latency(p, arguments, level)
    if hart and level != "l1":
        cycles += float(p["hart1_extra_cycles"])
    return {"cycles": cycles, "latency_s": cycles / float(p["clock_hz"])}


def reader_set(p: Any, arguments: Mapped) -> tuple[int, float]:
    """(shires, minions of each): `minions`, or `shires` with `minions_per_shire` or `neighbourhoods_per_shire`; all when left out."""
    width, have = int(p["minions_per_shire"]), int(p["shires"])
    if arguments["minions"] is not None:
        if any(arguments[n] is not None for n in ("shires", "minions_per_shire", "neighbourhoods_per_shire")):
            raise InvalidTrace("minions counts all readers; shires, minions_per_shire and neighbourhoods_per_shire count them otherwise: choose one")
        minions = whole(arguments, "minions", most=have * width)
        shires = -(-minions // width)
        return shires, minions / shires
    shires = have if arguments["shires"] is None else whole(arguments, "shires", most=have)
    if arguments["neighbourhoods_per_shire"] is not None:
        if arguments["minions_per_shire"] is not None:
            raise InvalidTrace("state minions_per_shire or neighbourhoods_per_shire, not both")
        groups = whole(arguments, "neighbourhoods_per_shire", most=p["neighbourhoods_per_shire"])
        return shires, groups * width / float(p["neighbourhoods_per_shire"])
    return shires, float(width if arguments["minions_per_shire"] is None else whole(arguments, "minions_per_shire", most=width))


def working_set(p: Any, arguments: Mapped, level: str, shires: int, each: float) -> float | None:
    """Bytes of the chip's working set, if stated; refuses what the level cannot hold."""
    total, one = arguments["working_set_bytes"], arguments["working_set_bytes_per_shire"]
    if total is not None and one is not None:
        raise InvalidTrace("state working_set_bytes (chip) or working_set_bytes_per_shire, not both")
    if total is None and one is None:
        return None
    whole_set = number(arguments, "working_set_bytes") if one is None else number(arguments, "working_set_bytes_per_shire") * shires
    fits(p, level, whole_set / shires / (each * float(p["harts_per_minion"]) if level == "l1" else 1.0))
    return in_dram(p, whole_set)


def banks_used(p: Any, lines: float, stride: float) -> int:
    """Banks that loads of `lines` lines, `stride` bytes apart, return to: banks take lines in turn."""
    banks, step = int(p["banks_per_shire"]), int(stride // p["line_bytes"])
    return len({(load * step + line) % banks for load in range(banks) for line in range(int(lines))})


def own_rate(p: Any, arguments: Mapped, each: float, lines: float) -> float:
    """Bytes per cycle of one shire reading its own memory by tensor loads."""
    stride = number(arguments, "stride_bytes", least=1) if arguments["stride_bytes"] is not None else lines * float(p["line_bytes"])
    if stride % p["line_bytes"]:
        raise InvalidTrace(f"stride_bytes must be a multiple of the line's {float(p['line_bytes']):g} B, got {stride:g}")
    return float(bandwidth.own_load(each, lines, banks_used(p, lines, stride), p))


def mesh_rates(p: Any, arguments: Mapped, shires: int, each: float, lines: float, most: float) -> float:
    """Bytes per cycle of `shires` shires reading other shires' scratchpads, at an exact distance or in a ring by ID, all together."""
    if (arguments["hops"] is None) == (arguments["id_offset"] is None):
        raise InvalidTrace("remote_scp needs hops (exact distance) or id_offset (shire s reads shire s + offset), one of them")
    link = float(p["mesh_link_bytes_per_noc_cycle"] * p["noc_clock_hz"] / p["clock_hz"])
    if arguments["hops"] is not None:
        hops = number(arguments, "hops", least=1)
        able = int(shire_map.pairs_at(hops, p))
        if shires > able:
            have = f"{able} of {p['shires']:g} shires have one" if able else "no two shires are so far apart"
            raise InvalidTrace(f"{shires} shires cannot read from a shire {hops:g} hops away: {have}")
        if arguments["contention"]:
            return contended_rate(p, at_distance(p, hops, shires), each, lines, most)
        return float(shires * min(link, bandwidth.remote_load(each, lines, most, hops, p)))
    if arguments["contention"]:
        offset = offset_of(p, arguments, shires)
        return contended_rate(p, [shire_map.offset_source(s, offset, shires) for s in range(shires)], each, lines, most)
    return float(bandwidth.ring_load(offset_of(p, arguments, shires), shires, each, lines, most, link, p))


def lines_of(p: Any, arguments: Mapped, vector: bool) -> float:
    """Lines of one load: a tensor load moves whole lines, at most a tile's rows. Raises `InvalidTrace`."""
    if vector:
        return 1.0
    line = float(p["line_bytes"])
    lines = number(arguments, "bytes_per_load", least=line, most=line * float(p["tile_rows"])) / line
    if lines != int(lines):
        raise InvalidTrace(f"a tensor load moves whole lines: bytes_per_load is a multiple of {line:g}, got {arguments['bytes_per_load']}")
    return lines


def places(p: Any) -> tuple[tuple[float, float], ...]:
    """(column, row) of every shire."""
    return tuple((float(shire_map.shire_column(s, p)), float(shire_map.shire_row(s, p))) for s in range(int(p["shires"])))


def at_distance(p: Any, hops: float, shires: int) -> list[int]:
    """The shire that each shire reads, exactly `hops` away. Raises `InvalidTrace` when two readers a target are not enough."""
    from hwsim.targets.manycore import contention  # noqa: PLC0415  (the cycle loops are loaded only when asked for)

    targets = contention.targets_at(hops, shires, places(p))
    if sum(t >= 0 for t in targets) < shires:
        raise InvalidTrace(f"no {shires} shires can read {hops:g} hops away with at most {contention.MOST_READERS} readers of a target")
    return targets


def contended_rate(p: Any, targets: list[int], each: float, lines: float, most: float) -> float:
    """Bytes per cycle of all shires s that read shire targets[s] (-1: none) at once, packet by packet over the mesh."""
    from hwsim.targets.manycore import contention  # noqa: PLC0415  (as above)

    link = float(p["mesh_link_bytes_per_noc_cycle"] * p["noc_clock_hz"] / p["clock_hz"])
    hops = [float(shire_map.shire_hops(s, t, p)) if t >= 0 else 1.0 for s, t in enumerate(targets)]
    alone = np.array([min(link, bandwidth.remote_load(each, lines, most, h, p)) for h in hops])
    layers = contention.layers_of(float(p["mesh_link_bytes_per_noc_cycle"]), float(p["line_bytes"]))
    window = max(1, round(each * lines / layers))
    cycles = window * layers * float(p["line_bytes"]) / alone * float(p["noc_clock_hz"] / p["clock_hz"])
    return float((alone * contention.shares(targets, list(cycles), window, places(p))).sum())


def contended_l3(p: Any, shires: int, each: float, lines: float) -> float:
    """How many times longer L3 lines take when all shires read at once, packet by packet over the mesh."""
    from hwsim.targets.manycore import refine  # noqa: PLC0415  (as above)

    if lines != p["outstanding_lines"]:
        raise InvalidTrace("contention of L3 readers is modelled for path tensor")
    return refine.stretch(refine.window_of(float(p["l3_cycles"]), each, shires, int(p["shires"]), places(p), p))


def load_rate(p: Any, arguments: Mapped, level: str, readers: tuple[int, float], held: float | None) -> float:
    """Bytes per cycle of all readers."""
    shires, each = readers
    vector = word(arguments, "path", ("tensor", "vector", "vector_through_l1")) != "tensor"
    if level == "l1":
        if not vector:
            raise InvalidTrace("tensor loads bypass L1: level l1 is read with path vector")
        return float(shires * each * bandwidth.l1_rate(whole(arguments, "harts_per_minion", most=p["harts_per_minion"]), p))
    per_load = lines_of(p, arguments, vector)
    if arguments["stride_bytes"] is not None and (level not in ("l2", "own_scp") or vector):
        raise InvalidTrace("stride_bytes is modelled for tensor loads from the own shire's banks only")
    lines = float(p["l1_miss_handlers" if vector else "outstanding_lines"])
    if level in ("l2", "own_scp"):
        return float(shires * (bandwidth.own_vector(each, p) if vector else own_rate(p, arguments, each, per_load)))
    # loads are not waited for: lines of several may fly, but one follows another no faster than in the own shire
    most = float(p["l1_port_bytes_per_cycle"] if vector else bandwidth.own_load(1.0, per_load, float(p["banks_per_shire"]), p))
    if level == "remote_scp":
        return mesh_rates(p, arguments, shires, each, lines, most)
    share = (1.0 if level == "l3" else 0.0) if held is None else hits(held, p)
    rate = float(bandwidth.cached_load(shires, each, lines, most, share, p))
    return rate / contended_l3(p, shires, each, lines) if arguments["contention"] else rate


def store_rate(p: Any, arguments: Mapped, level: str, readers: tuple[int, float]) -> float:
    """Bytes per cycle of all writers. Raises `InvalidTrace` where nothing is known."""
    shires, each = readers
    path = word(arguments, "path", ("tensor", "vector", "vector_through_l1"))
    if level == "l1" and path != "tensor":
        return float(shires * each * bandwidth.l1_rate(whole(arguments, "harts_per_minion", most=p["harts_per_minion"]), p))
    if level == "own_scp" and path == "tensor":
        return float(shires * bandwidth.own_store(each, p))
    if level == "dram" and path != "vector":
        return float(bandwidth.dram_store(shires, each, path == "vector_through_l1", p))
    raise InvalidTrace(
        f"no figure is known for stores to {level} by path {path}: stores are modelled to l1 (vector), own_scp (tensor) and dram "
        "(tensor, vector_through_l1)"
    )


def memory_bandwidth(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Bandwidth of a set of readers or writers: lines in flight over latency, capped by ports, banks, links and DRAM."""
    p = record(chip, mapping)[0]
    level = word(arguments, "level", RATED)
    readers = reader_set(p, arguments)
    held = working_set(p, arguments, level, *readers)
    if flag(arguments, "contention") and (level not in ("remote_scp", "l3") or arguments["access"] == "store"):
        raise InvalidTrace("contention is of lines that cross the mesh to their readers: loads from level remote_scp or l3")
    if level != "remote_scp" and (arguments["hops"] is not None or arguments["id_offset"] is not None):
        raise InvalidTrace(f"hops and id_offset say which other shire is read: level remote_scp, not {level}")
    if word(arguments, "access", ("load", "store")) == "load":
        rate = load_rate(p, arguments, level, readers, held)
    else:
        rate = store_rate(p, arguments, level, readers)
    total = rate * float(p["clock_hz"])
    return {"bandwidth_bytes_per_s": total / readers[0] if word(arguments, "report", ("aggregate", "per_shire")) == "per_shire" else total}


PRIMITIVES = {
    made.name: made
    for made in (
        Primitive(
            "memory_latency", "load-to-use latency of one dependent load", memory_latency,
            {"level": None, "hops": None, "shire": None, "hart": 0, "working_set_bytes": None},
            frozenset({"level", "hops", "shire", "working_set_bytes"}),
        ),
        Primitive(
            "memory_bandwidth", "bandwidth of a set of readers or writers", memory_bandwidth,
            {"level": None, "access": "load", "path": "tensor", "hops": None, "id_offset": None, "minions": None, "shires": None,
             "minions_per_shire": None, "neighbourhoods_per_shire": None, "harts_per_minion": 2, "working_set_bytes": None,
             "working_set_bytes_per_shire": None, "bytes_per_load": 1024, "stride_bytes": None, "report": "aggregate", "contention": False},
            frozenset({"hops", "id_offset", "minions", "shires", "minions_per_shire", "neighbourhoods_per_shire", "working_set_bytes",
                       "working_set_bytes_per_shire", "stride_bytes"}),
        ),
    )
}  # fmt: skip
