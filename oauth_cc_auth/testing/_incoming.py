"""Reading one HTTP/1.1 request from a connection (RFC 9112)."""

import re
from collections.abc import Callable
from io import BufferedReader
from typing import NamedTuple

from ._recorded_request import Headers

_LINE_LIMIT = 1 << 16
_REQUEST_LINE = re.compile(r"(\S+) (\S+) (HTTP/1\.[01])")
_HEADER_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
# int() raises for thousands of digits.
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(r"([0-9A-Fa-f]{1,16})[ \t]*(;.*)?")
_READ_SIZE = 1 << 16


class MalformedRequestError(Exception):
    """The client sent something that is not an HTTP request."""


class ClientGoneError(Exception):
    """The client closed the connection before it had sent the whole head of a request."""


class IncomingRequest(NamedTuple):
    """A request as it was on the wire."""

    method: str
    target: str
    headers: Headers
    body: bytes
    complete: bool
    keep_alive: bool


def read_request(stream: BufferedReader, send: Callable[[bytes], object]) -> IncomingRequest:
    """Read the next request, and use ``send`` for ``100 Continue``.

    Raises ClientGoneError, MalformedRequestError, or an OSError of the connection.
    """
    method, target, version = _request_line(stream)
    headers = _headers(stream)
    if headers.get("Expect", "").lower() == "100-continue":
        send(b"HTTP/1.1 100 Continue\r\n\r\n")
    body, complete = _body(stream, headers)
    keep_alive = version == "HTTP/1.1" and headers.get("Connection", "").lower() != "close"
    return IncomingRequest(method, target, headers, body, complete, keep_alive)


def _line(stream: BufferedReader) -> str:
    line = stream.readline(_LINE_LIMIT)
    if line.endswith(b"\n"):
        return line.rstrip(b"\r\n").decode("latin-1")
    if len(line) < _LINE_LIMIT:
        raise ClientGoneError
    raise MalformedRequestError("a line is too long")


def _request_line(stream: BufferedReader) -> tuple[str, str, str]:
    match = _REQUEST_LINE.fullmatch(_line(stream))
    if match is None:
        raise MalformedRequestError("this is not an HTTP/1.1 request line")
    return match[1], match[2], match[3]


def _headers(stream: BufferedReader) -> Headers:
    pairs: list[tuple[str, str]] = []
    while line := _line(stream):
        match = _HEADER_LINE.fullmatch(line)
        if match is None:
            raise MalformedRequestError("this is not a header line")
        pairs.append((match[1], match[2]))
    return Headers(pairs)


def _body(stream: BufferedReader, headers: Headers) -> tuple[bytes, bool]:
    """The body, and whether all of it arrived. Keep a body that stops half-way: tests look for those."""
    if "Transfer-Encoding" in headers:
        return _chunked_body(stream)
    length = headers.get("Content-Length", "0")
    if not _LENGTH.fullmatch(length):
        raise MalformedRequestError("Content-Length is not a plausible number of bytes")
    body = _read(stream, int(length))
    return body, len(body) == int(length)


def _read(stream: BufferedReader, size: int) -> bytes:
    """``size`` bytes, or fewer if the client closed or reset the connection."""
    parts: list[bytes] = []
    while size:
        # Not read(), which throws away what it has if the client resets the connection.
        try:
            part = stream.read1(min(size, _READ_SIZE))
        except ConnectionError:
            break
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _chunked_body(stream: BufferedReader) -> tuple[bytes, bool]:
    chunks: list[bytes] = []
    try:
        while size := _chunk_size(_line(stream)):
            chunk = _read(stream, size)
            chunks.append(chunk)
            if len(chunk) < size or _line(stream):
                return b"".join(chunks), False
        while _line(stream):
            pass  # skip the trailers
    except ClientGoneError:
        return b"".join(chunks), False
    return b"".join(chunks), True


def _chunk_size(line: str) -> int:
    match = _CHUNK_SIZE.fullmatch(line)
    if match is None:
        raise MalformedRequestError("this is not a chunk size")
    return int(match[1], 16)
