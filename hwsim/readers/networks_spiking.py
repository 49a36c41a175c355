"""Spiking networks by name: Spikingformer, Meta-SpikeFormer (Spike-driven Transformer V2), VGG.

Sources: zhouchenlin2096/Spikingformer@4378623 (imagenet/), BICLab/Spike-Driven-Transformer-V2@35f245f (classification/models.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from hwsim.core.dtype import dtype as number_format
from hwsim.core.errors import InvalidTrace, nearest
from hwsim.core.graph import Graph
from hwsim.core.resources import shipped
from hwsim.readers.spikes import read_spikes
from hwsim.readers.spiking_net import Activity, Plane, SpikingNet

RATES = ("layer_rates", "qkv_rates", "rate", "spikes", "levels")  # where firing rates come from
COMMON = ("timesteps", "image", "classes", "batch", "dtype", "neuron", *RATES)
LARGEST = 4096
META_DEPTHS = (6, 2)  # attention blocks of the third and fourth stage
META_HEADS = 8
VGG: Mapping[str, tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]] = {  # channels by stage, widths of the hidden linear layers
    "spiking-vgg9": (((64, 64), (128, 128), (256, 256, 256)), (1024,)),
    "spiking-vgg11": (((64,), (128,), (256, 256), (512, 512), (512, 512)), (4096, 4096)),
    "spiking-vgg16": (((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3), (4096, 4096)),
}


@dataclass(frozen=True)
class SpikingNetwork:
    """A network: its generator (net, options -> graph) and its options with their defaults, beyond those of all."""

    build: Callable[[SpikingNet, Mapping[str, Any]], Graph]
    default: Mapping[str, Any]


def spikingformer(net: SpikingNet, o: Mapping[str, Any]) -> Graph:
    """Patch embedding by five 3 x 3 convolutions, then blocks of spike attention and a feed-forward pair on 1/16 of the size.

    `residual: pre` keeps every layer's input binary (a neuron in front of every layer); `add` adds spikes, as Spikformer does, so that q, k, v
    and fc1 read sums: their input is real-valued.
    """
    e, image = o["embed_dims"], o["image"]
    if e % 8 or image % 16:
        raise InvalidTrace(f"embed_dims must be a multiple of 8 and image one of 16, got {e} and {image}")
    net.stage(0)
    x = net.conv("patch0", net.image(3, image, image), e // 8, 3)
    for i, k in enumerate((e // 4, e // 2, e, e), start=1):
        x = net.conv(f"patch{i}", net.fire(f"patch{i}.neuron", net.pool(f"patch{i}.pool", x)), k, 3)
    if o["residual"] == "add":
        x = net.fire("patch5.neuron", x)
    for block in range(o["depth"]):
        net.stage(block + 1)
        x = _block(net, f"b{block}", x, o["heads"], o["residual"] == "pre")
    net.stage(o["depth"] + 1)
    x = net.mean("head.mean", net.fire("head.neuron", x) if o["residual"] == "pre" else x)
    net.linear("head", x, o["classes"], bias=True, norm=False, label="head", once=True)
    return net.finish(extra=4 * e * o["depth"])  # two layer norms a block that nothing uses


def _block(net: SpikingNet, name: str, x: Plane, heads: int, pre: bool) -> Plane:
    """Attention and a feed-forward pair, each with a residual sum."""

    def before(what: str, plane: Plane) -> Plane:
        return net.fire(f"{name}.{what}.neuron", plane) if pre else plane

    def after(what: str, plane: Plane) -> Plane:
        return plane if pre else net.fire(f"{name}.{what}.neuron", plane)

    y = before("qkv", x)
    q, k, v = (net.fire(f"{name}.{w}.out.neuron", net.linear(f"{name}.{w}", y, x.c, bias=False)) for w in "qkv")
    y = net.fire(f"{name}.attention.neuron", net.attend(f"{name}.attention", q, k, v, heads))
    x = net.add(f"{name}.add1", x, after("proj", net.linear(f"{name}.proj", y, x.c, bias=True)))
    y = net.linear(f"{name}.fc1", before("fc1", x), 4 * x.c, bias=True)
    y = net.linear(f"{name}.fc2", net.fire(f"{name}.fc2.neuron" if pre else f"{name}.fc1.neuron", y), x.c, bias=True)
    return net.add(f"{name}.add2", x, after("fc2", y))


def meta_spikeformer(net: SpikingNet, o: Mapping[str, Any]) -> Graph:
    """Four stages: convolution blocks in the first two, attention blocks with re-parameterised convolutions in the last two."""
    d0, d1, d2, d3 = o["dims"]
    if d0 % 2 or d2 % META_HEADS or d3 % META_HEADS or o["image"] % 16:
        raise InvalidTrace(f"dims must be even, the last two multiples of {META_HEADS}, image a multiple of 16; got {o['dims']}, {o['image']}")
    net.stage(0)
    x = _conv_block(net, "block1_1", net.conv("down1_1", net.image(3, o["image"], o["image"]), d0 // 2, 7, 2))
    x = _conv_block(net, "block1_2", _down(net, "down1_2", x, d0, 2))
    net.stage(1)
    x = _down(net, "down2", x, d1, 2)
    for i in (1, 2):
        x = _conv_block(net, f"block2_{i}", x)
    for stage, (dim, stride, depth) in enumerate(((d2, 2, META_DEPTHS[0]), (d3, 1, META_DEPTHS[1])), start=3):
        net.stage(stage - 1)
        x = _down(net, f"down{stage}", x, dim, stride)
        for i in range(depth):
            x = _attention_block(net, f"block{stage}_{i + 1}", x, o["rep"] == "merged")
    net.stage(4)
    x = net.mean("head.mean", net.fire("head.neuron", x))
    net.linear("head", x, o["classes"], bias=True, norm=False, label="head", once=True)
    return net.finish()


def _down(net: SpikingNet, name: str, x: Plane, k: int, stride: int) -> Plane:
    return net.conv(name, net.fire(f"{name}.neuron", x), k, 3, stride)


def _conv_block(net: SpikingNet, name: str, x: Plane) -> Plane:
    """1 x 1 to 2d, depthwise 7 x 7, 1 x 1 back; then 3 x 3 to 4d and back; each half with a residual sum."""
    y = net.conv(f"{name}.pw1", net.fire(f"{name}.pw1.neuron", x), 2 * x.c, 1)
    y = net.conv(f"{name}.dw", net.fire(f"{name}.dw.neuron", y), 2 * x.c, 7, groups=2 * x.c, norm=False)
    x = net.add(f"{name}.add1", x, net.conv(f"{name}.pw2", _as_spikes(y), x.c, 1))
    y = net.conv(f"{name}.conv1", net.fire(f"{name}.conv1.neuron", x), 4 * x.c, 3)
    return net.add(f"{name}.add2", x, net.conv(f"{name}.conv2", net.fire(f"{name}.conv2.neuron", y), x.c, 3))


def _as_spikes(x: Plane) -> Plane:
    """The input of a layer that directly follows another one: merged with it at inference, its input rate is the merged one's."""
    return Plane(x.tensor, x.c, x.h, x.w, spikes=True)


