"""Published figures of single mechanisms: every row runs, and the groups keep the error that they had (all errors are printed when they do not)."""

from __future__ import annotations

import pytest

from hwsim.validate.score import Validation, validate

LIMITS = {  # group: mean and worst |error|
    "rtl_tensor_fma": (0.001, 0.03), "silicon_tensor_fma": (0.001, 0.005), "silicon_tensor_rate": (0.003, 0.006), "peak": (0.003, 0.007),
    "tensor_load": (0.006, 0.015), "memory_latency": (0.006, 0.035), "memory_bandwidth": (0.015, 0.05), "remote_bandwidth": (0.055, 0.075),
    "register_transfer": (0.05, 0.11), "register_round_trip": (0.001, 0.001), "sync": (0.004, 0.03), "relay": (0.02, 0.05),
    "relay_l3_cliff": (0.075, 0.21), "relay_intensity": (0.05, 0.09), "host_and_launch": (0.003, 0.01), "instruction_rate": (0.012, 0.045),
    "tensor_energy": (0.02, 0.05), "board_power": (0.05, 0.15), "idle_power": (0.02, 0.04), "memory_energy": (0.05, 0.2),
    "register_transfer_energy": (0.06, 0.12), "relay_energy": (0.1, 0.2), "area": (0.01, 0.03), "instruction_energy": (0.06, 0.3),
}  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Validation:
    return validate(target="manycore")


@pytest.mark.parametrize("group", LIMITS)
def test_groups_keep_their_error(found: Validation, group: str) -> None:
    rows = [r for r in found.results if r.case.group == group]
    errors = [abs(r.error or 0) for r in rows]
    listing = "\n".join(f"{r.case.id}: published {r.case.value:.6g}, model {r.got}, {r.refused}" for r in rows)
    assert rows
    assert not [r for r in rows if r.refused], listing
    assert sum(errors) / len(errors) <= LIMITS[group][0], listing
    assert max(errors) <= LIMITS[group][1], listing
