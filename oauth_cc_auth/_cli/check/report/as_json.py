"""The diagnosis as one JSON document, for scripts and tickets. The names of members and causes never change."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any, TextIO

from oauth_cc_auth._cli.check.facts import ApiFacts, Findings, TokenFacts
from oauth_cc_auth._cli.check.rules.judge import Diagnosis
from oauth_cc_auth._cli.check.watcher import Watcher
from oauth_cc_auth._cli.terminal import console


class JsonReport(Watcher):
    """Writes the document to `stream` at the end, and nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def doing(self, what: str) -> AbstractContextManager[object]:
        """On stderr, if a person waits at a terminal."""
        return console.progress(what)

    def concluded(self, findings: Findings, diagnosis: Diagnosis) -> None:
        """In ASCII, which every terminal, pipe and file accepts."""
        self._stream.write(json.dumps(document(findings, diagnosis), indent=2, allow_nan=False) + "\n")


def document(findings: Findings, diagnosis: Diagnosis) -> dict[str, Any]:
    """All facts and the diagnosis; times are in seconds, dates in UTC."""
    return {
        "works": diagnosis.works,
        "verdict": diagnosis.text,
        "causes": [asdict(cause) for cause in diagnosis.causes],
        "checked_at": datetime.fromtimestamp(findings.now, tz=timezone.utc).isoformat(timespec="seconds"),
        "settings": asdict(findings.question),
        "connection": asdict(findings.connection),
        "attempts": [asdict(attempt) for attempt in findings.attempts],
        "token": None if findings.token is None else _token(findings.token),
        "discovered_token_url": findings.discovered,
        "api": None if findings.api is None else _api(findings.api),
    }


def _token(token: TokenFacts) -> dict[str, Any]:
    members = asdict(token)
    members["missing_scope"], members["extra_scope"] = token.missing_scope, token.extra_scope
    if token.jwt is not None:
        members["jwt"] = {"verified": False, **members["jwt"]}
    return members


def _api(api: ApiFacts) -> dict[str, Any]:
    return {**asdict(api), "accepted": api.accepted}
