"""Reading a small JSON answer before httpx hands it out, for a `renew_on` that decides by the body.

A flow is not told whether the caller wants a stream. So only JSON with a Content-Length up to `LONGEST_REFUSAL` is
read, which no one streams. It is put back as it came over the wire, so `iter_raw` and `read` find all of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

from oauth_cc_auth._http.answers import is_json
from oauth_cc_auth._http.limited_body import LONGEST_REFUSAL, inflated_refusal


def peek(library: Any, response: Any) -> bytes | None:
    """The decoded body, or None if it is not looked at. Blocks; raises what reading raises."""
    if not _is_looked_at(response):
        return None
    if hasattr(response, "_content"):  # a hook of the person's has read it
        return _if_small(response.content)
    try:
        raw = b"".join(response.stream)
    except library.RequestError as error:
        error.request = response.request  # as the library does while it reads
        raise
    return _put_back(library, response, raw)


async def apeek(library: Any, response: Any) -> bytes | None:
    """`peek` for an event loop."""
    if not _is_looked_at(response):
        return None
    if hasattr(response, "_content"):
        return _if_small(response.content)
    try:
        raw = b"".join([chunk async for chunk in response.stream])
    except library.RequestError as error:
        error.request = response.request
        raise
    return _put_back(library, response, raw)


def _is_looked_at(response: Any) -> bool:
    length = response.headers.get("content-length", "")
    is_short = length.isdecimal() and len(length) < 9 and int(length) <= LONGEST_REFUSAL
    return is_short and is_json(response.headers.get("content-type", ""))


def _if_small(content: bytes) -> bytes | None:
    return content if len(content) <= LONGEST_REFUSAL else None


def _put_back(library: Any, response: Any, raw: bytes) -> bytes:
    response.stream = _stream_class(library)(raw, response.stream)
    return inflated_refusal(raw, response.headers.get("content-encoding", ""))


@cache
def _stream_class(library: Any) -> type[Any]:
    """A stream that has been read, and that closes the one it was read from."""

    class PeekedStream(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc]  # a library known when it runs
        def __init__(self, raw: bytes, original: Any) -> None:
            self._raw = raw
            self._original = original

        def __iter__(self) -> Iterator[bytes]:
            yield self._raw

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield self._raw

        def close(self) -> None:
            self._original.close()

        async def aclose(self) -> None:
            await self._original.aclose()

    return PeekedStream
