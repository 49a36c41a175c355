"""Hold the packet mesh against BookSim 2: latency, throughput and makespans of k x k meshes, ours beside the rows of ``scripts/data``.

    python scripts/referee_booksim.py --k 8 --config vc4 --traffic uniform --rate 0.3
    python scripts/referee_booksim.py --k 8 --config vc1 --pattern transpose --length 16
    python scripts/referee_booksim.py --config vc2s --all                       # every row of a config; without --config, of all

A latency run is BookSim's: three periods of 2000 cycles to warm up, then periods until latency and accepted traffic have changed by less
than 5 % three times (ten periods in all at most), then on until the measured packets have arrived; it is unstable when the mean latency
passes 500 cycles. It is repeated with seeds 1, 2, ... until the standard error of the mean is below 0.3 % (at least 4, at most --seeds);
latency_cycles and accepted are means over the seeds, and the verdict is that of most of them. From offered rates that make it unstable,
accepted is measured as in BookSim's throughput runs: three periods of 1000 cycles to warm up, three to measure, no limit on latency.
A makespan is that of --length rounds of the pattern (messages of one packet each), all ready at cycle 0.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hwsim.core.errors import HwsimError, InvalidMapping, nearest
from hwsim.engine.packet_mesh import PATTERNS, PacketMesh, RouterConfig
from hwsim.engine.packet_messages import EXCHANGES, exchange

DATA = Path(__file__).resolve().parent / "data"
VC4, VC1, VC2S = RouterConfig(4, 8, 1, 1, 1), RouterConfig(1, 8, 0, 1, 1), RouterConfig(2, 4, 0, 1, 1, speculative=True)
# name: router, flits of a packet
BOOKSIM_CONFIGS: dict[str, tuple[RouterConfig, int]] = {
    "vc4": (VC4, 1), "vc1": (VC1, 1), "vc2s": (VC2S, 1), "vc4p4": (VC4, 4), "vc1p16": (VC1, 16),
}  # fmt: skip
PERIOD, WARMUP_PERIODS, MAX_PERIODS, CONVERGED, CHANGE, LIMIT = 2000, 3, 10, 3, 0.05, 500.0
THROUGHPUT_CYCLES = 3000
MIN_SEEDS, SEEDS, ERROR = 4, 24, 0.003


@dataclass(frozen=True)
class Point:
    """One offered rate: means over ``seeds`` runs. ``error``: standard error of the latency in cycles."""

    latency_cycles: float
    accepted: float
    status: str
    seeds: int
    error: float


def _quiet(now: float, before: float) -> bool:
    return abs(now - before) <= CHANGE * now


def latency_run(mesh: PacketMesh, traffic: str, rate: float, flits: int, seed: int) -> tuple[float, float, bool]:
    """One run as BookSim ends it: mean packet latency in cycles, accepted flits per node and cycle, whether it is stable."""
    run = mesh.start_traffic(traffic, rate, flits, seed)
    run.advance((WARMUP_PERIODS - 1) * PERIOD)
    (packets, cycles), run_start = run.arrived, run.accepted_flits
    run.advance(PERIOD)
    more, more_cycles = run.arrived
    latency = (more_cycles - cycles) / max(1, more - packets)
    accepted = (run.accepted_flits - run_start) / (PERIOD * mesh.nodes)
    run.measure()
    quiet = 0
    for _ in range(MAX_PERIODS - WARMUP_PERIODS):
        run.advance(PERIOD)
        before = latency, accepted
        latency, accepted = run.mean_latency(), run.accepted
        if run.mean_latency(under_way=True) > LIMIT:
            return latency, accepted, False
        quiet = quiet + 1 if _quiet(latency, before[0]) and _quiet(accepted, before[1]) else 0
        if quiet == CONVERGED:
            break
    stable = run.drain(LIMIT)
    return run.mean_latency(), accepted, stable


def throughput_run(mesh: PacketMesh, traffic: str, rate: float, flits: int, seed: int) -> float:
    """Accepted flits per node and cycle while the sources' queues may grow."""
    run = mesh.start_traffic(traffic, rate, flits, seed)
    run.advance(THROUGHPUT_CYCLES)
    run.measure()
    run.advance(THROUGHPUT_CYCLES)
    return run.accepted


def mesh_of(k: int, config: str) -> tuple[PacketMesh, int]:
    """The k x k mesh of a config and its packets' flits. Raises InvalidMapping for an unknown config or k outside 2..256."""
    if config not in BOOKSIM_CONFIGS:
        raise InvalidMapping(f"unknown config '{config}'{nearest(config, BOOKSIM_CONFIGS)}; known: {', '.join(BOOKSIM_CONFIGS)}")
    if not 2 <= k <= 256:
        raise InvalidMapping(f"k = {k} is not in 2..256")
    router, flits = BOOKSIM_CONFIGS[config]
    return PacketMesh(k, k, router), flits


