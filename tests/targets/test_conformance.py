"""Every target keeps the contract of `hwsim.core.target`: a new target adds its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import conformance
import fake_target
import pytest

import hwsim
from hwsim.core.chip import Chip
from hwsim.core.graph import Graph, GraphBuilder, single_op
from hwsim.core.target import target_names
from hwsim.readers.networks import is_network
from hwsim.readers.networks_spiking import is_spiking

DECODE = {"phase": "decode", "context": 512, "layers": 2}
PREFILL = {"phase": "prefill", "prompt": 64, "layers": 2}
GENERATE = {"phase": "generate", "prompt": 32, "generate": 3, "layers": 2}
PRODUCT = {"m": 300, "k": 200, "n": 100}
VECTOR = {"m": 1, "k": 4096, "n": 4096}
Row = tuple[str, str, dict[str, Any], dict[str, Any]]

ROWS: dict[str, Row] = {  # chip, trace or operator, its options or bounds, mapping
    "toy product": ("toy", "matmul", PRODUCT, {}),
    "toy product on four": ("toy", "matmul", PRODUCT, {"arrays": 4}),
    "gpu product": ("a100", "matmul", PRODUCT, {}),
    "gpu product, tf32": ("a100", "matmul", {**PRODUCT, "dtype": "fp32"}, {"tf32": True, "energy_mode": "nameplate"}),
    "gpu product, eager": ("h100", "matmul", {**PRODUCT, "dtype": "fp8"}, {"dispatch": "eager"}),
    "gpu all-reduce": ("a100", "allreduce", {"elements": 65536}, {"devices": 4}),
    "gpu all-reduce, pcie": ("rtx-4090", "allreduce", {"elements": 65536}, {"devices": 4, "link": "pcie"}),
    "gpu softmax": ("p100", "softmax", {"rows": 64, "cols": 4096}, {"l2_resident": True}),
    "gpu decode": ("a100", "llama3-8b", DECODE, {"system": "sglang"}),
    "gpu generation": ("h100", "llama3-8b", GENERATE, {"system": "vllm", "devices": 2}),
    "gpu prefill, two nodes": ("a100", "llama3-8b", PREFILL, {"devices": 8, "nodes": 2, "dispatch": "eager"}),
    "gpu network": ("v100-pcie", "resnet18", {"batch": 2}, {"system": "pytorch"}),
    "gpu product, L-Mul": ("a100", "matmul", PRODUCT, {"multiplier": "lmul"}),
    "gpu recurrence": ("a100", "lstm", {"input_size": 256, "hidden_size": 128, "steps": 4}, {}),
    "gpu gated recurrence": ("h100", "gru", {"input_size": 256, "hidden_size": 128, "steps": 4, "batch": 8}, {"dispatch": "eager"}),
    "wafer product": ("wse2", "matmul", PRODUCT, {"grid": (32, 16), "energy_mode": "activity"}),
    "wafer product, L-Mul": ("wse2", "matmul", PRODUCT, {"grid": (32, 16), "energy_mode": "activity", "multiplier": "lmul"}),
    "wafer product, own grid": ("wse2", "matmul", PRODUCT, {}),
    "wafer product, summa": ("wse3", "matmul", {**PRODUCT, "dtype": "fp32"}, {"grid": (32, 16), "algorithm": "summa"}),
    "wafer vector product": ("wse2", "matmul", VECTOR, {"grid": (256, 256)}),
    "wafer vector product, ring": ("wse3", "matmul", VECTOR, {"grid": (64, 64), "algorithm": "gemv_ring"}),
    "wafer at a clock": ("wse2", "matmul", PRODUCT, {"grid": (32, 16), "clock_hz": 0.9e9}),
    "wafer vendor's all-reduce": ("wse3", "allreduce", {"elements": 64}, {"grid": (16, 16), "algorithm": "vendor_allreduce"}),
    "wafer reduce": ("wse2", "reduce", {"elements": 64, "dtype": "fp32"}, {"grid": (16, 1), "algorithm": "reduce_chain"}),
    "wafer shift": ("wse2", "shift", {"elements": 64}, {"grid": (16, 16), "rounds": 3}),
    "wafer transform": ("wse2", "fft", {"points": 64, "dims": 3}, {"grid": (16, 16)}),
    "wafer softmax": ("wse3", "softmax", {"rows": 64, "cols": 640}, {"grid": (16, 16), "energy_mode": "activity"}),
    "wafer prefill": ("wse2", "llama3-8b", PREFILL, {"grid": (300, 300)}),
    "wafer decode": ("wse2", "llama3-8b", DECODE, {"grid": (360, 360), "energy_mode": "activity"}),
    "wafer decode, own grid": ("wse3", "llama3-8b", DECODE, {}),
    "wafer decode, as released": ("wse2", "llama3-8b", DECODE, {"grid": (360, 360), "workload_mode": "paper_faithful"}),
    "wafer decode, another system": ("wse2", "llama3-8b", DECODE, {"grid": (360, 360), "system": "ladder", "workload_mode": "paper_faithful"}),
    "wafer generation": ("wse2", "llama3-8b", GENERATE, {"prefill_grid": (300, 300), "decode_grid": (240, 240)}),
    "manycore product": ("et-soc-1", "matmul", PRODUCT, {}),
    "manycore product, L-Mul": ("et-soc-1", "matmul", PRODUCT, {"multiplier": "lmul"}),
    "manycore plain loop, L-Mul": ("et-soc-1", "matmul", {**PRODUCT, "dtype": "fp32"}, {"unit": "simd", "harts": 64, "multiplier": "lmul"}),
    "manycore product, resident, K split": ("et-soc-1", "matmul", {**PRODUCT, "dtype": "int8"}, {"operand_level": "l2scp", "k_split": 2}),
    "manycore product, plain loop": ("et-soc-1", "matmul", {**PRODUCT, "dtype": "fp32"}, {"unit": "simd", "register_block": (2, 16), "harts": 64}),
    "manycore product, scalar, launched": ("et-soc-1", "matmul", {**PRODUCT, "dtype": "fp32"}, {"unit": "scalar", "include_launch": True}),
    "manycore all-reduce": ("et-soc-1", "allreduce", {"elements": 64, "dtype": "fp32"}, {}),
    "manycore recurrence": ("et-soc-1", "lstm", {"input_size": 256, "hidden_size": 128, "steps": 4}, {}),
    "manycore decode": ("et-soc-1", "llama3-8b", DECODE, {}),
    "manycore decode at a clock": ("et-soc-1", "llama3-8b", DECODE, {"frequency_hz": 700e6, "die_temperature_c": 60, "data": "random"}),
    "manycore prefill, scores in memory": ("et-soc-1", "llama3-8b", PREFILL, {"flash_attention": False}),
    "manycore generation, kernels": ("et-soc-1", "llama3-8b", {**GENERATE, "weight_dtype": "q8_0"}, {"runtime": "kernel_per_op"}),
    "fpga product": ("u280+systolic_array", "matmul", {**PRODUCT, "dtype": "int8"}, {}),
    "fpga product, packed, at a clock": (
        "kv260", "matmul", {**PRODUCT, "dtype": "int8"}, {"design": "systolic_array", "rows": 8, "cols": 32, "dsp_packing": True, "clock_hz": 250e6},
    ),
    "fpga product, wide": ("vhk158+systolic_array", "matmul", {**PRODUCT, "dtype": "int16"}, {}),
    "fpga decode on queues": ("u280+flightllm", "llama3-8b", DECODE, {}),
    "fpga decode on queues, replay": ("vhk158", "llama2-7b", DECODE, {"design": "flightllm", "timing": "authors_simulator", "weight_bits": 3.5}),
    "fpga decode on queues, no overlap": ("u280", "opt-6.7b", DECODE, {"design": "flightllm", "overlap": False, "cores": 2, "clock_hz": 2e8}),
    "fpga prefill on queues": ("vhk158", "llama2-7b", PREFILL, {"design": "flightllm"}),
    "fpga generation on queues": ("u280+flightllm", "llama2-7b", GENERATE, {"attention_mask": "lambda"}),
    "fpga network on a DPU": ("zcu102", "resnet18", {"batch": 2, "dtype": "int8"}, {"design": "dpuczdx8g", "axi_ports": 1}),
    "fpga network on all DPU cores": (
        "zcu104", "mobilenet-v1", {"dtype": "int8"},
        {"arch": "b2304", "threads": "multi", "softmax_cores": 1, "clock_gating": True, "clock_hz": 2.5e8},
    ),
    "fpga contexts on DPU cores": (
        "zcu102+dpuczdx8g", "hydrafusion", {"proposals": 50, "dtype": "int8"}, {"policy": "context_gated", "switch": "bitstream_reload"},
    ),
    "manycore network": ("et-soc-1", "resnet18", {"batch": 2, "dtype": "int8"}, {}),
    "cluster dot product": ("pulp-open", "dot", {"elements": 4096, "dtype": "int8"}, {"cores": 8, "isa": "xpulp_unroll2"}),
    "cluster dot product, plain, physical energy": (
        "gap8", "dot", {"elements": 1024, "dtype": "int32"}, {"isa": "rv32im", "energy_mode": "physical", "runtime": "gap_sdk"},
    ),
    "cluster dot product, operands in L2": ("mr-wolf", "dot", {"elements": 1024, "dtype": "int32"}, {"flow": "pulp-dsp", "data": "l2"}),
    "cluster clusters": ("pulp-open", "kmeans", {"samples": 240, "features": 16, "clusters": 8, "dtype": "fp32"}, {"cores": 4}),
    "cluster forest, emulated": (
        "gap8", "random_forest", {"trees": 16, "depth": 8, "features": 200, "classes": 4, "dtype": "fp32"}, {"fp": "libgcc", "isa": "rv32imc"},
    ),
    "cluster classifier, at a point": (
        "gap8", "svm", {"features": 784, "classes": 10, "dtype": "fp32"}, {"fp": "rvfplib", "frequency_hz": 90e6, "voltage_v": 1.0},
    ),
    "cluster network": ("gap8", "mobilenet-v1-0.25-128", {"dtype": "int8"}, {}),
    "cluster network, dory": ("gap8", "mobilenet-v1-0.5-128", {"dtype": "int8"}, {"flow": "dory", "bn_bits": 64}),
    "spiking network, published": ("snn-45nm", "spikingformer-8-512", {"image": 64}, {}),
    "spiking network, honest": ("snn-45nm", "spiking-vgg9", {"rate": 0.2, "timesteps": 2}, {"energy_mode": "honest"}),
    "spiking network, as a dense one": ("snn-45nm", "spiking-vgg9", {}, {"execution": "dense"}),
    "spiking network without rates": ("snn-45nm", "meta_spikeformer", {"image": 64}, {}),
    "spiking network on cores": ("event-core-45nm", "spiking-vgg9", {"rate": 0.1, "dtype": "int8"}, {}),
    "spiking layer, pruned": (
        "event-core-45nm", "matmul", {**PRODUCT, "dtype": "int8", "weight_density": 0.3, "attrs": {"timesteps": 3, "spike_rate": 0.1}}, {"seed": 5},
    ),
    "crossbar recurrence behind ramps": ("nladc-16nm", "lstm", {"input_size": 40, "hidden_size": 32, "steps": 3, "dtype": "int5"}, {"adc_bits": 5}),
    "crossbar recurrence, projected, other converters": (
        "nladc-16nm", "lstm", {"input_size": 16, "hidden_size": 24, "projection_size": 8, "bias_rows": 1, "dtype": "int8"},
        {"adc": "sar", "columns_per_adc": 4, "input_encoding": "bit_serial", "adc_bits": 8},
    ),
    "crossbar gated recurrence": ("nladc-16nm", "gru", {"input_size": 40, "hidden_size": 32, "dtype": "int5"}, {"adc": "linear_ramp"}),
    "crossbar product of activations": ("nladc-16nm", "matmul", {**PRODUCT, "dtype": "int8", "operand_role": "activation"}, {}),
    "crossbar network, copies": (
        "nladc-16nm", "resnet18", {"input": (64, 64), "dtype": "int8"}, {"duplication": 4, "conv_mapping": "kernel_shifted"},
    ),
    "crossbar cores in phases": ("neurram", "matmul", {**PRODUCT, "dtype": "int6", "weight_dtype": "int4"}, {"phases": "two", "output_bits": 9}),
    "crossbar cores, weights swapped": (
        "neurram", "mlperf-tiny-ic", {"dtype": "int4", "weight_dtype": "int4"}, {"arrays": 6, "write_arrays_at_once": 6, "reprogram": True},
    ),
    "crossbar bit planes": ("jia", "matmul", {**PRODUCT, "dtype": "int8", "weight_dtype": "int2"}, {"voltage_v": 1.1}),
    "crossbar network in a pipeline of tiles": ("isaac", "resnet18", {"input": (64, 64), "dtype": "int16"}, {}),
    "crossbar product, shared converters": ("isaac", "matmul", {**PRODUCT, "dtype": "int8"}, {"columns_per_adc": 512, "adc_bits": 6, "chips": 2}),
    "crossbar network on vector lanes": ("puma", "mlperf-tiny-ic", {"dtype": "int16"}, {"conv_mapping": "kernel_shifted"}),
    "crossbar recurrence on vector lanes": ("puma", "lstm", {"input_size": 256, "hidden_size": 200, "steps": 3, "dtype": "int16"}, {"clock_hz": 8e8}),
    "crossbar attention, written": ("puma", "attention", {"heads": 2, "q": 8, "kv": 24, "head_dim": 32, "dtype": "int16"}, {}),
    "crossbar pulse counts": ("sinangil", "matmul", {"m": 9, "k": 64, "n": 16, "dtype": "int4", "weight_dtype": "int4"}, {"voltage_v": 0.7}),
    "crossbar conversions per bit line": ("aimc2", "matmul", {"m": 7, "k": 100, "n": 40, "dtype": "int8"}, {"duplication": 2}),
    "crossbar adder trees": ("dimc3", "matmul", {"m": 7, "k": 300, "n": 10, "dtype": "int8", "weight_dtype": "int4"}, {"voltage_v": 0.8}),
    "crossbar adder trees, cells written": ("dimc1", "matmul", {"m": 7, "k": 100, "n": 40, "dtype": "int8", "operand_role": "activation"}, {}),
    "crossbar bits in series": ("colonnade", "matmul", {"m": 7, "k": 300, "n": 10, "dtype": "int8"}, {"arrays": 9, "registers_per_column": 8}),
    "crossbar bits in series, fixed clock": (
        "colonnade", "matmul", {"m": 7, "k": 100, "n": 5, "dtype": "int4"}, {"clock_hz": 1e8, "bit_pipelined": False},
    ),
    "crossbar ladders": ("wang", "matmul", {"m": 7, "k": 128, "n": 40, "dtype": "int8"}, {"voltage_v": 0.8}),
    "crossbar tiles, network": ("isaac", "resnet18", {"input": (64, 64), "dtype": "int16"}, {}),
    "crossbar tiles, recurrence": ("puma", "lstm", {"input_size": 256, "hidden_size": 128, "steps": 4, "dtype": "int16"}, {"adc_bits": 7}),
    "crossbar network laid out for it": ("neurosim-rram-65nm", "vgg8_cifar10", {"dtype": "int8"}, {"adc_bits": 4, "columns_per_adc": 16}),
    "crossbar convolution, unrolled": (
        "neurosim-rram-14nm", "conv2d", {"n": 1, "c": 130, "h": 9, "w": 9, "k": 40, "r": 3, "s": 3, "pad": 1, "dtype": "int8"},
        {"conv_mapping": "im2col", "adc": "sar", "post_layout_factors": 0},
    ),
    "core of standard cells, network": ("rv32-ffet", "mlperf-tiny-ic", {"dtype": "int8"}, {}),
    "core of standard cells, attention by a routine": (
        "rv32-cfet", "attention", {"heads": 2, "q": 8, "kv": 24, "head_dim": 32, "dtype": "int8"}, {"multiply": "libgcc"},
    ),
    "core of standard cells, product, streamed": ("rv32-ffet", "matmul", {**PRODUCT, "dtype": "int16"}, {"outputs_at_once": 4, "stream": True}),
    "array of standard cells, network": ("mac16-ffet", "mobilenet-v1", {"dtype": "int8"}, {}),
    "array of standard cells, recurrence, weights stay": (
        "mac16-cfet", "lstm", {"input_size": 40, "hidden_size": 32, "steps": 3, "dtype": "int8"}, {"dataflow": "ws"},
    ),
    "array of standard cells, product, inputs stay": ("mac16-ffet", "matmul", {**PRODUCT, "dtype": "int8"}, {"dataflow": "is"}),
    "processor product": ("snapdragon-865", "matmul", PRODUCT, {}),
    "processor product, all cores, in fp32": ("snapdragon-865", "matmul", {**PRODUCT, "dtype": "fp32"}, {"cores": "all", "caches": "cold"}),
    "processor product, sparse weights": ("raspberry-pi-4", "matmul", {**PRODUCT, "dtype": "fp32", "weight_density": 0.1}, {"threads": 2}),
    "processor product, narrow weights": ("raspberry-pi-4", "matmul", {**VECTOR, "weight_dtype": "q4_0"}, {"power_scope": "above_idle"}),
    "processor recurrence": ("raspberry-pi-4", "lstm", {"input_size": 256, "hidden_size": 512, "steps": 4}, {"power_scope": "wall"}),
    "processor network, called by a framework": ("raspberry-pi-4", "resnet18", {"batch": 2, "dtype": "fp32"}, {"runtime": "framework"}),
    "processor network, small cores": ("snapdragon-865", "mobilenet-v1", {"dtype": "int8"}, {"cores": "little", "runtime": "compiled"}),
    "processor decode": ("snapdragon-865", "qwen2-0.5b", DECODE, {"cores": "all", "threads": 4}),
    "processor prefill": ("raspberry-pi-4", "qwen2-0.5b", PREFILL, {}),
    "processor generation": ("snapdragon-865", "qwen2-0.5b", GENERATE, {"cores": "big"}),
    "cluster of one": ("cortex-m4", "mlperf-tiny-kws", {"dtype": "int8"}, {"part": "stm32l476"}),
}
CONTENDS = {
    "wafer vector product", "wafer decode", "wafer decode, own grid", "wafer decode, as released", "wafer generation",
    "fpga prefill on queues", "fpga generation on queues", "cluster dot product", "cluster clusters", "cluster forest, emulated",
    "cluster classifier, at a point", "cluster network", "cluster network, dory", "spiking layer, pruned",
}  # fmt: skip
UNMODELLED: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {  # chip, kind without a model, bounds, mapping
    "cluster": ("gap8", "lstm", {"input_size": 16, "hidden_size": 8}, {}),
    "cpu": ("snapdragon-865", "fft", {"points": 64}, {}),
    "crossbar": ("nladc-16nm", "fft", {"points": 64}, {}),
    "fake": ("toy", "norm", {"rows": 1, "cols": 100}, {}),
    "fpga": ("u280+systolic_array", "lstm", {"input_size": 16, "hidden_size": 8}, {}),
    "gpu": ("a100", "fft", {"points": 64}, {}),
    "manycore": ("et-soc-1", "fft", {"points": 64}, {}),
    "stdcell": ("rv32-ffet", "fft", {"points": 64}, {}),
    "spiking": ("event-core-45nm", "lstm", {"input_size": 16, "hidden_size": 8}, {}),
    "wafer_mesh": ("wse2", "lstm", {"input_size": 16, "hidden_size": 8}, {"grid": (8, 8)}),
}
NETWORKS = ("resnet", "mobilenet", "mlperf-tiny")
INPUTS = {"lstm": (1, 1, 16), "norm": (1, 100), "fft": (1, 64)}


@pytest.fixture(autouse=True)
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy target is installed beside the others."""
    fake_target.install_target(monkeypatch)
    (tmp_path / "chip.yaml").write_text(fake_target.CHIP_YAML)


