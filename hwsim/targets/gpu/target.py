"""The GPU target: ties lowering, price, energy and primitives together behind the `Target` protocol."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping, UnsupportedOp
from hwsim.core.graph import Graph
from hwsim.core.program import Program, Table, first
from hwsim.core.target import Around, Mapped, TargetBase
from hwsim.readers.technology import ARITHMETIC, technology
from hwsim.targets.gpu import spec
from hwsim.targets.gpu.collectives import allreduce_seconds
from hwsim.targets.gpu.energy import area_mm2, static_power_w
from hwsim.targets.gpu.kernels import price
from hwsim.targets.gpu.lowering import Lowered, lower
from hwsim.targets.gpu.mapping import Options, parse_options
from hwsim.targets.gpu.primitives import PRIMITIVES
from hwsim.tech.arithmetic import check_lmul, lmul_note, saved_numbers

STRUCTURAL = frozenset({"dram_bytes"})
SUMS = {"fp16": "fp32", "fp32": "fp32"}  # formats in which products are added up: tensor cores sum those of 16 bits in fp32
USED_PARAMS = (*spec.PARAMETERS.priced, "dram_bytes")


class GpuTarget(TargetBase):
    """GPUs: kernels launched one after another, each bound by its tiles on the SMs, by DRAM or by its launch; tensor parallel over several."""

    name = "gpu"
    slots = spec.SLOTS
    price = staticmethod(price)
    primitives = PRIMITIVES

    def check(self, chip: Chip) -> None:
        """Refuse a chip that lacks a constant. Raises `InvalidChip`, `MissingParameter`."""
        spec.PARAMETERS.check(chip)

    def options(self, mapping: Mapped) -> Mapped:
        """Check mapping options and return them all, defaults included. Raises `InvalidMapping`."""
        return parse_options(mapping).model_dump()

    def default_dtype(self, chip: Chip, kind: str) -> str:
        """fp32 where products in 16 bits are no faster; else the reader's own."""
        return "fp32" if chip.number(spec.RATES[spec.TENSOR_16]) <= chip.number(spec.RATES[spec.VECTOR_FP32]) else ""

    def map(self, graph: Graph, chip: Chip, mapping: Mapped, *, allow_unmodelled: bool = False) -> Program:
        """Spread `graph` over the GPUs and encode it. Raises `UnsupportedOp`, `Infeasible`, `InvalidMapping`."""
        options = parse_options(mapping)
        lowered = lower(graph, options)
        warnings = self.refuse(lowered.table.skipped, allow_unmodelled)
        levers = ("more devices", "a shorter context or smaller batch", "a narrower dtype")
        self.must_fit(f"weights and KV cache of one {chip.name}", lowered.memory_bytes, chip.number("dram_bytes"), "bytes", levers)
        _check_chip_has(lowered, chip, options)
        if options.multiplier == "lmul":
            check_lmul(_formats(lowered))
        kernels = options.kernel_set()
        numbers = {
            "devices": options.devices, "nodes": options.nodes, "serving": kernels == "serving", "split_kv": options.split_kv,
            "algorithm": spec.ALGORITHM_CODES.get(options.algorithm or "", spec.FASTER if options.engine else spec.RING),
            "activity": options.energy == "activity", "pcie": options.link == "pcie", "native": options.library != "cuda-12",
            "nchw": options.layout == "nchw", "l2_resident": options.l2_resident, "vllm": options.software.startswith("vllm"),
            "transformers": options.software == "hf_transformers", **saved_numbers(technology(ARITHMETIC), options.multiplier, SUMS),
        }  # fmt: skip
        params = spec.PARAMETERS.record(chip, numbers)
        dispatches = [name for name in spec.DISPATCH_CODES if name in lowered.dispatches]
        stated = {**options.model_dump(), "tensor_parallel": options.devices, "kernels": kernels, "fusion": "serving" if options.fused else "none",
                  "dispatch": "+".join(dispatches), "energy_mode": options.energy,
                  "attention": "unfused" if options.unfused_attention else "fused"}  # fmt: skip
        figures = {"devices": options.devices, "memory_bytes_per_gpu": lowered.memory_bytes, **first(bus_bandwidth(graph, params))}
        return Program(
            chip=chip, graph=lowered.graph, mapping=stated, rows=lowered.table.rows, row_of=lowered.table.row_of, counts=lowered.table.counts,
            params=params, slots=spec.SLOTS, resources=spec.RESOURCES, clock_hz=chip.number("clock_hz"),
            static_power_w=first(static_power_w(params)), area_mm2=first(area_mm2(params)), figures=figures, used_params=USED_PARAMS,
            assumptions=(*_assumptions(options, kernels, lowered), *_lmul(options, lowered, numbers)), warnings=warnings, lower_bound=bool(warnings),
        )  # fmt: skip

    def surroundings(self, program: Program, params: Table) -> Around:
        """(static power in watts, area in mm2) by component, one figure per parameter record."""
        return static_power_w(params), area_mm2(params)

    def figures(self, program: Program, params: Table) -> Mapping[str, NDArray[np.float64]]:
        """The bus bandwidth of an all-reduce alone."""
        return bus_bandwidth(program.graph, params)

    def structural(self, mapping: Mapped) -> frozenset[str] | None:
        """Constants that mapping depends on: the memory that a model must fit in."""
        return STRUCTURAL


