"""Claims of the literature that are not recomputed, and why."""

from __future__ import annotations

from hwsim.claims import Missing

MISSING = (
    Missing("FFET block", "-23.3 % core area, 12 to 5 layers, dual-sided signals",
            "too slow for the gallery, `scripts/reproduce_ffet_block.py --smallest` has the core: the 32-bit core comes out at 0.854 x "
            "(published 0.767: did not hold there); the gallery has cells, clock and power at one utilisation"),
    Missing("Two-point cells", "up to 1250x less per forward pass", "a ratio of event counts, which depend on data; joules per event and "
            "of the events avoided are shown as taken over"),
    Missing("Edge-MoE", "energy-efficiency ratios to a GPU and a CPU", "the peers' watts and software are not at hand; the FPGA's joules are there"),
    Missing("CBNet", "up to 4.8x latency, -79 % energy on a cloud CPU", "which processor is not stated; K80 and Raspberry Pi 4 are recomputed"),
    Missing("Cluster heads (WSN)", "longer network lifetime", "energy of radios and of a protocol: no operator graph"),
    Missing("Energy-aware code generation", "energy equal or lower in 52 % of the problems", "energy of arbitrary Python programs"),
    Missing("Generative Energy Arena", "users prefer smaller models", "a study of people"),
    Missing("RL + ant colony scheduling", "-18.4 % response time, -9.3 % energy", "a scheduler on a synthetic cloud"),
    Missing("COMODO", "IMU in place of a video encoder", "no figure of compute in the abstract; both encoders' sizes are known from memory "
            "only, and a ratio of two remembered figures would be no claim of the paper"),
    Missing("Event-based optical flow", "31.8 % fewer parameters than LSTM", "follows from which layers of the U-Net carry the state, and their "
            "widths: not at hand; no energy figure"),
    Missing("Neural Brain", "position paper", "no figure"),
    Missing("HLOP-SNN", "continual learning", "no figure of compute or energy"),
    Missing("Single-atom catalysts", "review", "chemistry"),
    Missing("Blimp SNN-PID", "160 spiking neurons in two controllers", "no published energy or time, and the sizes of its layers are not at hand: "
            "were all 160 joined to all, a step would be 25,600 accumulates, 23 nJ by the convention"),
    Missing("NALSM", "accuracy of a liquid with astrocytes", "no figure of compute or energy to compare a count of operations with"),
    Missing("Sensing-to-Action", "position paper", "no figure"),
    Missing("pyhgf", "software", "no figure"),
    Missing("Smart-grid security", "survey", "no figure"),
    Missing("GPT4Battery", "accuracy", "no figure of compute or energy"),
    Missing("SELFIES", "strings of molecules", "chemistry"),
    Missing("Spikformer V2", "80.38 % at T = 4", "accuracy; widths of its stem and rows of energy are not at hand (what its 172 M parameters imply "
            "is recomputed)"),
    Missing("Microgrid control", "less energy cost", "optimisation of a power system"),
    Missing("GPR saddle search", "10x fewer electronic-structure calls", "calls of an oracle"),
    Missing("Laser weeding", "-32.3 % energy cost", "energy of a laser through the precision of detection"),
    Missing("GOLF", "50x less data", "calls of an oracle"),
)
