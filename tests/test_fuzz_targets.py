"""Every parser with inputs from hypothesis raises only our own errors, and they contain no secret.

The inputs are the same in every run. `python3 -m tests.fuzz` keeps searching.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz.inputs import BETWEEN, ECHO, PASSWORD, WORDS
from tests.fuzz.targets import TARGETS, hide

INPUTS = st.binary() | st.lists(st.sampled_from(WORDS) | st.binary(max_size=8), max_size=12).map(b"".join)


@pytest.mark.parametrize("name", TARGETS)
@settings(derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@example(b"")
@example(BETWEEN * 40)
@example(ECHO.encode() * 40)
@example(BETWEEN.join([ECHO.encode()] * 40))
@example(b'error="a\\"b {quoted echo}"')
@given(INPUTS)
def test_nothing_breaks_a_promise(name: str, data: bytes) -> None:
    """A target raises if a promise is broken."""
    TARGETS[name](data)


def test_a_broken_promise_would_be_seen() -> None:
    """The check behind all targets can fail."""
    with pytest.raises(AssertionError, match="the secret is shown"):
        hide(f"it is {PASSWORD}")
