"""niquests, in the place of requests: sync and multiplexed work; async is refused in words."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
import requests

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.packages.support import RENEWED, auth_for, package, talk

niquests = package("niquests")


def test_a_refused_token_is_renewed(oauth_server: LoopbackServer) -> None:
    with niquests.Session() as session:
        session.auth = auth_for(oauth_server)
        assert session.get(oauth_server.api_url).status_code == 200
        oauth_server.revoke_all()
        response = session.get(oauth_server.api_url)
        assert (response.status_code, [each.status_code for each in response.history]) == (200, [401])
    assert talk(oauth_server) == RENEWED


def test_a_persistent_refusal_is_returned(oauth_server: LoopbackServer) -> None:
    oauth_server.api.always(Answer(401))
    with niquests.Session() as session:
        session.auth = auth_for(oauth_server)
        assert session.get(oauth_server.api_url).status_code == 401
    assert talk(oauth_server) == ["token 200", "api 401", "token 200", "api 401"]


def test_a_body_is_sent_again(oauth_server: LoopbackServer) -> None:
    with niquests.Session() as session:
        session.auth = auth_for(oauth_server)
        session.get(oauth_server.api_url)
        oauth_server.revoke_all()
        response = session.post(oauth_server.api_url, data={"name": "value"})
    assert (response.status_code, response.json()["body"]) == (200, "name=value")


def test_multiplexed_answers_are_looked_at_when_they_are_there(oauth_server: LoopbackServer) -> None:
    """Such an answer is empty at first; what it is about is known once it is gathered."""
    with niquests.Session(multiplexed=True) as session:
        session.auth = auth_for(oauth_server)
        for _ in range(2):
            answers = [session.get(f"{oauth_server.api_url}/{number}") for number in range(4)]
            session.gather()
            assert [answer.status_code for answer in answers] == [200] * 4
            oauth_server.revoke_all()
    assert len(oauth_server.token_requests) == 2


def test_an_async_session_is_refused_in_words(oauth_server: LoopbackServer) -> None:
    """At the first request, and not at the first 401."""

    async def talking() -> Any:
        async with niquests.AsyncSession() as session:
            session.auth = auth_for(oauth_server)
            return await session.get(oauth_server.api_url)

    with pytest.raises(TypeError, match=r"AsyncSession|async"):
        anyio.run(talking)
    assert oauth_server.api_requests == ()


def test_requests_on_the_urllib3_of_niquests(oauth_server: LoopbackServer) -> None:
    """It takes the place of the real one for everyone in the environment."""
    with requests.Session() as session:
        session.auth = auth_for(oauth_server)
        assert session.get(oauth_server.api_url).status_code == 200
        oauth_server.revoke_all()
        assert session.post(oauth_server.api_url, data=b"body").json()["body"] == "body"
    assert talk(oauth_server) == RENEWED
