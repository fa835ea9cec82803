"""Transports that answer in the same process, so a request costs only what the client library itself does."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator
from typing import Any

API_URL = "https://api.example.com/orders"
TOKEN_URL = "https://login.example.com/oauth2/token"
HOUR = 3600

ACCESS_TOKEN = "t" * 40
API_ANSWER = b"{}"


def _answer(method: str, statuses: Iterator[int], token_type: str) -> tuple[int, bytes]:
    """A token for a POST, because only token requests use it. For everything else, the answer of the API."""
    if method != "POST":
        return next(statuses), API_ANSWER
    answer = {"access_token": ACCESS_TOKEN, "token_type": token_type, "expires_in": HOUR}
    return 200, json.dumps(answer).encode()


def always_accepted() -> Iterator[int]:
    """Statuses of an API that accepts every token."""
    return itertools.repeat(200)


def refused_every_other_time() -> Iterator[int]:
    """Statuses of an API that accepts each token once and refuses it the second time."""
    return itertools.cycle((401, 200))


def requests_adapter(statuses: Iterator[int], token_type: str = "Bearer") -> Any:
    """An adapter to mount on a session."""
    import requests
    import urllib3
    from requests.adapters import BaseAdapter

    class InProcess(BaseAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            status, body = _answer(request.method or "", statuses, token_type)
            response: Any = requests.Response()
            response.status_code = status
            response.headers["Content-Type"] = "application/json"
            response.url, response.request, response.connection = request.url, request, self
            response.raw = urllib3.HTTPResponse(io.BytesIO(body), status=status, preload_content=False)
            return response  # type: ignore[no-any-return]  # its attributes are in no stub

        def close(self) -> None:
            pass

    return InProcess()


def httpx_transport(library: Any, statuses: Iterator[int], token_type: str = "Bearer") -> Any:
    """A transport for a client of `library`, httpx or httpx2, sync or async."""

    def answer(request: Any) -> Any:
        status, body = _answer(request.method, statuses, token_type)
        return library.Response(status, content=body, headers={"Content-Type": "application/json"})

    class InProcess(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc]  # httpx or httpx2
        def handle_request(self, request: Any) -> Any:
            return answer(request)

        async def handle_async_request(self, request: Any) -> Any:
            return answer(request)

    return InProcess()
