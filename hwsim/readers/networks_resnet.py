"""Residual networks: torchvision's (v1 and v1.5), ResNeXt, and those of TF-slim (v1, and v2 with pre-activation)."""

from __future__ import annotations

from functools import partial

from hwsim.readers.networks import Map, Net, Network, image_network


def stem(net: Net, image: Map | None = None) -> Map:
    """The first convolution and pool of every residual network: a quarter of the size."""
    return net.pool(net.unit(image or net.image, 64, 7, 2), 3, 2, 1)


def basic_block(net: Net, x: Map, outer: int, stride: int) -> Map:
    """Two 3 x 3 convolutions beside the input, which a 1 x 1 convolution fits where sizes differ."""
    y = net.unit(net.unit(x, outer, 3, stride), outer, 3, act="")
    kept = net.unit(x, outer, 1, stride, act="") if stride > 1 or x.c != outer else x
    return net.each(net.each(y, "add", kept), "relu")


def residual(net: Net, blocks: tuple[int, ...], width: int = 64, groups: int = 1, *, bottleneck: bool = True, early: bool = False) -> None:
    """ResNet and ResNeXt: `blocks` per stage, `width` channels of the first stage's 3 x 3 convolutions.

    The first block of a stage halves the size in its 3 x 3 convolution (v1.5), or with `early` in its first 1 x 1 one (v1, as Keras has it).
    """
    x = stem(net)
    for stage, count in enumerate(blocks):
        inner, outer = width << stage, (256 if bottleneck else 64) << stage
        for i in range(count):
            net.block()
            stride, kept = 2 if stage and not i else 1, x
            if not bottleneck:
                x = basic_block(net, x, outer, stride)
                continue
            first, second = (stride, 1) if early else (1, stride)
            y = net.unit(net.unit(x, inner, 1, first), inner, 3, second, groups=groups)
            y = net.unit(y, outer, 1, act="")
            if stride > 1 or x.c != outer:
                kept = net.unit(x, outer, 1, stride, act="")
            x = net.each(net.each(y, "add", kept), "relu")
    net.classify(x)


def slim_v1(net: Net, blocks: tuple[int, ...]) -> None:
    """TF-slim's ResNet v1: the last unit of the first three stages halves the size, its input is thinned out."""
    x = stem(net)
    for stage, count in enumerate(blocks):
        inner, outer = 64 << stage, 256 << stage
        for i in range(count):
            net.block()
            stride = 2 if i == count - 1 and stage < len(blocks) - 1 else 1
            y = net.unit(net.unit(net.unit(x, inner, 1), inner, 3, stride), outer, 1, act="")
            x = net.each(net.each(y, "add", _kept(net, x, x, outer, stride)), "relu")
    net.classify(x)


def _kept(net: Net, x: Map, read: Map, outer: int, stride: int) -> Map:
    """The way past a unit of TF-slim: the input `x`, thinned out by the stride, or a 1 x 1 convolution of `read` where the channels differ."""
    if x.c == outer:
        return net.pool(x, 1, stride) if stride > 1 else x
    return net.unit(x, outer, 1, stride, act="") if read is x else net.conv(read, outer, 1, stride, bias=True)


def slim_v2(net: Net, blocks: tuple[int, ...]) -> None:
    """TF-slim's ResNet v2: normalisation and activation before the convolutions; the strides as in its v1."""
    x = net.pool(net.conv(net.image, 64, 7, 2, bias=True), 3, 2, 1)
    for stage, count in enumerate(blocks):
        inner, outer = 64 << stage, 256 << stage
        for i in range(count):
            net.block()
            stride = 2 if i == count - 1 and stage < len(blocks) - 1 else 1
            read = net.norm_act(x)
            kept = _kept(net, x, read, outer, stride)
            y = net.conv(net.unit(net.unit(read, inner, 1), inner, 3, stride), outer, 1, bias=True)
            x = net.each(y, "add", kept)
    net.classify(net.norm_act(x))


DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
NETWORKS: dict[str, Network] = {
    "resnet18": image_network(partial(residual, blocks=(2, 2, 2, 2), bottleneck=False)),
    "resnet50-v1": image_network(partial(residual, blocks=DEPTHS[50], early=True)),
    "resnet50-v1.5": image_network(partial(residual, blocks=DEPTHS[50])),
    "resnet101-v1.5": image_network(partial(residual, blocks=DEPTHS[101])),
    "resnext50-32x4d": image_network(partial(residual, blocks=DEPTHS[50], width=128, groups=32)),
    "resnext101-32x8d": image_network(partial(residual, blocks=DEPTHS[101], width=256, groups=32)),
    **{f"resnet{depth}-v1-slim": image_network(partial(slim_v1, blocks=blocks)) for depth, blocks in DEPTHS.items()},
    **{f"resnet{depth}-v2-slim": image_network(partial(slim_v2, blocks=blocks), 299, classes=1001) for depth, blocks in DEPTHS.items()},
}
