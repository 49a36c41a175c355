"""Operators with stored weights as stored matrices: inputs x outputs cells of weights, and the vectors that pass through them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from hwsim.core.dtype import dtype
from hwsim.core.encoding import LeftOut
from hwsim.core.op import Op
from hwsim.core.operators import conv_output
from hwsim.core.operators_spiking import spikes_of
from hwsim.targets.crossbar.layout import UNKNOWN
from hwsim.targets.crossbar.mapping import FrameOptions

RECURRENT = "recurrent"  # attribute of a product whose vectors wait for each other
NEW_SHARE = "written_share"  # attribute of a product with an operand that is no weight: the share of it that is new at each execution


@dataclass(frozen=True)
class Stored:
    """`groups` matrices of `inputs` x `outputs` weights, of which `active` work on `vectors` input vectors each in one execution.

    `blocks`: parts of the inputs on arrays of their own. `input_activity`: mean input as a share of full scale, `UNKNOWN` where not stated.
    `written_share`: the share of the cells that each execution writes (0: weights that stay).
    """

    inputs: int
    outputs: int
    groups: int
    active: int
    vectors: int
    input_bits: float
    weight_bits: float
    output_bits: float
    blocks: int = 1
    input_activity: float = UNKNOWN
    recurrent: bool = False
    written_share: float = 0.0

    @property
    def weights(self) -> int:
        """Weights that are stored."""
        return self.inputs * self.outputs * self.groups


def stored_matrix(op: Op, options: FrameOptions) -> Stored | LeftOut | None:
    """Return the stored matrix of a product or convolution; None for an operator without weights to store, a reason where there is no model."""
    if op.kind not in ("matmul", "conv2d"):
        return None
    formats = {"inputs": op.dtype, "weights": op.weight_dtype if op.operand_role == "weight" else op.dtype}
    for what, name in formats.items():
        if dtype(name).kind not in ("int", "uint") or dtype(name).block > 1:
            return LeftOut(f"{what} of {name}; cells and converters hold integers: state dtype and weight_dtype (int8)")
    steps, input_bits, activity = inputs_of(op)
    weight_bits, output_bits = dtype(formats["weights"]).bits, dtype(op.dtype).bits
    if op.kind == "conv2d":
        return _convolution(op, options, steps, Stored(1, 1, 1, 1, 1, input_bits, weight_bits, output_bits, 1, activity))
    share = 0.0 if op.operand_role == "weight" else float(op.attrs.get(NEW_SHARE, 1.0))
    active, vectors = op["batch"] // op["shared"], op["m"] * op["shared"] * steps
    return Stored(
        op["k"], op["n"], op["pool"] // op["shared"] or active, active, vectors, input_bits, weight_bits, output_bits, input_activity=activity,
        recurrent=bool(op.attrs.get(RECURRENT, False)), written_share=share,
    )  # fmt: skip


def inputs_of(op: Op) -> tuple[int, float, float]:
    """Return (input vectors per vector of the operator, bits of an input, mean input as a share of full scale) of a product or convolution.

    Spikes (attributes of `hwsim.core.operators_spiking`) are inputs of one bit in each timestep; those of D levels are unrolled into D steps.
    """
    found = spikes_of(op)
    if found.spiking:
        return found.timesteps * found.levels, 1.0, UNKNOWN if math.isnan(found.rate) else found.rate
    return found.timesteps, dtype(op.dtype).bits, UNKNOWN


def _convolution(op: Op, options: FrameOptions, steps: int, formats: Stored) -> Stored:
    """One output pixel is one input vector: c / groups x r x s inputs, k / groups outputs."""
    kernel = op["r"] * op["s"]
    pixels = op["n"] * conv_output(op["h"], op["r"], op.bounds) * conv_output(op["w"], op["s"], op.bounds)
    blocks = kernel if options.conv_mapping == "kernel_shifted" else 1
    inputs, outputs = op["c"] // op["groups"] * kernel, op["k"] // op["groups"]
    return replace(formats, inputs=inputs, outputs=outputs, groups=op["groups"], active=op["groups"], vectors=pixels * steps, blocks=blocks)
