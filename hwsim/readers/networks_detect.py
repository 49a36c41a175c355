"""Detectors: SSD with several backbones (TensorFlow's object-detection API; MLPerf's with ResNet-34), YOLOv3 and YOLOv4.

The graphs end with the convolutions that state boxes and classes; decoding them and non-maximum suppression run on a processor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hwsim.readers.networks import Map, Net, Network, image_network
from hwsim.readers.networks_inception import inception_v2_maps
from hwsim.readers.networks_mobile import mobilenet_v1_maps, mobilenet_v2_maps
from hwsim.readers.networks_resnet import basic_block, stem

ANCHORS = (3, 6, 6, 6, 6, 6)
MLPERF_ANCHORS = (4, 6, 6, 6, 4, 4)
EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 128))  # (channels between, channels) of the maps beyond the backbone
Predictor = Callable[[Net, Map, int], None]


def separable(net: Net, x: Map, k: int, stride: int = 1, act: str = "relu6") -> Map:
    """A depthwise 3 x 3 convolution and a pointwise one."""
    return net.unit(net.unit(x, x.c, 3, stride, groups=x.c, act=act), k, 1, act=act)


def pointwise_boxes(net: Net, x: Map, outputs: int) -> None:
    """Predict with a 1 x 1 convolution."""
    net.conv(x, outputs, 1, bias=True, label="predictor")


def dense_boxes(net: Net, x: Map, outputs: int) -> None:
    """Predict with a 3 x 3 convolution."""
    net.conv(x, outputs, 3, bias=True, label="predictor")


def separable_boxes(net: Net, x: Map, outputs: int) -> None:
    """Predict with a depthwise 3 x 3 convolution and a pointwise one."""
    net.conv(net.unit(x, x.c, 3, groups=x.c, act="relu6"), outputs, 1, bias=True, label="predictor")


def ssd(net: Net, maps: Sequence[Map], boxes: Predictor, *, lite: bool = False) -> None:
    """Add four smaller maps to two of a backbone and predict, at every position and anchor, four offsets and a score per class and background."""
    found = list(maps)
    for between, channels in EXTRAS:
        net.block()
        y = net.unit(found[-1], between, 1, act="relu6")
        found.append(separable(net, y, channels, 2) if lite else net.unit(y, channels, 3, 2, act="relu6"))
    for x, anchors in zip(found, ANCHORS, strict=True):
        net.block()
        for outputs in (4, net.asked.classes + 1):
            boxes(net, x, anchors * outputs)


def ssd_mobilenet_v1(net: Net) -> None:
    """SSD on MobileNet V1: maps of 19 x 19 and 10 x 10 of a 300 x 300 image."""
    maps = mobilenet_v1_maps(net)
    ssd(net, (maps[10], maps[12]), pointwise_boxes)


def ssd_mobilenet_v2(net: Net, boxes: Predictor = dense_boxes, *, lite: bool = False) -> None:
    """SSD on MobileNet V2: the expanded map before the last halving, and the last map."""
    inside, last = mobilenet_v2_maps(net)
    ssd(net, (inside[13], last), boxes, lite=lite)


def ssdlite_mobilenet_v2(net: Net) -> None:
    """SSDLite: as SSD, with separable convolutions."""
    ssd_mobilenet_v2(net, separable_boxes, lite=True)


def ssd_inception_v2(net: Net) -> None:
    """SSD on Inception v2."""
    ssd(net, inception_v2_maps(net), dense_boxes)


def ssd_resnet34(net: Net) -> None:
    """MLPerf's SSD on ResNet-34: no stride in its third stage, no fourth one; predictors of stride 3."""
    x = stem(net)
    for channels, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 1)):
        for i in range(count):
            net.block()
            x = basic_block(net, x, channels, 1 if i else stride)
    found = [x]
    for between, channels, stride, pad in ((256, 512, 2, 1), (256, 512, 2, 1), (128, 256, 2, 1), (128, 256, 2, 0), (128, 256, 1, 0)):
        net.block()
        y = net.each(net.conv(found[-1], between, 1, bias=True), "relu")
        found.append(net.each(net.conv(y, channels, 3, stride, pad=pad, bias=True), "relu"))
    for x, anchors in zip(found, MLPERF_ANCHORS, strict=True):
        net.block()
        for outputs in (4, net.asked.classes + 1):
            net.conv(x, anchors * outputs, 3, 3, bias=True, label="predictor")


