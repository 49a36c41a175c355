"""A core of the wavelet mesh running its program: from one instruction that takes time to the next (compiled)."""

from __future__ import annotations

from hwsim.engine.mesh_isa import (
    F_ASYNC,
    F_IN,
    F_OUT,
    I_ADDR,
    I_CIN,
    I_COUT,
    I_CYCLES,
    I_FLAGS,
    I_LEN,
    I_OP,
    I_STEP,
    I_TARGET,
    I_X1,
    I_X2,
    I_X3,
    INSTR_WORDS,
    OP_COPY,
    OP_END,
    OP_FOR,
    OP_INC,
    OP_MATMUL,
    OP_NEXT,
    OP_ROUTE,
    OP_STREAM,
    OP_SWAP,
    OP_WAIT,
    RAMP,
)
from hwsim.engine.mesh_jit import inlined
from hwsim.engine.mesh_state import (
    C_ADONE,
    C_ASYNC,
    C_FINISH,
    C_PC,
    C_STATE,
    CORE_COMPUTE,
    CORE_END,
    CORE_RUN,
    CORE_SLEEP,
    CORE_WAIT,
    CORE_WORDS,
    DIR_MANY,
    DIR_NONE,
    G_DONE,
    G_ERROR,
    G_ERROR_CORE,
    G_MOVES,
    G_SLEEPERS,
    L_COUNT,
    L_DIR,
    L_HEAD,
    L_OUT,
    LANE_WORDS,
    S_ADDR,
    S_BUSY,
    S_CIN,
    S_COUT,
    S_FLAGS,
    S_IN,
    S_OUT,
    S_REM,
    S_STEP,
    SLOT_NEXT,
    SLOT_STREAM,
    SLOT_WORDS,
    Par,
    State,
    schedule,
    sleep_until,
    wake,
)

ERROR_THREADS, ERROR_READERS, ERROR_MEMORY = 1, 2, 3


@inlined
def operand(s: State, p: Par, core: int, value: int) -> int:
    """An immediate, or the register it names."""
    return value if value >= 0 else int(s.regs[core * p.n_regs - 1 - value])


@inlined
def lane_of(s: State, p: Par, core: int, colour: int, direction: int) -> int:
    """The lane of a router and colour for an input direction; direction 5: the queue into the core."""
    at = core * p.colours + colour
    below = s.rx[at] & ((1 << direction) - 1)
    n = 0
    while below:
        n += below & 1
        below >>= 1
    return int(s.base[at]) + n


@inlined
def check_memory(s: State, p: Par, core: int, first: int, last: int) -> bool:
    """Whether both addresses are inside a core's memory (always, when only counts move); if not, note the error."""
    if p.values and (min(first, last) < 0 or max(first, last) >= p.words):
        s.glob[G_ERROR] = ERROR_MEMORY
        s.glob[G_ERROR_CORE] = core
        return False
    return True


@inlined
def start_stream(s: State, p: Par, core: int, i: int, t: int) -> int:
    """Set up a streaming instruction: 1 if it runs on the main slot now, 0 if the core goes on, -1 on error."""
    flags = s.code[i + I_FLAGS]
    length = operand(s, p, core, s.code[i + I_LEN])
    if length <= 0:
        return 0
    index = 0
    if flags & F_ASYNC:
        index = 1
        while index < p.slots and s.slot[(core * p.slots + index) * SLOT_WORDS + S_BUSY] != SLOT_NEXT:
            index += 1
        if index == p.slots:
            s.glob[G_ERROR] = ERROR_THREADS
            s.glob[G_ERROR_CORE] = core
            return -1
    k = (core * p.slots + index) * SLOT_WORDS
    s.slot[k + S_BUSY] = SLOT_STREAM
    s.slot[k + S_FLAGS] = flags
    if flags & F_IN:
        colour = operand(s, p, core, s.code[i + I_CIN])
        s.slot[k + S_CIN] = colour
        s.slot[k + S_IN] = lane_of(s, p, core, colour, 5)
    if flags & F_OUT:
        colour = operand(s, p, core, s.code[i + I_COUT])
        s.slot[k + S_COUT] = colour
        s.slot[k + S_OUT] = lane_of(s, p, core, colour, RAMP)
    addr = operand(s, p, core, s.code[i + I_ADDR])
    step = s.code[i + I_STEP]
    if not check_memory(s, p, core, addr, addr + step * (length - 1)):
        return -1
    s.slot[k + S_ADDR] = core * p.words + addr
    s.slot[k + S_STEP] = step
    s.slot[k + S_REM] = length
    if flags & F_ASYNC:
        s.core[core * CORE_WORDS + C_ASYNC] += 1
        schedule(s, p, p.n_lanes + core * p.slots + index, t)
        return 0
    return 1


