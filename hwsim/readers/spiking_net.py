"""Building spiking networks layer by layer: convolutions and products over timesteps, neurons between them, attention of spikes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hwsim.core.errors import InvalidTrace, nearest
from hwsim.core.graph import Graph, GraphBuilder
from hwsim.readers.spikes import LayerSpikes, SpikeFile


@dataclass(frozen=True)
class Activity:
    """Where the rates come from: a list in the order of the layers, a file, one rate for all, or nowhere.

    `attention` are (rate_q, rate_k, rate_v) of every attention in order; `levels` unrolls integer spikes into binary steps.
    """

    rates: tuple[float, ...] | None = None
    attention: tuple[tuple[float, float, float], ...] | None = None
    uniform: float | None = None
    file: SpikeFile | None = None
    levels: int = 1


@dataclass(frozen=True)
class Plane:
    """A feature map: the tensor that holds it, channels, height, width; `spikes` when its values are 0 and 1."""

    tensor: str
    c: int
    h: int
    w: int
    spikes: bool = False

    @property
    def elements(self) -> int:
        """Values of one image in one timestep."""
        return self.c * self.h * self.w


@dataclass
class SpikingNet:
    """Builds a network of T timesteps; counts its parameters (batch norms are folded into weights, their parameters counted)."""

    timesteps: int
    activity: Activity
    batch: int = 1
    dtype: str = "fp32"
    neuron: str = "lif"
    weights: int = 0  # of convolutions and linear layers, biases included
    norms: int = 0  # parameters of normalisations
    graph: GraphBuilder = field(init=False)
    spiking: int = 0  # layers with spikes at their input so far
    attentions: int = 0
    named: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.graph = GraphBuilder(self.dtype)

    def image(self, c: int, h: int, w: int) -> Plane:
        """The real-valued input, the same in every timestep (direct coding)."""
        return Plane(self.graph.tensor("image", (self.batch, c, h, w), role="input"), c, h, w)

    def stage(self, index: int) -> None:
        """Number of the stage that the next operators belong to."""
        self.graph.common["layer"] = index

    def conv(self, name: str, x: Plane, k: int, r: int, stride: int = 1, *, groups: int = 1, norm: bool = True, bias: bool = False) -> Plane:
        """A convolution padded to keep the size at stride 1, and the batch norm behind it."""
        side = [(s + 2 * (r // 2) - r) // stride + 1 for s in (x.h, x.w)]
        window: dict[str, Any] = {"r": r, "s": r, "stride": stride, "pad": r // 2, "groups": groups}
        sizes = {"n": self.batch, "c": x.c, "h": x.h, "w": x.w, "k": k, **window}
        y = self.graph.op("conv2d", name, [x.tensor], label="conv", bias=int(bias), attrs=self._attrs(name, x), **sizes)
        self._count(k * x.c // groups * r * r + k * bias, 2 * k * norm)
        return Plane(y, k, side[0], side[1])

    def linear(self, name: str, x: Plane, n: int, *, bias: bool, norm: bool = True, label: str = "linear", once: bool = False) -> Plane:
        """A product at every position, and the batch norm behind it; `once`: after the mean over time."""
        sizes: dict[str, Any] = {"m": self.batch * x.h * x.w, "k": x.c, "n": n, "bias": int(bias)}
        attrs = {"timesteps": 1, "input_kind": "real"} if once else self._attrs(name, x)
        y = self.graph.op("matmul", name, [x.tensor], label=label, attrs=attrs, **sizes)
        self._count(x.c * n + n * bias, 2 * n * norm)
        return Plane(y, n, x.h, x.w)

    def fire(self, name: str, x: Plane) -> Plane:
        """Neurons: the map becomes spikes."""
        y = self.graph.op("lif", name, [x.tensor], label="neuron", function=self.neuron, neurons=self.batch * x.elements, attrs=self._steps)
        return replace(x, tensor=y, spikes=True)

    def pool(self, name: str, x: Plane, function: str = "max", window: int = 2) -> Plane:
        """A pooling window without overlap; the maximum of spikes is a spike."""
        sizes: dict[str, Any] = {"n": self.batch, "c": x.c, "h": x.h, "w": x.w, "r": window, "s": window, "stride": window}
        y = self.graph.op("pool", name, [x.tensor], label="pool", function=function, attrs=self._steps, **sizes)
        return Plane(y, x.c, x.h // window, x.w // window, x.spikes and function == "max")

    def add(self, name: str, x: Plane, y: Plane) -> Plane:
        """A residual sum; sums of spikes are no spikes."""
        sizes: dict[str, Any] = {"rows": self.batch * x.h * x.w, "cols": x.c, "operands": 2}
        z = self.graph.op("elementwise", name, [x.tensor, y.tensor], label="residual", function="add", attrs=self._steps, **sizes)
        return Plane(z, x.c, x.h, x.w)

    def attend(self, name: str, query: Plane, key: Plane, value: Plane, heads: int) -> Plane:
        """Attention of spikes, k^T v first."""
        if query.c % heads:
            raise InvalidTrace(f"heads {heads} does not divide the {query.c} channels")
        sizes: dict[str, Any] = {"batch": self.batch, "heads": heads, "tokens": query.h * query.w, "head_dim": query.c // heads}
        inputs = [p.tensor for p in (query, key, value)]
        y = self.graph.op("spiking_attention", name, inputs, label="attention", attrs={**self._steps, **self._attention(name)}, **sizes)
        return replace(query, tensor=y, spikes=False)

    def mean(self, name: str, x: Plane) -> Plane:
        """The mean over positions, in every timestep."""
        y = self.graph.op("pool", name, [x.tensor], label="pool", function="average", attrs=self._steps,
                          n=self.batch, c=x.c, h=x.h, w=x.w, r=x.h, s=x.w, stride=max(x.h, x.w))  # fmt: skip
        return Plane(y, x.c, 1, 1)

    def finish(self, extra: int = 0, **meta: Any) -> Graph:
        """Return the graph; `extra` parameters exist that nothing uses. Raises `InvalidTrace` for rates that fit no layer."""
        self._check_rates()
        found = {"parameters": self.weights + self.norms + extra, "parameters_conv_fc": self.weights, "timesteps": self.timesteps}
        return self.graph.graph(trace="", batch=self.batch, dtype=self.dtype, **found, **meta)

    def _count(self, weights: int, norms: int) -> None:
        self.weights += weights
        self.norms += norms

    @property
    def _steps(self) -> dict[str, Any]:
        return {"timesteps": self.timesteps}

    def _attrs(self, name: str, x: Plane) -> dict[str, Any]:
        """Attributes of a layer with weights: its timesteps, and the rate of its input where one is known."""
        self.named.append(name)
        if not x.spikes:
            return {**self._steps, "input_kind": "real"}
        self.spiking += 1
        found = {**self._steps, "input_kind": "spike", **({"spike_levels": self.activity.levels} if self.activity.levels > 1 else {})}
        a = self.activity
        if a.file is not None:
            return {**found, **self._from_file(name, a.file.layers.get(name), self.batch * x.elements, a.file.origin)}
        if a.rates is not None:
            return {**found, "spike_rate": a.rates[self.spiking - 1]} if self.spiking <= len(a.rates) else found
        return found if a.uniform is None else {**found, "spike_rate": a.uniform}

    def _from_file(self, name: str, layer: LayerSpikes | None, inputs: int, origin: str) -> dict[str, Any]:
        if layer is None:
            return {}
        if layer.attention is not None:
            raise InvalidTrace(f"spike file '{origin}': layer '{name}' is no attention: it has one rate")
        if layer.rate is not None:
            return {"spike_rate": layer.rate}
        if len(layer.counts) != self.timesteps:
            raise InvalidTrace(f"spike file '{origin}': layer '{name}' has {len(layer.counts)} timesteps, the network {self.timesteps}")
        most = max(*layer.counts, layer.neurons)
        if most > inputs:
            raise InvalidTrace(f"spike file '{origin}': layer '{name}' has {inputs:,} inputs, the file speaks of {most:,}")
        return {"spike_rate": sum(layer.counts) / (inputs * self.timesteps), "spike_counts": " ".join(str(c) for c in layer.counts)}

    def _attention(self, name: str) -> dict[str, float]:
        self.named.append(name)
        self.attentions += 1
        a = self.activity
        rates: tuple[float, float, float] | None = None
        if a.file is not None:
            layer = a.file.layers.get(name)
            if layer is not None and layer.attention is None:
                raise InvalidTrace(f"spike file '{a.file.origin}': attention '{name}' has three rates: q, k and v")
            rates = layer.attention if layer is not None else None
        elif a.attention is not None:
            rates = a.attention[self.attentions - 1] if self.attentions <= len(a.attention) else None
        elif a.uniform is not None:
            rates = (a.uniform,) * 3
        return dict(zip(("rate_q", "rate_k", "rate_v"), rates, strict=True)) if rates is not None else {}

    def _check_rates(self) -> None:
        a = self.activity
        if a.rates is not None and len(a.rates) != self.spiking:
            raise InvalidTrace(f"layer_rates holds {len(a.rates)} rates; {self.spiking} layers have spikes at their input")
        if a.attention is not None and len(a.attention) != self.attentions:
            raise InvalidTrace(f"qkv_rates holds {len(a.attention)} triples; there are {self.attentions} attentions")
        for name in self._strangers():
            raise InvalidTrace(f"spike file '{a.file.origin if a.file else ''}': the network has no layer '{name}'{nearest(name, self.named)}")

    def _strangers(self) -> Iterator[str]:
        layers: Mapping[str, LayerSpikes] = self.activity.file.layers if self.activity.file is not None else {}
        yield from (name for name in layers if name not in self.named)
