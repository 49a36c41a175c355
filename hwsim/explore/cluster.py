"""Chunks of a sweep on a Dask cluster: each is a task that returns its shard; this process alone writes, so nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from hwsim import __version__
from hwsim.core.errors import HwsimError
from hwsim.explore.space import Space
from hwsim.explore.store import Store
from hwsim.explore.sweep import evaluate_chunk

CONNECT_S = 5
WORKERS_S = 30
AHEAD = 2


def on_cluster(space: Space, store: Store, todo: Sequence[int], address: str) -> Generator[int, None, None]:
    """Evaluate the chunks `todo` on the workers of the scheduler at `address`; yields the number of each once it is stored.

    A chunk whose worker dies is evaluated by another; at most `AHEAD` chunks for each thread of the cluster wait at a time, so that memory is
    bounded. Raises `HwsimError` when Dask is missing, the scheduler cannot be reached (within `CONNECT_S` seconds) or is lost, no worker shows
    up (within `WORKERS_S` seconds), or a chunk has killed several workers.
    """
    try:
        import distributed  # noqa: PLC0415  (an extra)
        from distributed.client import FutureCancelledError  # noqa: PLC0415
        from distributed.scheduler import KilledWorker  # noqa: PLC0415
    except ImportError:
        raise HwsimError("--scheduler needs Dask: pip install 'hwsim[cluster]'") from None
    dask: Any = distributed
    try:
        client = dask.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as bad:
        raise HwsimError(f"no Dask scheduler answers at '{address}' ({type(bad).__name__}): is it running, and is this tcp://HOST:PORT?") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError:
            raise HwsimError(f"the Dask scheduler at '{address}' has no workers (waited {WORKERS_S} s)") from None
        ahead = max(2, AHEAD * sum(client.nthreads().values()))
        waiting = iter(todo)
        numbers: dict[str, int] = {}

        def submit(number: int) -> Any:
            future = client.submit(_task, space, *store.bounds(number), __version__, key=f"hwsim-{space.key}-{number}", pure=False)
            numbers[future.key] = number
            return future

        try:
            first = [submit(n) for _, n in zip(range(ahead), waiting, strict=False)]
            running = dask.as_completed(first, loop=client.loop)
            first.clear()
            for future in running:
                number, shard = numbers.pop(future.key), future.result()
                store.write(number, shard)
                del future
                if (following := next(waiting, None)) is not None:
                    running.add(submit(following))
                yield number
        except KilledWorker as bad:
            raise HwsimError(f"a chunk was lost with several workers ({bad.task}); finished chunks are kept: run the sweep again to go on") from None
        except (FutureCancelledError, OSError, TimeoutError) as bad:
            why = type(bad).__name__
            raise HwsimError(f"the Dask scheduler at '{address}' was lost ({why}); finished chunks are kept: run the sweep again") from None


def _task(space: Space, start: int, stop: int, version: str) -> bytes:
    """Evaluate one chunk on a worker, on as many threads as it has."""
    from distributed import get_worker  # noqa: PLC0415

    return evaluate_chunk(space, start, stop, int(get_worker().state.nthreads), version)
