"""What a hostile server does to a connection, in short words for a table."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from functools import cache
from typing import Any

from tests.contract.raw_endpoint import Talk, Wire, head

TOKEN = {"access_token": "some-token", "token_type": "Bearer", "expires_in": 3600}
TICK = 0.03  # seconds between dripping bytes, far below the time-out: only a deadline ends them
_RESET = b"\x01\0\0\0\0\0\0\0"  # struct linger: on, 0 s


def replies(status: int, body: object = b"", *lines: str, length: int | None = None) -> Talk:
    """A whole answer. A body that is neither bytes nor text is sent as JSON. `length` is a lie."""
    content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    start = head(f"{status} Said", f"Content-Length: {len(content) if length is None else length}", *lines)
    return sends(start + content)


def issues(**members: Any) -> Talk:
    """A token answer with these members added or replaced. None removes one."""
    return replies(200, {name: value for name, value in {**TOKEN, **members}.items() if value is not None})


def lives(expires_in: str) -> Talk:
    """A token answer with this JSON as ``expires_in``."""
    return replies(200, f'{{"access_token":"some-token","token_type":"Bearer","expires_in":{expires_in}}}')


def sends(data: bytes) -> Talk:
    """Exactly these bytes. Then the server closes the connection."""

    def talk(wire: Wire) -> None:
        wire.send(data)

    return talk


def resets_after(data: bytes) -> Talk:
    """These bytes, and a reset instead of a normal end."""

    def talk(wire: Wire) -> None:
        wire.send(data)
        wire.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        wire.connection.close()

    return talk


def stalls_after(data: bytes) -> Talk:
    """These bytes, and then nothing."""

    def talk(wire: Wire) -> None:
        wire.send(data)
        wire.wait()

    return talk


def drips(data: bytes, after: bytes = b"", seconds: float = TICK) -> Talk:
    """`data` byte by byte for ever, after bytes that are sent at once."""

    def talk(wire: Wire) -> None:
        wire.send(after)
        wire.drip(data, seconds)

    return talk


def floods(block: bytes, after: bytes = b"") -> Talk:
    """`block` for ever, as fast as the client reads it."""

    def talk(wire: Wire) -> None:
        wire.send(after)
        wire.send_for_ever(block)

    return talk


def half_closes(wire: Wire) -> None:
    """Closes its own side and keeps listening."""
    wire.connection.shutdown(socket.SHUT_WR)
    wire.wait()


def encoded(coding: str, content: bytes, status: int = 200) -> Talk:
    """A body that claims this encoding."""
    return replies(status, content, f"Content-Encoding: {coding}")


def bombs(size: int, status: int = 200) -> Talk:
    """A token followed by `size` zero bytes, compressed to a few hundredths of that size."""

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
