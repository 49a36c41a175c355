"""SRAM macros whose inputs are counts of word-line pulses and whose weighted columns end in a flash converter (Sinangil et al.)."""
