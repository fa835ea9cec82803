"""Prints the figures of a day as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._token import Token
from tests.fleet.day import AFTER, MINUTE, Figures, Stretch
from tests.fleet.endpoint import LIFE
from tests.fleet.store import USUAL_TIME as STORE_TIME

COMMAND = "python3 -m tests.fleet"

_HEAD = (
    "| Event | Failed API requests | Token requests a second during it: mean, most | In the "
    f"{AFTER / 60:.0f} min after: total, most in a second | That second compared with the mean of the day | Most in a "
    "second when those tokens are renewed |"
)


def report(figures: Figures, shared: Sequence[Figures], *, requests_a_minute: float) -> str:
    """The text of docs/fleet.md: a day without a store, and some with one."""
    latest, earliest = (_seconds_left(chance) for chance in (1, 0))
    per_process = figures.token_requests / figures.processes
    return f"""\
# A day of a fleet

This page shows what a fleet of processes does to a token endpoint, and what an outage of that endpoint does to the
fleet. The simulation runs the package's own core, unchanged, with a simulated clock and network. This command writes
the page:

```sh
{COMMAND}
```

The fleet has {figures.processes:,} processes and runs for 24 hours. Each process has one auth object with the default
settings. It sends {requests_a_minute:g} API requests a minute on average, at random moments. Tokens live {LIFE:,} s.

During an outage, half of the token requests meet a refused connection, and half hang until they time out. A rate limit
counts the token requests of the whole fleet in each full minute. It answers excess requests with 429 and a
`Retry-After` that names the same second for all.

| | |
|---|---|
| API requests | {figures.api_requests:,} |
| of them failed without a token | {figures.failed:,} |
| of them waited for a token | {figures.waited:,} ({figures.waited / figures.api_requests:.2%}) |
| token requests, per process and day | {per_process:.1f} |
| token requests a second, before anything goes wrong | {figures.mean:.2f} |
| seconds of life left when a token is first renewed | {latest:.0f} to {earliest:.0f} |

{_HEAD}
|---|--:|--:|--:|--:|--:|
{_rows(figures, requests_a_minute)}

- An outage shorter than those {latest:.0f} s fails no API request: each process renews its token early enough, and
  uses the old one until it expires. In a longer outage, requests fail only in processes whose token has expired, and
  only until the endpoint is back.
- After an outage, a process without a token sends a token request with its next API request. A process that still has
  a token does so when its own back-off ends. They are out of step, so the busiest second is a small part of all that
  follows. It grows with the number of processes whose token has expired, because each needs a new one at once.
- If the endpoint is down, a process that still has a token calls it ever more rarely, in the end about once a minute.
  Without a token, each API request (or all that wait together) tries up to three times before it fails.

## With a store

Here the processes share one token through a [store](stores.md). The day is the same, but the revocation is of the
shared token, so all processes meet it. The store is simulated too: its median answer takes {STORE_TIME * 1000:g} ms.

There is only one token, so it matters how old it is when an outage begins. The day is therefore simulated more than
once. In the last column, an outage begins as the token ages, and outlasts it.

{_shared_table(shared)}

- The first process whose token ages renews it, and the others find the new one in the store, each when its own copy
  ages.
- During an outage, all processes leave the endpoint alone together. While the token lives, they send about as many
  token requests as one process would.
- If the token ends during an outage, processes wait for the one that asks, and send nothing themselves. They get its
  failure, and all of them leave the endpoint alone for a time that doubles up to a minute. Then one process asks once.
"""


def _shared_table(days: Sequence[Figures]) -> str:
    """One column for each day."""
    stretches = list(zip(*(day.stretches for day in days), strict=True))
    rows = [
        ("The fleet starts at minute", [f"{day.late / MINUTE:g}" for day in days]),
        ("the last outage begins as the token ages", ["yes" if day.at_worst else "no" for day in days]),
        ("processes", [f"{day.processes:,}" for day in days]),
        ("token requests, of the whole fleet", [f"**{day.token_requests:,}**" for day in days]),
        *(
            (
                f"of them in the {kinds[0].name}, and in the {AFTER / MINUTE:.0f} min after",
                [_both(kind) for kind in kinds],
            )
            for kinds in stretches
        ),
        ("API requests", [f"{day.api_requests:,}" for day in days]),
        ("of them failed without a token", [f"{day.failed:,}" for day in days]),
        ("of them waited for a token", [f"{day.waited:,}" for day in days]),
        ("calls of the store", [f"{day.store.total:,}" for day in days]),
        ("calls of the store in the busiest second", [f"{day.store.busiest:,}" for day in days]),
    ]
    lines = [f"| {name} | {' | '.join(values)} |" for name, values in rows]
    return "\n".join([lines[0], "|---|" + "--:|" * len(days), *lines[1:]])


def _both(stretch: Stretch) -> str:
    return f"{stretch.during.total:,} and {stretch.after.total:,}"


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
    """The remaining life of a token when it begins to age."""
    lease = Lease(Token("abc", expires_at=LIFE), "", asked=Moment(0, 0), rules=RenewalRules(), chance=chance)
    return lease.ends_at.wall - lease.fresh_until
