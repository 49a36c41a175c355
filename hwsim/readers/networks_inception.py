"""The Inception networks as TF-slim (and, for v3, torchvision) defines them: v1, v2, v3, v4 and Inception-ResNet-v2."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.readers.networks import Map, Net, Network, image_network

Step = int | str | tuple[int, int | tuple[int, int]] | tuple[int, int, int]  # channels (1 x 1), a 3 x 3 pool's name, (channels, window[, stride])
ROW, COLUMN = (1, 7), (7, 1)
SHORT_ROW, SHORT_COLUMN = (1, 3), (3, 1)
V1_CELLS: Sequence[tuple[int, tuple[int, ...]]] = (
    (0, (64, 96, 128, 16, 32, 32)), (0, (128, 128, 192, 32, 96, 64)),
    (3, (192, 96, 208, 16, 48, 64)), (0, (160, 112, 224, 24, 64, 64)), (0, (128, 128, 256, 24, 64, 64)), (0, (112, 144, 288, 32, 64, 64)),
    (0, (256, 160, 320, 32, 128, 128)), (2, (256, 160, 320, 32, 128, 128)), (0, (384, 192, 384, 48, 128, 128)),
)  # fmt: skip
V2_CELLS: Sequence[tuple[int, ...]] = (
    (64, 64, 64, 64, 96, 32), (64, 64, 96, 64, 96, 64), (128, 160, 64, 96),
    (224, 64, 96, 96, 128, 128), (192, 96, 128, 96, 128, 128), (160, 128, 160, 128, 160, 96), (96, 128, 192, 160, 192, 96), (128, 192, 192, 256),
    (352, 192, 320, 160, 224, 128), (352, 192, 320, 192, 224, 128),
)  # fmt: skip
V2_SEEN = (4, 9)  # the cells whose results a detector reads


def chain(net: Net, x: Map, steps: Sequence[Step], *, valid: bool = False) -> Map:
    """One branch: its steps in turn. Steps of stride 2 pad nothing where `valid`."""
    for step in steps:
        if isinstance(step, str):
            x = net.pool(x, 3, 1, 1, function=step)
        elif isinstance(step, int):
            x = net.unit(x, step, 1)
        else:
            channels, window, stride = (*step, 1)[:3]
            x = net.unit(x, channels, window, stride, pad=0 if valid and stride > 1 else None)
    return x


def cell(net: Net, x: Map, *branches: Sequence[Step]) -> Map:
    """Branches side by side."""
    net.block()
    return net.concat(*(chain(net, x, steps) for steps in branches))


def smaller(net: Net, x: Map, *branches: Sequence[Step], valid: bool = True) -> Map:
    """Branches of stride 2 and a pool of stride 2 side by side."""
    net.block()
    made = [chain(net, x, steps, valid=valid) for steps in branches]
    return net.concat(*made, net.pool(x, 3, 2, 0 if valid else 1))


def forked(net: Net, x: Map, steps: Sequence[Step], channels: int) -> list[Map]:
    """A branch that ends in a row and a column window side by side."""
    y = chain(net, x, steps)
    return [net.unit(y, channels, window) for window in (SHORT_ROW, SHORT_COLUMN)]


def inception_v1(net: Net) -> None:
    """GoogLeNet; the wider branch has 3 x 3 windows too."""
    x = net.pool(net.unit(net.image, 64, 7, 2), 3, 2, 1)
    x = net.pool(net.unit(net.unit(x, 64, 1), 192, 3), 3, 2, 1)
    for pool, (one, before, three, before5, five, after) in V1_CELLS:
        if pool:
            x = net.pool(x, pool, 2, pool // 2 if pool % 2 else x.h % 2)
        x = cell(net, x, [one], [before, (three, 3)], [before5, (five, 3)], ["max", after])
    net.classify(x)


def inception_v2_maps(net: Net) -> list[Map]:
    """The results of the cells that a detector reads, the last one last; the first convolution is depthwise (8 per colour), then pointwise."""
    first = net.conv(net.image, 24, 7, 2, groups=3)
    x = net.pool(net.unit(first, 64, 1), 3, 2, 1)
    x = net.pool(net.unit(net.unit(x, 64, 1), 192, 3), 3, 2, 1)
    seen: list[Map] = []
    for i, sizes in enumerate(V2_CELLS):
        if len(sizes) == 4:
            before, three, before5, five = sizes
            x = smaller(net, x, [before, (three, 3, 2)], [before5, (five, 3), (five, 3, 2)], valid=False)
        else:
            one, before, three, before5, five, after = sizes
            pool = "max" if i == len(V2_CELLS) - 1 else "average"
            x = cell(net, x, [one], [before, (three, 3)], [before5, (five, 3), (five, 3)], [pool, after])
        if i in V2_SEEN:
            seen.append(x)
    return seen


def inception_v2(net: Net) -> None:
    """Inception v2 (batch-normalised Inception)."""
    net.classify(inception_v2_maps(net)[-1])


def _stem(net: Net) -> Map:
    """Three convolutions that v3, v4 and Inception-ResNet-v2 begin with."""
    return net.unit(net.unit(net.unit(net.image, 32, 3, 2, pad=0), 32, 3, pad=0), 64, 3)


def _stem_192(net: Net) -> Map:
    """The first part of v3 and Inception-ResNet-v2: 35 x 35 x 192 of a 299 x 299 image."""
    x = net.pool(_stem(net), 3, 2)
    return net.pool(net.unit(net.unit(x, 80, 1), 192, 3, pad=0), 3, 2)


def inception_v3(net: Net) -> None:
    """Inception v3."""
    x = _stem_192(net)
    for after in (32, 64, 64):
        x = cell(net, x, [64], [48, (64, 5)], [64, (96, 3), (96, 3)], ["average", after])
    x = smaller(net, x, [(384, 3, 2)], [64, (96, 3), (96, 3, 2)])
    for c in (128, 160, 160, 192):
        x = cell(net, x, [192], [c, (c, ROW), (192, COLUMN)], [c, (c, COLUMN), (c, ROW), (c, COLUMN), (192, ROW)], ["average", 192])
    x = smaller(net, x, [192, (320, 3, 2)], [192, (192, ROW), (192, COLUMN), (192, 3, 2)])
    for _ in range(2):
        net.block()
        wide = [*forked(net, x, [384], 384), *forked(net, x, [448, (384, 3)], 384)]
        x = net.concat(net.unit(x, 320, 1), *wide, chain(net, x, ["average", 192]))
    net.classify(x)


def inception_v4(net: Net) -> None:
    """Inception v4."""
    x = _stem(net)
    x = net.concat(net.pool(x, 3, 2), net.unit(x, 96, 3, 2, pad=0))
    left = net.unit(chain(net, x, [64]), 96, 3, pad=0)
    x = net.concat(left, net.unit(chain(net, x, [64, (64, COLUMN), (64, ROW)]), 96, 3, pad=0))
    x = net.concat(net.unit(x, 192, 3, 2, pad=0), net.pool(x, 3, 2))
    for _ in range(4):
        x = cell(net, x, [96], [64, (96, 3)], [64, (96, 3), (96, 3)], ["average", 96])
    x = smaller(net, x, [(384, 3, 2)], [192, (224, 3), (256, 3, 2)])
    for _ in range(7):
        long: Sequence[Step] = [192, (192, COLUMN), (224, ROW), (224, COLUMN), (256, ROW)]
        x = cell(net, x, [384], [192, (224, ROW), (256, COLUMN)], long, ["average", 128])
    x = smaller(net, x, [192, (192, 3, 2)], [256, (256, ROW), (320, COLUMN), (320, 3, 2)])
    for _ in range(3):
        net.block()
        wide = [*forked(net, x, [384], 256), *forked(net, x, [384, (448, SHORT_COLUMN), (512, SHORT_ROW)], 256)]
        x = net.concat(net.unit(x, 256, 1), *wide, chain(net, x, ["average", 256]))
    net.classify(x)


def residual_cell(net: Net, x: Map, *branches: Sequence[Step], act: str = "relu") -> Map:
    """Branches side by side, brought back to the input's channels, scaled and added to it."""
    y = net.each(net.conv(cell(net, x, *branches), x.c, 1, bias=True), "scale")
    y = net.each(y, "add", x)
    return net.each(y, act) if act else y


