"""Image networks by name: short generators of the published architectures.

Operators are those that an eager framework launches: batch normalisation, activation, addition and concatenation are passes of their own; targets
may fuse them. ``layer`` counts the network's blocks. Sizes are checked against the list of measured models of pytorch-image-models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hwsim.core.dtype import dtype as number_format
from hwsim.core.errors import InvalidTrace, nearest
from hwsim.core.graph import Graph, GraphBuilder
from hwsim.core.operators import CONCAT_PARTS

OPTIONS = ("input", "batch", "dtype")


@dataclass(frozen=True)
class Map:
    """A feature map (or a sequence: h tokens, w = 1): the tensor that holds it, its channels, height and width."""

    tensor: str
    c: int
    h: int
    w: int


class Net:
    """Builds an image network layer by layer; every method adds operators and returns the feature map that they make."""

    def __init__(self, batch: int, height: int, width: int, dtype: str) -> None:
        self.n, self.graph, self.count = batch, GraphBuilder(dtype), 0
        self.image = Map(self.graph.tensor("image", (batch, 3, height, width), role="input"), 3, height, width)

    def block(self) -> None:
        """Start the next block: its operators carry its number as `layer`."""
        self.graph.common["layer"] = self.graph.common.get("layer", -1) + 1

    def add_op(self, kind: str, label: str, inputs: list[str], **bounds: Any) -> str:
        """Add one operator under a number of its own; return its result."""
        self.count += 1
        return self.graph.op(kind, f"{label}.{self.count}", inputs, label=label, **bounds)

    def conv(self, x: Map, k: int, r: int, stride: int = 1, *, pad: int | None = None, groups: int = 1, bias: bool = False) -> Map:
        """A square convolution; by default padded to keep the size at stride 1."""
        pad = r // 2 if pad is None else pad
        sizes = {"n": self.n, "c": x.c, "h": x.h, "w": x.w, "k": k, "r": r, "s": r, "stride": stride, "pad": pad, "groups": groups}
        y = self.add_op("conv2d", "conv", [x.tensor], bias=int(bias), **sizes)
        return Map(y, k, (x.h + 2 * pad - r) // stride + 1, (x.w + 2 * pad - r) // stride + 1)

    def each(self, x: Map, function: str, *others: Map, label: str = "") -> Map:
        """An elementwise pass over one or more maps of one size."""
        inputs = [x.tensor, *(o.tensor for o in others)]
        rows = self.n * x.h * x.w
        y = self.add_op("elementwise", label or function, inputs, function=function, rows=rows, cols=x.c, operands=len(inputs))
        return Map(y, x.c, x.h, x.w)

    def norm_act(self, x: Map, act: str = "relu") -> Map:
        """Batch normalisation and an activation, two passes."""
        x = self.each(x, "batch_norm", label="batch_norm")
        return self.each(x, act) if act else x

    def unit(self, x: Map, k: int, r: int, stride: int = 1, *, groups: int = 1, act: str = "relu") -> Map:
        """Convolution, batch normalisation, activation."""
        return self.norm_act(self.conv(x, k, r, stride, groups=groups), act)

    def pool(self, x: Map, r: int, stride: int, pad: int = 0, function: str = "max") -> Map:
        """A pooling window."""
        sizes = {"n": self.n, "c": x.c, "h": x.h, "w": x.w, "r": r, "s": r, "stride": stride, "pad": pad}
        y = self.add_op("pool", "pool", [x.tensor], function=function, **sizes)
        return Map(y, x.c, (x.h + 2 * pad - r) // stride + 1, (x.w + 2 * pad - r) // stride + 1)

    def squeeze(self, x: Map) -> Map:
        """The mean of every channel."""
        sizes = {"n": self.n, "c": x.c, "h": x.h, "w": x.w, "r": x.h, "s": x.w}
        return Map(self.add_op("pool", "pool", [x.tensor], function="average", stride=max(x.h, x.w), **sizes), x.c, 1, 1)

    def concat(self, *maps: Map) -> Map:
        """Channels of several maps side by side, copied."""
        first = maps[0]
        sizes = {c: m.c for c, m in zip(CONCAT_PARTS, maps, strict=False)}
        y = self.add_op("concat", "concat", [m.tensor for m in maps], rows=self.n * first.h * first.w, **sizes)
        return Map(y, sum(m.c for m in maps), first.h, first.w)

    def linear(self, x: Map, n: int, label: str = "linear", *, bias: bool = True) -> Map:
        """A product with weights at every position."""
        y = self.add_op("matmul", label, [x.tensor], m=self.n * x.h * x.w, k=x.c, n=n, bias=int(bias))
        return Map(y, n, x.h, x.w)

    def layer_norm(self, x: Map) -> Map:
        """Layer normalisation over the channels of every position."""
        y = self.add_op("norm", "norm", [x.tensor], function="layer", rows=self.n * x.h * x.w, cols=x.c, weights=2)
        return Map(y, x.c, x.h, x.w)

    def classify(self, x: Map, classes: int = 1000) -> None:
        """Mean over positions, then the classifier."""
        self.linear(self.squeeze(x) if x.h * x.w > 1 else x, classes, "classifier")


Generator = Callable[[Net], None]


def residual(net: Net, blocks: tuple[int, ...], width: int = 64, groups: int = 1, *, bottleneck: bool = True) -> None:
    """ResNet and ResNeXt (stride in the 3 x 3): `blocks` per stage, `width` channels of the first stage's 3 x 3 convolutions."""
    x = net.pool(net.unit(net.image, 64, 7, 2), 3, 2, 1)
    for stage, count in enumerate(blocks):
        inner, outer = width << stage, (256 if bottleneck else 64) << stage
        for i in range(count):
            net.block()
            stride, kept = 2 if stage and not i else 1, x
            if bottleneck:
                y = net.unit(net.unit(x, inner, 1), inner, 3, stride, groups=groups)
                y = net.unit(y, outer, 1, act="")
            else:
                y = net.unit(net.unit(x, outer, 3, stride), outer, 3, act="")
            if stride > 1 or x.c != outer:
                kept = net.unit(x, outer, 1, stride, act="")
            x = net.each(net.each(y, "add", kept), "relu")
    net.classify(x)


