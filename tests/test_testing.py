"""The loopback server: what it answers, what it records, and how a test steers it.

Spoken to by ``http.client`` and bare sockets, so that no client library smooths over what is on the wire.
"""

from __future__ import annotations

import base64
import errno
import gc
import http.client
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import pytest

import oauth_cc_auth.testing
from oauth_cc_auth.testing import Answer, Endpoint, Gate, Headers, LoopbackServer, RecordedRequest

LIMIT = 10.0  # s after which something that should have happened is taken for a hang
GRANT = {"grant_type": "client_credentials"}
POSTED = {**GRANT, "client_id": "client", "client_secret": "secret"}
FORM_TYPE = "application/x-www-form-urlencoded"


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def basic(client_id: str, client_secret: str) -> dict[str, str]:
    pair = f"{client_id}:{client_secret}".encode()
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


BASIC = basic("client", "secret")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def connect(server: LoopbackServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.origin.removeprefix("http://"), timeout=LIMIT)


def exchange(connection: http.client.HTTPConnection, method: str, path: str, **kwargs: Any) -> Reply:
    connection.request(method, path, **kwargs)
    response = connection.getresponse()
    return Reply(response.status, response.headers, response.read())


def call(server: LoopbackServer, path: str = "/api", method: str = "GET", **kwargs: Any) -> Reply:
    with closing(connect(server)) as connection:
        return exchange(connection, method, path, **kwargs)


def ask(
    server: LoopbackServer,
    form: Mapping[str, str] | Iterable[tuple[str, str]] = POSTED,
    headers: Mapping[str, str] | None = None,
    *,
    query: str = "",
    content_type: str = FORM_TYPE,
) -> Reply:
    """A token request."""
    pairs = list(form.items()) if isinstance(form, Mapping) else list(form)
    sent = {"Content-Type": content_type, **(headers or {})}
    return call(server, "/oauth2/token" + query, "POST", body=urlencode(pairs), headers=sent)


def dialogue(server: LoopbackServer, sent: bytes) -> bytes:
    """Everything that the server answers to these bytes until it closes the connection."""
    with open_socket(server) as connection:
        connection.sendall(sent)
        return everything(connection)


def open_socket(server: LoopbackServer) -> socket.socket:
    connection = socket.socket()
    connection.settimeout(LIMIT)
    try:
        connection.connect(("127.0.0.1", port_of(server)))
    except OSError:
        connection.close()
        raise
    return connection


def port_of(server: LoopbackServer) -> int:
    return int(server.origin.rpartition(":")[2])


def everything(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(1 << 16):
        received += part
    return received


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as running:
        yield running


@pytest.fixture
def in_background() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as executor:
        yield executor


# --- the package ------------------------------------------------------------------------------------------


def test_the_public_names_are_listed() -> None:
    assert set(oauth_cc_auth.testing.__all__) == {
        "Answer",
        "Endpoint",
        "Gate",
        "Headers",
        "LoopbackServer",
        "RecordedRequest",
        "ScriptedAnswer",
    }
    for name in oauth_cc_auth.testing.__all__:
        assert getattr(oauth_cc_auth.testing, name).__doc__


def test_importing_it_needs_neither_pytest_nor_a_client_library() -> None:
    code = (
        "import sys, oauth_cc_auth.testing as t; "
        "assert not {'pytest', 'requests', 'httpx', 'httpx2'} & set(sys.modules); "
        "assert not hasattr(t, 'oauth_server')"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=package_on_path(), check=False)
    assert done.returncode == 0


def test_the_fixture_is_a_started_server(oauth_server: LoopbackServer) -> None:
    assert call(oauth_server, "/open").status == 200


def test_the_fixture_is_made_and_stopped_for_each_test(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        # Imported first, as a conftest that also uses it by hand does: that must not warn.
        'import oauth_cc_auth.testing\npytest_plugins = ["oauth_cc_auth.testing"]\n'
    )
    (tmp_path / "test_it.py").write_text(
        "import http.client\n"
        "import pytest\n"
        "seen = []\n"
        "@pytest.mark.parametrize('turn', [1, 2])\n"
        "def test_it(oauth_server, turn):\n"
        "    connection = http.client.HTTPConnection(oauth_server.origin.removeprefix('http://'))\n"
        "    connection.request('GET', '/api')\n"
        "    assert connection.getresponse().status == 401\n"
        "    connection.close()\n"
        "    assert len(oauth_server.requests) == 1\n"
        "    assert oauth_server not in seen\n"
        "    seen.append(oauth_server)\n"
        "def test_it_is_stopped_afterwards():\n"
        "    for server in seen:\n"
        "        with pytest.raises(ConnectionRefusedError):\n"
        "            http.client.HTTPConnection(server.origin.removeprefix('http://')).connect()\n"
    )
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command, env=package_on_path(), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def package_on_path() -> dict[str, str]:
    root = str(Path(oauth_cc_auth.testing.__file__).parents[2])
    return {**os.environ, "PYTHONPATH": root, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}


# --- the token endpoint -----------------------------------------------------------------------------------


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


def test_tokens_are_random_and_distinct(server: LoopbackServer) -> None:
    tokens = {ask(server).json["access_token"] for _ in range(3)}
    assert len(tokens) == 3
    assert all(len(token) >= 24 for token in tokens)
    assert set(server.issued) == tokens


UNDECODABLE = "Basic " + base64.b64encode(b"\xff:secret").decode()
WITHOUT_COLON = "Basic " + base64.b64encode(b"client").decode()
BADLY_ESCAPED = "Basic " + base64.b64encode(b"%ff:secret").decode()


@pytest.mark.parametrize(
    "authorization",
    [
        basic("client", "wrong")["Authorization"],
        basic("stranger", "secret")["Authorization"],
        basic("", "")["Authorization"],
        "Basic",
        "Basic !",
        "Basic c2VjcmV0=",
        UNDECODABLE,
        WITHOUT_COLON,
        BADLY_ESCAPED,
    ],
)
def test_basic_credentials_that_are_wrong_are_refused_with_a_challenge(
    server: LoopbackServer, authorization: str
) -> None:
    # A trailing blank would be stripped, so that "Basic" alone is no Basic authentication at all.
    presented = authorization if " " in authorization else "Basic \x00"
    reply = ask(server, GRANT, {"Authorization": presented})
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
def test_body_credentials_that_are_wrong_are_refused_without_a_challenge(
    server: LoopbackServer, form: dict[str, str]
) -> None:
    reply = ask(server, form)
    assert reply.status == 401
    assert reply.json == {"error": "invalid_client"}
    assert "WWW-Authenticate" not in reply.headers
    assert server.token_requests[0].client_authentication == "client_secret_post"


@pytest.mark.parametrize("headers", [{}, bearer("x")])
def test_without_credentials_the_client_is_unknown(server: LoopbackServer, headers: dict[str, str]) -> None:
    reply = ask(server, {**GRANT, "client_id": "client"}, headers)
    assert reply.status == 401
    assert reply.json == {"error": "invalid_client", "error_description": "no client authentication"}
    assert "WWW-Authenticate" not in reply.headers
    assert server.token_requests[0].client_authentication is None


def test_both_methods_at_once_are_an_invalid_request(server: LoopbackServer) -> None:
    reply = ask(server, POSTED, BASIC)
    assert (reply.status, reply.json["error"]) == (400, "invalid_request")
    assert server.token_requests[0].client_authentication == "both"


def test_a_client_id_in_the_body_beside_basic_is_no_second_method(server: LoopbackServer) -> None:
    assert ask(server, {**GRANT, "client_id": "client"}, BASIC).status == 200


def test_the_scheme_is_read_in_any_case(server: LoopbackServer) -> None:
    assert (
        ask(server, GRANT, {"authorization": BASIC["Authorization"].replace("Basic", "bASIC")}).status == 200
    )


@pytest.mark.parametrize("accepted", ["client_secret_basic", "client_secret_post"])
def test_only_the_accepted_methods_are_taken(server: LoopbackServer, accepted: str) -> None:
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


def test_basic_credentials_are_compared_undecoded_when_told_so(server: LoopbackServer) -> None:
    server.decodes_basic = False
    server.client_secret = SPECIAL_SECRET
    assert ask(server, GRANT, basic("client", SPECIAL_SECRET)).status == 200
    assert ask(server, GRANT, basic("client", quote(SPECIAL_SECRET, safe=""))).status == 401


def test_further_clients_have_their_own_secret_and_methods(server: LoopbackServer) -> None:
    server.add_client("other", "other-secret", accepts=("client_secret_post",))
    server.add_client("third", "third-secret")
    assert ask(server, {**GRANT, "client_id": "other", "client_secret": "other-secret"}).status == 200
    assert ask(server, GRANT, basic("other", "other-secret")).status == 401
    assert ask(server, {**GRANT, "client_id": "other", "client_secret": "secret"}).status == 401
    assert ask(server, GRANT, basic("third", "third-secret")).status == 200
    assert ask(server, {**GRANT, "client_id": "third", "client_secret": "third-secret"}).status == 200
    assert ask(server).status == 200


def test_a_rotated_secret_replaces_the_old_one(server: LoopbackServer) -> None:
    token = ask(server).json["access_token"]
    server.rotate_secret("new")
    assert ask(server).status == 401
    assert ask(server, {**POSTED, "client_secret": "new"}).status == 200
    assert call(server, headers=bearer(token)).status == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ([("grant_type", "client_credentials")] * 2, "invalid_request"),
        ([*GRANT.items(), ("scope", "a"), ("scope", "b")], "invalid_request"),
    ],
)
def test_an_odd_grant_is_refused(server: LoopbackServer, form: Any, error: str) -> None:
    reply = ask(server, form, BASIC)
    assert (reply.status, reply.json["error"]) == (400, error)


