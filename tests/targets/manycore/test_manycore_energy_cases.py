"""Published energies, powers and areas: every row runs, and the groups keep the error that they had (all its errors are printed when they do not)."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hwsim.validate.score import Validation, validate

PUBLISHED = Path(__file__).parents[3] / "models" / "et-soc-1" / "published.yaml"
LIMITS = {  # group: mean and worst |error|
    "tensor_energy": (0.02, 0.05), "board_power": (0.05, 0.15), "idle_power": (0.02, 0.04), "memory_energy": (0.05, 0.2),
    "register_transfer_energy": (0.06, 0.12), "relay_energy": (0.1, 0.2), "area": (0.01, 0.03), "instruction_energy": (0.06, 0.3),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Validation:
    file = yaml.safe_load(PUBLISHED.read_text())
    mine = tmp_path_factory.mktemp("cases") / "energy.yaml"
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
