"""Kinds of operator outside neural networks: classical learners and signal processing. Registered with the built-in kinds.

Counts are those of the textbook algorithms: `macs` are multiply-accumulates over all (class or cluster, feature) pairs, `elementary` the other adds,
multiplies, compares and conversions. Sizes carry the names that the algorithms' literature uses.
"""

from __future__ import annotations

from hwsim.core.op import Bounds, Operand, OpKind, Shape, register

MOST_DEPTH = 40  # levels of a complete tree whose nodes are counted
EXPONENTIAL = 18  # operations of exp(x): scale, two conversions, a subtraction, a polynomial of degree 6 (12), the exponent's add and the sum


def tree_nodes(b: Bounds) -> int:
    """Inner nodes of all trees together: as stated, or those of complete trees."""
    return b["nodes"] or b.get("trees", 1) * (2 ** b["depth"] - 1)


def _linear_operands(b: Bounds) -> tuple[Operand, ...]:
    weight = Operand("weight", (b["classes"], b["features"]), "weight", "weight")
    return (Operand("input", (b["samples"], b["features"])), weight, Operand("bias", (b["classes"],), "weight", "weight"))


def _gaussian_operands(b: Bounds) -> tuple[Operand, ...]:
    """Means, inverse variances, and per class the logarithm of its prior and its variances' product."""
    pairs = (b["classes"], b["features"])
    mean, inverse = (Operand(name, pairs, "weight", "weight") for name in ("mean", "inverse_variance"))
    return (Operand("input", (b["samples"], b["features"])), mean, inverse, Operand("prior", (b["classes"],), "weight", "weight"))


def _scores(b: Bounds) -> tuple[Shape, ...]:
    return ((b["samples"], b["classes"]),)


def _linear_macs(b: Bounds) -> int:
    return b["samples"] * b["classes"] * b["features"]


def _nearest_operands(b: Bounds) -> tuple[Operand, ...]:
    return (Operand("input", (b["queries"], b["features"])), Operand("weight", (b["samples"], b["features"]), "weight", "weight"))


def _nearest_elementary(b: Bounds) -> int:
    """A subtraction per (sample, feature), and one compare per sample in each of `neighbours` selection passes."""
    return b["queries"] * b["samples"] * (b["features"] + b["neighbours"])


def _kmeans_operands(b: Bounds) -> tuple[Operand, ...]:
    return (Operand("input", (b["samples"], b["features"])), Operand("weight", (b["clusters"], b["features"]), "weight", "weight"))


def _kmeans_elementary(b: Bounds) -> int:
    """Per iteration: subtractions and compares of the distances, the adds into the winners' sums, and the new centroids."""
    s, f, c = b["samples"], b["features"], b["clusters"]
    return b["iterations"] * (s * c * (f + 1) + s * f + c * (f + 2))


def _tree_operands(b: Bounds) -> tuple[Operand, ...]:
    """Thresholds and byte feature indices of the inner nodes, of which a traversal reads one per level; a byte class per leaf."""
    trees, samples = b.get("trees", 1), b["samples"]
    nodes, steps = tree_nodes(b), samples * trees * b["depth"]
    read = min(nodes, steps)
    threshold = Operand("threshold", (nodes,), "weight", "weight", read)
    index = Operand("index", (nodes,), "weight", "int8", read)
    leaf = Operand("leaf", (nodes + trees,), "weight", "int8", min(nodes + trees, samples * trees))
    return (Operand("input", (samples, b["features"]), touched=min(samples * b["features"], steps)), threshold, index, leaf)


def _tree_elementary(b: Bounds) -> int:
    """A compare per level and traversal; per tree a vote; the compares of the votes."""
    trees = b.get("trees", 1)
    return b["samples"] * (trees * b["depth"] + (trees + b["classes"] if trees > 1 else 0))


def _tree_complaint(b: Bounds) -> str | None:
    if b["depth"] > MOST_DEPTH:
        return f"depth {b['depth']} is more than the {MOST_DEPTH} levels that are modelled"
    if b["nodes"] and b["nodes"] < b.get("trees", 1) * b["depth"]:
        return f"nodes {b['nodes']} are fewer than one per level of each tree"
    return None


register(OpKind(  # scores of linear one-against-rest machines, and the class of the greatest
    "svm", ("features", "classes"), _linear_operands, _scores, macs=_linear_macs,
    elementary=lambda b: b["samples"] * b["classes"] * 2, defaults={"samples": 1},
))  # fmt: skip
register(OpKind(  # the same scores through a softmax
    "logistic_regression", ("features", "classes"), _linear_operands, _scores, macs=_linear_macs,
    elementary=lambda b: b["samples"] * b["classes"] * (3 + EXPONENTIAL), defaults={"samples": 1},
))  # fmt: skip
register(OpKind(  # sum over features of (x - mean)^2 / variance per class: a subtraction and a square before each multiply-accumulate
    "gaussian_nb", ("features", "classes"), _gaussian_operands, _scores, macs=_linear_macs,
    elementary=lambda b: 2 * b["samples"] * b["classes"] * (b["features"] + 1), defaults={"samples": 1},
))  # fmt: skip
register(OpKind(  # squared distances to `samples` stored points, and the nearest ones
    "knn", ("samples", "features", "neighbours"), _nearest_operands, results=lambda b: ((b["queries"], b["neighbours"]),),
    macs=lambda b: b["queries"] * b["samples"] * b["features"], elementary=_nearest_elementary, defaults={"queries": 1},
    check=lambda b: f"neighbours {b['neighbours']} exceeds the {b['samples']} samples" if b["neighbours"] > b["samples"] else None,
))  # fmt: skip
register(OpKind(
    "kmeans", ("samples", "features", "clusters"), _kmeans_operands, results=lambda b: ((b["clusters"], b["features"]),),
    macs=lambda b: b["iterations"] * b["samples"] * b["clusters"] * b["features"], elementary=_kmeans_elementary, defaults={"iterations": 1},
))  # fmt: skip
register(OpKind(
    "random_forest", ("trees", "depth", "features", "classes"), _tree_operands, _scores,
    elementary=_tree_elementary, defaults={"samples": 1, "nodes": 0}, check=_tree_complaint,
))  # fmt: skip
register(OpKind(
    "decision_tree", ("depth", "features", "classes"), _tree_operands, results=lambda b: ((b["samples"],),),
    elementary=_tree_elementary, defaults={"samples": 1, "nodes": 0}, check=_tree_complaint,
))  # fmt: skip
register(OpKind(
    "dot", ("elements",), lambda b: (Operand("input", (b["elements"],)), Operand("weight", (b["elements"],), "weight", "weight")),
    results=lambda b: ((1,),), macs=lambda b: b["elements"],
))  # fmt: skip
register(OpKind(  # full linear convolution of two vectors
    "convolve", ("len_a", "len_b"), lambda b: (Operand("input", (b["len_a"],)), Operand("weight", (b["len_b"],), "weight", "weight")),
    results=lambda b: ((b["len_a"] + b["len_b"] - 1,),), macs=lambda b: b["len_a"] * b["len_b"],
))  # fmt: skip
