"""FlightLLM (Zeng et al., arXiv 2401.03868) on U280 and VHK158 beside hwsim: where its time goes, what each choice is worth, and what the board says.

    python scripts/reproduce_flightllm.py        about half a minute

Three kinds of figures stand apart. *Replays* are the authors' own simulator run again (VHK158 never ran on hardware): to agree with them is to agree
with their model. *Board* figures were measured on U280: 55 token/s (which the core efficiency of the board timing is fitted to) and 45 W. The closed
forms and the six instruction queues are two computations of the same program; both are printed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hwsim
from hwsim.claims import Claim, of_cases
from hwsim.validate.cases import published
from hwsim.validate.run import Runner

REPLAY = {"design": "flightllm", "timing": "authors_simulator", "hbm_bandwidth_bytes_per_s": 819.2 * 1024**3}
GROUPS = {
    "flightllm_token": "replay", "flightllm_queue": "replay", "flightllm_prefill": "replay", "flightllm_instructions": "replay",
    "flightllm_e2e": "replay", "flightllm_resim": "replay", "flightllm_sensitivity": "replay", "flightllm_vs_gpu": "replay against a measured GPU",
    "flightllm_board": "board", "flightllm_resources": "board", "flightllm_energy_ratio": "board against a measured GPU",
    "instruction_storage": "paper",
}  # fmt: skip
STEPS = (
    ("as released", {}), ("dense Q and K", {"qk_density": 1.0}), ("3.5-bit weights", {"weight_bits": 3.5}), ("8-bit weights", {"weight_bits": 8.0}),
    ("no overlap of queues", {"overlap": False}),
)  # fmt: skip


def decode(context: int, chip: str, mapping: dict[str, Any], fidelity: str = "analytic") -> Any:
    """The report of one decoded token of LLaMA2-7B."""
    graph = hwsim.load_graph("llama2-7b", phase="decode", context=context, dtype="int8", weight_dtype="int4", kv_dtype="int8")
    return hwsim.simulate(graph, hwsim.load_chip(chip), mapping, interval=False, fidelity=fidelity)


def groups() -> None:
    """Mean and worst error of every group of published figures."""
    runner = Runner()
    print(f"{'group':26s}{'what it is':32s}{'n':>4s}{'mean |error|':>14s}{'worst':>9s}{'bias':>9s}")
    for group, kind in GROUPS.items():
        errors = []
        for file in published():
            errors += [runner.got(case, Path(file.path).parent) / case.value - 1 for case in file.cases if case.group == group]
        mean, worst = sum(map(abs, errors)) / len(errors), max(errors, key=abs)
        print(f"{group:26s}{kind:32s}{len(errors):4d}{mean:14.3%}{worst:9.2%}{sum(errors) / len(errors):9.2%}")


def staircase() -> None:
    """Milliseconds per token over the context: columns are padded to 512, so the time steps."""
    print("\nVHK158, replay: context, ms per token (closed forms), (queues), busy load and products, exposed")
    for context in (144, 512, 528, 1024, 1040, 1536, 2048):
        closed, queues = (decode(context, "vhk158", REPLAY, fidelity) for fidelity in ("analytic", "event"))
        parts = {name: 1e3 * cycles / 225e6 for name, cycles in closed.cost.by_component("cycles").items()}
        busy = "".join(f"{parts[name]:9.3f}" for name in ("load", "compute", "exposed"))
        print(f"{context:6d}{closed.latency_s * 1e3:10.4f}{queues.latency_s * 1e3:10.4f}{busy}")


def choices() -> None:
    """What each choice is worth at context 512."""
    print("\ntoken/s at context 512: VHK158 replay, U280 board timing")
    for name, mapping in STEPS:
        ours = decode(512, "vhk158", {**REPLAY, **mapping}), decode(512, "u280", {"design": "flightllm", **mapping})
        print(f"{name:24s}", *(f"{report.metric('tokens_per_s'):9.1f}" for report in ours))


def board() -> None:
    """The U280 board."""
    report = decode(512, "u280", {"design": "flightllm"})
    found = {name: report.metric(name) for name in ("tokens_per_s", "power_w", "tokens_per_j", "dsp", "lut", "bram", "uram")}
    known = {"tokens_per_s": 55, "power_w": 45, "tokens_per_j": 1.22, "dsp": 6345, "lut": 574e3, "bram": 1252, "uram": 792}
    print("\nU280 at context 512 (measured)")
    print("  ".join(f"{name} {value:.4g} ({known[name]:g})" for name, value in found.items()))


def claims() -> list[Claim]:
    """The headlines: the board, joules against V100S, time against A100."""
    board, gpu = "core efficiency fitted to the 55 token/s of the board", "our V100S; its 45 token/s and 220 W are calibrated"
    vllm = "the authors' simulator replayed (VHK158 never ran) against our A100"
    return of_cases("FlightLLM", {
        "u280-flightllm-decode-tokps": ("LLaMA2-7B decode on U280", "token/s", board),
        "u280-flightllm-tokpj": ("the same, tokens a joule", "token/J", "power of board calibrated at 45 W"),
        "u280-flightllm-v100s-tokpj": ("tokens a joule over V100S (6.0x headline)", "x", gpu),
        "u280-flightllm-llama2-7b-vs-v100s-hf-transformers-tokpj": ("tokens a joule over naive V100S, six lengths", "x", gpu),
        "u280-flightllm-llama2-7b-vs-v100s-vllm-smoothquant-tokpj": ("tokens a joule over optimised V100S, six lengths", "x", gpu),
        "vhk158-flightllm-e2e-128-512-vs-a100-vllm": ("VHK158 over A100 with vLLM, time of 128 + 512 (1.2x headline)", "x", vllm),
        "vhk158-flightllm-e2e-128-1024-vs-a100-vllm": ("the same, 128 + 1024", "x", vllm),
        "vhk158-flightllm-e2e-512-512-vs-a100-vllm": ("the same, 512 + 512", "x", vllm),
    })  # fmt: skip


if __name__ == "__main__":
    groups()
    staircase()
    choices()
    board()
