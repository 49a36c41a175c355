"""The optuna side of a search: samplers, whole populations asked and told, and a journal on disk from which a search goes on after a kill.

A population is asked of a sampler whose seed follows from the search's seed and the population's number, and which sees only the populations before
it. So a search is the same whether it ran through or was stopped and resumed, and a longer search begins with the shorter one.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from hwsim.core.errors import HwsimError, nearest

POPULATIONS = {"nsga2": 48, "nsga3": 48, "tpe": 12, "gp": 1}
STUDY = "hwsim"
SNAPSHOT = "hwsim:after:"


def load_optuna() -> ModuleType:
    """Import optuna. Raises `HwsimError`, naming the extra, when it is not installed."""
    try:
        import optuna  # noqa: PLC0415  (an extra)
    except ImportError:
        raise HwsimError("a search needs optuna: pip install 'hwsim[search]'") from None
    found: ModuleType = optuna
    return found


def check_sampler(name: str) -> None:
    """Raise `HwsimError` for an unknown sampler, and for gp without PyTorch."""
    if name not in POPULATIONS:
        raise HwsimError(f"there is no sampler '{name}'{nearest(name, POPULATIONS)}; there are {', '.join(POPULATIONS)}")
    if name == "gp" and importlib.util.find_spec("torch") is None:
        raise HwsimError("the sampler gp needs PyTorch, which hwsim does not install: pip install torch, or take the sampler tpe")


def sampler_of(name: str, population: int, seed: int, number: int) -> Any:
    """Return the sampler of population `number` of a search with this seed."""
    samplers = load_optuna().samplers
    own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    if name == "nsga2":
        return samplers.NSGAIISampler(population_size=population, seed=own)
    if name == "nsga3":
        return samplers.NSGAIIISampler(population_size=population, seed=own)
    if name == "tpe":
        return samplers.TPESampler(n_startup_trials=max(24, population), seed=own)
    return samplers.GPSampler(n_startup_trials=max(12, population), seed=own)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep optuna's log lines and its remarks about new features away from the user, and leave its settings as they were."""
    optuna = load_optuna()
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


class _NoLock:
    """The journal's lock: the results folder is locked as a whole, and a lock file would outlive a killed run."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return None


class Population:
    """A study in memory beside its journal on disk; asks one population at a time.

    `directions` are optuna's, one for each objective; `dimensions` the distributions by parameter.
    """

    def __init__(self, path: Path, directions: Sequence[str], dimensions: Mapping[str, Any], sampler: str, size: int, seed: int) -> None:
        self.optuna = load_optuna()
        self.dimensions, self.sampler, self.size, self.seed = dict(dimensions), sampler, size, seed
        journal = self.optuna.storages.journal
        mend(path)
        self.disk = self.optuna.storages.JournalStorage(journal.JournalFileBackend(str(path), lock_obj=_NoLock()))
        self.record = self.optuna.create_study(storage=self.disk, study_name=STUDY, directions=directions, load_if_exists=True)
        self.memory = self.optuna.storages.InMemoryStorage()
        self.study = self.optuna.create_study(storage=self.memory, study_name=STUDY, directions=directions)
        self.stored = self.record.get_trials(deepcopy=False)
        self.done = len(self.stored) // size
        self._restore()

    def _restore(self) -> None:
        """Bring the whole populations of the journal, and the sampler's notes after the last of them, into memory."""
        self.study.add_trials(self.stored[: self.done * self.size])
        kept = self.disk.get_study_system_attrs(self.disk.get_study_id_from_name(STUDY))
        for key, value in kept.get(f"{SNAPSHOT}{self.done - 1}", {}).items():
            self.memory.set_study_system_attr(self.memory.get_study_id_from_name(STUDY), key, value)

    def ask(self, count: int) -> list[Any]:
        """Return the next `count` trials; `params` of each holds a value for every dimension.

        Raises `HwsimError` when they are not those that the journal holds for a population that was not finished.
        """
        self.study.sampler = sampler_of(self.sampler, self.size, self.seed, self.done)
        asked = [self.study.ask(self.dimensions) for _ in range(count)]
        for trial, old in zip(asked, self.stored[self.done * self.size :], strict=False):
            if trial.params != old.params:
                raise HwsimError("the journal of this search was written by another version of optuna or NumPy: search in a new folder")
        return asked

    def tell(self, asked: Sequence[Any], values: Sequence[Sequence[float]], violations: Sequence[float], notes: Sequence[Mapping[str, Any]]) -> None:
        """Tell the sampler what became of the trials asked (a violation above zero: not feasible), and write them to the journal."""
        for trial, figures, violation, note in zip(asked, values, violations, notes, strict=True):
            trial.set_constraint("feasible", violation)
            for key, value in note.items():
                trial.set_user_attr(key, value)
            self.study.tell(trial, list(figures))
        attributes = dict(self.memory.get_study_system_attrs(self.memory.get_study_id_from_name(STUDY)))
        self.disk.set_study_system_attr(self.disk.get_study_id_from_name(STUDY), f"{SNAPSHOT}{self.done}", attributes)
        told = self.study.get_trials(deepcopy=False)[self.done * self.size :]
        self.record.add_trials(told[len(self.stored[self.done * self.size :]) :])
        self.stored = self.record.get_trials(deepcopy=False)
        self.done = len(self.stored) // self.size

    def worst(self) -> list[float]:
        """Return the worst feasible value of each objective so far; 0 where there is none."""
        feasible = [t.values for t in self.study.get_trials(deepcopy=False) if t.values and not any(v > 0 for v in t.constraints.values())]
        if not feasible:
            return [0.0] * len(self.study.directions)
        table = np.array(feasible)
        large = [d == self.optuna.study.StudyDirection.MAXIMIZE for d in self.study.directions]
        return [float(low if up else high) for up, low, high in zip(large, table.min(axis=0), table.max(axis=0), strict=True)]


def mend(path: Path) -> None:
    """Cut off a last line that a killed run did not finish."""
    if not path.is_file():
        return
    with path.open("rb+") as file:
        text = file.read()
        if text and not text.endswith(b"\n"):
            file.truncate(text.rfind(b"\n") + 1)
