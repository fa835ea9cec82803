"""Siblings for several targets, by with_options (section 3 of the design); promises 1, 2, 10, 14 and 22."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import pytest

from oauth_cc_auth import ConfigurationError, Event, TokenEndpointError, TokenError, TokenObtained
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import HTTPX, HTTPX2, REQUESTS, ClientKind, each_client, for_clients
from tests.contract.scenes import auth_of, scene
from tests.contract.token_side import methods_tried
from tests.fake_clock import FakeClock


def scopes_asked_for(server: LoopbackServer) -> list[str | None]:
    return [dict(request.form).get("scope") for request in server.token_requests]


def token_of(client: ClientKind, auth: Any) -> Any:
    """`get_token`, in an event loop if the client has one."""
    with client.session(auth) as session:
        return session.get_token()


@each_client
def test_each_target_has_a_token_of_its_own(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """One token request for each scope; all else of the token request is equal."""
    orders = auth_of(client, oauth_server, scope="orders", additional_request_data={"audience": "a"})
    stock = orders.with_options(scope="stock")
    for auth in (orders, stock, orders, stock):
        with client.session(auth) as session:
            assert session.request("GET", oauth_server.api_url).status == 200

    assert scopes_asked_for(oauth_server) == ["orders", "stock"]
    assert [request.token for request in oauth_server.api_requests] == [*oauth_server.issued] * 2
    forms = [[pair for pair in request.form if pair[0] != "scope"] for request in oauth_server.token_requests]
    assert forms[0] == forms[1]
    assert (orders.config.scope, stock.config.scope) == ("orders", "stock")


@each_client
def test_everything_about_the_target_can_differ(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Settings of the token request, of the API's header, and behaviour; what is left out stays."""
    auth = auth_of(client, oauth_server, scope="a", timeout=5.0, renew_on=False)
    other = auth.with_options(
        scope=["b", "c"],
        header_name="X-Token",
        header_value_pattern="%s",
        additional_request_data={"audience": "b"},
        additional_headers={"X-Tenant": "b"},
        renew_on=(419,),
    )
    assert other.config.scope == "b c"
    assert (other._behaviour.timeout, other._behaviour.renew_on) == (5.0, frozenset({419}))
    assert auth._behaviour.renew_on is False
    with client.session(other) as session:
        session.request("GET", oauth_server.api_url)
        (request,) = oauth_server.token_requests
        assert request.headers["X-Tenant"] == "b"
        assert dict(request.form)["audience"] == "b"
        assert session.on_auth("get_headers") == {"X-Token": oauth_server.issued[0]}


