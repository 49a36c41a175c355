"""L-Mul (arXiv 2410.00907): energy saved by an integer addition in place of a product, the error that it makes, and what whole machines would save.

    python scripts/reproduce_lmul.py

Energies of Horowitz, ISSCC 2014, 45 nm (chip `generic-45nm`): operations alone, no operand movement. Published: 95 % saved element-wise, 80 % in dot
products. The last table has no published counterpart: networks on machines that are otherwise as they are (mapping option ``multiplier``), joules
of memory, issue and waiting included. "At most": a product's joules hold more than multiplier and adder there (operand movement, wires, fabric).
"""

from __future__ import annotations

import numpy as np

import hwsim
from hwsim.claims import Claim, of_cases
from hwsim.tech.arithmetic import lmul

SAVINGS = (("element-wise fp16", "elementwise", "fp16", "95 %"), ("element-wise fp32", "elementwise", "fp32", ""),
           ("dot product fp32, fp32 sums", "dot_product", "fp32", "80 %"), ("dot product fp16, fp32 sums", "dot_product", "fp16", ""),
           ("dot product fp16, fp16 sums", "dot_product", "fp16", ""))  # fmt: skip
DECODE = {"phase": "decode", "context": 1024}
PREFILL = {"phase": "prefill", "prompt": 1024}
IMAGES = {"batch": 64, "dtype": "fp16"}
MACHINES = (  # network, its options, chip, mapping, component of the products, how sure
    ("llama2-7b", DECODE, "a100", {}, "arithmetic", "at most"),
    ("llama2-7b", PREFILL, "a100", {}, "arithmetic", "at most"),
    ("resnet50", IMAGES, "a100", {}, "arithmetic", "at most"),
    ("llama2-7b", DECODE, "et-soc-1", {}, "tensor_j", "at most"),
    ("llama2-7b", PREFILL, "et-soc-1", {}, "tensor_j", "at most"),
    ("resnet50", {"dtype": "fp16"}, "et-soc-1", {}, "tensor_j", "at most"),
    ("llama3-8b", DECODE, "wse2", {"grid": (420, 420), "energy_mode": "activity"}, "mac", "about"),
    ("llama3-8b", PREFILL, "wse2", {"grid": (600, 600), "energy_mode": "activity"}, "mac", "about"),
    ("gpt2-345m", DECODE, "u280+dfx", {}, "mac_energy", "at most"),
)  # fmt: skip


def machines() -> None:
    """Print what networks would save: predictions."""
    print("\npredictions: networks on machines with such multipliers, times unchanged")
    print(f"{'':28}{'chip':12}{'standard':>11}{'products':>10}{'saved':>17}")
    for network, options, name, mapping, component, sure in MACHINES:
        graph, chip = hwsim.load_graph(network, **options), hwsim.load_chip(name)
        whole, less = (hwsim.simulate(graph, chip, mapping={**mapping, "multiplier": m}, interval=False) for m in ("standard", "lmul"))
        share, saved = whole.cost.by_component("joules")[component] / whole.energy_j, 1 - less.energy_j / whole.energy_j
        label = f"{network} {options.get('phase', 'batch ' + str(options.get('batch', 1)))}"
        print(f"{label:28}{name:12}{whole.energy_j:9.4f} J{share:10.1%}{sure + f' {saved:.2%}':>17}")


def main() -> None:
    """Print all tables."""
    table = hwsim.load_chip("generic-45nm")
    print(f"{'':30}{'product':>12}{'L-Mul':>12}{'saved':>9}{'published':>11}")
    for name, form, dtype, published in SAVINGS:
        asked = {"form": form, "dtype": dtype, "accumulate": "fp16" if "fp16 sums" in name else "fp32"}
        whole, less = (hwsim.primitive("multiply_energy", table, asked, {"multiplier": m})["energy_j"] for m in ("standard", "lmul"))
        print(f"{name:30}{whole * 1e12:9.2f} pJ{less * 1e12:9.2f} pJ{1 - less / whole:9.1%}{published:>11}")
    eight = hwsim.primitive("multiply_energy", table, {"form": "dot_product", "dtype": "int8"})["energy_j"]
    print(f"an int8 multiply-accumulate takes {eight * 1e12:.2f} pJ: less than L-Mul in 8 bits with fp16 sums (0.43 pJ)\n")
    x, y = np.random.default_rng(1).standard_normal((2, 100_000))
    print("error of a product of two normal numbers, relative")
    for bits in (2, 3, 4, 6, 10):
        error = lmul(x, y, bits) / (x * y) - 1
        print(f"  mantissa of {bits:2} bits: mean {error.mean():+7.2%}, mean absolute {np.abs(error).mean():6.2%}")
    machines()


def claims() -> list[Claim]:
    """95 % and 80 %."""
    carries = "operations alone, in 45 nm: no operand moves"
    return of_cases("L-Mul", {
        "lmul-elementwise-fp16": ("element-wise product, L-Mul over fp16 (-95 %)", "x", carries),
        "lmul-dot-fp32": ("dot product, L-Mul over fp32 (-80 %)", "x", carries + "; sums stay fp32"),
    }) + _whole_machine()  # fmt: skip


def _whole_machine() -> list[Claim]:
    """The same on a machine that moves operands."""
    network, options, name, mapping, _, _ = MACHINES[0]
    graph, chip = hwsim.load_graph(network, **options), hwsim.load_chip(name)
    whole, less = (hwsim.simulate(graph, chip, mapping={**mapping, "multiplier": m}, interval=False).energy_j for m in ("standard", "lmul"))
    return [Claim("L-Mul", f"{network} decode on {name}: joules of all, with over without", 0.2, less / whole, "x",
                  "joules are of memory, not of products: a claim about arithmetic", "abstract, read as a machine's saving", 0.15)]  # fmt: skip


if __name__ == "__main__":
    main()
