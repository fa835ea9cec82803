"""What a flow wants done. A driver does it, in a thread or in an event loop, and sends back the outcome."""

# Not `from __future__ import annotations`: NamedTuple would compile each of these strings when it is imported.
from collections.abc import Callable
from typing import Any, NamedTuple

from ._flight import Flight
from ._wire import TokenRequest


class Call(NamedTuple):
    """Run a person's `function`, which may block and may raise; send back its result or a `Raised`.

    Attributes:
        function: Takes no arguments.
        budget: Seconds after which an event loop stops waiting for it; a thread cannot.
    """

    function: Callable[[], Any]
    budget: float


class Raised(NamedTuple):
    """A person's callable raised, or did not return in time; `text` says what, without any words of its own."""

    text: str


class Send(NamedTuple):
    """Send a token request; send back a `TokenResponse` or a `TransportFailure`.

    Attributes:
        request: What to send.
        budget: Seconds after which to give up, whatever the server does.
    """

    request: TokenRequest
    budget: float


class Wait(NamedTuple):
    """Wait until `flight` is settled, at most `seconds`; the outcome is in the flight."""

    flight: Flight
    seconds: float


class Sleep(NamedTuple):
    """Sleep for `seconds`."""

    seconds: float


Effect = Call | Send | Wait | Sleep
