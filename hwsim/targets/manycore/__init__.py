"""Manycore chips: in-order cores with tensor units, shared scratchpads and a mesh (ET-SoC-1 and its what-if family)."""
