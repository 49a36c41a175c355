"""HydraFusion (github.com/AICPS/hydrafusion): detection from two cameras, radar and lidar, whose branches a gate switches on and off.

A stem per sensor is the first stage of ResNet-18; a branch concatenates the maps of its sensors, runs the rest of ResNet-18 and a Faster R-CNN head
on one map (torchvision's: 3 x 3 region proposals with 15 anchors, `proposals` regions of 7 x 7, two products of 1024). All sensors are brought to
one size, the camera's 376 x 672 of RADIATE by default. Every operator states its stem or branch as an attribute (``stem: radar``, ``branch:
camera_both``); meta names the branches and the stems that each needs. Boxes of the branches are merged on a processor.
"""

from __future__ import annotations

from hwsim.readers.networks import Asked, Map, Net, Network
from hwsim.readers.networks_resnet import basic_block, stem

BRANCHES: dict[str, tuple[str, ...]] = {
    "radar": ("radar",), "camera_left": ("camera_left",), "camera_right": ("camera_right",), "lidar": ("lidar",),
    "camera_both": ("camera_left", "camera_right"), "camera_lidar": ("camera_left", "lidar"), "radar_lidar": ("radar", "lidar"),
}  # fmt: skip
ANCHORS, WINDOW, HIDDEN = 15, 7, 1024
SAMPLES = 4  # bilinear samples of one cell of a region


def hydrafusion(net: Net) -> None:
    """Stems and branches that are asked for."""
    stems: dict[str, Map] = {}
    for branch in net.asked.branches:
        for sensor in BRANCHES[branch]:
            if sensor not in stems:
                net.graph.common["attrs"] = {"stem": sensor}
                stems[sensor] = _stem(net, sensor)
    for branch in net.asked.branches:
        net.graph.common["attrs"] = {"branch": branch}
        _branch(net, [stems[sensor] for sensor in BRANCHES[branch]])
    del net.graph.common["attrs"]


def _stem(net: Net, sensor: str) -> Map:
    x = stem(net, net.source(sensor, 3, *net.asked.input))
    for _ in range(2):
        net.block()
        x = basic_block(net, x, 64, 1)
    return x


def _branch(net: Net, sensors: list[Map]) -> None:
    x = net.concat(*sensors) if len(sensors) > 1 else sensors[0]
    for channels in (128, 256, 512):
        for i in range(2):
            net.block()
            x = basic_block(net, x, channels, 1 if i else 2)
    net.block()
    y = net.each(net.conv(x, x.c, 3, bias=True, label="rpn"), "relu")
    for outputs in (1, 4):
        net.conv(y, ANCHORS * outputs, 1, bias=True, label="rpn")
    net.block()
    cells = net.asked.proposals * WINDOW * WINDOW
    sampled = net.gather(x, "roi_align", SAMPLES * cells, 1)
    wide = Map(sampled.tensor, x.c, net.n * SAMPLES * net.asked.proposals * WINDOW, WINDOW)
    pooled = _mean_of_samples(net, wide)
    flat = Map(pooled.tensor, x.c * WINDOW * WINDOW, net.asked.proposals, 1)
    for label in ("box_fc1", "box_fc2"):
        flat = net.each(net.linear(flat, HIDDEN, label), "relu")
    for outputs, label in ((net.asked.classes + 1, "box_class"), (4 * (net.asked.classes + 1), "box_offset")):
        net.linear(flat, outputs, label)


def _mean_of_samples(net: Net, x: Map) -> Map:
    """The mean of four samples in a row of every cell of a region."""
    rows = x.h * x.w // SAMPLES
    y = net.add_op("pool", "roi_align", [x.tensor], function="average", n=1, c=x.c, h=SAMPLES, w=rows, r=SAMPLES, s=1, stride=1)
    return Map(y, x.c, rows, 1)


NETWORKS: dict[str, Network] = {
    "hydrafusion": Network(
        hydrafusion, ("input", "classes", "branches", "proposals"), Asked(input=(376, 672), classes=8, branches=tuple(BRANCHES)), smallest=64
    ),
}
