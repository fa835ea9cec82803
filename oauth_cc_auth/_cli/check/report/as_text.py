"""The diagnosis for a person: each step when it is done, and at the end what it means. 80 columns are enough."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import NamedTuple

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from oauth_cc_auth._cli.check.connection_facts import Certificate, Connection, Step
from oauth_cc_auth._cli.check.facts import ApiFacts, AttemptFacts, Findings, Question, TokenFacts
from oauth_cc_auth._cli.check.rules.judge import Cause, Diagnosis
from oauth_cc_auth._cli.check.rules.rule import date, relative
from oauth_cc_auth._cli.check.watcher import Watcher
from oauth_cc_auth._cli.terminal import console

from .token_rows import jwt_rows, token_rows

_WIDEST = 100  # columns; longer lines are hard to read
_NARROW = 60  # columns; below, a table has no room for the answer
_LABEL = 10  # columns
_TIME = 9  # columns
_METHOD = 21  # columns

_SILENT = {"refused": "no OAuth error"}
_LABELS = {"dns": "DNS", "tcp": "TCP", "tls": "TLS"}


class _Marks(NamedTuple):
    """The beginnings of lines. Not every encoding has every character."""

    ok: str
    failed: str
    skipped: str
    note: str


_UNICODE = _Marks("\N{CHECK MARK}", "\N{BALLOT X}", "\N{MIDDLE DOT}", "!")
_ASCII = _Marks("ok", "NO", "--", "!")
_STYLES = _Marks("green", "red", "dim", "yellow")


class Report(Watcher):
    """Prints on `console`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, _WIDEST)
        self._marks = _UNICODE if console.encoding.lower().startswith("utf") else _ASCII

    def doing(self, what: str) -> AbstractContextManager[object]:
        """On stderr, if a person waits at a terminal."""
        return console.progress(what)

    def started(self, question: Question) -> None:
        """What is checked."""
        self._print(Text.assemble("Checking ", (question.token_url, "bold"), overflow="fold"))
        self._print()
        scope = f", scope {question.scope}" if question.scope else ", no scope"
        self._step("ok", "settings", f"valid: client id {question.client_id}{scope}", None)

    def stepped(self, step: Step, connection: Connection) -> None:
        """One step of connecting, with the certificate, also if that is not accepted."""
        self._step(step.outcome, _LABELS[step.name], step.text, step.seconds)
        if step.name == "tls" and connection.certificate is not None:
            for line in _format_certificate(connection.certificate, time.time()):
                self._step(None, "", line, None)

    def located(self, token_url: str, seconds: float) -> None:
        """What the issuer says."""
        self._step("ok", "issuer", f"names {token_url}", seconds)

    def attempted(self, attempts: tuple[AttemptFacts, ...]) -> None:
        """A table of all token requests; on a narrow terminal, one below the other."""
        self._print()
        if self._width < _NARROW:
            for attempt in attempts:
                self._print(Text(attempt.method, "bold", overflow="fold"))
                rows = [("status", _format_status(attempt)), ("answer", _format_answer(attempt))]
                self._rows([*rows, ("time", _format_time(attempt.seconds))])
            return
        table = Table(box=box.SIMPLE_HEAD, width=self._width, pad_edge=False, show_edge=False, header_style="bold")
        table.add_column("method", overflow="fold", max_width=_METHOD)
        table.add_column("status", width=9)
        table.add_column("answer", overflow="fold", ratio=1)
        table.add_column("time", justify="right", width=_TIME)
        for attempt in attempts:
            style = "green" if attempt.outcome == "token" else "red"
            words, took = Text(_format_answer(attempt)), Text(_format_time(attempt.seconds), "dim")
            table.add_row(Text(attempt.method), Text(_format_status(attempt), style), words, took)
        self._print(table)

    def obtained(self, token: TokenFacts, now: float) -> None:
        """Everything about the token but itself."""
        self._section("Token")
        self._rows(token_rows(token))
        if token.jwt is not None:
            self._section("It is a JWT, which says (not verified):")
            self._rows(jwt_rows(token.jwt, now))

    def called(self, api: ApiFacts) -> None:
        """The call of the API."""
        self._section("API")
        status = "not called" if api.withheld else "no answer" if api.answer is None else str(api.answer.status)
        outcome = "ok" if api.accepted else "failed"
        self._step(outcome, status, f"GET {api.url}", None if api.withheld else api.seconds)
        if api.description:
            self._step(None, "", api.description, None)
        if api.answer is not None and api.answer.challenge:
            self._step(None, "", f"WWW-Authenticate: {api.answer.challenge}", None)

    def concluded(self, findings: Findings, diagnosis: Diagnosis) -> None:
        """The diagnosis, what is likely wrong, and what to change."""
        self._print()
        mark, style = (self._marks.ok, "bold green") if diagnosis.works else (self._marks.failed, "bold red")
        grid = Table.grid(padding=(0, 1))
        grid.add_row(Text(mark, style), Text(diagnosis.text, style))
        self._print(grid)
        for cause in diagnosis.causes:
            self._print()
            self._cause(cause)

    def _cause(self, cause: Cause) -> None:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=len(self._marks.ok))
        grid.add_column(width=8)
        grid.add_column(overflow="fold")
        mark, style = ("", "") if cause.fatal else (self._marks.note, _STYLES.note)
        label = Text("because" if cause.fatal else "note", "bold")
        grid.add_row(Text(mark, style), label, Text(cause.text))
        grid.add_row("", Text("change", "bold"), Text(cause.remedy))
        self._print(grid)

    def _section(self, title: str) -> None:
        self._print()
        self._print(Text(title, "bold"))

    def _rows(self, rows: list[tuple[str, str]]) -> None:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", overflow="fold", max_width=24)
        grid.add_column(overflow="fold")
        for name, value in rows:
            grid.add_row(Text(name), Text(value))
        self._print(Padding(grid, (0, 0, 0, 2)))

    def _step(self, outcome: str | None, label: str, text: str, seconds: float | None) -> None:
        mark, style = ("", "") if outcome is None else (getattr(self._marks, outcome), getattr(_STYLES, outcome))
        grid = Table.grid(padding=(0, 1))
        for width in (len(self._marks.ok), _LABEL, self._width - len(self._marks.ok) - _LABEL - _TIME - 3):
            grid.add_column(width=width, overflow="fold")
        grid.add_column(width=_TIME, justify="right", style="dim")
        grid.add_row(Text(mark, style), Text(label, "bold"), Text(text), Text(_format_time(seconds)))
        self._print(grid)

    def _print(self, what: RenderableType = "") -> None:
        with self._console.capture() as captured:
            self._console.print(what, width=self._width)
        # Tables fill their lines with spaces, which do not belong in a ticket.
        self._console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
        self._console.file.flush()


def _format_time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 10.0 else f"{seconds:.1f} s"


def _format_certificate(certificate: Certificate, now: float) -> list[str]:
    until = certificate.not_after
    return [
        f"certificate for {certificate.subject}, issued by {certificate.issuer}",
        f"valid until {date(until)} ({relative(until, now)})",
    ]


def _format_status(attempt: AttemptFacts) -> str:
    return "no answer" if attempt.status is None else str(attempt.status)


def _format_answer(attempt: AttemptFacts) -> str:
    if attempt.outcome == "token":
        return "a token"
    excerpt = None if attempt.answer is None else attempt.answer.excerpt
    description = attempt.description or (None if attempt.error else excerpt)
    if attempt.error and description:
        return f"{attempt.error} ({description})"
    return attempt.error or description or _SILENT.get(attempt.outcome, "")
