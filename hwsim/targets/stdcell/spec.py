"""What a chip file of this kind may state. A chip is a cell library (or a core built of one), so most constants belong to some chips only.

Primitives that need a constant which a chip does not state refuse with its name (`MissingParameter`).
"""

from __future__ import annotations

from typing import Any

from hwsim.core.parameters import Constant, ParameterTable, constants
from hwsim.targets.stdcell.layout_constants import LAYOUT

OPEN: dict[str, Any] = {"optional": True, "priced": False}
LIBRARY = (
    # characterised cells: a folder of models/ or a .csv beside the chip file; or a user's Liberty file beside it, and its unit inverter
    *constants("cells liberty unit_inverter", text=True, **OPEN),
    *constants("vdd_v cpp_m row_height_m", **OPEN),
    # cells that synthesis may not use: patterns with * and ?, separated by spaces
    Constant("dont_use", text=True, **OPEN),
    # recipe of synthesis: delay that ABC aims at (unbuffered, buffered), what drives and loads a buffered block (`hwsim.targets.stdcell.synthesis`)
    Constant("abc_delay_s", size=2, **OPEN),
    Constant("driving_cell", text=True, **OPEN),
    Constant("output_load_f", zero=True, **OPEN),
    # gates to cells without synthesis (`hwsim.targets.stdcell.gate_count`)
    *constants("mapped_cells_per_xor mapped_cells_per_mux mapped_area_factor", **OPEN),
)
FAMILY = (
    # geometry: the row height is tracks x track_m; extra columns per split-gate element, rows and columns of the folded flip-flop
    *constants("track_m tracks fins sides signal_tracks", **OPEN),
    Constant("split_gate_extra_cpp", zero=True, **OPEN),
    *constants("dff_width_cpp async_width_factor mux_width_cpp", **OPEN),
    *constants("sram_bitcell_bipolar_mm2 sram_bitcell_unipolar_mm2", **OPEN),
    Constant("metal_pitches_m", size=0, **OPEN),
    # device and middle-of-line (`hwsim.targets.stdcell.stage`)
    *constants("source_r_n_ohm source_r_p_ohm", zero=True, **OPEN),
    *constants("input_c_mol_f device_k_ohm device_vt_v device_alpha device_drive degeneration_ohm", **OPEN),
    *constants("gate_f_per_fin drain_f_per_fin delay_share", **OPEN),
    *constants("miller_inputs short_circuit_per_v2 beol_typical_f", zero=True, **OPEN),
    # ring oscillator of the F3D study
    *constants("short_net_vias f3d_vt_v f3d_drive", **OPEN),
    *constants("f3d_short_circuit_per_v2 f3d_access_f", zero=True, **OPEN),
)

BLOCK = (
    # a block: rises of a net per clock cycle, share of the clock that runs; the design that stands for the core of the chip's study, the core's gates
    # and longest path over its own
    Constant("activity", zero=True, most=1.0, **OPEN),
    Constant("clock_share", zero=True, most=1.0, **OPEN),
    Constant("study_core", text=True, **OPEN),
    *constants("study_core_size study_core_depth", **OPEN),
)

PARAMETERS = ParameterTable((*LIBRARY, *FAMILY, *LAYOUT, *BLOCK))
