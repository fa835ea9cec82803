"""Runs the demo in this process with the client libraries that a test wants, and reads what it printed."""

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

# Variables that the demo reads and that this machine may have set.
_ENVIRONMENT = ("NO_COLOR", "TERM", "WT_SESSION", "no_proxy", "NO_PROXY")
_EXCHANGE = re.compile(
    r" {0,5}(?P<who>(\d+ . )?app .*?)  +(?P<request>[A-Z]+ +/\S+)  +(?P<presented>.*?)  +(?P<status>\d+|---) "
)


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass
class Run:
    """One run of the demo.

    Attributes:
        status: The exit status.
        text: What it printed.
        server: The server that it used. None if it used none.
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
        """Every line about an exchange: the two parties, method and path, credentials, and status."""
        found = filter(None, map(_EXCHANGE.match, self.lines))
        return [(each["who"], each["request"], each["presented"], each["status"]) for each in found]


def run_demo(
    monkeypatch: pytest.MonkeyPatch,
    libraries: Collection[str] = LIBRARIES,
    stream: io.TextIOWrapper | io.StringIO | None = None,
    tamper: Callable[[LoopbackServer], object] | None = None,
    *,
    everything: bool = True,
    shares: bool = False,
    binds: bool = False,
) -> Run:
    """Run the demo as if exactly these libraries were installed.

    Args:
        stream: The stream to print on. None: one that is not a terminal.
        tamper: Called with the server of the demo before it starts.
        everything: Ask for the exchanges of all clients.
        shares: Play the scene with two processes, which takes a second.
        binds: Play the scene with a token that is bound to a key.
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
        patched.setattr(_demo, "can_share", lambda: shares)
        patched.setattr(_demo, "can_bind", lambda: binds)
        for name in set(LIBRARIES) - set(libraries):
            patched.setitem(sys.modules, name, None)
        status = _demo.run(stream, everything=everything)
    stream.seek(0)
    return Run(status, stream.read(), servers[0] if servers else None, records)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables that change how the demo looks. Test modules import this fixture."""
    for name in _ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
