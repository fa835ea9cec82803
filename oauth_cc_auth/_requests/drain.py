"""Reading the body of a refused answer in requests, as far as is reasonable, so that its connection is free again."""

from __future__ import annotations

import time
from typing import Any

from oauth_cc_auth._http.interrupts import Ignoring
from oauth_cc_auth._http.limited_body import LONGEST_DRAIN, LONGEST_REFUSAL, inflated_refusal
from oauth_cc_auth._http.watchdog import Watchdog

from .raw import close, has_been_read, is_encoded, pieces_of


def drain(response: Any) -> None:
    """Read at most `LONGEST_REFUSAL` bytes for at most `LONGEST_DRAIN` seconds; then let go of the connection."""
    if has_been_read(response):
        return
    content, ended = b"", False
    with Ignoring(Exception), Watchdog(LONGEST_DRAIN) as watchdog:  # an error in a body that nobody asked for
        watchdog.watch(_socket_of(response.raw))
        content, ended = _read_some(response.raw)
        ended = ended and not watchdog.fired
    if not ended:
        close(response)
    # Without these two, `response.history[0].text` would raise, or read from a closed connection.
    encoding = response.headers.get("content-encoding", "") if is_encoded(response.raw) else ""
    response._content = inflated_refusal(content[:LONGEST_REFUSAL], encoding)
    response._content_consumed = True
    close(response)


def _socket_of(raw: Any) -> object:
    sock: object = getattr(getattr(raw, "connection", None), "sock", None)
    if sock is None:
        # http.client takes it away from a connection that will be closed, and only the file on top still has it.
        with Ignoring(AttributeError):
            sock = raw._fp.fp.raw._sock
    return sock


def _read_some(raw: Any) -> tuple[bytes, bool]:
    """What comes soon, and whether that was all."""
    until = time.monotonic() + LONGEST_DRAIN
    content = b""
    for piece in pieces_of(raw, LONGEST_REFUSAL):
        content += piece
        if len(content) >= LONGEST_REFUSAL or time.monotonic() >= until:
            return content, False
    return content, True
