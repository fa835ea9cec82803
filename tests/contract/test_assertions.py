"""Promise 24: clients that prove who they are with an assertion, or not at all."""

from __future__ import annotations

import copy
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import oauth_cc_auth
from oauth_cc_auth import (
    ClientAssertion,
    ClientAuthentication,
    ClientCredentialsConfig,
    ClientSecretJwt,
    ConfigurationError,
    FromEnvironment,
    FromFile,
    JwtAssertion,
    NoClientAuthentication,
    PrivateKeyJwt,
)
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import ClientKind, Session, each_client
from tests.contract.token_side import failure_of

KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NO_CALLABLE: Any = "text"
SECRET = "a secret of at least 32 bytes, for HMAC"


def auth_by(client: ClientKind, server: LoopbackServer, how: ClientAuthentication, **options: Any) -> Any:
    """An auth object without a secret, at a server that takes every client."""
    server.token_endpoint.always(lambda request: Answer(200, {"access_token": f"token {len(server.token_requests)}"}))
    return client.auth_class(server.token_url, "abcd-1234", client_authentication=how, **options)


def got(session: Session, server: LoopbackServer) -> dict[str, str]:
    """The body of the token request that one API request causes."""
    assert session.request("GET", server.api_url).status == 200
    (request,) = server.token_requests
    assert "authorization" not in request.headers
    return dict(request.form)


def claims_in(request: RecordedRequest, key: Any = None, algorithm: str = "ES256") -> dict[str, Any]:
    """What the assertion says, verified."""
    assertion = dict(request.form)["client_assertion"]
    options: Any = {"verify_aud": False}
    key = KEY.public_key() if key is None else key
    claims: dict[str, Any] = jwt.decode(assertion, key, algorithms=[algorithm], options=options)
    return claims


