"""Promise 11: a body that can be sent again is sent again whole. One that cannot is not sent again."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ASYNC_CLIENTS, HTTPX, HTTPX2, REQUESTS, ClientKind, each_client
from tests.contract.scenes import scene

CONTENT = bytes(range(256)) * 1024  # 256 KiB: several chunks for either library
HALF = len(CONTENT) // 2
SYNC_HTTPX = (HTTPX, HTTPX2)


class Body(NamedTuple):
    """Makes the arguments for each request, and knows the bytes for the server if they are known exactly."""

    name: str
    arguments: Callable[[Path], dict[str, Any]]
    expected: bytes | None = CONTENT

    def __str__(self) -> str:
        return self.name


def cases(*groups: tuple[tuple[ClientKind, ...], list[Body]]) -> pytest.MarkDecorator:
    """Each body of a group with each client of the group."""
    pairs = [(client, body) for clients, bodies in groups for body in bodies for client in clients]
    return pytest.mark.parametrize(("client", "body"), pairs, ids=[f"{client.id}-{body}" for client, body in pairs])


def opened(folder: Path, mode: str = "rb") -> Any:
    path = folder / "body"
    path.write_bytes(CONTENT)
    return path.open(mode)


def at(position: int, file: Any) -> Any:
    file.seek(position)
    return file


def chunks() -> Iterator[bytes]:
    for start in range(0, len(CONTENT), 1000):
        yield CONTENT[start : start + 1000]


async def async_chunks() -> AsyncIterator[bytes]:
    for chunk in chunks():
        yield chunk


def half(file: Any) -> dict[str, Any]:
    """httpx takes the size of the whole file as the length of the body. So a person must set the length of the rest."""
    return {"content": at(HALF, file), "headers": {"Content-Length": str(len(CONTENT) - HALF)}}


def pipe() -> Any:
    """A file with a few bytes that can be read once and never rewound."""
    reading, writing = os.pipe()
    os.write(writing, b"a few bytes")
    os.close(writing)
    return os.fdopen(reading, "rb")


class ClosedAtTheEnd(io.BytesIO):
    """A file that closes itself after the last byte, like some wrappers."""

    def read(self, size: int | None = -1, /) -> bytes:
        got = super().read(size)
        if not got:
            self.close()
        return got


class Unseekable(io.BytesIO):
    """A file that reports that it cannot seek."""

    def seekable(self) -> bool:
        return False

    def seek(self, *args: Any) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        raise io.UnsupportedOperation("tell")


class CannotGoBack(io.BytesIO):
    """A file that reports its position, and raises on a seek only after it was read to its end."""

    def __init__(self, error: type[Exception]) -> None:
        super().__init__(CONTENT)
        self._error = error
        self._at_end = False

    def read(self, size: int | None = -1, /) -> bytes:
        got = super().read(size)
        self._at_end = not got
        return got

    def seek(self, position: int, whence: int = 0, /) -> int:
        if self._at_end:
            raise self._error("no way back")
        return super().seek(position, whence)


class OnlyRead:
    """An object of an upload library: it can be read, and nothing else."""

    def __init__(self) -> None:
        self._file = io.BytesIO(CONTENT)
        self.len = len(CONTENT)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


class OneWay:
    """A person's own iterable that can be read once."""

    def __init__(self) -> None:
        self._chunks = chunks()

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks


class AsyncOneWay:
    """The same for an event loop."""

    def __init__(self) -> None:
        self._chunks = async_chunks()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks


def own_stream(client: ClientKind) -> Callable[[Path], dict[str, Any]]:
    """A person's own stream class. Only the person knows whether it can be repeated."""
    library = client.library
    iterable, base = (AsyncOneWay, library.AsyncByteStream) if client.is_async else (OneWay, library.SyncByteStream)
    stream = type("OwnStream", (iterable, base), {})
    return lambda _: {"content": stream()}


def content(make: Callable[[Path], Any]) -> Callable[[Path], dict[str, Any]]:
    return lambda folder: {"content": make(folder)}


def files(make: Callable[[Path], Any]) -> Callable[[Path], dict[str, Any]]:
    return lambda folder: {"files": {"document": ("name.bin", make(folder))}}


ALL_HTTPX = (*SYNC_HTTPX, *ASYNC_CLIENTS)

