"""The requests adapter in a network of requests-mock: mounted adapters, token clients, ~/.netrc."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
import requests_mock
from requests.adapters import BaseAdapter
from requests_mock.adapter import Adapter

from oauth_cc_auth import TokenEndpointError
from oauth_cc_auth.requests import ClientCredentialsAuth
from tests.mocked_network import API_URL, TOKEN_URL, TOKENS, accepts_from


def sent(mocker: requests_mock.Mocker | Adapter) -> list[tuple[str, str]]:
    """Method and Authorization header of every request, in order; of Basic the word only."""
    headers = [(request.method, request.headers["Authorization"]) for request in mocker.request_history]
    return [(method, "Basic" if value.startswith("Basic ") else value) for method, value in headers]


def test_renewal_inside_a_mocked_send(network: requests_mock.Mocker, session: requests.Session) -> None:
    """requests-mock holds a lock while it sends and calls hooks; the renewal is sent in the midst of that."""
    network.get(API_URL, text=accepts_from("two"))
    response = session.get(API_URL)

    assert (response.status_code, response.text) == (200, "Bearer two")
    assert [request.method for request in network.request_history] == ["POST", "GET", "POST", "GET"]


def test_functions_of_the_module_are_served(network: requests_mock.Mocker) -> None:
    """`requests.get(auth=...)` opens a session for each call; they share the token."""
    auth = ClientCredentialsAuth(TOKEN_URL, "client", "secret")
    network.get(API_URL, text=accepts_from("one"))
    assert [requests.get(API_URL, auth=auth).status_code for _ in range(2)] == [200, 200]

    assert sent(network) == [("POST", "Basic"), ("GET", "Bearer one"), ("GET", "Bearer one")]


def test_mounted_adapter_sends_the_request_again() -> None:
    """What is mounted for the API sends both times, with the same arguments, and no token request."""
    calls: list[dict[str, Any]] = []

    class Recording(Adapter):
        def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # type: ignore[override]  # its keywords
            calls.append(kwargs)
            return super().send(request, **kwargs)

    api, login = Recording(), Adapter()
    api.register_uri("GET", API_URL, text=accepts_from("two"))
    login.register_uri("POST", TOKEN_URL, TOKENS)
    with requests.Session() as session, requests.Session() as token_client:
        session.mount("https://api.example.com", api)
        token_client.mount("https://login.example.com", login)
        session.auth = ClientCredentialsAuth(TOKEN_URL, "client", "secret", token_client=token_client)
        response = session.get(API_URL, timeout=7, verify="ca.pem", stream=True)

    assert response.text == "Bearer two"
    assert [earlier.text for earlier in response.history] == ["Bearer one"]
    assert sent(login) == [("POST", "Basic"), ("POST", "Basic")]
    assert calls[0] == calls[1]
    assert (calls[1]["timeout"], calls[1]["verify"], calls[1]["stream"]) == (7, "ca.pem", True)


def test_answer_without_a_connection_is_returned_as_it_is() -> None:
    """An adapter need not say how to send again; then the refusal is the answer, and the next token is there."""

    class Terse(BaseAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            response = requests.Response()
            response.request, response.url, response.status_code = request, str(request.url), 401
            response.raw = BytesIO(b"refused")
            return response

        def close(self) -> None: ...

    with requests.Session() as terse, requests.Session() as token_client:
        login = Adapter()
        login.register_uri("POST", TOKEN_URL, TOKENS)
        token_client.mount("https://", login)
        terse.auth = auth = ClientCredentialsAuth(TOKEN_URL, "client", "secret", token_client=token_client)
        adapter = Terse()
        terse.mount("https://", adapter)
        response = terse.get(API_URL)
        assert (response.status_code, response.text, response.history) == (401, "refused", [])
        assert auth.get_token().access_token == "two"


def test_token_client_is_used_with_its_settings_and_is_left_as_it_was(
    network: requests_mock.Mocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its proxies and TLS settings count; its headers, parameters, hooks, cookies and auth are for others."""
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # for requests, they count for more than `verify`
        monkeypatch.delenv(variable, raising=False)
    seen: list[object] = []
    with requests.Session() as token_client:
        token_client.headers["X-Session"] = "1"
        token_client.params = {"page": "1"}
        token_client.cookies.set("session", "1", domain="login.example.com")
        token_client.auth = ("of the", "session")
        token_client.hooks["response"] = [lambda response, **kwargs: seen.append(response)]
        token_client.verify, token_client.cert = "ca.pem", "client.pem"
        token_client.proxies = {"https": "http://proxy.example.com:3128"}
        before = {name: repr(getattr(token_client, name)) for name in requests.Session.__attrs__}
        auth = ClientCredentialsAuth(TOKEN_URL, "client", "secret", token_client=token_client)
        assert auth.get_token().access_token == "one"
        assert {name: repr(getattr(token_client, name)) for name in requests.Session.__attrs__} == before

    (request,) = network.request_history
    assert (request.verify, request.cert) == ("ca.pem", "client.pem")
    assert request.proxies["https"] == "http://proxy.example.com:3128"
    assert (request.url, seen) == (TOKEN_URL, [])
    assert {"X-Session", "Cookie"} & set(request.headers) == set()
    assert request.headers["Authorization"] == requests.auth._basic_auth_str("client", "secret")


def test_netrc_never_gets_into_token_requests(
    network: requests_mock.Mocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the credentials in the body there is no Authorization header, whoever sends."""
    file = tmp_path / "netrc"
    file.write_text("machine login.example.com login of-netrc password of-netrc\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    with requests.Session() as token_client:
        for client in (None, token_client):
            auth = ClientCredentialsAuth(
                TOKEN_URL, "client", "secret", client_authentication="client_secret_post", token_client=client
            )
            auth.get_token()
        assert requests.post(TOKEN_URL).request.headers["Authorization"]  # the file counts

    assert [request.headers.get("Authorization") for request in network.request_history[:2]] == [None, None]


def test_fallback_under_a_mock(network: requests_mock.Mocker, session: requests.Session) -> None:
    """Refusals by status and error are told apart as on the wire."""
    network.post(TOKEN_URL, [{"status_code": 401, "json": {"error": "invalid_client"}}, TOKENS[1]])
    network.get(API_URL, text=accepts_from("two"))
    assert session.get(API_URL).status_code == 200
    assert [request.text for request in network.request_history[:2]] == [
        "grant_type=client_credentials",
        "grant_type=client_credentials&client_id=client&client_secret=secret",
    ]

    network.post(TOKEN_URL, status_code=400, json={"error": "invalid_scope"})
    with pytest.raises(TokenEndpointError, match="invalid_scope"):
        session.get(API_URL, auth=ClientCredentialsAuth(TOKEN_URL, "client", "secret"))
