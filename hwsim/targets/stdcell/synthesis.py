"""Synthesis of RTL onto a cell library: Yosys and ABC (package pyosys) in a process of their own, results kept in the user's cache folder.

The recipe is ``synth -flatten``, ``dfflibmap``, ``abc`` for a delay, constants tied to zero, buses split. Unbuffered netlists are for placement
(buffers follow the wires); buffered ones, with a driving cell and an output load, are for timing without wires.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwsim.core.chip import Chip
from hwsim.core.errors import HwsimError, InvalidTrace, MissingParameter
from hwsim.readers.blocks import Rtl, read_bytes
from hwsim.readers.liberty_write import write_liberty
from hwsim.readers.netlist_json import netlist_of
from hwsim.targets.stdcell.cells import load_library, usable_cells
from hwsim.tech.cell_library import Library
from hwsim.tech.netlist import Netlist

PS, FF = 1e-12, 1e-15
LIBERTY, CONSTRAINTS, SCRIPT, OUT = "cells.lib", "limits.constr", "run.ys", "mapped.json"
INCLUDED, SEARCHED = "included", "searched"  # links to folders of included files, and of modules that are found by name
RUNNER = """import sys
from pyosys import libyosys
design = libyosys.Design()
for line in open(sys.argv[1], encoding="utf-8").read().splitlines():
    libyosys.run_pass(line, design)
"""
FAULT = re.compile(r"^(?:(?P<place>\S+?:\d+)(?:\.\d+)?(?:-\d+(?:\.\d+)?)?(?::\d+)?: )?(?:ERROR|error): (?P<what>.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Recipe:
    """How a library is mapped to: the delay that ABC aims at, and, for a buffered netlist, what drives the inputs and loads the outputs."""

    delay_s: float
    buffered: bool
    driving_cell: str = ""
    output_load_f: float = 0.0


def recipe(chip: Chip, buffered: bool, delay_s: float | None = None) -> Recipe:
    """The recipe of the library of `chip`; `delay_s` replaces the delay that it aims at. Raises `MissingParameter` for what it does not state."""
    needed = [*(["abc_delay_s"] if delay_s is None else []), *(["driving_cell", "output_load_f"] if buffered else [])]
    if missing := [name for name in needed if name not in chip.params]:
        raise MissingParameter(missing[0], chip.name, chip.params)
    aim = chip.vector("abc_delay_s")[int(buffered)] if delay_s is None else delay_s
    return Recipe(aim, True, chip.text("driving_cell"), chip.number("output_load_f")) if buffered else Recipe(aim, False)


def synthesise(chip: Chip, rtl: Rtl, how: Recipe) -> Netlist:
    """Map `rtl` onto the cells of `chip`.

    Raises `HwsimError` where pyosys is missing, `InvalidTrace` for RTL that cannot be synthesised, with Yosys' own words.
    """
    return netlist_of(mapped_document(chip, rtl, how), load_library(chip).pin_roles, rtl.top)


def mapped_document(chip: Chip, rtl: Rtl, how: Recipe) -> Mapping[str, Any]:
    """As `synthesise`, in Yosys' JSON form."""
    library = load_library(chip)
    cells = library.only({*usable_cells(chip, library), library.unit_inverter})
    if how.buffered:
        cells.cell(how.driving_cell)
    return _mapped(cells, rtl, how)


def commands(rtl: Rtl, how: Recipe) -> Iterator[str]:
    """The lines of the Yosys script; files are those of the working folder."""
    folders = " ".join(f"-I {INCLUDED}{i}" for i in range(len(rtl.include)))
    macros = " ".join(f"-D {name}" for name in rtl.defines)
    files = " ".join(file.name for file in rtl.files)
    if rtl.elaborate:
        modules = " ".join(f"-y {SEARCHED}{i} -Y .sv" for i in range(len(rtl.modules)))
        yield f"read_slang --top {rtl.top} {macros} {folders} {modules} {files}"
    else:
        yield " ".join(f"read_verilog -sv {macros} {folders} {files}".split())
    yield f"synth -top {rtl.top} -flatten"
    yield f"dfflibmap -liberty {LIBERTY}"
    yield "opt"
    yield f"abc -D {how.delay_s / PS:.6g} {f'-constr {CONSTRAINTS} ' if how.buffered else ''}-liberty {LIBERTY}"
    yield from ("setundef -zero", "splitnets -ports", "opt_clean -purge", f"write_json {OUT}")


