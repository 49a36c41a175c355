"""One mat of an SRAM array: four subarrays around shared predecoders; its delay, energy, leakage and area.

Forms of CACTI 7 (HewlettPackard/cacti @1ffd8df, BSD-style licence), one read-write port. An access decodes the row, swings the bit lines by the
voltage that is sensed, latches, and drives the word out through column multiplexers: of bit lines (`columns`), and two levels behind the sense
amplifiers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from hwsim.tech.sram_gates import Decoder, Predecoder, chain, decoder, horowitz, predecoder, stages, switched
from hwsim.tech.sram_process import GAP_PN_F, GAP_SAME_F, Process
from hwsim.tech.sram_wires import repeated

SUBARRAYS, PER_ROW = 4, 2
CELLS_PER_STITCH, STITCH_F = 16, 7.5
ISOLATE_F, SENSE_N_F, SENSE_P_F, SENSE_ENABLE_F = 12.5, 3.75, 7.5, 5.0
MUX, PRECHARGE = 6, 6  # widths in least widths


@dataclass(frozen=True)
class Shape:
    """Rows and columns of a subarray, and the degrees of its three multiplexers."""

    rows: int
    cols: int
    columns: int
    first: int
    second: int

    @property
    def bits(self) -> int:
        """Bits that a mat delivers at once."""
        return max(SUBARRAYS * self.cols // (self.columns * self.first * self.second), 1)


@dataclass(frozen=True)
class Mat:
    """Figures of a mat: seconds before the output driver of a subarray and after it, joules, watts, um. Bit lines and sense amplifiers apart."""

    width: float
    height: float
    before_s: float
    after_s: float
    read_j: float
    bitline_read_j: float
    bitline_write_j: float
    sense_j: float
    leak_w: float


@lru_cache(maxsize=65536)
def _bitlines(p: Process, rows: int, columns: int) -> tuple[float, float, float, float, float]:
    """(time constant at no input slope, read J and write J of a column of cells, sense delay, sense J of an amplifier)."""
    wide = p.cell_w * columns
    c_bl = rows * (p.drain(p.cell_access, fold=p.cell_w) / 2 + p.cell_h * p.local.c)
    r_bl = rows * p.cell_h * p.local.r
    w_mux = MUX * p.w_min
    iso = p.drain(ISOLATE_F * p.f, p=True, fold=wide)
    c_out = p.drain(w_mux, fold=wide)
    sense_p, sense_n = SENSE_P_F * p.f, SENSE_N_F * p.f
    latch = p.gate_c * (sense_p + sense_n) + p.drain(sense_n, fold=wide) + p.drain(sense_p, p=True, fold=wide)
    r_cell = p.r_on(p.cell_n) + p.r_on(p.cell_access)
    r_iso = p.r_on(ISOLATE_F * p.f, p=True)
    if columns > 1:
        mux, r_mux = p.drain(w_mux, fold=p.cell_w / 2), p.r_on(w_mux)
        sensed = 2 * iso + latch + c_out
        tau = r_cell * (c_bl + 2 * mux + sensed) + r_bl * (c_bl / 2 + 2 * mux + sensed) + r_mux * (mux + sensed) + r_iso * (sensed - iso)
        swung, full = c_bl + 2 * mux + sensed / columns, c_bl + 2 * mux
    else:
        sensed = 2 * iso + latch + c_out
        tau = r_cell * (c_bl + sensed - iso) + r_bl * c_bl / 2 + r_iso * (sensed - iso)
        swung, full = c_bl + sensed, c_bl
    step = tau * math.log(p.vdd / (p.vdd - p.sense_v))
    held = latch + iso + c_out
    return step, 2 * swung * p.sense_v * p.vdd, 2 * full * p.vdd**2, held / p.gm_latch * math.log(p.vdd / p.sense_v), held * p.vdd**2


def _bitline_delay(p: Process, step: float, rise: float) -> float:
    """Delay of a bit line whose word line rises with a slope."""
    over, slope = p.vdd - p.vth, p.vdd / rise
    return math.sqrt(2 * step * over / slope) if step <= 0.5 * over / slope else step + over / (2 * slope)


def _output(p: Process, shape: Shape, wire_um: float) -> tuple[float, float, float]:
    """(delay, J, leakage W) of a subarray's output: two multiplexers with an inverter pair between them, and the driver of the wire over it."""
    wire, w_mux = repeated(p), MUX * p.w_min
    n, q = p.w_min, p.p_over_n * p.w_min
    wide = p.cell_w * shape.columns
    inverter = p.inverter_drain(n, q)
    loads = (
        (p.r_on(w_mux), shape.first * p.drain(w_mux, fold=wide) + p.gate_c * (n + q)),
        (p.r_on(n), inverter + p.gate_c * (n + q)),
        (p.r_on(n), inverter + p.drain(w_mux, fold=wide * shape.first)),
        (p.r_on(w_mux), shape.second * p.drain(w_mux, fold=wide * shape.first) + p.gate_c * wire.size * wire_um / wire.spacing * (n + q)),
    )
    delay = rise = 0.0
    for r, c in loads:
        step = horowitz(rise, r * c)
        delay, rise = delay + step, 2 * step
    energy = sum(0.5 * c * p.vdd**2 for _, c in loads)
    return delay, energy, 2 * p.inverter_leak(n, q) * p.vdd


