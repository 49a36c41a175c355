"""Hold the packet mesh against BookSim 2: latency, throughput and makespans of k x k meshes, ours beside the rows of ``scripts/data``.

    python scripts/referee_booksim.py --k 8 --config vc4 --traffic uniform --rate 0.3
    python scripts/referee_booksim.py --k 8 --config vc1 --pattern transpose --length 16
    python scripts/referee_booksim.py --config vc2s --all                       # every row of a config; without --config, of all

A latency run is BookSim's: three periods of 2000 cycles to warm up, then periods until latency and accepted traffic have changed by less
than 5 % three times running (20 periods in all at most), then on until the measured packets have arrived; it is unstable, and cut, when
the mean latency of arrived packets and of flits under way passes 500 cycles. At a rate that is unstable, accepted is that of BookSim's
throughput run: three periods of 1000 cycles to warm up, three to measure, no limit; accepted_cut is that of the latency run.

--stream booksim (default): one run on the random numbers that BookSim draws with --seed (default 1, that of the rows), so the packets are
the same, and figures differ only where the models do. --stream own: means over runs with seeds 1, 2, ..., each node on its own random
numbers, until the standard error of the mean latency is below 0.3 % (at least 4 runs, at most --seeds); the verdict is that of most runs.
A makespan is that of --length rounds of the pattern (messages of one packet each), all ready at cycle 0; nothing in it is random.
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
from hwsim.engine.packet_mesh import PATTERNS, PacketMesh, RouterConfig, TrafficRun
from hwsim.engine.packet_messages import EXCHANGES, exchange

DATA = Path(__file__).resolve().parent / "data"
VC4, VC1, VC2S = RouterConfig(4, 8, 1, 1, 1), RouterConfig(1, 8, 0, 1, 1), RouterConfig(2, 4, 0, 1, 1, speculative=True)
# name: router, flits of a packet
BOOKSIM_CONFIGS: dict[str, tuple[RouterConfig, int]] = {
    "vc4": (VC4, 1), "vc1": (VC1, 1), "vc2s": (VC2S, 1), "vc4p4": (VC4, 4), "vc1p16": (VC1, 16),
}  # fmt: skip
PERIOD, WARMUP_PERIODS, MAX_PERIODS, CONVERGED, CHANGE, LIMIT = 2000, 3, 20, 3, 0.05, 500.0
THROUGHPUT_CYCLES = 3000
MIN_SEEDS, SEEDS, ERROR = 4, 24, 0.003


@dataclass(frozen=True)
class Point:
    """One offered rate: means over ``seeds`` runs. ``error``: standard error of the latency in cycles, None for a single run."""

    latency_cycles: float
    accepted: float
    accepted_cut: float
    status: str
    stream: str
    seeds: int
    error: float | None


@dataclass(frozen=True)
class Case:
    """A mesh and its traffic: flits per node and cycle in packets of ``flits``; ``shared``: on BookSim's random numbers."""

    mesh: PacketMesh
    traffic: str
    rate: float
    flits: int
    shared: bool = True

    def start(self, seed: int) -> TrafficRun:
        """The run at cycle 0."""
        return self.mesh.start_traffic(self.traffic, self.rate, self.flits, seed, shared_stream=self.shared)


