"""The two chips, their prepared parameter records, and an operator record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hwsim import api
from hwsim.core.chip import Chip
from hwsim.targets.cpu import spec
from hwsim.targets.cpu.mapping import Options
from hwsim.targets.cpu.record import record_of


@pytest.fixture(scope="session")
def phone() -> Chip:
    return api.load_chip("snapdragon-865")


@pytest.fixture(scope="session")
def board() -> Chip:
    return api.load_chip("raspberry-pi-4")


@pytest.fixture
def p(phone: Chip) -> Any:
    """A prepared record of the prime core; fields may be set."""
    return record_of(phone, Options()).view(np.recarray)[0]


@pytest.fixture
def op() -> Any:
    """An operator record of zeros; fields may be set."""
    return np.zeros(1, dtype=spec.OP_DTYPE).view(np.recarray)[0]
