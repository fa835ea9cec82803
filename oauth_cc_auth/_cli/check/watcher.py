"""The interface of what shows a diagnosis while it runs."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

from oauth_cc_auth._cli.check.rules.judge import Diagnosis

from .connection_facts import Connection, Step
from .facts import ApiFacts, AttemptFacts, Findings, Question, TokenFacts


class Watcher:
    """Is called for everything that happens, and does nothing."""

    def doing(self, what: str) -> AbstractContextManager[object]:
        """Something takes as long as the block, such as ``connecting to login.example.com``."""
        return nullcontext()

    def started(self, question: Question) -> None:
        """The settings are valid; nothing else is known."""

    def stepped(self, step: Step, connection: Connection) -> None:
        """One step of connecting is done."""

    def located(self, token_url: str, seconds: float) -> None:
        """The metadata of the issuer names the token endpoint."""

    def attempted(self, attempts: tuple[AttemptFacts, ...]) -> None:
        """All token requests are done."""

    def obtained(self, token: TokenFacts, now: float) -> None:
        """There is a token since `now`, a Unix time in seconds."""

    def called(self, api: ApiFacts) -> None:
        """The API was called."""

    def concluded(self, findings: Findings, diagnosis: Diagnosis) -> None:
        """Everything is known."""


class Timed:
    """A block that the watcher shows, and its duration.

    Attributes:
        seconds: How long it took.
    """

    def __init__(self, watcher: Watcher, what: str) -> None:
        self._showing = watcher.doing(what)
        self._started = time.monotonic()
        self.seconds = 0.0

    def __enter__(self) -> Timed:
        self._showing.__enter__()
        self._started = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = time.monotonic() - self._started
        self._showing.__exit__(kind, error, trace)
