"""The rows of the tables of faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from oauth_cc_auth import InvalidTokenResponse, TokenEndpointError, TokenEndpointUnreachable, TokenError
from tests.contract.raw_endpoint import Talk

REFUSED = TokenEndpointError
UNREACHABLE = TokenEndpointUnreachable
INVALID = InvalidTokenResponse
EITHER = (UNREACHABLE, INVALID)

# One attempt and no time for a second one.
IMPATIENT: dict[str, Any] = {"timeout": 0.1, "deadline": 0.1, "client_authentication": "client_secret_basic"}


@dataclass(frozen=True)
class Fault:
    """What the token endpoint does to every token request, and the result.

    Attributes:
        name: The fault in a few words.
        does: How the endpoint answers.
        ends_in: The error of the API request, or several if the client libraries differ. None: it gets a token anyway.
        attempts: The number of token requests, or the maximum if libraries differ.
        told: A part of the message.
        reads_first: The endpoint reads a request before it does anything.
        listens: The endpoint accepts connections.
        may_be_large: The answer could exceed 32 MiB, read or inflated, so the test measures memory.
        settings: Arguments of the auth object.
    """

    name: str
    does: Talk
    ends_in: type[TokenError] | tuple[type[TokenError], ...] | None
    attempts: int = 1
    told: str = ""
    reads_first: bool = True
    listens: bool = True
    may_be_large: bool = False
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ApiFault:
    """What the API does to a request, and the result.

    Attributes:
        name: The fault in a few words.
        does: How the API answers to the first token. With another token, it answers 200.
        status: The status for the caller. None: an exception of the client library.
        tokens: The number of tokens fetched.
        sent: How often the request is on the wire.
        always: The API answers every token like this.
        listens, may_be_large: As in `Fault`.
    """

    name: str
    does: Talk
    status: int | None
    tokens: int = 1
    sent: int = 1
    always: bool = False
    listens: bool = True
    may_be_large: bool = False