FOR_ALL = [
    Body("no body", lambda _: {}, b""),
    Body("bytes", content(lambda _: CONTENT)),
    Body("text", content(lambda _: "text \u00e9".encode().decode()), "text \u00e9".encode()),
    Body("empty", content(lambda _: b""), b""),
    Body("json", lambda _: {"json": {"order": [1, 2, 3]}}, None),
    Body("multipart bytes", files(lambda _: CONTENT), None),
    Body("multipart file", files(opened), None),
    Body("multipart BytesIO", files(lambda _: io.BytesIO(CONTENT)), None),
]
FILES = [
    Body("file", content(opened)),
    Body("BytesIO", content(lambda _: io.BytesIO(CONTENT))),
]
REQUESTS_ONLY = [
    Body("form", content(lambda _: {"a": "1", "b": ["2", "3"]}), b"a=1&b=2&b=3"),
    Body("pairs", content(lambda _: [("a", "1"), ("b", "2")]), b"a=1&b=2"),
    Body("file from the middle", content(lambda folder: at(HALF, opened(folder))), CONTENT[HALF:]),
    Body("BytesIO from the middle", content(lambda _: at(HALF, io.BytesIO(CONTENT))), CONTENT[HALF:]),
    Body("file at its end", content(lambda folder: at(len(CONTENT), opened(folder))), b""),
    Body("multipart file from the middle", files(lambda folder: at(HALF, opened(folder))), None),
    Body("multipart pipe", files(lambda _: pipe()), None),
]
HTTPX_SYNC_ONLY = [
    Body("list", content(lambda _: list(chunks()))),
    Body("tuple", content(lambda _: tuple(chunks()))),
    Body("file from the middle", lambda folder: half(opened(folder)), CONTENT[HALF:]),
    Body("BytesIO from the middle", lambda _: half(io.BytesIO(CONTENT)), CONTENT[HALF:]),
]
HTTPX_FORM = [
    Body("form", lambda _: {"data": {"a": "1", "b": ["2", "3"]}}, b"a=1&b=2&b=3"),
    Body("multipart with fields", lambda folder: {"files": {"f": opened(folder)}, "data": {"a": "1"}}, None),
]

REPEATABLE = cases(
    ((REQUESTS, *ALL_HTTPX), FOR_ALL),
    ((REQUESTS, *SYNC_HTTPX), FILES),
    ((REQUESTS,), REQUESTS_ONLY),
    (SYNC_HTTPX, HTTPX_SYNC_ONLY),
    (ALL_HTTPX, HTTPX_FORM),
)

SYNC_ONCE = [
    Body("generator", content(lambda _: chunks())),
    Body("iterator over a list", content(lambda _: iter(list(chunks())))),
    Body("an iterable of one's own", content(lambda _: OneWay())),
    Body("unseekable file", content(lambda _: Unseekable(CONTENT))),
    Body("file that ends closed", content(lambda _: ClosedAtTheEnd(CONTENT))),
    Body("file whose seek fails", content(lambda _: CannotGoBack(OSError))),
    Body("file whose seek is not there", content(lambda _: CannotGoBack(NotImplementedError))),
]
UNSEEKABLE_MULTIPART = [
    Body("multipart unseekable", files(lambda _: Unseekable(CONTENT)), None),
    Body("multipart file that ends closed", files(lambda _: ClosedAtTheEnd(CONTENT)), None),
]
# httpx itself sends such a file from its start, so the intention of the person is unknown.
MIDDLE_MULTIPART = [
    Body("multipart file from the middle", files(lambda folder: at(HALF, opened(folder))), None),
]

NOT_REPEATABLE = cases(
    ((REQUESTS, *SYNC_HTTPX), SYNC_ONCE),
    ((REQUESTS,), [Body("pipe", content(lambda _: pipe()), b"a few bytes")]),
    ((REQUESTS,), [Body("read only", content(lambda _: OnlyRead()))]),
    (ALL_HTTPX, [*UNSEEKABLE_MULTIPART, *MIDDLE_MULTIPART]),
    (ASYNC_CLIENTS, [Body("async generator", content(lambda _: async_chunks()))]),
    (ASYNC_CLIENTS, [Body("an async iterable of one's own", content(lambda _: AsyncOneWay()))]),
    *(((kind,), [Body("a stream of one's own", own_stream(kind))]) for kind in ALL_HTTPX),
)


def close_files(arguments: dict[str, Any]) -> None:
    found = [arguments.get("content"), *(value for value in arguments.get("files", {}).values())]
    for value in found:
        file = value[1] if isinstance(value, tuple) and len(value) == 2 else value
        if isinstance(file, io.IOBase):
            file.close()


