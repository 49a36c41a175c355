"""From a chip and mapping options to the chip that runs: the design on the device, constants replaced by options."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, InvalidChip, InvalidMapping, nearest
from hwsim.readers.design_file import compose, design_path, read_design
from hwsim.targets.fpga.dsp import clock_limit
from hwsim.targets.fpga.engine import Engine
from hwsim.targets.fpga.engines import ENGINES
from hwsim.targets.fpga.mapping import COMMON, Options, refuse_strange
from hwsim.targets.fpga.spec import check_chip

NO_DESIGN = "none"  # the default design of a device that takes over another's constants but not its design


def engine_of(chip: Chip) -> Engine:
    """Return the engine of a composed chip. Raises `InvalidChip`."""
    name = chip.text("engine")
    if name not in ENGINES:
        raise InvalidChip(f"chip '{chip.name}': no engine '{name}'{nearest(name, ENGINES)}; there are {', '.join(ENGINES)}")
    return ENGINES[name]


def composed(chip: Chip, options: Options) -> Chip:
    """Return `chip` with its design (option ``design``, else the device's ``default_design``) and the constants that options replace.

    A chip that holds a design already accepts only that design, or a size of it. Raises `InvalidMapping`, `InvalidChip`, `Infeasible` (clock).
    """
    whole = chip
    if "dies" not in chip.params:
        raise InvalidChip(f"chip '{chip.name}' is a table of operation energies without fabric: no design runs on it")
    if "design" in chip.params:
        own = chip.text("design")
        wanted = _special(options.design or own, options, engine_of(chip))
        if wanted != own:
            raise InvalidMapping(f"chip '{chip.name}' holds design '{own}'; '{wanted}' is another (put it on the bare device)")
    else:
        name = options.design or (chip.text("default_design") if "default_design" in chip.params else NO_DESIGN)
        if name == NO_DESIGN:
            raise InvalidMapping(f"chip '{chip.name}' is a bare device: state a design (mapping option design, or {chip.name}+DESIGN)")
        design = read_design(design_path(name))
        if design.engine not in ENGINES:
            raise InvalidChip(f"design '{name}': no engine '{design.engine}'{nearest(design.engine, ENGINES)}")
        if (special := _special(name, options, ENGINES[design.engine])) != name:
            design = read_design(design_path(special))
        whole = compose(chip, design)
        check_chip(whole)
    return _overridden(whole, options)


def _special(name: str, options: Options, engine: Engine) -> str:
    return name if engine.design_of is None else engine.design_of(name, options)


def _overridden(whole: Chip, options: Options) -> Chip:
    engine = engine_of(whole)
    refuse_strange(options, COMMON | engine.options | frozenset(engine.overrides), whole.text("design"))
    stated = options.stated
    replaced = {"clock_hz": "design_clock_hz", **engine.overrides}
    values = {constant: stated[option] for option, constant in replaced.items() if option in stated}
    whole = whole.replace(**values) if values else whole
    if (clock := whole.number("design_clock_hz")) > (limit := clock_limit(whole)):
        raise Infeasible(f"clock of {whole.name}", demand=clock, bound=limit, unit="Hz", levers=("a lower clock_hz",))
    if values:
        check_chip(whole)
    return whole
