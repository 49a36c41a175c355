"""Image networks by name: what can be asked of one, and the builder that its generator uses.

Operators are those that an eager framework launches: batch normalisation, activation, addition and concatenation are passes of their own; targets
may fuse them. ``layer`` counts the network's blocks; in the networks for microcontrollers (``mlperf-tiny-...``, ``dory-...``,
``mobilenet-v1-0.25-128``) it counts convolutions, pools and products. The generators are in the modules ``networks_...``, one family each.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from hwsim.core.dtype import dtype as number_format
from hwsim.core.errors import InvalidTrace, nearest
from hwsim.core.graph import Graph, GraphBuilder
from hwsim.core.operators import CONCAT_PARTS

OPTIONS = ("batch", "dtype", "weight_dtype", "gops")  # of every network
FAMILIES = ("resnet", "plain", "inception", "mobile", "detect", "femto", "fusion", "vision", "token", "tiny", "dory", "recurrent")
NAMES = (
    "bert-base", "convnext-t", "densenet121", "densenet161", "densenet201", "dory-dronet", "dory-dronet-no-pool", "dory-dscnn", "dory-penguinet",
    "dory-residual-1", "dory-residual-2", "dory-smartagri", "dory-tcn-t", "dory-tcn-test", "efficientnet-b0", "efficientnet-edgetpu-l",
    "efficientnet-edgetpu-m", "efficientnet-edgetpu-s", "femtodet", "hydrafusion",
    "inception-resnet-v2", "inception-v1", "inception-v2", "inception-v3", "inception-v4", "kws-lstm", "m3vit-tiny",
    "mlperf-tiny-ad", "mlperf-tiny-ic", "mlperf-tiny-kws", "mlperf-tiny-vww", "mobilenet-edgetpu", "mobilenet-v1", "mobilenet-v2",
    "mobilenet-v3-small", "ptb-lstm", "resnet101-v1-slim", "resnet101-v1.5", "resnet101-v2-slim", "resnet152-v1-slim", "resnet152-v2-slim",
    "resnet18",
    "resnet50-v1", "resnet50-v1-slim", "resnet50-v1.5", "resnet50-v2-slim", "resnext101-32x8d", "resnext50-32x4d", "squeezenet-1.1",
    "ssd-inception-v2", "ssd-mobilenet-v1", "ssd-mobilenet-v2", "ssd-resnet34", "ssdlite-mobilenet-v2", "swin-t", "vgg16", "vgg19",
    "vgg8_cifar10", "vit-b16",
    "vovnet39a", "vovnet57a", "yolov3", "yolov4",
)  # fmt: skip
ALIASES = {"resnet50": "resnet50-v1.5", "resnet101": "resnet101-v1.5"}
SCALED = re.compile(r"(mobilenet-v[12])-(\d+(?:\.\d+)?)-(\d+)")  # width and size in the name, as checkpoints are called
LARGEST, WIDEST = 4096, 4.0
NOTED = 0.03  # relative difference from a published count that is worth a note


@dataclass(frozen=True)
class Asked:
    """What is asked of a network: images, their size, number formats; `width` multiplies channels, `sequence` counts tokens of a text encoder,
    `steps` those of a recurrent network.

    `branches` and `proposals` are those of a sensor fusion network (empty: all).
    """

    batch: int = 1
    input: tuple[int, int] = (224, 224)
    dtype: str = "fp16"
    weight_dtype: str = ""
    width: float = 1.0
    classes: int = 1000
    sequence: int = 128
    steps: int = 1
    branches: tuple[str, ...] = ()
    proposals: int = 1000


@dataclass(frozen=True)
class Map:
    """A feature map (or a sequence: h tokens, w = 1): the tensor that holds it, its channels, height and width."""

    tensor: str
    c: int
    h: int
    w: int


class Net:
    """Builds a network layer by layer; every method adds operators and returns the feature map that they make."""

    def __init__(self, asked: Asked, *, layerwise: bool = False) -> None:
        self.n, self.asked, self.count, self.layerwise = asked.batch, asked, 0, layerwise
        self.graph = GraphBuilder(asked.dtype, asked.weight_dtype)

    @cached_property
    def image(self) -> Map:
        """The input: an image of three colours."""
        return self.source("image", 3, *self.asked.input)

    def source(self, name: str, c: int, h: int, w: int, dtype: str = "") -> Map:
        """Declare an input of the network."""
        return Map(self.graph.tensor(name, (self.n, c, h, w), role="input", dtype=dtype), c, h, w)

    def block(self) -> None:
        """Start the next block: its operators carry its number as `layer` (unless layers are counted one by one)."""
        if not self.layerwise:
            self.next_layer()

    def next_layer(self) -> None:
        """Number the next layer."""
        self.graph.common["layer"] = self.graph.common.get("layer", -1) + 1

    def add_op(self, kind: str, label: str, inputs: list[str], **bounds: Any) -> str:
        """Add one operator under a number of its own; return its result."""
        self.count += 1
        if self.layerwise and kind in ("conv2d", "pool", "matmul"):
            self.next_layer()
        return self.graph.op(kind, f"{label}.{self.count}", inputs, label=label, **bounds)

    def conv(
        self, x: Map, k: int, r: int | tuple[int, int], stride: int = 1, *, pad: int | None = None, groups: int = 1, bias: bool = False, **fields: str
    ) -> Map:
        """A convolution; by default padded to keep the size at stride 1, an oblong one (height, width of the window) always."""
        if isinstance(r, tuple):
            (r, s), pad, same = r, 0, {"same": 1}
            shape = -(-x.h // stride), -(-x.w // stride)
        else:
            s, pad, same = r, r // 2 if pad is None else pad, {}
            shape = (x.h + 2 * pad - r) // stride + 1, (x.w + 2 * pad - r) // stride + 1
        sizes = {"n": self.n, "c": x.c, "h": x.h, "w": x.w, "k": k, "r": r, "s": s, "stride": stride, "pad": pad, "groups": groups, **same}
        y = self.add_op("conv2d", fields.pop("label", "conv"), [x.tensor], bias=int(bias), **sizes, **fields)
        return Map(y, k, *shape)

    def each(self, x: Map, function: str, *others: Map, label: str = "") -> Map:
        """An elementwise pass over one or more maps of one size."""
        inputs = [x.tensor, *(o.tensor for o in others)]
        rows = self.n * x.h * x.w
        y = self.add_op("elementwise", label or function, inputs, function=function, rows=rows, cols=x.c, operands=len(inputs))
        return Map(y, x.c, x.h, x.w)

    def norm_act(self, x: Map, act: str = "relu") -> Map:
        """Batch normalisation and an activation, two passes."""
        x = self.each(x, "batch_norm", label="batch_norm")
        return self.each(x, act) if act else x

    def unit(self, x: Map, k: int, r: int | tuple[int, int], stride: int = 1, *, groups: int = 1, act: str = "relu", pad: int | None = None) -> Map:
        """Convolution, batch normalisation, activation."""
        return self.norm_act(self.conv(x, k, r, stride, groups=groups, pad=pad), act)

    def pool(self, x: Map, r: int, stride: int, pad: int = 0, function: str = "max") -> Map:
        """A pooling window."""
        sizes = {"n": self.n, "c": x.c, "h": x.h, "w": x.w, "r": r, "s": r, "stride": stride, "pad": pad}
        y = self.add_op("pool", "pool", [x.tensor], function=function, **sizes)
        return Map(y, x.c, (x.h + 2 * pad - r) // stride + 1, (x.w + 2 * pad - r) // stride + 1)

    def squeeze(self, x: Map) -> Map:
        """The mean of every channel."""
        sizes = {"n": self.n, "c": x.c, "h": x.h, "w": x.w, "r": x.h, "s": x.w}
        return Map(self.add_op("pool", "pool", [x.tensor], function="average", stride=max(x.h, x.w), **sizes), x.c, 1, 1)

    def concat(self, *maps: Map) -> Map:
        """Channels of several maps side by side, copied."""
        first = maps[0]
        sizes = {c: m.c for c, m in zip(CONCAT_PARTS, maps, strict=False)}
        y = self.add_op("concat", "concat", [m.tensor for m in maps], rows=self.n * first.h * first.w, **sizes)
        return Map(y, sum(m.c for m in maps), first.h, first.w)

    def gather(self, x: Map, label: str, h: int, w: int) -> Map:
        """A map of h x w positions per image, each a copy of one position of `x` (enlarging, cutting out)."""
        ids = self.graph.tensor(f"{label}.{self.count}.ids", (self.n * h * w,), role="input", dtype="int32")
        sizes = {"rows": self.n * h * w, "vocab": self.n * x.h * x.w, "cols": x.c}
        return Map(self.add_op("embedding", label, [ids, x.tensor], operand_role="activation", **sizes), x.c, h, w)

    def linear(self, x: Map, n: int, label: str = "linear", *, bias: bool = True) -> Map:
        """A product with weights at every position."""
        y = self.add_op("matmul", label, [x.tensor], m=self.n * x.h * x.w, k=x.c, n=n, bias=int(bias))
        return Map(y, n, x.h, x.w)

    def layer_norm(self, x: Map) -> Map:
        """Layer normalisation over the channels of every position."""
        y = self.add_op("norm", "norm", [x.tensor], function="layer", rows=self.n * x.h * x.w, cols=x.c, weights=2)
        return Map(y, x.c, x.h, x.w)

    def classify(self, x: Map) -> Map:
        """Mean over positions, then the classifier."""
        return self.linear(self.squeeze(x) if x.h * x.w > 1 else x, self.asked.classes, "classifier")


Generator = Callable[[Net], Any]


@dataclass(frozen=True)
class Network:
    """A network: its generator, what may be asked beyond `OPTIONS`, what is built by default, and the sizes that it takes."""

    build: Generator
    options: tuple[str, ...] = ("input", "classes")
    default: Asked = field(default_factory=Asked)
    smallest: int = 32
    multiple: int = 1
    layerwise: bool = False


def image_network(build: Generator, size: int = 224, *more: str, smallest: int = 32, multiple: int = 1, **default: Any) -> Network:
    """Return the entry of a network of square images, with the options `input`, `classes` and `more`."""
    return Network(build, ("input", "classes", *more), Asked(input=(size, size), **default), smallest, multiple)


@lru_cache(maxsize=1)
def registry() -> Mapping[str, Network]:
    """Networks by trace name."""
    found: dict[str, Network] = {}
    for family in FAMILIES:
        found |= importlib.import_module(f"hwsim.readers.networks_{family}").NETWORKS
    return found


def is_network(name: str) -> bool:
    """Tell whether `name` is a network's, an alias, or one with width and size in it (``mobilenet-v1-0.25-128``)."""
    return name in NAMES or name in ALIASES or SCALED.fullmatch(name) is not None


