"""One row on the screen for each HTTP exchange, without anything secret."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from oauth_cc_auth._redact.redact import token_start
from oauth_cc_auth.testing import RecordedRequest

_SERVERS = {"token": "auth server", "api": "API", "other": "server"}
_AUTHENTICATIONS = {
    "client_secret_basic": "Basic",
    "client_secret_post": "id, secret in body",
    "client_secret_jwt": "signed assertion",
    "both": "Basic and body",
}


class Row(NamedTuple):
    """One exchange, or several that look the same.

    Attributes:
        server: The server that the app called.
        request: Method and path.
        presented: The credentials or the token in the request, masked. An ellipsis stands for the hidden part.
        status: The status of the answer. None if there was no answer.
        times: The number of exchanges.
        milliseconds: For which at least one of them was under way, by the server's clock. None without an answer.
    """

    server: str
    request: str
    presented: str
    status: int | None
    times: int
    milliseconds: float | None


def rows(records: Sequence[RecordedRequest]) -> list[Row]:
    """The rows in order of arrival. Neighbours that look the same become one row."""
    return [_row([*run]) for _, run in groupby(records, _look)]


def _look(record: RecordedRequest) -> tuple[str, str, str, int | None]:
    return _SERVERS[record.kind], f"{record.method:4} {record.path}", _presented(record), record.status


def _row(records: list[RecordedRequest]) -> Row:
    spans = sorted((record.started, record.finished) for record in records if record.finished is not None)
    return Row(*_look(records[0]), len(records), _covered(spans) * 1000 if spans else None)


def _covered(spans: list[tuple[float, float]]) -> float:
    """Seconds that are in at least one of the spans, which are sorted."""
    seconds, end = 0.0, spans[0][0]
    for started, finished in spans:
        seconds += max(0.0, finished - max(started, end))
        end = max(end, finished)
    return seconds


def _presented(record: RecordedRequest) -> str:
    if record.kind == "token":
        return _AUTHENTICATIONS.get(record.client_authentication or "", "nothing")
    if record.token is None:
        return "nothing"
    scheme = record.headers.get("Authorization", "").partition(" ")[0]
    return f"{scheme} {masked(record.token)}{', proof' if 'DPoP' in record.headers else ''}"


def masked(token: str) -> str:
    """The first characters of a long token, and none of a short one."""
    return f"{token_start(token)}\N{HORIZONTAL ELLIPSIS}"
