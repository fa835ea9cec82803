"""Promise 17: plain http is for what does not leave the machine, and a proxy is not this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
import requests

from oauth_cc_auth import InsecureRequestError, TokenEndpointUnreachable, TokenError
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import ALL_CLIENTS, HTTPX, HTTPX2, REQUESTS, ClientKind, each_client, for_clients
from tests.contract.raw_endpoint import RawEndpoint, Wire, head
from tests.contract.scenes import auth_of
from tests.contract.token_side import auth_for

HTTPX_KINDS = tuple(kind for kind in ALL_CLIENTS if kind is not REQUESTS)
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
HOSTS = ("localhost", "127.0.0.1", "api.localhost", "[::1]")

Environment = Callable[..., None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Set the variables that are named, and no others of their kind."""

    def set_variables(**variables: str) -> None:
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.lower(), raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables


@pytest.fixture
def proxy() -> Iterator[RawEndpoint]:
    """Answers everything; what it saw is in its `requests`."""

    def answer(wire: Wire) -> None:
        wire.send(head() + b'{"access_token": "of the proxy"}')

    with RawEndpoint(answer) as endpoint:
        yield endpoint


def url_of(proxy: RawEndpoint) -> str:
    return f"http://127.0.0.1:{proxy.port}"


@contextmanager
def token_client(client: ClientKind, **options: Any) -> Iterator[Any]:
    """A client for token requests of the kind; requests.Session takes no options."""
    if client is REQUESTS:
        with requests.Session() as session:
            session.proxies = {scheme: options["proxy"] for scheme in ("http", "https", "all") if "proxy" in options}
            yield session
    elif client.is_async:
        yield client.library.AsyncClient(**options)  # closed by `token_of`
    else:
        with client.library.Client(**options) as opened:
            yield opened


def token_of(client: ClientKind, auth: Any, own: Any = None) -> str:
    async def fetch() -> Any:
        try:
            return await auth.aget_token()
        finally:
            if own is not None:
                await own.aclose()

    if client.backend is not None:
        return str(anyio.run(fetch, backend=client.backend).access_token)
    return str(auth.get_token().access_token)


@each_client
@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
def test_a_token_request_to_loopback_uses_no_proxy(
    client: ClientKind, oauth_server: LoopbackServer, proxy: RawEndpoint, environment: Environment, name: str
) -> None:
    """It would show the secret to the proxy, which would look for the endpoint on its own machine."""
    environment(**{name: url_of(proxy)})
    assert token_of(client, auth_of(client, oauth_server)) == oauth_server.issued[0]
    assert proxy.connections == 0


@each_client
def test_a_token_request_to_loopback_by_tls_uses_no_proxy_either(
    client: ClientKind, oauth_server: LoopbackServer, proxy: RawEndpoint, environment: Environment
) -> None:
    """Nobody is there, and that is what the error says."""
    environment(HTTPS_PROXY=url_of(proxy))
    with RawEndpoint(Wire.wait, listens=False) as nobody:
        url = nobody.url.replace("http:", "https:")
        auth = auth_for(client, oauth_server, token_url=url, timeout=0.2, deadline=0.2)
        with pytest.raises(TokenEndpointUnreachable) as caught:
            token_of(client, auth)
    assert caught.value.reason == "unreachable_refused"
    assert proxy.connections == 0


@each_client
def test_a_token_request_to_anywhere_else_does(
    client: ClientKind, oauth_server: LoopbackServer, proxy: RawEndpoint, environment: Environment
) -> None:
    """As the library has it."""
    environment(HTTP_PROXY=url_of(proxy))
    settings: dict[str, Any] = {"token_url": "http://login.example.com/token", "allow_insecure_http": True}
    assert token_of(client, auth_for(client, oauth_server, **settings)) == "of the proxy"


@each_client
@pytest.mark.parametrize("host", HOSTS)
def test_an_api_request_to_loopback_is_refused_if_the_environment_names_a_proxy(
    client: ClientKind, oauth_server: LoopbackServer, proxy: RawEndpoint, environment: Environment, host: str
) -> None:
    """No auth object can keep its library from using the proxy. Nothing is sent."""
    environment(HTTP_PROXY=url_of(proxy))
    with client.session(auth_of(client, oauth_server)) as session, pytest.raises(InsecureRequestError) as caught:
        session.request("GET", f"http://{host}:9/orders")
    assert str(caught.value) == (
        f"http://{host}:9/orders is on this machine, but the environment names a proxy, which would see the token; add "
        "the host to NO_PROXY, or pass allow_insecure_http=True to ClientCredentialsAuth if you trust the proxy"
    )
    assert (proxy.connections, oauth_server.requests) == (0, ())


@each_client
@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "*", "example.com,127.0.0.1"])
def test_what_the_environment_exempts_is_not_refused(
    client: ClientKind, oauth_server: LoopbackServer, proxy: RawEndpoint, environment: Environment, no_proxy: str
) -> None:
    """By the rules of the library, which decides whether there will be a proxy."""
    environment(HTTP_PROXY=url_of(proxy), NO_PROXY=no_proxy)
    with client.session(auth_of(client, oauth_server)) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
    assert proxy.connections == 0