def chip_of(name: str, folder: Path) -> Chip:
    return hwsim.load_chip(str(folder / "chip.yaml") if name == "toy" else name)


def graph_of(what: str, options: dict[str, Any]) -> Graph:
    return hwsim.load_graph(what, **options) if "phase" in options or is_network(what) or is_spiking(what) else single_op(what, **options)


@pytest.mark.parametrize("name", ROWS)
def test_the_contract_is_kept(name: str, tmp_path: Path) -> None:
    chip, what, options, mapping = ROWS[name]
    conformance.check_target(chip_of(chip, tmp_path), graph_of(what, options), mapping, contends=name in CONTENDS)


@pytest.mark.parametrize("target", UNMODELLED)
def test_what_has_no_model_is_refused_or_called_a_lower_bound(target: str, tmp_path: Path) -> None:
    chip, kind, bounds, mapping = UNMODELLED[target]
    builder = GraphBuilder("int8" if target in ("fpga", "cluster", "spiking", "crossbar", "stdcell") else "fp16")
    builder.op("matmul", "fc", [builder.tensor("x", (300, 200), role="input")], m=300, k=200, n=100)
    builder.op(kind, "odd", [builder.tensor("y", INPUTS[kind], role="input")], **bounds)
    conformance.check_unmodelled(chip_of(chip, tmp_path), builder.graph(trace="mixed"), mapping, ("odd",))


@pytest.mark.parametrize("target", UNMODELLED)
def test_primitives_refuse_what_they_do_not_know(target: str, tmp_path: Path) -> None:
    conformance.check_primitives(chip_of(UNMODELLED[target][0], tmp_path))


def test_every_target_is_here(tmp_path: Path) -> None:
    covered = {chip_of(chip, tmp_path).target for chip, *_ in ROWS.values()}
    assert covered == {*UNMODELLED} and covered <= {*target_names()}
