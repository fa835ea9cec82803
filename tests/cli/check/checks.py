"""Running a diagnosis in this process, and what came of it."""

from __future__ import annotations

import base64
import gc
import json
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from oauth_cc_auth._cli.check.connection_facts import Connection, Step
from oauth_cc_auth._cli.check.diagnose import diagnose
from oauth_cc_auth._cli.check.facts import ApiFacts, AttemptFacts, Findings, Question, TokenFacts
from oauth_cc_auth._cli.check.rules.judge import Cause, Diagnosis
from oauth_cc_auth._cli.check.watcher import Watcher
from oauth_cc_auth._cli.settings.given import CommandSettings
from oauth_cc_auth._cli.terminal.wording import COMMAND
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._issuer import Issuer

# What any machine may have set and requests looks at.
_ENVIRONMENT = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test module to import: no proxy and no certificates of the machine's."""
    for name in (*_ENVIRONMENT, *map(str.upper, _ENVIRONMENT), *_BUNDLES):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def tunnel_refused() -> Iterator[None]:
    """Where a proxy refuses a tunnel, Python 3.10 leaves its answer open, and urllib3 2.2 does not see to it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()  # here, not in the middle of another test


class Onlooker(Watcher):
    """Keeps what it is called for, in order.

    Attributes:
        told: Names of what happened: the start and the end of a block, a step and its outcome, and so on.
        findings: All of them, once the diagnosis is complete.
    """

    def __init__(self) -> None:
        self.told: list[str] = []
        self.findings: Findings | None = None

    def doing(self, what: str) -> AbstractContextManager[object]:
        return self._block(what.partition(" ")[0])

    @contextmanager
    def _block(self, what: str) -> Iterator[None]:
        self.told.append(what)
        yield
        self.told.append(f"{what} done")

    def started(self, question: Question) -> None:
        super().started(question)
        self.told.append("started")

    def stepped(self, step: Step, connection: Connection) -> None:
        super().stepped(step, connection)
        assert step == connection.steps[-1]
        self.told.append(f"{step.name} {step.outcome}")

    def attempted(self, attempts: tuple[AttemptFacts, ...]) -> None:
        super().attempted(attempts)
        self.told.append(f"{len(attempts)} attempts")

    def obtained(self, token: TokenFacts, now: float) -> None:
        super().obtained(token, now)
        self.told.append("token")

    def called(self, api: ApiFacts) -> None:
        super().called(api)
        self.told.append("api")

    def concluded(self, findings: Findings, verdict: Diagnosis) -> None:
        super().concluded(findings, verdict)
        self.told.append("concluded")
        self.findings = findings


@dataclass
class Diagnosed:
    """What a diagnosis found and concluded."""

    findings: Findings
    verdict: Diagnosis
    told: list[str]

    @property
    def fatal(self) -> list[str]:
        """Names of the causes that stop it from working."""
        return [cause.name for cause in self.verdict.causes if cause.fatal]

    @property
    def notes(self) -> list[str]:
        """Names of the others."""
        return [cause.name for cause in self.verdict.causes if not cause.fatal]

    def cause(self, name: str) -> Cause:
        """The cause of that name."""
        return next(cause for cause in self.verdict.causes if cause.name == name)

    @property
    def statuses(self) -> list[tuple[str, int | None, str | None]]:
        """Method, status and OAuth error of every attempt."""
        return [(each.method, each.status, each.error) for each in self.findings.attempts]

    @property
    def token(self) -> TokenFacts:
        assert self.findings.token is not None
        return self.findings.token

    @property
    def api(self) -> ApiFacts:
        assert self.findings.api is not None
        return self.findings.api


def diagnosis(
    token_url: str | Issuer,
    client_id: str = "client",
    client_secret: Any = "secret",
    *,
    api_url: str | None = None,
    behaviour: dict[str, Any] | None = None,
    **settings: Any,
) -> Diagnosed:
    """Diagnose these settings."""
    config = ClientCredentialsConfig(token_url, client_id, client_secret, **settings)
    onlooker = Onlooker()
    verdict = diagnose(CommandSettings(config, {"timeout": 5.0} | (behaviour or {}), COMMAND), api_url, onlooker)
    assert onlooker.findings is not None
    return Diagnosed(onlooker.findings, verdict, onlooker.told)


def jwt(**claims: Any) -> str:
    """A token that is a JWT with these claims; its signature is the word "signature"."""
    parts = [{"alg": "RS256", "kid": "key-1"}, claims]
    return ".".join([*(encoded(json.dumps(part).encode()) for part in parts), encoded(b"signature")])


def encoded(data: bytes) -> str:
    """Base64 as JWTs have it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
