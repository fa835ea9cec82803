"""What people mount on a session or client: requests-toolbelt, requests-ratelimiter and httpx-retries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import pytest
import requests

import oauth_cc_auth.httpx
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.packages.support import RENEWED, auth_for, package, talk


class TestToolbelt:
    @pytest.fixture
    def session(self, oauth_server: LoopbackServer) -> Iterator[Any]:
        with package("requests_toolbelt.sessions").BaseUrlSession(oauth_server.origin) as session:
            session.auth = auth_for(oauth_server)
            yield session

    def test_a_session_with_a_base_url(self, session: Any, oauth_server: LoopbackServer) -> None:
        assert session.get("/api/first").status_code == 200
        oauth_server.revoke_all()
        assert session.get("/api/second").status_code == 200
        assert talk(oauth_server) == RENEWED

    def test_a_multipart_encoder_is_read_once(self, session: Any, oauth_server: LoopbackServer) -> None:
        """It streams, so the refusal is returned; the next request has a new token."""
        encoder_of = package("requests_toolbelt").MultipartEncoder

        def post() -> tuple[int, str]:
            encoder = encoder_of({"file": ("name.txt", b"content"), "field": "value"})
            response = session.post("/api", data=encoder, headers={"Content-Type": encoder.content_type})
            return response.status_code, response.json().get("body", "")

        assert post()[0] == 200
        oauth_server.revoke_all()
        assert post()[0] == 401
        status, body = post()
        assert status == 200
        assert "content" in body
        assert "value" in body

    def test_a_streaming_iterator_is_read_once(self, session: Any, oauth_server: LoopbackServer) -> None:
        streamed = package("requests_toolbelt").StreamingIterator
        statuses = []
        for _ in range(3):
            statuses.append(session.post("/api", data=streamed(4, iter([b"ab", b"cd"]))).status_code)
            oauth_server.revoke(oauth_server.issued[0])
        assert statuses == [200, 401, 200]
        assert oauth_server.api_requests[-1].body == b"abcd"

    def test_an_auth_for_each_host(self, oauth_server: LoopbackServer) -> None:
        handler = package("requests_toolbelt.auth.handler").AuthHandler({oauth_server.origin: auth_for(oauth_server)})
        with requests.Session() as session:
            session.auth = handler
            assert session.get(oauth_server.api_url).status_code == 200
            oauth_server.revoke_all()
            assert session.get(oauth_server.api_url).status_code == 200
        assert talk(oauth_server) == RENEWED

    def test_threads_of_its_pool_share_a_token(self, oauth_server: LoopbackServer) -> None:
        auth = auth_for(oauth_server)

        def with_auth(session: requests.Session) -> requests.Session:
            session.auth = auth
            return session

        urls = [f"{oauth_server.api_url}/{number}" for number in range(12)]
        pool = package("requests_toolbelt.threaded.pool").Pool.from_urls(urls, num_processes=4, initializer=with_auth)
        pool.join_all()
        assert [response.status_code for response in pool.responses()] == [200] * 12
        assert list(pool.exceptions()) == []
        assert len(oauth_server.token_requests) == 1

    def test_an_adapter_with_a_source_address(self, session: Any, oauth_server: LoopbackServer) -> None:
        adapter = package("requests_toolbelt.adapters.source").SourceAddressAdapter("127.0.0.1")
        session.mount("http://", adapter)
        session.auth = auth_for(oauth_server, token_client=session)
        assert session.get("/api/first").status_code == 200
        oauth_server.revoke_all()
        assert session.get("/api/second").status_code == 200
        assert talk(oauth_server) == RENEWED

    def test_a_dump_shows_the_refusal_too(self, session: Any, oauth_server: LoopbackServer) -> None:
        session.get("/api/first")
        oauth_server.revoke_all()
        dumped = package("requests_toolbelt.utils.dump").dump_all(session.get("/api/second"))
        first, second = oauth_server.issued
        assert dumped.index(first.encode()) < dumped.index(b"401 Unauthorized") < dumped.index(second.encode())


class TestRatelimiter:
    def test_a_limited_session(self, oauth_server: LoopbackServer) -> None:
        with package("requests_ratelimiter").LimiterSession(per_second=1000) as session:
            session.auth = auth_for(oauth_server)
            assert session.get(f"{oauth_server.api_url}/first").status_code == 200
            oauth_server.revoke_all()
            assert session.get(f"{oauth_server.api_url}/second").status_code == 200
        assert talk(oauth_server) == RENEWED

    def test_a_request_that_is_sent_again_counts(self, oauth_server: LoopbackServer) -> None:
        """It goes through the adapter as well: an API that counts requests counts this one."""
        with requests.Session() as session:
            adapter = package("requests_ratelimiter").LimiterAdapter(per_second=1000)
            session.mount("http://", adapter)
            session.auth = auth_for(oauth_server)
            oauth_server.api.next(Answer(401))
            assert session.get(oauth_server.api_url).status_code == 200
            (bucket,) = adapter.limiter.bucket_factory.buckets.values()
        assert bucket.count() == 2


class TestHttpxRetries:
    """A transport that retries sits below the auth object: what it makes of an answer is what we get."""

    @staticmethod
    def client(server: LoopbackServer, *statuses: int) -> httpx.Client:
        retries = package("httpx_retries")
        retry = retries.Retry(total=2, backoff_factor=0, status_forcelist=statuses)
        transport = retries.RetryTransport(retry=retry)
        return httpx.Client(transport=transport, auth=auth_for(server, oauth_cc_auth.httpx))

    def test_an_outage_of_the_api(self, oauth_server: LoopbackServer) -> None:
        oauth_server.api.next(Answer(503), Answer(401), Answer(503))
        with self.client(oauth_server, 503) as client:
            assert client.get(oauth_server.api_url).status_code == 200
        assert talk(oauth_server) == ["token 200", "api 503", "api 401", "token 200", "api 503", "api 200"]

    def test_refusals_that_are_retried_below_are_renewed_in_the_end(self, oauth_server: LoopbackServer) -> None:
        """401 has no place in that list: the same token is tried again. But nothing is lost."""
        with self.client(oauth_server, 401) as client:
            assert client.get(oauth_server.api_url).status_code == 200
            oauth_server.revoke_all()
            assert client.get(oauth_server.api_url).status_code == 200
        assert talk(oauth_server)[2:] == ["api 401"] * 3 + ["token 200", "api 200"]

    def test_in_an_event_loop(self, oauth_server: LoopbackServer) -> None:
        retries = package("httpx_retries")
        transport = retries.RetryTransport(retry=retries.Retry(total=2, backoff_factor=0))
        auth = auth_for(oauth_server, oauth_cc_auth.httpx)

        async def talking() -> list[int]:
            async with httpx.AsyncClient(transport=transport, auth=auth) as client:
                first = await client.get(oauth_server.api_url)
                oauth_server.revoke_all()
                oauth_server.api.next(Answer(503))
                return [first.status_code, (await client.get(oauth_server.api_url)).status_code]

        assert anyio.run(talking) == [200, 200]
        assert talk(oauth_server)[2:] == ["api 503", "api 401", "token 200", "api 200"]
