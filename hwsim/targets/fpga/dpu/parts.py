"""Which engine of a DPU core runs a layer."""

PROCESSOR = 0.0  # the CPU: an operator that a DPU lacks
DENSE = 1.0  # convolution array
PRODUCT = 2.0  # convolution array, as a 1 x 1 convolution
DEPTHWISE = 3.0  # from here on: miscellaneous engine
WINDOW = 4.0
EACH = 5.0
