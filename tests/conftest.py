"""Settings of the whole suite."""

from __future__ import annotations

from hypothesis import settings

# the first example may wait for the compiler, and machines differ: no deadline on single examples
settings.register_profile("hwsim", deadline=None)
settings.load_profile("hwsim")
