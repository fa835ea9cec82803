"""Promise 25: an issuer in the place of a token URL, and what hostile metadata cannot do."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from oauth_cc_auth import DiscoveryError, DPoP, Issuer, TokenEndpoint, TokenEndpointError, TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.issuer_server import FORMS, OAUTH, OPENID, Login, login_fixture
from tests.contract.raw_endpoint import RawEndpoint
from tests.contract.scenes import auth_of, scene, tokens_at_once

__all__ = ["login_fixture"]

BASIC, POST = "client_secret_basic", "client_secret_post"


def error_of(client: ClientKind, source: Any, server: LoopbackServer, **settings: Any) -> DiscoveryError:
    """The error of a request whose token is to come from `source`."""
    auth = client.auth_class(source, "client", "s3cret", deadline=5.0, **settings)
    with client.session(auth=auth) as session, pytest.raises(DiscoveryError) as raised:
        session.request("GET", server.api_url)
    assert "s3cret" not in str(raised.value)
    return raised.value


def found(client: ClientKind, source: Any, server: LoopbackServer, **settings: Any) -> Any:
    """An auth object that has got a token from `source`, and used it."""
    auth = client.auth_class(source, server.client_id, server.client_secret, **settings)
    with client.session(auth=auth) as session:
        assert session.request("GET", server.api_url).status == 200
    return auth


@each_client
@pytest.mark.parametrize("place", range(4))
def test_each_form_of_the_well_known_path(
    client: ClientKind, oauth_server: LoopbackServer, login: Login, place: int
) -> None:
    """RFC 8414 inserts it, OpenID Connect appends it. The token endpoint may be on another host."""
    login.documents[FORMS[place]] = login.document(oauth_server.token_url)
    found(client, Issuer(login.url), oauth_server)
    assert login.asked == FORMS[: place + 1]
    (request,) = oauth_server.token_requests
    assert request.form == (("grant_type", "client_credentials"),)


@each_client
def test_an_issuer_without_a_path(client: ClientKind, oauth_server: LoopbackServer, login: Login) -> None:
    """With a slash at its end, as Auth0 writes it, and asked for without a second one."""
    issuer = f"{login.origin}/"
    login.documents[OPENID] = {"issuer": issuer, "token_endpoint": oauth_server.token_url}
    found(client, Issuer(issuer), oauth_server)
    assert login.asked == [OAUTH, OPENID]


@each_client
def test_the_question_tells_nothing(client: ClientKind, oauth_server: LoopbackServer, login: Login) -> None:
    """No credentials, and none of the headers that are for the token endpoint."""
    login.documents[FORMS[0]] = login.document(oauth_server.token_url)
    found(client, Issuer(login.url), oauth_server, additional_headers={"APIKey": "s3cret-key"})
    (question,) = login.questions
    assert question.startswith(b"GET ")
    secrets = oauth_server.client_id, oauth_server.client_secret, "s3cret-key", "Authorization"
    assert not any(secret.encode() in question for secret in secrets)


@each_client
def test_kept_for_an_hour(client: ClientKind, oauth_server: LoopbackServer, login: Login) -> None:
    """And then only the document that was there is asked for."""
    login.documents[FORMS[1]] = login.document(oauth_server.token_url)
    with scene(client, oauth_server, life=1800, token_source=Issuer(login.url)) as s:
        s.go_on()
        s.clock.advance(1801)
        s.go_on()
        assert login.asked == FORMS[:2]
        s.clock.advance(1801)
        s.go_on()
        assert login.asked == [*FORMS[:2], FORMS[1]]
        assert s.token_requests == 3


@each_client
@pytest.mark.parametrize(
    "outage", [Answer(503), Answer(404), Answer(200, {"issuer": "https://other.example"})], ids=str
)
def test_metadata_that_cannot_be_read_again(
    client: ClientKind, oauth_server: LoopbackServer, login: Login, outage: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """What is known stays in use, with a warning, and the document is left alone for five minutes."""
    login.documents[FORMS[0]] = login.document(oauth_server.token_url)
    with scene(client, oauth_server, life=100, token_source=Issuer(login.url)) as s, caplog.at_level(logging.WARNING):
        s.go_on()
        login.documents[FORMS[0]] = outage
        s.clock.advance(3601)
        s.go_on()
        assert "stays in use" in caplog.text
        before = len(login.asked)
        s.clock.advance(150)
        s.go_on()
        assert len(login.asked) == before
        s.clock.advance(151)
        s.go_on()
        assert len(login.asked) > before


@each_client
@pytest.mark.parametrize("status", [404, 410])
def test_a_token_endpoint_that_has_moved(
    client: ClientKind, oauth_server: LoopbackServer, login: Login, status: int
) -> None:
    """The metadata is read again at once, and the request goes to the new one."""
    old = login.origin + "/old"
    login.documents |= {FORMS[0]: login.document(old), "/old": Answer(status)}
    with scene(client, oauth_server, token_source=Issuer(login.url)) as s:
        with pytest.raises(TokenEndpointError) as caught:  # it is still the one that the metadata names
            s.get()
        assert caught.value.status_code == status
        assert login.asked == [FORMS[0], "/old", FORMS[0]]
        login.documents[FORMS[0]] = login.document(oauth_server.token_url)
        s.go_on()
        assert login.asked[3:] == ["/old", FORMS[0]]
        assert s.token_requests == 1


@each_client
@pytest.mark.parametrize(
    ("listed", "tried"),
    [
        (None, [BASIC, POST]),
        ([], [BASIC, POST]),
        (["private_key_jwt", POST, BASIC], [POST, BASIC]),
        ([POST], [POST, BASIC]),
        (["tls_client_auth"], [BASIC, POST]),
        ("client_secret_post", [BASIC, POST]),
        ([None, 5, POST], [POST, BASIC]),
    ],
    ids=repr,
)
def test_listed_methods_set_the_order(
    client: ClientKind, oauth_server: LoopbackServer, login: Login, listed: object, tried: list[str]
) -> None:
    """Lists are often wrong, so what is not listed is tried last."""
    members = {} if listed is None else {"token_endpoint_auth_methods_supported": listed}
    login.documents[FORMS[0]] = login.document(oauth_server.token_url, **members)
    auth = client.auth_class(Issuer(login.url), "client", "wrong")
    with client.session(auth=auth) as session, pytest.raises(TokenEndpointError) as caught:
        session.request("GET", oauth_server.api_url)
    assert [attempt.method for attempt in caught.value.attempts] == tried
    assert ("lists tls_client_auth only" in str(caught.value)) == (listed == ["tls_client_auth"])


@pytest.mark.parametrize(("listed", "warns"), [(["RS256", "PS256"], True), (["ES256"], False), (None, False)])
def test_listed_algorithms_for_proofs(
    oauth_server: LoopbackServer, login: Login, listed: object, warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A key that the server does not list may still do, so that is a warning."""
    login.documents[FORMS[0]] = login.document(oauth_server.token_url, dpop_signing_alg_values_supported=listed)
    oauth_server.dpop = True
    found(REQUESTS, Issuer(login.url), oauth_server, dpop=DPoP())
    words = "the issuer lists RS256, PS256 for DPoP proofs, and these are signed by ES256"
    assert (words in caplog.text) == warns


