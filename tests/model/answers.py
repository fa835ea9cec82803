"""What a token endpoint may answer, and what each answer means to the promises."""

from __future__ import annotations

from typing import NamedTuple

from oauth_cc_auth._protocol.exchange import Reply, TokenResponse, TransportFailure

DEADLINE = 30.0  # seconds, of each caller

LIVES = (0, 2, 20, 100, 3600, None)  # seconds; None: the server names no lifetime


class Answer(NamedTuple):
    """An answer to a token request.

    Attributes:
        wire: What the driver hands to the flow.
        is_token: It brings a token.
        is_final: The endpoint rejects for good: no retry will mend it.
        retry_after: Seconds that the endpoint asks for, or None.
    """

    wire: Reply
    is_token: bool = False
    is_final: bool = False
    retry_after: float | None = None


def token(life: float | None, text: str = "abc") -> Answer:
    """A token that lives `life` seconds. In one process all are equal strings, because only the object may count."""
    expiry = "null" if life is None else str(life)
    body = f'{{"access_token": "{text}", "expires_in": {expiry}}}'
    return Answer(TokenResponse(200, {}, body.encode()), is_token=True)


def busy(seconds: int) -> Answer:
    """A rate limit that asks to wait for `seconds`."""
    return Answer(TokenResponse(429, {"retry-after": str(seconds)}, b""), retry_after=seconds)


DROPPED = Answer(TransportFailure("dropped"))
UNAVAILABLE = Answer(TokenResponse(503, {}, b""))
NEVER = Answer(TokenResponse(400, {}, b'{"error": "invalid_scope"}'), is_final=True)

FAILURES = (DROPPED, UNAVAILABLE, NEVER, NEVER, NEVER, busy(2), busy(45), busy(90), busy(7200))
