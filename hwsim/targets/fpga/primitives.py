"""Mechanisms in isolation: memory streams, DSP slices, resources and peaks of a design, board power."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace, UnsupportedOp
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.fpga import kernels, spec
from hwsim.targets.fpga.chain import chain_cycles, chain_fill, overflow_cycles
from hwsim.targets.fpga.compose import composed, engine_of
from hwsim.targets.fpga.dsp import MVU_CYCLES, chain_latency, chain_segment, packing_depth, products_per_slice, sparse_imbalance, vector_unit_slices
from hwsim.targets.fpga.engines import ENGINES
from hwsim.targets.fpga.mapping import Options, parse_options
from hwsim.targets.fpga.memory import LONG_BURST, ddr_rate, hbm_crossing_rate, hbm_rate
from hwsim.targets.fpga.power import static_power_w
from hwsim.targets.fpga.primitives_arithmetic import ARITHMETIC

MOST = 2.0**40  # sizes beyond it are slips of the pen, and lose products to rounding


def memory_stream(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Bandwidth of user ports on HBM channels or DDR banks (reads and writes together), and the time for `bytes`.

    `placement` crossing: ports read channels behind other switches than their own.
    """
    options = parse_options(mapping)
    p = spec.PARAMETERS.record(chip)[0]
    memory, access = word(arguments, "memory", ("hbm", "ddr")), word(arguments, "access", ("sequential", "random"))
    have = chip.number(f"{memory}_channels")
    if not have:
        raise UnsupportedOp("fpga", (f"memory_stream ({chip.name} has no {memory})",))
    given = arguments["channels"] if arguments["channels"] is not None else options.ddr_channels if memory == "ddr" else None
    channels = have if given is None else float(whole({"channels": given}, "channels"))
    if channels > have:
        raise InvalidTrace(f"{chip.name} has {have:g} {memory} channels, got channels {channels:g}")
    burst = LONG_BURST if arguments["burst_bytes"] is None else number(arguments, "burst_bytes", least=1)
    if access == "random" and arguments["burst_bytes"] is None:
        raise InvalidTrace("memory_stream: random access needs burst_bytes")
    flying = 0.0 if arguments["outstanding"] is None else number(arguments, "outstanding", least=1)
    ports = _ports(arguments, channels)
    crossing = word(arguments, "placement", ("local", "crossing")) == "crossing"
    if crossing and (memory == "ddr" or channels <= chip.number("hbm_switch_channels")):
        raise InvalidTrace("memory_stream: only HBM channels of several switches can be crossed to")
    rate = hbm_rate(channels, ports, burst, flying, p) if memory == "hbm" else _ddr(chip, options, min(channels, ports), burst, flying, access, p)
    if crossing:
        rate = min(rate, hbm_crossing_rate(min(channels, ports), p))
    found = {"bandwidth_bytes_per_s": float(rate)}
    if arguments["bytes"] is not None:
        found["latency_s"] = number(arguments, "bytes") / float(rate)
    return found


def _ports(arguments: Mapped, channels: float) -> float:
    """Streams in all: those stated as reading and writing, else one per channel; a compute unit needs one at least."""
    stated = [number(arguments, name) for name in ("read_channels", "write_channels") if arguments[name] is not None]
    ports = sum(stated) if stated else channels
    if not ports:
        raise InvalidTrace("memory_stream: neither read_channels nor write_channels")
    if arguments["compute_units"] is not None and whole(arguments, "compute_units") > ports:
        raise InvalidTrace(f"{arguments['compute_units']} compute_units have only {ports:g} channels")
    return ports


def _ddr(chip: Chip, options: Options, channels: float, burst: float, flying: float, access: str, p: object) -> float:
    ports = options.axi_ports if options.axi_ports is not None else chip.number("axi_ports")
    bits = options.port_bits if options.port_bits is not None else chip.number("axi_port_bits")
    if options.axi_ports is not None and chip.number("axi_ports") and options.axi_ports > chip.number("axi_ports"):
        raise InvalidTrace(f"{chip.name} has {chip.number('axi_ports'):g} AXI ports, got axi_ports {options.axi_ports}")
    clock = options.clock_hz or chip.number("axi_clock_hz")
    transfer = 0.0
    if options.column_aligned:
        transfer = options.bytes_per_transfer or chip.number("ddr_page_bytes") * chip.number("ddr_pages_per_transfer")
    rate = float(ddr_rate(channels, ports, bits, clock, transfer, p))
    if access == "random" or burst < LONG_BURST:
        peak = chip.number("ddr_channel_bytes_per_s")
        rate *= burst / (burst + peak * chip.number("ddr_row_switch_s"))
    if flying and chip.number("ddr_latency_s"):
        rate = min(rate, channels * flying * burst / chip.number("ddr_latency_s"))
    return rate


