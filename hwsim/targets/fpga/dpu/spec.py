"""What a DPU design file states, and the engine's own columns."""

from __future__ import annotations

from hwsim.core.parameters import Constant

CODE = 20.0
MOST_CORES = 4  # of one IP block (PG338)

RESOURCE_CONSTANTS = (
    Constant("dpu_dsp_macs", least=1, priced=False),
    Constant("dpu_dsp_per_lane_high", zero=True, priced=False),
    Constant("dpu_dsp_per_lane_low", zero=True, priced=False),
    Constant("dpu_dsp_fixed_high", zero=True, priced=False),
    Constant("dpu_dsp_fixed_low", zero=True, priced=False),
    Constant("dpu_lut_fixed", zero=True, priced=False),
    Constant("dpu_lut_per_lane", zero=True, priced=False),
    Constant("dpu_lut_per_mac", zero=True, priced=False),
    Constant("dpu_lut_per_lane_low", zero=True, priced=False),
    Constant("dpu_ff_fixed", zero=True, priced=False),
    Constant("dpu_ff_per_lane", zero=True, priced=False),
    Constant("dpu_ff_per_mac", zero=True, priced=False),
    Constant("dpu_bram_fixed", zero=True, priced=False),
    Constant("dpu_uram_image_banks", zero=True, priced=False),
    Constant("softmax_dsp", zero=True, priced=False),
    Constant("softmax_lut", zero=True, priced=False),
    Constant("softmax_ff", zero=True, priced=False),
    Constant("softmax_bram", zero=True, priced=False),
)
CONSTANTS = (
    Constant("cores", least=1),
    # parallelism of a core: pixels (rows of the map) x input channels x output channels; rows of the miscellaneous engine
    Constant("dpu_pp", least=1, whole=True),
    Constant("dpu_icp", least=1, whole=True),
    Constant("dpu_ocp", least=1, whole=True),
    Constant("dpu_misc_pp", least=1, whole=True),
    Constant("dpu_channel_augmentation", zero=True, most=1),
    Constant("dpu_bank_depth", least=1, priced=False),
    Constant("dpu_image_banks_per_pixel", least=1, priced=False),
    # memory
    Constant("dpu_ddr_channels", least=1),
    Constant("dpu_ports", least=1),
    Constant("dpu_port_bits", least=8),
    Constant("dpu_port_efficiency", most=1),
    Constant("dpu_layer_cycles", zero=True),
    # softmax core and processor
    Constant("softmax_cores", zero=True, whole=True),
    Constant("softmax_scores_per_cycle"),
    Constant("host_frame_s", zero=True),
    Constant("host_pixel_s", zero=True),
    Constant("host_score_s", zero=True),
    Constant("host_scan_s", zero=True),
    Constant("host_box_score_s", zero=True),
    Constant("host_element_s", zero=True),
    Constant("host_processors", least=1),
    # power, switching
    Constant("dpu_mac_energy_factor", priced=False),
    Constant("dpu_active_j_per_slot", zero=True, priced=False),
    Constant("bitstream_load_s", zero=True),
    Constant("sensor_camera_w", zero=True, priced=False),
    Constant("sensor_radar_w", zero=True, priced=False),
    Constant("sensor_lidar_w", zero=True, priced=False),
    *RESOURCE_CONSTANTS,
)
NUMBERS = ("dpu_ddr_load",)  # share of the DDR that the other cores take
FIELDS = (
    "dpu_part", "images", "map_h", "map_w", "operands", "passes",  # passes: instructions groups that follow each other
    "ddr_read", "ddr_write",  # bytes of one execution
    "host_frames", "host_pixels", "host_scores", "host_scans", "host_box_scores", "host_elements",  # what the processor does
    "switch_read", "switch_bitstreams",  # bytes of weights loaded ahead, bitstreams loaded, per execution
    "beside",  # on another core at the same time
)  # fmt: skip
