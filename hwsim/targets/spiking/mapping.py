"""Which choices there are when a spiking network is priced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping
from hwsim.readers.options import check_options
from hwsim.targets.spiking.spec import EVENT_CORE


class Options(BaseModel):
    """Mapping options.

    `energy_mode`: ``published`` counts operations only, as the literature does; ``honest`` adds weight reads, membrane potentials, neuron updates
    and activations (default: published for a chip of operations, honest for a machine). `execution`: ``dense`` prices the same network as its
    non-spiking counterpart: one pass, every layer multiplies. `seed` draws the spikes of the event fidelity.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    energy_mode: Literal["published", "honest"] | None = None
    execution: Literal["spiking", "dense"] = "spiking"
    seed: int = Field(default=1, ge=0)

    def honest(self, chip: Chip) -> bool:
        """True when memory is charged. Raises `InvalidMapping` for a machine without its memory."""
        if chip.text("kind") == EVENT_CORE and self.energy_mode == "published":
            raise InvalidMapping(f"{chip.name} is a machine with memories: energy_mode=published is for a chip of operations (snn-45nm)")
        return chip.text("kind") == EVENT_CORE or self.energy_mode == "honest"


def parse_options(mapping: Mapping[str, Any]) -> Options:
    """Return checked options. Raises `InvalidMapping`."""
    return check_options(Options, mapping, "spiking")
