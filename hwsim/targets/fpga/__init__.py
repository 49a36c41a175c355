"""FPGA accelerators: a device (models/u280 ...) and a design on it (models/designs/...), priced by the design's engine."""