def latency_run(case: Case, seed: int) -> tuple[float, float, bool]:
    """One run as BookSim ends it: mean packet latency in cycles, accepted flits per node and cycle, whether it is stable."""
    run = case.start(seed)
    latency = accepted = 0.0
    start, flits, packets, cycles, quiet = 0, 0, 0, 0, 0
    for period in range(MAX_PERIODS):
        if period == WARMUP_PERIODS - 1:
            start, flits, (packets, cycles) = run.cycle, run.accepted_flits, run.arrived
        if period == WARMUP_PERIODS:
            run.measure()
        run.advance(PERIOD)
        before = latency, accepted
        if period < WARMUP_PERIODS:
            count, total = run.arrived[0] - packets, run.arrived[1] - cycles
            accepted = (run.accepted_flits - flits) / ((run.cycle - start) * case.mesh.nodes)
        else:
            (count, total), accepted = run.measured, run.accepted
        latency = total / max(1, count)
        flying, age = run.in_flight
        if total + age > LIMIT * (count + flying):
            return latency, accepted, False
        settled = abs(latency - before[0]) <= CHANGE * latency and abs(accepted - before[1]) <= CHANGE * accepted
        quiet = quiet + 1 if settled and period >= WARMUP_PERIODS else 0
        if quiet == CONVERGED:
            break
    stable = run.drain(LIMIT)
    return run.mean_latency() if stable else latency, accepted, stable


def throughput_run(case: Case, seed: int) -> float:
    """Accepted flits per node and cycle while the sources' queues may grow."""
    run = case.start(seed)
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


def case_of(k: int, config: str, traffic: str, rate: float, shared: bool = True) -> Case:
    """A case by its names. Raises InvalidMapping for what is unknown or out of range (0 < rate <= 1)."""
    mesh, flits = mesh_of(k, config)
    if not 0 < rate <= 1:
        raise InvalidMapping(f"a rate of {rate} flits per node and cycle is not above 0 and at most 1")
    if traffic not in PATTERNS:
        raise InvalidMapping(f"unknown traffic '{traffic}'{nearest(traffic, PATTERNS)}; known: {', '.join(PATTERNS)}")
    return Case(mesh, traffic, rate, flits, shared)


def booksim_point(case: Case, seed: int) -> Point:
    """Latency and accepted traffic of one run on BookSim's random numbers."""
    latency, accepted, stable = latency_run(case, seed)
    flowing = accepted if stable else throughput_run(case, seed)
    return Point(latency, flowing, accepted, "ok" if stable else "unstable", "booksim", 1, None)


def mean_point(case: Case, seeds: int) -> Point:
    """Latency and accepted traffic over runs on own random numbers."""
    runs: list[tuple[float, float, bool]] = []
    error = 0.0
    while len(runs) < seeds:
        runs.append(latency_run(case, len(runs) + 1))
        latency = [run[0] for run in runs]
        error = float(np.std(latency)) / math.sqrt(max(1, len(runs) - 1))
        if len(runs) >= MIN_SEEDS and (error < ERROR * np.mean(latency) or not any(run[2] for run in runs)):
            break
    stable = 2 * sum(run[2] for run in runs) >= len(runs)
    accepted = float(np.mean([run[1] for run in runs]))
    flowing = accepted if stable else float(np.mean([throughput_run(case, seed) for seed in range(1, MIN_SEEDS + 1)]))
    return Point(float(np.mean(latency)), flowing, accepted, "ok" if stable else "unstable", "own", len(runs), error)


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


def show_rate_row(row: dict[str, str], args: argparse.Namespace) -> str:
    """One rate row of BookSim's beside ours."""
    k, config, traffic, rate = int(row["mesh_k"]), row["config"], row["traffic"], float(row["offered_flits_node_cycle"])
    case = case_of(k, config, traffic, rate, args.stream == "booksim")
    name = f"{config} {k} x {k} {traffic} {rate:g}"
    if row["sim_type"] == "throughput":
        seeds = (args.seed,) if case.shared else range(1, MIN_SEEDS + 1)
        return _show(f"{name} accepted", float(np.mean([throughput_run(case, seed) for seed in seeds])), row["accepted_flit_rate"])
    point = point_of(case, args)
    verdict = point.status if point.status == row["status"] else f"ours {point.status}, BookSim {row['status']}"
    spread = "" if point.error is None else f"  (+- {point.error:.2g}, {point.seeds} runs)"
    if row["status"] == point.status == "unstable":
        return f"{_show(f'{name} accepted when cut', point.accepted_cut, row['accepted_flit_rate'])}  {verdict}"
    return f"{_show(f'{name} cycles', point.latency_cycles, row['pkt_lat'])}  {verdict}{spread}"


