
"""Process technology shared by all targets: energies of single operations."""
