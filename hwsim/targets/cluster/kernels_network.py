"""Layers of convolutional networks on a PULP cluster: PULP-NN under DORY, and GreenWaves' AutoTiler; int8.

Both cut a layer into tiles that fit L1 (`tiler`), move them by DMA behind the arithmetic, and share each tile over the cores. DORY's convolutions
take the cycles of its own cost equations (`pulp_nn`); the other kernels are instruction mixes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from hwsim.core.op import Op
from hwsim.targets.cluster import pulp_nn
from hwsim.targets.cluster.kernel import Loop, Mix, Transfers, Work, kernel
from hwsim.targets.cluster.machine import Machine, share
from hwsim.targets.cluster.tiler import Layer, Piece, tile

INT8 = ("int8", "uint8")
DORY = ("dory",)
AUTOTILER = ("autotiler-2019", "autotiler-nntool")
BOTH = (*DORY, *AUTOTILER)
NORMALISE = Mix(load=2, mul=1, alu=5)  # constants, product, sum, shift, clip at both ends, loop
NORMALISE_64 = Mix(load=2, mul=2, mulh=1, alu=10)  # what 64-bit constants add: partial products, carries, a shift over two words
DOT4 = Mix(load=2, sdot=1)  # a word of each operand, four multiply-accumulates
ADD = Mix(load=2, mul=2, alu=6, store=1)  # both operands rescaled, summed, shifted, clipped
BARRIERS_PER_TILE = 2.0
CODE_BYTES = 256.0  # of the loops that run most of the time
Tiles = Callable[[Piece], tuple[Mix, float, float]]  # of a tile: mix of the busiest core, passes, mean over busiest


def one_or_all(op: Op) -> bool:
    """True for a dense or a depthwise convolution: the kernels have no groups of several channels."""
    return op["groups"] == 1 or op["groups"] == op["c"] == op["k"]


def layer_of(op: Op, m: Machine) -> Layer:
    """The layer that an operator is to the tiler."""
    first = m.flow not in AUTOTILER
    constants = 2 * (m.options.bn_bits or 32) // 8 if m.flow in DORY and op.kind != "pool" else 4
    if op.kind == "matmul":
        rows = op["m"] * op["batch"]
        return Layer("linear", op["k"], 1, rows, op["n"], 1, rows, constant_bytes=constants, channels_last=first)
    if op.kind == "elementwise":
        return Layer("add", op["cols"], 1, op["rows"], op["cols"], 1, op["rows"], operands=2, channels_last=first)
    height, width = op.results[0][2:]
    sizes = (op["c"], op["h"], op["w"])
    window = (op["r"], op["s"], op["stride"])
    if op.kind == "pool":
        return Layer("pool", *sizes, op["c"], height, width, *window, channels_last=first)
    kind = "depthwise" if op["groups"] == op["c"] > 1 else "pointwise" if op["r"] * op["s"] == 1 else "convolution"
    return Layer(kind, *sizes, op["k"], height, width, *window, op["dilation"], constant_bytes=constants, channels_last=first)


def tiled(op: Op, m: Machine, tiles: Callable[[Layer], Tiles]) -> Work:
    """Price a layer tile by tile: transfers by the tiler, each tile's work by `tiles`, core 0's control between tiles. Raises `Infeasible`."""
    layer = layer_of(op, m)
    cut = tile(layer, m.l1_bytes, m.cores)
    images = float(op["n"] if "n" in op.bounds and op.kind in ("conv2d", "pool") else 1)
    loops = [*_grouped((p, *tiles(layer)(p)) for p in cut.pieces)]
    control = Loop(Mix(tile=1), images * cut.tiles, sequential=True)
    l3_bytes = float(m.plan.l3_bytes.get(m.at, 0.0)) if m.plan is not None else 0.0
    moved = Transfers(
        in_bytes=images * cut.moved_in_bytes, out_bytes=images * cut.moved_out_bytes, transfers=images * cut.transfers, lines=images * cut.lines,
        first_bytes=cut.first_bytes, last_bytes=cut.last_bytes, l3_bytes=l3_bytes, l3_blocking=m.plan is not None and m.plan.blocking,
    )  # fmt: skip
    team = tuple(replace(loop, passes=images) for loop in loops)
    return Work((*team, control), barriers=BARRIERS_PER_TILE * images * cut.tiles if m.cores > 1 else 0.0, forks=1.0, transfers=moved)


def _grouped(parts: Iterable[tuple[Piece, Mix, float, float]]) -> Iterable[Loop]:
    """One loop over all tiles: their mixes added up, mean over busiest weighed by instructions and cycles."""
    total, weight, mean = Mix(), 0.0, 0.0
    for piece, mix, passes, balance in parts:
        whole = piece.count * passes * mix
        size = sum(whole.counts.values())
        total, weight, mean = total + whole, weight + size, mean + balance * size
    return (Loop(total, 1.0, mean / weight if weight else 1.0, code_bytes=CODE_BYTES),)


def pixels_of(layer: Layer, piece: Piece, cores: int) -> tuple[float, float]:
    """(output pixels of the busiest core, mean over busiest): rows are dealt, for 1 x 1 windows and sequences single pixels."""
    if layer.kind == "convolution" and layer.oh > 1:
        rows = share(piece.rows, cores)
        return rows.busiest * piece.columns, rows.balance
    pixels = share(piece.rows * piece.columns, cores)
    return pixels.busiest, pixels.balance


@kernel("conv2d", dtypes=INT8, flows=(*DORY, ""), core="xpulp", when=lambda op, m: one_or_all(op))
def conv_dory(op: Op, m: Machine) -> Work:
    """PULP-NN: convolutions by DORY's equations; depthwise layers one channel at a time through a column buffer."""
    wide = 1.0 if m.options.bn_bits == 64 else 0.0

    def tiles(layer: Layer) -> Tiles:
        if layer.kind == "depthwise":
            return lambda piece: _depthwise_dory(layer, piece, m.cores, wide)

        def dense(piece: Piece) -> tuple[Mix, float, float]:
            pixels, balance = pixels_of(layer, piece, m.cores)
            time = pulp_nn.convolution(layer.c, layer.taps, piece.channels, int(pixels), plain=layer.kind == "pointwise")
            return Mix(cycle=time.cycles, access=time.accesses) + wide * pixels * piece.channels * NORMALISE_64, 1.0, balance

        return dense

    return tiled(op, m, tiles)


