"""``oauth-cc-auth check`` as a person or a script runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from email.utils import formatdate
from pathlib import Path
from time import time
from typing import Any

import pytest

from oauth_cc_auth._cli.check import diagnose
from oauth_cc_auth._cli.check.probe import connect
from oauth_cc_auth._cli.terminal import console
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.cli.check.checks import direct, jwt
from tests.cli.runs import ERROR, Run, env_fixture, on_terminal, run_fixture, started, variables

__all__ = ["direct", "env_fixture", "run_fixture"]


def lines_of(text: str, server: LoopbackServer) -> list[str]:
    """The lines, with port and times made equal everywhere."""
    port = server.origin.rpartition(":")[2]
    return [re.sub(r" +\d+ ms$", " .. ms", line) for line in text.replace(port, "54321").splitlines()]


def test_it_works(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """All that a person sees, and nothing on stderr."""
    oauth_server.new_token = lambda: jwt(iss="https://login.example.com", aud="http://127.0.0.1/api", scope="a")
    ran = run("check", "--scope", "a b", "--api-url", f"{oauth_server.api_url}/orders", env=env)
    assert (ran.status, ran.err) == (0, "")
    assert lines_of(ran.out, oauth_server) == [
        "Checking http://127.0.0.1:54321/oauth2/token",
        "",
        "✓ settings   valid: client id client, scope a b",
        "✓ DNS        127.0.0.1 is an address .. ms",
        "✓ TCP        connected to 127.0.0.1 port 54321 .. ms",
        "· TLS        the URL is plain http",
        "",
        "method                status      answer                                    time",
        "─" * 80,
        "client_secret_basic   200         a token .. ms",
        "client_secret_post    200         a token .. ms",
        "",
        "Token",
        "  from      client_secret_basic",
        f"  token     eyJh… ({len(oauth_server.issued[0])} characters)",
        "  type      Bearer",
        "  lifetime  60 min",
        "  scope     a b",
        "",
        "It is a JWT, which says (not verified):",
        "  header  alg RS256, kid key-1",
        "  iss     https://login.example.com",
        "  aud     http://127.0.0.1/api",
        "  scope   a",
        "",
        "API",
        "✓ 200        GET http://127.0.0.1:54321/api/orders .. ms",
        "",
        "✓ It works: client_secret_basic brings a token, and the API accepts it.",
    ]


def test_it_does_not_work(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """What is wrong, and what to change; the status says so to scripts."""
    hour_ago = {"Date": formatdate(time() - 3600, usegmt=True)}
    oauth_server.token_endpoint.always(Answer.error("unauthorized_client", "no grant", headers=hour_ago))
    ran = run("check", env=env)
    assert (ran.status, ran.err) == (1, "")
    assert lines_of(ran.out, oauth_server)[2:] == [
        "✓ settings   valid: client id client, no scope",
        "✓ DNS        127.0.0.1 is an address .. ms",
        "✓ TCP        connected to 127.0.0.1 port 54321 .. ms",
        "· TLS        the URL is plain http",
        "",
        "method                status      answer                                    time",
        "─" * 80,
        "client_secret_basic   400         unauthorized_client (no grant) .. ms",
        "client_secret_post    400         unauthorized_client (no grant) .. ms",
        "",
        "✗ It does not work: the token endpoint gives no token.",
        "",
        "  because  The provider does not let this client use the client credentials",
        "           grant. It says: no grant",
        "  change   At the provider, allow client credentials for this client (often:",
        "           service account, machine to machine). Some providers say the same",
        "           about a client id that they do not know.",
        "",
        "! note     The server's clock is 60 min behind this machine's. Assertions that",
        "           are signed here, and the times in tokens (nbf, iat, exp), may be",
        "           refused because of that.",
        "  change   Set this machine's clock (NTP), or ask the people who run the server",
        "           to set theirs.",
    ]


def test_json_is_one_document(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """With all facts; nothing else on stdout, and nothing on stderr."""
    oauth_server.new_token = lambda: jwt(exp=2_000_000_000)
    ran = run("check", "--json", "--api-url", oauth_server.api_url, "--scope", "a", env=env)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.isascii()
    document: Any = json.loads(ran.out)
    assert list(document) == [
        "works",
        "verdict",
        "causes",
        "checked_at",
        "settings",
        "connection",
        "attempts",
        "token",
        "discovered_token_url",
        "api",
    ]
    assert (document["works"], document["causes"]) == (True, [])
    assert document["settings"]["scope"] == "a"
    assert [step["name"] for step in document["connection"]["steps"]] == ["dns", "tcp", "tls"]
    assert [attempt["answer"]["status"] for attempt in document["attempts"]] == [200, 200]
    assert document["token"]["jwt"] == {
        "verified": False,
        "header": {"alg": "RS256", "kid": "key-1"},
        "claims": {"exp": 2_000_000_000},
    }
    assert document["token"]["missing_scope"] == document["token"]["extra_scope"] == []
    assert (document["api"]["accepted"], document["api"]["answer"]["status"]) == (True, 200)


def test_json_of_a_failure(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """What was not reached is null."""
    oauth_server.stop()
    ran = run("check", "--json", env=env)
    assert (ran.status, ran.err) == (1, "")
    document: Any = json.loads(ran.out)
    assert (document["works"], document["attempts"], document["token"], document["api"]) == (False, [], None, None)
    assert [(cause["name"], cause["fatal"]) for cause in document["causes"]] == [("connection_refused", True)]
    assert document["connection"]["steps"][1]["problem"] == "refused"


def test_an_opaque_token_in_json(run: Run, env: dict[str, str]) -> None:
    """It has nothing to decode."""
    assert run("check", "--json", env=env).json["token"]["jwt"] is None


@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["text", "json"])
def test_settings_that_cannot_be_right(arguments: list[str], run: Run, env: dict[str, str]) -> None:
    """One line on stderr; nothing is sent and nothing is printed."""
    ran = run("check", *arguments, env={**env, "OAUTH_CC_TOKEN_URL": "login.example.com"})
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"{ERROR}OAUTH_CC_TOKEN_URL does not begin with https://")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("api.example.com", "must be a full URL"),
        ("ftp://api.example.com/", "must be a full URL"),
        ("https:///orders", "must be a full URL"),
        ("https://api.example.com/a b", "must be a full URL"),
        ("https://[api", "must be a full URL"),
        ("https://me:Pa55@api.example.com/", "contains user info"),
    ],
)
def test_an_api_url_that_cannot_be_right(
    url: str, words: str, run: Run, env: dict[str, str], oauth_server: LoopbackServer
) -> None:
    """Found before anything is sent."""
    ran = run("check", "--api-url", url, env=env)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"{ERROR}--api-url {words}")
    assert "Pa55" not in ran.err
    assert oauth_server.requests == ()


@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["text", "json"])
def test_a_reader_who_has_left(arguments: list[str], env: dict[str, str]) -> None:
    """As with ``| head``: the end comes without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    process = started("check", *arguments, env=env, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    _, err = process.communicate(timeout=60.0)
    assert (process.returncode, err) == (141, b"")


@pytest.mark.skipif(os.name != "posix", reason="elsewhere Ctrl-C is no signal that a process can be sent")
def test_ctrl_c(env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """While an answer is waited for: no traceback."""
    arrived, over = threading.Event(), threading.Event()

    def hang(request: RecordedRequest) -> None:
        arrived.set()
        over.wait(30.0)

    oauth_server.token_endpoint.always(hang)
    process = started("check", env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert arrived.wait(60.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60.0)
    over.set()
    assert (process.returncode, err) == (130, b"")
    assert b"connected to" in out


def test_a_terminal_has_colours(env: dict[str, str]) -> None:
    """And no more than 80 columns, if it has so many."""
    status, shown = on_terminal("check", env={**env, "COLUMNS": "80"})
    assert status == 0
    assert "\x1b[32m✓\x1b[0m" in shown
    assert "\x1b[1;32m" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= 80


def test_no_color(env: dict[str, str]) -> None:
    """See no-color.org."""
    status, shown = on_terminal("check", env={**env, "NO_COLOR": "1"})
    assert status == 0
    assert "✓ It works" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["text", "json"])
def test_whoever_waits_is_told_for_what(
    arguments: list[str], run: Run, env: dict[str, str], monkeypatch: pytest.MonkeyPatch, oauth_server: LoopbackServer
) -> None:
    """By the progress line on stderr, which shows the step that takes long."""
    shown: list[str] = []
    progress = console.progress

    def noted(text: str) -> Any:
        shown.append(text)
        return progress(text)

    monkeypatch.setattr(console, "progress", noted)
    run("check", "--api-url", oauth_server.api_url, *arguments, env=env)
    port = oauth_server.origin.rpartition(":")[2]
    assert shown == [
        "resolving 127.0.0.1",
        f"connecting to 127.0.0.1 port {port}",
        "asking for a token by client_secret_basic",
        "asking for a token by client_secret_post",
        f"calling {oauth_server.api_url}",
    ]


def test_the_time_out_of_the_settings_counts(run: Run, env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """For each step; without one it is the plugin's."""
    seen: list[float] = []
    connecting = connect.connect

    def noted(url: str, timeout: float, watcher: Any) -> Any:
        seen.append(timeout)
        return connecting(url, timeout, watcher)

    monkeypatch.setattr(diagnose, "connect", noted)
    run("check", env=env)
    run("check", "--timeout", "3", env=env)
    assert seen == [10.0, 3.0]


def test_a_query_of_the_url_is_not_shown(run: Run, oauth_server: LoopbackServer) -> None:
    """It may be a key."""
    env = variables(oauth_server, token_url=f"{oauth_server.token_url}?key=MarkOfTheQuery")
    for arguments in ([], ["--json"]):
        ran = run("check", *arguments, env=env)
        assert "oauth2/token?***" in ran.out
        assert "MarkOfTheQuery" not in ran.out


def test_a_token_that_ended_long_ago_is_told_with_its_date(
    run: Run, env: dict[str, str], oauth_server: LoopbackServer, tmp_path: Path
) -> None:
    """In the claims too."""
    oauth_server.new_token = lambda: jwt(exp=0, iat=time() + 30.5)
    ran = run("check", env=env)
    assert ran.status == 1
    assert re.search(r"  exp +1970-01-01 00:00 UTC \(\d+ days ago\)\n", ran.out)
    assert re.search(r"  iat +\S+ \S+ UTC \(in \d+ s\)\n", ran.out)
