"""The figures of a day as Markdown."""

from __future__ import annotations

from oauth_cc_auth._lease import Lease, RenewalRules
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
{requests_a_minute:g} API requests a minute at random moments; tokens live {LIFE:,} s. During an outage half of the
token requests are refused at once, the other half hang until they time out. A rate limit counts all token requests
from one full minute to the next and answers the rest with 429 and a `Retry-After` that leads everybody to the same
second.

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
{_rows(figures)}

- An outage shorter than those {latest:.0f} s fails no API request: a token is renewed early enough, and used to its
  real end while that does not work. In a longer one only those processes fail requests whose token has ended.
- After an outage a process without a token asks when its next API request comes, and one that still has a token up to
  a minute later, at random. Nobody asks in step, so that the first second is a small part of the whole.
- While there is a token, a process asks an endpoint that is down at most about once a minute. Without one each API
  request, or all that wait together, asks up to three times before it fails.
"""


def _rows(figures: Figures) -> str:
    return "\n".join(_row(stretch, figures) for stretch in figures.stretches)


def _row(stretch: Stretch, figures: Figures) -> str:
    during, after = stretch.during, stretch.after
    meanwhile = f"{during.total / stretch.seconds:.1f}, {during.busiest}" if stretch.seconds else "-"
    share = after.busiest / after.total if after.total else 0.0
    return (
        f"| {stretch.name} | {stretch.failed:,} | {meanwhile} | {after.total:,}, {after.busiest} ({share:.0%}) "
        f"| {after.busiest / figures.mean:.0f} times | {stretch.echo} |"
    )


def _seconds_left(chance: float) -> float:
    """How long a token is still good for when it begins to age."""
    lease = Lease(Token("abc", expires_at=LIFE), "", arrived=0, rules=RenewalRules(), chance=chance)
    return lease.ends_at - lease.fresh_until
