"""How an answer looks on the wire: its head, its framing and its speed."""

from collections.abc import Iterable, Iterator
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple

from ._answers import Answer

_FRAMING_HEADERS = ("Content-Length", "Transfer-Encoding", "Connection")


class Piece(NamedTuple):
    """Bytes to send after a delay in seconds."""

    delay: float
    data: bytes


def closes_connection(answer: Answer) -> bool:
    """True if the client may only see the end of this answer when the connection closes."""
    lies = not isinstance(answer.content_length, bool)
    own_framing = any(answer.has_header(name) for name in _FRAMING_HEADERS)
    return answer.framing != "http" or lies or own_framing


def pieces(answer: Answer, *, head_only: bool, close: bool) -> Iterator[Piece]:
    """The bytes of ``answer``: at least one piece, and as few as its delays allow.

    ``head_only``: the request was a HEAD. ``close``: announce that the connection closes after the answer.
    """
    return _merged(_all_pieces(answer, head_only=head_only, close=close))


def _all_pieces(answer: Answer, *, head_only: bool, close: bool) -> Iterator[Piece]:
    yield Piece(answer.delay, b"")
    if answer.framing != "http":
        yield from _spread(answer.body, answer.byte_delay)
        return
    yield from _spread(_head(answer, close=close), answer.header_delay)
    if not head_only and not _is_bodiless(answer):
        body = _spread(answer.body, answer.byte_delay)
        yield from _chunks(body) if answer.content_length is False else body


def _merged(separate: Iterable[Piece]) -> Iterator[Piece]:
    """Merge pieces that have no delay between them: fewer packets, and no empty piece at the end.

    The server records the outcome just before the last piece, so that piece must contain bytes that the client
    waits for.
    """
    pending = Piece(0.0, b"")
    for piece in separate:
        if piece.delay:
            yield pending
            pending = piece
        else:
            pending = Piece(pending.delay, pending.data + piece.data)
    yield pending


def _spread(data: bytes, byte_delay: float) -> Iterator[Piece]:
    """``data`` as one piece, or byte by byte if there is a delay between bytes."""
    if not byte_delay:
        yield Piece(0.0, data)
        return
    for position in range(len(data)):
        yield Piece(byte_delay if position else 0.0, data[position : position + 1])


def _chunks(body: Iterable[Piece]) -> Iterator[Piece]:
    for piece in body:
        if piece.data:  # an empty chunk ends the body
            yield Piece(piece.delay, b"%x\r\n%b\r\n" % (len(piece.data), piece.data))
    yield Piece(0.0, b"0\r\n\r\n")


def _head(answer: Answer, *, close: bool) -> bytes:
    defaults = {"Date": formatdate(usegmt=True)}
    if answer.content_length is False:
        defaults["Transfer-Encoding"] = "chunked"
    elif answer.content_length is not True:
        defaults["Content-Length"] = str(answer.content_length)
    elif not _is_bodiless(answer):
        defaults["Content-Length"] = str(len(answer.body))
    if close:
        defaults["Connection"] = "close"
    own = [(name, value) for name, value in defaults.items() if not answer.has_header(name)]
    lines = [f"HTTP/1.1 {answer.status} {_reason(answer)}"]
    lines += [f"{name}: {value}" for name, value in (*own, *answer.headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _is_bodiless(answer: Answer) -> bool:
    """RFC 9112 section 6.3: these statuses have no body, whatever the headers say."""
    return answer.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


def _reason(answer: Answer) -> str:
    return next((status.phrase for status in HTTPStatus if status == answer.status), "Unassigned")
