"""Caches in front of an API: requests-cache, CacheControl and hishel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import requests

import oauth_cc_auth.httpx
import oauth_cc_auth.httpx2
from oauth_cc_auth import Event, TokenRefused
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.packages.support import RENEWED, auth_for, package, talk

TO_KEEP = {"Cache-Control": "max-age=600"}


class TestRequestsCache:
    """It calls the response hooks a second time, with what it has got from the first."""

    @pytest.fixture
    def session(self, oauth_server: LoopbackServer) -> Iterator[Any]:
        with package("requests_cache").CachedSession(backend="memory") as session:
            session.auth = auth_for(oauth_server)
            yield session

    def test_an_answer_is_kept(self, session: Any, oauth_server: LoopbackServer) -> None:
        assert [session.get(oauth_server.api_url).from_cache for _ in range(2)] == [False, True]
        assert talk(oauth_server) == ["token 200", "api 200"]

    def test_a_refused_token_is_renewed(self, session: Any, oauth_server: LoopbackServer) -> None:
        assert session.get(f"{oauth_server.api_url}/first").status_code == 200
        oauth_server.revoke_all()
        response = session.get(f"{oauth_server.api_url}/second")
        assert (response.status_code, len(response.history)) == (200, 1)
        assert talk(oauth_server) == RENEWED
        assert session.get(f"{oauth_server.api_url}/second").from_cache

    def test_a_persistent_refusal_stays_one(self, session: Any, oauth_server: LoopbackServer) -> None:
        """One renewal, one more request, and no exception."""
        oauth_server.api.always(Answer(401))
        assert session.get(oauth_server.api_url).status_code == 401
        assert talk(oauth_server) == ["token 200", "api 401", "token 200", "api 401"]

    def test_an_outage_of_the_endpoint_is_not_doubled(self, session: Any, oauth_server: LoopbackServer) -> None:
        """No new token can be had: the refusal is returned, and that is one event."""
        events: list[Event] = []
        session.auth = auth_for(oauth_server, on_event=events.append)
        assert session.get(f"{oauth_server.api_url}/first").status_code == 200
        oauth_server.revoke_all()
        oauth_server.token_endpoint.always(Answer(503, headers={"Retry-After": "100"}))
        assert session.get(f"{oauth_server.api_url}/second").status_code == 401
        assert talk(oauth_server)[2:] == ["api 401", "token 503"]
        assert [event.outcome for event in events if isinstance(event, TokenRefused)] == ["not_renewed"]

    def test_a_body_that_is_gone_is_not_judged_twice(self, session: Any, oauth_server: LoopbackServer) -> None:
        oauth_server.api.always(Answer(401))
        assert session.post(oauth_server.api_url, data=iter([b"once"])).status_code == 401
        assert talk(oauth_server) == ["token 200", "api 401", "token 200"]

    @pytest.mark.parametrize("header", ["Authorization", "X-Api-Token"])
    def test_a_refusal_from_the_cache_is_no_answer(self, oauth_server: LoopbackServer, header: str) -> None:
        """If the person lets it keep refusals, the token at hand may be good."""
        oauth_server.header_name = header
        oauth_server.api.always(Answer(401))
        with package("requests_cache").CachedSession(backend="memory", allowable_codes=(200, 401)) as session:
            session.auth = auth_for(oauth_server, header_name=header)
            assert session.get(oauth_server.api_url).status_code == 401
            before = talk(oauth_server)
            response = session.get(oauth_server.api_url)
        assert (response.status_code, response.from_cache) == (401, True)
        assert talk(oauth_server) == before


class TestCacheControl:
    @pytest.fixture
    def session(self, oauth_server: LoopbackServer) -> Iterator[Any]:
        with package("cachecontrol").CacheControl(requests.Session()) as session:
            session.auth = auth_for(oauth_server)
            yield session

    def test_an_answer_is_kept(self, session: Any, oauth_server: LoopbackServer) -> None:
        oauth_server.api.next(Answer(200, b"kept", TO_KEEP))
        assert [session.get(oauth_server.api_url).text for _ in range(2)] == ["kept", "kept"]
        assert talk(oauth_server) == ["token 200", "api 200"]

    def test_a_refused_token_is_renewed(self, session: Any, oauth_server: LoopbackServer) -> None:
        assert session.get(oauth_server.api_url).status_code == 200
        oauth_server.revoke_all()
        assert session.get(oauth_server.api_url).status_code == 200
        assert talk(oauth_server) == RENEWED

    def test_a_refusal_that_says_it_may_be_kept_is_renewed(self, session: Any, oauth_server: LoopbackServer) -> None:
        oauth_server.api.next(Answer(401, headers=TO_KEEP))
        assert session.get(oauth_server.api_url).status_code == 200
        assert talk(oauth_server) == ["token 200", "api 401", "token 200", "api 200"]

    def test_it_may_fetch_the_tokens_too(self, session: Any, oauth_server: LoopbackServer) -> None:
        """An endpoint that forgets `no-store`: a POST is not kept, so a token is not handed out for a second time."""
        session.auth = auth_for(oauth_server, token_client=session)
        token = {"token_type": "Bearer", "expires_in": 3600}
        oauth_server.token_endpoint.next(
            *(Answer(200, {"access_token": value, **token}, TO_KEEP) for value in ("one", "two"))
        )
        assert session.get(oauth_server.api_url).status_code == 200
        oauth_server.revoke_all()
        assert session.get(oauth_server.api_url).status_code == 200
        assert oauth_server.issued == ("one", "two")


class TestHishel:
    @pytest.mark.parametrize("library", ["httpx", "httpx2"])
    def test_a_refused_token_is_renewed(self, oauth_server: LoopbackServer, tmp_path: Path, library: str) -> None:
        clients = package(f"hishel.{library}")
        family = {"httpx": oauth_cc_auth.httpx, "httpx2": oauth_cc_auth.httpx2}[library]
        storage = package("hishel").SqliteStorage(database_path=tmp_path / "kept.db")
        with clients.CacheClient(storage=storage, auth=auth_for(oauth_server, family)) as client:
            oauth_server.api.next(Answer(200, b"kept", TO_KEEP))
            assert [client.get(oauth_server.api_url).text for _ in range(2)] == ["kept", "kept"]
            oauth_server.revoke_all()
            oauth_server.api.next(Answer(401, headers=TO_KEEP))
            assert client.get(f"{oauth_server.api_url}/second").status_code == 200
        assert talk(oauth_server) == RENEWED
        storage.close()

    def test_a_refused_token_is_renewed_in_an_event_loop(self, oauth_server: LoopbackServer, tmp_path: Path) -> None:
        clients, hishel = package("hishel.httpx"), package("hishel")

        async def talking() -> None:
            storage = hishel.AsyncSqliteStorage(database_path=tmp_path / "kept.db")
            auth = auth_for(oauth_server, oauth_cc_auth.httpx)
            async with clients.AsyncCacheClient(storage=storage, auth=auth) as client:
                oauth_server.api.next(Answer(200, b"kept", TO_KEEP))
                assert [(await client.get(oauth_server.api_url)).text for _ in range(2)] == ["kept", "kept"]
                oauth_server.revoke_all()
                assert (await client.get(f"{oauth_server.api_url}/second")).status_code == 200

        anyio.run(talking)
        assert talk(oauth_server) == RENEWED

    def test_a_refused_token_is_renewed_in_requests(self, oauth_server: LoopbackServer, tmp_path: Path) -> None:
        adapters, hishel = package("hishel.requests"), package("hishel")
        storage = hishel.SqliteStorage(database_path=tmp_path / "kept.db")
        with requests.Session() as session:
            session.mount("http://", adapters.CacheAdapter(storage=storage))
            session.auth = auth_for(oauth_server)
            oauth_server.api.next(Answer(200, b"kept", TO_KEEP))
            assert [session.get(oauth_server.api_url).text for _ in range(2)] == ["kept", "kept"]
            oauth_server.revoke_all()
            assert session.get(f"{oauth_server.api_url}/second").status_code == 200
        assert talk(oauth_server) == RENEWED
        storage.close()
