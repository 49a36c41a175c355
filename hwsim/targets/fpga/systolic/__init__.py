"""A rows x cols array of multiply-accumulate cells that holds one tile of the result (output stationary)."""