def _alternate(net: Net, x: Map, channels: int, count: int, act: str = "leaky_relu") -> Map:
    """`count` convolutions, 1 x 1 to `channels` and 3 x 3 to twice as many in turn."""
    for i in range(count):
        x = net.unit(x, channels << i % 2, 3 if i % 2 else 1, act=act)
    return x


def _boxes(net: Net, x: Map, channels: int) -> None:
    """A YOLO head: three anchors with four offsets, a score and the classes."""
    net.block()
    net.conv(net.unit(x, channels, 3, act="leaky_relu"), 3 * (5 + net.asked.classes), 1, bias=True, label="predictor")


def _enlarged(net: Net, x: Map, channels: int, beside: Map) -> Map:
    """A 1 x 1 convolution, twice the size, beside an earlier map."""
    y = net.unit(x, channels, 1, act="leaky_relu")
    return net.concat(net.gather(y, "upsample", 2 * y.h, 2 * y.w), beside)


def yolov3(net: Net) -> None:
    """YOLOv3 on Darknet-53, three scales."""
    x = net.unit(net.image, 32, 3, act="leaky_relu")
    maps: list[Map] = []
    for channels, count in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        x = net.unit(x, channels, 3, 2, act="leaky_relu")
        for _ in range(count):
            net.block()
            x = net.each(_alternate(net, x, channels // 2, 2), "add", x)
        maps.append(x)
    for channels, beside in ((512, None), (256, maps[3]), (128, maps[2])):
        net.block()
        x = _alternate(net, x if beside is None else _enlarged(net, x, channels, beside), channels, 5)
        _boxes(net, x, 2 * channels)


def _partial(net: Net, x: Map, channels: int, count: int) -> Map:
    """A stage of CSPDarknet-53: half of the channels pass residual blocks, the other half passes by."""
    x = net.unit(x, channels, 3, 2, act="mish")
    half = channels if count == 1 else channels // 2
    past, y = net.unit(x, half, 1, act="mish"), net.unit(x, half, 1, act="mish")
    for _ in range(count):
        net.block()
        z = net.unit(net.unit(y, half // 2 if count == 1 else half, 1, act="mish"), half, 3, act="mish")
        y = net.each(z, "add", y)
    return net.unit(net.concat(net.unit(y, half, 1, act="mish"), past), channels, 1, act="mish")


def yolov4(net: Net) -> None:
    """YOLOv4: CSPDarknet-53, pools of several sizes over the last map, paths up and down again."""
    x = net.unit(net.image, 32, 3, act="mish")
    maps: list[Map] = []
    for channels, count in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        x = _partial(net, x, channels, count)
        maps.append(x)
    net.block()
    x = _alternate(net, x, 512, 3)
    x = net.concat(*(net.pool(x, r, 1, r // 2) for r in (13, 9, 5)), x)
    steps = [_alternate(net, x, 512, 3)]
    for channels, beside in ((256, maps[3]), (128, maps[2])):
        net.block()
        y = _enlarged(net, steps[-1], channels, net.unit(beside, channels, 1, act="leaky_relu"))
        steps.append(_alternate(net, y, channels, 5))
    x = steps[2]
    _boxes(net, x, 256)
    for channels, beside in ((256, steps[1]), (512, steps[0])):
        x = net.concat(net.unit(x, channels, 3, 2, act="leaky_relu"), beside)
        x = _alternate(net, x, channels, 5)
        _boxes(net, x, 2 * channels)


NETWORKS: dict[str, Network] = {
    "ssd-resnet34": image_network(ssd_resnet34, 1200, smallest=385, classes=80),
    "ssd-mobilenet-v1": image_network(ssd_mobilenet_v1, 300, "width", classes=90),
    "ssd-mobilenet-v2": image_network(ssd_mobilenet_v2, 300, "width", classes=90),
    "ssdlite-mobilenet-v2": image_network(ssdlite_mobilenet_v2, 300, "width", classes=90),
    "ssd-inception-v2": image_network(ssd_inception_v2, 300, classes=90),
    "yolov3": image_network(yolov3, 416, multiple=32, classes=80),
    "yolov4": image_network(yolov4, 416, multiple=32, classes=80),
}
