"""Edge-MoE (arXiv 2305.18691): a vision transformer with experts on a Zynq device, each of its techniques an option."""
