"""From mapping options to the energy columns of a record, and from joules and seconds to the power figures of a primitive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.core.chip import Chip
from hwsim.core.program import Table
from hwsim.engine.jit import jit
from hwsim.readers.technology import ARITHMETIC, technology
from hwsim.targets.manycore import spec, spec_energy
from hwsim.targets.manycore.dvfs import check_power_clock, power_known
from hwsim.targets.manycore.energy import prepare_activity, set_power, tensor_loop_j
from hwsim.targets.manycore.layout import WORD_ELEMENTS
from hwsim.targets.manycore.mapping import parse_options
from hwsim.targets.manycore.memory import set_network
from hwsim.targets.manycore.spec_energy import CARD_CODES, DATA_CODES, RANDOM, SCOPE_CODES, TENSOR_CODES
from hwsim.targets.manycore.static import static_w
from hwsim.tech.arithmetic import check_lmul, product_saving, saved_numbers

Mapped = Mapping[str, Any]
POINT = {"clock_hz": "frequency_hz", "die_temperature_c": "die_temperature_c"}  # constants that mapping options replace
TILE_LEVELS = {
    "shared": spec_energy.FROM_READ_BUFFER, "private": spec_energy.FROM_OWN_SCRATCHPAD, "dram": spec_energy.FROM_DRAM,
}  # fmt: skip


@jit
def prepare_record(p: Any) -> None:
    """Fill the derived columns of a primitive's record: network and energy."""
    set_network(p)
    set_power(p)


def power_numbers(mapping: Mapped, data: str | None = None) -> dict[str, float]:
    """Numbers of a record that the energy model reads, from mapping options (checked before) and the operands' pattern, if a workload states one.

    Left out: the board's scope, card aifoundry2, the chip's `die_temperature_c`, operands that nobody set.
    """
    table = technology(ARITHMETIC)
    pattern = data or mapping.get("data") or "unspecified"
    return {
        "data": DATA_CODES[pattern],
        "card": CARD_CODES[mapping.get("card") or "aifoundry2"],
        "power_scope": SCOPE_CODES[mapping.get("power_scope") or "board"],
        "idle_power_w": mapping.get("idle_power_w") or 0.0,
        **saved_numbers(table, mapping.get("multiplier"), spec_energy.SUMS),
        "saved_product": product_saving(table, "elementwise", "fp32", "fp32") if mapping.get("multiplier") == "lmul" else 0.0,
    }


def at_point(chip: Chip, mapping: Mapped) -> Chip:
    """Return the chip at the clock and die temperature that the mapping states."""
    stated = {name: mapping[option] for name, option in POINT.items() if mapping.get(option) is not None}
    return chip.replace(**stated) if stated else chip


def power_record(chip: Chip, mapping: Mapped, data: str | None = None) -> Table:
    """Return a record (a table of one) with its clock, network and energy columns filled. Raises `InvalidMapping` at a clock without a voltage."""
    table = _record(chip, mapping, data)
    check_power_clock(table[0])
    prepare_record(table[0])
    return table


def _record(chip: Chip, mapping: Mapped, data: str | None) -> Table:
    options = parse_options(mapping).model_dump()
    return spec.PARAMETERS.record(at_point(chip, options), power_numbers(options, data))


def tensor_loop_power(chip: Chip, arguments: Mapped, mapping: Mapped, cycles: float) -> dict[str, float]:
    """Power figures of an endless TensorFMA loop of `cycles` per operation on `minions` minions; none at a clock without a known voltage.

    A loop that loads operands from somewhere switches `tile_activity` of random ones. Power is in the mapping's scope, energy per MAC above idle.
    """
    table = _record(chip, mapping, arguments["data"])
    p = table[0]
    if not power_known(p):
        return {}
    if mapping.get("multiplier") == "lmul":
        check_lmul({str(arguments["dtype"])})
    prepare_record(p)
    a_loaded, b_loaded = bool(arguments["a_loaded"]), bool(arguments["a_loaded"]) or arguments["b_source"] == "tenb"
    if p["data"] == RANDOM and b_loaded:
        prepare_activity(float(p["tile_activity"]), p)
    m, n, k = (float(arguments[name]) for name in ("m", "n", "k"))
    words = k / WORD_ELEMENTS[arguments["dtype"]]
    moved = float(p["line_bytes"]) * (m * a_loaded + words * b_loaded)
    joules = tensor_loop_j(m * n * k, TENSOR_CODES[arguments["dtype"]], TILE_LEVELS[arguments["tiles"] or "private"], moved, p)
    minions = float(p["shires"] * p["minions_per_shire"]) if arguments["minions"] is None else float(arguments["minions"])
    rate = minions * float(p["clock_hz"]) / cycles * m * n * k
    watts = joules * rate / (m * n * k) + static_w(table)
    return {"power_w": watts, "tops_per_w": 2e-12 * rate / watts, "energy_per_mac_j": joules / (m * n * k)}
