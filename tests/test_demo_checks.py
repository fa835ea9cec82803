"""The demo can fail: it marks a wrong claim, plays the other scenes, and ends with status 1."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import requests

import oauth_cc_auth.requests
from oauth_cc_auth._demo._checks import counted
from oauth_cc_auth._demo._rows import rows
from oauth_cc_auth.testing import Answer, Headers, LoopbackServer, RecordedRequest
from tests.demo_runs import plain_environment, run_demo

__all__ = ["plain_environment"]

PROMISED = "Basic 401, body 200, new token 200; the app got 200"


def accept_basic(server: LoopbackServer) -> None:
    server.accepts = ("client_secret_basic",)


def refuse_every_token(server: LoopbackServer) -> None:
    server.api.always(Answer(401))


def never_revoke(server: LoopbackServer) -> None:
    server.revoke_all = lambda: None  # type: ignore[method-assign]  # tampering


def refuse_the_client(server: LoopbackServer) -> None:
    server.grant_types = ()


def drop_api_connections(server: LoopbackServer) -> None:
    server.api.always(Answer.dropped())


@pytest.mark.parametrize(
    ("tamper", "failed", "actual"),
    [
        (accept_basic, [1, 3, 4, 5, 6], "Basic 200, new token 200; the app got 200"),
        (
            refuse_every_token,
            [1, 2, 3, 4, 5, 6],
            "Basic 401, body 200, new token 401, body 200, new token 401; the app got",
        ),
        (never_revoke, [3], "old token 200; the app got 200"),
        (refuse_the_client, [1, 2, 3, 4, 5, 6], "Basic 401, body 400; the app got TokenEndpointError: "),
    ],
)
@pytest.mark.parametrize("library", ["requests", "httpx"])
def test_a_wrong_server_is_noticed(
    library: str,
    tamper: Callable[[LoopbackServer], object],
    failed: list[int],
    actual: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The demo marks and lists the scenes whose check failed, and no others."""
    run = run_demo(monkeypatch, [library], tamper=tamper)

    clients = ["requests.Session"] if library == "requests" else ["httpx.Client", "httpx.AsyncClient, with asyncio"]
    count = len(clients) * len(failed)
    assert run.status == 1
    assert run.text.count("     ✗ Not as promised: ") == count
    assert run.text.count("     ✓ ") == len(clients) * 6 - count
    verdict = run.lines.index(f"✗ {count} of {6 * len(clients)} checks failed:")
    listed = [line.split(":")[0] for line in run.lines[verdict + 1 :] if line.startswith("  - ")]
    assert listed == [f"  - {client}, {number}" for client in clients for number in failed]
    assert f"actual {actual}" in " ".join(run.text.split())


def test_expected_and_actual_are_aligned(monkeypatch: pytest.MonkeyPatch) -> None:
    """People see at a glance where the two differ."""
    run = run_demo(monkeypatch, ["requests"], tamper=accept_basic)
    first = run.lines.index(f"       expected  {PROMISED}")
    assert run.lines[first - 2].startswith("     ✗ Not as promised: Basic was rejected, ")
    assert run.lines[first + 1] == "       actual    Basic 200, new token 200; the app got 200"


def test_a_dropped_connection_is_shown_and_does_not_end_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no status to show, and the app gets an exception of its client library."""
    run = run_demo(monkeypatch, ["requests"], tamper=drop_api_connections)
    assert run.status == 1
    assert "---" in {status for *_, status in run.exchanges}
    assert "the app got ConnectionError: " in " ".join(run.text.split())
    assert "  4  20 threads at once" in run.lines


class NoPlugin:
    """Code that people write without a plugin: a token request for each API request."""

    def __init__(self, token_url: str, client_id: str, client_secret: str, **options: object) -> None:
        self.token_url = token_url
        self.form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        with urlopen(self.token_url, urlencode(self.form).encode()) as answer:  # noqa: S310  # loopback
            token = json.loads(answer.read())["access_token"]
        request.headers["Authorization"] = f"Bearer {token}"
        return request


def test_a_plugin_that_caches_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks compare what the server recorded, so all six checks fail."""
    monkeypatch.setattr(oauth_cc_auth.requests, "ClientCredentialsAuth", NoPlugin)
    run = run_demo(monkeypatch, ["requests"])
    assert run.status == 1
    assert run.text.count("✗ Not as promised") == 6
    assert sum(record.kind == "token" for record in run.records) == 3 + 20 + 2 + 1


def test_the_twenty_start_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """All threads run before there is a token: the server counts them before it answers the token request."""
    seen: list[int] = []

    def count_threads(server: LoopbackServer) -> None:
        server.token_endpoint.next(None, None, None, lambda request: seen.append(threading.active_count()))

    run = run_demo(monkeypatch, ["requests"], tamper=count_threads)
    assert run.status == 0
    assert len(seen) == 1
    assert seen[0] >= 20


def record(**changes: object) -> RecordedRequest:
    """The record of a token request without credentials, with these changes."""
    members: dict[str, object] = {
        "method": "POST",
        "path": "/oauth2/token",
        "query": "",
        "headers": Headers(),
        "body": b"",
        "form": (),
        "kind": "token",
        "client_authentication": None,
        "token": None,
        "started": 1.0,
        "status": 400,
        "finished": 1.25,
        **changes,
    }
    return RecordedRequest(**members)  # type: ignore[arg-type]  # put together by name


def test_rows_show_what_should_never_happen() -> None:
    """No credentials, both methods at once, another path, no token, no answer."""
    shown = rows(
        [
            record(),
            record(client_authentication="both"),
            record(kind="api", method="GET", path="/api", status=401),
            record(kind="other", method="GET", path="/open", status=None, finished=None),
        ]
    )
    assert [(row.server, row.request, row.presented, row.status, row.milliseconds) for row in shown] == [
        ("auth server", "POST /oauth2/token", "nothing", 400, 250.0),
        ("auth server", "POST /oauth2/token", "Basic and body", 400, 250.0),
        ("API", "GET  /api", "nothing", 401, 250.0),
        ("server", "GET  /open", "nothing", None, None),
    ]


def test_rows_that_look_the_same_are_one() -> None:
    """The row lasts from the first arrival to the last answer."""
    shown = rows([record(started=1.0, finished=1.5), record(started=1.25, finished=2.0), record(status=200)])
    assert [(row.status, row.times, row.milliseconds) for row in shown] == [(400, 2, 1000.0), (200, 1, 250.0)]


def test_equal_facts_are_counted() -> None:
    """Only neighbours are counted, because the order matters."""
    assert counted(["a", "b", "b", "a"]) == "a, 2 x b, a"
    assert counted([]) == ""


def test_the_short_form_shows_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the name of the client and its exchanges."""
    run = run_demo(monkeypatch, ["requests", "httpx"], tamper=never_revoke, everything=False)
    assert run.status == 1
    headings = [line.strip("─ ") for line in run.lines if line.startswith("──")]
    assert headings[1:] == [
        "The same with every other client",
        "httpx.Client",
        "httpx.AsyncClient, with asyncio",
        "Your turn",
    ]
    assert run.text.count("✗ Not as promised") == 3
