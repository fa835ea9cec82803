"""Promise 27: a token is revoked when someone asks for that (RFC 7009), and not otherwise."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from oauth_cc_auth import (
    AuthenticationContext,
    ClientAuthentication,
    ConfigurationError,
    Credentials,
    Issuer,
    TokenEndpoint,
    TokenEndpointError,
    TokenEndpointUnreachable,
    TokenError,
)
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import HTTPX, HTTPX_ASYNCIO, ClientKind, each_client
from tests.contract.issuer_server import OAUTH, Login, login_fixture
from tests.contract.token_side import auth_for
from tests.internals import use_token_client


class Revocations:
    """Plays the revocation endpoint of a server, at ``/revoke`` of its API."""

    def __init__(self, server: LoopbackServer) -> None:
        self.requests: list[RecordedRequest] = []
        self.answers: list[Answer] = []
        self._server = server
        self.url = f"{server.api_url}/revoke"
        server.api.always(self._answer, unprotected=True)

    def _answer(self, request: RecordedRequest) -> Answer:
        if not request.path.endswith("/revoke"):
            return Answer(200 if request.token_is_valid else 401)
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else Answer(200)
        if answer.status == 200:
            self._server.revoke_all()
        return answer

    @property
    def forms(self) -> list[dict[str, str]]:
        return [dict(request.form) for request in self.requests]


@contextmanager
def revocable(
    client: ClientKind, server: LoopbackServer, endpoint: dict[str, Any] | None = None, **settings: Any
) -> Iterator[tuple[Revocations, Any]]:
    """A session that has a token, and where it is revoked."""
    revocations = Revocations(server)
    described = TokenEndpoint(server.token_url, revocation_url=revocations.url, **(endpoint or {}))
    with client.session(auth_for(client, server, **{"token_url": described, **settings})) as session:
        session.get_token()
        yield revocations, session


@each_client
def test_revoked_token_is_forgotten(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The server gets the token and the proof of the client, and the next request a new token."""
    with revocable(client, oauth_server) as (revocations, session):
        assert session.on_auth("revoke") is None
        assert session.auth.current_token is None
        assert session.request("GET", oauth_server.api_url).status == 200
    assert revocations.forms == [{"token": oauth_server.issued[0], "token_type_hint": "access_token"}]
    (request,) = revocations.requests
    pair = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == f"{oauth_server.client_id}:{oauth_server.client_secret}"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert len(oauth_server.issued) == 2


@each_client
def test_nothing_to_revoke(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Without a token nothing is sent, and nothing fetched."""
    with revocable(client, oauth_server) as (revocations, session):
        session.auth.invalidate()
        session.on_auth("revoke")
    assert (revocations.requests, len(oauth_server.token_requests)) == ([], 1)


@each_client
def test_method_that_worked_is_used(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It is that of the token requests, and no other one is tried after it."""
    oauth_server.accepts = ("client_secret_post",)
    with revocable(client, oauth_server) as (revocations, session):
        revocations.answers = [Answer.error("invalid_client", status=401)]
        with pytest.raises(TokenEndpointError, match="revocation endpoint") as caught:
            session.on_auth("revoke")
        assert [attempt.method for attempt in caught.value.attempts] == ["client_secret_post"]
        session.on_auth("revoke")
    assert [form["client_secret"] for form in revocations.forms] == [oauth_server.client_secret] * 2


@each_client
def test_token_stays_if_it_may_still_be_good(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A failure is an error with the server's words, and a later try may succeed."""
    with revocable(client, oauth_server) as (revocations, session):
        token = session.auth.current_token
        for answer, reason in (
            (Answer.error("unsupported_token_type", "a JWT cannot be revoked"), "rejected"),
            (Answer.error("server_error", status=503), "server_error"),
            (Answer(302, headers={"Location": "https://elsewhere.example.com/"}), "redirected"),
        ):
            revocations.answers = [answer]
            with pytest.raises(TokenEndpointError, match=rf"revocation endpoint {revocations.url} answered") as caught:
                session.on_auth("revoke")
            assert caught.value.reason == reason
            assert token.access_token not in str(caught.value)
            assert session.auth.current_token is token
        session.on_auth("revoke")
        assert session.auth.current_token is None


@each_client
@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        (Answer(404), "check that revocation_url is the revocation endpoint and not a web page"),
        (
            Answer(302, headers={"Location": "https://elsewhere.example.com/"}),
            "token requests are never redirected: set revocation_url to the final URL",
        ),
    ],
)
def test_advice(client: ClientKind, oauth_server: LoopbackServer, answer: Answer, remedy: str) -> None:
    """It speaks of the setting that has the URL."""
    with revocable(client, oauth_server) as (revocations, session):
        revocations.answers = [answer]
        with pytest.raises(TokenEndpointError) as caught:
            session.on_auth("revoke")
    assert caught.value.remedy == remedy


