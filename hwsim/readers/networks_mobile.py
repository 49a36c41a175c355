"""Networks of depthwise convolutions: MobileNet V1 to V3 and EdgeTPU, EfficientNet-B0 and EdgeTPU, ConvNeXt-T."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

from hwsim.readers.networks import Asked, Map, Net, Network, image_network

# (channels, stride) of each pair of a depthwise 3 x 3 and a pointwise convolution
V1_PAIRS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
# (expansion, channels, repeats, stride)
V2_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
# (channels inside, channels, stride, kernel, squeeze and excitation, activation)
V3_SMALL = (
    (16, 16, 2, 3, True, "relu"), (72, 24, 2, 3, False, "relu"), (88, 24, 1, 3, False, "relu"), (96, 40, 2, 5, True, "hardswish"),
    *((240, 40, 1, 5, True, "hardswish"),) * 2, (120, 48, 1, 5, True, "hardswish"), (144, 48, 1, 5, True, "hardswish"),
    (288, 96, 2, 5, True, "hardswish"), *((576, 96, 1, 5, True, "hardswish"),) * 2,
)  # fmt: skip
# (expansion, channels, repeats, stride, kernel, one fused convolution in place of expansion and depthwise, add the input)
EDGE_STAGES = (
    (8, 32, 1, 2, 3, True, True), (4, 32, 3, 1, 3, True, True), (8, 48, 1, 2, 3, True, True), (4, 48, 3, 1, 3, True, True),
    (8, 96, 1, 2, 3, False, True), (4, 96, 3, 1, 3, False, True), (8, 96, 1, 1, 3, False, False),
    (4, 96, 3, 1, 3, False, True), (8, 160, 1, 2, 5, False, True), (4, 160, 3, 1, 5, False, True), (8, 192, 1, 1, 3, False, True),
)  # fmt: skip
# (expansion, channels, repeats, stride, kernel)
B0_STAGES = (
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
)  # fmt: skip
# the same, with the one fused convolution of the first three
EDGE_NET_STAGES = (
    (4, 24, 1, 1, 3, True), (8, 32, 2, 2, 3, True), (8, 48, 4, 2, 3, True), (8, 96, 5, 2, 5, False), (8, 144, 4, 1, 5, False),
    (8, 192, 2, 2, 5, False),
)  # fmt: skip
CONVNEXT_STAGES = ((96, 3), (192, 3), (384, 9), (768, 3))


def whole(channels: float, divisor: int = 8) -> int:
    """Channels of a scaled network: the nearest multiple of 8, not below 90 % of what was wanted."""
    near = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * channels else near


def mobilenet_v1_maps(net: Net) -> list[Map]:
    """The maps after every pair of convolutions of MobileNet V1."""
    width, maps = net.asked.width, []
    x = net.unit(net.image, max(8, int(32 * width)), 3, 2)
    for channels, stride in V1_PAIRS:
        net.block()
        x = net.unit(net.unit(x, x.c, 3, stride, groups=x.c), max(8, int(channels * width)), 1)
        maps.append(x)
    return maps


def mobilenet_v1(net: Net) -> None:
    """MobileNet V1, its channels multiplied by `width`."""
    net.classify(mobilenet_v1_maps(net)[-1])


def inverted_residual(
    net: Net, x: Map, inner: int, channels: int, stride: int, kernel: int, act: str,
    *, squeezed: int = 0, squeeze_act: str = "", gate: str = "sigmoid", fused: bool = False, late: bool = False, skip: bool = True,
    inside: list[Map] | None = None,
) -> Map:  # fmt: skip
    """Expand, depthwise, (weigh channels by a small network of their means,) project; add the input where sizes allow and `skip` does.

    With `fused` one dense convolution stands for the first two; `late` leaves its stride to the projection. The map of the first convolution is
    added to `inside`.
    """
    net.block()
    first, last = (1, stride) if late else (stride, 1)
    y = x
    if fused or inner != x.c:
        y = net.unit(x, inner, kernel if fused else 1, first if fused else 1, act=act)
    if inside is not None:
        inside.append(y)
    if not fused:
        y = net.unit(y, y.c, kernel, stride, groups=y.c, act=act)
    if squeezed:
        weights = net.each(net.conv(net.squeeze(y), squeezed, 1, bias=True), squeeze_act or act)
        net.each(net.conv(weights, y.c, 1, bias=True), gate)
        y = net.each(y, "scale")
    y = net.unit(y, channels, 1, last if fused else 1, act="")
    return net.each(y, "add", x) if skip and stride == 1 and x.c == channels else y


def mobilenet_v2_maps(net: Net) -> tuple[list[Map], Map]:
    """The expanded maps inside every block of MobileNet V2, and the last map."""
    width, inside = net.asked.width, list[Map]()
    x = net.unit(net.image, whole(32 * width), 3, 2, act="relu6")
    for expansion, channels, repeats, first in V2_STAGES:
        for i in range(repeats):
            x = inverted_residual(net, x, expansion * x.c, whole(channels * width), 1 if i else first, 3, "relu6", inside=inside)
    return inside, net.unit(x, whole(1280 * max(1.0, width)), 1, act="relu6")


def mobilenet_v2(net: Net) -> None:
    """MobileNet V2, its channels multiplied by `width` (those before the classifier only when wider)."""
    net.classify(mobilenet_v2_maps(net)[1])


def mobilenet_v3_small(net: Net) -> None:
    """MobileNet V3 small: hard swish, squeeze and excitation by a quarter; two products after the mean."""
    width = net.asked.width
    x = net.unit(net.image, whole(16 * width), 3, 2, act="hardswish")
    for inner, channels, stride, kernel, squeeze, act in V3_SMALL:
        inner = whole(inner * width)
        squeezed = whole(inner / 4) if squeeze else 0
        x = inverted_residual(net, x, inner, whole(channels * width), stride, kernel, act, squeezed=squeezed, squeeze_act="relu", gate="hardsigmoid")
    x = net.squeeze(net.unit(x, whole(576 * width), 1, act="hardswish"))
    net.classify(net.each(net.linear(x, whole(1024 * max(1.0, width))), "hardswish"))


def mobilenet_edgetpu(net: Net) -> None:
    """MobileNet EdgeTPU: dense convolutions in place of depthwise ones while maps are large."""
    width = net.asked.width
    x = net.unit(net.unit(net.image, whole(32 * width), 3, 2), whole(16 * width), 1, act="")
    for expansion, channels, repeats, stride, kernel, fused, skip in EDGE_STAGES:
        for _ in range(repeats):
            x = inverted_residual(net, x, expansion * x.c, whole(channels * width), stride, kernel, "relu", fused=fused, skip=skip)
    net.classify(net.unit(x, 1280, 1))


def efficientnet_b0(net: Net) -> None:
    """EfficientNet-B0, with squeeze and excitation."""
    x = net.unit(net.image, 32, 3, 2, act="silu")
    for expansion, channels, repeats, first, kernel in B0_STAGES:
        for i in range(repeats):
            squeezed = max(1, x.c // 4)
            x = inverted_residual(net, x, expansion * x.c, channels, 1 if i else first, kernel, "silu", squeezed=squeezed)
    net.classify(net.unit(x, 1280, 1, act="silu"))


def efficientnet_edgetpu(net: Net, wider: float, deeper: float) -> None:
    """EfficientNet-EdgeTPU: ReLU, no squeeze and excitation, dense convolutions first; the first block expands from its own channels."""
    x = net.unit(net.image, whole(32 * wider), 3, 2)
    for stage, (expansion, channels, repeats, stride, kernel, fused) in enumerate(EDGE_NET_STAGES):
        outer = whole(channels * wider)
        for i in range(math.ceil(repeats * deeper)):
            inner = expansion * (x.c if stage else outer)
            x = inverted_residual(net, x, inner, outer, 1 if i else stride, kernel, "relu", fused=fused, late=True, skip=stage > 0)
    net.classify(net.unit(x, whole(1280 * wider), 1))


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


NETWORKS: dict[str, Network] = {
    "mobilenet-v1": image_network(mobilenet_v1, 224, "width"),
    "mobilenet-v2": image_network(mobilenet_v2, 224, "width"),
    "mobilenet-v3-small": image_network(mobilenet_v3_small, 224, "width"),
    "mobilenet-edgetpu": image_network(mobilenet_edgetpu, 224, "width", classes=1001),
    "efficientnet-b0": image_network(efficientnet_b0),
    "efficientnet-edgetpu-s": image_network(partial(efficientnet_edgetpu, wider=1.0, deeper=1.0)),
    "efficientnet-edgetpu-m": image_network(partial(efficientnet_edgetpu, wider=1.0, deeper=1.1), 240),
    "efficientnet-edgetpu-l": image_network(partial(efficientnet_edgetpu, wider=1.2, deeper=1.4), 300),
    "convnext-t": image_network(convnext_t),
    "mlperf-tiny-vww": replace(image_network(mobilenet_v1), options=(), default=Asked(input=(96, 96), width=0.25, classes=2), layerwise=True),
}
