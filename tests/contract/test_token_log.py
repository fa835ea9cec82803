"""What a token answer leaves in the log (promise 18, for the parts of an answer that are shown)."""

from __future__ import annotations

import logging

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.token_side import auth_for

ODD_SCOPES = ("a\nWARNING forged", "a\x1b[31mred", "\udfff", "the secret hunter2 and the token abcdef", "a" * 100_000)


@each_client
def test_scope_of_an_answer_is_logged_like_any_text_of_others(
    client: ClientKind, oauth_server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """One printable line of reasonable length, whatever the server calls a scope, without the secret or the token."""
    caplog.set_level(logging.DEBUG, "oauth_cc_auth")
    oauth_server.client_secret = "hunter2"
    auth = auth_for(client, oauth_server)
    with client.session(auth=auth) as session:
        for scope in ODD_SCOPES:
            oauth_server.token_endpoint.next(Answer.token("abcdef", scope=scope))
            auth.invalidate()
            assert session.get_token().scope == scope

    lines = [record.getMessage() for record in caplog.records if record.name == "oauth_cc_auth"]
    assert len(lines) >= len(ODD_SCOPES)
    assert [line for line in lines if not line.isprintable()] == []
    assert [line for line in lines if "hunter2" in line or "abcdef" in line] == []
    assert max(map(len, lines)) < 1000