@pytest.mark.parametrize("name", ["client_id", "client_secret"])
def test_repeated_credentials_are_refused(server: LoopbackServer, name: str) -> None:
    reply = ask(server, [*POSTED.items(), (name, POSTED[name])])
    assert (reply.status, reply.json["error_description"]) == (400, f"repeated: {name}")


def test_extension_fields_may_repeat(server: LoopbackServer) -> None:
    assert ask(server, [*POSTED.items(), ("resource", "a"), ("resource", "b")]).status == 200


def test_another_grant_type_can_be_supported(server: LoopbackServer) -> None:
    server.grant_types = ("account_credentials",)
    assert ask(server, {**POSTED, "grant_type": "account_credentials"}).status == 200
    assert ask(server).status == 400


def test_the_grant_type_may_stand_in_the_url(server: LoopbackServer) -> None:
    assert ask(server, {}, BASIC, query="?grant_type=client_credentials").status == 200
    # The body has the last word.
    assert ask(server, GRANT, BASIC, query="?grant_type=password").status == 200


def test_a_body_that_is_no_form_has_no_fields(server: LoopbackServer) -> None:
    assert ask(server, GRANT, BASIC, content_type="application/json").json["error"] == "invalid_request"
    assert (
        ask(server, GRANT, BASIC, content_type=" Application/X-WWW-Form-URLencoded ; charset=x").status == 200
    )


def test_a_form_that_is_no_text_is_read_as_well_as_can_be(server: LoopbackServer) -> None:
    call(server, "/oauth2/token", "POST", body=b"a=\xff&b=%ff", headers={"Content-Type": FORM_TYPE})
    assert server.requests[0].form == (("a", "\ufffd"), ("b", "\ufffd"))


def test_only_post_is_allowed(server: LoopbackServer) -> None:
    reply = call(server, "/oauth2/token", "GET", headers=BASIC)
    assert (reply.status, reply.headers["Allow"]) == (405, "POST")


def test_the_scope_asked_for_is_granted_unless_another_is_set(server: LoopbackServer) -> None:
    assert ask(server, {**POSTED, "scope": "a b"}).json["scope"] == "a b"
    assert "scope" not in ask(server, {**POSTED, "scope": ""}).json
    server.scope = "c"
    assert ask(server, {**POSTED, "scope": "a b"}).json["scope"] == "c"
    server.scope = ""
    assert ask(server).json["scope"] == ""


def test_scopes_beyond_the_known_ones_are_refused(server: LoopbackServer) -> None:
    server.scopes = {"a", "b"}
    assert ask(server, {**POSTED, "scope": "b a"}).status == 200
    assert ask(server).status == 200
    reply = ask(server, {**POSTED, "scope": "a c"})
    assert (reply.status, reply.json) == (400, {"error": "invalid_scope"})


@pytest.mark.parametrize("expires_in", [0, -1, 1.5, "3600", "soon", True, [1], {"a": None}])
def test_expires_in_is_put_in_the_answer_as_it_is(server: LoopbackServer, expires_in: object) -> None:
    server.expires_in = expires_in
    assert ask(server).json["expires_in"] == expires_in


def test_members_that_are_none_are_absent() -> None:
    with LoopbackServer(expires_in=None, token_type=None) as server:
        assert ask(server).json == {"access_token": server.issued[0]}


def test_the_values_of_tokens_can_be_made_by_the_test() -> None:
    with LoopbackServer(new_token=iter(["one", "two"]).__next__) as server:
        assert [ask(server).json["access_token"] for _ in range(2)] == ["one", "two"]
        assert server.issued == ("one", "two")
        # Exhausted: an error of the test's own is shown to the test, and is not the end of the server.
        reply = ask(server)
        assert (reply.status, reply.json["error_description"]) == (500, "StopIteration: ")


