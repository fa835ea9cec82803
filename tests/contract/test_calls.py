"""Calls that people make: names and values as they are at hand, and assignments that would change nothing."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any

import pytest

from oauth_cc_auth import ClientSecretBasic, ClientSecretPost, ConfigurationError
from oauth_cc_auth._settings.checks import client_authentication
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.scenes import auth_of


class SecretStr:
    """What pydantic's class of that name has."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        return self._text


@each_client
def test_a_secret_of_pydantic(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It is the text that it hides."""
    cls: Any = client.auth_class
    auth = cls(oauth_server.token_url, oauth_server.client_id, SecretStr(oauth_server.client_secret))
    with client.session(auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
    with pytest.raises(ConfigurationError, match=r"^client_secret is empty"):
        cls(oauth_server.token_url, oauth_server.client_id, SecretStr(""))


@pytest.mark.parametrize(
    ("given", "method"),
    [
        ("basic", "client_secret_basic"),
        ("post", "client_secret_post"),
        (ClientSecretBasic, "client_secret_basic"),
        (ClientSecretPost, "client_secret_post"),
    ],
)
@each_client
def test_short_names_and_classes(client: ClientKind, oauth_server: LoopbackServer, given: Any, method: str) -> None:
    """For client authentication, as everyone calls them."""
    with client.session(auth_of(client, oauth_server, client_authentication=given)) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
    (request,) = oauth_server.token_requests
    assert (request.headers.get("Authorization") is not None) == (method == "client_secret_basic")


def test_a_class_that_needs_arguments() -> None:
    """The person has to make the object."""

    class Signed(ClientSecretPost):
        def __init__(self, key: str) -> None:
            self.key = key

    with pytest.raises(ConfigurationError, match=r"^client_authentication must name a known method, not type"):
        client_authentication(Signed)


@each_client
@pytest.mark.parametrize("statuses", [(401, 419), [419], {419}, range(400, 420)])
def test_renew_on_statuses(client: ClientKind, oauth_server: LoopbackServer, statuses: Any) -> None:
    """In any collection; pickles and copies keep them."""
    auth: Any = auth_of(client, oauth_server, renew_on=statuses)
    for each in (auth, copy.deepcopy(auth), pickle.loads(pickle.dumps(auth))):  # noqa: S301  # made here
        oauth_server.api.next(Answer(419))
        with client.session(each) as session:
            assert session.request("GET", oauth_server.api_url).status == 200


@each_client
@pytest.mark.parametrize("statuses", [(), (401, "419"), (42,), "401", {401: True}, 419])
def test_renew_on_something_else(client: ClientKind, oauth_server: LoopbackServer, statuses: Any) -> None:
    """What cannot be statuses is refused when the auth object is made."""
    with pytest.raises(ConfigurationError, match=r"^renew_on must "):
        auth_of(client, oauth_server, renew_on=statuses)


@each_client
@pytest.mark.parametrize("name", ["timeout", "scope", "client_secret", "config"])
def test_assignments_that_would_change_nothing(client: ClientKind, oauth_server: LoopbackServer, name: str) -> None:
    """Only the names of arguments: a subclass may set what it likes."""
    auth: Any = auth_of(client, oauth_server)
    with pytest.raises(AttributeError, match=rf"^{name} cannot be changed; pass it when you make the auth object$"):
        setattr(auth, name, 1)
    auth.counter = 1
    assert auth.counter == 1


@each_client
def test_auth_object_that_is_dropped_is_gone(client: ClientKind) -> None:
    """At once: no circle of references keeps it, or a part of it, until the garbage collector comes."""
    auth: Any = client.auth_class("https://login.example.com/token", "client", "secret")
    auth_gone, transport_gone = weakref.ref(auth), weakref.ref(auth._transport)
    gc.disable()
    try:
        del auth
        assert (auth_gone(), transport_gone()) == (None, None)
    finally:
        gc.enable()
