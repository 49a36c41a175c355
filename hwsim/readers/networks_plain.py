"""Networks of dense convolutions without residuals: VGG, DenseNet, VoVNet, SqueezeNet."""

from __future__ import annotations

from functools import partial

from hwsim.readers.networks import Map, Net, Network, image_network


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


def vgg8_cifar10(net: Net) -> None:
    """NeuroSim's VGG8 for CIFAR-10: three pairs of 3 x 3 convolutions and two wide layers; layers are numbered from 1."""
    x = net.image
    net.graph.common["layer"] = 0
    for channels in (128, 256, 512):
        for half in (False, True):
            net.block()
            x = net.each(net.conv(x, channels, 3, bias=True), "relu")
            x = net.pool(x, 2, 2) if half else x
    net.block()
    x = net.each(net.linear(Map(x.tensor, x.c * x.h * x.w, 1, 1), 1024), "relu")
    net.block()
    net.linear(x, net.asked.classes)


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


def squeezenet(net: Net) -> None:
    """SqueezeNet 1.1: a 1 x 1 convolution to few channels, then 1 x 1 and 3 x 3 ones side by side; the classifier is a convolution."""
    x = net.pool(net.each(net.conv(net.image, 64, 3, 2, pad=0, bias=True), "relu"), 3, 2)
    for i, squeezed in enumerate((16, 16, 32, 32, 48, 48, 64, 64)):
        net.block()
        y = net.each(net.conv(x, squeezed, 1, bias=True), "relu")
        x = net.concat(*(net.each(net.conv(y, 4 * squeezed, r, bias=True), "relu") for r in (1, 3)))
        x = net.pool(x, 3, 2) if i in (1, 3) else x
    net.squeeze(net.each(net.conv(x, net.asked.classes, 1, bias=True, label="classifier"), "relu"))


NETWORKS: dict[str, Network] = {
    "vgg16": image_network(partial(vgg, stages=(2, 2, 3, 3, 3))),
    "vgg19": image_network(partial(vgg, stages=(2, 2, 4, 4, 4))),
    "vgg8_cifar10": image_network(vgg8_cifar10, 32, classes=10),
    "densenet121": image_network(partial(densenet, growth=32, blocks=(6, 12, 24, 16), stem=64)),
    "densenet161": image_network(partial(densenet, growth=48, blocks=(6, 12, 36, 24), stem=96)),
    "densenet201": image_network(partial(densenet, growth=32, blocks=(6, 12, 48, 32), stem=64)),
    "vovnet39a": image_network(partial(vovnet, blocks=(1, 1, 2, 2))),
    "vovnet57a": image_network(partial(vovnet, blocks=(1, 1, 4, 3))),
    "squeezenet-1.1": image_network(squeezenet),
}
