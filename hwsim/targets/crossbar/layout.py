"""The records that families read and fill: columns of the operator table, and slots.

A family's own columns are the ``FIELDS`` of its ``spec``; the joined record holds those of all families, so that one price function serves all.
"""

from __future__ import annotations

import numpy as np

from hwsim.core.program import Slot
from hwsim.targets.crossbar.spec import FAMILY_SPECS

UNMODELLED, MATRIX, DIGITAL, MOVE = 0.0, 1.0, 2.0, 3.0  # `kind`: no model, vectors through a stored matrix, digital work, data that only moves
# `work` of a digital operator; CELL: state update of an LSTM or GRU, NEURON: that of spiking neurons
ELEMENTWISE, CELL, POOL, SOFTMAX, NORM, ROPE, NEURON = 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0
UNKNOWN = -1.0  # `input_activity` where the operator states none

COMMON_FIELDS = (
    "kind", "macs", "compulsory_bytes", "weight_bytes",
    # a stored matrix: `groups` independent ones of inputs x outputs weights, of which `active` work at once on `vectors` input vectors each
    "inputs", "outputs", "groups", "active", "vectors",
    "blocks",  # parts of the inputs that are kept on arrays of their own (kernel positions), 1 otherwise
    "recurrent",  # 1: each vector needs the result of the one before
    "input_bits", "weight_bits", "output_bits",
    "input_activity",  # mean input as a share of full scale (spikes: share of ones); UNKNOWN where not stated
    # how it lies on the arrays of the chip
    "slices", "polarity", "row_parts", "column_parts", "arrays", "utilisation",
    "duplication",  # copies of the whole matrix
    "rounds",  # input vectors that each copy takes, one after another; steps of a recurrent cell, 1 for other digital work
    "write_rows", "write_cells",  # rows (summed over arrays) and cells written at each execution; 0 for weights that stay
    # digital work
    "work", "elements",
    "operations",  # elementary operations; of a recurrent cell: those beside its activations
    "activations",  # evaluations of an activation function
    "input_bytes", "output_bytes",  # over all timesteps; spikes are bits
)  # fmt: skip
OP_FIELDS = tuple(dict.fromkeys((*COMMON_FIELDS, *(f for module in FAMILY_SPECS.values() for f in module.FIELDS))))
OP_DTYPE = np.dtype([(name, np.float64) for name in OP_FIELDS])

SLOTS = (
    # one after another; a family that pipelines them puts the exposed cycles alone in the later ones
    Slot("write", "cycles", "write", 0),  # cells written for this operator
    Slot("array", "cycles", "array", 1),  # input phases and read
    Slot("adc", "cycles", "adc", 2),
    Slot("accumulation", "cycles", "accumulation", 3),  # shift and add, partial sums
    Slot("digital", "cycles", "digital", 4),
    Slot("buffer", "cycles", "buffer", 5),
    Slot("interconnect", "cycles", "interconnect", 6),
    Slot("array_energy", "joules"),
    Slot("driver_energy", "joules"),  # rows: DAC, pulse width, word lines
    Slot("adc_energy", "joules"),
    Slot("sample_hold_energy", "joules"),
    Slot("accumulation_energy", "joules"),
    Slot("digital_energy", "joules"),
    Slot("buffer_energy", "joules"),
    Slot("interconnect_energy", "joules"),
    Slot("write_energy", "joules"),
    Slot("margin_energy", "joules"),  # what layout adds to the parts above, where a family knows it as a factor
    Slot("buffer_bytes", "bytes", "buffer"),
    Slot("interconnect_bytes", "bytes", "interconnect"),
    Slot("cell_bytes", "bytes", "cells"),  # weights that are used where they are stored
    Slot("roofline", "roofline", "array"),
    Slot("conversions", "note"),
)
RESOURCES = {s.where: 1 for s in SLOTS if s.quantity == "cycles"}
