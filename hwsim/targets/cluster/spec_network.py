"""Constants of the network flows (tilers, convolution cost equations, Cortex-M stacks) that a chip file states beside those of `spec`."""

from __future__ import annotations

from hwsim.core.parameters import Constant

FLOW_NAMES = ("autotiler-2019", "autotiler-nntool", "dory", "x-cube-ai", "microtvm-cmsis-nn", "microtvm-native", "plumerai")
NETWORK_CONSTANTS: tuple[Constant, ...] = (
    Constant("default_flow", text=True, words=FLOW_NAMES),  # of networks, when the mapping names none
    Constant("network_l1_bytes"), Constant("network_l2_bytes"),  # buffers that a flow is given when the mapping states none
    Constant("l3_later_bytes_per_cycle"),  # L3 under the flows after 2019
    Constant("tile_control_cycles", zero=True),  # core 0 between two tiles: addresses, commands, waits
    Constant("autotiler_output_cycles", zero=True),  # of every output of AutoTiler's kernels: scaling, clipping, store, loops
    Constant("flash_cycles_per_byte", zero=True),  # weights of a microcontroller, read where they are stored
    Constant("dory_clock_hz", optional=True), Constant("dory_voltage_v", optional=True),  # where DORY's description of a part has it run
)  # fmt: skip
NETWORK_STRUCTURAL: frozenset[str] = frozenset({  # those that encoding reads
    "default_flow", "network_l1_bytes", "network_l2_bytes", "dory_clock_hz", "dory_voltage_v",
})
NETWORK_NUMBERS: tuple[str, ...] = ("l3_later",)
