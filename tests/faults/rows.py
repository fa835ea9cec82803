"""One row of a table of faults."""

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
    """What the token endpoint does to every token request, and what comes of it.

    Attributes:
        name: What is wrong, in a few words.
        does: How it answers.
        ends_in: Kind of error that the API request ends in, or kinds where the client libraries differ; None: it has a
            token all the same.
        attempts: How many token requests that takes, or may take where libraries differ.
        told: What the message says among other things.
        reads_first: It waits for a request before it does anything.
        listens: Connections are accepted.
        may_be_large: More than 32 MiB could be read or inflated, so that memory is measured.
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
    """What the API does to a request, and what comes of it.

    Attributes:
        name: What is wrong, in a few words.
        does: How it answers to the first token. With another token the answer is 200.
        status: What the person sees; None: an exception of the client library's own.
        tokens: How many tokens are fetched.
        sent: How often the request is on the wire.
        always: It answers so to every token.
        listens, may_be_large: As above.
    """

    name: str
    does: Talk
    status: int | None
    tokens: int = 1
    sent: int = 1
    always: bool = False
    listens: bool = True
    may_be_large: bool = False
