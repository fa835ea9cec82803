"""Promise 10: a secret that is rotated ends the hold that the old one has caused."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import TokenEndpointError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.token_side import auth_for
from tests.fake_clock import FakeClock


class Vault:
    """Gives the secret, and counts how often it was asked."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.asked = 0
        self.fails = False

    def __call__(self) -> str:
        self.asked += 1
        if self.fails:
            raise OSError("the vault is sealed")
        return self.secret


def held(client: ClientKind, server: LoopbackServer, vault: Any) -> tuple[Any, FakeClock]:
    """An auth object that was rejected eight times in a row, so it is held off for a minute; and its clock."""
    clock = FakeClock()
    auth = auth_for(client, server, clock, client_secret=vault, client_authentication="post")
    with client.session(auth=auth) as session:
        for _ in range(8):
            clock.advance(61)
            with pytest.raises(TokenEndpointError):
                session.get_token()
    return auth, clock


@each_client
def test_the_secret_is_asked_for_once_a_second(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """While it is the same, the endpoint is left alone. Another one ends the hold at once."""
    vault = Vault("old")
    auth, clock = held(client, oauth_server, vault)
    before, asked = len(oauth_server.token_requests), vault.asked
    with client.session(auth=auth) as session:
        for _ in range(20):
            with pytest.raises(TokenEndpointError):
                session.get_token()
            clock.advance(0.25)
        assert vault.asked == asked + 5
        assert len(oauth_server.token_requests) == before
        vault.secret = oauth_server.client_secret
        assert session.get_token().access_token == oauth_server.issued[0]
        assert len(oauth_server.token_requests) == before + 1


@each_client
def test_a_vault_that_fails_changes_nothing(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The error is still that of the endpoint."""
    vault = Vault("old")
    auth, _ = held(client, oauth_server, vault)
    before, vault.fails = len(oauth_server.token_requests), True
    with client.session(auth=auth) as session, pytest.raises(TokenEndpointError):
        session.get_token()
    assert len(oauth_server.token_requests) == before


@each_client
def test_another_reason_for_the_hold(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The secret has nothing to do with an unknown scope, so it is not asked for."""
    oauth_server.token_endpoint.always(Answer.error("invalid_scope"))
    vault = Vault(oauth_server.client_secret)
    auth, _ = held(client, oauth_server, vault)
    before, asked = len(oauth_server.token_requests), vault.asked
    with client.session(auth=auth) as session, pytest.raises(TokenEndpointError):
        session.get_token()
    assert (len(oauth_server.token_requests), vault.asked) == (before, asked)
