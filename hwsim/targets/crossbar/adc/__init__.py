"""Families of analog-to-digital converters: energy, time and area of one conversion, of one converter."""
