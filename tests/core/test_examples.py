"""Every public function has an example in its docstring, which ``pytest --doctest-modules --pyargs hwsim`` runs."""

from __future__ import annotations

import doctest
import inspect
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

import hwsim

PACKAGES = ("hwsim.explore", "hwsim.plot", "hwsim.readers", "hwsim.serve", "hwsim.validate", "hwsim.claims", "hwsim.tech")
DECLARING = [
    found.name for package in PACKAGES for found in iter_modules(import_module(package).__path__, f"{package}.")
    if hasattr(import_module(found.name), "__all__")
]  # fmt: skip
# what a user of the package imports, besides hwsim itself: these modules say by __all__ what of them is public
MODULES = (
    "hwsim.api",
    *(f"hwsim.explore.{name}" for name in ("explain", "inverse", "pareto", "search", "sensitivity", "space", "store", "sweep")),
    *(f"hwsim.plot.{name}" for name in ("breakdown", "heatmap", "html", "pareto", "roofline", "sensitivity", "timeline", "wafer_map")),
    *(f"hwsim.readers.{name}" for name in (
        "cell_csv", "chip_file", "design_file", "estimator", "export", "gemm_csv", "huggingface", "liberty", "load", "quantity", "scalesim", "spikes",
        "technology", "timeloop", "trace")),
    *(f"hwsim.tech.{name}" for name in ("arithmetic", "dram", "interconnect", "rent", "scaling", "wires")),
    *(f"hwsim.validate.{name}" for name in ("cases", "record", "score")),
)  # fmt: skip
PUBLIC = [("hwsim", name) for name in hwsim.__all__ if not name.startswith("_")] + [
    (module, name) for module in sorted({*MODULES, *DECLARING}) for name in import_module(module).__all__
]  # fmt: skip


def of(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


def test_public_modules_say_what_is_public() -> None:
    missing = [module for module in MODULES if not hasattr(import_module(module), "__all__")]
    assert missing == []


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_public_names_are_documented(module: str, name: str) -> None:
    thing = of(module, name)
    if not callable(thing):
        return
    text = inspect.getdoc(thing) or ""
    assert len(text) > 20, f"{module}.{name} has no docstring"
    if inspect.isfunction(thing):
        examples = doctest.DocTestParser().get_examples(text)
        assert examples, f"{module}.{name} has no example"


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_docstrings_say_what_is_returned_and_raised(module: str, name: str) -> None:
    """A docstring that names an error in its body names it by its class, in backticks."""
    thing = of(module, name)
    text = inspect.getdoc(thing) or ""
    if inspect.isfunction(thing) and "Raises" in text:
        raised = text.partition("Raises")[2].partition(">>>")[0]
        assert "`" in raised or "Raises as" in text or "raises" in raised, f"{module}.{name}"
