"""Resistive crossbars: devices, wires, converters and the products they compute, as plain library modules."""
