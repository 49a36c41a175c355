"""Image networks of depthwise convolutions: MobileNet V1 and V2, EfficientNet-B0, ConvNeXt-T."""

from __future__ import annotations

from hwsim.readers.networks import Generator, Map, Net

# (channels, stride) of each pair of a depthwise 3 x 3 and a pointwise convolution
V1_PAIRS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
# (expansion, channels, repeats, stride)
V2_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
# (expansion, channels, repeats, stride, kernel)
B0_STAGES = (
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
)  # fmt: skip
CONVNEXT_STAGES = ((96, 3), (192, 3), (384, 9), (768, 3))


def mobilenet_v1(net: Net) -> None:
    """MobileNet V1, width 1.0."""
    x = net.unit(net.image, 32, 3, 2)
    for channels, stride in V1_PAIRS:
        net.block()
        x = net.unit(net.unit(x, x.c, 3, stride, groups=x.c), channels, 1)
    net.classify(x)


def inverted_residual(net: Net, x: Map, expansion: int, channels: int, stride: int, kernel: int, act: str, squeezed: int = 0) -> Map:
    """Expand, depthwise, (weigh channels by a small network of their means,) project; add the input where sizes allow."""
    net.block()
    y = net.unit(x, expansion * x.c, 1, act=act) if expansion > 1 else x
    y = net.unit(y, y.c, kernel, stride, groups=y.c, act=act)
    if squeezed:
        gate = net.each(net.conv(net.squeeze(y), squeezed, 1, bias=True), act)
        net.each(net.conv(gate, y.c, 1, bias=True), "sigmoid")
        y = net.each(y, "scale")
    y = net.unit(y, channels, 1, act="")
    return net.each(y, "add", x) if stride == 1 and x.c == channels else y


def mobilenet_v2(net: Net) -> None:
    """MobileNet V2, width 1.0."""
    x = net.unit(net.image, 32, 3, 2, act="relu6")
    for expansion, channels, repeats, first in V2_STAGES:
        for i in range(repeats):
            x = inverted_residual(net, x, expansion, channels, 1 if i else first, 3, "relu6")
    net.classify(net.unit(x, 1280, 1, act="relu6"))


def efficientnet_b0(net: Net) -> None:
    """EfficientNet-B0, with squeeze and excitation."""
    x = net.unit(net.image, 32, 3, 2, act="silu")
    for expansion, channels, repeats, first, kernel in B0_STAGES:
        for i in range(repeats):
            x = inverted_residual(net, x, expansion, channels, 1 if i else first, kernel, "silu", squeezed=max(1, x.c // 4))
    net.classify(net.unit(x, 1280, 1, act="silu"))


def convnext_t(net: Net) -> None:
    """ConvNeXt-T: a depthwise 7 x 7, layer norm and two products per block."""
    x = net.layer_norm(net.conv(net.image, CONVNEXT_STAGES[0][0], 4, 4, pad=0, bias=True))
    for stage, (channels, count) in enumerate(CONVNEXT_STAGES):
        if stage:
            x = net.conv(net.layer_norm(x), channels, 2, 2, pad=0, bias=True)
        for _ in range(count):
            net.block()
            y = net.layer_norm(net.conv(x, channels, 7, groups=channels, bias=True))
            y = net.linear(net.each(net.linear(y, 4 * channels), "gelu"), channels)
            x = net.each(net.each(y, "scale"), "add", x)
    net.classify(net.layer_norm(net.squeeze(x)))


GENERATORS: dict[str, Generator] = {
    "mobilenet-v1": mobilenet_v1, "mobilenet-v2": mobilenet_v2, "efficientnet-b0": efficientnet_b0, "convnext-t": convnext_t,
}  # fmt: skip