def _depthwise_dory(layer: Layer, piece: Piece, cores: int, wide: float) -> tuple[Mix, float, float]:
    """Of an output: a column of the buffer (a load and a store per row and stride), dot products over the window, normalisation, store."""
    words, left = divmod(layer.taps, 4)
    column = layer.r * min(layer.stride, layer.s)
    body = Mix(load=column, store=column, alu=2) + words * DOT4 + left * Mix(load=2, mac=1) + NORMALISE + Mix(alu=3, store=1)
    channels = share(piece.channels, cores)
    return body + wide * NORMALISE_64, channels.busiest * piece.rows * piece.columns, channels.balance


@kernel("conv2d", dtypes=INT8, flows=AUTOTILER, core="xpulp", when=lambda op, m: one_or_all(op))
def conv_autotiler(op: Op, m: Machine) -> Work:
    """AutoTiler: rows of output channels are dealt; a word of each operand and a dot product per 4 inputs; depthwise weights stay in registers."""
    output = Mix(output=1, access=2)

    def tiles(layer: Layer) -> Tiles:
        row = -(-layer.s // 4) * Mix(load=1, sdot=1, alu=1)  # of a depthwise window: bytes, product, shift of the window
        body = output + (layer.r * row if layer.kind == "depthwise" else -(-layer.c * layer.taps // 4) * DOT4)

        def dealt(piece: Piece) -> tuple[Mix, float, float]:
            rows = share(piece.channels * piece.rows, m.cores)
            return body, rows.busiest * piece.columns, rows.balance

        return dealt

    return tiled(op, m, tiles)


@kernel("matmul", dtypes=INT8, flows=BOTH, core="xpulp")
def linear(op: Op, m: Machine) -> Work:
    """Fully connected: output channels are dealt, two at once on one load of the input; at the end normalisation."""

    def tiles(layer: Layer) -> Tiles:
        output = NORMALISE + Mix(alu=6, store=1) + (NORMALISE_64 if m.flow in DORY and m.options.bn_bits == 64 else Mix())
        body = -(-layer.c // 4) * Mix(load=1.5, sdot=1) + output

        def dealt(piece: Piece) -> tuple[Mix, float, float]:
            channels = share(piece.channels, m.cores)
            return body, channels.busiest * piece.rows * piece.columns, channels.balance

        return dealt

    return tiled(op, m, tiles)


@kernel("pool", dtypes=INT8, flows=BOTH, core="xpulp")
def pool(op: Op, m: Machine) -> Work:
    """Four channels at once: a load and a packed maximum per window position; an average unpacks, adds up and multiplies by a reciprocal."""

    def tiles(layer: Layer) -> Tiles:
        if op.function == "average":
            body = layer.taps * Mix(load=1, alu=8) + Mix(mul=4, alu=8, store=1)
        else:
            body = layer.taps * Mix(load=1, alu=1) + Mix(alu=3, store=1)

        def dealt(piece: Piece) -> tuple[Mix, float, float]:
            units = share(piece.rows * piece.columns * -(-piece.channels // 4), m.cores)
            return body, units.busiest, units.balance

        return dealt

    return tiled(op, m, tiles)


@kernel("elementwise", dtypes=INT8, flows=BOTH, core="xpulp", when=lambda op, m: op.function == "add" and op["operands"] == 2)
def add(op: Op, m: Machine) -> Work:
    """Addition of two maps of unlike scales, value by value."""

    def dealt(piece: Piece) -> tuple[Mix, float, float]:
        units = share(piece.rows * piece.columns * piece.channels, m.cores)
        return ADD, units.busiest, units.balance

    return tiled(op, m, lambda layer: dealt)
