"""Spiking networks against dense ones by operations: IIR-SNN, Meta-SpikeFormer, QSD-Transformer, E-3DSNN, SpikeGPT, at rates that claims imply."""

from __future__ import annotations

import hwsim
from hwsim.claims import Claim, of_cases, value, within
from hwsim.core.graph import GraphBuilder

CONVENTION = "0.9 pJ an accumulate, 4.6 pJ a multiply-accumulate, no memory"
RATES = (0.13, 0.15, 0.17)
META = {(64, 128, 256, 360): 15.1, (96, 192, 384, 480): 31.3, (128, 256, 512, 640): 55.4}  # dims: M parameters
META_MJ = {(64, 128, 256, 360): (4, 16.7), (96, 192, 384, 480): (4, 32.8), (128, 256, 512, 640): (4, 52.4)}  # timesteps, mJ


def joules(network: str, execution: str, mode: str = "published", **options: object) -> float:
    """Joules of an inference by one execution and accounting."""
    graph = hwsim.load_graph(network, **options)
    return hwsim.simulate(graph, hwsim.load_chip("snn-45nm"), {"execution": execution, "energy_mode": mode}, interval=False).energy_j


def _iir() -> list[Claim]:
    source = "IIR-SNN abstract: 25 to 33 times less energy than the dense network at T = 1; rates per layer are not at hand"
    found = []
    for rate in RATES:
        ratio = joules("spiking-vgg16", "dense") / joules("spiking-vgg16", "spiking", timesteps=1, rate=rate)
        found.append(within("IIR-SNN", f"VGG16, T = 1, mean rate {rate}: joules, dense over spiking", (25.0, 33.0), ratio, "x", tolerance=0.1,
                            carries=f"the rate that the claim implies (0.13 to 0.18); {CONVENTION}", source=source))  # fmt: skip
    ratio = joules("spiking-vgg16", "dense", "honest") / joules("spiking-vgg16", "spiking", "honest", timesteps=1, rate=0.15)
    found.append(within("IIR-SNN", "the same at rate 0.15 with memory counted", (25.0, 33.0), ratio, "x", tolerance=0.1, source=source,
                        carries="weights and potentials in SRAM; a weight read serves once"))  # fmt: skip
    return found


def _meta() -> list[Claim]:
    found = []
    for dims, params in META.items():
        graph = hwsim.load_graph("meta_spikeformer", dims=list(dims))
        name, own = f"dims {dims[0]} to {dims[3]}", graph.meta["parameters"] / 1e6
        found.append(value("Meta-SpikeFormer", f"{name}: parameters", params, own, "M", tolerance=0.03,
                           carries="the layer table", source="Spike-Driven-Transformer-V2@35f245f"))  # fmt: skip
        steps, millijoules = META_MJ[dims]
        low, high = (1e3 * _meta_joules(dims, steps, rate) for rate in (0.2, 0.4))  # joules are linear in the rate
        rate = 0.2 + 0.2 * (millijoules - low) / (high - low)
        found.append(within("Meta-SpikeFormer", f"{name}: mean rate behind {millijoules} mJ, T = {steps}", (0.37, 0.44), rate, "",
                            carries=f"one rate for all layers, merged convolutions; {CONVENTION}", tolerance=0.03,
                            source="published table, as remembered; rates that it implies, derived"))  # fmt: skip
    return found


def _meta_joules(dims: tuple[int, ...], steps: int, rate: float) -> float:
    return joules("meta_spikeformer", "spiking", dims=list(dims), timesteps=steps, rate=rate, rep="merged")


def _qsd() -> list[Claim]:
    source = "QSD-Transformer abstract: 6.0x power, 8.1x model size; dims of its code"
    graph = hwsim.load_graph("meta_spikeformer", dims=[128, 256, 512, 640])
    weights = float(graph.meta["parameters"])
    size = value("QSD-Transformer", "size in 32 bits over 4-bit weights", 8.1, 32 * weights / (4 * weights), "x", tolerance=0.1,
                 carries="every parameter in 4 bits", source=source)  # fmt: skip
    chip = hwsim.load_chip("generic-45nm")
    wide, narrow = (hwsim.primitive("multiply_energy", chip, {"form": "dot_product", "dtype": d})["energy_j"] for d in ("fp32", "int8"))
    power = value("QSD-Transformer", "joules an operation, fp32 over integers (8 bits stand for 4)", 6.0, wide / narrow, "x", tolerance=0.3,
                  carries="equal rates and operations; a multiply-accumulate stands for an accumulate", source=source)  # fmt: skip
    return [size, power]


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
    return [
        value("SpikeGPT", "parameters of the large model", 216.0, params / 1e6, "M", tolerance=0.02,
              carries="the layer table; norms left out", source=source),
        value("SpikeGPT", "operations a token at a rate of 0.1, dense over spiking", 20.0, macs / (0.1 * macs), "x", tolerance=0.3,
              carries="the residual stream is binary (in the released code sums of spikes after a norm are not)", source=source),
        value("SpikeGPT", "the same against GPT-2 of 345 M at context 1024", 20.0, dense / (0.1 * macs), "x", tolerance=0.3,
              carries="which dense model is meant: its table is not at hand", source=source),
    ]  # fmt: skip


def _e3d() -> list[Claim]:
    counts = {f"e3dsnn-ann-{i}": (f"dense counterpart {i}", "J", "published counts of operations; spiking rates are not at hand") for i in (1, 2, 3)}
    return of_cases("E-3DSNN", counts)


def claims() -> list[Claim]:
    """All spiking claims."""
    return [*_iir(), *_meta(), *_qsd(), *_spikegpt(), *_e3d()]
