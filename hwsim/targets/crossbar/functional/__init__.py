"""Numbers on a crossbar: written cells, noise, wires, converters, and small tasks that show what they cost in accuracy."""
