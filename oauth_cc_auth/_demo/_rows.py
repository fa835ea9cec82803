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
        milliseconds: From the first arrival to the last answer, by the server's clock. None without an answer.
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
    started = min(record.started for record in records)
    finished = [record.finished for record in records if record.finished is not None]
    milliseconds = (max(finished) - started) * 1000 if finished else None
    return Row(*_look(records[0]), len(records), milliseconds)


def _presented(record: RecordedRequest) -> str:
    if record.kind == "token":
        return _AUTHENTICATIONS.get(record.client_authentication or "", "nothing")
    return "nothing" if record.token is None else f"Bearer {masked(record.token)}"


def masked(token: str) -> str:
    """The first characters of a long token, and none of a short one."""
    return f"{token_start(token)}\N{HORIZONTAL ELLIPSIS}"
