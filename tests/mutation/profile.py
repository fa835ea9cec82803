"""The conftest.py of the copy that `__main__` tests: the same few examples in every run.

The tests of all mutants run in forks of one process. hypothesis would report that as unhealthy.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "mutation", deadline=None, derandomize=True, max_examples=25, database=None, suppress_health_check=list(HealthCheck)
)
