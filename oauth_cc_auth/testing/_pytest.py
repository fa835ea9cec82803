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
