"""vcrpy: what was recorded is played back, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

import oauth_cc_auth.httpx
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import HTTPX, HTTPX_ASYNCIO, REQUESTS, ClientKind
from tests.packages.support import RENEWED, auth_for, package, talk

vcr = package("vcr")

CLIENTS = [
    pytest.param(REQUESTS, id="requests"),
    pytest.param(HTTPX, id="httpx"),
    pytest.param(HTTPX_ASYNCIO, id="httpx-asyncio"),
]


def conversation(client: ClientKind, server: LoopbackServer) -> list[int]:
    """Two requests; the token of the first is revoked before the second."""
    auth = client.auth_class(server.token_url, server.client_id, server.client_secret)
    with client.session(auth=auth) as session:
        first = session.request("GET", f"{server.api_url}/first")
        server.revoke_all()
        return [first.status, session.request("GET", f"{server.api_url}/second").status]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_recording_is_played_back(client: ClientKind, oauth_server: LoopbackServer, tmp_path: Path) -> None:
    recorder = vcr.VCR(cassette_library_dir=str(tmp_path))
    with recorder.use_cassette("talk.yaml"):
        assert conversation(client, oauth_server) == [200, 200]
    assert talk(oauth_server) == RENEWED

    oauth_server.stop()
    with recorder.use_cassette("talk.yaml", record_mode="none") as cassette:
        assert conversation(client, oauth_server) == [200, 200]
    assert cassette.play_count == len(RENEWED)


def test_a_filtered_recording_holds_no_secret(oauth_server: LoopbackServer, tmp_path: Path) -> None:
    """With the filters that vcrpy has, for the headers of requests and for what the endpoint answers."""

    def without_token(response: Any) -> Any:
        if b"access_token" in response["content" if "content" in response else "body"]["string"]:
            response["body"]["string"] = b'{"access_token": "recorded", "expires_in": 3600}'
        return response

    cassette = tmp_path / "talk.yaml"
    recorder = vcr.VCR(filter_headers=["authorization"], before_record_response=without_token)
    with recorder.use_cassette(str(cassette)), httpx.Client(auth=auth_for(oauth_server, oauth_cc_auth.httpx)) as client:
        assert client.get(oauth_server.api_url).status_code == 200
    (token,) = oauth_server.issued
    text = cassette.read_text()
    assert "recorded" in text
    assert token not in text
    assert "uthorization" not in text
