"""Which httpx request bodies can be sent a second time, whole.

A closed list: everything else silently sends nothing, or half, or raises. httpx keeps these classes private, so they
are found by having it make one; an attribute that is missing one day means "no".
"""

from __future__ import annotations

from functools import cache
from typing import Any

from oauth_cc_auth._http.interrupts import Ignoring
from oauth_cc_auth._record import Record

# Under this name a request's extensions keep what `bound` knows of a DPoP proof. A copy for others goes without.
TICKET = "oauth_cc_auth.dpop"


class Replay(Record):
    """A body that can be sent again.

    Attributes:
        stream: The very stream object that was sent.
        positions: Its files, and where each stood before it was sent.
    """

    __slots__ = ("positions", "stream")

    def __init__(self, stream: Any, positions: tuple[tuple[Any, int], ...] = ()) -> None:
        self.stream = stream
        self.positions = positions


def replay_of(stream: Any, library: Any) -> Replay | None:
    """How to send `stream` again; None where it cannot be. Called before it is first sent."""
    iterator_stream, multipart_stream = _stream_classes(library)
    if type(stream) is iterator_stream:
        source = getattr(stream, "_stream", None)
        if type(source) in (list, tuple):
            return Replay(stream)
        position = _position(source)
        return None if position is None else Replay(stream, ((source, position),))
    if type(stream) is multipart_stream:
        return _replay_of_multipart(stream)
    return None


def _replay_of_multipart(stream: Any) -> Replay | None:
    fields = getattr(stream, "fields", None)
    if fields is None:
        return None
    files = [file for field in fields if not isinstance(file := getattr(field, "file", b""), (str, bytes))]
    # httpx itself seeks to 0 before each sending, so a file that stood elsewhere is not sent as it was meant.
    if any(_position(file) != 0 for file in files):
        return None
    return Replay(stream, tuple((file, 0) for file in files))


def _position(file: Any) -> int | None:
    with Ignoring(Exception):  # a file-like object of anybody's
        position = file.tell() if file.seekable() else None
        return position if type(position) is int else None
    return None


def rewound(replay: Replay) -> bool:
    """True once the files of a body are back where they stood."""
    with Ignoring(Exception):  # closed meanwhile, or a file-like object of anybody's
        for file, position in replay.positions:
            file.seek(position)
        return True
    return False


@cache
def _stream_classes(library: Any) -> tuple[type[Any], type[Any]]:
    url = "http://localhost"
    return (
        type(library.Request("POST", url, content=[b""]).stream),
        type(library.Request("POST", url, files={"file": b""}).stream),
    )


def copy_of(request: Any, library: Any) -> Any:
    """A copy of an API request with the same body."""
    copy = library.Request(
        request.method,
        request.url,
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )
    if type(request.stream) is library.ByteStream:
        copy.read()  # gives it `content`, as the original has it
    return copy
