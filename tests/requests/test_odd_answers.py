"""Answers as mocks and odd adapters make them, for the requests adapter: no stream, errors half-way, no cookie jar."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter

from oauth_cc_auth import InvalidTokenResponse
from oauth_cc_auth._http.limited_body import LIMIT
from oauth_cc_auth.requests import ClientCredentialsAuth

TOKEN_URL, API_URL = "https://login.example.com/token", "https://api.example.com/orders"


class Scripted(BaseAdapter):
    """Answers with what it was given, in order."""

    def __init__(self, *answers: requests.Response) -> None:
        super().__init__()
        self.answers = list(answers)
        self.authorizations: list[Any] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        response = self.answers.pop(0)
        response.request, response.url, response.connection = request, str(request.url), self  # type: ignore[assignment]  # an adapter of our own
        self.authorizations.append(request.headers.get("Authorization"))
        return response

    def close(self) -> None:
        pass


class BrokenRaw(io.BytesIO):
    """Breaks when it is read."""

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        raise ConnectionResetError("gone")


class Old(io.BytesIO):
    """What an old cassette plays below urllib3: it has no read1."""

    def __getattribute__(self, name: str) -> Any:
        if name == "read1":
            raise AttributeError(name)
        return super().__getattribute__(name)


class OnlyRead:
    """Can do what requests asks for, and no more: `read` with a size."""

    def __init__(self, body: bytes) -> None:
        self._body = io.BytesIO(body)

    def read(self, size: int) -> bytes | None:
        return self._body.read(size) or None


class OnlyStream:
    """The other thing that requests asks for."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, size: int, decode_content: bool) -> Iterator[bytes]:
        assert decode_content
        yield self._body[:5]
        yield self._body[5:]


def of_urllib3(body: io.BytesIO) -> urllib3.HTTPResponse:
    return urllib3.HTTPResponse(body, preload_content=False, decode_content=False)


RAWS: dict[str, Callable[[bytes], Any]] = {
    "BytesIO": io.BytesIO,
    "only read": OnlyRead,
    "only stream": OnlyStream,
    "urllib3": lambda body: of_urllib3(io.BytesIO(body)),
    "urllib3 on an old cassette": lambda body: of_urllib3(Old(body)),
}
each_raw = pytest.mark.parametrize("raw", RAWS.values(), ids=RAWS)


def answer(
    status: int, raw: Any = None, content: bytes | None = None, headers: dict[str, str] | None = None
) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.raw = raw
    response.headers.update(headers or {})
    if content is not None:
        response._content = content
    return response


def token(value: str) -> requests.Response:
    return answer(200, content=f'{{"access_token": "{value}", "expires_in": 3600}}'.encode())


def session(api: Scripted, login: Scripted) -> requests.Session:
    """A session whose API requests and token requests are answered by these."""
    token_client, opened = requests.Session(), requests.Session()
    token_client.mount("https://", login)
    opened.mount("https://", api)
    opened.auth = ClientCredentialsAuth(TOKEN_URL, "client", "secret", token_client=token_client)
    return opened


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        (answer(401, content=b"read already"), "read already"),
        (answer(401), ""),
        (answer(401, raw=BrokenRaw(b"text")), ""),
        (answer(401, raw=of_urllib3(io.BytesIO(b"not gzip at all")), headers={"Content-Encoding": "gzip"}), ""),
        (answer(401, raw=of_urllib3(io.BytesIO(gzip.compress(b"text"))), headers={"Content-Encoding": "gzip"}), "text"),
    ],
    ids=["read", "no stream", "broken", "wrong encoding", "encoded"],
)
def test_refusals_of_all_kinds_are_kept_in_the_history(refusal: requests.Response, text: str) -> None:
    """Whatever the refusal's body is like, the request is sent again and the history can be looked at."""
    api = Scripted(refusal, answer(200, content=b"orders"))
    response = session(api, Scripted(token("one"), token("two"))).get(API_URL)

    assert (response.text, api.authorizations) == ("orders", ["Bearer one", "Bearer two"])
    assert [earlier.text for earlier in response.history] == [text]


@each_raw
def test_refusals_of_any_adapter_are_kept_in_the_history(raw: Callable[[bytes], Any]) -> None:
    """Recorded cassettes, WSGI adapters and Pyodide bring a `raw` of their own."""
    api = Scripted(answer(401, raw=raw(b"no token")), answer(200, content=b"orders"))
    response = session(api, Scripted(token("one"), token("two"))).get(API_URL)

    assert (response.text, [earlier.text for earlier in response.history]) == ("orders", ["no token"])


@each_raw
def test_token_answers_of_any_adapter(raw: Callable[[bytes], Any]) -> None:
    """They are read as requests itself reads them, to their end."""
    body = b'{"access_token": "one", "expires_in": 3600}'
    api = Scripted(answer(200, content=b"orders"))
    assert session(api, Scripted(answer(200, raw=raw(body)))).get(API_URL).text == "orders"
    assert api.authorizations == ["Bearer one"]


@pytest.mark.parametrize("raw", [io.BytesIO, OnlyRead, OnlyStream])
def test_token_answers_that_the_adapter_has_decoded(raw: Callable[[bytes], Any]) -> None:
    """Browsers inflate what they hand over and leave the header; requests takes it as it is."""
    gzipped = answer(200, raw=raw(b'{"access_token": "one"}'), headers={"Content-Encoding": "gzip"})
    api = Scripted(answer(200, content=b"orders"))
    assert session(api, Scripted(gzipped)).get(API_URL).text == "orders"


@each_raw
def test_token_answers_of_any_adapter_are_limited(raw: Callable[[bytes], Any]) -> None:
    """Their size is that of any other."""
    endless = answer(200, raw=raw(b" " * (LIMIT + 1)))
    with pytest.raises(InvalidTokenResponse, match="its body is larger than"):
        session(Scripted(), Scripted(endless)).get(API_URL)


def test_token_answer_that_was_read_before() -> None:
    """By an adapter of the person's that logs what came, for one."""
    read = answer(200, raw=of_urllib3(io.BytesIO(b'{"access_token": "one"}')))
    assert read.content
    api = Scripted(answer(200, content=b"orders"))
    assert session(api, Scripted(read)).get(API_URL).text == "orders"


def test_token_answer_without_a_stream() -> None:
    """A mock may give content only."""
    response = session(Scripted(answer(200, content=b"orders")), Scripted(token("one"))).get(API_URL)
    assert response.text == "orders"


def test_request_without_a_cookie_jar() -> None:
    """A request prepared by hand, piece by piece, may have none."""
    api = Scripted(answer(401, content=b""), answer(200, content=b"orders"))
    opened = session(api, Scripted(token("one"), token("two")))
    prepared = requests.Request("GET", API_URL, auth=opened.auth).prepare()
    prepared._cookies = None

    response = requests.Response()
    with pytest.MonkeyPatch.context() as patch:  # requests itself trips over a missing jar after the hooks
        patch.setattr("requests.sessions.extract_cookies_to_jar", lambda *args: None)
        response = opened.send(prepared, allow_redirects=True)
    assert (response.text, api.authorizations) == ("orders", ["Bearer one", "Bearer two"])
