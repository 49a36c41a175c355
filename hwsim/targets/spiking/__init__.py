"""Spiking networks: the accumulate-or-multiply convention of the literature, and event-driven digital cores."""