def _sense_height(p: Process, pitch: float) -> float:
    gaps = (4 * GAP_SAME_F + GAP_PN_F) * p.f
    tops = 2 * p.folded(SENSE_P_F * p.f, pitch) + p.folded(ISOLATE_F * p.f, pitch)
    return tops + 2 * p.folded(SENSE_N_F * p.f, pitch) + p.folded(SENSE_ENABLE_F * p.f, pitch) + gaps


def _column_height(p: Process, s: Shape) -> float:
    """Height of precharge, multiplexers and sense amplifiers under a subarray."""
    w_mux, ratio = MUX * p.w_min, p.p_over_n
    height = p.folded(PRECHARGE * ratio * p.w_min, p.cell_w / 2) + p.folded(ratio * p.w_min, p.cell_w)
    if s.columns > 1:
        height += p.folded(w_mux, p.cell_w / 2)
    height += _sense_height(p, p.cell_w * s.columns)
    if s.first > 1:
        height += p.folded(w_mux, p.cell_w * s.first)
    if s.second > 1:
        height += p.folded(w_mux, p.cell_w * s.columns * s.first)
        height += 2 * p.folded(ratio * p.w_min, p.cell_w * s.second) + 2 * p.folded(p.w_min, p.cell_w * s.second)
    return height


@dataclass(frozen=True)
class _Select:
    """A decoder with its predecoder."""

    outputs: int
    decoder: Decoder
    predecoder: Predecoder

    @property
    def energy_j(self) -> float:
        return self.decoder.energy_j + self.predecoder.energy_j

    @property
    def leak_w(self) -> float:
        return self.decoder.leak_w * self.outputs + self.predecoder.leak_w

    def delay(self) -> float:
        """Seconds to the selected line."""
        return self.predecoder.delay + _through(self.decoder, self.predecoder.rise)[0]


def _through(d: Decoder, rise: float) -> tuple[float, float]:
    delay = 0.0
    for stage in d.made:
        step = horowitz(rise, stage.tau)
        delay, rise = delay + step, 2 * step
    return delay, rise


@lru_cache(maxsize=65536)
def _select(p: Process, degree: int, gates: float, cols: int) -> _Select:
    """Decoder of a multiplexer of `degree` that drives `gates` transistors over a wire across the mat."""
    layer, length = p.semiglobal, PER_ROW * cols * p.cell_w
    load = gates * p.gate_c * MUX * p.w_min + layer.c * length if degree > 1 else 0.0
    made = decoder(p, degree, load, layer.r * length / 2)
    return _Select(degree, made, predecoder(p, degree, made, 1, 0.0, 0.0))


@lru_cache(maxsize=65536)
def _row(p: Process, rows: int, cols: int) -> tuple[_Select, float, float]:
    """(row decoder, its delay, rise time of the word line)."""
    word = 2 * p.gate_c * p.cell_access + p.cell_w * p.local.c
    made = decoder(p, rows, word * cols, cols * p.cell_w * p.local.r)
    across = PER_ROW * rows * p.cell_h
    pre = predecoder(p, rows, made, SUBARRAYS, across * p.semiglobal.c, across * p.semiglobal.r)
    delay, rise = _through(made, pre.rise)
    return _Select(rows, made, pre), pre.delay + delay, rise


@lru_cache(maxsize=65536)
def _precharge(p: Process, cols: int) -> tuple[float, float]:
    """(J, leakage W) of the driver that switches the precharge transistors of a subarray."""
    ratio = p.p_over_n
    load = cols * (p.gate_c * (2 * PRECHARGE + 1) * ratio * p.w_min + p.cell_w * p.semiglobal.c)
    widths = chain(p, 1, load, plain=True)
    return switched(stages(p, widths, 1, load), p.vdd), sum(p.inverter_leak(n, q) for n, q in widths) * p.vdd


