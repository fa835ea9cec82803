"""An auth that an experienced person writes by hand for httpx and httpx2, for sync and async code."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncGenerator, Generator
from typing import Any

import anyio


class _BearerAuth:
    def __init__(self, token_url: str, client_id: str, client_secret: str, leeway: float, client: Any) -> None:
        self._token_url, self._credentials, self._leeway = token_url, (client_id, client_secret), leeway
        self._client = client
        self._lock, self._async_lock = threading.Lock(), anyio.Lock()
        self._header, self._expires_at = "", 0.0

    def _is_due(self) -> bool:
        return time.time() >= self._expires_at - self._leeway

    def _take(self, response: Any) -> None:
        response.raise_for_status()
        answer = response.json()
        self._header, self._expires_at = f"Bearer {answer['access_token']}", time.time() + answer["expires_in"]

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        for _ in range(2):
            if self._is_due():
                with self._lock:
                    if self._is_due():
                        form = {"grant_type": "client_credentials"}
                        self._take(self._client.post(self._token_url, data=form, auth=self._credentials))
            request.headers["Authorization"] = self._header
            response = yield request
            if response.status_code != 401:
                return
            self._expires_at = 0.0

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        for _ in range(2):
            if self._is_due():
                async with self._async_lock:
                    if self._is_due():
                        form = {"grant_type": "client_credentials"}
                        self._take(await self._client.post(self._token_url, data=form, auth=self._credentials))
            request.headers["Authorization"] = self._header
            response = yield request
            if response.status_code != 401:
                return
            self._expires_at = 0.0


def bearer_auth(library: Any) -> Any:
    """The class for `library`, httpx or httpx2. A person would write it for only one of them."""
    return type("BearerAuth", (_BearerAuth, library.Auth), {})
