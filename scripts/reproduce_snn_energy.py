"""Energy of spiking transformers as the literature counts it, what memory adds, and the firing rate at which spikes stop paying.

    python scripts/reproduce_snn_energy.py

Published: zhouchenlin2096/Spikingformer@4378623 (README and energy_consumption_logs; the rates are those logs'), 0.9 pJ an accumulate and 4.6 pJ a
multiply-accumulate (Horowitz, ISSCC 2014). Memory (mapping option ``energy_mode=honest``) has no published counterpart: SRAM sizes are assumed, and
`weight_uses_per_read` says how often a weight serves once it is read.
"""

from __future__ import annotations

import hwsim
from hwsim.claims import Claim, bound, of_cases

TIMESTEPS = (1, 2, 4, 8)
RATES = (0.05, 0.1, 0.2, 0.4)


def published() -> None:
    """Counts and joules beside the published ones."""
    report = hwsim.simulate(hwsim.load_graph("spikingformer-8-512"), hwsim.load_chip("snn-45nm"), interval=False)
    rows = (("parameters, millions", "params", 1e6, 29.68), ("accumulates, 1e9", "ac_ops", 1e9, 6.52),
            ("dense operations, 1e9", "dense_ops", 1e9, 33.04), ("multiply-accumulates, 1e9", "mac_ops", 1e9, 0.347),
            ("energy, mJ", "energy_j", 1e-3, 7.46))  # fmt: skip
    print(f"{'Spikingformer-8-512, four timesteps':38}{'model':>10}{'published':>11}")
    for label, metric, unit, value in rows:
        print(f"{label:38}{report.metric(metric) / unit:10.3f}{value:11.3f}")
    joules = hwsim.primitive("synaptic_energy", hwsim.load_chip("snn-45nm"), {"ac_ops": 3.88e9, "mac_ops": 260497384})["energy_j"]
    print(f"{'Spikingformer-8-384 from its counts, mJ':38}{joules * 1e3:10.3f}{4.69:11.3f}")


def memory() -> None:
    """What memory adds to the spiking network and to the same network in one dense pass, FP32 and 8 bits."""
    print(f"\n{'predictions, mJ':38}{'operations':>11}{'+ memory':>10}{'+ memory, a weight read serves 16':>35}")
    for label, options, execution in (("spiking, fp32", {}, "spiking"), ("dense, fp32", {}, "dense"), ("spiking, int8", {"dtype": "int8"}, "spiking"),
                                      ("dense, int8", {"dtype": "int8"}, "dense")):  # fmt: skip
        graph = hwsim.load_graph("spikingformer-8-512", **options)
        found = [hwsim.simulate(graph, hwsim.load_chip("snn-45nm", weight_uses_per_read=uses), {"execution": execution}, interval=False)
                 for uses in (1, 16)]  # fmt: skip
        once, often = (report.metric("energy_honest_j") for report in found)
        print(f"{label:38}{found[0].metric('energy_published_j') * 1e3:11.2f}{once * 1e3:10.2f}{often * 1e3:35.2f}")


def break_even() -> None:
    """Firing rates below which a spiking layer takes fewer joules than its dense counterpart."""
    chip = hwsim.load_chip("snn-45nm")
    print(f"\n{'break-even rate (above 1: spikes always pay)':46}" + "".join(f"{f'T = {t}':>9}" for t in TIMESTEPS))
    for mode in ("published", "honest"):
        for dtype in ("fp32", "int8"):
            found = [hwsim.primitive("break_even_rate", chip, {"timesteps": t, "dtype": dtype}, {"energy_mode": mode})["count"] for t in TIMESTEPS]
            print(f"{f'{mode}, {dtype}, fan-in and fan-out 512':46}" + "".join(f"{rate:9.3f}" for rate in found))


def event_core() -> None:
    """A spiking VGG-9 on an event-driven core (a design point, not a chip) over firing rates, against the same cores fed with dense values."""
    print(f"\n{'VGG-9, 32 x 32, T = 4 on event-core-45nm':46}{'latency':>10}{'energy':>10}")
    chip = hwsim.load_chip("event-core-45nm")
    rows = [(f"rate {rate:g}", {"rate": rate}, "spiking") for rate in RATES] + [("dense, one pass", {}, "dense")]
    for label, options, execution in rows:
        report = hwsim.simulate(hwsim.load_graph("spiking-vgg9", dtype="int8", **options), chip, {"execution": execution}, interval=False)
        print(f"{label:46}{report.latency_s * 1e3:7.2f} ms{report.energy_j * 1e3:7.2f} mJ")


def claims() -> list[Claim]:
    """Spikingformer by the literature's convention, and against its dense counterpart with memory counted."""
    convention = "0.9 pJ an accumulate, 4.6 pJ a multiply-accumulate, logged rates; no memory"
    found = of_cases("Spikingformer", {
        "spikingformer-8-512-published-energy": ("Spikingformer-8-512, T = 4", "J", convention),
        "spikingformer-8-384-energy": ("Spikingformer-8-384 from its counts", "J", convention),
    })  # fmt: skip
    graph, chip = hwsim.load_graph("spikingformer-8-512"), hwsim.load_chip("snn-45nm")
    spiking, dense = (hwsim.simulate(graph, chip, {"execution": e}, interval=False) for e in ("spiking", "dense"))
    for what, metric in (("published", "energy_published_j"), ("honest", "energy_honest_j")):
        ratio = dense.metric(metric) / spiking.metric(metric)
        words = "operations alone" if what == "published" else "memory counted: weights and potentials in SRAM, a weight read serves once"
        found.append(bound("Spikingformer", f"joules, dense over spiking: spikes pay ({words.split(':')[0]})", 1.0, ratio, "x", side="at least",
                           carries=words, source="the field's claim: less energy than the dense network"))  # fmt: skip
    return found


if __name__ == "__main__":
    published()
    memory()
    break_even()
    event_core()