def dsp58_chain_segment(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """DSP58 slices in a chain without registers between them, at a clock."""
    if "dsp_chain_first_s" not in chip.params:
        raise UnsupportedOp("fpga", (f"dsp58_chain_segment ({chip.name} has {chip.text('dsp_type')} slices)",))
    clock = parse_options(mapping).clock_hz
    if clock is None:
        raise InvalidTrace("a chain of DSP58 slices needs the mapping option clock_hz")
    return {"count": float(chain_segment(clock, chip.number("dsp_chain_first_s"), chip.number("dsp_chain_next_s")))}


def int8_packing_depth(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Products that sum exactly in one lane of a packed accumulator."""
    widest = int(chip.number("dsp_accumulator_bits"))
    lane = chip.number("dsp_lane_bits") if arguments["lane_bits"] is None else whole(arguments, "lane_bits", most=widest)
    return {"count": float(packing_depth(int(lane), whole(arguments, "product_bits", least=2, most=widest)))}


def dsp_chain(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """A matrix product on chains of DSP slices: cycles with one fill, slices, and the share of products that are of use.

    `kept` and `chance` describe N:M sparsity (rows kept of each block of `block`, and how often); lanes that advance together wait for the fullest.
    """
    m, k, n = (float(whole(arguments, name, most=MOST)) for name in ("m", "k", "n"))
    rows, length, outputs, group = (float(whole(arguments, name, most=MOST)) for name in ("rows", "chain", "outputs", "group"))
    kept, chance = _several(arguments, "kept"), _several(arguments, "chance")
    block = float(whole(arguments, "block"))
    if max(kept) > block:
        raise InvalidTrace(f"dsp_chain: kept {kept} exceeds the block of {block:g}")
    if len(kept) != len(chance):
        raise InvalidTrace(f"dsp_chain: kept {kept} and chance {chance} must be of one length")
    mean = sum(a * b for a, b in zip(kept, chance, strict=True)) / block
    if not mean:
        raise InvalidTrace("dsp_chain: kept keeps nothing")
    held = min(1.0, mean * sparse_imbalance(kept, chance, int(outputs)))
    bits = whole(arguments, "bits")
    packed = products_per_slice(chip, bits, bits, shared=rows > 1)
    if not packed:
        raise UnsupportedOp("fpga", (f"dsp_chain ({bits}-bit products do not fit a {chip.text('dsp_type')} slice)",))
    adjust = overflow_cycles(length, packing_depth(int(chip.number("dsp_lane_bits")), 2 * bits)) if packed > 1 else 0.0
    steady = chain_cycles(m, k, n, rows, length, outputs, held)
    cycles = steady + chain_fill(length, group, number(arguments, "extra_cycles")) + adjust
    slices = math.ceil(rows / packed) * length * outputs
    peak = rows * length * outputs
    return {"cycles": cycles, "dsp": slices, "macs_per_cycle": peak, "utilisation": m * k * n * mean / (cycles * peak)}


def vector_unit(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """A matrix-vector unit of `outputs` x `inputs` products a cycle: ``ceil(rows / outputs) ceil(cols / inputs) vectors`` cycles and one fill.

    On DSP58 the fill follows from the segments of an un-registered chain at the mapping's clock. Source: Xilinx FINN.
    """
    rows, cols, vectors = (whole(arguments, name) for name in ("rows", "cols", "vectors"))
    outputs, inputs = whole(arguments, "outputs", most=rows), whole(arguments, "inputs", most=cols)
    bits = whole(arguments, "bits", most=int(min(chip.vector("dsp_mult_bits"))))
    fill = MVU_CYCLES
    if "dsp_chain_first_s" in chip.params and bits <= 8:
        segment = int(dsp58_chain_segment(chip, arguments, mapping)["count"])
        if not segment:
            raise InvalidTrace("vector_unit: no slice fits a cycle of this clock without a register; a lower clock_hz")
        fill = chain_latency(math.ceil(inputs / chip.number("dsp_int8_macs")), segment)
    steady = math.ceil(rows / outputs) * math.ceil(cols / inputs) * vectors
    slices = vector_unit_slices(chip, outputs, inputs, bits)
    return {"cycles": steady + fill, "dsp": slices, "macs_per_cycle": outputs * inputs}


def _several(arguments: Mapped, name: str) -> tuple[float, ...]:
    """One number or a list of them. Raises `InvalidTrace`."""
    value = arguments[name]
    if isinstance(value, list | tuple) and not value:
        raise InvalidTrace(f"{name} is an empty list")
    return tuple(number({name: one}, name) for one in (value if isinstance(value, list | tuple) else (value,)))


def design_resources(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """What the design takes of the device. Raises `Infeasible` when it does not fit."""
    options = parse_options(mapping)
    made = composed(chip, options)
    taken = engine_of(made).resources(made, options)
    taken.must_fit(made)
    return taken.figures


def _peak(chip: Chip, arguments: Mapped, mapping: Mapped) -> tuple[Chip, float]:
    options = parse_options(mapping)
    made = composed(chip, options)
    engine = engine_of(made)
    engine.resources(made, options).must_fit(made)
    return made, engine.peak_macs(made, word(arguments, "mode", ("mm", "mv")))


def peak_macs(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """MACs per cycle of the whole design, for matrix x matrix (mm) or matrix x vector (mv)."""
    return {"macs_per_cycle": _peak(chip, arguments, mapping)[1]}


def peak_tops(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Peak operations per second (two per MAC) at the design's clock."""
    made, macs = _peak(chip, arguments, mapping)
    return {"tops": 2 * macs * made.number("design_clock_hz") / 1e12}


def platform_power(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Board power of a configured design in a state."""
    options: Options = parse_options(mapping)
    made = composed(chip, options)
    engine = engine_of(made)
    state = word(arguments, "state", ("idle", "running", "idle_after_run", "request_trace_mean"))
    taken = engine.resources(made, options)
    taken.must_fit(made)
    numbers = {"engine_code": engine.code, "clocked": engine.clocked(made, options), **{f"{n}_used": v for n, v in taken.figures.items()}}
    params = spec.PARAMETERS.record(made, numbers)
    kernels.prepare(params[0])
    still = sum(float(v[0]) for v in static_power_w(params).values())
    if state.startswith("idle"):
        return {"power_w": still}
    if engine.running_w is None:
        raise InvalidTrace(f"platform_power: what design '{made.text('design')}' draws at work depends on its graph; run one and read power_w")
    if state == "request_trace_mean" and "request_busy_share" not in made.params:
        raise InvalidTrace(f"platform_power: design '{made.text('design')}' states no request_busy_share: no mean over a trace of requests is known")
    share = made.number("request_busy_share") if state == "request_trace_mean" else 1.0
    return {"power_w": still + share * engine.running_w(made, options)}


_STREAM = ("channels", "read_channels", "write_channels", "burst_bytes", "outstanding", "compute_units", "bytes")

OWN = (
    Primitive("memory_stream", "bandwidth of user ports on HBM channels or DDR banks", memory_stream,
              {"memory": None, "access": "sequential", "placement": "local", **dict.fromkeys(_STREAM)}, optional=frozenset(_STREAM)),
    Primitive("dsp58_chain_segment", "DSP58 slices between two registers of a chain", dsp58_chain_segment),
    Primitive("int8_packing_depth", "exact products in a lane of a packed accumulator", int8_packing_depth,
              {"lane_bits": None, "product_bits": 16}, optional=frozenset({"lane_bits"})),
    Primitive("dsp_chain", "a matrix product on chains of DSP slices, dense or N:M sparse", dsp_chain,
              {"m": 1, "k": None, "n": None, "rows": 1, "chain": 16, "outputs": 1, "group": 2, "bits": 8, "block": 16, "kept": 16, "chance": 1.0,
               "extra_cycles": 0}),
    Primitive("vector_unit", "a matrix-vector unit: cycles and DSP slices", vector_unit,
              {"rows": None, "cols": None, "vectors": 1, "outputs": 1, "inputs": 1, "bits": 8}),
    Primitive("design_resources", "LUT, FF, BRAM, URAM and DSP slices of a design", design_resources),
    Primitive("peak_macs", "MACs per cycle of a design", peak_macs, {"mode": "mm"}),
    Primitive("peak_tops", "peak operations per second of a design", peak_tops, {"mode": "mm"}),
    Primitive("platform_power", "board power of a configured design", platform_power, {"state": None}),
)  # fmt: skip
PRIMITIVES = {made.name: made for made in (*OWN, *ARITHMETIC, *(p for engine in ENGINES.values() for p in engine.primitives.values()))}