@each_client
def test_a_method_that_is_set_is_the_only_one(client: ClientKind, oauth_server: LoopbackServer, login: Login) -> None:
    """Whatever is listed."""
    login.documents[FORMS[0]] = login.document(oauth_server.token_url, token_endpoint_auth_methods_supported=[POST])
    found(client, Issuer(login.url), oauth_server, client_authentication=BASIC)
    (request,) = oauth_server.token_requests
    assert "Authorization" in request.headers


@each_client
def test_one_question_for_all(client: ClientKind, oauth_server: LoopbackServer, login: Login) -> None:
    """Promise 12: it is part of the one flight, and siblings have what it found."""
    login.documents[FORMS[0]] = login.document(oauth_server.token_url)
    auth = client.auth_class(Issuer(login.url), oauth_server.client_id, oauth_server.client_secret)
    with client.session(auth=auth) as session:
        tokens = tokens_at_once(session, 8)
        assert {token.access_token for token in tokens} == set(oauth_server.issued)
    with client.session(auth=auth.with_options(scope="other")) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
    assert login.asked == [FORMS[0]]
    assert len(oauth_server.token_requests) == 2


@each_client
def test_a_document_elsewhere(client: ClientKind, oauth_server: LoopbackServer, login: Login) -> None:
    """The explicit way out: Entra's documents state a placeholder, and a proxy's the host behind it."""
    stated = "https://login.example.com/{tenantid}/v2.0"
    login.documents["/meta"] = {"issuer": stated, "token_endpoint": oauth_server.token_url}
    url = f"{login.origin}/meta"
    found(client, TokenEndpoint.from_metadata(url, issuer=stated), oauth_server)
    assert login.asked == ["/meta"]
    error = error_of(client, TokenEndpoint.from_metadata(url, issuer="https://other.example"), oauth_server)
    assert error.reason == "issuer_mismatch"


