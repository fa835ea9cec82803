"""Promise 18 for reports of crashes: they show the locals of every frame, and those of ours hold no secret.

In each place where code of others runs, an exception passes through. It strikes at every call of that code in turn.
"""

from __future__ import annotations

import base64
import io
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio
import pytest
import requests

import oauth_cc_auth
from oauth_cc_auth import ClientAuthentication, Credentials, TokenEndpoint, TokenError
from oauth_cc_auth._authentication.base import AuthenticationContext
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.scenes import auth_of

SECRET = "s3cr3t-0123"
IN_URL = "k3y-0123"
PACKAGE = Path(oauth_cc_auth.__file__).parent
MOST = 60  # calls of one place


class StopAll(BaseException):
    """Like a KeyboardInterrupt: it passes through everything."""


class Strikes:
    """Raises at its call number `at`."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.calls = 0

    def __call__(self, *args: object, **kwargs: object) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise StopAll


class Signing(ClientAuthentication):
    def __init__(self, strike: Strikes) -> None:
        self._strike = strike

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        self._strike()
        return Credentials(fields={"client_id": context.client_id, "client_secret": context.client_secret or ""})


def handed_out(strike: Strikes, secret: str) -> str:
    strike()
    return secret


def transport(client: ClientKind, strike: Strikes, where: str) -> Any:
    """What people mount or pass: strikes before each request whose URL contains `where`, and for each piece of body."""
    if client.library is requests:

        class Adapter(requests.adapters.HTTPAdapter):
            def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
                if where not in str(request.url):
                    return super().send(request, *args, **kwargs)
                strike()
                response = super().send(request, *args, **kwargs)
                response.raw = Dripping(response.raw.read(decode_content=False), strike)
                return response

        return Adapter()
    if not client.is_async:

        class Transport(client.library.HTTPTransport):  # type: ignore[misc,name-defined]
            def handle_request(self, request: Any) -> Any:
                if where not in str(request.url):
                    return super().handle_request(request)
                strike()
                response = super().handle_request(request)
                body = b"".join(response.stream)
                response.stream.close()
                response.stream = _stream_class(client)(body, strike)
                return response

        return Transport()

    class AsyncTransport(client.library.AsyncHTTPTransport):  # type: ignore[misc,name-defined]
        async def handle_async_request(self, request: Any) -> Any:
            if where not in str(request.url):
                return await super().handle_async_request(request)
            strike()
            response = await super().handle_async_request(request)
            body = b"".join([piece async for piece in response.stream])
            await response.stream.aclose()
            response.stream = _stream_class(client)(body, strike)
            return response

    return AsyncTransport()


class Dripping(io.BytesIO):
    """A body in two pieces, which the first of them nearly fills."""

    def __init__(self, content: bytes, strike: Strikes) -> None:
        super().__init__(content)
        self._strike = strike
        self._most = len(content) - 1

    def read(self, size: int | None = -1, /) -> bytes:
        self._strike()
        return super().read(self._most)


def _stream_class(client: ClientKind) -> Any:
    class Stream(client.library.SyncByteStream, client.library.AsyncByteStream):  # type: ignore[misc,name-defined]
        def __init__(self, content: bytes, strike: Strikes) -> None:
            self._pieces = [content[:-1], content[-1:]]
            self._strike = strike

        def __iter__(self) -> Iterator[bytes]:
            for piece in self._pieces:
                self._strike()
                yield piece

        async def __aiter__(self) -> Any:
            for piece in self._pieces:
                self._strike()
                yield piece

    return Stream


# Each place: what it makes of the settings of the auth object and of the session.
Place = Callable[[ClientKind, Strikes], tuple[dict[str, Any], dict[str, Any]]]


def _client_secret(client: ClientKind, strike: Strikes) -> Any:
    return {"client_secret": partial(handed_out, strike, SECRET)}, {}


def _strategy(client: ClientKind, strike: Strikes) -> Any:
    return {"client_secret": lambda: SECRET, "client_authentication": Signing(strike)}, {}


def _on_event(client: ClientKind, strike: Strikes) -> Any:
    return {"on_event": strike}, {}


def _renew_on(client: ClientKind, strike: Strikes) -> Any:
    def refused(status: int, headers: object) -> bool:
        strike()
        return status == 401

    return {"renew_on": refused}, {}


def _renew_on_body(client: ClientKind, strike: Strikes) -> Any:
    def refused(status: int, headers: object, body: bytes | None) -> bool:
        strike()
        return status == 401

    return {"renew_on": refused}, {}


def _data(client: ClientKind, strike: Strikes) -> Any:
    return {"additional_request_data": {"assertion": partial(handed_out, strike, SECRET)}}, {}


def _headers(client: ClientKind, strike: Strikes) -> Any:
    return {"additional_headers": {"X-Last": lambda last: handed_out(strike, SECRET)}}, {}


def _pattern(client: ClientKind, strike: Strikes) -> Any:
    return {"header_value_pattern": lambda token: handed_out(strike, f"Bearer {token.access_token}")}, {}


def _api_headers(client: ClientKind, strike: Strikes) -> Any:
    return {"api_headers": {"X-Key": lambda token: handed_out(strike, SECRET)}}, {}


def _response_fields(client: ClientKind, strike: Strikes) -> Any:
    def members(answer: Any) -> Any:
        strike()
        return answer

    return {"endpoint": {"response_fields": members}}, {}


def _request_format(client: ClientKind, strike: Strikes) -> Any:
    def form(fields: Any) -> str:
        strike()
        return urlencode(fields)

    data = {"additional_request_data": {"password": SECRET}}
    content_type = {"additional_headers": {"Content-Type": "application/x-www-form-urlencoded"}}
    return {"endpoint": {"request_format": form}, **data, **content_type}, {}


def _token_client(client: ClientKind, strike: Strikes) -> Any:
    mounted = transport(client, strike, "/token")
    if client.library is requests:
        token_client: Any = requests.Session()
        token_client.mount("http://", mounted)
    else:
        token_client = (client.library.AsyncClient if client.is_async else client.library.Client)(transport=mounted)
    return {"client_secret": lambda: SECRET, "token_client": token_client}, {}


def _api(client: ClientKind, strike: Strikes) -> Any:
    return {}, {"mounted" if client.library is requests else "transport": transport(client, strike, "/api")}


def _nothing(client: ClientKind, strike: Strikes) -> Any:
    return {"client_secret": lambda: SECRET}, {}


PLACES: dict[str, Place] = {
    "client_secret": _client_secret,
    "client_authentication": _strategy,
    "on_event": _on_event,
    "renew_on": _renew_on,
    "renew_on with body": _renew_on_body,
    "additional_request_data": _data,
    "additional_headers": _headers,
    "header_value_pattern": _pattern,
    "api_headers": _api_headers,
    "response_fields": _response_fields,
    "request_format": _request_format,
    "token_client": _token_client,
    "api": _api,
    "log handler": _nothing,
    "resolver": _nothing,
}


@contextmanager
def striking(place: str, strike: Strikes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Strike in what is of the whole process."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            strike()

    original, logger, handler = socket.getaddrinfo, logging.getLogger("oauth_cc_auth"), Handler()

    def getaddrinfo(*args: Any, **kwargs: Any) -> Any:
        strike()
        return original(*args, **kwargs)

    with monkeypatch.context() as patch:
        if place == "resolver":
            patch.setattr(socket, "getaddrinfo", getaddrinfo)
        if place == "log handler":
            logger.addHandler(handler)
            patch.setattr(logger, "level", logging.DEBUG)
            logger.manager._clear_cache()  # type: ignore[attr-defined]  # which levels are on
        try:
            yield
        finally:
            logger.removeHandler(handler)
    logger.manager._clear_cache()  # type: ignore[attr-defined]


def talk(client: ClientKind, auth: Any, server: LoopbackServer, mounted: Any, **options: Any) -> None:
    """A first token, a renewal after a refusal, and a refusal that persists.

    Not by `ClientKind.session`: its event loop in a thread does not survive what is raised here.
    """
    token_client = auth._behaviour.token_client
    if client.is_async:
        anyio.run(partial(_talk_async, client, auth, server, **options), backend=client.backend or "")
        return
    with (
        requests.Session() if client.library is requests else client.library.Client(**options) as session,
        nullcontext() if token_client is None else token_client,
    ):
        if mounted is not None:
            session.mount("http://", mounted)
        session.request("GET", server.api_url, auth=auth)
        server.revoke_all()
        session.request("GET", server.api_url, auth=auth)
        server.api.always(Answer(401, b"no"))
        session.request("GET", server.api_url, auth=auth)


async def _talk_async(client: ClientKind, auth: Any, server: LoopbackServer, **options: Any) -> None:
    token_client = auth._behaviour.token_client
    async with (
        client.library.AsyncClient(**options) as session,
        nullcontext() if token_client is None else token_client,
    ):
        await session.request("GET", server.api_url, auth=auth)
        server.revoke_all()
        await session.request("GET", server.api_url, auth=auth)
        server.api.always(Answer(401, b"no"))
        await session.request("GET", server.api_url, auth=auth)


def leaks(error: BaseException, secrets: list[str]) -> list[str]:
    """The locals of frames of ours in which a secret can be seen."""
    found = []
    for each in _with_all_behind(error, set()):
        trace = each.__traceback__
        while trace is not None:
            code, names = trace.tb_frame.f_code, trace.tb_frame.f_locals
            file = Path(code.co_filename)
            if file.is_relative_to(PACKAGE) and not file.is_relative_to(PACKAGE / "testing"):
                shown = [(name, text) for name, value in names.items() for text in _texts(value)]
                bad = [name for name, text in shown if any(secret in text for secret in secrets)]
                found += [f"{file.name}:{trace.tb_lineno}, {code.co_name}: {name}" for name in bad]
            trace = trace.tb_next
    return found


def _with_all_behind(error: BaseException | None, seen: set[int]) -> Iterator[BaseException]:
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    for other in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
        yield from _with_all_behind(other, seen)


def _texts(value: object) -> Iterator[str]:
    """What a report shows of a local: texts, what is in collections, and the repr of everything else."""
    if isinstance(value, (str, bytes, bytearray)):
        yield value if isinstance(value, str) else value.decode("latin-1")
    elif isinstance(value, dict):
        yield from _texts([*value, *value.values()])
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield "".join(text for item in value for text in _texts(item))
    else:
        yield repr(value)


def secrets_of(server: LoopbackServer) -> list[str]:
    basic = base64.b64encode(f"client:{SECRET}".encode()).decode()
    return [SECRET, IN_URL, basic, *server.issued]


@each_client
@pytest.mark.parametrize("place", PLACES)
def test_an_exception_that_passes_through(
    client: ClientKind, place: str, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the code of others raises, at each of its calls."""
    if place == "resolver" and client.id.endswith("asyncio"):
        pytest.skip("asyncio does not look up numbers")
    oauth_server.client_secret = SECRET
    found: set[str] = set()
    for at in range(1, MOST):
        strike = Strikes(at)
        settings, options = PLACES[place](client, strike)
        mounted = options.pop("mounted", None)
        given = {"client_secret": SECRET, **settings}
        endpoint, url = given.pop("endpoint", None), f"{oauth_server.token_url}?code={IN_URL}"
        source = url if endpoint is None else TokenEndpoint(url, **endpoint)
        auth = client.auth_class(source, "client", **given)
        oauth_server.api.clear()
        try:
            with striking(place, strike, monkeypatch):
                talk(client, auth, oauth_server, mounted, **options)
        except BaseException as error:
            if strike.calls < at:
                raise
            found.update(leaks(error, secrets_of(oauth_server)))
        else:
            break
    else:
        pytest.fail(f"{place} is called {MOST} times")
    assert at > 2, f"{place} is hardly called"
    assert sorted(found) == []


@each_client
@pytest.mark.parametrize("failure", [Answer.error("invalid_client", status=401), Answer(200, b"{}")])
def test_an_error_of_ours(client: ClientKind, failure: Answer, oauth_server: LoopbackServer) -> None:
    """And the tracebacks of our own errors."""
    oauth_server.client_secret = SECRET
    oauth_server.token_endpoint.always(failure)
    with client.session(auth=auth_of(client, oauth_server)) as session, pytest.raises(TokenError) as caught:
        session.request("GET", oauth_server.api_url)
    assert leaks(caught.value, secrets_of(oauth_server)) == []