def row_read(p: Process, s: Shape) -> tuple[float, float]:
    """(seconds to decode a row and sense its bit lines, joules of these bit lines): less than any access to the mat takes."""
    _, row_s, rise = _row(p, s.rows, s.cols)
    step, read_j, _, sense_s, sense_j = _bitlines(p, s.rows, s.columns)
    return row_s + _bitline_delay(p, step, rise) + sense_s, SUBARRAYS * s.cols * (read_j + sense_j / s.columns)


def mat(p: Process, shape: Shape, address_bits: int, bits_in: int, active: int) -> Mat:
    """Figures of a mat of which `active` stand side by side in an access; `address_bits` and `bits_in` wires cross it."""
    s, wire = shape, repeated(p)
    row, row_s, rise = _row(p, s.rows, s.cols)
    amplifiers = s.cols // s.columns
    selects = (
        _select(p, s.columns, 2 * SUBARRAYS * s.cols // s.columns, s.cols), _select(p, s.first, SUBARRAYS * amplifiers / s.first, s.cols),
        _select(p, s.second, SUBARRAYS * amplifiers / (s.first * s.second), s.cols),
    )  # fmt: skip
    step, read_j, write_j, sense_s, sense_j = _bitlines(p, s.rows, s.columns)
    row_path = row_s + _bitline_delay(p, step, rise) + sense_s
    before = max(row_path, selects[0].delay() + sense_s, selects[1].delay(), selects[2].delay())
    sub_h = p.cell_h * s.rows
    sub_w = p.cell_w * s.cols + s.cols // CELLS_PER_STITCH * STITCH_F * p.f
    out_s, out_j, out_leak = _output(p, s, sub_w)
    bitline_read = SUBARRAYS * s.cols * read_j
    bitline_write = SUBARRAYS * s.cols * write_j * active / (s.columns * s.first * s.second)
    sense_all = sense_j * amplifiers * SUBARRAYS
    pre_j, pre_leak = _precharge(p, s.cols)
    read = row.predecoder.energy_j + SUBARRAYS * row.decoder.energy_j + sum(x.energy_j for x in selects)
    read += SUBARRAYS * pre_j + sense_all + bitline_read + (out_j + wire.energy * sub_w) * s.bits
    cells = SUBARRAYS * s.rows * s.cols
    leak = cells * p.vdd * p.off * (p.cell_n + p.cell_p + p.cell_access / 2) + SUBARRAYS * pre_leak
    leak += amplifiers * SUBARRAYS * p.off * SENSE_ENABLE_F * p.f * p.vdd
    leak += (out_leak + wire.leak * sub_w) * (amplifiers // (s.first * s.second)) * SUBARRAYS
    leak += row.predecoder.leak_w + row.decoder.leak_w * s.rows * SUBARRAYS + sum(x.leak_w for x in selects)
    width, height = _extent(p, s, row, selects, (sub_w, sub_h), address_bits + (bits_in + s.bits) / PER_ROW)
    return Mat(width, height, before, out_s + wire.delay * sub_w, read, bitline_read, bitline_write, sense_all, leak)


def _extent(
    p: Process, s: Shape, row: _Select, selects: tuple[_Select, ...], subarray: tuple[float, float], tracks: float
) -> tuple[float, float]:
    """(width, height) of a mat: subarrays, the columns' circuits and wires between their rows, the row decoders between their columns."""
    wire, pitch = repeated(p), p.semiglobal.pitch
    sub_w, sub_h = subarray
    bits = s.rows.bit_length() - 1
    half = (bits + 1) // 2
    out_h = sub_w / wire.spacing * wire.repeater_area * (s.cols // (s.columns * s.first * s.second)) / sub_w
    middle_h = (_column_height(p, s) + out_h) * (SUBARRAYS / PER_ROW) + tracks * pitch
    middle_h += sum(d for d in (s.columns, s.first, s.second) if d > 1) * pitch
    predecoded = ((1 << (bits - half)) + (1 << half)) * pitch if bits >= 4 else 2 * pitch
    middle_w = max(predecoded, PER_ROW * row.decoder.area * s.rows / sub_h)
    centre = row.predecoder.area + sum(x.predecoder.area + x.decoder.area for x in selects)
    height = SUBARRAYS / PER_ROW * sub_h + middle_h
    width = PER_ROW * sub_w + middle_w
    return (height * width + centre) / height, height