def vgg(net: Net, stages: tuple[int, ...]) -> None:
    """VGG without batch normalisation: 3 x 3 convolutions with bias, then three wide layers on a 7 x 7 map."""
    x = net.image
    for stage, count in enumerate(stages):
        net.block()
        for _ in range(count):
            x = net.each(net.conv(x, min(512, 64 << stage), 3, bias=True), "relu")
        x = net.pool(x, 2, 2)
    flat = Map(x.tensor, x.c * x.h * x.w, 1, 1)
    for _ in range(2):
        flat = net.each(net.linear(flat, 4096), "relu")
    net.classify(flat)


def densenet(net: Net, growth: int, blocks: tuple[int, ...], stem: int) -> None:
    """DenseNet: every layer reads the concatenation of all before it, normalised anew."""
    x = net.pool(net.unit(net.image, stem, 7, 2), 3, 2, 1)
    for stage, count in enumerate(blocks):
        for _ in range(count):
            net.block()
            y = net.conv(net.norm_act(x), 4 * growth, 1)
            x = net.concat(x, net.conv(net.norm_act(y), growth, 3))
        if stage < len(blocks) - 1:
            x = net.pool(net.conv(net.norm_act(x), x.c // 2, 1), 2, 2, function="average")
    net.classify(net.norm_act(x))


def vovnet(net: Net, blocks: tuple[int, ...]) -> None:
    """VoVNet: five 3 x 3 convolutions in a row, aggregated once by a concatenation and a 1 x 1 convolution."""
    x = net.unit(net.unit(net.unit(net.image, 64, 3, 2), 64, 3), 128, 3, 2)
    for stage, (count, inner, outer) in enumerate(zip(blocks, (128, 160, 192, 224), (256, 512, 768, 1024), strict=True)):
        if stage:
            x = net.pool(x, 3, 2, pad=1 - x.h % 2)
        for i in range(count):
            net.block()
            kept = [x]
            for _ in range(5):
                kept.append(net.unit(kept[-1], inner, 3))
            y = net.unit(net.concat(*kept), outer, 1)
            x = net.each(y, "add", x) if i else y
    net.classify(x)


def registry() -> Mapping[str, Generator]:
    """Generators by trace name."""
    from hwsim.readers import networks_mobile, networks_vision  # noqa: PLC0415  (they build on this module)

    return {
        "resnet18": lambda net: residual(net, (2, 2, 2, 2), bottleneck=False),
        "resnet50-v1.5": lambda net: residual(net, (3, 4, 6, 3)),
        "resnet101-v1.5": lambda net: residual(net, (3, 4, 23, 3)),
        "resnext50-32x4d": lambda net: residual(net, (3, 4, 6, 3), 128, 32),
        "resnext101-32x8d": lambda net: residual(net, (3, 4, 23, 3), 256, 32),
        "vgg16": lambda net: vgg(net, (2, 2, 3, 3, 3)),
        "densenet121": lambda net: densenet(net, 32, (6, 12, 24, 16), 64),
        "densenet161": lambda net: densenet(net, 48, (6, 12, 36, 24), 96),
        "densenet201": lambda net: densenet(net, 32, (6, 12, 48, 32), 64),
        "vovnet39a": lambda net: vovnet(net, (1, 1, 2, 2)),
        "vovnet57a": lambda net: vovnet(net, (1, 1, 4, 3)),
        **networks_mobile.GENERATORS,
        **networks_vision.GENERATORS,
    }


NAMES = (
    "convnext-t", "densenet121", "densenet161", "densenet201", "efficientnet-b0", "mobilenet-v1", "mobilenet-v2", "resnet101-v1.5", "resnet18",
    "resnet50-v1.5", "resnext101-32x8d", "resnext50-32x4d", "swin-t", "vgg16", "vit-b16", "vovnet39a", "vovnet57a",
)  # fmt: skip
SMALLEST, LARGEST = 32, 4096


def read_network(name: str, **options: Any) -> Graph:
    """Return the graph of one pass of an image network: `input` (height, width; default 224, 224), `batch` (default 1), `dtype` (default fp16).

    Raises `InvalidTrace` for an unknown option or an impossible size.

    >>> round(read_network("resnet50-v1.5").macs / 1e9, 2)
    4.09
    """
    unknown = [key for key in options if key not in OPTIONS]
    if unknown:
        raise InvalidTrace(f"trace '{name}' has no option '{unknown[0]}'{nearest(unknown[0], OPTIONS)}; it has {', '.join(OPTIONS)}")
    size = options.get("input", (224, 224))
    if not isinstance(size, list | tuple) or len(size) != 2 or any(type(s) is not int or not SMALLEST <= s <= LARGEST for s in size):
        raise InvalidTrace(f"trace '{name}': input is [height, width], each {SMALLEST} to {LARGEST}, got {size!r}")
    batch = options.get("batch", 1)
    if type(batch) is not int or batch < 1:
        raise InvalidTrace(f"trace '{name}': batch must be a positive whole number, got {batch!r}")
    wanted = number_format(str(options.get("dtype", "fp16"))).name
    net = Net(batch, size[0], size[1], wanted)
    registry()[name](net)
    return net.graph.graph(trace=name, batch=batch, input=list(size), dtype=wanted)
