"""Image networks of attention: ViT-B/16 and Swin-T."""

from __future__ import annotations

import math

from hwsim.readers.networks import Map, Net, Network, image_network

SWIN_STAGES = ((96, 2, 3), (192, 2, 6), (384, 6, 12), (768, 2, 24))  # channels, blocks, heads
WINDOW = 7


def attend(net: Net, x: Map, heads: int, sequences: int, length: int, *, masked: bool = False) -> Map:
    """Query, key and value in one product, fused attention of `sequences` sequences of `length` tokens, output product.

    `masked`: each sequence and head has a mask of its own that is added to the scores (attribute ``mask``; eager frameworks write it out).
    """
    qkv = net.linear(x, 3 * x.c, "qkv")
    sizes = {"heads": heads, "q": length, "kv": length, "head_dim": x.c // heads, "new": length, "fused": 1}
    masks = {"attrs": {"mask": "sequence"}} if masked else {}
    y = net.add_op("attention", "attention", [qkv.tensor], operand_role="activation", batch=sequences, **sizes, **masks)
    return net.linear(Map(y, x.c, x.h, x.w), x.c, "proj")


def feed_forward(net: Net, x: Map) -> Map:
    """Two products around a GELU, four times as wide; the residual added."""
    y = net.linear(net.each(net.linear(net.layer_norm(x), 4 * x.c, "fc1"), "gelu"), x.c, "fc2")
    return net.each(y, "add", x)


def vit_b16(net: Net) -> None:
    """ViT-B/16: 12 blocks of width 768 over the patches and a class token."""
    patches = net.conv(net.image, 768, 16, 16, pad=0, bias=True)
    tokens = patches.h * patches.w + 1
    x = Map(net.graph.tensor("tokens", (net.n, tokens, 768), role="input"), 768, tokens, 1)  # patches behind a class token
    x = net.each(x, "bias", label="positions")
    for _ in range(12):
        net.block()
        x = net.each(attend(net, net.layer_norm(x), 12, net.n, tokens), "add", x)
        x = feed_forward(net, x)
    net.classify(Map(_first_token(net, net.layer_norm(x)), 768, 1, 1))


def _first_token(net: Net, x: Map) -> str:
    """Gather the class token of every image."""
    rows = {"rows": net.n, "vocab": net.n * x.h * x.w, "cols": x.c}
    ids = net.graph.tensor("class_ids", (net.n,), role="input", dtype="int32")
    return net.add_op("embedding", "gather", [ids, x.tensor], operand_role="activation", **rows)


def swin_t(net: Net) -> None:
    """Swin-T: attention in windows of 7 x 7, shifted in every other block, patches merged between stages."""
    channels = SWIN_STAGES[0][0]
    x = net.layer_norm(net.conv(net.image, channels, 4, 4, pad=0, bias=True))
    for stage, (channels, blocks, heads) in enumerate(SWIN_STAGES):
        if stage:
            merged = Map(net.each(x, "copy", label="merge").tensor, 4 * x.c, x.h // 2, x.w // 2)
            x = net.linear(net.layer_norm(merged), channels, "reduction", bias=False)
        for i in range(blocks):
            net.block()
            x = feed_forward(net, _window_block(net, x, heads, shifted=i % 2 == 1 and x.h > WINDOW))
    net.classify(net.layer_norm(x))


def _window_block(net: Net, x: Map, heads: int, *, shifted: bool) -> Map:
    """Attention within windows: (roll,) pad, cut into windows, attend, put together, (roll back,) add the input. Windows at an edge are padded.

    The pad is a copy even where nothing is added to the map; shifted windows hold positions of several regions, which a mask keeps apart.
    """
    windows = math.ceil(x.h / WINDOW) * math.ceil(x.w / WINDOW)
    padded = windows * WINDOW * WINDOW == x.h * x.w
    y = net.layer_norm(x)
    for _ in range(3 if shifted else 2):
        y = net.each(y, "copy", label="window")
    if not padded:
        y = Map(net.graph.tensor(f"{y.tensor}.padded", (net.n, windows * WINDOW**2, x.c), role="input"), x.c, windows * WINDOW**2, 1)
    y = attend(net, y, heads, net.n * windows, WINDOW * WINDOW, masked=shifted)
    if not padded:
        y = Map(net.graph.tensor(f"{y.tensor}.cut", (net.n, x.h * x.w, x.c), role="input"), x.c, x.h, x.w)
    for _ in range(2 if shifted else 1):
        y = net.each(y, "copy", label="window")
    return net.each(Map(y.tensor, x.c, x.h, x.w), "add", x)


NETWORKS: dict[str, Network] = {"vit-b16": image_network(vit_b16), "swin-t": image_network(swin_t)}
