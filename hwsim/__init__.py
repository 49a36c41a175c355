"""hwsim: cycle-approximate hardware models. An operator graph goes in; latency, energy and area come out.

>>> import hwsim
>>> graph = hwsim.load_graph("llama3-8b", phase="decode", context=4096)
>>> report = hwsim.simulate(graph, hwsim.load_chip("wse2"), mapping={"grid": (420, 420)})

The names below are imported when first used, so that ``import hwsim`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "HwsimError", "__version__", "compare", "graph_of", "inverse", "load_chip", "load_graph", "pareto", "primitive", "search", "sensitivity",
    "simulate", "sweep", "validate",
]  # fmt: skip

if TYPE_CHECKING:
    from hwsim.api import compare, load_chip, load_graph, primitive, simulate
    from hwsim.core.errors import HwsimError
    from hwsim.explore.inverse import inverse
    from hwsim.explore.pareto import pareto
    from hwsim.explore.search import search
    from hwsim.explore.sensitivity import sensitivity
    from hwsim.explore.sweep import sweep
    from hwsim.readers.frameworks.torch_export import graph_of
    from hwsim.validate.score import validate

_HOME = {
    "HwsimError": "hwsim.core.errors", "validate": "hwsim.validate.score", "graph_of": "hwsim.readers.frameworks.torch_export",
    **{name: f"hwsim.explore.{name}" for name in ("inverse", "pareto", "search", "sensitivity", "sweep")},
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'hwsim' has no attribute '{name}'")
    return getattr(import_module(_HOME.get(name, "hwsim.api")), name)
