"""What a hostile server does to a connection, in words that a table can be written in."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from functools import cache
from typing import Any

from tests.contract.raw_endpoint import Talk, Wire, head

TOKEN = {"access_token": "some-token", "token_type": "Bearer", "expires_in": 3600}
TICK = 0.03  # seconds between the bytes of what drips, far below the time-out: only a deadline ends it
_RESET = b"\x01\0\0\0\0\0\0\0"  # struct linger: on, 0 s


def replies(status: int, body: object = b"", *lines: str, length: int | None = None) -> Talk:
    """A whole answer; a body that is no bytes or text is sent as JSON, a `length` is a lie."""
    content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    start = head(f"{status} Said", f"Content-Length: {len(content) if length is None else length}", *lines)
    return sends(start + content)


def issues(**members: Any) -> Talk:
    """A token answer with these members beside or instead of the usual ones; None leaves one out."""
    return replies(200, {name: value for name, value in {**TOKEN, **members}.items() if value is not None})


def lives(expires_in: str) -> Talk:
    """A token answer whose ``expires_in`` is this JSON."""
    return replies(200, f'{{"access_token":"some-token","token_type":"Bearer","expires_in":{expires_in}}}')


def sends(data: bytes) -> Talk:
    """Exactly these bytes; then the connection is closed."""

    def talk(wire: Wire) -> None:
        wire.send(data)

    return talk


def resets_after(data: bytes) -> Talk:
    """These bytes, and a reset instead of an end."""

    def talk(wire: Wire) -> None:
        wire.send(data)
        wire.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        wire.connection.close()

    return talk


def stalls_after(data: bytes) -> Talk:
    """These bytes, and then nothing more."""

    def talk(wire: Wire) -> None:
        wire.send(data)
        wire.wait()

    return talk


def drips(data: bytes, after: bytes = b"", seconds: float = TICK) -> Talk:
    """`data` byte by byte and for ever, after what is sent at once."""

    def talk(wire: Wire) -> None:
        wire.send(after)
        wire.drip(data, seconds)

    return talk


def floods(block: bytes, after: bytes = b"") -> Talk:
    """`block` for ever, as fast as it is read."""

    def talk(wire: Wire) -> None:
        wire.send(after)
        wire.send_for_ever(block)

    return talk


def half_closes(wire: Wire) -> None:
    """An end of its own side, while it goes on listening."""
    wire.connection.shutdown(socket.SHUT_WR)
    wire.wait()


def encoded(coding: str, content: bytes, status: int = 200) -> Talk:
    """A body that is said to be encoded so."""
    return replies(status, content, f"Content-Encoding: {coding}")


def bombs(size: int, status: int = 200) -> Talk:
    """A token and `size` zero bytes behind it, compressed to a few hundredths of that."""

    def talk(wire: Wire) -> None:
        encoded("gzip", _bomb(size), status)(wire)

    return talk


@cache
def _bomb(size: int) -> bytes:
    compressor = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
    parts = [compressor.compress(json.dumps(TOKEN).encode())]
    parts += [compressor.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join((*parts, compressor.flush()))


def zipped(body: object) -> bytes:
    """`body` as JSON, compressed."""
    return gzip.compress(json.dumps(body).encode())
