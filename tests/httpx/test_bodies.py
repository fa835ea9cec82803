"""Bodies in httpx: which can be sent again, and what is read of an answer before the program gets it."""

from __future__ import annotations

import asyncio
import gzip
import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from oauth_cc_auth._http.limited_body import LONGEST_DRAIN, LONGEST_REFUSAL
from oauth_cc_auth._httpx import drain as draining
from oauth_cc_auth._httpx.drain import adrain, drain
from oauth_cc_auth._httpx.peek import apeek, peek
from oauth_cc_auth._httpx.replay import Replay, copy_of, replay_of, rewound
from tests.clients import HTTPX, HTTPX2, ClientKind, for_clients

both = for_clients(HTTPX, HTTPX2)
URL = "https://api.example.com/orders"
JSON = "application/json"


def stream_of(client: ClientKind, *chunks: Any) -> Any:
    """A stream of these chunks for both kinds of clients; an exception among them is raised, a None never comes."""
    library = client.library

    class Stream(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc, name-defined]  # known when it runs
        closed, taken = 0, 0

        def __iter__(self) -> Iterator[bytes]:
            for chunk in chunks:
                if isinstance(chunk, Exception):
                    raise chunk
                self.taken += 1
                yield chunk

        async def __aiter__(self) -> Any:
            if None in chunks:
                await anyio.sleep_forever()
            pieces = iter(self)
            while True:
                await checkpoint()  # as the network has one
                try:
                    yield next(pieces)
                except StopIteration:
                    return

        def close(self) -> None:
            self.closed += 1

        async def aclose(self) -> None:
            self.closed += 1

    return Stream()


# Which bodies can be sent again.


@both
def test_bodies_that_can_be_sent_again(client: ClientKind) -> None:
    """Lists, tuples, and files that can be rewound to where they stand; nothing else."""
    library = client.library

    def replay(**body: Any) -> Any:
        stream = library.Request("POST", URL, **body).stream
        found = replay_of(stream, library)
        assert found is None or found.stream is stream
        return None if found is None else found.positions

    file = io.BytesIO(b"0123456789")
    file.seek(4)
    assert replay(content=[b"a", b"b"]) == replay(content=(b"a", b"b")) == ()
    assert replay(content=file) == ((file, 4),)
    assert replay(content=iter([b"a"])) is None
    assert replay(content=Odd(seekable=False)) is None
    assert replay(content=Odd(position="4")) is None
    assert replay(content=Odd(fails=True)) is None
    assert replay(content=b"plain") is None  # such a stream needs no record


class Odd:
    """A file-like object of anybody's."""

    def __init__(self, *, seekable: bool = True, position: object = 0, fails: bool = False) -> None:
        self._seekable, self._position, self._fails = seekable, position, fails

    def __iter__(self) -> Iterator[bytes]:
        yield b"x"

    def read(self, size: int = -1) -> bytes:
        return b""

    def seekable(self) -> bool:
        return self._seekable

    def tell(self) -> Any:
        if self._fails:
            raise OSError
        return self._position

    def seek(self, *position: int) -> int:
        raise OSError


@both
def test_forms_with_files_that_can_be_sent_again(client: ClientKind) -> None:
    """Those whose files stand at their start, which is where httpx itself rewinds them to."""
    library = client.library

    def replay(*files: Any) -> Any:
        named = {f"file{number}": file for number, file in enumerate(files)}
        stream = library.Request("POST", URL, files=named, data={"a": "b"}).stream
        found = replay_of(stream, library)
        assert found is None or found.stream is stream
        return None if found is None else found.positions

    start, elsewhere = io.BytesIO(b"0123456789"), io.BytesIO(b"0123456789")
    elsewhere.seek(4)
    assert replay(b"bytes", "text") == ()
    assert replay(start, b"bytes") == ((start, 0),)
    assert replay(start, elsewhere) is None
    assert replay(Odd(seekable=False)) is None


@both
def test_body_of_a_library_that_has_changed(client: ClientKind) -> None:
    """Its classes are private: if one lacks what we know, nobody knows whether it can be sent again."""
    library = client.library
    plain = library.Request("POST", URL, content=[b"a"]).stream
    form = library.Request("POST", URL, files={"file": b"a"}).stream
    del plain._stream, form.fields
    assert (replay_of(plain, library), replay_of(form, library)) == (None, None)


