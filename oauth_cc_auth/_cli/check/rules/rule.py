"""What a rule is, and what rules have in common.

A rule looks at the facts, and returns the reason why it does not work, or None. It has the name of its cause. That name
is in the JSON output, so it never changes. Rules are pure and do not know each other.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import NamedTuple

from oauth_cc_auth._cli.check.facts import AttemptFacts, Findings, HttpAnswer
from oauth_cc_auth._http.well_known import issuer_behind


class Advice(NamedTuple):
    """What is likely wrong, and what to change; whole sentences in plain words."""

    text: str
    remedy: str


Rule = Callable[[Findings], Advice | None]


def token_in_reach(findings: Findings) -> bool:
    """The plugin gets to the token. It stops at the first answer after which no other method is tried."""
    settled = (attempt for attempt in findings.attempts if not attempt.next_is_tried)
    return next((attempt.outcome == "token" for attempt in settled), False)


def failures(findings: Findings) -> tuple[AttemptFacts, ...]:
    """The attempts, if none of them brought a token. Otherwise none: then they are not the reason."""
    return () if findings.token is not None else findings.attempts


def first_failure(findings: Findings, condition: Callable[[AttemptFacts], object]) -> AttemptFacts | None:
    """The first of `failures` for which `condition` holds."""
    return next((attempt for attempt in failures(findings) if condition(attempt)), None)


def api_failure(findings: Findings, *statuses: int) -> HttpAnswer | None:
    """The API's answer, if it is not a success and has one of `statuses`; without `statuses`, any."""
    api = findings.api
    if api is None or api.answer is None or api.accepted:
        return None
    return api.answer if not statuses or api.answer.status in statuses else None


def excerpt_of(attempt: AttemptFacts) -> str | None:
    """The first words of its answer; None without any."""
    return None if attempt.answer is None else attempt.answer.excerpt


def where_to(findings: Findings, otherwise: str) -> str:
    """The remedy for a wrong token_url: the token endpoint or the issuer that is meant, or `otherwise`."""
    url = findings.called("token_url")
    if findings.discovered is None:
        issuer = issuer_behind(findings.question.token_url)
        if issuer is None:
            return otherwise
        return f"This is the URL of the issuer's metadata. In the place of {url}, pass --issuer {issuer}"
    return f"Set {url} to the token endpoint that the server itself names: {findings.discovered}"


def with_words(sentence: str, words: str | None) -> str:
    """`sentence`, and the words of the other side."""
    return f"{sentence} It says: {words}" if words else sentence


def with_reason(sentence: str, reason: str | None) -> str:
    """`sentence`, which has no full stop, and why, in our words and not in those of the other side."""
    return f"{sentence}: {reason.rstrip('.')}." if reason else f"{sentence}."


def date(unix_time: float) -> str:
    """The date and time in UTC of a Unix time in seconds."""
    try:
        return datetime.fromtimestamp(unix_time, tz=timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return f"the second {unix_time:.0f}"


def duration(seconds: float) -> str:
    """About how long: ``45 s``, ``10 min``, ``3 h``, ``12 days``."""
    seconds = abs(seconds)
    for unit, length, limit in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 2 * 86400)):
        if seconds < limit:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"


def relative(unix_time: float, now: float) -> str:
    """``in 10 min`` or ``3 days ago``."""
    return f"in {duration(unix_time - now)}" if unix_time >= now else f"{duration(unix_time - now)} ago"
