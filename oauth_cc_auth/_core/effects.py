"""What a flow wants done. The one law: a flow only says it; a driver does it, and sends back the outcome."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from oauth_cc_auth._protocol.exchange import TokenRequest
from oauth_cc_auth._record import Record

from .flight import Flight


class CallFunction(Record):
    """Call a person's `function`, which may block and may raise; send back its result or a `Raised`.

    Attributes:
        function: Takes no arguments.
        budget: Seconds after which an event loop stops waiting for it; a thread cannot.
    """

    __slots__ = ("budget", "function")

    def __init__(self, function: Callable[[], Any], budget: float) -> None:
        self.function = function
        self.budget = budget

    def __repr__(self) -> str:
        return f"CallFunction(budget={self.budget})"  # a partial shows its arguments


class AskStore(CallFunction):
    """Call a function of a store, in a thread that no one waits for any longer than `budget`, blocking code neither.

    Send back its result or a `Raised`.

    Attributes:
        spent: Seconds of the budget that it took, once it is done.
    """

    __slots__ = ("spent",)

    def __init__(self, function: Callable[[], Any], budget: float) -> None:
        super().__init__(function, budget)
        self.spent = 0.0


class Raised(Record):
    """A person's function raised, or did not return in time. `text` says so, and repeats nothing of what it raised."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Send(Record):
    """Send a token request; send back a `TokenResponse` or a `TransportFailure`.

    Attributes:
        request: What to send.
        budget: Seconds after which to give up, whatever the server does.
    """

    __slots__ = ("budget", "request")

    def __init__(self, request: TokenRequest, budget: float) -> None:
        self.request = request
        self.budget = budget


class Wait(Record):
    """Wait until `flight` is settled, for at most `seconds`; the flight holds the outcome."""

    __slots__ = ("flight", "seconds")

    def __init__(self, flight: Flight, seconds: float) -> None:
        self.flight = flight
        self.seconds = seconds


class Sleep(Record):
    """Sleep for `seconds`."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Detach(Record):
    """Run `flow`, which leads `flight`, without waiting for it; send back True once it has begun."""

    __slots__ = ("flight", "flow")

    def __init__(self, flight: Flight, flow: Generator[Any, Any, Any]) -> None:
        self.flight = flight
        self.flow = flow


Effect = CallFunction | Send | Wait | Sleep | Detach
