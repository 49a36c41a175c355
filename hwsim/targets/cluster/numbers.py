"""Numbers that a mapping adds to the parameter record."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.chip import Chip
from hwsim.core.program import Table
from hwsim.core.target import Mapped
from hwsim.targets.cluster import layout as L
from hwsim.targets.cluster import spec
from hwsim.targets.cluster.machine import Machine, machine
from hwsim.targets.cluster.mapping import at_point, check_serves, parse_options
from hwsim.targets.cluster.network_plan import LATER
from hwsim.targets.cluster.price import prepare


def numbers(m: Machine) -> Mapping[str, float]:
    """Emulation library, runtime and energy mode as numbers."""
    return {
        "library": float(L.LIBRARIES[m.fp]), "xpulp_library": float(m.isa.startswith("xpulp")),
        "runtime": float(L.RUNTIMES[m.runtime]), "physical": float(m.options.energy_mode == "physical"),
        "l3_later": float(m.flow in LATER),
    }  # fmt: skip


def resolved(chip: Chip, mapping: Mapped) -> tuple[Machine, Table]:
    """The machine at the mapping's operating point and its prepared parameter record: what primitives start from. Raises `InvalidMapping`."""
    options = parse_options(mapping)
    check_serves(options, chip)
    m = machine(at_point(chip, options), options)
    params = spec.PARAMETERS.record(m.chip, numbers(m))
    prepare(params[0])
    return m, params
