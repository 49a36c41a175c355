"""Spiking networks against dense ones by operations: IIR-SNN, Meta-SpikeFormer, QSD-Transformer, E-3DSNN, SpikeGPT, at rates that claims imply."""

from __future__ import annotations

from dataclasses import replace

import hwsim
from hwsim.claims import Claim, count, of_cases, value, within
from hwsim.core.graph import GraphBuilder

CONVENTION = "0.9 pJ an accumulate, 4.6 pJ a multiply-accumulate, no memory"
RATE = 0.15
META = {(64, 128, 256, 360): 15.1, (96, 192, 384, 480): 31.3, (128, 256, 512, 640): 55.4}  # dims: M parameters
META_MJ = {(64, 128, 256, 360): (4, 16.7), (96, 192, 384, 480): (4, 32.8), (128, 256, 512, 640): (4, 52.4)}  # timesteps, mJ


def joules(network: str, execution: str, mode: str = "published", **options: object) -> float:
    """Joules of an inference by one execution and accounting."""
    graph = hwsim.load_graph(network, **options)
    return hwsim.simulate(graph, hwsim.load_chip("snn-45nm"), {"execution": execution, "energy_mode": mode}, interval=False).energy_j


def _iir() -> list[Claim]:
    source = "IIR-SNN abstract: 25 to 33 times less energy than the dense network at T = 1; rates per layer are not at hand"
    found = []
    ratio = joules("spiking-vgg16", "dense") / joules("spiking-vgg16", "spiking", timesteps=1, rate=RATE)
    found.append(within("IIR-SNN", f"VGG16, T = 1, mean rate {RATE}: joules, dense over spiking", (25.0, 33.0), ratio, "x", tolerance=0.1,
                        source=source, conditional=True,
                        carries=f"a mean rate that the paper does not state: 0.13 to 0.18 give the range; {CONVENTION}"))
    ratio = joules("spiking-vgg16", "dense", "honest") / joules("spiking-vgg16", "spiking", "honest", timesteps=1, rate=RATE)
    found.append(within("IIR-SNN", f"VGG16 at rate {RATE} with memory counted, joules, dense over spiking", (25.0, 33.0), ratio, "x",
                        tolerance=0.1, source=source,
                        carries="weights and potentials in SRAM; a weight read serves once"))  # fmt: skip
    return found


def _meta() -> list[Claim]:
    found = []
    for dims, params in META.items():
        graph = hwsim.load_graph("meta_spikeformer", dims=list(dims))
        name, own = f"dims {dims[0]} to {dims[3]}", graph.meta["parameters"] / 1e6
        found.append(count("Meta-SpikeFormer", f"{name}: parameters", params, own, "M", tolerance=0.03,
                           carries="the layer table", source="Spike-Driven-Transformer-V2@35f245f"))  # fmt: skip
        steps, millijoules = META_MJ[dims]
        low, high = (1e3 * _meta_joules(dims, steps, rate) for rate in (0.2, 0.4))  # joules are linear in the rate
        rate = 0.2 + 0.2 * (millijoules - low) / (high - low)
        found.append(within("Meta-SpikeFormer", f"{name}: mean rate behind {millijoules} mJ, T = {steps}", (0.37, 0.44), rate, "",
                            carries=f"one rate for all layers, merged convolutions; {CONVENTION}", tolerance=0.03, basis="remembered",
                            source="millijoules of the published table, as remembered; the range is what they imply"))  # fmt: skip
    return found


def _meta_joules(dims: tuple[int, ...], steps: int, rate: float) -> float:
    return joules("meta_spikeformer", "spiking", dims=list(dims), timesteps=steps, rate=rate, rep="merged")


def _qsd() -> list[Claim]:
    source = "QSD-Transformer abstract: 6.0x power, 8.1x model size; dims of its code"
    graph = hwsim.load_graph("meta_spikeformer", dims=[128, 256, 512, 640])
    weights = float(graph.meta["parameters"])
    size = count("QSD-Transformer", "size in 32 bits over 4-bit weights", 8.1, 32 * weights / (4 * weights), "x", tolerance=0.1,
                 carries="every parameter in 4 bits", source=source)  # fmt: skip
    chip = hwsim.load_chip("generic-45nm")
    ratio = chip.number("add_fp32_j") / chip.number("add_int8_j")
    needed = within("QSD-Transformer", "additions for each of the prior network's that join 6.0x with the adders' ratio", (1.0, 8.0), ratio / 6.0,
                    "x", conditional=True, source=source,
                    carries="additions of 45 nm, 8 bits for 4; an integer spike stands for up to 8 binary ones, each an addition")  # fmt: skip
    return [size, needed]


def spikegpt(layers: int = 18, d: int = 768, vocabulary: int = 50277) -> tuple[float, float]:
    """(parameters of products and table, MACs a token) of SpikeGPT: four d x d of time mixing; d x 4d, d x d, 4d x d of channel mixing."""
    builder = GraphBuilder("fp32")
    for layer in range(layers):
        for name, (k, n) in {**{f"t{w}": (d, d) for w in "kvro"}, "ck": (d, 4 * d), "cr": (d, d), "cv": (4 * d, d)}.items():
            builder.op("matmul", f"{name}{layer}", [builder.tensor(f"x.{name}{layer}", (1, k), role="input")], m=1, k=k, n=n)
    builder.op("matmul", "head", [builder.tensor("x.head", (1, d), role="input")], m=1, k=d, n=vocabulary)
    graph = builder.graph(trace="spikegpt")
    return graph.macs + vocabulary * d, float(graph.macs)


def _spikegpt() -> list[Claim]:
    params, macs = spikegpt()
    source = "SpikeGPT: 216 M parameters, 20x fewer operations; layers of SpikeGPT@029f86f"
    dense = hwsim.load_graph("gpt2-345m", phase="prefill", prompt=1024).macs / 1024
    note = "sums of spikes after a norm are not binary in the released code, and would be products"
    return [
        count("SpikeGPT", "parameters of the large model", 216.0, params / 1e6, "M", tolerance=0.02,
              carries="the layer table; norms left out", source=source),
        value("SpikeGPT", "operations a token, GPT-2 of 345 M at context 1024 over SpikeGPT at a rate of 0.1", 20.0, dense / (0.1 * macs), "x",
              tolerance=0.3, conditional=True, source=source,
              carries=f"which dense model and rate are meant is not at hand (over its own dense form 20x needs a rate of 0.05); {note}"),
    ]  # fmt: skip


def _e3d() -> list[Claim]:
    counts = {f"e3dsnn-ann-{i}": (f"dense counterpart {i}", "J", "published counts of operations; spiking rates are not at hand") for i in (1, 2, 3)}
    return [replace(claim, kind="count", basis="derived") for claim in of_cases("E-3DSNN", counts)]


def claims() -> list[Claim]:
    """All spiking claims."""
    return [*_iir(), *_meta(), *_qsd(), *_spikegpt(), *_e3d()]
