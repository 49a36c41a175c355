"""Spatial dataflow designs: one kernel per layer type, tokens stream from kernel to kernel, one block repeated over the layers."""