# --- the API ----------------------------------------------------------------------------------------------


def test_the_api_echoes_the_request_for_a_good_token(server: LoopbackServer) -> None:
    ask(server)
    token = ask(server).json["access_token"]
    reply = call(server, "/api/a%20b?c=d&e", "PATCH", body=b"\xffx", headers=bearer(token))
    assert reply.status == 200
    assert reply.json == {
        "method": "PATCH",
        "path": "/api/a%20b",
        "query": "c=d&e",
        "body": "\ufffdx",
        "body_length": 2,
        "token_number": 2,
    }
    assert server.api_requests[0].token == token


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer "}, {"Authorization": "Token x"}])
def test_without_a_token_the_api_names_no_error(server: LoopbackServer, headers: dict[str, str]) -> None:
    reply = call(server, headers=headers)
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert server.api_requests[0].token is None


def test_a_token_that_was_never_issued_is_invalid(server: LoopbackServer) -> None:
    reply = call(server, headers=bearer("made-up"))
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert reply.json == {"error": "invalid_token"}


def test_revoked_tokens_are_refused(server: LoopbackServer) -> None:
    first, second, third = (ask(server).json["access_token"] for _ in range(3))
    server.revoke(first)
    server.revoke("unknown")
    assert [call(server, headers=bearer(token)).status for token in (first, second, third)] == [401, 200, 200]
    server.revoke_all()
    assert [call(server, headers=bearer(token)).status for token in (second, third)] == [401, 401]
    assert server.issued == (first, second, third)
    assert call(server, headers=bearer(ask(server).json["access_token"])).json["token_number"] == 4


def test_a_value_that_is_issued_again_is_good_again(server: LoopbackServer) -> None:
    server.new_token = lambda: "same"
    ask(server)
    server.revoke("same")
    ask(server)
    assert call(server, headers=bearer("same")).json["token_number"] == 2
    assert server.issued == ("same", "same")


@pytest.mark.parametrize("expires_in", [0.5, 1, 10.0, "10", " 1e1 "])
def test_a_token_is_refused_once_it_has_expired(expires_in: Any) -> None:
    now = [1000.0]
    with LoopbackServer(expires_in=expires_in, clock=lambda: now[0]) as server:
        token = ask(server).json["access_token"]
        server.expires_in = None  # for tokens to come
        now[0] = 1000.0 + float(expires_in) * 0.99
        assert call(server, headers=bearer(token)).status == 200
        now[0] = 1000.0 + float(expires_in)
        assert call(server, headers=bearer(token)).status == 401


@pytest.mark.parametrize(
    "expires_in", [None, 0, -5, "0", "soon", "", True, float("nan"), float("inf"), 10**400, [10], {}]
)
def test_a_token_with_an_odd_life_is_never_refused(expires_in: object) -> None:
    now = [0.0]
    with LoopbackServer(expires_in=expires_in, clock=lambda: now[0]) as server:
        # The answer may be no JSON that a parser takes; what counts here is that the token is good.
        ask(server)
        now[0] = 1e12
        assert call(server, headers=bearer(server.issued[0])).status == 200


def test_the_header_and_its_pattern_are_the_tests_choice(server: LoopbackServer) -> None:
    token = ask(server).json["access_token"]
    server.header_name, server.header_value_pattern = "X-Key", 'key="%s";'
    assert call(server, headers={"x-key": f'key="{token}";'}).status == 200
    assert call(server, headers={"X-Key": f'key="{token}"'}).status == 401
    assert call(server, headers={"X-Key": f'"{token}";'}).status == 401
    assert call(server, headers=bearer(token)).status == 401
    # Where the beginning and the end would have to overlap there is no token.
    server.header_value_pattern = "aa%saa"
    assert call(server, headers={"X-Key": "aaa"}).headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_header_sent_twice_is_an_invalid_request(server: LoopbackServer) -> None:
    token = ask(server).json["access_token"]
    line = f"Authorization: Bearer {token}\r\n"
    received = dialogue(server, f"GET /api HTTP/1.1\r\nConnection: close\r\n{line}{line}\r\n".encode())
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"Authorization was sent more than once" in received


def test_head_is_answered_without_a_body(server: LoopbackServer) -> None:
    headers = bearer(ask(server).json["access_token"])
    with closing(connect(server)) as connection:
        reply = exchange(connection, "HEAD", "/api", headers=headers)
        assert (reply.status, reply.body) == (200, b"")
        assert int(reply.headers["Content-Length"]) > 0
    assert dialogue(server, b"HEAD /open HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\n")


# --- the paths beside -------------------------------------------------------------------------------------


def test_open_answers_like_the_api_without_a_token(server: LoopbackServer) -> None:
    reply = call(server, "/open?a=b", "POST", body="text")
    assert reply.status == 200
    assert (reply.json["query"], reply.json["body"], reply.json["token_number"]) == ("a=b", "text", None)
    token = ask(server).json["access_token"]
    assert call(server, "/open", headers=bearer(token)).json["token_number"] == 1
    assert [request.token for request in server.requests if request.kind == "other"] == [None, token]


def test_redirect_leads_where_the_query_says(server: LoopbackServer) -> None:
    location = "http://other.example/x?y=z"
    reply = call(server, "/redirect?to=" + quote(location, safe=""))
    assert (reply.status, reply.headers["Location"], reply.body) == (302, location, b"")
    assert call(server, "/redirect?to=/open&status=307", "POST").status == 307
    assert call(server, "/redirect?to=/open&status=soon").status == 400
    assert call(server, "/redirect?status=302").status == 400
    assert {request.kind for request in server.requests} == {"other"}


@pytest.mark.parametrize("path", ["/", "/apiary", "/oauth2/token/", "/open/", "*"])
def test_other_paths_are_not_found(server: LoopbackServer, path: str) -> None:
    reply = call(server, path)
    assert (reply.status, reply.json) == (404, {"error": "not_found"})
    assert server.requests[0].kind == "other"


