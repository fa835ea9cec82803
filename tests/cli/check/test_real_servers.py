"""The diagnosis of authorization servers that others wrote, Authlib and django-oauth-toolkit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any
from urllib.parse import urljoin

import pytest

from tests.cli.check.checks import diagnosis, direct
from tests.servers import BASIC, BODY, SPECIAL_BODY, Client, RealServer, running

__all__ = ["direct"]

WRONG = Client(BASIC.client_id, "wrong-secret-Nb3")
UNKNOWN = Client("nobody", "wrong-secret-Nb3")


@pytest.fixture(scope="module", name="start")
def _start() -> Iterator[Callable[[str], RealServer]]:
    """Starts a server by its name, once."""
    with ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(running(name)))


@pytest.mark.parametrize(
    ("name", "client", "settings", "causes"),
    [
        ("authlib", BASIC, {}, []),
        ("authlib", BODY, {}, ["method_not_allowed"]),
        ("authlib", SPECIAL_BODY, {}, ["method_not_allowed"]),
        ("authlib", WRONG, {}, ["wrong_credentials"]),
        ("authlib", UNKNOWN, {}, ["wrong_credentials"]),
        ("authlib", BODY, {"client_authentication": "client_secret_basic"}, ["wrong_credentials"]),
        ("authlib", BASIC, {"scope": "bogus"}, ["scope_unknown"]),
        ("authlib", BASIC, {"grant_type": "password"}, ["grant_unsupported"]),
        ("authlib", BASIC, {"path": "/nothing"}, ["path_not_found"]),
        ("django", BASIC, {}, []),
        ("django", SPECIAL_BODY, {}, []),
        ("django", WRONG, {}, ["wrong_credentials"]),
        ("django", UNKNOWN, {}, ["wrong_credentials"]),
        ("django", BASIC, {"scope": "bogus"}, ["scope_unknown"]),
        ("django", BASIC, {"path": "/nothing"}, ["path_not_found"]),
    ],
)
def test_real_servers(
    name: str, client: Client, settings: dict[str, Any], causes: list[str], start: Callable[[str], RealServer]
) -> None:
    """What they answer is understood."""
    others = dict(settings)
    url = urljoin(start(name).token_url, others.pop("path", ""))
    result = diagnosis(url, client.client_id, client.client_secret, **others)
    assert [cause.name for cause in result.verdict.causes] == causes
