"""The answers that a test can script: any status, body and framing, at any speed."""

import copy
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

HeaderLines = Mapping[str, str] | Sequence[tuple[str, str]]
AnswerBody = bytes | str | dict[str, Any] | list[Any]

_NO_STORE = (("Cache-Control", "no-store"),)
_GZIP = zlib.MAX_WBITS | 16
_ZERO_BLOCK = 1 << 20
_STATUS_LINE = re.compile(rb"HTTP/\d\.\d (\d{3})")


class Answer:
    """One HTTP answer. Do not change it: the server may send one object to many requests.

    ``status``: the HTTP status.
    ``body``: bytes or text are sent unchanged, a dict or list as JSON.
    ``headers``: a mapping or pairs; they replace the headers that the server would add.
    ``delay``: seconds before the status line.
    ``header_delay``, ``byte_delay``: seconds between the bytes of the head and of the body.
    ``content_type``: None means ``application/json`` for a dict or list, and no header otherwise.
    ``content_length``: True for the real length, False for a chunked body, or a number to lie. The server
    closes the connection after a lie.

    Raises TypeError or ValueError if JSON cannot hold the body.
    """

    def __init__(
        self,
        status: int = 200,
        body: AnswerBody = b"",
        headers: HeaderLines = (),
        *,
        delay: float = 0.0,
        header_delay: float = 0.0,
        byte_delay: float = 0.0,
        content_type: str | None = None,
        content_length: bool | int = True,
    ) -> None:
        if content_type is None and isinstance(body, (dict, list)):
            content_type = "application/json"
        self.status: int | None = status
        self.content: bytes = _encoded(body)
        self.body: bytes = self.content
        self.headers: tuple[tuple[str, str], ...] = _pairs(headers)
        if content_type is not None:
            self.headers = _with_defaults(self.headers, (("Content-Type", content_type),))
        self.delay = delay
        self.header_delay = header_delay
        self.byte_delay = byte_delay
        self.content_length = content_length
        self.framing: Literal["http", "raw", "dropped"] = "http"

    @classmethod
    def redirect(cls, location: str, status: int = 302) -> "Answer":
        """A redirect to ``location``, sent unchanged."""
        return cls(status, headers={"Location": location})

    @classmethod
    def error(
        cls,
        error: str,
        description: str | None = None,
        status: int = 400,
        uri: str | None = None,
        headers: HeaderLines = (),
    ) -> "Answer":
        """An OAuth error (RFC 6749 section 5.2)."""
        members = {"error": error, "error_description": description, "error_uri": uri}
        present = {name: value for name, value in members.items() if value is not None}
        return cls(status, present, _with_defaults(_pairs(headers), _NO_STORE))

    @classmethod
    def token(cls, access_token: object = "scripted-token", expires_in: object = 3600, **members: object) -> "Answer":
        """A token answer (RFC 6749 section 5.1); the API accepts the token. None leaves a member out."""
        answer = {"access_token": access_token, "token_type": "Bearer", "expires_in": expires_in, **members}
        return cls(200, {name: value for name, value in answer.items() if value is not None}, _NO_STORE)

    @classmethod
    def dropped(cls) -> "Answer":
        """No answer: the server closes the connection."""
        answer = cls()
        answer.status, answer.framing = None, "dropped"
        return answer

    @classmethod
    def raw(cls, data: bytes) -> "Answer":
        """Exactly these bytes; then the server closes the connection. ``byte_delay`` and ``delay`` apply."""
        answer = cls(body=data)
        line = _STATUS_LINE.match(data)
        answer.status, answer.framing = int(line.group(1)) if line else None, "raw"
        return answer

    @classmethod
    def gzipped(
        cls,
        body: AnswerBody = b"",
        bomb_size: int | None = None,
        *,
        status: int = 200,
        headers: HeaderLines = (),
    ) -> "Answer":
        """A gzip-encoded answer: ``body``, followed by ``bomb_size`` zero bytes."""
        answer = cls(status, body, _with_defaults(_pairs(headers), (("Content-Encoding", "gzip"),)))
        answer.body = _compressed(answer.content, 0 if bomb_size is None else bomb_size)
        return answer

    def slowed(self, *, delay: float = 0.0, header_delay: float = 0.0, byte_delay: float = 0.0) -> "Answer":
        """The same answer with these delays, in seconds."""
        answer = copy.copy(self)
        answer.delay, answer.header_delay, answer.byte_delay = delay, header_delay, byte_delay
        return answer

    def with_nonce(self, nonce: str | None) -> "Answer":
        """The same answer with a ``DPoP-Nonce``, if there is one."""
        if nonce is None:
            return self
        answer = copy.copy(self)
        answer.headers = (*self.headers, ("DPoP-Nonce", nonce))
        return answer

    @property
    def is_success(self) -> bool:
        """True for a status from 200 to 299."""
        return self.status is not None and 200 <= self.status < 300

    def has_header(self, name: str) -> bool:
        """Whether ``name`` is among the headers, in any case."""
        return any(key.lower() == name.lower() for key, _ in self.headers)

    def __repr__(self) -> str:
        # Neither headers nor body: both can hold tokens.
        return f"<Answer {self.framing} {self.status}, {len(self.body)} bytes>"


def _encoded(body: AnswerBody) -> bytes:
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def _pairs(headers: HeaderLines) -> tuple[tuple[str, str], ...]:
    return tuple(headers.items() if isinstance(headers, Mapping) else headers)


def _with_defaults(
    headers: tuple[tuple[str, str], ...], defaults: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    given = {name.lower() for name, _ in headers}
    return headers + tuple(pair for pair in defaults if pair[0].lower() not in given)


def _compressed(content: bytes, zeros: int) -> bytes:
    """Compress ``content`` and ``zeros`` zero bytes, one block at a time, so a bomb never fills the memory."""
    compressor = zlib.compressobj(wbits=_GZIP)
    parts = [compressor.compress(content)]
    block = bytes(min(zeros, _ZERO_BLOCK))
    while zeros > 0:
        parts.append(compressor.compress(block[:zeros]))
        zeros -= len(block)
    parts.append(compressor.flush())
    return b"".join(parts)
