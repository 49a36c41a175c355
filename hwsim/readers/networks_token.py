"""Encoders over tokens: BERT base and M3ViT-tiny, a vision transformer with a mixture of experts."""

from __future__ import annotations

from hwsim.core.errors import InvalidTrace
from hwsim.readers.networks import Asked, Map, Net, Network
from hwsim.readers.networks_vision import attend, feed_forward

BERT = {"vocab": 30522, "positions": 512, "types": 2, "width": 768, "layers": 12, "heads": 12}
WIDTH, LAYERS, HEADS, PATCH = 192, 12, 3, 16
EXPERTS, TOP, EXPERT_WIDTH = 16, 2, 384


def bert_base(net: Net) -> None:
    """BERT base (uncased): three embeddings, 12 layers with the norm after each residual, the pooled first token."""
    length, width = net.asked.sequence, BERT["width"]
    if length > BERT["positions"]:
        raise InvalidTrace(f"sequence {length} exceeds the {BERT['positions']} positions of the model")
    words, positions, types = (_table(net, name, BERT[name], length, width) for name in ("vocab", "positions", "types"))
    x = net.each(net.each(words, "add", positions), "add", types)
    x = net.layer_norm(x)
    for _ in range(BERT["layers"]):
        net.block()
        q, k, v = (net.linear(x, width, label) for label in ("q", "k", "v"))
        sizes = {"batch": net.n, "heads": BERT["heads"], "q": length, "kv": length, "head_dim": width // BERT["heads"]}
        attended = net.add_op("attention", "attention", [q.tensor, k.tensor, v.tensor], operand_role="activation", **sizes)
        x = net.layer_norm(net.each(net.linear(Map(attended, width, length, 1), width, "o"), "add", x))
        y = net.linear(net.each(net.linear(x, 4 * width, "fc1"), "gelu"), width, "fc2")
        x = net.layer_norm(net.each(y, "add", x))
    net.graph.common.pop("layer")
    net.each(net.linear(net.gather(x, "first_token", 1, 1), width, "pooler"), "tanh")


def _table(net: Net, name: str, entries: int, length: int, width: int) -> Map:
    sizes = {"rows": net.n * length, "vocab": entries, "cols": width}
    return Map(net.add_op("embedding", f"embed_{name}", [], **sizes), width, length, 1)


def m3vit_tiny(net: Net) -> None:
    """M3ViT-tiny (arXiv 2305.18691): 12 layers of width 192 over 16 x 16 patches and a class token; every other one has 16 experts, two per token.

    Its image is of int8 where activations are fixed point. Labels: ``patch``, ``qkv`` and ``proj`` (the attention's linear layers), ``attention``
    (query x key, softmax, x value), ``fc1`` and ``fc2`` (MLP), ``gate``, ``expert_fc1`` and ``expert_fc2``.
    """
    x = _patches(net)
    for layer in range(LAYERS):
        net.block()
        x = net.each(attend(net, net.layer_norm(x), HEADS, net.n, x.h), "add", x)
        x = _experts(net, x) if layer % 2 else feed_forward(net, x)


def _patches(net: Net) -> Map:
    """A product per patch, the class token in front, positions added."""
    asked = net.asked
    pixels = "int8" if asked.dtype == "fx32" else asked.dtype
    image = net.source("image", 3, *asked.input, dtype=pixels)
    high, wide = asked.input[0] // PATCH, asked.input[1] // PATCH
    made = net.graph.tensor("patches", (net.n, WIDTH, high, wide))
    net.conv(image, WIDTH, PATCH, PATCH, pad=0, bias=True, label="patch", dtype=pixels, output=made)
    token = net.graph.tensor("class_token", (net.n, WIDTH), role="input")
    both = net.add_op("concat", "class_token", [token, made], rows=net.n, c0=WIDTH, c1=high * wide * WIDTH)
    return net.each(Map(both, WIDTH, high * wide + 1, 1), "bias", label="positions")


def _experts(net: Net, x: Map) -> Map:
    """Gate, then the two best experts of every token; rows are spread as evenly as whole ones can be over the experts expected to have any."""
    rows = net.n * x.h
    y = net.layer_norm(x)
    scores = net.linear(y, EXPERTS, "gate", bias=False)
    choice = net.add_op("moe_routing", "gate", [scores.tensor], rows=rows, experts=EXPERTS, top=TOP)
    held = net.add_op("moe_dispatch", "dispatch", [y.tensor, choice], rows=rows, cols=WIDTH, top=TOP)
    slots = rows * TOP
    active = min(EXPERTS, slots, round(EXPERTS * (1 - (1 - TOP / EXPERTS) ** rows)))
    spread = {"batch": active, "m": -(-slots // active), "ragged": slots, "pool": EXPERTS, "bias": 1}
    z = net.add_op("matmul", "expert_fc1", [held], k=WIDTH, n=EXPERT_WIDTH, **spread)
    z = net.add_op("elementwise", "gelu", [z], function="gelu", rows=slots, cols=EXPERT_WIDTH)
    z = net.add_op("matmul", "expert_fc2", [z], k=EXPERT_WIDTH, n=WIDTH, **spread)
    made = net.add_op("moe_combine", "combine", [z, choice], rows=rows, cols=WIDTH, top=TOP)
    return net.each(Map(made, WIDTH, x.h, 1), "add", x)


NETWORKS: dict[str, Network] = {
    "bert-base": Network(bert_base, ("sequence",)),
    "m3vit-tiny": Network(m3vit_tiny, ("input",), Asked(input=(128, 256)), smallest=PATCH, multiple=PATCH),
}
