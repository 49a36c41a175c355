"""Blocks by name: RTL and mapped netlists that travel with the package, RISC-V cores of installed packages, a user's own files."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwsim.core.errors import HwsimError, InvalidTrace, nearest
from hwsim.core.resources import shipped

FOLDER = "blocks"  # of models/
INCLUDE = re.compile(r'^\s*`include\s+"([^"]+)"', re.MULTILINE)
SYSTEM_VERILOG = (".sv",)
PLAIN, MODULE = re.compile(r"[\w.+-]+"), re.compile(r"[A-Za-z_][\w$]*")


@dataclass(frozen=True)
class Rtl:
    """Sources of one block: files in the order of reading, folders of included files, macros, folders of modules that are found by name.

    `elaborate` reads with the full SystemVerilog front end (read_slang), else with Yosys' own.
    """

    files: tuple[Path, ...]
    top: str
    include: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    modules: tuple[Path, ...] = ()
    elaborate: bool = False

    def text(self) -> Iterable[tuple[str, bytes]]:
        """(name, content) of every file that the block is made of: what a cache is keyed by. Raises `InvalidTrace` for one that cannot be read."""
        for file in self.files:
            yield file.name, read_bytes(file)
        for folder in (*self.include, *self.modules):
            for file in sorted(folder.glob("*.*v*")):
                yield file.name, read_bytes(file)


@dataclass(frozen=True)
class Core:
    """Where a package keeps a core: its folder of sources, patterns of the files (packages first), and those left out."""

    package: str
    folder: str
    top: str
    files: tuple[str, ...]
    without: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    elaborate: bool = False


PRIM = "vendor/lowrisc_ip/ip/prim/rtl"
CORES = {
    "picorv32": Core("pythondata-cpu-picorv32", "verilog", "picorv32", ("picorv32.v",)),
    "serv": Core("pythondata-cpu-serv", "verilog", "serv_top", ("rtl/*.v",), include=("rtl",)),
    "ibex": Core(
        "pythondata-cpu-ibex", "system_verilog", "ibex_core", ("rtl/ibex_pkg.sv", "rtl/ibex_*.sv"),
        ("*latch*", "*fpga*", "*trac*", "*top*", "*lockstep*", "*pkg.sv"), ("rtl", PRIM, "vendor/lowrisc_ip/dv/sv/dv_utils"), (PRIM,), True,
    ),
    "cv32e40p": Core(
        "pythondata-cpu-cv32e40p", "system_verilog", "cv32e40p_core",
        ("rtl/include/*_pkg.sv", "rtl/*.sv", "bhv/cv32e40p_sim_clock_gate.sv"), ("*latch*", "*fp_wrapper*", "*top*"), ("rtl/include",), (), True,
    ),
}  # fmt: skip


def block_file(name: str) -> Path:
    """The file called `name`: a path, or a file among the package's own blocks. Raises `InvalidTrace`."""
    for path in (Path(name), shipped("models") / FOLDER / name):
        if path.is_file():
            return path
    known = sorted(path.name for path in (shipped("models") / FOLDER).iterdir())
    raise InvalidTrace(f"no file '{name}', here or among the blocks of the package{nearest(name, known)}")


def read_bytes(file: Path) -> bytes:
    """The content of a file. Raises `InvalidTrace`."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidTrace(f"{file} cannot be read: {error.strerror}") from error


def find_rtl(names: str | Sequence[str], top: str | None = None) -> Rtl:
    """The sources of a core by name (`CORES`), or of files. Raises `InvalidTrace`, and `HwsimError` for a core whose package is missing.

    A user's own files need a `top`; what they include is looked for beside them.
    """
    if isinstance(names, str):
        if names in CORES:
            return _core(names, CORES[names], top)
        names = (names,)
    if not names:
        raise InvalidTrace("rtl names no file")
    files = tuple(block_file(name).resolve() for name in names)
    if len({file.name for file in files}) < len(files):
        raise InvalidTrace(f"two files of one name among {', '.join(file.name for file in files)}")
    if odd := [file.name for file in files if not PLAIN.fullmatch(file.name)]:
        raise InvalidTrace(f"'{odd[0]}': a file of RTL is named with letters, digits and . _ + - only")
    if not top:
        raise InvalidTrace(f"{files[0].name}: name the top module (top)")
    if not MODULE.fullmatch(top):
        raise InvalidTrace(f"top is the name of a module, got '{top}'")
    beside = tuple(dict.fromkeys(file.parent for file in files if INCLUDE.search(read_bytes(file).decode("utf-8", "replace"))))
    return Rtl(files, top, include=beside, elaborate=any(file.suffix in SYSTEM_VERILOG for file in files))


def _core(name: str, core: Core, top: str | None) -> Rtl:
    found = importlib.util.find_spec(core.package.replace("-", "_"))
    if found is None or found.submodule_search_locations is None:
        raise HwsimError(f"core '{name}' needs the package {core.package}: pip install 'hwsim[rtl]'")
    root = Path(next(iter(found.submodule_search_locations))) / core.folder
    files: dict[Path, None] = {}
    for at, pattern in enumerate(core.files):
        named = sorted(root.glob(pattern))
        files.update(dict.fromkeys(f for f in named if at == 0 or not any(f.match(p) for p in core.without)))
    if not files:
        raise InvalidTrace(f"package {core.package} holds no {core.files[0]}; another version of it does")
    folders = tuple(tuple(root / folder for folder in of) for of in (core.include, core.modules))
    return Rtl(tuple(files), top or core.top, folders[0], ("SYNTHESIS",), folders[1], core.elaborate)
