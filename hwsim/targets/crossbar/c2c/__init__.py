"""A charge-domain SRAM macro: R-2R converters drive the rows, a C-2C ladder in every cell multiplies by the weight (Wang et al., VLSI 2022)."""