def test_files_are_rewound() -> None:
    """All of them to where they stood; one that cannot be is an obstacle."""
    first, second = io.BytesIO(b"0123"), io.BytesIO(b"0123")
    first.read()
    assert rewound(Replay(None, ((first, 2), (second, 3))))
    assert (first.tell(), second.tell()) == (2, 3)
    assert rewound(Replay(None))
    assert not rewound(Replay(None, ((Odd(), 0),)))


@both
def test_copy_of_a_request(client: ClientKind) -> None:
    """It is what the other is, with headers of its own."""
    library = client.library
    request = library.Request("PUT", URL, content=b"body", headers={"X-Mine": "1"}, extensions={"mine": 1})
    copied = copy_of(request, library)
    assert (copied.method, copied.url, copied.content) == ("PUT", URL, b"body")
    assert (copied.headers["X-Mine"], copied.extensions["mine"], copied.stream) == ("1", 1, request.stream)
    copied.headers["X-Mine"] = "2"
    assert request.headers["X-Mine"] == "1"
    streamed = library.Request("PUT", URL, content=[b"body"])
    assert copy_of(streamed, library).stream is streamed.stream


# What is read of a refusal.


class Dog:
    """In place of the watchdog: keeps what it is told."""

    limits: list[float]
    watched: list[object]

    def __init__(self, limit: float) -> None:
        self.limits.append(limit)

    def __enter__(self) -> Dog:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def watch(self, sock: object) -> None:
        self.watched.append(sock)


@pytest.fixture(name="dog")
def _dog(monkeypatch: pytest.MonkeyPatch) -> type[Dog]:
    monkeypatch.setattr(draining, "Watchdog", Dog)
    Dog.limits, Dog.watched = [], []
    return Dog


def refusal(client: ClientKind, stream: Any, **options: Any) -> Any:
    request = client.library.Request("GET", URL)
    return client.library.Response(401, request=request, stream=stream, **options)


def drained(response: Any, *, is_async: bool) -> Any:
    if is_async:
        asyncio.run(adrain(response))
    else:
        drain(response)
    return response


each_way = pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "async"])


@both
@each_way
@pytest.mark.parametrize(
    ("chunks", "text"),
    [((b"no ", b"token"), b"no token"), ((b"half", OSError("gone"), b"never"), b"half"), ((), b"")],
    ids=["all of it", "breaks", "empty"],
)
def test_refusal_is_read_and_closed(client: ClientKind, is_async: bool, chunks: Any, text: bytes) -> None:
    """What came of it can be looked at; nobody hears of an error in a body that nobody asked for."""
    stream = stream_of(client, *chunks)
    response = drained(refusal(client, stream), is_async=is_async)
    assert (response.content, response.is_closed, stream.closed >= 1) == (text, True, True)


@both
@each_way
def test_refusal_is_decoded(client: ClientKind, is_async: bool) -> None:
    stream, headers = stream_of(client, gzip.compress(b"no token")), {"Content-Encoding": "gzip"}
    assert drained(refusal(client, stream, headers=headers), is_async=is_async).content == b"no token"


@both
@each_way
def test_refusal_that_is_long_is_read_in_part(client: ClientKind, is_async: bool) -> None:
    """Not a byte more than what is kept is waited for, and what is kept is not a byte more than that."""
    size = LONGEST_REFUSAL // 4
    stream = stream_of(client, *[b"x" * size] * 3, b"y" * (size + 7), b"never", b"never")
    response = drained(refusal(client, stream), is_async=is_async)
    assert (stream.taken, len(response.content), stream.closed >= 1) == (4, LONGEST_REFUSAL, True)
    exact = stream_of(client, b"x" * LONGEST_REFUSAL, b"never")
    drained(refusal(client, exact), is_async=is_async)
    assert exact.taken == 1


@both
@each_way
def test_refusal_that_was_read_before_is_left_alone(client: ClientKind, is_async: bool) -> None:
    """By an event hook of the person's."""
    stream = stream_of(client, b"no token")
    response = refusal(client, stream)
    asyncio.run(response.aread()) if is_async else response.read()
    assert (drained(response, is_async=is_async).content, stream.taken) == (b"no token", 1)