@pytest.mark.parametrize(("target", "path"), [("http://h:1/open?q", "/open"), ("https://h", "/")])
def test_a_whole_url_as_target_is_understood(server: LoopbackServer, target: str, path: str) -> None:
    dialogue(server, f"GET {target} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
    assert server.requests[0].path == path


# --- scripting --------------------------------------------------------------------------------------------


def test_scripted_answers_come_in_order_and_then_the_normal_ones(server: LoopbackServer) -> None:
    server.token_endpoint.next(Answer(503), None)
    server.token_endpoint.next(Answer.error("invalid_scope", "no", uri="http://e"), lambda _: None)
    replies = [ask(server) for _ in range(5)]
    assert [reply.status for reply in replies] == [503, 200, 400, 200, 200]
    assert replies[2].json == {"error": "invalid_scope", "error_description": "no", "error_uri": "http://e"}
    assert replies[2].headers["Cache-Control"] == "no-store"


def test_always_holds_until_cleared_and_next_comes_before_it(server: LoopbackServer) -> None:
    server.api.always(Answer(500))
    server.api.next(Answer(503))
    assert [call(server).status for _ in range(3)] == [503, 500, 500]
    server.api.next(Answer(503))
    server.api.clear()
    assert call(server).status == 401
    assert ask(server).status == 200


def test_a_callable_sees_the_request_and_may_script_more(server: LoopbackServer) -> None:
    def answer(request: RecordedRequest) -> Answer:
        server.api.next(Answer(418))
        return Answer(200, {"path": request.path, "status": request.status})

    server.api.next(answer)
    assert call(server, "/api/x").json == {"path": "/api/x", "status": None}
    assert call(server).status == 418


def test_a_callable_that_raises_is_a_500_that_says_so(server: LoopbackServer) -> None:
    server.token_endpoint.next(lambda _: Answer(int("x")))
    reply = ask(server)
    assert (reply.status, reply.json["error"]) == (500, "server_error")
    assert reply.json["error_description"].startswith("ValueError: invalid literal")


@pytest.mark.parametrize(
    "answer",
    [
        Answer.token("x"),
        Answer(299, '{"access_token": "x"}'),
        Answer(200, b"access_token=x&token_type=bearer"),
        Answer.gzipped({"access_token": "x"}),
        Answer.token("x").slowed(byte_delay=1e-6),
    ],
)
def test_a_scripted_token_is_accepted_by_the_api(server: LoopbackServer, answer: Answer) -> None:
    server.token_endpoint.next(answer)
    ask(server)
    assert server.issued == ("x",)
    assert call(server, headers=bearer("x")).json["token_number"] == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(400, {"access_token": "x"}),
        Answer(199, {"access_token": "x"}),
        Answer(300, {"access_token": "x"}),
        Answer(200, {"access_token": 1}),
        Answer(200, ["access_token"]),
        Answer(200, b"\xff"),
        Answer(200, "[" * 100_000),
        Answer.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    ],
)
def test_what_is_no_token_answer_registers_nothing(server: LoopbackServer, answer: Answer) -> None:
    server.token_endpoint.next(answer)
    assert ask_barely(server).startswith(f"HTTP/1.1 {answer.status} ".encode())
    assert server.issued == ()


def ask_barely(server: LoopbackServer) -> bytes:
    body = urlencode(POSTED)
    head = f"POST /oauth2/token HTTP/1.1\r\nConnection: close\r\nContent-Type: {FORM_TYPE}\r\n"
    return dialogue(server, f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())


def test_a_scripted_token_expires_as_it_says() -> None:
    now = [0.0]
    with LoopbackServer(clock=lambda: now[0]) as server:
        server.token_endpoint.next(Answer.token("x", 5))
        server.api.next(Answer(200, {"access_token": "y"}))
        ask(server)
        call(server)
        now[0] = 5.0
        assert call(server, headers=bearer("x")).status == 401
        assert server.issued == ("x",)


# --- answers on the wire ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "content_type"),
    [
        (Answer(body={"a": 1}), "application/json"),
        (Answer(body=[1]), "application/json"),
        (Answer(body={"a": 1}, content_type="text/json"), "text/json"),
        (Answer(body={"a": 1}, headers={"content-type": "x/y"}), "x/y"),
        (Answer(body="text", content_type="text/plain"), "text/plain"),
        (Answer(body="text"), None),
        (Answer(body=b"bytes"), None),
    ],
)
def test_the_content_type_of_an_answer(
    server: LoopbackServer, answer: Answer, content_type: str | None
) -> None:
    server.api.next(answer)
    reply = call(server)
    assert reply.headers.get_all("Content-Type") == (None if content_type is None else [content_type])
    assert reply.body == answer.body


def test_a_text_is_sent_as_utf_8_and_the_headers_as_given(server: LoopbackServer) -> None:
    server.api.next(Answer(299, "ä", [("X-A", "1"), ("X-A", "2"), ("Date", "then"), ("X-Odd", "ä€")]))
    reply = call(server)
    assert (reply.status, reply.body) == (299, "ä".encode())
    assert reply.headers.get_all("X-A") == ["1", "2"]
    assert reply.headers.get_all("Date") == ["then"]
    assert reply.headers["X-Odd"] == "ä?"


def test_the_status_line_has_a_reason_also_for_a_number_nobody_knows(server: LoopbackServer) -> None:
    server.api.next(Answer(404), Answer(599))
    received = [dialogue(server, b"GET /api HTTP/1.1\r\nConnection: close\r\n\r\n") for _ in range(2)]
    assert received[0].startswith(b"HTTP/1.1 404 Not Found\r\nDate: ")
    assert received[1].startswith(b"HTTP/1.1 599 Unassigned\r\n")


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body(server: LoopbackServer, status: int) -> None:
    server.api.next(Answer(status, b"body"))
    received = dialogue(server, b"GET /api HTTP/1.0\r\n\r\n")
    assert received.startswith(f"HTTP/1.1 {status} ".encode())
    assert received.endswith(b"\r\n\r\n")
    assert b"Content-Length" not in received


@pytest.mark.parametrize("byte_delay", [0.0, 1e-6])
@pytest.mark.parametrize("body", [b"", b"abc"])
def test_a_body_can_be_chunked(server: LoopbackServer, body: bytes, byte_delay: float) -> None:
    server.api.next(Answer(200, body, content_length=False, byte_delay=byte_delay))
    with closing(connect(server)) as connection:
        reply = exchange(connection, "GET", "/api")
        assert (reply.headers["Transfer-Encoding"], reply.body) == ("chunked", body)
        assert "Content-Length" not in reply.headers
        assert exchange(connection, "GET", "/open").status == 200


@pytest.mark.parametrize(
    ("answer", "received"),
    [
        (Answer(200, b"abc", content_length=5), b"Content-Length: 5\r\nConnection: close\r\n\r\nabc"),
        (Answer(200, b"abc", content_length=1), b"Content-Length: 1\r\nConnection: close\r\n\r\nabc"),
        (Answer(200, b"abc", {"content-length": "7"}), b"Connection: close\r\ncontent-length: 7\r\n\r\nabc"),
        (Answer(200, b"abc", {"Connection": "close"}), b"Content-Length: 3\r\nConnection: close\r\n\r\nabc"),
        (
            Answer(200, b"abc", {"Transfer-Encoding": "x"}),
            b"Content-Length: 3\r\nConnection: close\r\nTransfer-Encoding: x\r\n\r\nabc",
        ),
    ],
)
def test_after_a_lie_about_its_length_the_connection_is_closed(
    server: LoopbackServer, answer: Answer, received: bytes
) -> None:
    server.api.next(answer)
    head, _, rest = dialogue(server, b"GET /api HTTP/1.1\r\n\r\n").partition(b" GMT\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nDate: ")
    assert rest == received


