"""The demo shows what happened, with any set of libraries, and shows no secret."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
from importlib import import_module

import pytest

from oauth_cc_auth import _demo
from oauth_cc_auth._demo import _bound, _shared
from oauth_cc_auth._install import how_to_install
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.demo_runs import LIBRARIES, plain_environment, run_demo

__all__ = ["plain_environment"]

each_library = pytest.mark.parametrize("library", LIBRARIES)

CLIENTS = {
    "requests": ["requests.Session"],
    "httpx": ["httpx.Client", "httpx.AsyncClient, with asyncio"],
    "httpx2": ["httpx2.Client", "httpx2.AsyncClient, with asyncio"],
}

TO_AUTH = "app → auth server", "POST /oauth2/token"
TO_API = "app → API", "GET  /api/orders"
TWICE_TO_API = "2 \N{MULTIPLICATION SIGN} app → API", "GET  /api/orders"
TWENTY_TO_API = "20 \N{MULTIPLICATION SIGN} app → API", "GET  /api/orders"
BODY = "id, secret in body"


@each_library
def test_every_exchange_of_every_client_is_shown(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All six scenes, line by line."""
    run = run_demo(monkeypatch, [library])

    assert run.server is not None
    shown = []
    issued = iter(run.server.issued)
    for _ in CLIENTS[library]:
        first, renewed, cold, survivor, asserted = (f"Bearer {next(issued)[:4]}…" for _ in range(5))
        shown += [
            (*TO_AUTH, "Basic", "401"),
            (*TO_AUTH, BODY, "200"),
            (*TO_API, first, "200"),
            (*TO_API, first, "200"),
            (*TO_API, first, "401"),
            (*TO_AUTH, BODY, "200"),
            (*TO_API, renewed, "200"),
            (*TO_AUTH, BODY, "200"),
            (*TWENTY_TO_API, cold, "200"),
            (*TO_AUTH, BODY, "503"),
            (*TO_AUTH, BODY, "200"),
            (*TWICE_TO_API, survivor, "200"),
            (*TO_AUTH, "signed assertion", "200"),
            (*TO_API, asserted, "200"),
        ]
    assert run.exchanges == shown
    assert run.status == 0


