"""The pytest fixture. The package imports this module only if pytest is imported already."""

from collections.abc import Iterator

import pytest

from ._server import LoopbackServer


@pytest.fixture
def oauth_server() -> Iterator[LoopbackServer]:
    """A started ``LoopbackServer()`` for one test, which stops after the test."""
    with LoopbackServer() as server:
        yield server
