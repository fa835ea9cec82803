"""Open sessions of every kind of client, behind one blocking interface.

A session of an async kind has one event loop, in a thread of its own, for as long as it is open: its calls
share that loop, as in a program that uses the library. For several loops, open several sessions.
"""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import anyio
import anyio.from_thread
import requests

from oauth_cc_auth import Token

REQUEST_LIMIT = 30.0  # s for each step of an API request: a hang is a failure, not a hung test run
CALL_LIMIT = 90.0  # s for a whole call of a session, however many requests it makes

_T = TypeVar("_T")


@dataclass(frozen=True)
class Result:
    """A response, or one of its history, as every library would tell it. Header names are in lower case."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes
    request_headers: Mapping[str, str]
    history: tuple[Result, ...] = ()

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def history_statuses(self) -> tuple[int, ...]:
        return tuple(earlier.status for earlier in self.history)

    def json(self) -> Any:
        return json.loads(self.body)


class Session(ABC):
    """An open session of any kind. All methods block; `auth` is the plugin's object itself."""

    def __init__(self, auth: Any) -> None:
        self.auth = auth

    def request(
        self,
        method: str,
        url: str,
        content: Any = None,
        headers: Mapping[str, str] | None = None,
        follow_redirects: bool | None = None,
        **options: Any,
    ) -> Result:
        """Perform one request.

        Args:
            content: the body, as the library takes it (`data=` in requests, `content=` in httpx).
            follow_redirects: None: as the session was opened.
            options: more arguments of the library's own `request`.
        """
        return self._one(method, url, _arguments(content, headers, follow_redirects, options))

    def concurrently(
        self, n: int, url: str, method: str = "GET", content: Any = None, headers: Any = None
    ) -> list[Result | Exception]:
        """Perform `n` equal requests at once: threads that start together, or tasks of the session's loop.

        Returns:
            What each of them came to, a result or its exception, in the order of the callers.
        """
        return self._many(n, method, url, _arguments(content, headers, None, {}))

    def get_token(self, **arguments: Any) -> Token:
        """`auth.get_token()`, or where the kind is async `await auth.aget_token()`."""
        token: Token = self.on_auth("get_token", **arguments)
        return token

    @abstractmethod
    def on_auth(self, name: str, **arguments: Any) -> Any:
        """Call the method `name` of `auth`, or where the kind is async its twin for event loops."""

    @abstractmethod
    def _one(self, method: str, url: str, arguments: dict[str, Any]) -> Result: ...

    @abstractmethod
    def _many(self, n: int, method: str, url: str, arguments: dict[str, Any]) -> list[Result | Exception]: ...


def _arguments(content: Any, headers: Any, follow: bool | None, options: dict[str, Any]) -> dict[str, Any]:
    """The arguments in httpx's words, without those that the caller left to the session."""
    given = {"content": content, "headers": headers, "follow_redirects": follow}
    return {**{name: value for name, value in given.items() if value is not None}, **options}


def _not_ended(n: int) -> list[Result | Exception]:
    return [TimeoutError("this call never ended")] * n


def _with_history(tell: Callable[[Any], Result], response: Any) -> Result:
    return replace(tell(response), history=tuple(map(tell, response.history)))


def _requests_result(response: requests.Response) -> Result:
    received, sent = (
        {name.lower(): _text(value) for name, value in message.headers.items()}
        for message in (response, response.request)
    )
    return Result(response.status_code, response.url, received, response.content, sent)


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _httpx_result(response: Any) -> Result:
    sent = dict(response.request.headers)
    return Result(response.status_code, str(response.url), dict(response.headers), response.content, sent)


class _SyncSession(Session):
    def on_auth(self, name: str, **arguments: Any) -> Any:
        return getattr(self.auth, name)(**arguments)

    def _many(self, n: int, method: str, url: str, arguments: dict[str, Any]) -> list[Result | Exception]:
        barrier = threading.Barrier(n)
        outcomes = _not_ended(n)

        def run(index: int) -> None:
            try:
                barrier.wait(CALL_LIMIT)
                outcomes[index] = self._one(method, url, arguments)
            except Exception as error:  # noqa: BLE001  # the caller has it as an outcome
                outcomes[index] = error

        # Daemons: a call that hangs is reported as such above, and does not keep the test run from ending.
        threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(n)]
        for thread in threads:
            thread.start()
        limit = time.monotonic() + CALL_LIMIT
        for thread in threads:
            thread.join(max(0.0, limit - time.monotonic()))
        return outcomes


class RequestsSession(_SyncSession):
    def __init__(self, library_session: requests.Session, follow_redirects: bool) -> None:
        super().__init__(library_session.auth)
        self._session = library_session
        self._defaults = {"timeout": REQUEST_LIMIT, "follow_redirects": follow_redirects}

    def _one(self, method: str, url: str, arguments: dict[str, Any]) -> Result:
        merged = {**self._defaults, **arguments}
        merged["data"] = merged.pop("content", None)
        merged["allow_redirects"] = merged.pop("follow_redirects")
        response = self._session.request(method, url, **merged)
        return _with_history(_requests_result, response)


class HttpxSession(_SyncSession):
    def __init__(self, library_client: Any, auth: Any) -> None:
        super().__init__(auth)
        self._client = library_client

    def _one(self, method: str, url: str, arguments: dict[str, Any]) -> Result:
        response = self._client.request(method, url, **arguments)
        return _with_history(_httpx_result, response)


class AsyncHttpxSession(Session):
    def __init__(self, library_client: Any, auth: Any, portal: anyio.from_thread.BlockingPortal) -> None:
        super().__init__(auth)
        self._client = library_client
        self._portal = portal

    def on_auth(self, name: str, **arguments: Any) -> Any:
        return self.call(lambda: getattr(self.auth, f"a{name}")(**arguments))

    def call(self, function: Callable[[], Awaitable[_T]]) -> _T:
        """`await function()` in the session's event loop."""

        async def bounded() -> _T:
            with anyio.fail_after(CALL_LIMIT):
                return await function()

        return self._portal.call(bounded)

    def _one(self, method: str, url: str, arguments: dict[str, Any]) -> Result:
        return self.call(lambda: self._request(method, url, arguments))

    def _many(self, n: int, method: str, url: str, arguments: dict[str, Any]) -> list[Result | Exception]:
        outcomes = _not_ended(n)

        async def run(index: int) -> None:
            try:
                outcomes[index] = await self._request(method, url, arguments)
            except Exception as error:  # noqa: BLE001  # the caller has it as an outcome
                outcomes[index] = error

        async def run_all() -> None:
            async with anyio.create_task_group() as tasks:
                for index in range(n):
                    tasks.start_soon(run, index)

        self.call(run_all)
        return outcomes

    async def _request(self, method: str, url: str, arguments: dict[str, Any]) -> Result:
        response = await self._client.request(method, url, **arguments)
        return _with_history(_httpx_result, response)
