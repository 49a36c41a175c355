"""Scoring: every case against the models, in the open; nothing is dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError, InvalidCase, nearest
from hwsim.validate.cases import Case, CaseFile, published, read_cases, select
from hwsim.validate.run import Runner

__all__ = ["Validation", "score", "validate"]

SCHEMA, ACCURACY_SCHEMA = "hwsim.validation/1", "hwsim.accuracy/1"
ROLES = ("calibrate", "predict")
Progress = Callable[[int, int], None]
Floats = NDArray[np.float64]

EXACT = 1e-4  # a mean error that is none: figures given back


@dataclass(frozen=True)
class Result:
    """What became of one case: `got` is the models' figure, or None with the reason in `refused`."""

    case: Case
    target: str
    path: Path
    got: float | None
    refused: str | None = None

    @property
    def error(self) -> float | None:
        """Signed relative error, (got - expected) / expected; None when refused."""
        return None if self.got is None else (self.got - self.case.value) / self.case.value

    @property
    def within(self) -> bool:
        """True when the case ran and its error is within its tolerance."""
        return self.error is not None and abs(self.error) <= self.case.tolerance

    def to_dict(self) -> dict[str, Any]:
        """Return the case as ``hwsim.validation/1`` lists it."""
        case = self.case
        return {
            "id": case.id, "group": case.group, "target": self.target, "metric": case.metric, "expected": case.value, "got": self.got,
            "error": self.error, "tolerance": case.tolerance, "role": case.role, "kind": case.kind, "refused": self.refused,
        }  # fmt: skip


@dataclass(frozen=True)
class Score:
    """The figures of one set of cases: `n` that ran, `refused` that did not.

    Over those that ran: mean and worst absolute error, mean signed error, rank correlation of got with expected (None below three cases or when
    either is constant), and the share within tolerance.
    """

    n: int
    refused: int
    mape: float | None
    worst: float | None
    bias: float | None
    spearman: float | None
    within_tolerance: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the score as ``hwsim.validation/1`` states it."""
        return {
            "n": self.n, "mape": self.mape, "worst": self.worst, "bias": self.bias, "spearman": self.spearman,
            "within_tolerance": self.within_tolerance,
        }  # fmt: skip


def score(results: Iterable[Result]) -> Score:
    """Score a set of results. O(n log n).

    >>> from hwsim.validate.score import validate
    >>> round(score(validate("spiking").results).n) > 3
    True
    """
    results = list(results)
    ran = [r for r in results if r.error is not None]
    if not ran:
        return Score(0, len(results), None, None, None, None, None)
    errors = np.array([r.error for r in ran], dtype=np.float64)
    return Score(
        n=len(ran),
        refused=len(results) - len(ran),
        mape=float(np.abs(errors).mean()),
        worst=float(np.abs(errors).max()),
        bias=float(errors.mean()),
        spearman=spearman([r.case.value for r in ran], [float(r.got or 0.0) for r in ran]),
        within_tolerance=sum(r.within for r in ran) / len(ran),
    )


def ranks(values: Sequence[float]) -> Floats:
    """Return 1-based ranks; equal values share the mean of their ranks.

    >>> ranks([10.0, 30.0, 30.0, 20.0]).tolist()
    [1.0, 3.5, 3.5, 2.0]
    """
    _, inverse, counts = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: Floats = (last - (counts - 1) / 2)[inverse]
    return mean


def spearman(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation (Pearson's of the ranks), None below three pairs or when either side is constant.

    >>> spearman([1.0, 2.0, 3.0], [10.0, 200.0, 3000.0])
    1.0
    """
    if len(x) < 3:
        return None
    a, b = ranks(x), ranks(y)
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread else None