def network(name: str) -> Network:
    """Return the entry of a name for which `is_network` holds. Raises `InvalidTrace` for a width or size in it that is impossible."""
    scaled = SCALED.fullmatch(name)
    if scaled is None:
        return registry()[ALIASES.get(name, name)]
    plain = registry()[scaled[1]]
    size, width = int(scaled[3]), float(scaled[2])
    asked = replace(plain.default, input=_input(name, plain, (size, size)), width=_width(name, width), classes=1001)
    return replace(plain, options=("classes",), default=asked, layerwise=True)


def read_network(name: str, **options: Any) -> Graph:
    """Return the graph of one pass of a network.

    `batch` (default 1), `dtype` (default fp16), `weight_dtype` (default dtype), and where the network has them `input` (height, width), `classes`,
    `width`, `sequence`, `steps`, `branches`, `proposals`. `gops` states a published count of operations in 1e9, two per multiply-accumulate: when the
    graph differs by more than 3 %, its meta says so as `note`. Raises `InvalidTrace` for an unknown option or an impossible size.

    >>> round(read_network("resnet50-v1.5").macs / 1e9, 2)
    4.09
    """
    entry = network(name)
    known = (*entry.options, *OPTIONS)
    unknown = [key for key in options if key not in known]
    if unknown:
        raise InvalidTrace(f"trace '{name}' has no option '{unknown[0]}'{nearest(unknown[0], known)}; it has {', '.join(known)}")
    published = options.pop("gops", None)
    asked = replace(entry.default, **{key: CHECKS[key](name, entry, value) for key, value in options.items()})
    net = Net(asked, layerwise=entry.layerwise)
    try:
        entry.build(net)
        graph = net.graph.graph(**_meta(name, entry, asked))
    except InvalidTrace as bad:
        raise InvalidTrace(f"trace '{name}' cannot be built for {_sizes(entry, asked)}: {bad.problem}") from None
    return graph if published is None else _noted(name, graph, published)


