"""Promise 26, through each client: auth objects with one store share one token, in async code too."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from oauth_cc_auth import (
    AuthenticationContext,
    ClientAssertion,
    ConfigurationError,
    PrivateKeyJwt,
    StoreFailed,
    TokenEndpoint,
    TokenFound,
)
from oauth_cc_auth.stores import FileStore
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.scenes import auth_of, scene
from tests.stores.hosts import MemoryStore


@each_client
def test_auth_objects_share_a_token(client: ClientKind, oauth_server: LoopbackServer, tmp_path: Any) -> None:
    """Those of one process as well as copies and pickles."""
    events: list[Any] = []
    auth = auth_of(client, oauth_server, store=FileStore(tmp_path / "tokens"))
    other = auth_of(client, oauth_server, store=FileStore(tmp_path / "tokens"), on_event=events.append)
    for each in (auth, other, copy.deepcopy(auth), pickle.loads(pickle.dumps(auth))):  # noqa: S301  # our own
        with client.session(auth=each) as session:
            assert session.request("GET", oauth_server.api_url).status == 200
    assert len(oauth_server.token_requests) == 1
    assert [type(event) for event in events] == [TokenFound]


@each_client
def test_an_assertion_from_elsewhere(client: ClientKind, oauth_server: LoopbackServer, tmp_path: Any) -> None:
    """Its subject says whose the token is: what comes next finds it, with another assertion or with none."""
    oauth_server.accepts, key = ["private_key_jwt"], ec.generate_private_key(ec.SECP256R1())
    oauth_server.register_key(key.public_key())
    signer = PrivateKeyJwt(key)

    def assertion() -> str:
        context = AuthenticationContext(
            client_id=oauth_server.client_id, client_secret=None, token_url=oauth_server.token_url
        )
        return str(dict(signer.credentials_for(context).fields)["client_assertion"])

    def unreadable() -> str:
        raise AssertionError("no token request is needed")

    store = FileStore(tmp_path / "tokens", encryption_key="k" * 16)
    for source in (assertion, unreadable):
        method = ClientAssertion(source, subject="orders-job")
        auth = client.auth_class(
            oauth_server.token_url, oauth_server.client_id, client_authentication=method, store=store
        )
        with client.session(auth=auth) as session:
            assert session.request("GET", oauth_server.api_url).status == 200
    assert len(oauth_server.token_requests) == 1


@each_client
def test_a_revoked_token_is_replaced_once(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The second auth object finds what the first one got."""
    store = MemoryStore()
    sessions = [client.session(auth=auth_of(client, oauth_server, store=store)) for _ in range(2)]
    with sessions[0] as first, sessions[1] as second:
        both = (first, second)
        assert [each.request("GET", oauth_server.api_url).status for each in both] == [200, 200]
        oauth_server.revoke_all()
        assert [each.request("GET", oauth_server.api_url).status for each in both] == [200, 200]
    assert len(oauth_server.token_requests) == 2


@each_client
def test_a_store_that_is_down(client: ClientKind, oauth_server: LoopbackServer, caplog: Any) -> None:
    """No API request fails, and the log says it once."""

    def refuses(key: str) -> Any:
        raise ConnectionError("refused")

    store = MemoryStore()
    store.faults["read"] = refuses
    with client.session(auth=auth_of(client, oauth_server, store=store)) as session:
        assert [session.request("GET", oauth_server.api_url).status for _ in range(3)] == [200, 200, 200]
    assert caplog.text.count("the token store is left alone for 30 s") == 1


@each_client
@pytest.mark.parametrize("answers", [(None,), ("yes",), (True, False, True, False)], ids=repr)
def test_a_store_that_lies_about_leases(
    client: ClientKind, oauth_server: LoopbackServer, answers: tuple[Any, ...], caplog: Any
) -> None:
    """No API request fails or waits for a process that there is not, and the log says it once."""
    store, said = MemoryStore(), iter(answers)
    store.faults["acquire"] = lambda *_: next(said)
    with client.session(auth=auth_of(client, oauth_server, store=store)) as session:
        assert [session.request("GET", oauth_server.api_url).status for _ in range(3)] == [200, 200, 200]
    assert caplog.text.count("so tokens are not shared: its acquire() ") == 1
    assert len(oauth_server.token_requests) == 1


@each_client
def test_waiting_in_vain_for_another_process_holds_no_one_off(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Its requests end with the API's own 401; as soon as the lease is free, one is served."""
    store = MemoryStore()
    with scene(client, oauth_server, store=store, deadline=8.0) as s:
        s.go_on()
        oauth_server.revoke_all()
        (key,) = store.values
        store.leases[key] = "another process", store.clock.wall() + 10
        assert [s.get().status for _ in range(3)] == [401, 401, 401]
        store.leases.clear()
        assert s.get().status == 200
        assert s.token_requests == 2


@each_client
def test_siblings_have_the_same_store(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """And each its own token in it."""
    store = MemoryStore()
    auth = auth_of(client, oauth_server, store=store)
    sibling = auth.with_options(scope="orders:read")
    for each in (auth, sibling, auth_of(client, oauth_server, store=store, scope="orders:read")):
        with client.session(auth=each) as session:
            assert session.request("GET", oauth_server.api_url).status == 200
    assert len(oauth_server.token_requests) == 2
    with pytest.raises(ConfigurationError, match="store is shared by all siblings"):
        auth.with_options(store=None)


@each_client
def test_a_token_that_is_revoked_on_purpose_leaves_the_store(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """`auth.revoke()` takes it out, so the next auth object fetches; if the store is down, a hook hears of it."""
    events: list[Any] = []
    store = MemoryStore()
    endpoint = TokenEndpoint(oauth_server.token_url, revocation_url=oauth_server.api_url + "/revoke")
    oauth_server.api.always(Answer(200), unprotected=True)
    auth = auth_of(client, oauth_server, token_source=endpoint, store=store, on_event=events.append)
    with client.session(auth=auth) as session:
        session.request("GET", oauth_server.api_url)
        session.on_auth("revoke")
        assert store.values == {}
        session.request("GET", oauth_server.api_url)
        assert len(oauth_server.token_requests) == 2
        store.faults["read"] = lambda key: 1
        session.on_auth("revoke")
    assert [type(event) for event in events].count(StoreFailed) == 1