def point_of(case: Case, args: argparse.Namespace) -> Point:
    """The figures of a case on the random numbers asked for."""
    return booksim_point(case, args.seed) if case.shared else mean_point(case, args.seeds)


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


def one_rate(args: argparse.Namespace) -> None:
    """Print one rate point, with BookSim's rows if there are any."""
    k, config, traffic, rate = args.k, args.config, args.traffic or "uniform", args.rate
    point = point_of(case_of(k, config, traffic, rate, args.stream == "booksim"), args)
    if args.json:
        print(json.dumps({"k": k, "config": config, "traffic": traffic, "rate": rate, **asdict(point), "makespan_cycles": None}))
        return
    spread = "" if point.error is None else f", {point.seeds} runs, standard error {point.error:.2g} cycles"
    print(f"{config} {k} x {k} {traffic} {rate:g}: {point.status}, stream {point.stream}{spread}")
    same = [r for r in mesh_rows(config) if int(r["mesh_k"]) == k and r["traffic"] == traffic and float(r["offered_flits_node_cycle"]) == rate]
    for row in same or [{"pkt_lat": "", "accepted_flit_rate": "", "status": point.status, "sim_type": "latency"}]:
        if row["sim_type"] == "latency":
            print(_show("latency, cycles" if point.status == "ok" else "latency when cut, cycles", point.latency_cycles, row["pkt_lat"]))
            print(_show("accepted, flits per node and cycle", point.accepted_cut, row["accepted_flit_rate"]))
            if row["status"] != point.status:
                print(f"BookSim: {row['status']}")
        if row["sim_type"] == "throughput" or point.status == "unstable":
            known = row["accepted_flit_rate"] if row["sim_type"] == "throughput" else ""
            print(_show("accepted, queues growing", point.accepted, known))


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


def everything(args: argparse.Namespace) -> None:
    """Print every row of BookSim's, of one config or of all, beside ours."""
    if args.config is not None:
        mesh_of(8, args.config)
    for row in mesh_rows(args.config):
        print(show_rate_row(row, args), flush=True)
    for row in makespan_rows(args.config):
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
    found.add_argument("--stream", choices=("booksim", "own"), default="booksim", help="random numbers of the traffic (default booksim)")
    found.add_argument("--seed", type=int, default=1, help="seed of BookSim's random numbers (default 1)")
    found.add_argument("--seeds", type=int, default=SEEDS, help=f"at most this many runs per rate with --stream own (default {SEEDS})")
    found.add_argument("--all", action="store_true", help="every row of BookSim's results, beside ours (the default without --rate and --pattern)")
    found.add_argument("--json", action="store_true", help="print one JSON object")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 2 for input that cannot be used."""
    args = parser().parse_args(arguments)
    try:
        if args.seeds < 1 or args.seed < 0:
            raise InvalidMapping(f"--seeds {args.seeds} is below 1" if args.seeds < 1 else f"--seed {args.seed} is negative")
        if args.all or (args.rate is None and args.pattern is None):
            if args.json or args.rate is not None or args.pattern is not None or args.traffic is not None or args.length is not None:
                raise InvalidMapping("give --rate or --pattern for one figure; the table of all rows takes --config and the random numbers only")
            everything(args)
            return 0
        if args.rate is not None and args.pattern is not None:
            raise InvalidMapping("give --rate or --pattern, not both")
        if args.config is None:
            raise InvalidMapping(f"--config is missing; known: {', '.join(BOOKSIM_CONFIGS)}")
        if args.rate is not None:
            one_rate(args)
        else:
            one_pattern(args.k, args.config, args.pattern, args.length, args.json)
    except HwsimError as error:
        print(f"referee_booksim: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