def _mapped(library: Library, rtl: Rtl, how: Recipe) -> Mapping[str, Any]:
    """The mapped netlist as a Yosys JSON document, from the cache when the same sources were mapped before."""
    with tempfile.TemporaryDirectory(prefix="hwsim-") as made:
        folder = Path(made)
        write_liberty(library, folder / LIBERTY)
        (folder / CONSTRAINTS).write_text(f"set_driving_cell {how.driving_cell}\nset_load {how.output_load_f / FF:.6g}\n", encoding="utf-8")
        (folder / SCRIPT).write_text("\n".join(commands(rtl, how)) + "\n", encoding="utf-8")
        kept = cache_folder() / f"{_key(folder, rtl)}.json.gz"
        if kept.is_file():
            with suppress(OSError, EOFError, ValueError):  # a damaged file is made anew
                found: Mapping[str, Any] = json.loads(gzip.decompress(kept.read_bytes()))
                return found
        for file in rtl.files:  # names of cells, which ABC's choices depend on, hold the file as it was named: always without its folder
            (folder / file.name).write_bytes(read_bytes(file))
        for name, places in ((INCLUDED, rtl.include), (SEARCHED, rtl.modules)):
            for i, place in enumerate(places):
                (folder / f"{name}{i}").symlink_to(place, target_is_directory=True)
        _run(folder)
        document = compact(json.loads((folder / OUT).read_text(encoding="utf-8")), rtl.top)
    _keep(kept, document)
    return document


def _key(folder: Path, rtl: Rtl) -> str:
    """What a result depends on: sources, library, recipe, version of Yosys; without the places of files."""
    digest = hashlib.sha256(yosys_version().encode())
    parts = ((name, (folder / name).read_bytes()) for name in (SCRIPT, LIBERTY, CONSTRAINTS))
    for name, content in (*parts, *rtl.text()):
        digest.update(f"{name}:{len(content)}:".encode() + content)
    return digest.hexdigest()


def yosys_version() -> str:
    """Version of the installed pyosys. Raises `HwsimError` when there is none."""
    try:
        return importlib.metadata.version("pyosys")
    except importlib.metadata.PackageNotFoundError:
        raise HwsimError("synthesis needs Yosys: pip install 'hwsim[rtl]' (a mapped netlist, or map_gates, does without)") from None


def cache_folder() -> Path:
    """Where mapped netlists are kept: $XDG_CACHE_HOME/hwsim/synthesis, or ~/.cache/hwsim/synthesis."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hwsim" / "synthesis"


def _keep(file: Path, document: Mapping[str, Any]) -> None:
    """Keep a result; whole or not at all, so that processes may run side by side. A folder that cannot be written to keeps nothing."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(packed(document))
        Path(name).replace(file)


def packed(document: Mapping[str, Any]) -> bytes:
    """A document as gzipped JSON: the same bytes for the same content."""
    return gzip.compress(json.dumps(document, separators=(",", ":")).encode(), 9, mtime=0)


def _run(folder: Path) -> None:
    """Run the script in a process of its own, for Yosys ends the whole process where it fails. Raises `InvalidTrace` with its words."""
    log = folder / "log"
    with log.open("wb") as out:
        done = subprocess.run([sys.executable, "-c", RUNNER, SCRIPT], cwd=folder, stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode == 0 and (folder / OUT).is_file():
        return
    text = log.read_text(encoding="utf-8", errors="replace")
    faults = [f"{f['place']}: {f['what']}" if f["place"] else f["what"] for f in FAULT.finditer(text)]
    raise InvalidTrace(f"Yosys: {faults[0] if faults else ' '.join(text.split()[-40:]) or f'ended with {done.returncode}'}")


def compact(document: Mapping[str, Any], top: str) -> Mapping[str, Any]:
    """The module `top` without names of nets, attributes and parameters: what a mapped netlist needs. Cells are c0, c1, ... in their order."""
    module = document["modules"][top]
    gates = (cell for cell in module["cells"].values() if cell["type"] != "$scopeinfo")
    ports = {name: {"direction": port["direction"], "bits": port["bits"]} for name, port in module["ports"].items()}
    cells = {f"c{i}": {"type": cell["type"], "connections": cell["connections"]} for i, cell in enumerate(gates)}
    return {"creator": f"Yosys {yosys_version()}", "modules": {top: {"ports": ports, "cells": cells}}}
