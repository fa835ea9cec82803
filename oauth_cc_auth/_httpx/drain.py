"""Reading the body of a refused answer in httpx, as far as is reasonable, so that its connection is free again.

httpx itself would read it whole, however long it is, before it sends the next request.
"""

from __future__ import annotations

import time
from typing import Any

from oauth_cc_auth._http.interrupts import Ignoring
from oauth_cc_auth._http.limited_body import LONGEST_DRAIN, LONGEST_REFUSAL, inflated_refusal
from oauth_cc_auth._http.watchdog import Watchdog


def drain(response: Any) -> None:
    """Read at most `LONGEST_REFUSAL` bytes for at most `LONGEST_DRAIN` seconds; then let go of the connection.

    One of HTTP/2 is not shut down, since other requests may share it. There a single read may take the time-out that
    the request has.
    """
    if response.is_stream_consumed:
        return
    body, until = b"", time.monotonic() + LONGEST_DRAIN
    with Ignoring(Exception), Watchdog(LONGEST_DRAIN) as watchdog:  # an error in a body that nobody asked for
        stream = response.extensions.get("network_stream")
        if stream is not None and response.extensions.get("http_version") != b"HTTP/2":
            watchdog.watch(stream.get_extra_info("socket"))
        for chunk in response.iter_raw():
            body += chunk
            if len(body) >= LONGEST_REFUSAL or time.monotonic() >= until:
                break
    response.close()
    _keep(response, body)


async def adrain(response: Any) -> None:
    """`drain` for an event loop."""
    import anyio

    if response.is_stream_consumed:
        return
    body = b""
    with Ignoring(Exception), anyio.move_on_after(LONGEST_DRAIN) as scope:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) >= LONGEST_REFUSAL:
                scope.cancel()  # not `break`, which would abandon httpx's nested generators
    await response.aclose()
    _keep(response, body)


def _keep(response: Any, body: bytes) -> None:
    # Without this, `response.history[0].text` would raise, and httpx, which reads it again, would too.
    response._content = inflated_refusal(body[:LONGEST_REFUSAL], response.headers.get("content-encoding", ""))
