"""A chip, its parameter record, and a way to price one operator in isolation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hwsim import api
from hwsim.core.chip import Chip
from hwsim.core.graph import single_op
from hwsim.core.report import Report
from hwsim.targets.gpu import spec

Simulate = Callable[..., Report]


@pytest.fixture(scope="session")
def a100() -> Chip:
    return api.load_chip("a100")


@pytest.fixture
def p(a100: Chip) -> Any:
    """A parameter record of one GPU with a serving engine's kernels; fields may be set."""
    return spec.PARAMETERS.record(a100, {"devices": 1, "nodes": 1, "serving": 1, "split_kv": 1}).view(np.recarray)[0]


@pytest.fixture
def op() -> Any:
    """An operator record of ones; fields may be set."""
    return np.ones(1, dtype=spec.OP_DTYPE).view(np.recarray)[0]


@pytest.fixture(scope="session")
def simulate(a100: Chip) -> Simulate:
    def run(kind: str, mapping: dict[str, Any] | None = None, chip: Chip | None = None, fidelity: str = "analytic", **bounds: Any) -> Report:
        return api.simulate(single_op(kind, **bounds), chip or a100, mapping or {}, interval=False, fidelity=fidelity)

    return run
