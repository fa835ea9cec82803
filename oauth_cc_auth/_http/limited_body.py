"""Reading an answer without trusting its size: at most 1 MiB is read, and at most 1 MiB comes out of it.

Token answers have a few hundred bytes. A megabyte that inflates to a gigabyte is an attack or an accident. httpx 0.28
inflates up to 67 MB of it into its first chunk, so the adapters read raw bytes, which are inflated here with a limit.
"""

from __future__ import annotations

import zlib

from .answers import CUT_OFF

LIMIT = 1024 * 1024  # bytes, of what is read and of what it inflates to

MOST_CODINGS = 3  # we ask for none, and each costs as much as the whole body

# How much of a refused API answer is read: for `response.history`, and to keep the connection. The rest is dropped.
LONGEST_REFUSAL = 64 * 1024  # bytes
LONGEST_DRAIN = 1.0  # seconds

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_RAW_DEFLATE = -zlib.MAX_WBITS


class UnreadableBodyError(Exception):
    """The body is too large or wrongly encoded; the message says which."""


class LimitedBody:
    """Collects the raw chunks of a body and gives it back decoded."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """Take one raw chunk.

        Raises:
            UnreadableBodyError: the body is larger than `LIMIT`.
        """
        self._size += len(chunk)
        if self._size > LIMIT:
            raise UnreadableBodyError(f"its body is larger than {LIMIT} bytes")
        self._chunks.append(chunk)

    def decoded(self, content_encoding: str) -> bytes:
        """The body without its content codings; the last one applied is undone first (RFC 9110 §8.4).

        Raises:
            UnreadableBodyError: it inflates to more than `LIMIT`, or is not encoded as it says.
        """
        body = b"".join(self._chunks)
        named = [part.strip().lower() for part in content_encoding.split(",")]
        codings = [coding for coding in named if coding not in ("", "identity")]
        if len(codings) > MOST_CODINGS:
            raise UnreadableBodyError(f"its body has {len(codings)} content encodings")
        for coding in reversed(codings):
            if coding not in ("gzip", "x-gzip", "deflate"):
                raise UnreadableBodyError(f"its body has the content encoding {coding}, which was not asked for")
            body = _inflated(body, coding)
        return body


def _inflated(body: bytes, coding: str) -> bytes:
    # Half of the world's "deflate" is raw, not in the zlib format that RFC 9110 §8.4.1.2 asks for.
    for window in (_GZIP_OR_ZLIB, _RAW_DEFLATE) if coding == "deflate" else (_GZIP_OR_ZLIB,):
        inflater = zlib.decompressobj(window)
        try:
            inflated = inflater.decompress(body, LIMIT + 1)
        except zlib.error:
            continue
        if len(inflated) > LIMIT:
            raise UnreadableBodyError(f"its body inflates to more than {LIMIT} bytes")
        if inflater.eof:
            return inflated
        if window == _GZIP_OR_ZLIB:  # anything may look like the beginning of a raw body
            raise UnreadableBodyError(CUT_OFF)
    raise UnreadableBodyError(f"its body is not {coding}, as it says")


def inflated_refusal(content: bytes, content_encoding: str) -> bytes:
    """The body of a refused answer, as far as it was read; empty if that cannot be decoded."""
    body = LimitedBody()
    body.feed(content)
    try:
        return body.decoded(content_encoding)
    except UnreadableBodyError:  # cut off, most likely
        return b""
