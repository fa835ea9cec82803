"""The pytest fixture. The package imports this module only if pytest is imported already."""

from collections.abc import Iterator

import pytest

from ._server import LoopbackServer


@pytest.fixture
def oauth_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """A started ``LoopbackServer()`` for one test, which stops after the test.

    No token is renewed in the background meanwhile: such a renewal could outlive the server and your mocks.
    """
    monkeypatch.setenv("OAUTH_CC_RENEW_IN_BACKGROUND", "0")
    with LoopbackServer() as server:
        yield server


@pytest.fixture
def oauth_tls_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """A started ``LoopbackServer(tls=True)`` for one test, which stops after the test.

    Clients that are made in the test trust it, and no other server: variables of the environment name its authority.
    As with ``oauth_server``, no token is renewed in the background.
    """
    monkeypatch.setenv("OAUTH_CC_RENEW_IN_BACKGROUND", "0")
    with LoopbackServer(tls=True) as server:
        for name, value in server.ca_variables.items():
            monkeypatch.setenv(name, value)
        yield server
