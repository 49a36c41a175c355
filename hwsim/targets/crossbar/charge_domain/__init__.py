"""Charge-domain SRAM macros: cells multiply by one bit and share charge along a column, bit plane after bit plane (Jia et al.)."""