def _rep_conv(net: SpikingNet, name: str, x: Plane, merged: bool) -> Plane:
    """1 x 1, depthwise 3 x 3, 1 x 1 in a row while training; one 3 x 3 once merged. Two more batch norms inside while training."""
    if merged:
        return net.conv(name, x, x.c, 3)
    y = net.conv(f"{name}.pw1", x, x.c, 1)
    y = net.conv(f"{name}.dw", _as_spikes(y), x.c, 3, groups=x.c, norm=False)
    net.norms += 2 * x.c
    return net.conv(f"{name}.pw2", _as_spikes(y), x.c, 1)


def _attention_block(net: SpikingNet, name: str, x: Plane, merged: bool) -> Plane:
    y = net.fire(f"{name}.qkv.neuron", x)
    q, k, v = (net.fire(f"{name}.{w}.out.neuron", _rep_conv(net, f"{name}.{w}", y, merged)) for w in "qkv")
    y = net.fire(f"{name}.attention.neuron", net.attend(f"{name}.attention", q, k, v, META_HEADS))
    x = net.add(f"{name}.add1", x, _rep_conv(net, f"{name}.proj", y, merged))
    y = net.conv(f"{name}.fc1", net.fire(f"{name}.fc1.neuron", x), 4 * x.c, 1)
    return net.add(f"{name}.add2", x, net.conv(f"{name}.fc2", net.fire(f"{name}.fc2.neuron", y), x.c, 1))


