"""The figures of a day as Markdown."""

from __future__ import annotations

from oauth_cc_auth._core.lease import Lease, RenewalRules
from oauth_cc_auth._token import Token
from tests.fleet.day import AFTER, Figures, Stretch
from tests.fleet.endpoint import LIFE

COMMAND = "python3 -m tests.fleet"

_HEAD = (
    "| What goes wrong | API requests that failed | Token requests a second meanwhile, mean and most | In the "
    f"{AFTER / 60:.0f} min after: in all, most in a second | That second against the mean of the day | Most in a "
    "second when those tokens are renewed |"
)


def report(figures: Figures, *, requests_a_minute: float) -> str:
    """What docs/fleet.md says."""
    latest, earliest = (_seconds_left(chance) for chance in (1, 0))
    per_process = figures.token_requests / figures.processes
    return f"""\
# A day of a fleet

What a fleet of processes does to a token endpoint, and what an outage of that endpoint does to the fleet: the
package's own core, unchanged, under a simulated clock and a simulated network. This page is written by

```sh
{COMMAND}
```

{figures.processes:,} processes for 24 hours. Each has one auth object with the default settings and sends
{requests_a_minute:g} API requests a minute on average, at random moments. Tokens live {LIFE:,} s.

During an outage half of the token requests are refused at once, and half hang until they time out. A rate limit
counts the token requests of all from one full minute to the next, and answers those that are too many with 429 and a
`Retry-After` that leads everybody to the same second.

| | |
|---|---|
| API requests | {figures.api_requests:,} |
| of them failed for want of a token | {figures.failed:,} |
| of them waited for a token | {figures.waited:,} ({figures.waited / figures.api_requests:.2%}) |
| token requests, per process and day | {per_process:.1f} |
| token requests a second, before anything goes wrong | {figures.mean:.2f} |
| seconds that a token is still good for when it is first renewed | {latest:.0f} to {earliest:.0f} |

{_HEAD}
|---|--:|--:|--:|--:|--:|
{_rows(figures, requests_a_minute)}

- An outage shorter than those {latest:.0f} s fails no API request: a token is renewed early enough, and used to its
  real end while that does not work. In a longer one only those processes fail requests whose token has ended, and
  only until the endpoint is back.
- After an outage a process without a token asks when its next API request comes, and one that still has a token when
  its own back-off is over. Nobody asks in step, so the busiest second is a small part of all that follows; it grows
  with the number of processes whose token ended meanwhile, each of which needs one for its next request.
- An endpoint that is down is asked ever less by a process that still has a token, in the end about once a minute.
  Without one each API request, or all that wait together, asks up to three times before it fails.
"""


def _rows(figures: Figures, requests_a_minute: float) -> str:
    return "\n".join(_row(stretch, figures, requests_a_minute) for stretch in figures.stretches)


def _row(stretch: Stretch, figures: Figures, requests_a_minute: float) -> str:
    during, after = stretch.during, stretch.after
    meanwhile = f"{during.total / stretch.seconds:.1f}, {during.busiest}" if stretch.seconds else "-"
    sent = figures.processes * requests_a_minute * stretch.seconds / 60
    failed = f"{stretch.failed:,} ({stretch.failed / sent:.1%})" if stretch.failed and sent else f"{stretch.failed:,}"
    share = after.busiest / after.total if after.total else 0.0
    return (
        f"| {stretch.name} | {failed} | {meanwhile} | {after.total:,}, {after.busiest} ({share:.0%}) "
        f"| {after.busiest / figures.mean:.0f} times | {stretch.echo} |"
    )


def _seconds_left(chance: float) -> float:
    """How long a token is still good for when it begins to age."""
    lease = Lease(Token("abc", expires_at=LIFE), "", arrived=0, made=0, rules=RenewalRules(), chance=chance)
    return lease.ends_at - lease.fresh_until
