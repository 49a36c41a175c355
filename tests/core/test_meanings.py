"""Every constant of every shipped chip and design has a line that says what it means, and no line is left over."""

import re
from importlib import import_module

import pytest

from hwsim.core.errors import InvalidChip
from hwsim.core.meanings import meanings, read_meanings
from hwsim.core.target import target_names
from hwsim.readers.chip_file import chip_names, load_chip
from hwsim.readers.design_file import design_names, design_path, read_design


def stated(target: str) -> set[str]:
    """Names of all constants that a target declares or that its shipped files state."""
    names = set(import_module(f"hwsim.targets.{target}.spec").PARAMETERS.names) | ({"multiply_cycles"} if target == "stdcell" else set())
    names |= {name for chip in map(load_chip, chip_names()) if chip.target == target for name in chip.params}
    if target == "fpga":
        designs = [read_design(design_path(name)) for name in design_names()]
        names |= {name for design in designs for name in design.params} | {"design", "engine"}
    return names


@pytest.mark.parametrize("target", sorted(target_names()))
def test_every_constant_is_explained(target: str) -> None:
    said, names = meanings(target), stated(target)
    assert sorted(names - said.keys()) == [], f"write a line for each of these in hwsim/targets/{target}/constants.txt"
    assert sorted(said.keys() - names) == [], f"hwsim/targets/{target}/constants.txt explains constants that there are not"


@pytest.mark.parametrize("target", sorted(target_names()))
def test_a_meaning_is_one_sentence_that_says_more_than_the_name(target: str) -> None:
    for name, meaning in meanings(target).items():
        assert len(meaning) >= 10, name
        assert meaning.lower().replace(" ", "_") != name, name
        assert not meaning.endswith("."), name
        assert not re.match(r"(the same|likewise)\b|.*\b(that build|below|beside it|that loop|of it)$", meaning), name  # it is shown alone


def test_errors_name_file_and_line() -> None:
    with pytest.raises(InvalidChip, match="toy:2: 'a' is explained twice"):
        read_meanings("a: one\na: two", "toy")
    with pytest.raises(InvalidChip, match="toy:1: write it as"):
        read_meanings("no meaning", "toy")
    with pytest.raises(InvalidChip, match="no target 'nothing'"):
        meanings("nothing")
