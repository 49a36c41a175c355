"""VoVNet: one-shot aggregation moves less than dense aggregation, in fewer kernels: time, throughput, joules against DenseNet."""

from __future__ import annotations

from functools import cache

import hwsim
from hwsim.claims import Claim, sign, value, within
from hwsim.core.op import Op
from hwsim.core.report import Report

PAPER = "VoVNet"
TITAN_MS = {"resnet50": 12, "densenet201": 39, "vovnet39a": 10, "resnet101": 20, "densenet161": 27, "vovnet57a": 13}
IMAGES = {  # images/s, fp16 mixed precision
    "rtx-3090": {"resnet50": 3730, "densenet201": 1924, "vovnet39a": 3394, "resnet101": 2288, "densenet161": 1401, "vovnet57a": 2824},
    "rtx-4090": {"resnet50": 4218, "densenet201": 2317, "vovnet39a": 4329, "resnet101": 2737, "densenet161": 1807, "vovnet57a": 3706},
}
LAYOUT = {"rtx-3090": "nhwc", "rtx-4090": "nchw"}
REPOSITORY = "VoVNet.pytorch: Titan X Pascal, PyTorch 1.0, cuDNN 7.3"
TIMM = "timm results, PyTorch 2.4, fp16 AMP, batch 1024"


@cache
def single(name: str, size: int = 224) -> Report:
    """One image on Titan X Pascal, one framework call per operator."""
    graph = hwsim.load_graph(name, dtype="fp32", input=(size, size))
    return hwsim.simulate(graph, hwsim.load_chip("titan-x-pascal"), {"dispatch": "eager", "library": "cuda-10.1"}, interval=False)


@cache
def rate(name: str, chip: str) -> float:
    """Images a second of large batches in mixed precision."""
    graph = hwsim.load_graph(name, batch=512, dtype="fp16")
    mapping = {"system": "pytorch", "layout": LAYOUT[chip]}
    return hwsim.simulate(graph, hwsim.load_chip(chip), mapping, interval=False).metric("inferences_per_s")


def access_cost(op: Op) -> float:
    """Elements that a convolution reads, writes and holds: h w (c_in + c_out) + weights, at the output's size as the papers count it."""
    if op.kind != "conv2d":
        return 0.0
    b = op.bounds
    high, wide = (b["h"] + 2 * b["pad"] - b["r"]) // b["stride"] + 1, (b["w"] + 2 * b["pad"] - b["s"]) // b["stride"] + 1
    return float(high * wide * (b["c"] + b["k"]) + b["k"] * b["c"] // b["groups"] * b["r"] * b["s"])


def claims() -> list[Claim]:
    """Memory access cost, Titan X latencies, throughput ratios, energy."""
    found = []
    cost = {name: sum(access_cost(op) for op in hwsim.load_graph(name, dtype="fp32").ops) for name in TITAN_MS}
    for ours, other, published in (("vovnet39a", "densenet201", 49.7 / 37.5), ("vovnet57a", "densenet161", 65.6 / 53.8)):
        found.append(sign(PAPER, f"memory access cost of convolutions, {other} over {ours}", published, cost[other] / cost[ours], tolerance=0.05,
                          kind="count", basis="derived", carries="the layer tables alone",
                          source="derived from the published layer tables"))  # fmt: skip
    for name, published in TITAN_MS.items():
        found.append(value(PAPER, f"{name}: one image on Titan X Pascal", published, 1e3 * single(name).latency_s, "ms", tolerance=0.25,
                           carries="a batch of one (not stated) and one blocking framework call per operator", source=REPOSITORY))  # fmt: skip
    for chip, rates in IMAGES.items():
        for ours, other in (("vovnet39a", "densenet201"), ("vovnet57a", "densenet161"), ("vovnet39a", "resnet50"), ("vovnet57a", "resnet101")):
            ratio = rate(ours, chip) / rate(other, chip)
            found.append(sign(PAPER, f"{ours} over {other}, images/s on {chip}", rates[ours] / rates[other], ratio, tolerance=0.2,
                              carries="bytes of unfused passes over DRAM bandwidth", source=TIMM))  # fmt: skip
    found.append(_grouped())
    for ours, other in (("vovnet39a", "densenet201"), ("vovnet57a", "densenet161")):
        own, dense = single(ours, 320), single(other, 320)
        text = f"backbones at 320 px, one image on Titan X, {other} over {ours}"
        found.append(within(PAPER, f"{text}: joules (published for detectors)", (1.6, 4.1), dense.energy_j / own.energy_j, "x", source="abstract",
                            carries="idle power of the board over the time that calls take; the detector's head is left out"))  # fmt: skip
        found.append(value(PAPER, f"{text}: time (2x published for detectors)", 2.0, dense.latency_s / own.latency_s, "x", tolerance=0.3,
                           carries="the detector's head and its post-processing, which both share, are left out", source="abstract"))  # fmt: skip
    return found


def _grouped() -> Claim:
    ratio = rate("resnext50-32x4d", "rtx-3090") / rate("resnet50", "rtx-3090")
    return sign(PAPER, "resnext50-32x4d over resnet50, images/s on rtx-3090", 0.84, ratio, tolerance=0.15, source=TIMM,
                carries="grouped kernels whose tiles of 32 outputs narrow groups pad")  # fmt: skip
