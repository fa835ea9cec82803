"""The pytest fixture. Imported only where pytest already is."""

from collections.abc import Iterator

import pytest

from ._server import LoopbackServer


@pytest.fixture
def oauth_server() -> Iterator[LoopbackServer]:
    """A started ``LoopbackServer()`` of the test's own, stopped after the test."""
    with LoopbackServer() as server:
        yield server