@pytest.mark.parametrize(
    ("data", "status"), [(b"HTTP/1.1 202 Odd\n\nx", 202), (b"nonsense", None), (b"", None)]
)
def test_raw_bytes_are_sent_as_they_are(server: LoopbackServer, data: bytes, status: int | None) -> None:
    server.api.next(Answer.raw(data))
    assert dialogue(server, b"HEAD /api HTTP/1.1\r\n\r\n") == data
    assert server.requests[0].status == status


def test_a_dropped_connection_has_no_status(server: LoopbackServer) -> None:
    server.api.next(Answer.dropped().slowed(delay=1e-6))
    assert dialogue(server, b"GET /api HTTP/1.1\r\n\r\n") == b""
    assert server.requests[0].status is None
    assert server.requests[0].finished is not None


def test_a_redirect_keeps_its_location(server: LoopbackServer) -> None:
    server.token_endpoint.next(Answer.redirect("//[odd", 307), Answer.redirect("/"))
    reply = ask(server)
    assert (reply.status, reply.headers["Location"]) == (307, "//[odd")
    assert ask(server).status == 302


def test_an_error_may_have_headers_of_its_own(server: LoopbackServer) -> None:
    server.token_endpoint.next(
        Answer.error("slow_down", status=429, headers={"Retry-After": "1", "cache-control": "private"})
    )
    reply = ask(server)
    assert (reply.status, reply.json) == (429, {"error": "slow_down"})
    assert (reply.headers["Retry-After"], reply.headers.get_all("Cache-Control")) == ("1", ["private"])


def test_a_token_answer_has_the_members_that_are_not_none() -> None:
    assert json.loads(Answer.token().body) == {
        "access_token": "scripted-token",
        "token_type": "Bearer",
        "expires_in": 3600,
    }
    answer = Answer.token("x", None, token_type=None, scope=["a"], refresh_token=0)
    assert json.loads(answer.body) == {"access_token": "x", "scope": ["a"], "refresh_token": 0}
    assert answer.has_header("cache-control")
    assert not answer.has_header("cache")


def test_a_gzipped_answer_says_so_and_can_be_inflated(server: LoopbackServer) -> None:
    server.api.next(Answer.gzipped({"a": 1}, status=203, headers={"X-A": "1"}))
    reply = call(server)
    assert (reply.status, reply.headers["Content-Encoding"], reply.headers["X-A"]) == (203, "gzip", "1")
    assert reply.headers["Content-Type"] == "application/json"
    assert json.loads(zlib.decompress(reply.body, wbits=31)) == {"a": 1}


def test_a_bomb_is_never_held_inflated() -> None:
    size = (1 << 25) + 1
    traced_already = tracemalloc.is_tracing()
    tracemalloc.start()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    answer = Answer.gzipped(b"{", bomb_size=size)
    _, peak = tracemalloc.get_traced_memory()
    if not traced_already:
        tracemalloc.stop()
    assert peak - before < size // 8
    assert zlib.decompress(answer.body, wbits=31) == b"{" + bytes(size)


def test_a_body_that_is_no_json_is_an_error_at_once() -> None:
    with pytest.raises(TypeError):
        Answer(body={"a": object()})


@pytest.mark.parametrize(
    ("answer", "shortest"),
    [
        (Answer.dropped().slowed(delay=0.05), 0.05),
        (Answer.raw(b"abcdef").slowed(byte_delay=0.01), 0.05),
        (Answer.raw(b"").slowed(delay=0.05), 0.05),
        (Answer(200, delay=0.05), 0.05),
        (Answer(200, header_delay=0.0005), 0.04),
        (Answer(200, b"abcdef", byte_delay=0.01), 0.05),
        (Answer(200, b"abcdef", byte_delay=0.01, content_length=False), 0.05),
    ],
)
def test_an_answer_can_be_slow(server: LoopbackServer, answer: Answer, shortest: float) -> None:
    server.api.next(answer)
    received = dialogue(server, b"GET /api HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 OK" if answer.framing == "http" else answer.body)
    request = server.requests[0]
    assert request.finished is not None
    assert shortest <= request.finished - request.started < LIMIT


def test_slowed_is_a_copy(server: LoopbackServer) -> None:
    original = Answer(201, b"x", {"A": "b"}, delay=1.0)
    slowed = original.slowed(header_delay=2.0, byte_delay=3.0)
    assert (slowed.delay, slowed.header_delay, slowed.byte_delay) == (0.0, 2.0, 3.0)
    assert (original.delay, original.header_delay, original.byte_delay) == (1.0, 0.0, 0.0)
    assert (slowed.status, slowed.body, slowed.headers) == (201, b"x", (("A", "b"),))


def test_the_repr_of_an_answer_has_no_token_in_it() -> None:
    answer = Answer.token("t0ps3cret", None)
    assert repr(answer) == f"<Answer http 200, {len(answer.body)} bytes>"
    assert repr(Answer.dropped()) == "<Answer dropped None, 0 bytes>"


# --- requests on the wire ---------------------------------------------------------------------------------


def test_a_connection_serves_many_requests(server: LoopbackServer) -> None:
    with closing(connect(server)) as connection:
        assert exchange(connection, "POST", "/open", body=b"1").json["body"] == "1"
        first = connection.sock
        assert exchange(connection, "POST", "/open", body=iter([b"2", b"3"])).json["body"] == "23"
        assert connection.sock is first


@pytest.mark.parametrize(
    "head",
    [b"GET /open HTTP/1.0\r\n", b"GET /open HTTP/1.1\r\nconnection: Close\r\n", b"GET /open HTTP/1.0\n"],
)
def test_a_connection_is_closed_when_the_client_wants_it(server: LoopbackServer, head: bytes) -> None:
    received = dialogue(server, head + b"\r\n")
    assert b"\r\nConnection: close\r\n" in received


def test_a_connection_is_kept_without_saying_so(server: LoopbackServer) -> None:
    assert "Connection" not in call(server, "/open").headers


def test_pipelined_requests_are_answered_in_order(server: LoopbackServer) -> None:
    one, two = b"GET /open?1 HTTP/1.1\r\n\r\n", b"GET /open?2 HTTP/1.1\r\nConnection: close\r\n\r\n"
    dialogue(server, one + two)
    assert [request.query for request in server.requests] == ["1", "2"]


