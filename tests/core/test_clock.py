"""`_core.clock`: time and chance."""

from __future__ import annotations

import asyncio
import time

import pytest
import trio

from oauth_cc_auth._core.clock import Clock, Moment


def test_readings() -> None:
    """The first measures age, the second waiting."""
    clock = Clock()
    before = (time.time(), time.monotonic())
    now = (clock.wall(), clock.monotonic())
    after = (time.time(), time.monotonic())
    assert all(earlier <= reading <= later for earlier, reading, later in zip(before, now, after, strict=True))


def test_the_functions_of_time_are_looked_up_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others replace them to stop or move time."""
    clock = Clock()
    monkeypatch.setattr(time, "time", lambda: 17.0)
    monkeypatch.setattr(time, "monotonic", lambda: 4.0)
    assert (clock.wall(), clock.monotonic(), clock.moment()) == (17.0, 4.0, Moment(17.0, 4.0))
    assert (clock.readings.time(), clock.readings.monotonic()) == (17.0, 4.0)


def test_sleep_is_looked_up_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the same reason."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    Clock().sleep(3600.0)
    assert slept == [3600.0]


def test_a_moment_has_come_as_soon_as_one_clock_says_so() -> None:
    """The other may have been set back, or stand still in suspend."""
    mark = Moment(1000.0, 50.0).after(10)
    for wall, monotonic, left in (
        (1009, 59, 1),
        (1010, 55, 0),
        (0, 60, 0),
        (1005, 59, 1),
        (0, 0, 60),
        (5000, 0, -3990),
    ):
        moment = Moment(wall, monotonic)
        assert moment.seconds_to(mark) == left
        assert moment.has_reached(mark) == (left <= 0)


def test_a_moment_after_the_wall_clock_was_set_back() -> None:
    """It is as long ago as the monotonic clock says. Any other step is left alone: older is safe."""
    sent = Moment(1000.0, 50.0)
    assert sent.seen_from(Moment(1002.0, 52.0)) is sent
    assert sent.seen_from(Moment(9000.0, 52.0)) is sent
    assert sent.seen_from(Moment(602.0, 52.0)) == Moment(600.0, 50.0)
    assert sent.seen_from(Moment(602.0, 0.0)) == Moment(602.0, 50.0)  # a clock that was stopped goes again


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