def _meta(name: str, entry: Network, asked: Asked) -> dict[str, Any]:
    meta: dict[str, Any] = {"trace": name, "batch": asked.batch, "input": list(asked.input), "dtype": asked.dtype}
    if "sequence" in entry.options:
        meta["sequence"] = asked.sequence
    if "input" not in entry.options and not SCALED.fullmatch(name):
        del meta["input"]
    for key in ("weight_dtype", "width", "classes", "branches", "proposals", "steps"):
        if (value := getattr(asked, key)) != getattr(entry.default, key) or (key == "width" and value != 1):
            meta[key] = list(value) if isinstance(value, tuple) else value
    return meta


def _sizes(entry: Network, asked: Asked) -> str:
    given = {"input": list(asked.input), **{key: getattr(asked, key) for key in entry.options if key != "input"}}
    return ", ".join(f"{key} {value}" for key, value in given.items())


def _noted(name: str, graph: Graph, published: object) -> Graph:
    """Return the graph, with a note in its meta when its work is not the published one."""
    if isinstance(published, bool) or not isinstance(published, int | float) or not 0 < published < float("inf"):
        raise InvalidTrace(f"trace '{name}': gops (1e9 operations) must be a positive number, got {published!r}")
    own = 2 * graph.macs / 1e9
    if abs(own / published - 1) <= NOTED:
        return graph
    text = f"{published:g} G operations are published, this graph has {own:.4g} (two per multiply-accumulate): {own / published - 1:+.1%}"
    if abs(own / 2 / published - 1) <= NOTED:
        text += "; the published count is one of multiply-accumulates"
    return graph.with_meta(note=text)


