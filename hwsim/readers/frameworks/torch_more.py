"""Further operators of exported PyTorch programs (ATen): cells of recurrent networks, norms of vectors, bags of rows, grouped products...

Facts of the operators: the schemas in PyTorch's native_functions.yaml.
"""

from __future__ import annotations

import math

from hwsim.core.errors import InvalidTrace
from hwsim.readers.frameworks.einsum import einsum
from hwsim.readers.frameworks.torch_ops import Handler, TorchCall, TorchReading
from hwsim.readers.frameworks.values import Value


def square(r: TorchReading, c: TorchCall) -> list[Value]:
    """square."""
    return [r.made.each("mul", [c.x, c.x], c.shape)]


def vector_norm(r: TorchReading, c: TorchCall) -> list[Value]:
    """linalg_vector_norm, norm: squares, their sum, a root."""
    x = c.x
    squares = r.made.each("mul", [x, x], x.shape)
    count = x.elements // max(1, math.prod(c.shape))
    return [r.made.each("sqrt", [r.made.mean(squares, count, c.shape, word="sum")], c.shape)]


def cosine(r: TorchReading, c: TorchCall) -> list[Value]:
    """cosine_similarity: three sums of products and a quotient."""
    x, y = c.tensors[:2]
    wide = x.shape if x.elements >= y.elements else y.shape
    count = math.prod(wide) // max(1, math.prod(c.shape))
    sums = [r.made.mean(r.made.each("mul", list(pair), wide), count, c.shape, word="sum") for pair in ((x, y), (x, x), (y, y))]
    return [r.made.each("div", [sums[0], r.made.each("mul", sums[1:], c.shape)], c.shape)]


def gated(r: TorchReading, c: TorchCall) -> list[Value]:
    """glu: one half times the sigmoid of the other."""
    x, run = c.x, math.prod(c.shape[int(c.args.get("dim", -1)) % len(c.shape) :])
    first, second = (r.made.gather(x, c.shape, "slice", run=run) for _ in range(2))
    return [r.made.each("mul", [first, r.made.each("sigmoid", [second], c.shape)], c.shape)]


def outer(r: TorchReading, c: TorchCall) -> list[Value]:
    """outer: every product of two elements."""
    x, y = c.tensors
    return [r.made.each("mul", [r.made.view(x, (x.elements, 1)), y], c.shape)]


def bilinear(r: TorchReading, c: TorchCall) -> list[Value]:
    """bilinear: x1 (..., i), stored weights (o, i, j), x2 (..., j)."""
    first, second, weight = c["input1"], c["input2"], c["weight"]
    outs, _, inner = weight.shape
    wide = r.made.linear(first, weight, outs * inner, (*c.shape[:-1], outs, inner), label="bilinear")
    made = einsum(r.made, "...oj,...j->...o", [wide, second], c.shape)
    return [made if c["bias"] is None else r.made.each("add", [made, c["bias"]], c.shape)]


def added_rows(r: TorchReading, c: TorchCall) -> list[Value]:
    """index_add, scatter_add: positions read, added to, written back."""
    x = c["self"]
    source = c.args.get("source", c.args.get("src"))
    run = source.shape[-1] if len(source.shape) > 1 and "index" in c.word else 1
    before = r.made.gather(x, source.shape, c.word, run=run)
    return [r.made.gather(r.made.each("add", [before, source], source.shape), c.shape, c.word, run=run)]


def bag(r: TorchReading, c: TorchCall) -> list[Value]:
    """embedding_bag: rows of a table, one sum or mean for each bag. Raises `InvalidTrace` for bags of unlike sizes."""
    table, ids = c["weight"], c["indices"]
    bags = max(1, c.shape[0])
    if ids.elements % bags:
        raise InvalidTrace(f"'{c.name}': {ids.elements} rows in {bags} bags, of unlike sizes, have no model")
    rows = r.made.embedding(ids, table, (ids.elements, table.shape[1]))
    return [r.made.mean(rows, ids.elements // bags, c.shape, word="sum") if ids.elements > bags else r.made.view(rows, c.shape)]


def grid_sample(r: TorchReading, c: TorchCall) -> list[Value]:
    """grid_sampler: four positions gathered for each result and blended; one where the mode (1) is nearest."""
    x, shape = c.x, c.shape
    if c.args.get("interpolation_mode") == 1:
        return [r.made.gather(x, shape, "grid_sample")]
    corners = r.made.gather(x, (math.prod(shape), 4), "grid_sample")
    return [r.made.mean(r.made.each("scale", [corners], corners.shape), 4, shape)]


def cell(r: TorchReading, c: TorchCall) -> list[Value]:
    """lstm_cell (h, c), gru_cell: one step."""
    kind, x = c.word.removesuffix("_cell"), c["input"]
    hidden = c.shape[-1]
    made = r.made.recurrent(kind, r.made.view(x, (1, x.elements // x.shape[-1], x.shape[-1])), hidden, (1, x.elements // x.shape[-1], hidden),
                            directions=1)  # fmt: skip
    return [r.made.view(made, shape) for shape, _ in c.results]


def plain_recurrent(r: TorchReading, c: TorchCall) -> list[Value]:
    """rnn_tanh, rnn_relu: layers one after the other."""
    x, params, directions = c["input"], c["params"], 2 if c["bidirectional"] else 1
    hidden = params[0].shape[0]
    if c["batch_first"]:
        x = r.made.view(x, (x.shape[1], x.shape[0], x.shape[2]))
    states = []
    for _ in range(int(c["num_layers"])):
        x, last = r.made.plain_recurrent(c.word.removeprefix("rnn_"), x, hidden, directions)
        states.append(last)
    both = r.made.concat(states, 0, c.results[1][0]) if c.used[1] else r.made.constant(*c.results[1])
    return [r.made.view(x, c.shape), both]


def grouped(r: TorchReading, c: TorchCall) -> list[Value]:
    """_grouped_mm and its kin: rows in groups, each times a matrix of its own; taken to be spread evenly."""
    x, weight = c.tensors[:2]
    if len(weight.shape) != 3 or len(x.shape) != 2 or not weight.constant:
        raise InvalidTrace(f"'{c.name}': a grouped product of {x.shape} and {weight.shape} has no model")
    return [r.made.grouped(x, weight, c.shape)]


def order(r: TorchReading, c: TorchCall) -> list[Value]:
    """argsort: positions."""
    return [r.made.gather(c.x, c.shape, "topk", makes="int64")]


MORE: dict[str, Handler] = {
    "square": square, "linalg_vector_norm": vector_norm, "norm": vector_norm, "cosine_similarity": cosine, "glu": gated, "outer": outer,
    "bilinear": bilinear,
    "index_add": added_rows, "scatter_add": added_rows, "embedding_bag": bag, "_embedding_bag": bag, "grid_sampler": grid_sample,
    "grid_sampler_2d": grid_sample, "lstm_cell": cell, "gru_cell": cell, "rnn_tanh": plain_recurrent, "rnn_relu": plain_recurrent,
    "_grouped_mm": grouped, "transformers.grouped_mm_fallback": grouped, "argsort": order,
}  # fmt: skip
