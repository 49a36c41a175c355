"""The regression networks of the DORY deployment flow (dory_examples@60dd66b), small ones for images and for sequences; layers counted one by one.

Convolutions are followed by normalisation and activation. A sequence of L samples is a map of 1 x L.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hwsim.readers.networks import Asked, Map, Net, Network
from hwsim.readers.networks_tiny import keyword_spotting


def flatten(x: Map) -> Map:
    """All values of a map as the channels of one position."""
    return Map(x.tensor, x.c * x.h * x.w, 1, 1)


def causal(net: Net, x: Map, k: int, s: int, stride: int = 1, *, dilation: int = 1, pad: int | None = None) -> Map:
    """A convolution along a sequence that keeps its length (divided by the stride), or with `pad` at both ends."""
    sizes = {"n": net.n, "c": x.c, "h": 1, "w": x.w, "k": k, "r": 1, "s": s, "stride": stride, "dilation": dilation}
    padded = {"same": 1} if pad is None else {"flat": 1, "pad": pad}
    y = net.add_op("conv2d", "conv", [x.tensor], **sizes, **padded)
    length = -(-x.w // stride) if pad is None else (x.w + 2 * pad - dilation * (s - 1) - 1) // stride + 1
    return net.norm_act(Map(y, k, 1, length))


def average(net: Net, x: Map) -> Map:
    """The mean of every two positions of a sequence."""
    sizes = {"n": net.n, "c": x.c, "h": 1, "w": x.w, "r": 1, "s": 2, "stride": 2}
    return Map(net.add_op("pool", "pool", [x.tensor], function="average", **sizes), x.c, 1, x.w // 2)


def penguinet(net: Net) -> None:
    """PenguiNet on a grey image of 96 x 160."""
    x = net.pool(net.unit(net.source("image", 1, *net.asked.input), 32, 5, 2), 2, 2)
    for channels in (32, 64, 128):
        x = net.unit(net.unit(x, channels, 3, 2), channels, 3)
    net.linear(flatten(x), net.asked.classes)


def dronet(net: Net, *, pooled: bool) -> None:
    """DroNet: three residual blocks behind a pool, or behind a convolution of 2 x 2 that stands for it."""
    x = net.unit(net.source("image", 1, *net.asked.input), 32, 5, 2)
    x = net.pool(x, 2, 2) if pooled else net.unit(x, 32, 2, 2, pad=2)
    for channels in (32, 64, 128):
        y = net.unit(net.unit(x, channels, 3, 2), channels, 3)
        x = net.each(y, "add", net.unit(x, channels, 1, 2, pad=0))
    net.linear(flatten(x), net.asked.classes)


def residual(net: Net, *, fitted: bool) -> None:
    """Five convolutions of 16 channels, an addition (of the third map, or of a 1 x 1 convolution of it), one more."""
    x = net.unit(net.unit(net.source("image", 1, *net.asked.input), 16, 5, 2), 16, 3, 2)
    first = net.unit(x, 16, 3, 2)
    y = net.unit(net.unit(first, 16, 3), 16, 3)
    y = net.each(y, "add", net.unit(first, 16, 1) if fitted else first)
    net.linear(flatten(net.unit(y, 16, 3)), net.asked.classes)


def smartagri(net: Net) -> None:
    """Four convolutions with pools between, four products."""
    x = net.source("image", 1, *net.asked.input)
    for channels in (32, 64, 128):
        x = net.pool(net.unit(x, channels, 3), 2, 2)
    x = flatten(net.pool(net.unit(x, 128, 3), 3, 2))
    for features in (512, 256, 10):
        x = net.norm_act(net.linear(x, features))
    net.linear(x, net.asked.classes)


def temporal(net: Net) -> None:
    """TEMPONet-like causal network on 140 samples: three residual pairs of windows of 11, dilated by 1, 2 and 4."""
    x = causal(net, net.source("samples", 1, 1, net.asked.input[1]), 2, 11)
    for dilation in (1, 2, 4):
        y = causal(net, causal(net, x, 11, 11, dilation=dilation), 11, 11, dilation=dilation)
        x = net.each(y, "add", x if x.c == y.c else causal(net, x, 11, 1))
    net.linear(flatten(x), net.asked.classes)


def temporal_test(net: Net) -> None:
    """The flow's test of sequences: dilations 2, 4 and 8, padding beyond the causal one (256 samples become 256, 134, 138, 69, 18)."""
    x = net.source("samples", 1, 1, net.asked.input[1])
    x = average(net, causal(net, causal(net, causal(net, x, 32, 3, dilation=2), 32, 3, dilation=2), 63, 5))
    x = causal(net, causal(net, x, 64, 3, dilation=4), 64, 3, pad=4)
    x = average(net, causal(net, x, 121, 5, pad=4))
    x = causal(net, causal(net, causal(net, x, 122, 3, dilation=8), 104, 3, dilation=8), 76, 5, 4)
    net.linear(flatten(average(net, x)), net.asked.classes)


def _network(build: Callable[[Net], None], height: int, width: int, classes: int) -> Network:
    return Network(build, (), Asked(input=(height, width), classes=classes), layerwise=True)


NETWORKS: dict[str, Network] = {
    "dory-penguinet": _network(penguinet, 96, 160, 4),
    "dory-dronet": _network(partial(dronet, pooled=True), 200, 200, 2),
    "dory-dronet-no-pool": _network(partial(dronet, pooled=False), 200, 200, 2),
    "dory-residual-1": _network(partial(residual, fitted=False), 200, 200, 2),
    "dory-residual-2": _network(partial(residual, fitted=True), 200, 200, 2),
    "dory-smartagri": _network(smartagri, 40, 40, 2),
    "dory-dscnn": _network(keyword_spotting, 49, 10, 10),
    "dory-tcn-t": _network(temporal, 1, 140, 5),
    "dory-tcn-test": _network(temporal_test, 1, 256, 5),
}