@REPEATABLE
def test_a_body_that_can_be_sent_again_is_sent_again_whole(
    client: ClientKind, body: Body, oauth_server: LoopbackServer, tmp_path: Path
) -> None:
    """The server gets the same bytes twice, and the caller gets the second answer."""
    with scene(client, oauth_server) as s:
        s.session.get_token()
        oauth_server.revoke_all()
        arguments = body.arguments(tmp_path)
        result = s.session.request("POST", oauth_server.api_url, **arguments)
        close_files(arguments)
        assert (result.status, result.history_statuses) == (200, (401,))
        first, second = oauth_server.api_requests
        assert second.body == first.body
        assert (first.complete, second.complete) == (True, True)
        if body.expected is None:
            assert len(first.body) > 10
        else:
            assert first.body == body.expected
        if "multipart" in body.name:
            expected = b"a few bytes" if "pipe" in body.name else CONTENT[-HALF:]
            assert expected in second.body
        for name in ("content-length", "transfer-encoding", "content-type"):
            assert second.headers.get(name) == first.headers.get(name)
        assert s.token_requests == 2


@NOT_REPEATABLE
def test_a_body_that_cannot_be_sent_again_is_not(
    client: ClientKind, body: Body, oauth_server: LoopbackServer, tmp_path: Path
) -> None:
    """There is one API request, and the caller gets its 401. The token is renewed, so the next request succeeds."""
    with scene(client, oauth_server) as s:
        s.session.get_token()
        oauth_server.revoke_all()
        arguments = body.arguments(tmp_path)
        result = s.session.request("POST", oauth_server.api_url, **arguments)
        close_files(arguments)
        assert (result.status, result.history_statuses) == (401, ())
        assert result.json()["error"] == "invalid_token"
        (only,) = oauth_server.api_requests
        if body.expected is not None:
            assert only.body == body.expected
        assert s.go_on() == [oauth_server.issued[1]]
        assert s.token_requests == 2


@each_client
def test_a_body_is_whole_after_a_307_and_a_refusal(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A multipart file is sent three times and is the same each time."""
    with scene(client, oauth_server, follow_redirects=True) as s:
        oauth_server.api.next(Answer.redirect("/api/elsewhere", 307), Answer(401))
        uploads = {"document": ("name.bin", io.BytesIO(CONTENT))}
        assert s.session.request("POST", oauth_server.api_url, files=uploads).status == 200
        bodies = [request.body for request in oauth_server.api_requests]
        assert len(bodies) == 3
        assert len(set(bodies)) == 1
        assert CONTENT in bodies[0]


@each_client
@pytest.mark.parametrize("kind", ["generator", "file", "pipe"])
def test_after_a_303_there_is_no_body_to_worry_about(
    client: ClientKind, oauth_server: LoopbackServer, kind: str
) -> None:
    """The body of the POST is used up, but the refused request is the GET."""
    body: Any = async_chunks() if client.is_async else chunks()
    if kind != "generator" and not client.is_async:
        body = io.BytesIO(CONTENT) if kind == "file" else Unseekable(CONTENT)

    with scene(client, oauth_server, follow_redirects=True) as s:
        oauth_server.api.next(Answer.redirect("/api/done", 303), Answer(401))
        assert s.session.request("POST", oauth_server.api_url, body).status == 200
        log = [(request.method, len(request.body)) for request in oauth_server.api_requests]
        assert log == [("POST", len(CONTENT)), ("GET", 0), ("GET", 0)]


def test_a_prepared_request_that_is_sent_again_later_renews_again(oauth_server: LoopbackServer) -> None:
    """In requests, a prepared request keeps its hooks. If it is sent a second time, it is renewed like a new one."""
    with scene(REQUESTS, oauth_server) as s:
        library: Any = REQUESTS.library
        session: Any = getattr(s.session, "_session")  # noqa: B009  # private to the clients of the tests
        prepared = session.prepare_request(library.Request("POST", oauth_server.api_url, data=io.BytesIO(CONTENT)))
        for _ in range(3):
            oauth_server.revoke_all()
            prepared.body.seek(0)
            response = session.send(prepared)
            assert (response.status_code, [refused.status_code for refused in response.history]) == (200, [401])
        assert {request.body for request in oauth_server.api_requests} == {CONTENT}
        assert len(oauth_server.api_requests) == 6
        assert s.token_requests == 4
        assert pickle.loads(pickle.dumps(response)).status_code == 200  # noqa: S301  # made here
