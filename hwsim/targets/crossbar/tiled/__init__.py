"""Tiles of in-situ multiply-accumulate units on a concentrated mesh: ISAAC (a pipeline of array reads) and PUMA (cores that run a program)."""
