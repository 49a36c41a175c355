"""The chip that NeuroSim lays out for a network: arrays in processing elements in tiles, one synchronous clock, one layer after another."""
