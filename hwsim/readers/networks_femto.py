"""FemtoDet, a detector of 69 k parameters for phones (FemtoDet@2073227, width 0.25), batch norms folded as at inference."""

from __future__ import annotations

from hwsim.readers.networks import Map, Net, Network, image_network
from hwsim.readers.networks_mobile import inverted_residual

BLOCKS = ((1, 8, 1, 1), (4, 8, 2, 2), (4, 8, 2, 2), (4, 16, 3, 2), (4, 24, 2, 1), (4, 40, 2, 2), (4, 80, 1, 1))  # expansion, channels, count, stride
PROJECTIONS = (1, 1, 1, 1, 1, 2, 2)  # groups of the last 1 x 1 of a block
TAPS = (2, 4, 6)  # stages that the neck reads
NECK = 64


def femtodet(net: Net) -> None:
    """Inverted residuals, three maps brought to one size and added, one head of classes, boxes and objectness."""
    x, taps = net.unit(net.image, 8, 3, 2), list[Map]()
    for stage, ((expansion, channels, count, first), groups) in enumerate(zip(BLOCKS, PROJECTIONS, strict=True)):
        for i in range(count):
            x = _block(net, x, expansion, channels, 1 if i else first, groups)
        if stage in TAPS:
            taps.append(x)
    net.block()
    lateral = [net.unit(t, NECK, 1) for t in taps]
    middle = lateral[1]
    sized = [m if m.h == middle.h else net.gather(m, f"resize{i}", middle.h, middle.w) for i, m in enumerate(lateral)]
    y = net.each(net.each(sized[1], "add", sized[0]), "add", sized[2])
    y = net.unit(net.unit(y, NECK, 3, groups=NECK), NECK, 1)
    for outputs in (net.asked.classes, 4, 1):
        net.conv(y, outputs, 1, bias=True)


def _block(net: Net, x: Map, expansion: int, channels: int, stride: int, groups: int) -> Map:
    if groups == 1:
        return inverted_residual(net, x, expansion * x.c, channels, stride, 3, "relu")
    net.block()
    y = net.unit(x, expansion * x.c, 1)
    y = net.unit(net.unit(y, y.c, 3, stride, groups=y.c), channels, 1, groups=groups, act="")
    return net.each(y, "add", x) if stride == 1 and x.c == channels else y


NETWORKS: dict[str, Network] = {"femtodet": image_network(femtodet, 416, smallest=64, multiple=32, dtype="fp32", classes=20)}
