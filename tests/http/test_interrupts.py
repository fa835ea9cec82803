"""`_http.interrupts`: which exceptions a signal handler of the program has raised, whatever their type."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import pytest

from oauth_cc_auth._http.interrupts import Ignoring, chain, is_interrupt

pytestmark = pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals need the main thread"
)

SIGNAL = signal.SIGINT  # every system has it


def strike(number: int, frame: FrameType | None) -> None:
    """A handler."""
    raise TimeoutError("soft time limit")


class Limit:
    """Handlers of all kinds."""

    def method(self, number: int, frame: FrameType | None) -> None:
        strike(number, frame)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        raise TimeoutError("soft time limit")

    def with_name(self, name: str, number: int, frame: FrameType | None) -> None:
        raise TimeoutError(name)


@pytest.fixture(autouse=True)
def _own_handler() -> Iterator[None]:
    before = signal.getsignal(SIGNAL)
    try:
        yield
    finally:
        signal.signal(SIGNAL, before)


def caught(function: Callable[[], object]) -> BaseException:
    """What `function` raises."""
    try:
        function()
    except BaseException as error:  # noqa: BLE001  # the test looks at it
        return error
    raise AssertionError


def struck() -> BaseException:
    """What a handler raises in the middle of something."""
    return caught(partial(signal.raise_signal, SIGNAL))


HANDLERS = [
    strike,
    lambda *arguments: strike(*arguments),
    Limit().method,
    Limit(),
    partial(Limit().with_name, "limit"),
    partial(partial(Limit())),
]


@pytest.mark.parametrize("handler", HANDLERS, ids=["function", "lambda", "method", "object", "partial", "nested"])
def test_handlers_of_all_kinds(handler: Any) -> None:
    """It is recognised as long as it is installed."""
    signal.signal(SIGNAL, handler)
    error = struck()
    assert is_interrupt(error)
    signal.signal(SIGNAL, signal.SIG_IGN)
    assert not is_interrupt(error)


def test_what_no_handler_raised() -> None:
    """Of the very same types, whatever is installed."""
    signal.signal(SIGNAL, strike)

    def fail() -> None:
        raise TimeoutError

    assert not is_interrupt(caught(fail))
    assert not is_interrupt(TimeoutError())  # never raised


def test_a_handler_without_code() -> None:
    """Written in C; what it raises is a BaseException, which nothing here catches."""
    signal.signal(SIGNAL, signal.default_int_handler)
    assert not is_interrupt(struck())


def test_a_program_that_never_heard_of_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then there are no handlers, and the module is not loaded to find that out."""
    signal.signal(SIGNAL, strike)
    error = struck()
    monkeypatch.delitem(sys.modules, "signal")
    assert not is_interrupt(error)
    assert "signal" not in sys.modules


class Group(Exception):  # noqa: N818  # as ExceptionGroup, which Python 3.10 has not
    def __init__(self, *members: BaseException) -> None:
        super().__init__("several")
        self.exceptions = members


class NoGroup(Exception):  # noqa: N818  # the opposite
    exceptions = 2


def as_cause() -> None:
    raise NoGroup from struck()


def as_context() -> None:
    try:
        signal.raise_signal(SIGNAL)
    except TimeoutError:
        raise ConnectionError("read timed out")  # noqa: B904  # on purpose


def as_hidden_context() -> None:
    try:
        signal.raise_signal(SIGNAL)
    except TimeoutError:
        raise ConnectionError("read timed out") from None


def as_argument() -> None:
    raise ConnectionError("aborted", struck())


def as_reason() -> None:
    error: Any = ConnectionError("aborted")
    error.reason = ConnectionError(struck())
    raise error


def in_a_group() -> None:
    raise Group(ValueError(), Group(struck()))


@pytest.mark.parametrize("wrap", [as_cause, as_context, as_hidden_context, as_argument, as_reason, in_a_group])
def test_inside_of_what_a_library_made_of_it(wrap: Callable[[], None]) -> None:
    """Wherever client libraries keep what they caught."""
    signal.signal(SIGNAL, strike)
    assert is_interrupt(caught(wrap))


def test_a_chain_that_ends_where_it_began() -> None:
    """Each link is seen once."""
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert list(chain(first)) == [first, second]


def test_an_interrupt_that_was_there_before() -> None:
    """What cleans up after a time limit may fail for reasons of its own, and has the limit as a context."""
    signal.signal(SIGNAL, strike)

    def fail() -> None:
        raise ConnectionError

    try:
        signal.raise_signal(SIGNAL)
    except TimeoutError:
        error, another = caught(fail), struck()
        judged = is_interrupt(error), is_interrupt(another), list(chain(error))
    assert isinstance(error.__context__, TimeoutError)
    assert judged == (False, True, [error])


def test_ignoring() -> None:
    """What it is told to ignore, unless a handler raised it."""
    signal.signal(SIGNAL, strike)
    with Ignoring(OSError, ValueError):
        raise ConnectionResetError
    with pytest.raises(KeyError), Ignoring(OSError, ValueError):
        raise KeyError
    with pytest.raises(TimeoutError), Ignoring(Exception):
        signal.raise_signal(SIGNAL)
    with pytest.raises(KeyboardInterrupt), Ignoring(Exception):
        raise KeyboardInterrupt
    with Ignoring(Exception):
        pass
    with suppress(TimeoutError):
        signal.raise_signal(SIGNAL)
