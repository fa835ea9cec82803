"""A line for each HTTP exchange, without anything that must stay secret."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from oauth_cc_auth.testing import RecordedRequest

_SHOWN = 4  # characters of a token: enough to tell two apart, and no use to anybody
_LONG = 16  # characters of a token of which the others cannot be guessed

_SERVERS = {"token": "auth server", "api": "API", "other": "server"}
_AUTHENTICATIONS = {
    "client_secret_basic": "Basic",
    "client_secret_post": "id, secret in body",
    "both": "Basic and body",
}


class Row(NamedTuple):
    """What is shown of one exchange, or of several equal ones.

    Attributes:
        server: Whom the app spoke to.
        request: Method and path.
        presented: What the app proved its right with, masked; an ellipsis stands for what is left out.
        status: The answer's; None where there was none.
        times: How many exchanges.
        milliseconds: From the first arrival to the last answer, by the server's clock; None without an answer.
    """

    server: str
    request: str
    presented: str
    status: int | None
    times: int
    milliseconds: float | None


def rows(records: Sequence[RecordedRequest]) -> list[Row]:
    """The rows in order of arrival, neighbours that look the same being one."""
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
    """The beginning of a token; of a short one, nothing."""
    shown = token[:_SHOWN] if len(token) >= _LONG else ""
    return f"{shown}\N{HORIZONTAL ELLIPSIS}"