@each_client
def test_a_proxy_for_https_only_is_no_matter(
    client: ClientKind, oauth_server: LoopbackServer, proxy: RawEndpoint, environment: Environment
) -> None:
    """It is not used."""
    environment(HTTPS_PROXY=url_of(proxy))
    with client.session(auth_of(client, oauth_server)) as session:
        assert session.request("GET", oauth_server.api_url).status == 200


@each_client
def test_the_flag_lifts_it_for_api_requests(
    client: ClientKind, oauth_server: LoopbackServer, proxy: RawEndpoint, environment: Environment
) -> None:
    """Who trusts the network, or debugs with a proxy."""
    environment(HTTP_PROXY=url_of(proxy))
    with client.session(auth_for(client, oauth_server, allow_insecure_http=True)) as session:
        assert session.request("GET", "http://localhost:9/orders").body == b'{"access_token": "of the proxy"}'
    assert f"Bearer {oauth_server.issued[0]}".encode() in proxy.requests[0]


@for_clients(*HTTPX_KINDS)
def test_a_proxy_that_no_client_can_be_made_with_counts(
    client: ClientKind, oauth_server: LoopbackServer, environment: Environment
) -> None:
    """The client may have been made before; what cannot be known is refused."""
    with client.session(auth_of(client, oauth_server)) as session:
        environment(HTTP_PROXY="gopher://proxy.example.com")
        with pytest.raises(InsecureRequestError):
            session.request("GET", oauth_server.api_url)


# With a token_client.


def test_a_session_for_token_requests_goes_direct(oauth_server: LoopbackServer, proxy: RawEndpoint) -> None:
    """Whatever its proxies are; the flag lets it use them."""
    with token_client(REQUESTS, proxy=url_of(proxy)) as own:
        assert auth_of(REQUESTS, oauth_server, token_client=own).get_token().access_token == oauth_server.issued[0]
        assert proxy.connections == 0
        auth = auth_of(REQUESTS, oauth_server, token_client=own, allow_insecure_http=True)
        assert auth.get_token().access_token == "of the proxy"


@for_clients(*HTTPX_KINDS)
def test_a_client_for_token_requests_that_uses_a_proxy_is_not_used(
    client: ClientKind, oauth_server: LoopbackServer, proxy: RawEndpoint
) -> None:
    """It cannot be told to go direct. The message says what to do; nothing is sent, and it is not tried again."""
    with token_client(client, proxy=url_of(proxy)) as own:
        auth = auth_of(client, oauth_server, token_client=own)
        with pytest.raises(TokenError) as caught:
            token_of(client, auth, own)
    assert str(caught.value).endswith(
        "token_client uses a proxy for this machine; add the host to NO_PROXY before the client is made, or make it "
        "without a proxy"
    )
    assert len(caught.value.attempts) == 1
    assert (proxy.connections, oauth_server.requests) == (0, ())


@for_clients(*HTTPX_KINDS)
def test_the_flag_lets_a_client_for_token_requests_use_its_proxy(
    client: ClientKind, oauth_server: LoopbackServer, proxy: RawEndpoint
) -> None:
    """That is what it says."""
    with token_client(client, proxy=url_of(proxy)) as own:
        auth = auth_of(client, oauth_server, token_client=own, allow_insecure_http=True)
        assert token_of(client, auth, own) == "of the proxy"


@for_clients(*HTTPX_KINDS)
def test_a_client_with_a_transport_of_its_own_is_used(
    client: ClientKind, oauth_server: LoopbackServer, proxy: RawEndpoint, environment: Environment
) -> None:
    """The proxies of the environment are not for it."""
    environment(HTTP_PROXY=url_of(proxy))
    library = client.library
    transport = library.MockTransport(lambda request: library.Response(200, json={"access_token": "mocked"}))
    with token_client(client, transport=transport) as own:
        assert token_of(client, auth_of(client, oauth_server, token_client=own), own) == "mocked"


# Unix sockets.


class UnixAdapter(requests.adapters.BaseAdapter):
    """As that of requests-unixsocket: it knows no proxies."""

    def __init__(self) -> None:
        super().__init__()
        self.authorizations: list[Any] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.authorizations.append(request.headers.get("Authorization"))
        response = requests.Response()
        response.status_code, response.request, response._content = 200, request, b""
        response.url = str(request.url)
        return response

    def close(self) -> None:
        pass


def test_a_unix_socket_is_on_this_machine_in_requests(
    oauth_server: LoopbackServer, proxy: RawEndpoint, environment: Environment
) -> None:
    """By the scheme that its adapters use, whatever proxies there are."""
    environment(ALL_PROXY=url_of(proxy))
    adapter = UnixAdapter()
    with requests.Session() as session:
        session.mount("http+unix://", adapter)
        session.auth = auth_of(REQUESTS, oauth_server)
        for _ in range(2):
            assert session.get("http+unix://%2Frun%2Fapi.sock/orders").status_code == 200
    assert adapter.authorizations == [f"Bearer {oauth_server.issued[0]}"] * 2


@for_clients(HTTPX, HTTPX2)
def test_a_unix_socket_needs_the_flag_in_httpx(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Its URL names some host or other, and nothing of the socket is seen."""
    transport = client.library.HTTPTransport(uds="/run/api.sock")
    with (
        client.session(auth_of(client, oauth_server), transport=transport) as session,
        pytest.raises(InsecureRequestError),
    ):
        session.request("GET", "http://api/orders")
