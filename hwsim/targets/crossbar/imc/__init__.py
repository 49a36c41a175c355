"""SRAM compute-in-memory macros by their gates: analog ones with a converter per output, digital ones with adder trees (the ZigZag-IMC set)."""
