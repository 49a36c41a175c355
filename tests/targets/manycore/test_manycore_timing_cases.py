"""Published cycles, latencies and bandwidths of single mechanisms: every row runs, and the groups keep the error that they had."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hwsim.validate.score import Validation, validate

PUBLISHED = Path(__file__).parents[3] / "models" / "et-soc-1" / "published.yaml"
LIMITS = {  # group: mean and worst |error|
    "rtl_tensor_fma": (0.001, 0.03), "silicon_tensor_fma": (0.001, 0.005), "silicon_tensor_rate": (0.003, 0.006), "peak": (0.003, 0.007),
    "tensor_load": (0.006, 0.015), "memory_latency": (0.006, 0.035), "memory_bandwidth": (0.015, 0.05), "remote_bandwidth": (0.055, 0.075),
    "register_transfer": (0.05, 0.11), "register_round_trip": (0.001, 0.001), "sync": (0.004, 0.03), "relay": (0.02, 0.05),
    "relay_l3_cliff": (0.075, 0.21), "relay_intensity": (0.05, 0.09), "host_and_launch": (0.003, 0.01), "instruction_rate": (0.012, 0.045),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Validation:
    file = yaml.safe_load(PUBLISHED.read_text())
    mine = tmp_path_factory.mktemp("cases") / "timing.yaml"
    mine.write_text(yaml.safe_dump({**file, "cases": [case for case in file["cases"] if case["group"] in LIMITS]}))
    return validate(cases=[mine])


@pytest.mark.parametrize("group", LIMITS)
def test_groups_keep_their_error(found: Validation, group: str) -> None:
    rows = [r for r in found.results if r.case.group == group]
    errors = [abs(r.error or 0) for r in rows]
    listing = "\n".join(f"{r.case.id}: published {r.case.value:.6g}, model {r.got}, {r.refused}" for r in rows)
    assert rows
    assert not [r for r in rows if r.refused], listing
    assert sum(errors) / len(errors) <= LIMITS[group][0], listing
    assert max(errors) <= LIMITS[group][1], listing
