"""A first hour with hwsim, in cells (``# %%``) that an editor or a notebook runs one by one: python scripts/teach_first_hour.py

Each cell prints what it is about; nothing but the shipped chips and traces is needed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

# %% One graph on one chip: where does the time go?
import hwsim
from hwsim.core.units import write_metric

graph = hwsim.load_graph("llama3-8b", phase="decode", context=2048)
chip = hwsim.load_chip("a100")
report = hwsim.simulate(graph, chip)
print(f"{graph.name}: {graph.macs / 1e9:.2f} GMAC a token on {chip.name}: {write_metric('latency_s', report.latency_s)}")
for part, seconds in sorted(report.breakdown()["latency_s"].items(), key=lambda item: -item[1])[:4]:
    print(f"  {part:12} {seconds / report.latency_s:6.1%}")

# %% How sure? The ranges of the constants, and the error that validation found
low, high = report.interval["latency_s"]
print(f"90 % of the constants' draws fall in {write_metric('latency_s', low)} .. {write_metric('latency_s', high)}")
print(f"validation of latency on this chip: {dict(report.accuracy.get('latency_s', {}))}")

# %% Why? Every constant behind the figure, with its source
for constant in report.sources()[:3]:
    print(f"  {constant['name']} = {constant['value']} {constant['unit']} ({constant['status']}: {constant['source'][:60]})")

# %% Memory bound or compute bound? Batch moves a decode step from one to the other
for batch in (1, 8, 64, 256):
    step = hwsim.simulate(hwsim.load_graph("llama3-8b", phase="decode", context=512, batch=batch), chip, interval=False)
    print(f"  batch {batch:3}: {write_metric('latency_s', step.latency_s):>9} a step, {step.metric('tokens_per_s'):8.0f} tokens/s, "
          f"{step.metric('tops'):6.1f} TOPS")  # fmt: skip

# %% The same graph elsewhere: energy is another ranking than time
for name in ("wse2", "et-soc-1", "vhk158"):
    other = hwsim.simulate(graph, hwsim.load_chip(name), interval=False)
    print(f"  {name:9} {write_metric('latency_s', other.latency_s):>9} {write_metric('energy_j', other.energy_j):>9}")

# %% What it does not know, it refuses
try:
    hwsim.simulate(graph, hwsim.load_chip("gap8"))
except hwsim.HwsimError as refused:
    print(f"  {refused}")

# %% A what-if is another constant: half the memory bandwidth
slower = hwsim.load_chip("a100", dram_bytes_per_s=chip.number("dram_bytes_per_s") / 2)
print(f"  half the bandwidth: {hwsim.simulate(graph, slower, interval=False).latency_s / report.latency_s:.2f} x the time")

# %% A sweep of a thousand of them, in a table
space = {
    "trace": {"name": "llama3-8b", "phase": "decode", "context": 2048}, "chips": ["a100"],
    "parameters": {"dram_bytes_per_s": {"linspace": ["0.5 TB/s", "4 TB/s", 1000]}}, "metrics": ["latency_s", "energy_j"],
}  # fmt: skip
with tempfile.TemporaryDirectory() as folder:
    made = hwsim.sweep(space, Path(folder) / "bandwidth")
    slowest, fastest = made.results.relation.aggregate("max(latency_s), min(latency_s)").fetchall()[0]
print(f"  {made.points} points: {write_metric('latency_s', slowest)} down to {write_metric('latency_s', fastest)}")

# %% One mechanism in isolation
measured = hwsim.primitive("tensor_fma", hwsim.load_chip("et-soc-1"), {"m": 16, "n": 16, "k": 16, "dtype": "fp32", "b_source": "tenb"})
print(f"  a 16 x 16 x 16 tensor instruction of ET-SoC-1: {measured['cycles']:.0f} cycles")