@each_client
def test_private_key_jwt(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Issuer and subject are the client, the audience is the token URL, and there is no nbf."""
    auth = auth_by(client, oauth_server, PrivateKeyJwt(PEM, key_id="key-1"))
    before = int(time.time())
    with client.session(auth=auth) as session:
        sent = got(session, oauth_server)
    assert sent["client_id"] == "abcd-1234"
    assert sent["client_assertion_type"] == JWT_BEARER
    assert jwt.get_unverified_header(sent["client_assertion"]) == {"typ": "JWT", "alg": "ES256", "kid": "key-1"}
    claims = claims_in(oauth_server.token_requests[0])
    assert before <= claims["iat"] <= time.time()
    assert claims == {
        "iss": "abcd-1234",
        "sub": "abcd-1234",
        "aud": oauth_server.token_url,
        "jti": claims["jti"],
        "iat": claims["iat"],
        "exp": claims["iat"] + 60,
    }


@each_client
def test_each_request_has_an_assertion_of_its_own(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Retries too: a server refuses one that it has seen."""
    auth = auth_by(client, oauth_server, PrivateKeyJwt(PEM))
    oauth_server.token_endpoint.next(Answer(503, headers={"Retry-After": "0"}), Answer.dropped())
    with client.session(auth=auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).status == 200
    used = [claims_in(request)["jti"] for request in oauth_server.token_requests]
    assert len(used) == 4
    assert len(set(used)) == 4


@each_client
def test_a_key_that_is_elsewhere(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """sign may block, so in async code it runs in another thread than the event loop."""
    threads: list[threading.Thread] = []

    def sign(message: bytes) -> bytes:
        threads.append(threading.current_thread())
        return jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).sign(message, KEY)

    auth = auth_by(client, oauth_server, PrivateKeyJwt(sign=sign, algorithm="ES256"))
    with client.session(auth=auth) as session:
        got(session, oauth_server)
    claims_in(oauth_server.token_requests[0])
    if client.is_async:
        assert threads != [threading.current_thread()]


@each_client
def test_claims_and_headers_of_ones_own(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """They are added, and replace ours."""
    how = PrivateKeyJwt(PEM, audience="https://as.example.com", claims={"x": 1}, headers={"typ": "y"}, lifetime=300)
    with client.session(auth=auth_by(client, oauth_server, how)) as session:
        sent = got(session, oauth_server)
    claims = claims_in(oauth_server.token_requests[0])
    assert (claims["aud"], claims["x"], claims["exp"] - claims["iat"]) == ("https://as.example.com", 1, 300)
    assert jwt.get_unverified_header(sent["client_assertion"])["typ"] == "y"


@each_client
def test_a_rejected_assertion_is_explained(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Servers give no reason, so the error has what a person compares with the server's settings."""
    auth = auth_by(client, oauth_server, PrivateKeyJwt(PEM, key_id="key-1"))
    ahead = "Fri, 31 Dec 2100 00:00:00 GMT"
    oauth_server.token_endpoint.always(Answer(401, {"error": "invalid_client"}, headers={"Date": ahead}))
    with client.session(auth=auth) as session:
        message = str(failure_of(session, oauth_server.api_url))
    assert (
        f"the assertion had aud '{oauth_server.token_url}', kid 'key-1', alg ES256; the server's clock is " in message
    )
    assert "s ahead of ours" in message
    assert "check client_id and the assertion" in message
    assert dict(oauth_server.token_requests[0].form)["client_assertion"] not in message


@pytest.mark.parametrize(
    ("date", "told"),
    [(None, "; the server's clock is like ours"), ("x", ""), ("Thu, 01 Jan 1970 00:00:09 GMT", "behind ours")],
)
@each_client
def test_clocks_are_compared(client: ClientKind, date: str | None, told: str, oauth_server: LoopbackServer) -> None:
    """If the server says what time it is."""
    auth = auth_by(client, oauth_server, PrivateKeyJwt(PEM))
    headers = {} if date is None else {"Date": date}
    oauth_server.token_endpoint.always(Answer(401, {"error": "invalid_client"}, headers=headers))
    with client.session(auth=auth) as session:
        message = str(failure_of(session, oauth_server.api_url))
    assert "no kid" in message
    assert f"{told}. " in f"{message}. "


@each_client
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_client_secret_jwt(client: ClientKind, algorithm: str, oauth_server: LoopbackServer) -> None:
    """The secret signs, and is not sent."""
    oauth_server.token_endpoint.always(Answer(200, {"access_token": "a"}))
    how = ClientSecretJwt(algorithm, claims={"x": 1})
    auth = client.auth_class(oauth_server.token_url, "abcd-1234", SECRET * 2, client_authentication=how)
    with client.session(auth=auth) as session:
        sent = got(session, oauth_server)
    assert claims_in(oauth_server.token_requests[0], SECRET * 2, algorithm)["x"] == 1
    assert SECRET not in str(sent)


@each_client
def test_an_assertion_from_a_file(client: ClientKind, oauth_server: LoopbackServer, tmp_path: Path) -> None:
    """It is read anew for each token request, as platforms replace it."""
    path = tmp_path / "token"
    path.write_text("\ufefffirst\n", encoding="utf-8")
    auth = auth_by(client, oauth_server, ClientAssertion(FromFile(path)))
    with client.session(auth=auth) as session:
        assert got(session, oauth_server)["client_assertion"] == "first"
        path.write_text("second", encoding="utf-8")
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).status == 200
    assert dict(oauth_server.token_requests[1].form)["client_assertion"] == "second"


@each_client
def test_an_assertion_from_elsewhere(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment variable, or a callable; of another type if the server wants that."""
    monkeypatch.setenv("ASSERTION", " from the environment ")
    sources: list[Callable[[], str]] = [FromEnvironment("ASSERTION"), lambda: "from a function"]
    for source in sources:
        oauth_server.clear_log()
        with client.session(auth=auth_by(client, oauth_server, ClientAssertion(source, type="urn:x"))) as session:
            sent = got(session, oauth_server)
        assert sent["client_assertion"] == source().strip()
        assert sent["client_assertion_type"] == "urn:x"


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "cannot be read"), (b"", "is empty"), (b"\xff", "is not text"), (b"x" * 65537, "is longer than")],
)
@each_client
def test_an_assertion_that_is_not_there(
    client: ClientKind, content: bytes | None, told: str, oauth_server: LoopbackServer, tmp_path: Path
) -> None:
    """The error names the file, and nothing is sent."""
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with client.session(auth=auth_by(client, oauth_server, ClientAssertion(FromFile(path)))) as session:
        message = str(failure_of(session, oauth_server.api_url))
    assert str(path) in message
    assert told in message
    assert oauth_server.token_requests == ()


@pytest.mark.parametrize(
    ("source", "told"),
    [(FromEnvironment("NOT_SET"), "NOT_SET is not set"), (str, "an empty text"), (list, "type list")],
)
@each_client
def test_a_source_without_an_assertion(
    client: ClientKind, source: Any, told: str, oauth_server: LoopbackServer
) -> None:
    """The error says so, and nothing is sent."""
    with client.session(auth=auth_by(client, oauth_server, ClientAssertion(source))) as session:
        assert told in str(failure_of(session, oauth_server.api_url))
    assert oauth_server.token_requests == ()


@each_client
def test_no_client_authentication(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The client id, and no proof."""
    with client.session(auth=auth_by(client, oauth_server, NoClientAuthentication())) as session:
        assert got(session, oauth_server) == {"grant_type": "client_credentials", "client_id": "abcd-1234"}


@each_client
def test_the_jwt_bearer_grant(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A new assertion for each token request, as a field."""
    assertion = JwtAssertion(
        PEM, issuer="me", subject="you", audience="https://as.example.com", key_id="key-1", claims={"scope": "read"}
    )
    grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    data = {"assertion": assertion}
    auth = auth_by(client, oauth_server, NoClientAuthentication(), grant_type=grant_type, additional_request_data=data)
    with client.session(auth=auth) as session:
        sent = got(session, oauth_server)
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).status == 200
    assert sent["grant_type"] == grant_type
    audience = "https://as.example.com"
    claims = jwt.decode(sent["assertion"], KEY.public_key(), algorithms=["ES256"], audience=audience)
    assert (claims["iss"], claims["sub"], claims["scope"], claims["exp"] - claims["iat"]) == ("me", "you", "read", 60)
    assert dict(oauth_server.token_requests[1].form)["assertion"] != sent["assertion"]


@each_client
def test_no_client_id(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The grant itself, or the assertion of the platform, says who is asking."""
    oauth_server.token_endpoint.always(Answer(200, {"access_token": "a"}))
    for how in (NoClientAuthentication(), ClientAssertion(lambda: "from elsewhere")):
        oauth_server.clear_log()
        with client.session(auth=client.auth_class(oauth_server.token_url, client_authentication=how)) as session:
            assert "client_id" not in got(session, oauth_server)
    settings = {"token_url": oauth_server.token_url, "client_authentication": NoClientAuthentication()}
    assert ClientCredentialsConfig.from_mapping(settings).client_id == ""
    for without in (PrivateKeyJwt(PEM), None):
        with pytest.raises(ConfigurationError, match="client_id is missing or empty"):
            client.auth_class(oauth_server.token_url, client_authentication=without)


def test_a_jwt_assertion_with_a_certificate(tmp_path: Path) -> None:
    """And without a subject."""
    from tests.authentication.test_keys import certificate_of

    certificate = certificate_of(KEY).public_bytes(serialization.Encoding.PEM)
    assertion = JwtAssertion(PEM, issuer="me", audience="you", certificate=certificate)()
    assert "sub" not in jwt.decode(assertion, KEY.public_key(), algorithms=["ES256"], audience="you")
    assert "x5t#S256" in jwt.get_unverified_header(assertion)
    how = PrivateKeyJwt(PEM, certificate=certificate)
    context = oauth_cc_auth.AuthenticationContext(client_id="a", client_secret=None, token_url="https://as.example.com")
    sent = dict(how.credentials_for(context).fields)["client_assertion"]
    assert "x5t#S256" in jwt.get_unverified_header(sent)


def test_pickles_name_files(tmp_path: Path) -> None:
    """What they make signs with the key in the file; no pickle holds a key or a password."""
    path = tmp_path / "key.pem"
    path.write_text(PEM, encoding="utf-8")
    ways: list[Any] = [
        PrivateKeyJwt(path, key_id="key-1", lifetime=30, claims={"x": 1}),
        JwtAssertion(path, issuer="me", audience="you"),
        ClientSecretJwt("HS384", audience="you"),
        ClientAssertion(FromFile(path)),
        ClientAssertion(FromEnvironment("A"), type="urn:x"),
        NoClientAuthentication(),
    ]
    for way in ways:
        data = pickle.dumps(way)
        assert b"PRIVATE" not in data
        assert repr(pickle.loads(data)) == repr(way)  # noqa: S301  # our own
    for way in ways[:2]:
        assert pickle.loads(pickle.dumps(way)).thumbprint == way.thumbprint  # noqa: S301  # our own


@pytest.mark.parametrize(
    "way",
    [
        lambda: PrivateKeyJwt(PEM),
        lambda: PrivateKeyJwt(PEM.encode()),
        lambda: PrivateKeyJwt(KEY),
        lambda: PrivateKeyJwt(sign=bytes, algorithm="ES256"),
        lambda: JwtAssertion(PEM, issuer="me", audience="you"),
        lambda: ClientAssertion(lambda: "x"),
    ],
)
def test_what_is_not_in_a_file_is_not_pickled(way: Callable[[], Any]) -> None:
    """The error says what to give instead. A deep copy is the same object."""
    made = way()
    with pytest.raises(TypeError, match=r"not pickled: (give it as a Path|use FromFile)"):
        pickle.dumps(made)
    assert copy.deepcopy(made) is made


def test_a_password_is_not_pickled(tmp_path: Path) -> None:
    """It is a secret too."""
    path = tmp_path / "key.pem"
    how = serialization.BestAvailableEncryption(b"pass")
    path.write_bytes(KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how))
    with pytest.raises(TypeError, match="the password of a private key is not pickled"):
        pickle.dumps(PrivateKeyJwt(path, password="pass"))


def test_reprs_show_no_key() -> None:
    """Nor what a callable may hold."""
    shown = [
        PrivateKeyJwt(PEM, key_id="key-1"),
        copy.copy(ClientSecretJwt()),
        ClientAssertion(lambda: "x"),
        ClientAssertion(FromFile("/run/token")),
        JwtAssertion(PEM, issuer="me", audience="you"),
        FromEnvironment("A"),
    ]
    assert list(map(repr, shown)) == [
        "PrivateKeyJwt(algorithm='ES256', key_id='key-1')",
        "ClientSecretJwt()",
        "ClientAssertion(...)",
        "ClientAssertion(FromFile('/run/token'))",
        "JwtAssertion(issuer='me', audience='you')",
        "FromEnvironment('A')",
    ]


@pytest.mark.parametrize(
    ("way", "message"),
    [
        (lambda: PrivateKeyJwt(), "key is missing; pass a key, or a callable as sign"),
        (lambda: PrivateKeyJwt(PEM, lifetime=0), "lifetime must be seconds, 1 or more"),
        (lambda: JwtAssertion(PEM, issuer="me", audience="you", lifetime=0), "lifetime must be seconds, 1 or more"),
        (lambda: ClientSecretJwt("RS256"), "algorithm is not one that signs with a secret; pass HS256, HS384, HS512"),
        (
            lambda: ClientAssertion(NO_CALLABLE),
            "source is no callable; pass FromFile(path), ",
        ),
        (lambda: ClientAssertion(lambda: "x", subject=" "), "subject must be text that is not blank"),
    ],
)
def test_wrong_arguments(way: Callable[[], Any], message: str) -> None:
    """They are named when the object is made."""
    with pytest.raises(ConfigurationError) as caught:
        way()
    assert str(caught.value).startswith(message)
