"""HTTPie beside a loopback server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oauth_cc_auth.testing import LoopbackServer
from tests.httpie.command import CLIENT_ID, CLIENT_SECRET, HTTPie


@pytest.fixture
def httpie(tmp_path: Path) -> Iterator[HTTPie]:
    """The real command; its server knows `CLIENT_ID`, and its environment has all that a request needs."""
    with LoopbackServer(client_id=CLIENT_ID, client_secret=CLIENT_SECRET) as server:
        yield HTTPie(server, tmp_path)