def rate_point(k: int, config: str, traffic: str, rate: float, seeds: int = SEEDS) -> Point:
    """Latency and accepted traffic at one offered rate (flits per node and cycle, 0 < rate <= 1)."""
    mesh, flits = mesh_of(k, config)
    if not 0 < rate <= 1:
        raise InvalidMapping(f"a rate of {rate} flits per node and cycle is not above 0 and at most 1")
    if traffic not in PATTERNS:
        raise InvalidMapping(f"unknown traffic '{traffic}'{nearest(traffic, PATTERNS)}; known: {', '.join(PATTERNS)}")
    latency: list[float] = []
    accepted: list[float] = []
    stable = 0
    while len(latency) < seeds:
        ours = latency_run(mesh, traffic, rate, flits, len(latency) + 1)
        latency.append(ours[0])
        accepted.append(ours[1])
        stable += ours[2]
        error = float(np.std(latency)) / math.sqrt(max(1, len(latency) - 1))
        if len(latency) >= MIN_SEEDS and (error < ERROR * np.mean(latency) or stable == 0):
            break
    ok = 2 * stable >= len(latency)
    if not ok:
        accepted = [throughput_run(mesh, traffic, rate, flits, seed) for seed in range(1, MIN_SEEDS + 1)]
    return Point(float(np.mean(latency)), float(np.mean(accepted)), "ok" if ok else "unstable", len(latency), error)


def makespan(k: int, config: str, pattern: str, length: int) -> tuple[int, int]:
    """Cycles until the last flit of ``length`` rounds of an exchange has arrived, and the number of flits."""
    mesh, flits = mesh_of(k, config)
    sources, destinations = exchange(pattern, k, k, length)
    return mesh.deliver(sources, destinations, flits).makespan_cycles, len(sources) * flits


def read(name: str) -> list[dict[str, str]]:
    """The rows of a file of BookSim's results."""
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def mesh_rows(config: str | None = None) -> list[dict[str, str]]:
    """BookSim's rate rows, of one config or all."""
    return [row for row in read("booksim_mesh_8x8.csv") if config in (None, row["config"])]


def makespan_rows(config: str | None = None) -> list[dict[str, str]]:
    """BookSim's makespan rows, of one config or all."""
    return [row for row in read("booksim_makespans_8x8.csv") if config in (None, row["config"])]


def _show(name: str, ours: float, theirs: str) -> str:
    error = f"  BookSim {float(theirs):10.6g}  error {100 * (ours / float(theirs) - 1):+7.2f} %" if theirs else ""
    return f"{name:<46} ours {ours:10.6g}{error}"


def show_rate_row(row: dict[str, str], seeds: int) -> str:
    """One rate row of BookSim's beside ours."""
    k, config, traffic, rate = int(row["mesh_k"]), row["config"], row["traffic"], float(row["offered_flits_node_cycle"])
    name = f"{config} {k} x {k} {traffic} {rate:g} {row['sim_type']}"
    if row["sim_type"] == "throughput":
        mesh, flits = mesh_of(k, config)
        ours = float(np.mean([throughput_run(mesh, traffic, rate, flits, seed) for seed in range(1, MIN_SEEDS + 1)]))
        return _show(f"{name}, accepted", ours, row["accepted_flit_rate"])
    point = rate_point(k, config, traffic, rate, seeds)
    if row["status"] == "ok" and point.status == "ok":
        return f"{_show(f'{name}, cycles', point.latency_cycles, row['pkt_lat'])}  (+- {point.error:.2g}, {point.seeds} seeds)"
    return f"{name}: ours {point.status}, BookSim {row['status']}"


def show_makespan_row(row: dict[str, str]) -> str:
    """One makespan row of BookSim's beside ours."""
    pattern, length = split_name(row["pattern"], None)
    ours, _ = makespan(int(row["mesh_k"]), row["config"], pattern, length)
    return _show(f"{row['config']} {row['mesh_k']} x {row['mesh_k']} {row['pattern']}", ours, row["makespan_cycles"])


def split_name(pattern: str, length: int | None) -> tuple[str, int]:
    """A pattern's name without its ``_L<n>``, and the length: ``length``, else that of the name, else 1. Raises InvalidMapping."""
    name, mark, number = pattern.rpartition("_L")
    named = int(number) if mark and number.isascii() and number.isdigit() else None
    pattern = pattern if named is None else name
    if pattern not in EXCHANGES:
        raise InvalidMapping(f"unknown pattern '{pattern}'{nearest(pattern, EXCHANGES)}; known: {', '.join(EXCHANGES)}")
    if named is not None and length is not None and named != length:
        raise InvalidMapping(f"pattern {pattern}_L{named} with --length {length}")
    length = length if length is not None else named if named is not None else 1
    if not 1 <= length <= 100_000:
        raise InvalidMapping(f"a length of {length} is not in 1..100000")
    return pattern, length


