"""A digital array of SRAM cells with a full adder each: inputs bit by bit, sums ripple down the rows (Colonnade, Kim et al., JSSC 2021)."""
