"""An array sized for its operator, with one comparator per column and nonlinear ramps that all columns share (Yang, Basu, Li et al., 2025)."""
