"""How far results of a chip with analog arrays are from digital ones: per layer, per converter, and on small tasks."""