def _input(name: str, entry: Network, given: object) -> tuple[int, int]:
    least, step = entry.smallest, entry.multiple
    if not isinstance(given, list | tuple) or len(given) != 2 or any(type(s) is not int or not least <= s <= LARGEST for s in given):
        raise InvalidTrace(f"trace '{name}': input is [height, width], each {least} to {LARGEST}, got {given!r}")
    if any(s % step for s in given):
        raise InvalidTrace(f"trace '{name}': input height and width must be multiples of {step}, got {given!r}")
    return given[0], given[1]


def _width(name: str, given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= WIDEST:
        raise InvalidTrace(f"trace '{name}': width (the multiplier of its channels) must be above 0 and at most {WIDEST:g}, got {given!r}")
    return float(given)


def _count(key: str) -> Callable[[str, Network, object], int]:
    def check(name: str, entry: Network, given: object) -> int:
        if type(given) is not int or given < 1:
            raise InvalidTrace(f"trace '{name}': {key} must be a positive whole number, got {given!r}")
        return given

    return check


def _branches(name: str, entry: Network, given: object) -> tuple[str, ...]:
    """The branches to run, in the network's order."""
    known = entry.default.branches
    if not isinstance(given, list | tuple) or not given:
        raise InvalidTrace(f"trace '{name}': branches is a list of {', '.join(known)}, got {given!r}")
    for branch in given:
        if branch not in known:
            raise InvalidTrace(f"trace '{name}': unknown branch {branch!r}{nearest(str(branch), known)}; branches: {', '.join(known)}")
    return tuple(branch for branch in known if branch in given)


CHECKS: dict[str, Callable[[str, Network, Any], Any]] = {
    "input": _input, "branches": _branches, "width": lambda name, entry, given: _width(name, given),
    "dtype": lambda name, entry, given: number_format(str(given)).name, "weight_dtype": lambda name, entry, given: number_format(str(given)).name,
    **{key: _count(key) for key in ("batch", "classes", "sequence", "proposals", "steps")},
}  # fmt: skip
