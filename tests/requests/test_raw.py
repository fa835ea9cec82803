"""`_requests.raw`: bodies of all kinds, each asked for no more than it has."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from oauth_cc_auth._requests.raw import close, has_been_read, is_encoded, pieces_of


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (SimpleNamespace(raw=None), True),
        (SimpleNamespace(raw="stream"), False),
        (SimpleNamespace(raw="stream", _content=False), False),
        (SimpleNamespace(raw="stream", _content=b""), True),
        (SimpleNamespace(raw="stream", _content=None), True),
        (requests.Response(), True),
    ],
)
def test_whether_a_body_was_read(response: Any, expected: bool) -> None:
    """A mock may have no idea of that."""
    assert has_been_read(response) is expected


class Asked:
    """A body in two pieces. What it is asked for is noted."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.pieces = [b"a", b"b"]

    def give(self, *how: Any) -> bytes:
        self.asked.append(how)
        return self.pieces.pop(0) if self.pieces else b""


class Cassette(Asked):
    """Has what requests itself asks for last."""

    def read(self, size: int) -> bytes:
        return self.give("read", size)


class Streaming(Asked):
    """Has what requests itself asks for first, and decodes by itself."""

    def stream(self, size: int, *, decode_content: bool) -> Iterator[bytes]:
        self.asked.append(("stream", size, decode_content))
        yield from self.pieces


class Urllib3(Streaming):
    """An old one; a new one has `read1` as well. What lies below may have none."""

    decode_content = True

    def read(self, size: int, *, decode_content: bool) -> bytes:
        return self.give("read", size, decode_content)


class NewUrllib3(Urllib3):
    def __init__(self, below: Any) -> None:
        super().__init__()
        self._fp = below

    def read1(self, size: int, *, decode_content: bool) -> bytes:
        return self.give("read1", size, decode_content)


class WithoutBelow(NewUrllib3):
    def __init__(self) -> None:
        Urllib3.__init__(self)


@pytest.mark.parametrize(
    ("raw", "asked", "encoded"),
    [
        (Cassette(), [("read", 5)] * 3, False),
        (Streaming(), [("stream", 5, True)], False),
        (Urllib3(), [("read", 5, False)] * 3, True),
        (NewUrllib3(SimpleNamespace(read1=None)), [("read1", 5, False)] * 3, True),
        (NewUrllib3(SimpleNamespace()), [("read", 5, False)] * 3, True),
        (WithoutBelow(), [("read", 5, False)] * 3, True),
    ],
    ids=["cassette", "stream", "old urllib3", "urllib3", "urllib3 on an old cassette", "urllib3 on nothing"],
)
def test_how_a_body_is_read(raw: Any, asked: list[Any], encoded: bool) -> None:
    """As soon as something is there, if it can do that; to its end; and with its codings on, if it is urllib3's."""
    assert is_encoded(raw) is encoded
    assert list(pieces_of(raw, 5)) == [b"a", b"b"]
    assert raw.asked == asked


def test_a_body_that_ends_with_none() -> None:
    """As that of some mocks does."""
    pieces = iter([b"a", None])
    assert list(pieces_of(SimpleNamespace(read=lambda size: next(pieces)), 5)) == [b"a"]


def test_what_cannot_be_closed() -> None:
    """Then nothing is closed."""
    closed: list[bool] = []
    close(SimpleNamespace(close=lambda: closed.append(True)))
    close(SimpleNamespace())
    assert closed == [True]