def test_chunked_bodies_may_have_extensions_and_trailers(server: LoopbackServer) -> None:
    head = (
        b"POST /open HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nContent-Length: 1\r\n\r\n"
    )
    dialogue(server, head + b"A ;x=y\r\n0123456789\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n")
    assert server.requests[0].body == b"0123456789!"
    assert server.requests[0].complete


def test_a_client_that_expects_it_is_told_to_continue(server: LoopbackServer) -> None:
    with open_socket(server) as connection:
        connection.sendall(
            b"POST /open HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
        )
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"ab")
        assert everything(connection).startswith(b"HTTP/1.1 200 OK")
    assert server.requests[0].body == b"ab"


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (b"Content-Length: 5\r\n\r\nabc", b"abc"),
        (b"Content-Length: 5\r\n\r\n", b""),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nde", b"abcde"),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc", b"abc"),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n", b"abc"),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", b"abc"),
    ],
)
def test_a_body_that_stops_half_way_is_recorded_and_not_answered(
    server: LoopbackServer, sent: bytes, body: bytes
) -> None:
    with open_socket(server) as connection:
        connection.sendall(b"POST /oauth2/token HTTP/1.1\r\n" + sent)
        connection.shutdown(socket.SHUT_WR)
        assert everything(connection) == b""
    (request,) = server.token_requests
    assert (request.body, request.complete) == (body, False)
    assert (request.status, request.finished) == (None, None)


def test_a_body_that_ends_in_a_reset_is_recorded(server: LoopbackServer) -> None:
    connection = open_socket(server)
    connection.sendall(b"POST /open HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert connection.recv(5) == b"HTTP/"
    connection.close()  # with unread bytes: a reset
    wait_until(lambda: len(server.requests) == 1)
    assert (server.requests[0].body, server.requests[0].complete) == (b"", False)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /open HTTP/2\r\n\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x00\n",
        b"GET /open HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /open HTTP/1.1\r\n folded: x\r\n\r\n",
        b"GET /open HTTP/1.1\r\nname : x\r\n\r\n",
        b"GET /open HTTP/1.1\r\n: x\r\n\r\n",
        b"GET /open HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /open HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"GET /open HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"GET /" + b"x" * 65531,
    ],
)
def test_what_is_not_http_is_refused(server: LoopbackServer, sent: bytes) -> None:
    received = dialogue(server, sent)
    assert received.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Connection: close\r\n" in received
    assert b'"error": "invalid_request"' in received
    assert server.requests == ()


@pytest.mark.parametrize("sent", [b"", b"GET /open HT", b"GET /open HTTP/1.1\r\nHost: x\r\n"])
def test_a_client_that_goes_away_early_is_nothing_special(
    server: LoopbackServer, sent: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), open_socket(server) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        assert everything(connection) == b""
    server.stop()
    assert server.requests == ()
    assert (capfd.readouterr(), caplog.records) == (("", ""), [])


def test_a_client_that_does_not_wait_for_its_answer_is_nothing_special(server: LoopbackServer) -> None:
    server.api.next(Answer(200, bytes(1 << 22), content_length=False))
    with server.api.hold() as gate:
        connection = open_socket(server)
        connection.sendall(b"GET /api HTTP/1.1\r\n\r\n")
        gate.wait_for(1)
        connection.close()
    assert call(server, "/open").status == 200


# --- records ----------------------------------------------------------------------------------------------


def test_requests_are_recorded_by_kind_in_order_of_arrival(server: LoopbackServer) -> None:
    call(server, "/open")
    ask(server)
    call(server)
    kinds = [request.kind for request in server.requests]
    assert kinds == ["other", "token", "api"]
    assert server.token_requests == server.requests[1:2]
    assert server.api_requests == server.requests[2:]
    server.clear_log()
    assert server.requests == ()


def test_a_record_has_what_was_sent_and_what_was_answered(server: LoopbackServer) -> None:
    before = time.monotonic()
    ask(server, [*POSTED.items(), ("blank", ""), ("r", "1"), ("r", "ä ")], {"X-A": "1"}, query="?a=b&c")
    (request,) = server.requests
    assert (request.method, request.path, request.query) == ("POST", "/oauth2/token", "a=b&c")
    assert request.form == (*POSTED.items(), ("blank", ""), ("r", "1"), ("r", "ä "))
    assert request.body == urlencode(request.form).encode()
    assert (request.kind, request.token, request.complete, request.status) == ("token", None, True, 200)
    assert request.finished is not None
    assert before <= request.started <= request.finished <= time.monotonic()


def test_a_record_does_not_change_and_cannot_be_changed(server: LoopbackServer) -> None:
    with server.api.hold() as gate, open_socket(server) as connection:
        connection.sendall(b"GET /api HTTP/1.1\r\nConnection: close\r\n\r\n")
        gate.wait_for(1)
        (early,) = server.requests
        assert (early.status, early.finished) == (None, None)
        gate.release()
        everything(connection)
    assert early.status is None
    assert server.requests[0].status == 401
    with pytest.raises(AttributeError):
        early.status = 200  # type: ignore[misc] # that is what is tested


def test_an_outcome_does_not_come_back_after_the_log_was_cleared(server: LoopbackServer) -> None:
    def clear(_: RecordedRequest) -> None:
        server.clear_log()

    server.api.next(clear)
    assert call(server).status == 401
    assert server.requests == ()


def test_headers_are_found_in_any_case_and_duplicates_are_kept(server: LoopbackServer) -> None:
    dialogue(
        server,
        b"GET /open HTTP/1.1\r\nX-A: 1\r\nConnection: close\r\nx-a:\t2 \r\nX-Empty:\r\nX-Colon: a:b\r\n\r\n",
    )
    headers = server.requests[0].headers
    assert headers["x-A"] == headers.get("X-A") == "1"
    assert headers.get_all("X-a") == ("1", "2")
    assert (headers["X-Empty"], headers["X-Colon"]) == ("", "a:b")
    assert headers.get("X-B") is None
    assert headers.get_all("X-B") == ()
    assert "X-B" not in headers
    assert list(headers) == ["x-a", "connection", "x-empty", "x-colon"]
    assert len(headers) == 4
    assert headers.pairs[:3] == (("X-A", "1"), ("Connection", "close"), ("x-a", "2"))
    with pytest.raises(KeyError, match="X-B"):
        headers["X-B"]


def test_headers_are_values() -> None:
    headers = Headers([("A", "1")])
    assert headers == Headers([("A", "1")])
    assert hash(headers) == hash(Headers([("A", "1")]))
    assert headers != Headers([("A", "2")])
    assert headers != {"a": "1"}
    assert Headers() == Headers(())