@each_library
def test_every_scene_ends_with_a_check_mark(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are six scenes for each kind of client. The last line counts them."""
    run = run_demo(monkeypatch, [library])

    headings = [line.strip("─ ") for line in run.lines if line.startswith("──")]
    assert headings == [*CLIENTS[library], "Your turn"]
    assert run.text.count("     ✓ ") == 6 * len(CLIENTS[library])
    assert "✗" not in run.text
    assert run.lines[-1] == f"✓ {6 * len(CLIENTS[library])} checks, all as promised"


def test_each_story_is_printed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No one wants to read five times what happens to a revoked token."""
    run = run_demo(monkeypatch)
    assert run.text.count("  3  The token is revoked") == 5
    assert run.text.count("The auth server revokes the token") == 1


def test_the_short_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows one client in full, and each other in a line."""
    run = run_demo(monkeypatch, everything=False)
    headings = [line.strip("─ ") for line in run.lines if line.startswith("──")]
    assert headings == ["requests.Session", "The same with every other client", "Your turn"]
    others = [name for library in ("httpx", "httpx2") for name in CLIENTS[library]]
    assert [line.strip() for line in run.lines if "as promised" in line] == [
        *(f"✓ {name}: 6 scenes, as promised" for name in others),
        "✓ 30 checks, all as promised",
    ]
    assert (run.text.count("3  The token is revoked"), run.status) == (1, 0)


def test_the_short_form_with_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to say about others."""
    run = run_demo(monkeypatch, ["requests"], everything=False)
    assert "other client" not in run.text
    assert run.lines[-1] == "✓ 6 checks, all as promised"


def test_two_processes_share_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one finds the token of the first. Neither the secret nor the token is in a file in clear."""
    run = run_demo(monkeypatch, ["requests"], shares=True)
    assert run.status == 0
    assert run.exchanges[-2:] == [(*TO_AUTH, BODY, "200"), (*TWICE_TO_API, run.exchanges[-1][2], "200")]
    assert run.lines[-1] == "✓ 7 checks, all as promised"


@each_library
def test_a_token_that_is_bound_to_a_key(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It works with a proof, and not without. The server asks for no proofs afterwards."""
    run = run_demo(monkeypatch, [library], binds=True)
    token = run.exchanges[-1][2]
    assert token.startswith("DPoP ")
    assert run.exchanges[-3:] == [
        (*TO_AUTH, BODY, "200"),
        (*TO_API, f"{token}, proof", "200"),
        (*TO_API, token, "401"),
    ]
    assert run.server is not None
    assert not run.server.dpop
    assert (run.status, run.lines[-1]) == (0, f"✓ {6 * len(CLIENTS[library]) + 1} checks, all as promised")


def test_a_token_that_is_not_bound_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the API takes it without the key, the demo fails."""

    def careless(server: LoopbackServer) -> None:
        server.api.always(lambda request: Answer(200) if server.dpop else None, unprotected=True)

    run = run_demo(monkeypatch, ["requests"], tamper=careless, binds=True)
    assert run.status == 1
    assert "the app got 2 x 200" in " ".join(run.text.split())


def test_a_process_that_fails_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check says how it ended."""
    monkeypatch.setattr(_shared, "_PROGRAM", "import sys; sys.exit(sys.argv[1] * 3)")
    run = run_demo(monkeypatch, ["requests"], shares=True)
    assert run.status == 1
    assert "the app got 2 x requestsrequestsrequests" in " ".join(run.text.split())


def test_without_the_extras_it_says_how_to_see_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """And plays everything else."""
    monkeypatch.setattr(_bound, "find_spec", lambda name: None)
    assert not _bound.can_bind()
    monkeypatch.setattr(_shared, "find_spec", lambda name: None)
    assert not _shared.can_share()
    run = run_demo(monkeypatch, ["requests"])
    said = " ".join(run.text.split())
    assert f"For a scene with two processes: {how_to_install('file')}" in said
    assert f"For a scene with a token that is bound to a key: {how_to_install('jwt')}" in said
    assert run.lines[-1] == "✓ 6 checks, all as promised"


def test_the_top_lists_the_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the version of an installed one, and the command that installs a missing one."""
    run = run_demo(monkeypatch, ["requests"])
    version = import_module("requests").__version__
    assert f"  ✓ requests  {version} found" in run.lines[:15]
    assert "  · httpx     not found; to install it: python -m pip install httpx" in run.lines[:15]
    assert "  · httpx2    not found; to install it: python -m pip install httpx2" in run.lines[:15]


def test_without_any_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts no server, and the exit status is 1."""
    run = run_demo(monkeypatch, [])
    assert run.status == 1
    assert run.server is None
    assert run.lines[-2:] == ["    python -m pip install requests", ""]
    assert "checks" not in run.text


def test_a_broken_adapter_does_not_count_as_a_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a bug of ours would look like a package to install."""
    monkeypatch.setitem(sys.modules, "oauth_cc_auth.httpx", None)
    with pytest.raises(ImportError, match=r"oauth_cc_auth\.httpx"):
        run_demo(monkeypatch, ["httpx"])


@each_library
def test_the_four_lines_at_the_end_work(
    library: str, monkeypatch: pytest.MonkeyPatch, oauth_server: LoopbackServer
) -> None:
    """People copy them and fill in their own values."""
    run = run_demo(monkeypatch, [library])
    *lines, request = [line.strip() for line in run.lines if line.startswith("    ") and line[4] != " "]
    names = {
        "token_url": oauth_server.token_url,
        "api_url": oauth_server.api_url,
        "client_id": oauth_server.client_id,
        "client_secret": oauth_server.client_secret,
    }
    exec("\n".join(lines), names)  # noqa: S102  # as a person would run them
    response = eval(request, names)  # noqa: S307  # as above
    assert len(lines) == 3
    assert response.status_code == 200


def test_no_token_and_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo shows four characters of a token, and no five characters in a row of anything secret."""
    run = run_demo(monkeypatch)
    assert run.server is not None
    secret = run.server.client_secret
    blob = base64.b64encode(f"{run.server.client_id}:{secret}".encode()).decode()
    assert {f"Basic {blob}"} == {
        record.headers["Authorization"]
        for record in run.records
        if record.client_authentication == "client_secret_basic"
    }
    for hidden in (secret, blob, *run.server.issued):
        assert len(hidden) >= 32
        assert all(hidden[start : start + 5] not in run.text for start in range(len(hidden) - 4))


def test_a_short_token_is_not_shown_at_all() -> None:
    """Four characters of six would be most of it."""
    from oauth_cc_auth._demo._rows import masked

    assert masked("abcdef") == "…"
    assert masked("abcdefghijklmnop") == "abcd…"


def test_nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo stops its server and restores the environment."""
    monkeypatch.setenv("NO_PROXY", "example.com")
    before = dict(os.environ)
    run = run_demo(monkeypatch, ["requests"])
    assert run.server is not None
    host, port = run.server.origin.removeprefix("http://").split(":")
    with socket.socket() as probe:
        assert probe.connect_ex((host, int(port))) != 0
    assert dict(os.environ) == before


@pytest.mark.parametrize("exceptions", ["", "example.com"])
@each_library
def test_loopback_needs_no_proxy(library: str, exceptions: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many company machines have one in the environment. It cannot reach the loopback of this machine."""
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", exceptions)
    assert run_demo(monkeypatch, [library]).status == 0
    assert os.environ["no_proxy"] == exceptions


def test_as_a_command_with_warnings_as_errors() -> None:
    """The exit status is 0 and stderr is empty. An unclosed socket would be an error there."""
    command = [sys.executable, "-W", "error", "-m", "oauth_cc_auth", "demo"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, timeout=120, check=False)
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "✓ 32 checks, all as promised"
    assert "\x1b" not in done.stdout


@each_library
def test_as_a_command_with_one_library(library: str) -> None:
    """The others are missing from the first import on."""
    missing = [name for name in LIBRARIES if name != library]
    code = (
        "import runpy, sys\n"
        f"sys.modules.update(dict.fromkeys({missing!r}))\n"
        "sys.argv[1:] = ['demo']\n"
        "runpy.run_module('oauth_cc_auth', run_name='__main__', alter_sys=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout.count("not found; to install it:") == 2


def test_it_prints_on_stdout_by_default(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a library, it prints how to install one."""
    for name in LIBRARIES:
        monkeypatch.setitem(sys.modules, name, None)
    assert _demo.run() == 1
    assert "oauth_cc_auth" in capsys.readouterr().out
