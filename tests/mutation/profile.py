"""The conftest.py of the copy that `__main__` tests: the same few examples in every run, and defaults that can be read.

The tests of all mutants run in forks of one process. hypothesis would report that as unhealthy.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from hypothesis import HealthCheck, settings

settings.register_profile(
    "mutation", deadline=None, derandomize=True, max_examples=25, database=None, suppress_health_check=list(HealthCheck)
)

# What stands for a function that has mutants tells no defaults of its arguments; ours are read by name.
_trampoline: Any = import_module("mutmut.mutation.trampoline")  # of the environment of the copy
_wrap = _trampoline.wrap_in_trampoline


def _wrap_with_defaults(*args: Any, **options: Any) -> Any:
    def wrap(function: Any) -> Any:
        wrapped = _wrap(*args, **options)(function)
        wrapped.__kwdefaults__ = function.__kwdefaults__
        return wrapped

    return wrap


_trampoline.wrap_in_trampoline = _wrap_with_defaults
