"""`_core.clock`: time and chance."""

from __future__ import annotations

import asyncio
import time

import pytest
import trio

from oauth_cc_auth._core.clock import Clock


def test_readings() -> None:
    """The first measures age, the second waiting."""
    clock = Clock()
    before = (time.time(), time.monotonic())
    now = (clock.wall(), clock.monotonic())
    after = (time.time(), time.monotonic())
    assert all(earlier <= reading <= later for earlier, reading, later in zip(before, now, after, strict=True))


def test_sleeping_takes_time() -> None:
    """The real clock really sleeps."""
    before = time.monotonic()
    Clock().sleep(0.01)
    assert time.monotonic() - before >= 0.009


@pytest.mark.parametrize("run", [asyncio.run, lambda coroutine: trio.run(lambda: coroutine)], ids=["asyncio", "trio"])
def test_sleeping_in_an_event_loop(run: object) -> None:
    """In either loop."""
    assert callable(run)
    before = time.monotonic()
    run(Clock().asleep(0.01))
    assert time.monotonic() - before >= 0.009


def test_chance() -> None:
    """Numbers in [0, 1) that differ: processes must not renew in step."""
    draws = [Clock().chance() for _ in range(100)]
    assert all(0 <= draw < 1 for draw in draws)
    assert len(set(draws)) > 90
