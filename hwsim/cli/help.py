"""One line about each command, and commands to try: what ``hwsim --help`` and ``hwsim COMMAND --help`` say beside the options."""

from __future__ import annotations

ABOUT = {
    "run": "Simulate an operator graph on a chip.",
    "compare": "Simulate one operator graph on several chips.",
    "op": "Simulate one operator in isolation.",
    "primitive": "Run one mechanism of a chip in isolation.",
    "block": "Gate netlist to area, clock and power.",
    "sweep": "Evaluate every point of a design space.",
    "search": "Search a design space for what nothing beats.",
    "pareto": "Show the designs that nothing beats.",
    "sensitivity": "Tell what to change first.",
    "inverse": "Find the value that meets a target.",
    "serve": "Serve a stream of requests.",
    "plot": "Draw a picture or write an HTML page.",
    "validate": "Run published cases, print the errors.",
    "chips": "List the chips and designs.",
    "traces": "List the operator graphs.",
    "show": "Show a chip, a trace, or explain a constant.",
    "export": "Write a graph for another tool.",
}
FIRST = (
    "hwsim chips", "hwsim traces", "hwsim run llama3-8b --chip wse2 --phase decode --context 4096", "hwsim run resnet50 --chip a100 --batch 8",
    "hwsim show wse2 clock_hz",
)  # fmt: skip
SPACE = (
    "", "with a space.yaml such as", "  trace: {name: llama3-8b, phase: decode, context: 2048}", "  chips: [a100]",
    "  parameters:", "    dram_bytes_per_s: {linspace: [1 TB/s, 4 TB/s, 100]}", "    sm_count: {list: [54, 108, 216]}",
    "  metrics: [latency_s, energy_j]",
)  # fmt: skip
EXAMPLES: dict[str, tuple[str, ...]] = {
    "run": (
        "hwsim run llama3-8b --chip wse2 --phase decode --context 4096 --map grid=420x420",
        "hwsim run resnet50 --chip a100 --batch 8 --set clock_hz='1 GHz' --sources",
        "hwsim run mobilenet-v1-0.25-128 --chip gap8 --html report.html",
        "hwsim run llama3-8b --chip wse2 --phase decode --fidelity event --timeline t.json",
    ),
    "compare": (
        "hwsim compare llama3-8b --chip wse2 --chip a100 --phase decode --context 4096",
        "hwsim compare resnet50 --chip a100 --chip zcu102 --map zcu102:design=dpu_b4096",
        "hwsim compare mobilenet-v1-0.25-128 --chip all --scatter all.png",
    ),
    "op": (
        "hwsim op matmul --chip wse2 --arg m=1 --arg k=4096 --arg n=4096",
        "hwsim op matmul --chip a100 --arg m=4096 --arg k=4096 --arg n=4096 --json -",
    ),
    "primitive": ("hwsim primitive --chip wse3", "hwsim primitive multicast_arrival --chip wse3 --arg hops=15"),
    "block": (
        "hwsim block picorv32 --chip ffet-3p5t --map utilisation=0.75 --map front_pin_fraction=0.5",
        "hwsim block rv32i_single --chip cfet-4t --picture placement.png",
    ),
    "sweep": ("hwsim sweep space.yaml --out results", "hwsim plot results --kind pareto -o pareto.png", *SPACE),
    "search": ("hwsim search space.yaml --out found --objective latency_s --objective energy_j",),
    "pareto": ("hwsim pareto results --objective latency_s --objective energy_j",),
    "sensitivity": ("hwsim sensitivity space.yaml --metric latency_s", "hwsim sensitivity space.yaml --metric energy_j --over chip --out why"),
    "inverse": ("hwsim inverse space.yaml --parameter dram_bytes_per_s --metric latency_s --at-most '5 ms'",),
    "serve": ("hwsim serve llama3-8b --chip a100 --rate 6 --prompt 500 --generate 100 --count 500",),
    "plot": (
        "hwsim run llama3-8b --chip wse2 --phase decode --json r.json", "hwsim plot r.json --kind breakdown -o breakdown.png",
        "hwsim plot r.json -o report.html",
    ),
    "validate": ("hwsim validate --target gpu", "hwsim validate --cases mine.yaml --json scores.json"),
    "chips": ("hwsim chips --json -",),
    "traces": ("hwsim traces",),
    "show": (
        "hwsim show wse2", "hwsim show wse2 'hop*'", "hwsim show hop_cycles", "hwsim show flightllm",
        "hwsim show wse2 clock_hz --trace llama3-8b --phase decode --context 4096",
        "hwsim show llama3-8b --phase prefill --prompt 2048",
    ),
    "export": ("hwsim export resnet50 --format scalesim -o resnet50.csv",),
}  # fmt: skip


def examples(lines: tuple[str, ...]) -> str:
    """Return an epilog that keeps its lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
