"""Evaluate a whole space into a results folder: chunk by chunk, resumable, on threads, processes or a Dask cluster, with the same bytes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from hwsim import __version__
from hwsim.core.errors import HwsimError
from hwsim.explore.evaluate import Evaluator
from hwsim.explore.space import InvalidSpace, Space, load_space
from hwsim.explore.store import Store, SweepResults, load_results, locked, open_store, shard_bytes

__all__ = ["Sweep", "sweep"]

CHUNK, SMALLEST, EVENT_CHUNK = 65536, 256, 16
GROUPS = 1024
MOST_POINTS = 10**12
Progress = Callable[[int, int, int], None]
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Sweep:
    """A finished sweep: where its results are, how many points it has, how many of them this run evaluated, and in how many seconds."""

    folder: Path
    points: int
    evaluated: int
    seconds: float

    @property
    def results(self) -> SweepResults:
        """The rows."""
        return load_results(self.folder)

    @property
    def points_per_s(self) -> float:
        """Points that this run evaluated and stored per second."""
        return self.evaluated / self.seconds if self.seconds else 0.0


def sweep(
    space: str | Path | Mapping[str, Any] | Space,
    out: str | Path,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    chunk: int | None = None,
) -> Sweep:
    """Evaluate every point of a space and keep the rows in the folder `out`, where chunks that are finished already are skipped.

    `jobs` is the number of threads (fidelity analytic) or processes (event), all cores when None; `scheduler` the address of a Dask scheduler
    whose workers evaluate instead. `progress(done, total, before)` is called after every chunk with numbers of points; `before` were there when
    this run began. `chunk` sets the points per shard of a new folder. Memory is bounded by the chunk; rows do not depend on workers or chunks.

    Raises `InvalidSpace`; `StoreError` for a folder of another space, or one that cannot be written; `HwsimError` for a cluster out of reach.

    >>> made = sweep("space.yaml", "results")                                                                       # doctest: +SKIP
    >>> made.results.relation.filter("status = 'ok'").order("latency_s").limit(1)                                   # doctest: +SKIP
    """
    chosen = load_space(space)
    if not 0 < len(chosen) <= MOST_POINTS:
        raise InvalidSpace(f"a space of {len(chosen):,} points: 1 to {MOST_POINTS:,} can be swept (sampling: random draws points from a grid)")
    if jobs is not None and jobs < 1:
        raise HwsimError(f"jobs is the number of workers, at least 1, got {jobs}")
    if chunk is not None and chunk < 1:
        raise HwsimError(f"chunk is a number of points, at least 1, got {chunk}")
    with locked(out):
        store = open_store(out, chosen, chunk or chunk_size(chosen))
        finished = store.finished()
        todo = [n for n in range(store.chunks) if n not in finished]
        before = done = sum(stop - start for start, stop in map(store.bounds, finished))
        began = time.perf_counter()
        report = progress or (lambda done, total, before: None)
        report(done, len(chosen), before)
        with closing(_run(chosen, store, todo, jobs, scheduler)) as running:
            for number in running:
                start, stop = store.bounds(number)
                done += stop - start
                report(done, len(chosen), before)
    return Sweep(store.folder, len(chosen), done - before, time.perf_counter() - began)


def chunk_size(space: Space) -> int:
    """Points per shard: as many as bounded memory allows, fewer where each needs a mapping of its own or an event simulation."""
    if space.fidelity == "event":
        return EVENT_CHUNK
    return max(SMALLEST, min(CHUNK, int(GROUPS * Evaluator(space).points_per_group())))


def _run(space: Space, store: Store, todo: list[int], jobs: int | None, scheduler: str | None) -> Generator[int, None, None]:
    """Evaluate and write the chunks `todo`; yields the number of each once it is stored."""
    if not todo:
        return
    if scheduler is not None:
        from hwsim.explore.cluster import on_cluster  # noqa: PLC0415  (an extra)

        yield from on_cluster(space, store, todo, scheduler)
    elif space.fidelity == "event":
        yield from _in_processes(space, store, todo, jobs)
    else:
        yield from _in_threads(space, store, todo, jobs)


def _in_threads(space: Space, store: Store, todo: Iterable[int], jobs: int | None) -> Generator[int, None, None]:
    """One chunk after another on the parallel loop; the last one is written meanwhile."""
    evaluator = Evaluator(space)

    def save(number: int, found: Any, start: int) -> int:
        store.write(number, shard_bytes(space, found, start))
        return number

    with threads(jobs), ThreadPoolExecutor(1) as writer:
        writing: Future[int] | None = None
        for number in todo:
            start, stop = store.bounds(number)
            found = evaluator.evaluate(space.batch(start, stop))
            if writing is not None:
                yield writing.result()
            writing = writer.submit(save, number, found, start)
        if writing is not None:
            yield writing.result()


def _in_processes(space: Space, store: Store, todo: list[int], jobs: int | None) -> Generator[int, None, None]:
    """Chunks on worker processes, each on one thread; this process writes."""
    if jobs == 1 or len(todo) == 1:
        for number in todo:
            store.write(number, evaluate_chunk(space, *store.bounds(number), 1))
            yield number
        return
    import joblib  # noqa: PLC0415  (only when processes are started)
    from joblib.externals.loky.process_executor import BrokenProcessPool  # noqa: PLC0415

    processes: Any = joblib
    work = (processes.delayed(_numbered)(n, space, *store.bounds(n)) for n in todo)
    pool = processes.Parallel(n_jobs=jobs or -1, backend="loky", return_as="generator_unordered", pre_dispatch="2*n_jobs")
    try:
        for number, shard in pool(work):
            store.write(number, shard)
            yield number
    except BrokenProcessPool:
        raise HwsimError("a worker process died (killed, or out of memory); finished chunks are kept: run the sweep again to go on") from None


def _numbered(number: int, space: Space, start: int, stop: int) -> tuple[int, bytes]:
    return number, evaluate_chunk(space, start, stop, 1)


@lru_cache(maxsize=2)
def _evaluator(key: str, space: Space) -> Evaluator:
    return Evaluator(space)


_SPACES: dict[str, Space] = {}


def evaluate_chunk(space: Space, start: int, stop: int, workers: int, version: str = __version__) -> bytes:
    """Evaluate points start .. stop - 1 on `workers` threads; returns their Parquet shard. What a worker process or a cluster's task runs.

    Raises `HwsimError` when the worker runs another version of hwsim.
    """
    if version != __version__:
        raise HwsimError(f"a worker runs hwsim {__version__}, the sweep hwsim {version}")
    with _ONE_AT_A_TIME, threads(workers):
        if space.key not in _SPACES:
            _SPACES.clear()
            _SPACES[space.key] = space
        kept = _SPACES[space.key]
        return shard_bytes(kept, _evaluator(kept.key, kept).evaluate(kept.batch(start, stop)), start)


@lru_cache(maxsize=1)
def _start_threads() -> None:
    """Start Numba's threads, once, such that those that wait sleep: by default OpenMP's spin, which costs the thread that writes a third of its time.

    A policy that the environment states is kept.
    """
    import numba  # noqa: PLC0415

    stated = os.environ.get("OMP_WAIT_POLICY")
    os.environ["OMP_WAIT_POLICY"] = stated or "PASSIVE"
    try:
        numba.get_num_threads()  # loads the threading layer, which reads the policy
    finally:
        if stated is None:
            del os.environ["OMP_WAIT_POLICY"]


class threads:  # noqa: N801  (a context manager, used like a function)
    """Run the parallel loop on so many threads (all that there are when None) inside the block."""

    def __init__(self, wanted: int | None) -> None:
        self.wanted = wanted

    def __enter__(self) -> None:
        import numba  # noqa: PLC0415

        _start_threads()
        self.before = numba.get_num_threads()
        most = int(vars(numba.config)["NUMBA_NUM_THREADS"])
        numba.set_num_threads(min(self.wanted or most, most))

    def __exit__(self, *error: object) -> None:
        import numba  # noqa: PLC0415

        numba.set_num_threads(self.before)
