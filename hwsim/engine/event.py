"""The event engine: the same program on SimPy resources, so that queueing and contention emerge from the run."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from hwsim.core.cost import Schedule
from hwsim.core.program import Program, Task

Floats = NDArray[np.float64]


def run(program: Program, values: Floats) -> Schedule:
    """Run every task of the program on SimPy: each resource is a queue served in program order by its servers.

    `values` are slot values (rows, slots); returns the makespan, busy server-cycles per resource, and every task's start and end.
    """
    tasks = list(program.tasks(values))
    environment = simpy.Environment()
    ended = [environment.event() for _ in tasks]
    start = np.zeros(len(tasks))
    end = np.zeros(len(tasks))
    busy = dict.fromkeys(program.resources, 0.0)

    def serve(queue: deque[tuple[int, Task]]) -> Generator[Any, Any, None]:
        while queue:
            index, task = queue.popleft()
            waiting = [ended[t] for t in task.after if not ended[t].processed]
            if waiting:
                yield environment.all_of(waiting)
            start[index] = environment.now
            yield environment.timeout(task.cycles)
            end[index] = environment.now
            busy[task.resource] += task.cycles
            ended[index].succeed()

    for name, servers in program.resources.items():
        queue = deque((i, t) for i, t in enumerate(tasks) if t.resource == name)
        for _ in range(servers):
            environment.process(serve(queue))
    environment.run()
    return Schedule(float(end.max(initial=0.0)), busy, start, end)
