"""Compare our static timing with OpenSTA on a mapped netlist, where its command ``sta`` is installed (Debian: opensta).

Both read the same library: ours, written as Liberty. Wires none, ideal clock.

    python scripts/referee_sta.py --chip asap7 stdcell_rv32i_single_asap7_buffered.json.gz
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import hwsim
from hwsim.readers.blocks import block_file
from hwsim.readers.liberty_write import write_liberty
from hwsim.readers.netlist_json import read_netlist
from hwsim.targets.stdcell.cells import load_library
from hwsim.targets.stdcell.levels import timing_graph
from hwsim.targets.stdcell.sta import time_block
from hwsim.tech.netlist import PORT, Netlist

SCRIPT = """read_liberty cells.lib
read_verilog block.v
link_design {top}
create_clock -name clk -period 100000 [get_ports {clock}]
report_checks -path_delay max -from [all_registers -clock_pins] -to [all_registers -data_pins] -digits 6
"""


def verilog(netlist: Netlist) -> str:
    """A flat Verilog netlist of scalar ports."""
    ports = [f"p{i}" for i in range(len(netlist.ports))]
    net_name = [f"n{i}" for i in range(netlist.nets)]
    lines = [f"module top ({', '.join(ports)});"]
    lines += [f"  {port.direction} p{i};" for i, port in enumerate(netlist.ports)]
    lines += [f"  wire {name};" for name in net_name]
    for i, port in enumerate(netlist.ports):
        if port.net >= 0:
            lines.append(f"  assign n{port.net} = p{i};" if port.direction == "input" else f"  assign p{i} = n{port.net};")
    pins: list[list[str]] = [[] for _ in range(netlist.cells)]
    for p in range(netlist.pins):
        if netlist.pin_cell[p] != PORT:
            pins[netlist.pin_cell[p]].append(f".{netlist.label(p)}({net_name[netlist.pin_net[p]]})")
    for cell, pin, value in zip(netlist.tied_cell, netlist.tied_pin, netlist.tied_value, strict=True):
        pins[cell].append(f".{netlist.pin_names[pin]}(1'b{value})")
    lines += [f"  {netlist.types[netlist.cell_type[c]]} u{c} ({', '.join(pins[c])});" for c in range(netlist.cells)]
    return "\n".join([*lines, "endmodule", ""])


def main() -> None:
    """Run both and print the periods."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chip", required=True)
    parser.add_argument("netlist", nargs="+")
    asked = parser.parse_args()
    program = shutil.which("sta")
    library = load_library(hwsim.load_chip(asked.chip))
    for name in asked.netlist:
        netlist = read_netlist(block_file(name), library.pin_roles)
        ours = time_block(timing_graph(netlist, library)).min_period_s * 1e12
        if program is None:
            print(f"{name}: ours {ours:.2f} ps; no command 'sta' here")
            continue
        clock = next(i for i, p in enumerate(netlist.ports) if p.net in netlist.clock_nets)
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder)
            write_liberty(library, here / "cells.lib")
            (here / "block.v").write_text(verilog(netlist), encoding="utf-8")
            (here / "run.tcl").write_text(SCRIPT.format(top="top", clock=f"p{clock}"), encoding="utf-8")
            done = subprocess.run([program, "-exit", "run.tcl"], cwd=here, capture_output=True, text=True, check=False)
        slack = re.search(r"(-?[\d.]+)\s+slack", done.stdout)
        if slack is None:
            print(f"{name}: ours {ours:.2f} ps; OpenSTA gave no path: {done.stdout[-300:]} {done.stderr[-300:]}")
            continue
        theirs = 100000.0 - float(slack.group(1))
        print(f"{name}: ours {ours:.2f} ps, OpenSTA {theirs:.2f} ps ({ours / theirs - 1:+.3%})")


if __name__ == "__main__":
    main()