@dataclass(frozen=True)
class Validation:
    """All results of one validation, and their scores."""

    results: tuple[Result, ...]

    @cached_property
    def groups(self) -> dict[str, Score]:
        """Score per ``<target>/<group>``, all roles together."""
        return self._by(lambda r: f"{r.target}/{r.case.group}", self.results)

    @cached_property
    def targets(self) -> dict[str, Score]:
        """Score per target, all roles together."""
        return self._by(lambda r: r.target, self.results)

    @cached_property
    def roles(self) -> dict[str, dict[str, Score]]:
        """Score per target (and per ``<target>/<group>``), then per role; a role without cases is left out."""
        found: dict[str, dict[str, Score]] = {}
        for role in ROLES:
            mine = [r for r in self.results if r.case.role == role]
            for name, value in {**self._by(lambda r: r.target, mine), **self._by(lambda r: f"{r.target}/{r.case.group}", mine)}.items():
                found.setdefault(name, {})[role] = value
        return found

    def ratio(self, name: str) -> float | None:
        """Return mean error of the predicted cases over that of the calibrated ones, of a target or group.

        None when either is missing, or the latter below `EXACT`.
        """
        parts = self.roles.get(name, {})
        predict, calibrate = (parts[r].mape if r in parts else None for r in ("predict", "calibrate"))
        return predict / calibrate if predict is not None and calibrate is not None and calibrate > EXACT else None

    @property
    def refused(self) -> tuple[Result, ...]:
        """The cases that could not run."""
        return tuple(r for r in self.results if r.refused is not None)

    def accuracy(self, chip: str) -> dict[str, Any]:
        """Return the accuracy of one chip, per metric, over its own cases of all roles, in the form ``hwsim.accuracy/1``.

        Ratios to another chip or mapping are left out: their error is not this chip's alone.
        """
        own = [r for r in self.results if r.case.chip == chip and r.got is not None and r.case.relative_to is None]
        mine = self._by(lambda r: r.case.metric, own)
        metrics = {m: {"n": s.n, "mape": round(s.mape or 0.0, 6), "worst": round(s.worst or 0.0, 6)} for m, s in sorted(mine.items())}
        return {"schema": ACCURACY_SCHEMA, "metrics": metrics}

    def to_dict(self) -> dict[str, Any]:
        """Return the validation in the form ``hwsim.validation/1``."""
        return {"schema": SCHEMA, "groups": {k: s.to_dict() for k, s in self.groups.items()}, "cases": [r.to_dict() for r in self.results]}

    @staticmethod
    def _by(name: Callable[[Result], str], results: Iterable[Result]) -> dict[str, Score]:
        parts: dict[str, list[Result]] = {}
        for result in results:
            parts.setdefault(name(result), []).append(result)
        return {key: score(part) for key, part in parts.items()}


def validate(
    target: str | None = None, cases: Iterable[str | Path] | None = None, *, groups: Iterable[str] = ("*",), progress: Progress | None = None
) -> Validation:
    """Run cases and score them: those in the files `cases`, or else all published ones; of one `target` only, if given.

    `groups` are patterns, of which a case's group must match one (``"block_*"``; ``"!block_*"`` stands for all others).
    `progress(done, total)` is called after each case. A case that cannot run is listed with the reason.
    Raises `InvalidCase` for a malformed case file or when there is no case at all.

    >>> validate("wafer_mesh").groups["wafer_mesh/meshgemv"].within_tolerance > 0.9
    True
    """
    files = published() if cases is None else tuple(read_cases(p) for p in cases)
    patterns = tuple(groups)
    chosen = [(file, case) for file in select(files, target) for case in file.cases if _wanted(case.group, patterns)]
    if not chosen:
        known = sorted({case.group for file in select(files, target) for case in file.cases})
        raise InvalidCase(f"no group matches {', '.join(patterns)}{nearest(patterns[0], known) if patterns else ''}; there are {', '.join(known)}")
    runner = Runner()
    results = []
    for done, (file, case) in enumerate(chosen, start=1):
        results.append(_run(runner, file, case))
        if progress is not None:
            progress(done, len(chosen))
    return Validation(tuple(results))


def _wanted(group: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(group, p[1:]) != p.startswith("!") if p.startswith("!") else fnmatchcase(group, p) for p in patterns)


def _run(runner: Runner, file: CaseFile, case: Case) -> Result:
    try:
        return Result(case, file.target, file.path, runner.got(case, file.path.parent))
    except HwsimError as refusal:
        return Result(case, file.target, file.path, None, str(refusal))