def test_the_repr_of_a_record_masks_secrets_and_tokens(server: LoopbackServer) -> None:
    server.client_secret = "s3cr3t"
    server.new_token = lambda: "t0k3n"
    server.header_name, server.header_value_pattern = "X-Plain", "%s"
    credentials = basic("client", "s3cr3t")
    ask(server, {**POSTED, "client_secret": "s3cr3t", "scope": "a", "client_assertion": "s3cr3t"})
    ask(server, GRANT, {**credentials, "Cookie": "s3cr3t", "X-Api-Key": "Basic s3cr3t"})
    call(server, "/api?q=t0k3n&api_key=s3cr3t&id=1", headers={"X-Plain": "t0k3n", "Authorization": "s3cr3t"})
    shown = [repr(request) for request in server.requests]
    assert not any(hidden in text for text in shown for hidden in ("s3cr3t", "t0k3n"))
    assert credentials["Authorization"].removeprefix("Basic ") not in shown[1]
    assert shown[0].startswith(
        "<RecordedRequest token POST /oauth2/token, status 200, by client_secret_post, "
    )
    assert "('scope', 'a'), ('client_assertion', '***')]" in shown[0]
    assert "('client_secret', '***')" in shown[0]
    assert "('Authorization', 'Basic ***')" in shown[1]
    assert "query 'q=***&api_key=***&id=1', status 200, token ***, " in shown[2]
    assert "('X-Plain', '***')" in shown[2]
    assert shown[2].endswith("], body of 0 bytes>")
    assert repr(server.requests[2].headers) == "<Headers host, accept-encoding, x-plain, authorization>"


def test_the_repr_of_the_server_is_its_origin() -> None:
    server = LoopbackServer(client_secret="s3cr3t")
    assert repr(server) == f"<LoopbackServer {server.origin}>"


def test_on_exchange_is_told_before_the_client_has_its_answer(server: LoopbackServer) -> None:
    told: list[RecordedRequest] = []
    server.on_exchange = told.append
    server.api.next(Answer(200, b"abc", byte_delay=1e-6), Answer.dropped(), Answer(204))
    assert call(server).status == 200
    assert dialogue(server, b"GET /api HTTP/1.1\r\n\r\n") == b""
    assert call(server).status == 204
    assert [request.status for request in told] == [200, None, 204]
    assert tuple(told) == server.requests


def test_an_error_in_on_exchange_breaks_nothing(server: LoopbackServer) -> None:
    server.on_exchange = lambda _: int("x")
    assert call(server, "/open").status == 200
    server.on_exchange = None
    assert call(server, "/open").status == 200


# --- gates ------------------------------------------------------------------------------------------------


def test_requests_wait_at_a_gate_until_it_is_released(
    server: LoopbackServer, in_background: ThreadPoolExecutor
) -> None:
    with server.token_endpoint.hold() as gate:
        waiting = [in_background.submit(ask, server) for _ in range(5)]
        gate.wait_for(5, timeout=LIMIT)
        assert gate.arrived == len(server.token_requests) == 5
        assert server.issued == ()
        assert not any(future.done() for future in waiting)
        # The other endpoint is not held.
        assert call(server).status == 401
        released_before = gate.released
        gate.release()
        assert (released_before, gate.released) == (False, True)
        assert [future.result(LIMIT).status for future in waiting] == [200] * 5
        assert ask(server).status == 200
        assert gate.arrived == 6
    ask(server)
    gate.wait_for(7, timeout=0)


def test_leaving_the_block_releases_the_gate_also_with_an_error(
    server: LoopbackServer, in_background: ThreadPoolExecutor
) -> None:
    gate = server.api.hold()
    waiting = in_background.submit(call, server)
    gate.wait_for(1)
    with pytest.raises(ZeroDivisionError), gate:
        raise ZeroDivisionError
    assert waiting.result(LIMIT).status == 401


def test_a_gate_says_how_many_came_when_too_few_did(server: LoopbackServer) -> None:
    with (
        server.api.hold() as gate,
        pytest.raises(TimeoutError, match=r"^0 of 1 requests arrived within 0\.0 s"),
    ):
        gate.wait_for(1, timeout=0.0)


def test_what_is_scripted_while_requests_are_held_applies_to_them(
    server: LoopbackServer, in_background: ThreadPoolExecutor
) -> None:
    with server.api.hold() as gate:
        waiting = in_background.submit(call, server)
        gate.wait_for(1)
        server.api.next(Answer(418))
    assert waiting.result(LIMIT).status == 418


def test_a_request_passes_every_gate_that_is_closed(
    server: LoopbackServer, in_background: ThreadPoolExecutor
) -> None:
    outer = server.api.hold()
    with server.api.hold() as inner:
        waiting = in_background.submit(call, server)
        outer.wait_for(1)
        assert inner.arrived == 0
        outer.release()
        inner.wait_for(1)
    assert waiting.result(LIMIT).status == 401
    # A released gate is forgotten when the next one is made.
    with server.api.hold() as third:
        third.release()
        call(server)
        assert (outer.arrived, inner.arrived, third.arrived) == (1, 1, 1)


def test_a_few_hundred_requests_can_wait_at_once(server: LoopbackServer) -> None:
    connections = [open_socket(server) for _ in range(300)]
    try:
        with server.api.hold() as gate:
            for connection in connections:
                connection.sendall(b"GET /api HTTP/1.1\r\nConnection: close\r\n\r\n")
            gate.wait_for(300, timeout=LIMIT)
        assert all(everything(connection).startswith(b"HTTP/1.1 401 ") for connection in connections)
    finally:
        for connection in connections:
            connection.close()


def test_gates_and_endpoints_need_no_server() -> None:
    endpoint = Endpoint()
    gate = endpoint.hold()
    assert isinstance(gate, Gate)
    gate.release()
    endpoint.admit(threading.Event())
    gate.wait_for(1, timeout=0)


# --- start and stop ---------------------------------------------------------------------------------------


def test_the_urls_are_known_before_the_start_and_stay() -> None:
    server = LoopbackServer()
    origin = server.origin
    assert origin.startswith("http://127.0.0.1:")
    assert (server.token_url, server.api_url) == (origin + "/oauth2/token", origin + "/api")
    with pytest.raises(ConnectionRefusedError):
        open_socket(server)
    for _ in range(3):
        with server as entered:
            assert entered is server
            server.start()
            assert server.origin == origin
            assert call(server, "/open").status == 200
        server.stop()
        with pytest.raises(ConnectionRefusedError):
            open_socket(server)
    assert len(server.requests) == 3


def test_servers_have_ports_of_their_own_also_while_stopped() -> None:
    servers = [LoopbackServer() for _ in range(20)]
    assert len({server.origin for server in servers}) == 20


