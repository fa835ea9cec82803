"""`_core.back_off`: waiting longer each time."""

from __future__ import annotations

import pytest

from oauth_cc_auth._core.back_off import back_off


@pytest.mark.parametrize(("before", "seconds"), [(0, 1), (1, 2), (2, 4), (5, 32), (6, 60), (7, 60), (100_000, 60)])
def test_it_doubles_up_to_a_minute(before: int, seconds: float) -> None:
    """However many waits there were."""
    assert back_off(before) == seconds


@pytest.mark.parametrize(("before", "seconds"), [(0, 0.5), (1, 1), (2, 2), (7, 60)])
def test_it_may_begin_with_something_else(before: int, seconds: float) -> None:
    """Retries of a token request begin with half a second."""
    assert back_off(before, 0.5) == seconds