@each_client
def test_echo_of_the_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It is a secret like those of the client."""
    with revocable(client, oauth_server) as (revocations, session):
        token = session.auth.current_token.access_token
        revocations.answers = [Answer.error("invalid_request", f"what is {token}?")]
        with pytest.raises(TokenEndpointError) as caught:
            session.on_auth("revoke")
    assert token not in repr(vars(caught.value))
    assert "what is" in str(caught.value)


@each_client
def test_endpoint_that_cannot_be_reached(client: ClientKind, oauth_server: LoopbackServer, unused_port: int) -> None:
    """The error says which one."""
    url = f"http://127.0.0.1:{unused_port}/revoke"
    endpoint = TokenEndpoint(oauth_server.token_url, revocation_url=url)
    with client.session(auth_for(client, oauth_server, token_url=endpoint)) as session:
        session.get_token()
        with pytest.raises(TokenEndpointUnreachable, match=f"revocation endpoint {url} could not be reached"):
            session.on_auth("revoke")
        assert session.auth.current_token is not None


@pytest.fixture(name="unused_port")
def _unused_port() -> Iterator[int]:
    import socket

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and it does not listen
        yield bound.getsockname()[1]


@each_client
def test_without_a_place(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A URL alone does not say where tokens are revoked, with or without a token."""
    for endpoint in (oauth_server.token_url, TokenEndpoint(oauth_server.token_url)):
        with client.session(auth_for(client, oauth_server, token_url=endpoint)) as session:
            for _ in range(2):
                with pytest.raises(ConfigurationError, match=r"^token_url names no place where tokens are revoked"):
                    session.on_auth("revoke")
                session.get_token()


DOCUMENT = f"{OAUTH}/tenant1"
login_of_a_test = login_fixture


@each_client
def test_issuer_names_the_place(client: ClientKind, oauth_server: LoopbackServer, login: Login) -> None:
    """Its metadata has it, or it has not."""
    revocations, url = Revocations(oauth_server), oauth_server.token_url
    login.documents[DOCUMENT] = login.document(url, revocation_endpoint=revocations.url)
    with client.session(auth_for(client, oauth_server, token_url=Issuer(login.url))) as session:
        session.get_token()
        session.on_auth("revoke")
        assert session.auth.current_token is None
    assert len(revocations.requests) == 1
    login.documents[DOCUMENT] = login.document(url)
    with client.session(auth_for(client, oauth_server, token_url=Issuer(login.url))) as session:
        session.get_token()
        with pytest.raises(ConfigurationError, match="names no place"):
            session.on_auth("revoke")


@each_client
def test_a_place_beside_an_issuer(client: ClientKind, oauth_server: LoopbackServer, login: Login) -> None:
    """What the person typed counts, and not what the metadata names."""
    revocations = Revocations(oauth_server)
    login.documents[DOCUMENT] = login.document(oauth_server.token_url, revocation_endpoint=f"{login.origin}/revoke")
    endpoint = TokenEndpoint(Issuer(login.url), revocation_url=revocations.url)
    with client.session(auth_for(client, oauth_server, token_url=endpoint)) as session:
        session.get_token()
        session.on_auth("revoke")
    assert len(revocations.requests) == 1


