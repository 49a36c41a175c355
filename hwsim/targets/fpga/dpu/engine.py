"""The DPU engine: image networks on the cores of a DPUCZDX8G overlay."""

from __future__ import annotations

from hwsim.core.errors import InvalidMapping
from hwsim.targets.fpga.dpu.encode import plan, structural
from hwsim.targets.fpga.dpu.power import clocked, running_w
from hwsim.targets.fpga.dpu.primitives import PRIMITIVES
from hwsim.targets.fpga.dpu.rates import rates
from hwsim.targets.fpga.dpu.resources import peak_macs, resources
from hwsim.targets.fpga.dpu.spec import CODE, CONSTANTS
from hwsim.targets.fpga.engine import Engine
from hwsim.targets.fpga.mapping import Options

OVERLAY, SIZED = "dpuczdx8g", "dpu_"


def design_of(name: str, options: Options) -> str:
    """Return the design that `arch` picks: ``dpu_b512`` for arch b512. Raises `InvalidMapping` when the name says another size."""
    if options.arch is None:
        return name
    wanted = f"{SIZED}{options.arch}"
    if name not in (OVERLAY, wanted):
        raise InvalidMapping(f"design '{name}' has a size already; arch {options.arch} picks one of {OVERLAY}")
    return name if name == wanted or options.arch == "b4096" else wanted


ENGINE = Engine(
    name="dpu", code=CODE, about="INT8 image networks on a DPU overlay (DPUCZDX8G)", plan=plan, resources=resources, peak_macs=peak_macs,
    overrides={"cores": "cores", "softmax_cores": "softmax_cores", "axi_ports": "dpu_ports", "port_bits": "dpu_port_bits"},
    options=frozenset({"arch", "threads", "clock_gating", "dsp_usage", "policy", "switch"}),
    structural=frozenset({c.name for c in CONSTANTS if not c.priced} | {"cores", "dpu_pp", "dpu_icp", "dpu_ocp", "softmax_cores"}),
    structural_with=structural, design_of=design_of, running_w=running_w, clocked=clocked, rates=rates, primitives=PRIMITIVES,
)  # fmt: skip
