"""The loopback server plays every host that a page names, so examples run as they are printed, URLs included.

The clients believe that they talk to the host in the URL. This module replaces the URL at the point of connection,
below sessions, hooks, mounts and auth.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import OpenerDirector, Request

import httpx
import httpx2
import pytest
import requests
from requests.adapters import HTTPAdapter

from oauth_cc_auth.testing import LoopbackServer, RecordedRequest


class Internet:
    """A loopback server under other names.

    Attributes:
        server: The server that plays the hosts.
        named: The URLs that the example requested, with its names, in order.
        proxied: The proxy for each request of requests and sync httpx. None: no proxy. There is no real proxy: all
            requests go directly to the server.
        verified_with: The `verify` value of each request of requests.
    """

    def __init__(self, server: LoopbackServer, token_url: str) -> None:
        self.server = server
        self.named: list[str] = []
        self.proxied: list[str | None] = []
        self.verified_with: list[Any] = []
        self._token_url = token_url
        self._used: set[Any] = set()

    def route(self, url: str) -> str:
        """The loopback URL for a request to `url`."""
        if url.startswith(self.server.origin):
            return url
        self.named.append(url)
        if url.partition("?")[0] == self._token_url.partition("?")[0]:
            return f"{self.server.token_url}?{urlsplit(url).query}".rstrip("?")
        parts = urlsplit(url)
        return f"{self.server.api_url}{parts.path}?{parts.query}".rstrip("?")

    @property
    def token_request(self) -> RecordedRequest:
        """The only token request."""
        (request,) = self.server.token_requests
        return request

    @property
    def api_request(self) -> RecordedRequest:
        """The only API request that carried a token and got an answer."""
        (request,) = self.server.api_requests
        assert request.token in self.server.issued
        assert request.status == 200
        return request

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Make the clients of requests, httpx, httpx2 and urllib talk to the loopback server, whatever the host.

        This closes connections that an example leaves open. An example must close those of async clients itself.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(OpenerDirector, "open", self._urllib_open(OpenerDirector.open))
            patch.setattr(HTTPAdapter, "send", self._requests_send(HTTPAdapter.send))
            for library in (httpx, httpx2):
                sync, asynchronous = library.HTTPTransport, library.AsyncHTTPTransport
                handle = self._httpx_handle(library, sync.handle_request)
                ahandle = self._async_httpx_handle(library, asynchronous.handle_async_request)
                patch.setattr(sync, "handle_request", handle)
                patch.setattr(asynchronous, "handle_async_request", ahandle)
            try:
                yield
            finally:
                for used in self._used:
                    used.close()

    def _urllib_open(self, open_: Any) -> Any:
        def elsewhere(opener: OpenerDirector, request: Request, *args: Any, **kwargs: Any) -> Any:
            request.full_url = self.route(request.full_url)
            return open_(opener, request, *args, **kwargs)

        return elsewhere

    def _requests_send(self, send: Any) -> Any:
        def elsewhere(adapter: HTTPAdapter, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
            self._used.add(adapter)
            proxies = kwargs.pop("proxies", None) or {}
            self.proxied.append(proxies.get("https"))
            self.verified_with.append(kwargs.get("verify"))
            # A twin, since a guarded request drops its headers when its URL leaves the origin.
            twin = requests.PreparedRequest()
            twin.__dict__.update(request.__dict__, headers=request.headers, url=self.route(request.url))
            response: requests.Response = send(adapter, twin, *args, **kwargs)
            response.url, response.request = request.url, request
            return response

        return elsewhere

    def _httpx_handle(self, library: Any, handle: Any) -> Any:
        def elsewhere(transport: Any, request: Any) -> Any:
            proxy = getattr(transport._pool, "_proxy_url", None)
            self.proxied.append(proxy and f"{proxy.scheme.decode()}://{proxy.host.decode()}:{proxy.port}")
            used = library.HTTPTransport() if proxy else transport
            self._used.add(used)
            named, request.url = request.url, library.URL(self.route(str(request.url)))
            try:
                return handle(used, request)
            finally:
                request.url = named

        return elsewhere

    def _async_httpx_handle(self, library: Any, handle: Any) -> Any:
        async def elsewhere(transport: Any, request: Any) -> Any:
            named, request.url = request.url, library.URL(self.route(str(request.url)))
            try:
                return await handle(transport, request)
            finally:
                request.url = named

        return elsewhere