def inception_resnet_v2(net: Net) -> None:
    """Inception-ResNet-v2."""
    x = cell(net, _stem_192(net), [96], [48, (64, 5)], [64, (96, 3), (96, 3)], ["average", 64])
    for _ in range(10):
        x = residual_cell(net, x, [32], [32, (32, 3)], [32, (48, 3), (64, 3)])
    x = smaller(net, x, [(384, 3, 2)], [256, (256, 3), (384, 3, 2)])
    for _ in range(20):
        x = residual_cell(net, x, [192], [128, (160, ROW), (192, COLUMN)])
    x = smaller(net, x, [256, (384, 3, 2)], [256, (288, 3, 2)], [256, (288, 3), (320, 3, 2)])
    for i in range(10):
        x = residual_cell(net, x, [192], [192, (224, SHORT_ROW), (256, SHORT_COLUMN)], act="relu" if i < 9 else "")
    net.classify(net.unit(x, 1536, 1))


NETWORKS: dict[str, Network] = {
    "inception-v1": image_network(inception_v1, classes=1001),
    "inception-v2": image_network(inception_v2, classes=1001),
    "inception-v3": image_network(inception_v3, 299, smallest=75),
    "inception-v4": image_network(inception_v4, 299, smallest=75, classes=1001),
    "inception-resnet-v2": image_network(inception_resnet_v2, 299, smallest=75, classes=1001),
}
