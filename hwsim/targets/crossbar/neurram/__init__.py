"""Voltage-mode RRAM cores whose neurons integrate bit after bit and convert by successive approximation (NeuRRAM)."""
