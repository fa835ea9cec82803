"""Caches and tracers put a class of their own in the place of the library's, for the whole process."""

from __future__ import annotations

from contextlib import AsyncExitStack, ExitStack
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock, create_autospec

import anyio
import pytest
import requests

from oauth_cc_auth import ConfigurationError
from oauth_cc_auth._adapter.originals import is_made_by, original_class
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import ALL_CLIENTS, REQUESTS, ClientKind, each_client, for_clients
from tests.contract.scenes import auth_of

# One for each class that token clients are of.
EACH_CLASS = for_clients(*(kind for kind in ALL_CLIENTS if kind.backend != "trio"))


def name_of(client: ClientKind) -> str:
    if client is REQUESTS:
        return "Session"
    return "AsyncClient" if client.is_async else "Client"


def replaced(client: ClientKind, patch: pytest.MonkeyPatch, calls: list[str]) -> Any:
    """Replace the class as requests-cache does it; what is sent through the replacement is noted. The original."""
    name = name_of(client)
    original: Any = getattr(client.library, name)

    class Caching(original):  # type: ignore[misc]  # a class known when it runs
        def send(self, *args: Any, **kwargs: Any) -> Any:
            calls.append("sent")
            return super().send(*args, **kwargs)

    Caching.__name__ = Caching.__qualname__ = name
    patch.setattr(client.library, name, Caching)
    if client is REQUESTS:
        patch.setattr(requests.sessions, name, Caching)
    return original


def token_of(client: ClientKind, auth: Any, token_client: Any = None) -> str:
    """The token that is fetched; `token_client` is closed afterwards."""

    async def run() -> Any:
        async with token_client or AsyncExitStack():
            return await auth.aget_token()

    if client.backend is not None:
        return str(anyio.run(run, backend=client.backend).access_token)
    with token_client or ExitStack():
        return str(auth.get_token().access_token)


@EACH_CLASS
def test_a_token_client_of_the_original_class(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made before the class was replaced."""
    token_client = replaced(client, monkeypatch, [])()
    auth = auth_of(client, oauth_server, token_client=token_client)
    assert token_of(client, auth, token_client) == oauth_server.issued[-1]


@EACH_CLASS
def test_a_token_client_of_the_new_class(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made afterwards, and is what the person wants."""
    calls: list[str] = []
    replaced(client, monkeypatch, calls)
    token_client = getattr(client.library, name_of(client))()
    auth = auth_of(client, oauth_server, token_client=token_client)
    assert token_of(client, auth, token_client) == oauth_server.issued[-1]
    assert calls == ["sent"]


@EACH_CLASS
def test_a_token_request_of_our_own_goes_through_no_such_class(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache would keep the token, perhaps on disk."""
    calls: list[str] = []
    replaced(client, monkeypatch, calls)
    assert token_of(client, auth_of(client, oauth_server)) == oauth_server.issued[-1]
    assert calls == []


@EACH_CLASS
@pytest.mark.parametrize("instead", [MagicMock(), lambda *args: None], ids=["mock", "function"])
def test_a_class_that_is_none_any_more(client: ClientKind, monkeypatch: pytest.MonkeyPatch, instead: Any) -> None:
    """What was made before is still known, and nothing else is."""
    original = getattr(client.library, name_of(client))
    token_client = original()
    monkeypatch.setattr(client.library, name_of(client), instead)
    client.auth_class("https://login.example.com/token", "client", "secret", token_client=token_client)
    with pytest.raises(ConfigurationError, match=r"^token_client must be a .*, not builtins\.object$"):
        client.auth_class("https://login.example.com/token", "client", "secret", token_client=object())
    assert original_class(client.library, name_of(client)) is instead


@each_client
def test_a_mock_with_a_specification(client: ClientKind) -> None:
    """Such a mock says that it is an object of its class."""
    spec = create_autospec(getattr(client.library, name_of(client)), instance=True)
    client.auth_class("https://login.example.com/token", "client", "secret", token_client=spec)


def test_a_second_copy_of_the_library() -> None:
    """A module that was loaded anew has classes of its own, and they will do."""
    library = ModuleType("lookalike")
    library.Session = type("Session", (), {"__module__": "lookalike.sessions"})  # type: ignore[attr-defined]
    old = library.Session()
    library.Session = type("Session", (), {"__module__": "lookalike.sessions"})  # type: ignore[attr-defined]
    assert is_made_by(library, "Session", old)
    assert not is_made_by(library, "Session", requests.Session())