# What a document of somebody else may be, and what comes of it.
HOSTILE: dict[str, tuple[Any, str, str]] = {
    "another issuer": ({"issuer": "https://evil.example"}, "issuer_mismatch", "states another issuer"),
    "no issuer": ({"issuer": None}, "issuer_mismatch", "states no issuer"),
    "a list as issuer": ({"issuer": ["x"]}, "issuer_mismatch", "states no issuer"),
    "a slash more": ({"issuer": "{issuer}/"}, "issuer_mismatch", "the slash at the end counts: pass Issuer('"),
    "no endpoint": ({"token_endpoint": None}, "unusable_metadata", "names no token_endpoint"),
    "a number": ({"token_endpoint": 5}, "unusable_metadata", "is no URL"),
    "a script": ({"token_endpoint": "javascript:alert(1)"}, "unusable_metadata", "is no URL"),
    "a path": ({"token_endpoint": "/token"}, "unusable_metadata", "is no URL"),
    "plain http": ({"token_endpoint": "http://login.example.com/token"}, "unusable_metadata", "or no https one"),
    "user info": ({"token_endpoint": "https://a:b@login.example.com/token"}, "unusable_metadata", "contains user info"),
    "a line break": ({"token_endpoint": "https://login.example.com/\r\nX: y"}, "unusable_metadata", "is no URL"),
    "no JSON": (Answer(200, "<html>"), "no_metadata", "no JSON object"),
    "a list": (Answer(200, b"[1]"), "no_metadata", "no JSON object"),
    "brackets": (Answer(200, b"[" * 100_000), "no_metadata", "no JSON object"),
    "nothing": (Answer(204), "no_metadata", "answered 204"),
    "too much": (Answer(200, b" " * 1_100_000), "unusable_metadata", "larger than"),
    "a redirect": (Answer(302, headers={"Location": "{endpoint}"}), "no_metadata", "a redirect, which is not followed"),
    "forbidden": (Answer(403), "no_metadata", "answered 403"),
}


@each_client
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_metadata(client: ClientKind, oauth_server: LoopbackServer, login: Login, kind: str) -> None:
    """The secret goes nowhere, and the error lists every document and what came of it."""
    document, reason, words = HOSTILE[kind]
    if isinstance(document, dict):
        filled = {
            name: value.replace("{issuer}", login.url) if isinstance(value, str) else value
            for name, value in document.items()
        }
        document = login.document(oauth_server.token_url) | filled
    elif document.status == 302:
        document = Answer(302, headers={"Location": f"{login.origin}{FORMS[1]}"})
    login.documents[FORMS[0]] = document
    error = error_of(client, Issuer(login.url), oauth_server)
    assert error.reason == reason
    assert words in str(error)
    assert [attempt.method for attempt in error.attempts] == ["metadata"] * 4
    assert all(f"{login.origin}{path}" in str(error) for path in FORMS)
    assert login.asked == FORMS
    assert oauth_server.requests == ()


@each_client
def test_a_victims_token_endpoint(client: ClientKind, oauth_server: LoopbackServer, login: Login) -> None:
    """Whoever serves a document under your issuer's address for another issuer gets nothing to go anywhere."""
    document = {"issuer": "https://evil.example", "token_endpoint": oauth_server.token_url}
    login.documents |= dict.fromkeys(FORMS, document)
    error = error_of(client, Issuer(login.url), oauth_server)
    assert "'https://evil.example'" in str(error)
    assert oauth_server.requests == ()


