"""Language models on the ET-SoC-1 (Shah and Jayaratnam, arXiv 2411.05966) beside hwsim: tokens/s, watts, tokens/s/W, and where the time goes.

    python scripts/reproduce_etsoc_protein_lm.py        about three seconds

The paper states 10 tokens/s, 25 W and 0.40 tokens/s/W for Phi-3-mini in 16 bits, rounded, and neither the sequence length (proteins of 150 to 470
residues) nor what the 25 W hold: `power_scope=as_published` is calibrated on them, so only its tokens/s and the other models are predictions. The
board as measured by others (31.8 W idle at 73 C) draws more; it is printed beside. Llama-3.2-1B in Q8_0, one kernel launch per operator, is the
public board test's.
"""

from __future__ import annotations

from typing import Any

import hwsim
from hwsim.claims import Claim, of_cases
from hwsim.validate.cases import published

CASES = {case.id: case for file in published() for case in file.cases if case.chip == "et-soc-1"}
PAPER = {"phi-3-mini": {"tokens_per_s": "et-phi3-mini-tps", "power_w": "et-phi3-mini-power", "tokens_per_j": "et-phi3-mini-tpsw"}}
BOARD = ("et-llama32-1b-decode", "et-llama32-1b-prefill", "et-llama32-1b-ppl128")
METRICS = ("tokens_per_s", "power_w", "tokens_per_j")
CONTEXTS = (150, 256, 470)


def decode(trace: str, context: int, scope: str) -> Any:
    """The report of one decoded token."""
    graph = hwsim.load_graph(trace, phase="decode", context=context, dtype="fp16")
    return hwsim.simulate(graph, hwsim.load_chip("et-soc-1"), {"runtime": "compiled_graph", "power_scope": scope}, interval=False)


def compiled() -> None:
    """One program for the whole network: a stream of weights."""
    print(f"{'decode, 16 bits, one program':42s}", *(f"{m:>22s}" for m in METRICS))
    for trace in ("phi-3-mini", "llama3-8b"):
        for scope in ("as_published", "board"):
            for context in CONTEXTS:
                report, cells = decode(trace, context, scope), []
                for metric in METRICS:
                    case = CASES.get(PAPER.get(trace, {}).get(metric, ""))
                    known = f" [{case.value:g}]" if case and case.workload["context"] == context and scope == "as_published" else ""
                    cells.append(f"{report.metric(metric):12.3f}{known:>10s}")
                print(f"{trace:12s} context {context:<4d} {scope:16s}", *cells)


def spent(trace: str) -> None:
    """Where the time and the energy of a token go."""
    found = decode(trace, 256, "board").breakdown()
    for key in ("latency_by_mechanism_s", "energy_by_rail_j"):
        whole = sum(found[key].values())
        print(f"{trace}, {key}:", ", ".join(f"{name} {value / whole:.1%}" for name, value in sorted(found[key].items(), key=lambda i: -i[1])))


def launched() -> None:
    """One queued launch per operator, as the public board test runs it."""
    print("\none launch per operator, tokens/s (measured beside)")
    for name in BOARD:
        case = CASES[name]
        request = {k: v for k, v in case.workload.items() if k != "trace"}
        graph = hwsim.load_graph(case.workload["trace"], **request)
        ours = hwsim.simulate(graph, hwsim.load_chip("et-soc-1"), case.mapping, interval=False).metric("tokens_per_s")
        print(f"  {case.workload['trace']} {case.workload['phase']:8s} {ours:8.2f} [{case.value:.2f}]  {ours / case.value - 1:+.1%}  ({case.role})")


def claims() -> list[Claim]:
    """Phi-3-mini on the ET-SoC-1, and what its training costs beside LLaMA-3-8B's."""
    found = of_cases("Protein LMs", {
        "et-phi3-mini-tps": ("Phi-3-mini decode on ET-SoC-1", "token/s", "one program for the network; sequence of 256 (not stated)"),
        "et-phi3-mini-power": ("the same, watts", "W", "what the 25 W hold is not stated: calibrated"),
        "et-phi3-mini-tpsw": ("the same, tokens a joule", "token/J", "the calibrated watts"),
    })  # fmt: skip
    phi, llama = (_training_s(name) for name in ("phi-3-mini", "llama3-8b"))
    found.append(Claim("Protein LMs", "LoRA step of Phi-3-mini over LLaMA-3-8B, time on A100 (30 % less)", 0.70, phi / llama, "x",
                       "forward and backward through activations, equal steps and sequences", "abstract", 0.15))  # fmt: skip
    return found


def _training_s(trace: str) -> float:
    """Seconds of a LoRA step over 512 tokens: a forward pass and gradients of activations, each as many products (weights are frozen)."""
    graph = hwsim.load_graph(trace, phase="prefill", prompt=512, dtype="bf16", logits="all")
    return 2 * hwsim.simulate(graph, hwsim.load_chip("a100"), interval=False).latency_s


if __name__ == "__main__":
    print("paper's figures in brackets")
    compiled()
    spent("phi-3-mini")
    launched()
