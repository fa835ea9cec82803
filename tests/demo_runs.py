"""Running the demo in this process, with the client libraries that a test wants, and reading what it printed."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass

import pytest

from oauth_cc_auth import _demo
from oauth_cc_auth.testing import LoopbackServer, RecordedRequest

LIBRARIES = ("requests", "httpx", "httpx2")

# What every program of this machine's may have set, and the demo looks at.
_ENVIRONMENT = ("NO_COLOR", "TERM", "WT_SESSION", "no_proxy", "NO_PROXY")
_EXCHANGE = re.compile(
    r" {0,5}(?P<who>(\d+ . )?app .*?)  +(?P<request>[A-Z]+ +/\S+)  +(?P<presented>.*?)  +(?P<status>\d+|---) "
)


class Terminal(io.StringIO):
    """A stream that says that a person is looking."""

    def isatty(self) -> bool:
        return True


@dataclass
class Run:
    """One run of the demo.

    Attributes:
        status: The exit status.
        text: What it printed.
        server: The server that it used; None where it needed none.
        records: Every exchange of the run, in order of the answers.
    """

    status: int
    text: str
    server: LoopbackServer | None
    records: list[RecordedRequest]

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def exchanges(self) -> list[tuple[str, str, str, str]]:
        """Who spoke to whom, method and path, what was presented, and the status: of every such line."""
        found = filter(None, map(_EXCHANGE.match, self.lines))
        return [(each["who"], each["request"], each["presented"], each["status"]) for each in found]


def run_demo(
    monkeypatch: pytest.MonkeyPatch,
    libraries: Collection[str] = LIBRARIES,
    stream: io.TextIOWrapper | io.StringIO | None = None,
    tamper: Callable[[LoopbackServer], object] | None = None,
) -> Run:
    """Run it as if exactly these libraries were installed.

    Args:
        stream: What it prints on; None for one that is no terminal.
        tamper: Called with the demo's server before it starts.
    """
    stream = io.StringIO() if stream is None else stream
    servers: list[LoopbackServer] = []
    records: list[RecordedRequest] = []

    class Observed(LoopbackServer):
        def start(self) -> None:
            servers.append(self)
            self.on_exchange = records.append
            if tamper is not None:
                tamper(self)
            super().start()

    with monkeypatch.context() as patched:
        patched.setattr(_demo, "LoopbackServer", Observed)
        for name in set(LIBRARIES) - set(libraries):
            patched.setitem(sys.modules, name, None)
        status = _demo.run(stream)
    stream.seek(0)
    return Run(status, stream.read(), servers[0] if servers else None, records)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test module to import: no variable of the person's decides what the demo looks like."""
    for name in _ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