@inlined
def act(s: State, p: Par, core: int, i: int) -> None:
    """What a computing instruction does to the core's memory (values mode only)."""
    op = s.code[i + I_OP]
    at = core * p.words
    out = operand(s, p, core, s.code[i + I_ADDR])
    left = operand(s, p, core, s.code[i + I_CIN])
    if op == OP_MATMUL:
        right = operand(s, p, core, s.code[i + I_COUT])
        rows, inner, cols = s.code[i + I_X1], s.code[i + I_X2], s.code[i + I_X3]
        fits = check_memory(s, p, core, out, out + rows * cols - 1) and check_memory(s, p, core, left, left + rows * inner - 1)
        if not (fits and check_memory(s, p, core, right, right + inner * cols - 1)):
            return
        for y in range(rows):
            for k in range(inner):
                x = s.mem[at + left + y * inner + k]
                for j in range(cols):
                    s.mem[at + out + y * cols + j] += x * s.mem[at + right + k * cols + j]
    elif op == OP_COPY:
        n = s.code[i + I_LEN]
        if check_memory(s, p, core, out, out + n - 1) and check_memory(s, p, core, left, left + n - 1):
            for j in range(n):
                s.mem[at + out + j] = s.mem[at + left + j]


@inlined
def change_route(s: State, p: Par, core: int, i: int, t: int) -> bool:
    """Give a colour of this router its new route; False while wavelets on the present one have not left."""
    colour = operand(s, p, core, s.code[i + I_CIN])
    rx, tx = operand(s, p, core, s.code[i + I_X1]), operand(s, p, core, s.code[i + I_X2])
    possible = s.rx[core * p.colours + colour]
    for d in range(5):
        if (possible >> d) & 1:
            b = lane_of(s, p, core, colour, d) * LANE_WORDS
            if s.lane[b + L_DIR] != DIR_NONE and s.lane[b + L_COUNT] > 0:
                return False
    for d in range(5):
        if (possible >> d) & 1:
            lane = lane_of(s, p, core, colour, d)
            b = lane * LANE_WORDS
            out = tx if (rx >> d) & 1 else 0
            s.lane[b + L_OUT] = out
            s.lane[b + L_DIR] = direction_of(out)
            if out and s.lane[b + L_COUNT] > 0 and s.waiting[lane]:
                wake(s, p, lane, max(t, s.when[lane * p.ring + s.lane[b + L_HEAD]]))
    return True


@inlined
def direction_of(out: int) -> int:
    """The direction of a set of one, or the marks for none and many."""
    if out == 0:
        return DIR_NONE
    for d in range(5):
        if out == 1 << d:
            return d
    return DIR_MANY


@inlined
def control(s: State, p: Par, core: int, i: int, t: int) -> int:
    """Instructions without time: the next program counter (in words)."""
    op = s.code[i + I_OP]
    following = i + INSTR_WORDS
    r = core * p.n_regs
    if op == OP_SWAP:
        a, b = r + s.code[i + I_X1], r + s.code[i + I_X2]
        s.regs[a], s.regs[b] = s.regs[b], s.regs[a]
    elif op == OP_INC:
        s.regs[r + s.code[i + I_X1]] += s.code[i + I_X2]
    elif op == OP_FOR:
        n = operand(s, p, core, s.code[i + I_LEN])
        s.loops[core * p.depth + s.code[i + I_X1]] = n
        if n <= 0:
            return int(s.code[i + I_TARGET]) * INSTR_WORDS
    elif op == OP_NEXT:
        level = core * p.depth + s.code[i + I_X1]
        s.loops[level] -= 1
        if s.loops[level] > 0:
            return int(s.code[i + I_TARGET]) * INSTR_WORDS
    return following


@inlined
def advance(s: State, p: Par, core: int, t: int) -> bool:
    """Run a core's program from its program counter up to the next thing that takes time; True: its main slot streams."""
    c = core * CORE_WORDS
    main = p.n_lanes + core * p.slots
    s.glob[G_MOVES] += 1
    s.core[c + C_STATE] = CORE_RUN
    while True:
        i = s.core[c + C_PC] * INSTR_WORDS
        op = s.code[i + I_OP]
        if op == OP_STREAM:
            s.core[c + C_PC] += 1
            how = start_stream(s, p, core, i, t)
            if how != 0:
                return how > 0
        elif op in (OP_WAIT, OP_END):
            if s.core[c + C_ASYNC] > 0:
                s.core[c + C_STATE] = CORE_WAIT
                return False
            if s.core[c + C_ADONE] > t:
                schedule(s, p, main, s.core[c + C_ADONE])
                return False
            if op == OP_END:
                s.core[c + C_STATE] = CORE_END
                s.core[c + C_FINISH] = t
                s.glob[G_DONE] += 1
                return False
            s.core[c + C_PC] += 1
        elif op == OP_ROUTE:
            if not change_route(s, p, core, i, t):
                s.glob[G_MOVES] -= 1
                schedule(s, p, main, t + 1)
                return False
            s.core[c + C_PC] += 1
        elif op in (OP_SWAP, OP_INC, OP_FOR, OP_NEXT):
            s.core[c + C_PC] = control(s, p, core, i, t) // INSTR_WORDS
        else:  # computing and delays
            if p.values:
                act(s, p, core, i)
            s.core[c + C_PC] += 1
            cycles = operand(s, p, core, s.code[i + I_CYCLES])
            if cycles > 0:
                s.core[c + C_STATE] = CORE_COMPUTE if op in (OP_MATMUL, OP_COPY) else CORE_SLEEP
                s.glob[G_SLEEPERS] += 1
                sleep_until(s, core, t + cycles)
                return False
