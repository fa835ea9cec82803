"""Promise 17: secrets and tokens use TLS or stay on the machine, unless the person decides otherwise."""

from __future__ import annotations

import pytest

from oauth_cc_auth import ConfigurationError, InsecureRequestError, TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.token_side import auth_for

LOOPBACK_HOSTS = ("localhost", "LOCALHOST", "api.localhost", "localhost.", "127.0.0.1", "127.8.9.10", "[::1]")
# The last ones only look like loopback.
OTHER_HOSTS = (
    "api.example.com",
    "10.0.0.1",
    "192.168.1.1",
    "[fe80::1]",
    "0.0.0.0",  # noqa: S104  # no socket is bound to it
    "localhost.example.com",
    "xlocalhost",
    "127.0.0.1.example.com",
)
ODD_URLS = (
    "http://127.0.0.1@api.example.com/",
    "http://api.example.com#@localhost/",
    "HTTP://api.example.com/",
)


@pytest.fixture
def proxied(oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> LoopbackServer:
    """The server as the proxy for plain http, so that every host name leads to it."""
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, oauth_server.origin)
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return oauth_server


@each_client
def test_a_request_over_plain_http_is_refused_before_anything_is_sent(
    client: ClientKind, proxied: LoopbackServer
) -> None:
    """No token is fetched for it. The message names the URL, the flag, and where to pass the flag."""
    urls = [f"http://{host}/api?key=hidden" for host in OTHER_HOSTS]
    with client.session(auth_for(client, proxied)) as session:
        for url in (*urls, *ODD_URLS):
            with pytest.raises(InsecureRequestError) as caught:
                session.request("GET", url)
            error = caught.value
            assert isinstance(
                error,
                client.library.RequestException if client is REQUESTS else client.library.RequestError,
            )
            assert error.attempts == ()
            assert "allow_insecure_http=True to ClientCredentialsAuth" in str(error)
            assert "hidden" not in str(error)
            assert "example.com" in str(error) or "example.com" not in url
    assert proxied.requests == ()


@each_client
def test_loopback_hosts_are_exempt(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """localhost, names below it and every loopback address, for the API and for the token URL."""
    for host in LOOPBACK_HOSTS:
        auth = auth_for(client, oauth_server, token_url=f"http://{host}/oauth2/token")
        assert auth._policy.admission(f"http://{host}/api", "") is True
    for host in ("localhost", "127.0.0.1"):
        oauth_server.clear_log()
        origin = oauth_server.origin.replace("127.0.0.1", host)
        with client.session(auth_for(client, oauth_server, token_url=f"{origin}/oauth2/token")) as session:
            assert session.request("GET", f"{origin}/api").status == 200, host
        assert [request.kind for request in oauth_server.requests] == ["token", "api"]


@each_client
def test_the_flag_lifts_it_for_the_api_and_for_the_token_url(client: ClientKind, proxied: LoopbackServer) -> None:
    """In a service mesh, another component does TLS."""
    with pytest.raises(ConfigurationError, match=r"pass allow_insecure_http=True together with token_url$"):
        auth_for(client, proxied, token_url="http://login.example.com/oauth2/token")
    auth = auth_for(client, proxied, token_url="http://login.example.com/oauth2/token", allow_insecure_http=True)
    with client.session(auth) as session:
        assert session.request("GET", "http://api.example.com/api").status == 200
    assert [request.headers["Host"] for request in proxied.requests] == [
        "login.example.com",
        "api.example.com",
    ]


@each_client
def test_websockets_count_like_http(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """wss gets a token, ws does not. The library decides what to do with such a URL."""
    library = client.library
    for name in ("ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, oauth_server.origin)
    with client.session(auth_for(client, oauth_server)) as session:
        with pytest.raises(InsecureRequestError):
            session.request("GET", "ws://api.example.com/")
        assert oauth_server.requests == ()
        with pytest.raises(library.RequestException if client is REQUESTS else library.RequestError) as caught:
            session.request("GET", "wss://api.example.com/")
        assert not isinstance(caught.value, TokenError)
    assert len(oauth_server.token_requests) == 1


@each_client
def test_a_redirect_to_plain_http_is_no_way_round_it(
    client: ClientKind, proxied: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redirect from a loopback host to a plain-http host carries no token."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    proxied.api.next(Answer.redirect("http://api.example.com/api"))
    with client.session(auth_for(client, proxied), follow_redirects=True) as session:
        assert session.request("GET", proxied.api_url).status == 401
    assert [request.token is None for request in proxied.api_requests] == [False, True]


@each_client
def test_a_loopback_host_that_was_let_through_lets_no_other_through(
    client: ClientKind, proxied: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision is remembered for one origin: not for hosts with the same prefix, and not for other ports."""
    monkeypatch.setenv("NO_PROXY", "localhost")
    site = proxied.origin.removeprefix("http://").replace("127.0.0.1", "localhost")
    look_alikes = ("localhost.example.com", f"{site}@api.example.com", "localhost@api.example.com", "localhostx")
    with client.session(auth_for(client, proxied)) as session:
        for _ in range(2):
            assert session.request("GET", f"http://{site}/api").status == 200
            for host in look_alikes:
                with pytest.raises(InsecureRequestError):
                    session.request("GET", f"http://{host}/api")
    assert len(proxied.api_requests) == 2


@each_client
def test_listed_origins_stay_apart_however_many_there_are(client: ClientKind, proxied: LoopbackServer) -> None:
    """Each listed origin always gets the token. An origin that only looks like one of them never does."""
    hosts = [f"api{number}.example.com" for number in range(6)]
    listed = [f"http://{host}" for host in hosts]
    auth = auth_for(client, proxied, api_origins=listed, allow_insecure_http=True)
    with client.session(auth) as session:
        for host in (*hosts, *reversed(hosts)):
            assert session.request("GET", f"http://{host}/api").status == 200, host
            for other in (f"{host}.evil.example", f"{host}:81", f"{host}:80@evil.example", f"www.{host}"):
                assert session.request("GET", f"http://{other}/api").status == 401, other
    assert len(proxied.token_requests) == 1