def test_an_outage_closes_live_connections_and_keeps_tokens(server: LoopbackServer) -> None:
    token = ask(server).json["access_token"]
    idle, half = open_socket(server), open_socket(server)
    half.sendall(b"GET /api HT")
    kept = connect(server)
    exchange(kept, "GET", "/open")
    server.stop()
    with idle, half, closing(kept):
        assert (everything(idle), everything(half), everything(kept.sock)) == (b"", b"", b"")
    server.start()
    assert call(server, headers=bearer(token)).status == 200


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, delay=1000.0),
        Answer(200, header_delay=1000.0),
        Answer(200, b"ab", byte_delay=1000.0),
        Answer.raw(b"ab").slowed(byte_delay=1000.0),
    ],
)
def test_stop_interrupts_a_slow_answer(server: LoopbackServer, answer: Answer) -> None:
    threads = threading.active_count()
    server.api.next(answer)
    with server.api.hold() as gate, open_socket(server) as connection:
        connection.sendall(b"GET /api HTTP/1.1\r\n\r\n")
        gate.wait_for(1)
        gate.release()
        if answer.delay == 0:
            assert connection.recv(1) != b""
        server.stop()
        everything(connection)
    wait_until(lambda: threading.active_count() < threads)
    assert (server.requests[0].status, server.requests[0].finished) == (None, None)


def test_stop_interrupts_requests_at_a_gate_which_stays_closed(server: LoopbackServer) -> None:
    gates = (server.token_endpoint.hold(), server.api.hold())
    for gate, path in zip(gates, ("/oauth2/token", "/api"), strict=True):
        with open_socket(server) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
            gate.wait_for(1)
            server.stop()
            assert everything(connection) == b""
        wait_until(lambda: "oauth-loopback-connection" not in {t.name for t in threading.enumerate()})
        assert not gate.released
        server.start()
    with open_socket(server) as connection:
        connection.sendall(b"GET /api HTTP/1.1\r\nConnection: close\r\n\r\n")
        gates[1].wait_for(2)
        assert server.api_requests[-1].status is None
        gates[1].release()
        assert everything(connection).startswith(b"HTTP/1.1 401 ")


def test_a_scripted_answer_may_stop_the_server(server: LoopbackServer) -> None:
    stopped = threading.Event()

    def stop(_: RecordedRequest) -> None:
        server.stop()
        stopped.set()

    server.api.next(stop)
    assert dialogue(server, b"GET /api HTTP/1.1\r\n\r\n") == b""
    assert stopped.wait(LIMIT)
    server.start()
    assert call(server).status == 401


def test_stop_does_not_wait_for_code_of_the_tests_own(server: LoopbackServer) -> None:
    entered, left = threading.Event(), threading.Event()

    def linger(_: RecordedRequest) -> None:
        entered.set()
        left.wait(LIMIT)

    server.api.next(linger)
    with open_socket(server) as connection:
        connection.sendall(b"GET /api HTTP/1.1\r\n\r\n")
        assert entered.wait(LIMIT)
        before = time.monotonic()
        server.stop()
        assert time.monotonic() - before < LIMIT / 2
        assert everything(connection) == b""
    left.set()


def test_stop_leaves_no_thread_and_no_socket_behind() -> None:
    threads = set(threading.enumerate())
    with LoopbackServer() as server:
        with open_socket(server) as connection, closing(connect(server)) as kept:
            exchange(kept, "GET", "/open")
            connection.sendall(b"GET /open HTTP/1.1\r\n")
            started = set(threading.enumerate()) - threads
            assert all(thread.daemon for thread in started)
            assert {thread.name for thread in started} == {"oauth-loopback", "oauth-loopback-connection"}
            server.stop()
        wait_until(lambda: not started & set(threading.enumerate()))


def test_a_server_that_is_forgotten_gives_its_port_back() -> None:
    server = LoopbackServer()
    with server:
        port = port_of(server)
    del server
    gc.collect()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))


def test_a_port_that_was_taken_by_somebody_else_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(_: socket.socket, address: object) -> None:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    server = LoopbackServer()
    server.start()
    with server.api.hold() as gate, open_socket(server) as connection:
        connection.sendall(b"GET /api HTTP/1.1\r\n\r\n")
        gate.wait_for(1)
        monkeypatch.setattr(socket.socket, "bind", taken)
        with pytest.raises(OSError, match="Address already in use"):
            server.stop()
        assert everything(connection) == b""
    with pytest.raises(OSError, match="Address already in use"):
        LoopbackServer()
    server.stop()


def test_starting_and_stopping_is_quick() -> None:
    before = time.monotonic()
    for _ in range(20):
        with LoopbackServer():
            pass
    assert time.monotonic() - before < 20 * 0.05


def test_no_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object) -> object:
        raise AssertionError("a name was looked up")

    for name in ("getaddrinfo", "getfqdn", "gethostbyname", "gethostbyaddr", "getnameinfo"):
        monkeypatch.setattr(socket, name, look_up)
    with LoopbackServer() as server:
        assert b" 200 OK" in dialogue(server, b"GET /open HTTP/1.1\r\nConnection: close\r\n\r\n")


def test_answers_in_pieces_do_not_wait_for_acknowledgements(monkeypatch: pytest.MonkeyPatch) -> None:
    options: list[tuple[object, ...]] = []

    def note(_: socket.socket, *option: object) -> None:
        options.append(option)

    with LoopbackServer() as server, monkeypatch.context() as patch:
        patch.setattr(socket.socket, "setsockopt", note)
        call(server, "/open")
    assert (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) in options


def test_the_default_timeout_of_sockets_does_not_apply_to_the_server() -> None:
    socket.setdefaulttimeout(0.01)
    try:
        with LoopbackServer() as server, server.api.hold() as gate, open_socket(server) as connection:
            connection.sendall(b"GET /api HTTP/1.1\r\nContent-Length: 1\r\n\r\n")
            # The server sees that nothing comes for longer than the timeout, and goes on waiting.
            assert not threading.Event().wait(0.03)
            connection.sendall(b"x")
            gate.wait_for(1)
    finally:
        socket.setdefaulttimeout(None)


def test_it_goes_on_when_the_process_was_short_of_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    accept = socket.socket.accept
    failures = [OSError(errno.EMFILE, "Too many open files"), ConnectionAbortedError()]

    def scarce(listening: socket.socket) -> tuple[socket.socket, Any]:
        if failures:
            raise failures.pop()
        return accept(listening)

    monkeypatch.setattr(socket.socket, "accept", scarce)
    with LoopbackServer() as server:
        assert call(server, "/open").status == 200
    assert failures == []


def wait_until(condition: Callable[[], bool]) -> None:
    """For what no event announces: a thread that has ended, a reset that has been noticed."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)