def vgg(net: SpikingNet, o: Mapping[str, Any], stages: tuple[tuple[int, ...], ...], hidden: tuple[int, ...]) -> Graph:
    """3 x 3 convolutions with batch norm, neurons behind every one, pooled by the maximum; the last layer adds up over time."""
    if o["image"] % (1 << len(stages)):
        raise InvalidTrace(f"image must be a multiple of {1 << len(stages)}, got {o['image']}")
    x, at = net.image(3, o["image"], o["image"]), 0
    for i, channels in enumerate(stages):
        net.stage(i)
        for k in channels:
            x = net.fire(f"neuron{at}", net.conv(f"conv{at}", x, k, 3))
            at += 1
        x = net.pool(f"pool{i}", x)
    net.stage(len(stages))
    x = Plane(x.tensor, x.elements, 1, 1, x.spikes)
    for i, n in enumerate(hidden):
        x = net.fire(f"fc{i}.neuron", net.linear(f"fc{i}", x, n, bias=False, norm=False))
    net.linear("head", x, o["classes"], bias=True, norm=False, label="head")
    return net.finish()


_CIFAR = {"image": 32, "classes": 10}
NETWORKS: dict[str, SpikingNetwork] = {
    "spikingformer": SpikingNetwork(spikingformer, {"embed_dims": 512, "depth": 8, "heads": None, "residual": "pre"}),
    "meta_spikeformer": SpikingNetwork(meta_spikeformer, {"dims": (64, 128, 256, 360), "rep": "train"}),
    **{name: SpikingNetwork(partial(vgg, stages=stages, hidden=hidden), _CIFAR) for name, (stages, hidden) in VGG.items()},
}
PRESETS: Mapping[str, tuple[str, Mapping[str, Any]]] = {  # with the rates that their authors logged
    "spikingformer-8-512": ("spikingformer", {"embed_dims": 512, "depth": 8, "heads": 8, "timesteps": 4}),
}
SPIKING_NAMES = (*NETWORKS, *PRESETS)
HEADS = {512: 8, 768: 12}  # head_dim 64 in both
WORDS = {"residual": ("pre", "add"), "rep": ("train", "merged"), "neuron": ("lif", "if")}


def is_spiking(name: str) -> bool:
    """Tell whether `name` is a spiking network's."""
    return name in SPIKING_NAMES


