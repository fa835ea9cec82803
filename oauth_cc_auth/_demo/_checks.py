"""Describes in a few words which exchanges the server recorded and what the app got.

    Basic 401, body 200, new token 200; the app got 200

A check passes if these words are exactly the expected ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from oauth_cc_auth.testing import RecordedRequest

_AUTHENTICATIONS = {
    "client_secret_basic": "Basic",
    "client_secret_post": "body",
    "client_secret_jwt": "assertion",
    "both": "Basic and body",
}


@dataclass(frozen=True)
class Check:
    """One claim of the demo, and what happened.

    Attributes:
        scene: The scene that made the claim.
        claim: The claim in plain words.
        expected, actual: What the claim means, and what was recorded, in the words of this module.
    """

    scene: str
    claim: str
    expected: str
    actual: str

    @property
    def passed(self) -> bool:
        """True if the claim was right."""
        return self.actual == self.expected


def got(response: Any) -> str:
    """What the app got: the statuses in the history, then that of the response."""
    return ", then ".join(str(each.status_code) for each in (*response.history, response))


def failed(error: Exception) -> str:
    """What the app got instead of a response."""
    return f"{type(error).__name__}: {error}"


def what_happened(
    records: Sequence[RecordedRequest], outcomes: Iterable[str], known: Collection[str], issued: Collection[str]
) -> str:
    """Describe what was recorded.

    Args:
        known: The tokens that the server had issued before the scene.
        issued: All tokens that it has issued by now.
    """
    exchanges = counted(_fact(record, known, issued) for record in records)
    return f"{exchanges or 'no request'}; the app got {counted(outcomes)}"


def counted(facts: Iterable[str]) -> str:
    """The facts in order. Equal neighbours are counted."""
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