def one_rate(k: int, config: str, traffic: str, rate: float, seeds: int, as_json: bool) -> None:
    """Print one rate point, with BookSim's rows if there are any."""
    point = rate_point(k, config, traffic, rate, seeds)
    if as_json:
        print(json.dumps({"k": k, "config": config, "traffic": traffic, "rate": rate, **asdict(point), "makespan_cycles": None}))
        return
    print(f"{config} {k} x {k} {traffic} {rate:g}: {point.status}, {point.seeds} seeds, standard error {point.error:.2g} cycles")
    same = [r for r in mesh_rows(config) if int(r["mesh_k"]) == k and r["traffic"] == traffic and float(r["offered_flits_node_cycle"]) == rate]
    for row in same or [{"pkt_lat": "", "accepted_flit_rate": "", "status": "ok", "sim_type": "latency"}]:
        if row["sim_type"] == "latency":
            print(_show("latency, cycles", point.latency_cycles, row["pkt_lat"] if row["status"] == point.status == "ok" else ""))
        print(_show("accepted, flits per node and cycle", point.accepted, row["accepted_flit_rate"]))
        if row["status"] != point.status and row["sim_type"] == "latency":
            print(f"BookSim: {row['status']}")


def one_pattern(k: int, config: str, name: str, given: int | None, as_json: bool) -> None:
    """Print one makespan, with BookSim's if there is one."""
    pattern, length = split_name(name, given)
    cycles, flits = makespan(k, config, pattern, length)
    if as_json:
        figures = {"latency_cycles": None, "accepted": None, "makespan_cycles": cycles, "status": "ok", "flits": flits}
        print(json.dumps({"k": k, "config": config, "pattern": pattern, "length": length, **figures}))
        return
    same = [r["makespan_cycles"] for r in makespan_rows(config) if int(r["mesh_k"]) == k and r["pattern"] == f"{pattern}_L{length}"]
    print(_show(f"{config} {k} x {k} {pattern}_L{length}", cycles, same[0] if same else ""))


def everything(config: str | None, seeds: int) -> None:
    """Print every row of BookSim's, of one config or of all, beside ours."""
    if config is not None:
        mesh_of(8, config)
    for row in mesh_rows(config):
        print(show_rate_row(row, seeds), flush=True)
    for row in makespan_rows(config):
        print(show_makespan_row(row), flush=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(description="Packet mesh beside BookSim 2.")
    found.add_argument("--k", type=int, default=8, help="the mesh has k x k nodes (default 8)")
    found.add_argument("--config", help=f"router and packets: {', '.join(BOOKSIM_CONFIGS)}")
    found.add_argument("--traffic", help=f"random traffic: {', '.join(PATTERNS)} (default uniform)")
    found.add_argument("--rate", type=float, help="offered flits per node and cycle, up to 1")
    found.add_argument("--pattern", help=f"exchange with a makespan: {', '.join(EXCHANGES)}; _L<n> may follow")
    found.add_argument("--length", type=int, help="rounds of the exchange (default 1)")
    found.add_argument("--seeds", type=int, default=SEEDS, help=f"at most this many runs per rate (default {SEEDS})")
    found.add_argument("--all", action="store_true", help="every row of BookSim's results, beside ours (the default without --rate and --pattern)")
    found.add_argument("--json", action="store_true", help="print one JSON object")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 2 for input that cannot be used."""
    args = parser().parse_args(arguments)
    try:
        if args.seeds < 1:
            raise InvalidMapping(f"--seeds {args.seeds} is below 1")
        if args.all or (args.rate is None and args.pattern is None):
            if args.json or args.rate is not None or args.pattern is not None or args.traffic is not None or args.length is not None:
                raise InvalidMapping("give --rate or --pattern for one figure; the table of all rows takes --config and --seeds only")
            everything(args.config, args.seeds)
            return 0
        if args.rate is not None and args.pattern is not None:
            raise InvalidMapping("give --rate or --pattern, not both")
        if args.config is None:
            raise InvalidMapping(f"--config is missing; known: {', '.join(BOOKSIM_CONFIGS)}")
        if args.rate is not None:
            one_rate(args.k, args.config, args.traffic or "uniform", args.rate, args.seeds, args.json)
        else:
            one_pattern(args.k, args.config, args.pattern, args.length, args.json)
    except HwsimError as error:
        print(f"referee_booksim: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