def read_spiking(name: str, **options: Any) -> Graph:
    """Return the graph of one inference of a spiking network, all timesteps in the attributes of its operators.

    `timesteps` (default 4), `image` (height and width), `classes`, `batch`, `dtype` (default fp32), `neuron` (lif, if); rates by one of
    `layer_rates` (every layer with spikes at its input, in order) with `qkv_rates` (rate_q, rate_k, rate_v of every attention), `spikes` (a spike
    file, see `hwsim.readers.spikes`), or `rate` (one for all); `levels` unrolls integer spikes. Further ones are the network's own. Without rates
    the graph has none: operations can be counted, energies of spiking layers cannot. Raises `InvalidTrace`.

    >>> read_spiking("spikingformer", embed_dims=512, depth=8, heads=8).meta["parameters"]
    29705768
    """
    given = dict(options)
    base = name
    if name in PRESETS:
        base, preset = PRESETS[name]
        if clash := [key for key in given if key in preset]:
            raise InvalidTrace(f"trace '{name}' has a fixed {clash[0]}; '{base}' lets you choose it")
        rated = {} if any(key in given for key in ("layer_rates", "rate", "spikes")) else {"spikes": str(shipped("traces") / name / "spikes.yaml")}
        given = {**preset, **rated, **given}
    network = NETWORKS[base]
    known = (*COMMON, *network.default)
    if unknown := [key for key in given if key not in known]:
        raise InvalidTrace(f"trace '{name}' has no option '{unknown[0]}'{nearest(unknown[0], known)}; it has {', '.join(known)}")
    merged = {"timesteps": 4, "image": 224, "classes": 1000, "batch": 1, "dtype": "fp32", "neuron": "lif", **network.default, **given}
    try:
        asked = _checked(merged)
        if base == "spikingformer" and asked["heads"] is None:
            asked["heads"] = HEADS.get(asked["embed_dims"], 8)
        net = SpikingNet(asked["timesteps"], _activity(asked), asked["batch"], number_format(str(asked["dtype"])).name, asked["neuron"])
        stated = {key: list(v) if isinstance(v, tuple) else v for key, v in asked.items() if key in ("image", "classes", *network.default)}
        return network.build(net, asked).with_meta(trace=name, **stated)
    except InvalidTrace as bad:
        raise InvalidTrace(f"trace '{name}': {bad.problem}", location=bad.location) from None


def _checked(options: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(options)
    for key in ("timesteps", "image", "classes", "batch", "embed_dims", "depth", "heads", "levels"):
        value = found.get(key)
        if value is not None and (type(value) is not int or value < 1 or (key == "image" and value > LARGEST)):
            raise InvalidTrace(f"{key} must be a positive whole number, got {value!r}")
    for key, words in WORDS.items():
        if key in found and found[key] not in words:
            raise InvalidTrace(f"{key} is one of {', '.join(words)}, got {found[key]!r}{nearest(str(found[key]), words)}")
    dims = found.get("dims")
    if dims is not None and (not isinstance(dims, list | tuple) or len(dims) != 4 or any(type(d) is not int or d < 1 for d in dims)):
        raise InvalidTrace(f"dims is a list of four channel counts, got {dims!r}")
    return found


def _activity(options: Mapping[str, Any]) -> Activity:
    """Read where the rates come from. Raises `InvalidTrace` for several sources at once, or a rate outside 0..1."""
    if len(given := [key for key in ("layer_rates", "rate", "spikes") if key in options]) > 1:
        raise InvalidTrace(f"rates come from one of layer_rates, rate and spikes, got {' and '.join(given)}")
    if "qkv_rates" in options and "layer_rates" not in options and given:
        raise InvalidTrace(f"qkv_rates go with layer_rates, not with {given[0]}")
    rates = _list("layer_rates", options)
    triples = _list("qkv_rates", options)
    if triples is not None and any(not isinstance(t, list | tuple) or len(t) != 3 for t in triples):
        raise InvalidTrace("qkv_rates is a list of [rate_q, rate_k, rate_v]")
    return Activity(
        None if rates is None else tuple(_rate("layer_rates", r) for r in rates),
        None if triples is None else tuple((_rate("qkv_rates", q), _rate("qkv_rates", k), _rate("qkv_rates", v)) for q, k, v in triples),
        _rate("rate", options["rate"]) if "rate" in options else None,
        read_spikes(options["spikes"]) if "spikes" in options else None,
        options.get("levels") or 1,
    )


def _list(key: str, options: Mapping[str, Any]) -> tuple[Any, ...] | None:
    value = options.get(key)
    if value is not None and not isinstance(value, list | tuple):
        raise InvalidTrace(f"{key} is a list, got {value!r}")
    return None if value is None else tuple(value)


def _rate(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidTrace(f"{key}: a firing rate is a share of ones in 0..1, got {value!r}")
    return float(value)
