"""The command line: thin commands over the library."""

from hwsim.cli.app import app, main

__all__ = ["app", "main"]
