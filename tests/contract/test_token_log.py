"""The log: a record for each event and each decision, on one line, without a secret."""

from __future__ import annotations

import logging

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.scenes import scene
from tests.contract.token_side import BASIC, POST, auth_for
from tests.fake_clock import FakeClock


def lines_of(caplog: pytest.LogCaptureFixture, level: int = logging.NOTSET) -> list[str]:
    """Our log messages at that level, or at any level."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "oauth_cc_auth" and level in (logging.NOTSET, record.levelno)
    ]


ODD_SCOPES = ("a\nWARNING forged", "a\x1b[31mred", "\udfff", "the secret hunter2 and the token abcdef", "a" * 100_000)


@each_client
def test_scope_of_an_answer_is_logged_like_any_text_of_others(
    client: ClientKind, oauth_server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """One printable line of reasonable length without secret or token, whatever the server sends as scope."""
    caplog.set_level(logging.DEBUG, "oauth_cc_auth")
    oauth_server.client_secret = "hunter2"
    scopes: list[str | None] = []
    auth = auth_for(client, oauth_server, on_event=lambda event: scopes.append(event.scope))
    with client.session(auth=auth) as session:
        for scope in ODD_SCOPES:
            oauth_server.token_endpoint.next(Answer.token("abcdef", scope=scope))
            auth.invalidate()
            assert session.get_token().scope == scope

    lines = lines_of(caplog)
    assert len(lines) >= len(ODD_SCOPES)
    assert [line for line in lines if not line.isprintable()] == []
    assert [line for line in lines if "hunter2" in line or "abcdef" in line] == []
    assert max(map(len, lines)) < 1000
    assert scopes == ["a WARNING forged", "a [31mred", "", "the secret *** and the token ***", "a" * 299 + "\u2026"]


@each_client
def test_a_token_is_told_at_info(
    client: ClientKind, oauth_server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """From where, for whom, how, how fast, and for how long. The query of the URL is masked."""
    caplog.set_level(logging.INFO, "oauth_cc_auth")
    url = f"{oauth_server.token_url}?key=hunter2"
    auth = auth_for(client, oauth_server, FakeClock(), token_url=url, scope="a b", client_authentication=POST)
    with client.session(auth=auth) as session:
        session.get_token()
    assert lines_of(caplog) == [
        f"token obtained from {oauth_server.token_url}?*** for {oauth_server.client_id} by client_secret_post "
        "in 0.00 s, good for 3600 s, scope a b"
    ]


@each_client
def test_why_each_decision_was_taken_is_told_at_debug(
    client: ClientKind, oauth_server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """In order: a retry, a fallback, what is remembered, and the consequences of refusals."""
    caplog.set_level(logging.DEBUG, "oauth_cc_auth")
    oauth_server.token_endpoint.next(Answer(503), Answer.error("invalid_client", status=401))
    with scene(client, oauth_server) as s:
        s.go_on()
        s.refuse_everything()
        for _ in range(3):
            assert s.get().status == 401
    origin, url = oauth_server.origin, oauth_server.token_url
    renewal = [
        f"token request to {url} by {POST}, which worked last",
        f"{origin} refused the token (401); the token was renewed; the request is sent again",
    ]
    lines = [line for line in lines_of(caplog, logging.DEBUG) if not line.startswith("no token: ")]
    assert lines == [
        f"token request to {url} by {BASIC}, the first of those to try",
        "trying again in 0.50 s",
        f"token request to {url} by {BASIC}, once more",
        f"{BASIC} may not have been recognised; trying {POST}",
        f"token request to {url} by {POST}, instead",
        f"{POST} works, and is remembered",
        *renewal,
        *renewal,
        f"no renewal after a refusal by {origin} for 1.0 s: it refuses every token",
        f"{origin} refused the token (401); the answer is left as it is, since this origin refuses every token of late",
    ]
