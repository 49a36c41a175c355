"""A first hour with hwsim, in cells (``# %%``) that an editor or a notebook runs one by one: python scripts/teach_first_hour.py

Each cell asks one question and prints its answer; nothing but the shipped chips and traces is needed. Things to try stand at the end of each cell.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

# %% 1. One graph on one chip: how long does a token take, and where does the time go?
import hwsim
from hwsim.core.units import constant_text, engineering, write_metric
from hwsim.explore.explain import explain, moves

graph = hwsim.load_graph("llama3-8b", phase="decode", context=2048)
chip = hwsim.load_chip("a100")
report = hwsim.simulate(graph, chip)
print(f"1. {graph.name} on {chip.name}: {graph.macs / 1e9:.2f} GMAC a token in {write_metric('latency_s', report.latency_s)}")
for part, seconds in sorted(report.breakdown()["latency_s"].items(), key=lambda item: -item[1])[:4]:
    print(f"   {part:12} {seconds / report.latency_s:6.1%}")
# Try: print(report.table()[0]), report.energy_j, report.area_mm2, report.html("report.html")

# %% 2. Is that plausible? Two bounds by hand, from data-sheet figures alone
moved = sum(op.compulsory_bytes * op.repeat for op in graph.ops)  # every weight is read once a token
by_memory = moved / chip.number("dram_bytes_per_s")
by_arithmetic = graph.macs / (chip.number("sm_count") * chip.number("tensor16_macs_per_cycle") * chip.number("clock_hz"))
print(f"2. at least {engineering(moved, 'B')} at {constant_text(chip.number('dram_bytes_per_s'), 'B/s')} take {engineering(by_memory, 's')}; "
      f"the arithmetic alone {engineering(by_arithmetic, 's')}")  # fmt: skip
print(f"   so one token is bound by memory, and the model says {report.latency_s / by_memory:.2f} times that bound: no kernel streams at peak")
# Try: the same for phase="prefill", prompt=2048. Which bound is the larger one now?

# %% 3. How sure? The ranges of the constants, and the error that validation found
low, high = report.interval["latency_s"]
found = report.accuracy["latency_s"]
print(f"3. the constants' ranges give {write_metric('latency_s', low)} .. {write_metric('latency_s', high)} (central 90 %)")
print(f"   {found['n']:.0f} published times on this chip are met within {found['mape']:.1%} on average, {found['worst']:.0%} at worst")
# Try: hwsim validate --target gpu

# %% 4. Why? Every constant has a meaning, a status and a source; some matter more than others
print("4. what 1 % more of a constant does to the latency:")
for constant in explain(chip, ["dram_bytes_per_s", "gemm_stream_serving", "tensor16_macs_per_cycle"])[0]:
    effect = moves(graph, chip, constant.name).metric["latency_s"]
    print(f"   {effect:+.2f} %  {constant.name} = {constant_text(constant.param.value, constant.param.unit)}: {constant.about}")
    print(f"            ({constant.param.status}: {constant.param.source[:100]})")
# Try: hwsim show a100 --trace llama3-8b --phase decode --context 2048

# %% 5. Memory bound or compute bound? A larger batch reads the weights once for more tokens
print("5. batch, time of a step, tokens and operations a second:")
for batch in (1, 8, 64, 256):
    step = hwsim.simulate(hwsim.load_graph("llama3-8b", phase="decode", context=512, batch=batch), chip, interval=False)
    print(f"   {batch:4} {write_metric('latency_s', step.latency_s):>9} {step.metric('tokens_per_s'):8,.0f} tokens/s {step.metric('tops'):6.1f} TOPS")
# Try: why does the step grow at all before the arithmetic is the bound? (report.breakdown(): attention)

# %% 6. The same graph elsewhere: energy ranks chips otherwise than time does
print("6. the same token elsewhere:")
for name in ("a100", "wse2", "et-soc-1", "vhk158"):
    other = hwsim.simulate(graph, hwsim.load_chip(name), interval=False)
    print(f"   {name:9} {write_metric('latency_s', other.latency_s):>9} {write_metric('energy_j', other.energy_j):>9}")
print("   read the assumptions before you rank: wse2 is charged its nameplate power, and vhk158 holds weights of 4 bits")
# Try: other.assumptions; hwsim compare mobilenet-v1-0.25-128 --chip all --scatter all.png

# %% 7. What it does not know or what does not fit, it refuses, and says what would help
try:
    hwsim.simulate(graph, hwsim.load_chip("gap8"))
except hwsim.HwsimError as refused:
    print(f"7. {refused}")
# Try: hwsim.load_chip("a1000")

# %% 8. A what-if is another constant; a sweep is a thousand of them, in a table
slower = hwsim.load_chip("a100", dram_bytes_per_s=chip.number("dram_bytes_per_s") / 2)
print(f"8. half the bandwidth: {hwsim.simulate(graph, slower, interval=False).latency_s / report.latency_s:.2f} times the time")
space = {
    "trace": {"name": "llama3-8b", "phase": "decode", "context": 2048}, "chips": ["a100"],
    "parameters": {"dram_bytes_per_s": {"linspace": ["0.5 TB/s", "4 TB/s", 1000]}}, "metrics": ["latency_s", "energy_j"],
}  # fmt: skip
with tempfile.TemporaryDirectory() as folder:
    made = hwsim.sweep(space, Path(folder) / "bandwidth")
    slowest, fastest = made.results.relation.aggregate("max(latency_s), min(latency_s)").fetchall()[0]
print(f"   {made.points} points: {write_metric('latency_s', slowest)} down to {write_metric('latency_s', fastest)}")
print(f"   eight times the bandwidth gives {slowest / fastest:.1f} times the speed: launches and fills of kernels stay")
answer = hwsim.inverse(space, "dram_bytes_per_s", "latency_s", at_most=10e-3)
print(f"   {answer.sentence.partition(';')[0]}")
# Try: hwsim.sensitivity(space, "latency_s", over="chip", method="tornado").sentence

# %% 9. One mechanism in isolation
measured = hwsim.primitive("tensor_fma", hwsim.load_chip("et-soc-1"), {"m": 16, "n": 16, "k": 16, "dtype": "fp32", "b_source": "tenb"})
print(f"9. a 16 x 16 x 16 tensor instruction of ET-SoC-1: {measured['cycles']:.0f} cycles, at least {16**3 / 8:.0f} at 8 MAC a cycle")
# Try: hwsim primitive --chip et-soc-1
