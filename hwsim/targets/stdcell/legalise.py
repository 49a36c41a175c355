"""Legal positions on rows and sites that lie near the spread ones.

Cells that are several rows high go first, each to the nearest free sites. The others follow row by row (Abacus: Spindler, Schlichtmann, Johannes,
ISPD 2008): in the order of x, each joins the end of the free run of sites where it costs the least displacement, the cells of a run taking the
positions of least squared displacement together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit
from hwsim.targets.stdcell.floorplan import Floorplan

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
FREE, TAP = -1, -2  # of the site map; other entries are cells


def legalise(plan: Floorplan, x: Floats, y: Floats, width: Ints, rows: Ints) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """The centres `x`, `y` [cells + ports] with the cells (`width` sites by `rows`) on free sites, and the cells that found none.

    Cells without a place stay where they were, over others.
    """
    g, cells = plan.geometry, len(width)
    site_x = x[:cells] / g.site_um - width / 2.0
    row_y = y[:cells] / g.row_um - rows / 2.0
    aspect = g.row_um / g.site_um
    taken = site_map(plan)
    site, row = np.full(cells, -1, np.int32), np.full(cells, -1, np.int32)
    tall, low = np.flatnonzero(rows > 1), np.flatnonzero(rows == 1)
    least = int(width[low].min()) if len(low) else 1
    _tall(tall[np.argsort(site_x[tall], kind="stable")], site_x, row_y, width, rows, taken, site, row, aspect, least)
    start, first, last = _runs(taken)
    _abacus(low[np.argsort(site_x[low] + 0.5 * width[low], kind="stable")], site_x, row_y, width, start, first, last, site, row, aspect)
    legal = site >= 0
    found_x, found_y = x.copy(), y.copy()
    found_x[:cells] = np.where(legal, (site + width / 2.0) * g.site_um, x[:cells])
    found_y[:cells] = np.where(legal, (row + rows / 2.0) * g.row_um, y[:cells])
    return found_x, found_y, np.flatnonzero(~legal)


def site_map(plan: Floorplan) -> Ints:
    """An empty map of the sites [rows, sites]: `FREE`, or `TAP` in tap columns."""
    taken = np.full((plan.rows, plan.sites), FREE, np.int32)
    for column in plan.tap_columns:
        taken[:, column : column + plan.geometry.tap_sites] = TAP
    return taken


@jit
def _tall(
    order: NDArray[np.int64], x: Floats, y: Floats, width: Ints, rows: Ints, taken: Ints, site: Ints, row: Ints, aspect: float, least: int
) -> None:
    """Put cells of several rows on the nearest free sites; a gap to what stands beside them is nothing, or at least `least` sites."""
    height, sites = taken.shape
    for i in order:
        w, h = width[i], rows[i]
        best, best_s, best_r = np.inf, -1, -1
        middle = int(min(max(y[i], 0.0), height - h) + 0.5)
        at = int(min(max(x[i], 0.0), sites - w) + 0.5)
        for k in range(2 * height):
            r = middle + (k + 1) // 2 * (1 if k % 2 == 1 else -1)
            if r < 0 or r + h > height:
                continue
            across = abs(r - y[i]) * aspect
            if across >= best:
                if k > 2 * (abs(middle - y[i]) + 2) and across >= best + aspect:
                    break
                continue
            for d in range(2 * sites):
                s = at + (d + 1) // 2 * (1 if d % 2 == 1 else -1)
                if (d + 1) // 2 + across > best + 1.0:
                    break
                if s < 0 or s + w > sites:
                    continue
                cost = across + abs(s - x[i])
                if cost < best and _fits(taken, r, s, w, h, least):
                    best, best_s, best_r = cost, s, r
        if best_s >= 0:
            site[i], row[i] = best_s, best_r
            taken[best_r : best_r + h, best_s : best_s + w] = i


@jit
def _fits(taken: Ints, r: int, s: int, w: int, h: int, least: int) -> bool:
    """True when `h` rows by `w` sites are free at (r, s) and no gap beside them is too narrow for any cell."""
    sites = taken.shape[1]
    for b in range(r, r + h):
        for a in range(s, s + w):
            if taken[b, a] != -1:
                return False
        for side in (-1, 1):
            edge = s - 1 if side < 0 else s + w
            gap = 0
            while 0 <= edge < sites and taken[b, edge] == -1 and gap < least:
                gap += 1
                edge += side
            if 0 < gap < least:
                return False
    return True


@jit
def _runs(taken: Ints) -> tuple[Ints, Ints, Ints]:
    """Free runs of sites row by row: (start [rows + 1] into the runs, first site, site after the last)."""
    rows, sites = taken.shape
    start = np.zeros(rows + 1, np.int32)
    first = np.empty(rows * (sites // 2 + 1), np.int32)
    last = np.empty_like(first)
    k = 0
    for r in range(rows):
        s = 0
        while s < sites:
            if taken[r, s] != -1:
                s += 1
                continue
            first[k] = s
            while s < sites and taken[r, s] == -1:
                s += 1
            last[k] = s
            k += 1
        start[r + 1] = k
    return start, first[:k].copy(), last[:k].copy()


@jit
def _abacus(
    order: NDArray[np.int64], x: Floats, y: Floats, width: Ints, start: Ints, first: Ints, last: Ints, site: Ints, row: Ints, aspect: float
) -> None:
    """Assign cells of one row to runs and settle them there; `site` and `row` are filled in (left at -1 where a cell finds no run)."""
    runs, cells = len(first), len(order)
    run_row = np.zeros(runs, np.int32)
    for r in range(len(start) - 1):
        run_row[start[r] : start[r + 1]] = r
    room = last - first  # sites of each run that are not taken
    home = np.full(cells, -1, np.int32)
    top = np.full(runs, -1, np.int32)  # the last cluster of each run
    pos, mass, pull, span = np.zeros(cells), np.zeros(cells), np.zeros(cells), np.zeros(cells, np.int32)
    before, members = np.zeros(cells, np.int32), np.zeros(cells, np.int32)
    lost = 0
    for n in range(cells):
        i = order[n]
        run = _choose(x[i], y[i], width[i], start, first, last, room, aspect, top, pos, mass, pull, span, before)
        home[n] = run
        if run < 0:
            lost += 1
            continue
        room[run] -= width[i]
        _append(n, x[i], width[i], run, first, last, top, pos, mass, pull, span, before, members)
    if lost > 0:
        _make_room(order, x, y, width, first, last, run_row, room, home, aspect)
        top[:] = -1
        for n in range(cells):
            if home[n] >= 0:
                _append(n, x[order[n]], width[order[n]], home[n], first, last, top, pos, mass, pull, span, before, members)
    for n in range(cells):
        if home[n] >= 0:
            row[order[n]] = run_row[home[n]]
    _finish(order, width, home, runs, top, pos, span, before, members, site)


@jit
def _choose(
    x: float, y: float, w: int, start: Ints, first: Ints, last: Ints, room: Ints, aspect: float,
    top: Ints, pos: Floats, mass: Floats, pull: Floats, span: Ints, before: Ints,
) -> int:  # fmt: skip
    """The run in which the next cell moves the least; -1: none has room."""
    rows = len(start) - 1
    best, best_run = np.inf, -1
    middle = int(min(max(y, 0.0), rows - 1.0) + 0.5)
    for k in range(2 * rows):
        r = middle + (k + 1) // 2 * (1 if k % 2 == 1 else -1)
        if (k + 1) // 2 * aspect > best + aspect:
            break
        if r < 0 or r >= rows:
            continue
        across = abs(r - y) * aspect
        for run in range(start[r], start[r + 1]):
            away = max(first[run] - x, x + w - last[run], 0.0)
            if across + away >= best or room[run] < w:
                continue
            cost = across + abs(_settle(x, w, run, first, last, top, pos, mass, pull, span, before)[0] - x)
            if cost < best:
                best, best_run = cost, run
    return best_run


@jit
def _append(
    n: int,
    x: float,
    w: int,
    run: int,
    first: Ints,
    last: Ints,
    top: Ints,
    pos: Floats,
    mass: Floats,
    pull: Floats,
    span: Ints,
    before: Ints,
    members: Ints,
) -> None:
    """Put the `n`-th cell at the end of a run: it becomes cluster `n`, together with the clusters that it pushes against."""
    _, c, p, m, q, s = _settle(x, w, run, first, last, top, pos, mass, pull, span, before)
    count = 1
    at = top[run]
    while at != c:
        count += members[at]
        at = before[at]
    pos[n], mass[n], pull[n], span[n], before[n], members[n] = p, m, q, s, c, count
    top[run] = n


@jit
def _make_room(
    order: NDArray[np.int64], x: Floats, y: Floats, width: Ints, first: Ints, last: Ints, run_row: Ints, room: Ints, home: Ints, aspect: float
) -> None:
    """Cells without a run: the nearest run that has room once one of its cells moves to another run with room for that one."""
    for n in range(len(order)):
        if home[n] >= 0:
            continue
        i = order[n]
        w = width[i]
        best, best_m, best_to = np.inf, -1, -1
        for m in range(len(order)):
            run = home[m]
            if run < 0 or room[run] == 0 or room[run] + width[order[m]] < w or width[order[m]] >= w:
                continue
            c = width[order[m]]
            reach = abs(run_row[run] - y[i]) * aspect + max(first[run] - x[i], x[i] + w - last[run], 0.0)
            if reach >= best:
                continue
            for to in range(len(first)):
                if room[to] < c or to == run:
                    continue
                moved = abs(run_row[to] - run_row[run]) * aspect + max(first[to] - x[order[m]], x[order[m]] + c - last[to], 0.0)
                if reach + moved < best:
                    best, best_m, best_to = reach + moved, m, to
        if best_m >= 0:
            run, c = home[best_m], width[order[best_m]]
            home[best_m], home[n] = best_to, run
            room[best_to] -= c
            room[run] += c - w


@jit
def _settle(
    x: float, w: int, run: int, first: Ints, last: Ints, top: Ints, pos: Floats, mass: Floats, pull: Floats, span: Ints, before: Ints
) -> tuple[float, int, float, float, float, int]:
    """Where a cell of wish `x` would end when appended: (its site, cluster left standing before it, and its cluster's position, mass, pull, span)."""
    low, high = first[run], last[run]
    m, q, s = 1.0, x, w
    p = min(max(x, low), high - w)
    c = top[run]
    while c >= 0 and pos[c] + span[c] > p:
        q = pull[c] + q - m * span[c]
        m += mass[c]
        s += span[c]
        p = min(max(q / m, low), high - s)
        c = before[c]
    return p + s - w, c, p, m, q, s


@jit
def _finish(
    order: NDArray[np.int64], width: Ints, home: Ints, runs: int, top: Ints, pos: Floats, span: Ints, before: Ints, members: Ints, site: Ints
) -> None:
    """Whole sites of all cells, from the clusters of their runs."""
    start = np.zeros(runs + 1, np.int64)
    for n in range(len(order)):
        if home[n] >= 0:
            start[home[n] + 1] += 1
    for run in range(runs):
        start[run + 1] += start[run]
    fill = start[:-1].copy()
    listed = np.empty(start[runs], np.int64)
    for n in range(len(order)):
        if home[n] >= 0:
            listed[fill[home[n]]] = order[n]
            fill[home[n]] += 1
    for run in range(runs):
        end = start[run + 1]
        c = top[run]
        while c >= 0:
            at = int(np.floor(pos[c] + 0.5))
            for k in range(end - members[c], end):
                site[listed[k]] = at
                at += width[listed[k]]
            end -= members[c]
            c = before[c]
