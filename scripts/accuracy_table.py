"""Print an accuracy table (Markdown): one target group by group, or all targets, one row each (four seconds to a minute).

    python scripts/accuracy_table.py wafer_mesh
    python scripts/accuracy_table.py
"""

from __future__ import annotations

import sys
from typing import Any

import hwsim
from hwsim.core.target import target_names
from hwsim.readers.chip_file import chip_names
from hwsim.readers.design_file import design_names, design_path, read_design
from hwsim.validate.score import Validation

GROUPS = "| group | cases | mean | worst | bias | rank | calibrate mean | predict mean |"
TARGETS = "| target | chips | fitted constants | cases | refused | within tolerance | rank | calibrate mean | predict mean |"


def percent(value: float | None, sign: str = "") -> str:
    """A share in per cent, or nothing."""
    return "" if value is None else f"{100 * value:{sign}.1f} %"


def by_role(roles: dict[str, Any] | None) -> list[str]:
    """Mean |error| of the calibrate and of the predict cases."""
    return [percent(part.mape) if (part := (roles or {}).get(role)) and part.n else "" for role in ("calibrate", "predict")]


def rank(value: float | None) -> str:
    """A rank correlation, or nothing."""
    return "" if value is None else f"{value:.3f}"


def groups(target: str) -> None:
    """Every group of one target."""
    found = hwsim.validate(target=target)
    print(GROUPS, "|---|---|---|---|---|---|---|---|", sep="\n")
    for name, score in [*found.groups.items(), (f"{target}/**all**", found.targets[target])]:
        roles = by_role(found.roles.get(name) or found.roles.get(target))
        figures = [str(score.n), percent(score.mape), percent(score.worst), percent(score.bias, "+"), rank(score.spearman), *roles]
        print("|", " | ".join([name.split("/")[1], *figures]), "|")


def fitted(target: str, chips: list[str]) -> int:
    """Constants of status fitted, over all chips (and designs) of a target; one that a chip takes over from another counts once."""
    stated = [hwsim.load_chip(chip).params for chip in chips]
    if target == "fpga":
        designs = [read_design(design_path(name)) for name in design_names()]
        stated += [params for design in designs for params in (design.params, *design.devices.values())]
    return len({(name, p.source) for params in stated for name, p in params.items() if p.status == "fitted"})


def row(target: str, found: Validation) -> str:
    """The row of one target, of what validation found."""
    chips = [chip for chip in chip_names() if hwsim.load_chip(chip).target == target]
    score = found.targets[target]
    shares = [percent(score.within_tolerance), rank(score.spearman)]
    figures = [str(len(chips)), str(fitted(target, chips)), str(score.n), str(score.refused), *shares]
    return f"| {' | '.join([f'[{target}](hwsim/targets/{target})', *figures, *by_role(found.roles.get(target))])} |"


def targets() -> None:
    """One row a target."""
    print(TARGETS, "|---|---|---|---|---|---|---|---|---|", sep="\n")
    for target in target_names():
        found = hwsim.validate(target=target)
        if target in found.targets:
            print(row(target, found))


if __name__ == "__main__":
    groups(sys.argv[1]) if len(sys.argv) > 1 else targets()
