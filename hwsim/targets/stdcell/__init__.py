"""Standard cells: libraries of several technologies, and blocks built of them."""