@each_client
def test_method_that_works_is_shared(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A sibling begins with it, whichever of them found out."""
    oauth_server.accepts = ("client_secret_post",)
    auth = auth_of(client, oauth_server)
    siblings = [auth.with_options(scope=scope) for scope in ("a", "b")]
    for each in (siblings[0], siblings[1], auth, siblings[1].with_options(scope="c")):
        token_of(client, each)
    assert methods_tried(oauth_server) == ["client_secret_basic", *["client_secret_post"] * 4]


@each_client
@pytest.mark.parametrize(
    "answer",
    [
        Answer.error("server_error", status=503),
        Answer.error("invalid_client", status=401),
        Answer.error("invalid_client", status=400),
        Answer(status=404),
    ],
    ids=["503", "401", "invalid_client", "404"],
)
def test_pauses_of_endpoint_and_credential_are_shared(
    client: ClientKind, oauth_server: LoopbackServer, answer: Answer
) -> None:
    """An endpoint that keeps failing is not asked once for each target."""
    with scene(client, oauth_server) as s:
        sibling = s.auth.with_options(scope="a")
        oauth_server.token_endpoint.always(answer)
        for auth in (s.auth, sibling):
            with pytest.raises(TokenError):
                token_of(client, auth)
        count = s.token_requests
        for auth in (s.auth, sibling, sibling.with_options(scope="b")):
            with pytest.raises(TokenError) as caught:
                token_of(client, auth)
            assert caught.value.held_for is not None
        assert s.token_requests == count

        oauth_server.token_endpoint.clear()
        s.clock.advance(60)
        token_of(client, sibling)
        token_of(client, s.auth)  # the success was for all


@each_client
@pytest.mark.parametrize("code", ["invalid_scope", "invalid_target", "access_denied", "unauthorized_client"])
def test_pauses_of_a_target_are_not_shared(client: ClientKind, oauth_server: LoopbackServer, code: str) -> None:
    """One scope that no one granted does not keep the tokens for the others away."""
    with scene(client, oauth_server) as s:
        wrong = s.auth.with_options(scope="wrong")
        oauth_server.token_endpoint.always(Answer.error(code))
        for _ in range(3):
            with pytest.raises(TokenError) as caught:
                token_of(client, wrong)
        assert caught.value.held_for is not None
        oauth_server.token_endpoint.clear()
        token_of(client, s.auth)


@each_client
def test_invalidate_is_not_shared_but_ends_a_pause(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A sibling keeps its token. That something has changed at the endpoint is news for all."""
    with scene(client, oauth_server) as s:
        sibling = s.auth.with_options(scope="a")
        token, other = token_of(client, s.auth), token_of(client, sibling)
        s.auth.invalidate()
        assert (s.auth.current_token, sibling.current_token) == (None, other)
        s.auth.invalidate(other)
        assert sibling.current_token is other
        assert token_of(client, sibling) is other
        assert token_of(client, s.auth) is not token

        s.auth.invalidate()
        oauth_server.token_endpoint.always(Answer.error("invalid_client", status=401))
        for _ in range(3):
            with pytest.raises(TokenEndpointError):
                token_of(client, s.auth)
        oauth_server.token_endpoint.clear()
        sibling.invalidate()
        token_of(client, s.auth)


@each_client
def test_refusals_are_not_shared(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """An API that refuses every token of one scope may accept those of another."""
    with scene(client, oauth_server) as s:
        sibling = s.auth.with_options(scope="a")
        s.go_on()
        s.refuse_everything()
        for _ in range(3):
            assert s.get().status == 401
        count = s.token_requests
        assert s.get().status == 401  # held
        assert s.token_requests == count
        s.server.api.clear()
        with client.session(sibling) as session:
            assert session.request("GET", oauth_server.api_url).status == 200
            oauth_server.revoke_all()
            assert session.request("GET", oauth_server.api_url).status == 200


@each_client
@pytest.mark.parametrize(
    "name",
    ["token_url", "client_id", "client_secret", "client_authentication", "token_client", "allow_insecure_http"],
)
def test_other_credentials_are_refused(client: ClientKind, oauth_server: LoopbackServer, name: str) -> None:
    """A sibling is for another target, and not for another client."""
    auth = auth_of(client, oauth_server)
    with pytest.raises(ConfigurationError, match=rf"^{name} is shared by all siblings") as caught:
        auth.with_options(**{"scope": "a", name: "x"})
    assert caught.value.field == name
    assert caught.value.remedy == "make another auth object"


@each_client
def test_wrong_options(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """They are what they are for the class: an unknown name is a TypeError, a wrong value a ConfigurationError."""
    auth = auth_of(client, oauth_server)
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'scopes'; did you mean 'scope'\?$"):
        auth.with_options(scopes="a")
    with pytest.raises(ConfigurationError, match=r"^scope "):
        auth.with_options(scope=1)
    with pytest.raises(ConfigurationError, match=r"^timeout "):
        auth.with_options(timeout=0)


@each_client
def test_hooks(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Siblings have one hook, unless one is given another."""
    seen: list[Event] = []
    apart: list[Event] = []
    auth = auth_of(client, oauth_server, on_event=seen.append)
    for each in (auth.with_options(scope="a"), auth.with_options(scope="b", on_event=apart.append)):
        token_of(client, each)
    assert [(type(event), event.client_id) for event in seen] == [(TokenObtained, oauth_server.client_id)]
    assert [(type(event), event.token_url) for event in apart] == [(TokenObtained, seen[0].token_url)]


@each_client
def test_without_options(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It has the same config, and still a token of its own."""
    auth = auth_of(client, oauth_server)
    twin = auth.with_options()
    assert twin is not auth
    assert twin.config is auth.config
    assert token_of(client, twin) is not token_of(client, auth)


@each_client
def test_subclass(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A sibling is of the same class, and has what that class has set."""
    base: Any = client.auth_class

    class Counted(base):  # type: ignore[misc]  # a class known when the test runs
        def __init__(self, name: str) -> None:
            super().__init__(oauth_server.token_url, oauth_server.client_id, oauth_server.client_secret)
            self.name = name

    sibling = Counted("mine").with_options(scope="a")
    assert (type(sibling), sibling.name, sibling.config.scope) == (Counted, "mine", "a")
    with pytest.raises(AttributeError, match=r"^scope cannot be changed"):
        sibling.scope = "b"


@each_client
def test_copies(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A pickle or deep copy of a sibling has its settings, and shares nothing."""
    sibling = auth_of(client, oauth_server).with_options(scope="a", timeout=5)
    for each in (copy.deepcopy(sibling), pickle.loads(pickle.dumps(sibling))):  # noqa: S301  # made here
        assert (each.config, each._behaviour.timeout) == (sibling.config, 5)
        assert token_of(client, each) is not token_of(client, sibling)


@each_client
def test_clock_is_shared(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A sibling counts time as the others do."""
    clock = FakeClock()
    auth = auth_of(client, oauth_server)
    auth._start(clock)
    assert token_of(client, auth.with_options(scope="a")).expires_at == clock.now_wall + 3600


# In an interpreter of its own: on Python 3.10, the dicts of a class no longer share their keys once an object of it had
# its attributes set in another order, and other tests do that.
MEASURING = """
import gc, importlib, sys, tracemalloc
made = importlib.import_module(sys.argv[1]).ClientCredentialsAuth(
    "https://login.example.com/token", "someone", "s3cret",
    additional_request_data={f"field{n}": f"value {n}" for n in range(20)},
)
kept = [made.with_options(scope=f"scope-{number}") for number in range(10)]
gc.collect()
tracemalloc.start()
before, _ = tracemalloc.get_traced_memory()
kept = [made.with_options(scope=f"scope-{number}") for number in range(500)]
gc.collect()
print((tracemalloc.get_traced_memory()[0] - before) / len(kept))
"""


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_memory(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """There may be thousands of targets: a sibling shares all that is not about its own.

    It takes at most a kilobyte and its scope: 830 bytes, 950 on Python 3.10.
    """
    scope = sys.getsizeof("scope-100") + 10  # and what it is rounded up to
    command = [sys.executable, "-c", MEASURING, client.auth_class.__module__]
    measured = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    assert float(measured) <= 1000 + scope
    auth = auth_of(client, oauth_server, additional_request_data={"field": "value"})
    sibling = auth.with_options(scope="a")
    assert sibling.config.additional_request_data is auth.config.additional_request_data
    assert sibling._transport is auth._transport
    assert sibling._behaviour is auth._behaviour
