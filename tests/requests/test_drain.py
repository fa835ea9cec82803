"""What requests reads of a refused answer, so that its connection is free, and what is kept of that."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from oauth_cc_auth._http.limited_body import LONGEST_DRAIN, LONGEST_REFUSAL
from oauth_cc_auth._requests import drain as draining
from oauth_cc_auth._requests.drain import drain


class Dog:
    """In place of the watchdog: keeps what it is told."""

    limits: list[float]
    watched: list[object]
    fires = False

    def __init__(self, limit: float) -> None:
        self.limits.append(limit)
        self.fired = self.fires

    def __enter__(self) -> Dog:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def watch(self, sock: object) -> None:
        self.watched.append(sock)


@pytest.fixture(name="dog")
def _dog(monkeypatch: pytest.MonkeyPatch) -> type[Dog]:
    monkeypatch.setattr(draining, "Watchdog", Dog)
    Dog.limits, Dog.watched, Dog.fires = [], [], False
    return Dog


class Pieces:
    """A `raw` that is not urllib3's: it gives these pieces; an exception among them is raised."""

    def __init__(self, *pieces: Any, connection: object = None) -> None:
        self._pieces, self.taken, self.connection = pieces, 0, connection

    def stream(self, size: int, decode_content: bool) -> Iterator[bytes]:
        assert (size, decode_content) == (LONGEST_REFUSAL, True)
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            self.taken += 1
            yield piece


class Encoded(Pieces):
    """One that says that it may be encoded, as urllib3's does."""

    decode_content = False
    _body: io.BytesIO | None = None

    def read(self, size: int, *, decode_content: bool) -> bytes:
        assert not decode_content
        self._body = self._body or io.BytesIO(b"".join(self._pieces))
        return self._body.read(size)


class Closing(requests.Response):
    """Counts."""

    closed = 0

    def close(self) -> None:
        self.closed += 1


def refusal(raw: Any, **headers: str) -> Closing:
    response = Closing()
    response.status_code, response.raw = 401, raw
    response.headers.update(headers)
    return response


def test_refusal_is_read_whole(dog: type[Dog]) -> None:
    """And closed once, so that its connection can go back into the pool."""
    response = refusal(Pieces(b"no ", b"token"))
    drain(response)
    assert response._content_consumed  # before anyone asks for its content
    assert (response.content, response.text, response.closed) == (b"no token", "no token", 1)
    assert dog.limits == [LONGEST_DRAIN]


def test_refusal_that_breaks_is_closed_twice(dog: type[Dog]) -> None:
    """Before anything else: a `close` that fails half-way has still let go."""
    response = refusal(Pieces(b"half", OSError("gone")))
    drain(response)
    assert (response.content, response.closed) == (b"", 2)


def test_refusal_that_is_long_is_read_in_part(dog: type[Dog]) -> None:
    """Its connection is closed; what is kept is not a byte more than the limit."""
    size = LONGEST_REFUSAL // 4
    response = refusal(Pieces(*[b"x" * size] * 3, b"y" * (size + 7), b"never"))
    drain(response)
    assert (response.raw.taken, len(response.content), response.closed) == (4, LONGEST_REFUSAL, 2)
    exact = refusal(Pieces(b"x" * LONGEST_REFUSAL, b"never"))
    drain(exact)
    assert exact.raw.taken == 1
    short = refusal(Pieces(b"x" * (LONGEST_REFUSAL - 1)))
    drain(short)
    assert (len(short.content), short.closed) == (LONGEST_REFUSAL - 1, 1)


def test_refusal_that_drips_is_left(monkeypatch: pytest.MonkeyPatch, dog: type[Dog]) -> None:
    """After a second, which a clock of the test says has passed with the second piece."""
    times = iter((100.0, 100.0 + LONGEST_DRAIN / 2, 100.0 + LONGEST_DRAIN))
    monkeypatch.setattr(draining, "time", SimpleNamespace(monotonic=lambda: next(times)))
    response = refusal(Pieces(b"a", b"b", b"never"))
    drain(response)
    assert (response.content, response.closed) == (b"ab", 2)


def test_refusal_whose_watchdog_has_fired_is_not_whole(dog: type[Dog]) -> None:
    """What looks like its end is the end of the connection."""
    dog.fires = True
    response = refusal(Pieces(b"half"))
    drain(response)
    assert (response.content, response.closed) == (b"half", 2)


def test_socket_is_watched(dog: type[Dog]) -> None:
    """That of the connection, or the one that only the file on top still has; a mock has none."""
    drain(refusal(Pieces(connection=SimpleNamespace(sock="socket"))))
    hidden = Pieces(connection=SimpleNamespace(sock=None))
    hidden._fp = SimpleNamespace(fp=SimpleNamespace(raw=SimpleNamespace(_sock="hidden")))  # type: ignore[attr-defined]
    drain(refusal(hidden))
    response = refusal(Pieces(b"no token"))
    drain(response)
    assert dog.watched == ["socket", "hidden", None]
    assert response.text == "no token"


def test_refusal_is_decoded_once(dog: type[Dog]) -> None:
    """What is not urllib3's is decoded already, whatever its header says."""
    packed = gzip.compress(b"no token")
    encoded = refusal(Encoded(packed), **{"Content-Encoding": "gzip"})
    drain(encoded)
    assert encoded.content == b"no token"
    plain = refusal(Encoded(b"no token"))
    drain(plain)
    assert plain.content == b"no token"
    decoded = refusal(Pieces(b"no token"), **{"Content-Encoding": "gzip"})
    drain(decoded)
    assert decoded.content == b"no token"


def test_refusal_that_was_read_before_is_left_alone(dog: type[Dog]) -> None:
    """By a hook of the person's; a mock may never have had a stream."""
    read = refusal(Pieces(b"never"))
    read._content = b"read"  # as requests does
    none = refusal(None)
    for response in (read, none):
        drain(response)
    assert (read.content, read.closed, none.closed, dog.limits) == (b"read", 0, 0, [])