@both
def test_refusal_that_drips_is_left(client: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a second, which a clock of the test says has passed with the second piece."""
    times = iter((100.0, 100.0 + LONGEST_DRAIN / 2, 100.0 + LONGEST_DRAIN))
    monkeypatch.setattr(draining, "time", SimpleNamespace(monotonic=lambda: next(times)))
    stream = stream_of(client, b"a", b"b", b"never")
    assert drained(refusal(client, stream), is_async=False).content == b"ab"


@both
def test_refusal_that_never_comes_is_left_by_a_task(client: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cancelled, and the task goes on."""
    monkeypatch.setattr(draining, "LONGEST_DRAIN", 0.0)
    stream = stream_of(client, None)
    assert drained(refusal(client, stream), is_async=True).content == b""


@both
@pytest.mark.parametrize(("version", "watched"), [(b"HTTP/1.1", ["socket"]), (None, ["socket"]), (b"HTTP/2", [])])
def test_connection_of_a_refusal_is_watched(
    client: ClientKind, dog: type[Dog], version: bytes | None, watched: list[object]
) -> None:
    """For a second, unless other requests may share it."""
    network = SimpleNamespace(get_extra_info=lambda name: name)
    extensions = (
        {"network_stream": network} if version is None else {"network_stream": network, "http_version": version}
    )
    drained(refusal(client, stream_of(client), extensions=extensions), is_async=False)
    assert (dog.watched, dog.limits) == (watched, [LONGEST_DRAIN])
    drained(refusal(client, stream_of(client)), is_async=False)
    assert dog.watched == watched  # a mock has no connection


# What a condition gets to see of a body.


def seen(client: ClientKind, response: Any, *, is_async: bool) -> Any:
    library = client.library
    return asyncio.run(apeek(library, response)) if is_async else peek(library, response)


def answered(client: ClientKind, stream: Any, length: object, kind: str = JSON, **headers: str) -> Any:
    given = {"Content-Type": kind, "Content-Length": str(length)} if length is not None else {"Content-Type": kind}
    return refusal(client, stream, headers={**given, **headers})


@both
@each_way
def test_small_json_is_read_and_put_back(client: ClientKind, is_async: bool) -> None:
    """Whoever reads the answer finds all of it, and closing it closes what it was read from."""
    stream = stream_of(client, b'{"a":', b" 1}")
    response = answered(client, stream, 8)
    assert seen(client, response, is_async=is_async) == b'{"a": 1}'
    if is_async:
        asyncio.run(response.aread())
        asyncio.run(response.stream.aclose())
    else:
        response.read()
        response.stream.close()
    assert (response.json(), stream.taken, stream.closed >= 2) == ({"a": 1}, 2, True)


@both
@each_way
def test_encoded_json_is_shown_decoded_and_put_back_encoded(client: ClientKind, is_async: bool) -> None:
    body = gzip.compress(b"{}")
    headers = {"Content-Type": JSON, "Content-Length": str(len(body)), "Content-Encoding": "gzip"}
    response = refusal(client, stream_of(client, body), headers=headers)
    assert seen(client, response, is_async=is_async) == b"{}"
    assert b"".join(response.stream) == body


@both
@each_way
@pytest.mark.parametrize(
    ("length", "kind", "is_seen"),
    [
        (LONGEST_REFUSAL, JSON, True),
        (f"{LONGEST_REFUSAL:08}", JSON, True),
        (f"{LONGEST_REFUSAL:09}", JSON, False),
        (LONGEST_REFUSAL + 1, JSON, False),
        (None, JSON, False),
        ("", JSON, False),
        ("-1", JSON, False),
        (2, "text/plain", False),
        (2, "", False),
    ],
)
def test_which_bodies_are_looked_at(
    client: ClientKind, is_async: bool, length: object, kind: str, is_seen: bool
) -> None:
    """JSON that says how long it is, and is not long: nobody streams that."""
    stream = stream_of(client, b"{}")
    response = answered(client, stream, length, kind)
    assert seen(client, response, is_async=is_async) == (b"{}" if is_seen else None)
    assert stream.taken == is_seen


@both
@each_way
def test_answer_without_headers_is_not_looked_at(client: ClientKind, is_async: bool) -> None:
    assert seen(client, refusal(client, stream_of(client, b"{}")), is_async=is_async) is None
    no_type = refusal(client, stream_of(client, b"{}"), headers={"Content-Length": "2"})
    assert seen(client, no_type, is_async=is_async) is None


@both
@each_way
def test_body_that_a_hook_has_read_is_looked_at(client: ClientKind, is_async: bool) -> None:
    """Unless it is long, whatever its Content-Length says, which is that of its encoded form."""
    for size, is_seen in ((LONGEST_REFUSAL, True), (LONGEST_REFUSAL + 1, False)):
        response = answered(client, stream_of(client, b" " * size), 8)
        asyncio.run(response.aread()) if is_async else response.read()
        assert seen(client, response, is_async=is_async) == (b" " * size if is_seen else None)