@each_client
def test_secret_from_a_callable(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It is asked anew. If it was rotated since the token came, each method is tried in its turn."""
    secrets: list[Any] = [oauth_server.client_secret, "rotated", 5, None]

    def secret() -> Any:
        found = secrets.pop(0)
        if found is None:
            raise LookupError("vault is down")
        return found

    with revocable(client, oauth_server, client_secret=secret) as (revocations, session):
        revocations.answers = [Answer.error("invalid_client", status=401)] * 2
        with pytest.raises(TokenEndpointError) as caught:
            session.on_auth("revoke")
        methods = [attempt.method for attempt in caught.value.attempts]
        assert methods == ["client_secret_basic", "client_secret_post"]
        for problem in ("client_secret callable gave no secret", "LookupError"):
            with pytest.raises(TokenError, match=problem) as caught_of_ours:
                session.on_auth("revoke")
            assert caught_of_ours.value.reason == "callable_failed"
    assert len(revocations.requests) == 2


@each_client
def test_strategy_of_the_person(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It is asked as for a token request, with the token URL; what it raises is named."""
    contexts: list[AuthenticationContext] = []

    class Signed(ClientAuthentication):
        fails = False

        def credentials_for(self, context: AuthenticationContext) -> Credentials:
            contexts.append(context)
            if self.fails:
                raise LookupError("no key")
            return Credentials(
                fields={"client_id": context.client_id, "client_secret": context.client_secret or "", "signed": "yes"}
            )

    strategy = Signed()
    with revocable(client, oauth_server, client_authentication=strategy) as (revocations, session):
        strategy.fails = True
        with pytest.raises(TokenError, match=r"client authentication 'Signed' gave no credentials: .*LookupError"):
            session.on_auth("revoke")
        strategy.fails = False
        session.on_auth("revoke")
    assert revocations.forms[0]["signed"] == "yes"
    assert {context.token_url for context in contexts} == {oauth_server.token_url}


@each_client
@pytest.mark.parametrize("request_format", ["form", "json"])
def test_described_credentials(client: ClientKind, oauth_server: LoopbackServer, request_format: str) -> None:
    """They go where the description says, and nowhere else; additional headers go along."""
    oauth_server.token_endpoint.always(Answer.token("abc", 60))
    endpoint = {
        "request_format": request_format,
        "credential_fields": ("clientId", "clientSecret"),
        "credential_headers": {"x-key": "{client_secret}"},
    }
    headers: dict[str, Any] = {"APIKey": "k-1234", "X-Time": lambda: "now"}
    with revocable(client, oauth_server, endpoint, additional_headers=headers) as (revocations, session):
        session.on_auth("revoke")
    (request,) = revocations.requests
    sent = dict(request.form) if request_format == "form" else json.loads(request.body)
    assert sent == {
        "token": "abc",
        "token_type_hint": "access_token",
        "clientId": oauth_server.client_id,
        "clientSecret": oauth_server.client_secret,
    }
    assert request.headers["x-key"] == oauth_server.client_secret
    assert request.headers["APIKey"] == "k-1234"
    assert "X-Time" not in request.headers


@each_client
def test_deadline(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """If a callable has used up all the time, nothing is sent."""
    from tests.fake_clock import FakeClock

    clock, is_slow = FakeClock(), [False]

    def secret() -> str:
        if is_slow[0]:
            clock.advance(31)
        return oauth_server.client_secret

    with revocable(client, oauth_server, client_secret=secret, clock=clock) as (revocations, session):
        is_slow[0] = True
        with pytest.raises(TokenEndpointUnreachable) as caught:
            session.on_auth("revoke")
        assert caught.value.reason == "deadline"
    assert revocations.requests == []


@pytest.mark.parametrize(("kind", "name"), [(HTTPX_ASYNCIO, "revoke"), (HTTPX, "arevoke")], ids=["sync", "async"])
def test_token_client_of_the_other_kind(oauth_server: LoopbackServer, kind: ClientKind, name: str) -> None:
    """It cannot send the request."""
    import anyio

    with revocable(HTTPX, oauth_server) as (_, session):
        auth = session.auth
        make: Callable[..., Any] = HTTPX.library.AsyncClient if kind.is_async else HTTPX.library.Client
        use_token_client(auth, make())
        with pytest.raises(TokenError) as caught:
            anyio.run(auth.arevoke) if name == "arevoke" else auth.revoke()
        assert caught.value.reason == "wrong_client_kind"


@each_client
def test_issuer_that_is_down(client: ClientKind, oauth_server: LoopbackServer, login: Login) -> None:
    """Without its metadata no one knows the place, and the token stays."""
    login.documents[DOCUMENT] = login.document(oauth_server.token_url)
    auth = auth_for(client, oauth_server, token_url=Issuer(login.url))
    with client.session(auth) as session:
        token = session.get_token()
        auth._source.cache.family.located = None  # as if that had been long ago
        login.documents.clear()
        with pytest.raises(TokenError):
            session.on_auth("revoke")
        assert auth.current_token is token
