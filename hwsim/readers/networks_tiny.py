"""The networks of MLPerf Tiny for microcontrollers (its MobileNet is in `networks_mobile`); layers are counted one by one."""

from __future__ import annotations

from hwsim.readers.networks import Asked, Map, Net, Network
from hwsim.readers.networks_resnet import basic_block

SPECTRUM = 640  # five frames of 128 bands


def anomaly_detection(net: Net) -> None:
    """Fully connected autoencoder of a machine's sound."""
    x: Map = net.source("spectrum", SPECTRUM, 1, 1)
    for width in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        x = net.norm_act(net.linear(x, width))
    net.linear(x, SPECTRUM)


def image_classification(net: Net) -> None:
    """ResNet-8 for CIFAR-10."""
    x = net.unit(net.image, 16, 3)
    for channels in (16, 32, 64):
        x = basic_block(net, x, channels, 1 if channels == x.c else 2)
    net.classify(x)


def keyword_spotting(net: Net) -> None:
    """DS-CNN: a 10 x 4 window over 49 frames of 10 coefficients, then four depthwise and pointwise pairs of 64 channels."""
    x = net.unit(net.source("coefficients", 1, *net.asked.input), 64, (10, 4), 2)
    for _ in range(4):
        x = net.unit(net.unit(x, 64, 3, groups=64), 64, 1)
    net.classify(x)


NETWORKS: dict[str, Network] = {
    "mlperf-tiny-ad": Network(anomaly_detection, (), Asked(input=(1, 1)), layerwise=True),
    "mlperf-tiny-ic": Network(image_classification, (), Asked(input=(32, 32), classes=10), layerwise=True),
    "mlperf-tiny-kws": Network(keyword_spotting, (), Asked(input=(49, 10), classes=12), layerwise=True),
}
