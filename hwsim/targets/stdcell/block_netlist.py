"""The mapped netlist that a block primitive works on: a given one, one that travels with the package, or RTL synthesised onto the chip's cells.

Chips of one family share one netlist, mapped on the library that their cells come from, so that they are compared on the same gates. Flip-flops whose
set and reset are tied inactive become plain ones where the library has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.resources import shipped
from hwsim.readers.blocks import CORES, FOLDER, block_file
from hwsim.readers.chip_file import load_chip
from hwsim.readers.netlist import read_block
from hwsim.targets.stdcell.cells import DEVICE, load_library
from hwsim.targets.stdcell.primitives_synthesis import netlist_of_rtl
from hwsim.targets.stdcell.views import PLAIN_FLOP
from hwsim.tech.cell_library import FLIP_FLOP, Library
from hwsim.tech.netlist import Netlist

ARGUMENTS: Mapping[str, Any] = {"netlist": None, "rtl": None, "top": None}


def block_netlist(chip: Chip, arguments: Mapping[str, Any], *, buffered: bool = False) -> Netlist:
    """The netlist of the arguments `netlist`, or `rtl` and `top`, on the cells of `chip`. Raises `InvalidTrace`, `HwsimError`."""
    given, rtl = arguments["netlist"], arguments["rtl"]
    if (given is None) == (rtl is None):
        raise InvalidTrace("give a mapped netlist (netlist) or RTL (rtl, top), one of them")
    top = None if arguments["top"] is None else str(arguments["top"])
    if given is not None:
        return _mapped(chip, str(block_file(str(given)).resolve()), top)
    files = (rtl,) if isinstance(rtl, str) else tuple(str(name) for name in rtl) if isinstance(rtl, list | tuple) else ()
    if not files:
        raise InvalidTrace(f"rtl is a file, a list of files or a core, got {rtl!r}")
    return _synthesised(chip, files, top, buffered)


@lru_cache(maxsize=16)
def _mapped(chip: Chip, path: str, top: str | None) -> Netlist:
    library = load_library(chip)
    return plain_flops(read_block(path, library.pin_roles, top), library)


@lru_cache(maxsize=16)
def _synthesised(chip: Chip, files: tuple[str, ...], top: str | None, buffered: bool) -> Netlist:
    owner = base_chip(chip)
    kept = kept_netlist(owner, files[0], buffered) if len(files) == 1 else None
    if kept is not None:
        return _mapped(chip, str(kept), top)
    rtl: str | list[str] = files[0] if len(files) == 1 else list(files)
    made = netlist_of_rtl(owner, {"rtl": rtl, "top": top, "buffered": buffered, "abc_delay_ps": None})
    return plain_flops(made, load_library(chip))


def base_chip(chip: Chip) -> Chip:
    """The chip whose library a block is synthesised onto: the one that a family's cells come from, or the chip itself."""
    return load_chip(chip.text("cells")) if DEVICE in chip.params else chip


def kept_netlist(chip: Chip, rtl: str, buffered: bool) -> Path | None:
    """The netlist of `rtl` on the library of `chip` that travels with the package, if there is one."""
    if rtl in CORES:
        return None
    source, folder = block_file(rtl), shipped("models") / FOLDER
    own = folder / source.name
    if not own.is_file() or own.read_bytes() != source.read_bytes():
        return None
    library = load_library(chip).name.replace("-", "_")
    found = sorted(folder.glob(f"{source.stem}_{library}*{'_buffered' if buffered else ''}.json.gz"))
    found = [path for path in found if path.name.endswith("_buffered.json.gz") == buffered]
    return Path(str(found[0])) if found else None


def plain_flops(netlist: Netlist, library: Library) -> Netlist:
    """Swap flip-flops whose controls are all tied inactive for plain ones of the same drive, if the library has them."""
    plain = {c.name: {p.name for p in c.pins} for c in library.cells if c.kind == FLIP_FLOP and c.name.startswith(PLAIN_FLOP)}
    wanted: dict[int, str] = {}
    for i, name in enumerate(netlist.types):
        cell = library.cell(name)
        if cell.kind != FLIP_FLOP or cell.state is None or not (cell.state.clear and cell.state.preset):
            continue
        own = [c for c, pins in plain.items() if c.split("_")[-1] == name.split("_")[-1] and pins < {p.name for p in cell.pins}]
        if own:
            wanted[i] = own[0]
    if not wanted:
        return netlist
    controls = {p for i, to in wanted.items() for p in {q.name for q in library.cell(netlist.types[i]).pins} - plain[to]}
    is_control = np.array([name in controls for name in netlist.pin_names], dtype=np.bool_)
    driven = np.zeros(netlist.cells, np.bool_)
    on_net = (netlist.pin_cell >= 0) & is_control[np.where(netlist.pin_cell >= 0, netlist.pin_name, 0)]
    driven[netlist.pin_cell[on_net]] = True
    active_low = (netlist.tied_value == 1) & is_control[netlist.tied_pin]  # a control at 1 is inactive: all are active low
    tied = np.bincount(netlist.tied_cell[active_low], minlength=netlist.cells)
    swapped = np.isin(netlist.cell_type, list(wanted)) & ~driven & (tied == 2)
    names = np.array(netlist.types, dtype=object)[netlist.cell_type]
    for i, to in wanted.items():
        names[swapped & (netlist.cell_type == i)] = to
    keep = ~(swapped[netlist.tied_cell] & is_control[netlist.tied_pin])
    ties = {"tied_cell": netlist.tied_cell[keep], "tied_pin": netlist.tied_pin[keep], "tied_value": netlist.tied_value[keep]}
    return replace(netlist.with_cell_types(list(names)), **ties)