@each_client
def test_a_slow_issuer(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It has the time limit of a token request, and the other documents, on the same host, are not asked for."""
    with RawEndpoint(lambda wire: wire.wait()) as endpoint:
        issuer = endpoint.url.rpartition("/")[0] + "/tenant1"
        error = error_of(client, Issuer(issuer), oauth_server, timeout=0.1)
        assert error.reason == "timed_out"
        assert {attempt.error_description for attempt in error.attempts} == {
            f"{issuer.removesuffix('/tenant1')}{FORMS[0]} gave no answer in time"
        }


@each_client
def test_an_endless_document(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A megabyte of it is read."""

    def talk(wire: Any) -> None:
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        wire.send_for_ever()

    with RawEndpoint(talk) as endpoint:
        error = error_of(client, Issuer(endpoint.url.rpartition("/")[0]), oauth_server)
        assert error.reason == "unusable_metadata"
        assert "larger than" in str(error)


@each_client
def test_nobody_there(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It is tried three times, as a token request is, and counts as an error of the library."""
    with RawEndpoint(lambda wire: wire.wait()) as endpoint:
        url = endpoint.url.rpartition("/")[0]
    error = error_of(client, Issuer(url), oauth_server)
    assert error.reason == "unreachable_refused"
    assert len(error.attempts) == 3
    base = getattr(client.library, "RequestException", None) or client.library.RequestError
    assert isinstance(error, base)


@each_client
def test_an_issuer_that_fails_for_a_while(client: ClientKind, oauth_server: LoopbackServer, login: Login) -> None:
    """Promise 22 holds for it too."""
    login.documents[FORMS[0]] = Answer(503)
    clock_events: list[Any] = []
    with scene(client, oauth_server, token_source=Issuer(login.url), on_event=clock_events.append) as s:
        with pytest.raises(TokenError) as caught:
            s.get()
        assert caught.value.reason == "no_metadata"
        assert "answered 503" in str(caught.value)
        assert login.asked == FORMS * 3
        login.documents[FORMS[0]] = login.document(oauth_server.token_url)
        s.go_on()
    obtained = clock_events[-1]
    assert (obtained.token_url, obtained.token_requests) == (oauth_server.token_url, 1)
    assert clock_events[0].token_url == login.url


def test_shown_by_its_source(oauth_server: LoopbackServer, login: Login) -> None:
    """A config with an issuer has no token URL, and its repr shows the issuer."""
    auth = auth_of(REQUESTS, oauth_server, token_source=Issuer(login.url))
    assert auth.config.token_url is None
    assert auth.config.token_source == auth.config.issuer == Issuer(login.url)
    assert f"token_url=Issuer({login.url!r})" in repr(auth)


@each_client
def test_an_endpoint_that_is_described_and_discovered(
    client: ClientKind, oauth_server: LoopbackServer, login: Login
) -> None:
    """The metadata says where it is, and the description how it is asked, and how it answers."""
    login.documents[FORMS[0]] = login.document(oauth_server.token_url, token_endpoint_auth_methods_supported=[POST])
    answer = {"data": {"token": "t1", "ttl": 100}}
    oauth_server.token_endpoint.always(Answer(200, answer))
    endpoint = TokenEndpoint(
        Issuer(login.url),
        request_format="json",
        credential_fields=("auth.id", "auth.key"),
        response_fields={"access_token": "data.token", "expires_in": "data.ttl"},
        grant_type=False,
    )
    auth = client.auth_class(endpoint, "client", "s3cret")
    with client.session(auth=auth) as session:
        token = session.get_token()
    assert token.access_token == "t1"
    assert login.asked == [FORMS[0]]
    (request,) = oauth_server.token_requests
    assert json.loads(request.body) == {"auth": {"id": "client", "key": "s3cret"}}


@each_client
def test_metadata_has_no_placeholders(client: ClientKind, oauth_server: LoopbackServer, login: Login) -> None:
    """Or the document could have the secret written into a path, which servers log."""
    login.documents[FORMS[0]] = login.document(f"{oauth_server.origin}/oauth2/{{client_secret}}")
    auth = client.auth_class(TokenEndpoint(Issuer(login.url), credential_fields=("id", "key")), "client", "s3cret")
    with client.session(auth=auth) as session, pytest.raises(TokenError):
        session.get_token()
    assert oauth_server.requests
    assert not any("s3cret" in request.path for request in oauth_server.requests)
