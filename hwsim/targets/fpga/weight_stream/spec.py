"""What a weight-streaming design file states, and the engine's own columns."""

from __future__ import annotations

from hwsim.core.parameters import Constant
from hwsim.targets.fpga.stated_counts import STATED

CODE = 60.0
HBM, DDR, ON_CHIP = 1.0, 2.0, 3.0
PLACES = {"hbm": HBM, "ddr": DDR, "on_chip": ON_CHIP}
FREE, LINEAR, ATTENTION, VECTOR, LOOKUP, HOST_LINEAR = range(6)
CONSTANTS = (
    Constant("weights_in", text=True, words=tuple(PLACES)),
    Constant("lm_head_on", text=True, words=("fabric", "processor")),
    Constant("cores", least=1),
    Constant("cards", least=1, whole=True),
    # memory
    Constant("stream_channels", zero=True),  # 0: all of the device
    Constant("stream_ports", zero=True),  # AXI ports in front of each DDR channel; 0: as many as the device has
    Constant("column_aligned", zero=True, most=1),
    Constant("transfer_bytes", zero=True),  # 0: whole rows
    Constant("stream_loss", zero=True, most=1),
    Constant("used_bytes_per_s", zero=True),  # 0: what the channels give
    Constant("path_bits_per_cycle", zero=True),  # of one core; 0: no limit
    Constant("added_memory_bytes", zero=True, priced=False),
    Constant("embedding_resident", zero=True, most=1, priced=False),
    # arithmetic
    Constant("macs_per_core", least=1),
    Constant("attention_macs_per_core", least=1),
    Constant("rows_per_pass", least=1),
    Constant("overlap", zero=True, most=1),
    Constant("fill_cycles_per_product", zero=True),
    Constant("heads_at_once", zero=True),  # 0: heads follow each other without a gap
    Constant("softmax_tail_cycles", zero=True),  # of a round of heads
    Constant("rope_tail_cycles", zero=True),
    Constant("vector_lanes", zero=True),  # 0: hidden behind the products
    # format
    Constant("stored_density", most=1),
    Constant("index_bits_per_weight", zero=True),
    Constant("cache_bits_least", zero=True),  # keys and values are stored in so many bits at least; 0: as the graph says
    Constant("lambda_keys", zero=True),
    # host and other cards
    Constant("lookup_s", zero=True),
    Constant("host_macs_per_s", zero=True),
    Constant("host_ops_per_s", zero=True),  # vector operations on the processor; 0: on the fabric
    Constant("exchange_s", zero=True),
    *STATED,
)
NUMBERS = ("boards", "ws_place", "ws_lambda", "ws_rate")  # ws_rate: bytes/s of all cores of a card, filled by `prepare_weight_stream`
FIELDS = ("ws_task", "ws_stored_bytes", "ws_vocabulary", "ws_rope", "ws_by_head")  # ws_by_head: each card keeps its heads' results
