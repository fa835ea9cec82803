"""What is compared: the exchanges that the server recorded and the answers that the app got, in a few words.

    Basic 401, body 200, new token 200; the app got 200

A claim holds where these words are exactly the expected ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from oauth_cc_auth.testing import RecordedRequest

_AUTHENTICATIONS = {"client_secret_basic": "Basic", "client_secret_post": "body", "both": "Basic and body"}


@dataclass(frozen=True)
class Check:
    """One claim of the demo, and whether it was so.

    Attributes:
        scene: Where it was made.
        claim: The plain words.
        expected, actual: What the claim means, and what was recorded.
    """

    scene: str
    claim: str
    expected: str
    actual: str

    @property
    def held(self) -> bool:
        """True where it came out as promised."""
        return self.actual == self.expected


def got(response: Any) -> str:
    """What the app was given: the status, after those in the history."""
    return ", then ".join(str(each.status_code) for each in (*response.history, response))


def failed(error: Exception) -> str:
    """What the app was given instead of a response."""
    return f"{type(error).__name__}: {error}"


def what_happened(
    records: Sequence[RecordedRequest], outcomes: Iterable[str], known: Collection[str], issued: Collection[str]
) -> str:
    """The words for what was recorded.

    Args:
        known: The tokens that had been issued before.
        issued: All that have been issued by now.
    """
    exchanges = counted(_fact(record, known, issued) for record in records)
    return f"{exchanges or 'no request'}; the app got {counted(outcomes)}"


def counted(facts: Iterable[str]) -> str:
    """The facts in order, with equal neighbours counted."""
    runs = [(fact, len(list(run))) for fact, run in groupby(facts)]
    return ", ".join(fact if count == 1 else f"{count} x {fact}" for fact, count in runs)


def _fact(record: RecordedRequest, known: Collection[str], issued: Collection[str]) -> str:
    if record.kind == "token":
        shown = _AUTHENTICATIONS.get(record.client_authentication or "", "no credentials")
    elif record.token in known:
        shown = "old token"
    else:
        shown = "new token" if record.token in issued else "no token"
    return f"{shown} {record.status}"