def _assumptions(options: Options, kernels: str, lowered: Lowered) -> tuple[str, ...]:
    found = [f"kernel rates of the {kernels} set of measured kernels; board-to-board spread of 5 % or more is not in the ranges"]
    if np.isin(lowered.table.rows["kind"], spec.CONV).any():
        found.append("grouped and depthwise convolutions have few published timings: their rates are assumed, with wide ranges")
    if np.isin(lowered.table.rows["arithmetic"], (spec.TENSOR_INT8, spec.TENSOR_TF32)).any():
        found.append("int8 and TF32 products reach the fraction of peak that was measured for fp16")
    if options.engine:
        found.append("a serving engine's host gap is charged once a step; prompts are not overlapped with it")
    if options.devices > 1:
        found.append("tensor parallel over all devices, collectives do not overlap with kernels; the gather of split results is not charged")
    if options.nodes > 1:
        found.append("the network between nodes is assumed (node_bytes_per_s, node_hop_s), not measured")
    if options.energy == "nameplate":
        found.append("nameplate energy: the board's TDP for the whole time")
    else:
        found.append("activity energy: idle power, joules per DRAM byte and per operation; the power limit lowers the clock operator by operator")
    return tuple(found)


def _formats(lowered: Lowered) -> frozenset[str]:
    """Formats that the products are computed in: their operator's, or the 8 bits of the arithmetic that they run on."""
    eight = {spec.TENSOR_INT8: "int8", spec.TENSOR_FP8: "fp8", spec.TENSOR_TF32: "tf32"}
    codes = lowered.table.rows["arithmetic"]
    return frozenset(
        eight.get(codes[row], op.dtype) for op, row in zip(lowered.graph.ops, lowered.table.row_of, strict=True) if row >= 0 and codes[row] > 0
    )


def _lmul(options: Options, lowered: Lowered, numbers: Mapping[str, float]) -> tuple[str, ...]:
    """The assumption of L-Mul in place of the multipliers; none with standard ones."""
    if options.multiplier == "standard":
        return ()
    share = "a measured joule of a product holds operand movement and issue, scaled alike: an upper bound of what is saved of arithmetic"
    return (lmul_note(_formats(lowered), numbers, SUMS, f"{share}; clocks under the power limit stay"),)


def bus_bandwidth(graph: Graph, params: Table) -> Mapping[str, NDArray[np.float64]]:
    """The bus bandwidth of an all-reduce alone, ``2 (n - 1) / n bytes / T``, one figure per record; nothing for other graphs."""
    if len(graph.ops) != 1 or graph.ops[0].kind != "allreduce":
        return {}
    moved = graph.ops[0].input_bytes
    found = [2 * (p["devices"] - 1) / p["devices"] * moved / allreduce_seconds(moved, p) for p in params]
    return {"bandwidth_bytes_per_s": np.array(found, dtype=np.float64)}


def _check_chip_has(lowered: Lowered, chip: Chip, options: Options) -> None:
    """Refuse arithmetic or links that the chip lacks. Raises `UnsupportedOp`, `InvalidMapping`."""
    for code, rate in spec.RATES.items():
        if chip.number(rate) == 0 and (used := np.flatnonzero(lowered.table.rows["arithmetic"] == code)).size:
            name = lowered.graph.ops[lowered.table.row_of.index(int(used[0]))].name
            raise UnsupportedOp("gpu", (f"{name} ({chip.name} has no such arithmetic: {rate} is 0)",))
    if options.devices > options.nodes and options.link == "nvlink_switch" and chip.number("link_bytes_per_s") == 0:
        raise InvalidMapping(f"{chip.name} has no NVLink: with several devices a node, state link: pcie")


TARGET = GpuTarget()
