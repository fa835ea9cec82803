"""For the runs of `__main__`, as the conftest.py of the copy: the same few examples each time.

The tests of one mutant after the other run in forks of one process, which hypothesis would otherwise find unhealthy.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "mutation", deadline=None, derandomize=True, max_examples=25, database=None, suppress_health_check=list(HealthCheck)
)
