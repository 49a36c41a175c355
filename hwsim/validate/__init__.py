"""Validation: published cases against the models.

The package bears the name of its verb. Importing any of its modules binds ``hwsim.validate`` to the package, so the package itself can be called:
``hwsim.validate(...)`` is `hwsim.validate.score.validate` whatever was imported before.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Verb(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        from hwsim.validate.score import validate  # noqa: PLC0415  (the models are loaded only when asked for)

        return validate(*args, **options)


sys.modules[__name__].__class__ = _Verb
