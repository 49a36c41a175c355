"""FemtoDet: parameters and multiply-accumulates of a detector for phones, its frame rate, watts and joules on the cores of a Snapdragon 865.

The abstract states 64.47 frames a second at 1.11 W "on Snapdragon 865 CPU": no core, no number of threads, no runtime, no number format.
The first rows are the defaults (fp32 on the fastest core, an interpreter's calls); the last ones try every reading.
"""

from __future__ import annotations

import hwsim
from claims.pruning import weights
from hwsim.claims import Claim, count, region, value
from hwsim.core.graph import Graph
from hwsim.core.report import Report

PAPER = "FemtoDet"
SOURCE = "FemtoDet@2073227, width 0.25, 416 x 416"
ABSTRACT = "abstract: 1.11 W, 64.47 FPS on Snapdragon 865 CPU"
GATES = 13  # one a block, while training
FPS, WATTS = 64.47, 1.11
TOLERANCE = 0.5
CARRIES = "fp32 on the prime core alone, an interpreter's calls; watts of a busy core and lanes' use of thin channels are assumed"
CORES = (("prime", 1), ("big", 1), ("big", 3), ("little", 1), ("little", 4), ("all", 4), ("all", 8))
RUNTIMES = ("compiled", "interpreter", "framework")
SCOPES = ("board", "above_idle")


def femtodet(size: int = 416) -> Graph:
    """One image, batch norms folded as at inference."""
    return hwsim.load_graph("femtodet", input=[size, size], dtype="fp32")


def second_norms(graph: Graph) -> int:
    """Parameters of the second batch norm that every depthwise layer of the backbone carries while training (folded at inference)."""
    depthwise = [op for op in graph.ops if op.kind == "conv2d" and op["groups"] == op["c"] and op["r"] == 3]
    return sum(2 * op["c"] for op in depthwise[:-1])  # the last is the neck's


def run(**mapping: str | int) -> Report:
    """One frame."""
    return hwsim.simulate(femtodet(), hwsim.load_chip("snapdragon-865"), mapping, interval=False)


def above_idle() -> float:
    """Watts that frames add to an idle RTX 3090."""
    frame = hwsim.simulate(femtodet(), hwsim.load_chip("rtx-3090"), {"system": "pytorch"}, interval=False)
    return frame.cost.dynamic_j / frame.latency_s


def readings() -> list[Report]:
    """A frame under every reading of the abstract."""
    return [run(cores=c, threads=t, runtime=r, power_scope=s) for c, t in CORES for r in RUNTIMES for s in SCOPES]


def near(report: Report) -> bool:
    """Whether both published figures lie within the tolerance."""
    rate, watts = 1 / report.latency_s, report.power_w
    return abs(rate / FPS - 1) <= TOLERANCE and abs(watts / WATTS - 1) <= TOLERANCE


def claims() -> list[Claim]:
    """Counts of the graph, and its frames, watts and joules."""
    graph, frame, tried = femtodet(), run(), readings()
    trained = weights(graph) + second_norms(graph) + GATES
    return [
        count(PAPER, "parameters", 68770, trained, "", tolerance=0.001, carries="a second batch norm and a gate a block, while training",
              source=SOURCE),
        count(PAPER, "multiply-accumulates of a frame of 416 px", 71.7, graph.macs / 1e6, "M", tolerance=0.03, carries="the layer table",
              source=f"derived from the layer table; {SOURCE}", basis="derived"),
        value(PAPER, "frames a second on Snapdragon 865", FPS, 1 / frame.latency_s, "1/s", tolerance=TOLERANCE, carries=CARRIES, source=ABSTRACT),
        value(PAPER, "power on Snapdragon 865", WATTS, frame.power_w, "W", tolerance=TOLERANCE, carries=CARRIES, source=ABSTRACT),
        value(PAPER, "energy of a frame on Snapdragon 865", 17.2, frame.energy_j * 1e3, "mJ", tolerance=TOLERANCE, carries=CARRIES,
              source=f"1.11 W over 64.47 FPS; {ABSTRACT}", basis="derived"),
        value(PAPER, "power on RTX 3090, above the idle board", 7.83, above_idle(), "W", tolerance=TOLERANCE, conditional=True,
              carries="that it is above idle, which is not stated (with it: 89 W); a framework's calls, prepared while the GPU works",
              source="abstract, first version: 7.83 W on RTX 3090"),
        region(PAPER, "readings of the abstract (cores, threads, runtime, idle counted or not) with both figures within 50 %",
               sum(map(near, tried)), carries="the same constants under every reading", source=ABSTRACT, tried=len(tried)),
    ]  # fmt: skip
