"""Settings of the whole suite."""

from __future__ import annotations

import os

from hypothesis import settings

# the first example may wait for the compiler, and machines differ: no deadline on single examples; CI draws the same examples every time
settings.register_profile("hwsim", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("hwsim")
