"""``oauth-cc-auth check``: one step after the other, as far as they work, and then what it all means."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

from oauth_cc_auth._adapter import behaviour
from oauth_cc_auth._advice import Words
from oauth_cc_auth._cli.check.probe.api_call import call_api
from oauth_cc_auth._cli.check.probe.attempts import try_methods
from oauth_cc_auth._cli.check.probe.connect import connect, look_again
from oauth_cc_auth._cli.check.probe.discovery import find_token_endpoint
from oauth_cc_auth._cli.check.probe.issuer import read_issuer
from oauth_cc_auth._cli.check.report.as_json import JsonReport
from oauth_cc_auth._cli.check.report.as_text import Report
from oauth_cc_auth._cli.check.rules.judge import ELSEWHERE, Diagnosis, judge
from oauth_cc_auth._cli.settings.given import CommandSettings
from oauth_cc_auth._cli.settings.urls import wire_origin, wire_url
from oauth_cc_auth._cli.terminal import console
from oauth_cc_auth._cli.terminal.exit import FAILED, OK, CommandError
from oauth_cc_auth._cli.terminal.wording import issuer_remedy
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._issuer import Issuer
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._protocol.server_metadata import ServerMetadata
from oauth_cc_auth._redact.redact import presentable, shown_url

from .connection_facts import Connection
from .facts import Findings, Question
from .oddities import oddities
from .watcher import Timed, Watcher

_TIMEOUT = 10.0  # seconds, as the plugin's


def run(settings: CommandSettings, *, api_url: str | None, as_json: bool) -> int:
    """Find out what happens with `settings`, and print it. Returns the exit status.

    Raises:
        CommandError: `api_url` is not a URL that can be called.
    """
    if api_url is not None:
        _check_api_url(api_url)
    watcher: Watcher = JsonReport(sys.stdout) if as_json else Report(console.stdout())
    diagnosis = diagnose(settings, api_url, watcher)
    return OK if diagnosis.works else FAILED


def diagnose(settings: CommandSettings, api_url: str | None, watcher: Watcher) -> Diagnosis:
    """Find out, report to `watcher`, and judge."""
    config = settings.config
    findings = Findings(
        _question(config, api_url, settings.words), time.time(), Connection("", 0, None), words=settings.words
    )
    watcher.started(findings.question)
    place = config.source_url if config.issuer is None else config.issuer.asked_url
    findings = replace(findings, connection=connect(place, _timeout(settings), watcher))
    server: ServerMetadata | None = None
    if findings.connection.failure is None and config.issuer is not None:
        findings, server = _located(findings, settings, config.issuer, watcher)
    if findings.connection.failure is None and findings.undiscovered is None:
        findings = _asked(findings, settings, api_url, watcher, server)
    findings = replace(findings, now=time.time())
    diagnosis = judge(findings)
    if config.issuer is None and any(cause.name in ELSEWHERE for cause in diagnosis.causes):
        with watcher.doing("asking the server where its token endpoint is"):
            discovered = find_token_endpoint(config.source_url, _timeout(settings))
        findings = replace(findings, discovered=discovered)
        diagnosis = judge(findings)
    watcher.concluded(findings, diagnosis)
    return diagnosis


def _located(
    findings: Findings, settings: CommandSettings, issuer: Issuer, watcher: Watcher
) -> tuple[Findings, ServerMetadata | None]:
    """Where the issuer says that tokens are issued, and how far a connection to that place comes."""
    timeout, permitted = _timeout(settings), settings.config.allow_insecure_http
    with Timed(watcher, f"asking {shown_url(issuer.asked_url)} where tokens are issued") as timed:
        server = read_issuer(issuer, timeout, allow_insecure_http=permitted)
    if isinstance(server, Failure):
        remedy = issuer_remedy(server.error, settings.words)
        return replace(findings, undiscovered=server.error.problem, undiscovered_remedy=remedy), None
    token_url, origin = shown_url(server.token_url), wire_origin(server.token_url)
    question = replace(findings.question, token_url=token_url, secure=origin.scheme == "https", host=origin.host)
    findings = replace(findings, question=question)
    watcher.located(token_url, timed.seconds)
    if origin != wire_origin(issuer.asked_url):
        findings = replace(findings, connection=connect(server.token_url, timeout, watcher))
    return findings, server


def _asked(
    findings: Findings, settings: CommandSettings, api_url: str | None, watcher: Watcher, server: ServerMetadata | None
) -> Findings:
    """What the token endpoint and the API answer."""
    config, timeout = settings.config, _timeout(settings)
    tried = try_methods(config, timeout, watcher, server)
    findings = replace(findings, attempts=tried.attempts, now=time.time())
    watcher.attempted(tried.attempts)
    if any(attempt.outcome == "no_answer" for attempt in tried.attempts):
        with watcher.doing("asking once more why there is no answer"):
            findings = replace(findings, connection=look_again(findings.connection))
    if tried.obtained is None:
        return findings
    findings = replace(findings, token=tried.obtained.facts)
    watcher.obtained(tried.obtained.facts, findings.now)
    if api_url is None:
        return findings
    origins = behaviour.api_origins(settings.behaviour.get("api_origins"), wire_url)
    api = call_api(config, api_url, tried.obtained, origins=origins, timeout=timeout, watcher=watcher)
    watcher.called(api)
    return replace(findings, api=api)


def _timeout(settings: CommandSettings) -> float:
    return float(settings.behaviour.get("timeout", _TIMEOUT))


def _question(config: ClientCredentialsConfig, api_url: str | None, words: Words) -> Question:
    origin, method, secret = wire_origin(config.source_url), config.authentication, config.client_secret
    # A person who pasted the secret into a wrong field does not want to see it in a ticket.
    secrets = (secret,) if isinstance(secret, str) else ()
    return Question(
        token_url=shown_url(config.source_url),
        api_url=None if api_url is None else shown_url(api_url),
        secure=origin.scheme == "https",
        host=origin.host,
        client_id=presentable(config.client_id, secrets),
        method=method if method is None or isinstance(method, str) else method.name,
        grant_type=presentable(config.grant_type, secrets),
        scope=None if config.scope is None else presentable(config.scope, secrets),
        data_names=tuple(dict.fromkeys(name for name, _ in config.additional_request_data)),
        header_name=config.header_name,
        header_value_pattern=str(config.header_value_pattern),
        issuer=None if config.issuer is None else shown_url(config.issuer.url),
        described=() if config.endpoint is None else config.endpoint.differences,
        oddities=oddities(config.client_id, secret if isinstance(secret, str) else "", config.scope, words=words),
    )


def _check_api_url(url: str) -> None:
    origin = wire_origin(url)
    if origin.scheme not in ("http", "https") or not origin.host or any(character.isspace() for character in url):
        raise CommandError("--api-url must be a full URL, such as https://api.example.com/orders")
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise CommandError(
            "--api-url contains user info, which takes the place of the token; leave out what is before the @"
        )
