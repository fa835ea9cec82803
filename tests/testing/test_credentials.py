"""How the token endpoint authenticates its clients."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest

from oauth_cc_auth.testing import LoopbackServer
from tests.testing.calls import BASIC, GRANT, POSTED, ask, basic, bearer, call, new_token


@pytest.mark.parametrize(
    ("form", "headers", "method"),
    [(GRANT, BASIC, "client_secret_basic"), (POSTED, {}, "client_secret_post")],
)
def test_it_issues_a_token_for_either_method(
    server: LoopbackServer, form: dict[str, str], headers: dict[str, str], method: str
) -> None:
    reply = ask(server, form, headers)
    assert reply.status == 200
    assert reply.json == {"access_token": server.issued[0], "token_type": "Bearer", "expires_in": 3600}
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["Cache-Control"] == "no-store"
    assert server.token_requests[0].client_authentication == method


UNDECODABLE = "Basic " + base64.b64encode(b"\xff:secret").decode()
WITHOUT_COLON = "Basic " + base64.b64encode(b"client").decode()
BADLY_ESCAPED = "Basic " + base64.b64encode(b"%ff:secret").decode()


@pytest.mark.parametrize(
    "authorization",
    [
        basic("client", "wrong")["Authorization"],
        basic("stranger", "secret")["Authorization"],
        basic("", "")["Authorization"],
        "Basic \x00",  # not a blank: it would be stripped, and "Basic" alone is not Basic authentication
        "Basic !",
        "Basic c2VjcmV0=",
        UNDECODABLE,
        WITHOUT_COLON,
        BADLY_ESCAPED,
    ],
)
def test_wrong_basic_credentials_are_rejected_with_a_challenge(server: LoopbackServer, authorization: str) -> None:
    reply = ask(server, GRANT, {"Authorization": authorization})
    assert reply.status == 401
    assert reply.json == {"error": "invalid_client"}
    assert reply.headers["WWW-Authenticate"] == 'Basic realm="oauth"'
    assert server.issued == ()


@pytest.mark.parametrize(
    "form",
    [
        {**POSTED, "client_secret": "wrong"},
        {**POSTED, "client_id": "stranger"},
        {**GRANT, "client_secret": "secret"},
        {**GRANT, "client_id": "client", "client_secret": ""},
    ],
)
def test_wrong_body_credentials_are_rejected_without_a_challenge(server: LoopbackServer, form: dict[str, str]) -> None:
    reply = ask(server, form)
    assert reply.status == 401
    assert reply.json == {"error": "invalid_client"}
    assert "WWW-Authenticate" not in reply.headers
    assert server.token_requests[0].client_authentication == "client_secret_post"


@pytest.mark.parametrize("headers", [{}, bearer("x")])
def test_a_client_without_credentials_is_unknown(server: LoopbackServer, headers: dict[str, str]) -> None:
    reply = ask(server, {**GRANT, "client_id": "client"}, headers)
    assert reply.status == 401
    assert reply.json == {"error": "invalid_client", "error_description": "no client authentication"}
    assert "WWW-Authenticate" not in reply.headers
    assert server.token_requests[0].client_authentication is None


def test_both_methods_at_once_are_an_invalid_request(server: LoopbackServer) -> None:
    reply = ask(server, POSTED, BASIC)
    assert (reply.status, reply.json["error"]) == (400, "invalid_request")
    assert server.token_requests[0].client_authentication == "both"


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        pytest.param({**GRANT, "client_id": "client"}, BASIC, id="a client_id beside Basic is not a second method"),
        pytest.param(
            GRANT,
            {"authorization": BASIC["Authorization"].replace("Basic", "bASIC")},
            id="the scheme is read in any case",
        ),
        pytest.param([*POSTED.items(), ("resource", "a"), ("resource", "b")], {}, id="extension fields may repeat"),
    ],
)
def test_unusual_but_valid_requests_are_accepted(server: LoopbackServer, form: Any, headers: dict[str, str]) -> None:
    assert ask(server, form, headers).status == 200


@pytest.mark.parametrize("accepted", ["client_secret_basic", "client_secret_post"])
def test_other_methods_than_the_accepted_ones_are_rejected(server: LoopbackServer, accepted: str) -> None:
    server.accepts = (accepted,)
    statuses = {
        "client_secret_basic": ask(server, GRANT, BASIC).status,
        "client_secret_post": ask(server).status,
    }
    refused = next(method for method in statuses if method != accepted)
    assert statuses == {accepted: 200, refused: 401}


SPECIAL_ID, SPECIAL_SECRET = "a+b c:d", "p%41:ä+ /"


def test_basic_credentials_are_form_decoded(server: LoopbackServer) -> None:
    server.client_id, server.client_secret = SPECIAL_ID, SPECIAL_SECRET
    assert ask(server, GRANT, basic(quote(SPECIAL_ID, safe=""), quote(SPECIAL_SECRET, safe=""))).status == 200
    with_plus = basic(quote(SPECIAL_ID, safe=" ").replace(" ", "+"), quote(SPECIAL_SECRET, safe=""))
    assert ask(server, GRANT, with_plus).status == 200
    assert ask(server, GRANT, basic("a+b c", SPECIAL_SECRET)).status == 401


def test_basic_credentials_are_compared_undecoded_if_the_setting_says_so(server: LoopbackServer) -> None:
    server.decodes_basic = False
    server.client_secret = SPECIAL_SECRET
    assert ask(server, GRANT, basic("client", SPECIAL_SECRET)).status == 200
    assert ask(server, GRANT, basic("client", quote(SPECIAL_SECRET, safe=""))).status == 401


def test_additional_clients_have_their_own_secret_and_methods(server: LoopbackServer) -> None:
    server.add_client("other", "other-secret", accepts=("client_secret_post",))
    server.add_client("third", "third-secret")
    assert ask(server, {**GRANT, "client_id": "other", "client_secret": "other-secret"}).status == 200
    assert ask(server, GRANT, basic("other", "other-secret")).status == 401
    assert ask(server, {**GRANT, "client_id": "other", "client_secret": "secret"}).status == 401
    assert ask(server, GRANT, basic("third", "third-secret")).status == 200
    assert ask(server, {**GRANT, "client_id": "third", "client_secret": "third-secret"}).status == 200
    assert ask(server).status == 200


def test_a_rotated_secret_replaces_the_old_one(server: LoopbackServer) -> None:
    token = new_token(server)
    server.rotate_secret("new")
    assert ask(server).status == 401
    assert ask(server, {**POSTED, "client_secret": "new"}).status == 200
    assert call(server, headers=bearer(token)).status == 200


@pytest.mark.parametrize("name", ["client_id", "client_secret"])
def test_repeated_credentials_are_rejected(server: LoopbackServer, name: str) -> None:
    reply = ask(server, [*POSTED.items(), (name, POSTED[name])])
    assert (reply.status, reply.json["error_description"]) == (400, f"repeated: {name}")
