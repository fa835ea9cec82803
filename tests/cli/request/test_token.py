"""The command `token`: a token for other programs, and nothing else on stdout."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.runs import ERROR, Run, env_fixture, run_fixture, started
from tests.contract.issuer_server import FORMS, Login, login_fixture

__all__ = ["env_fixture", "login_fixture", "run_fixture"]


def test_the_token(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """One line."""
    ran = run("token", env=env)
    assert (ran.status, ran.out, ran.err) == (0, f"{oauth_server.issued[0]}\n", "")


@pytest.mark.parametrize(
    ("arguments", "header"),
    [
        ([], "Authorization: Bearer %s"),
        (["--header-name", "X-Access-Token", "--header-value-pattern", "token=%s;"], "X-Access-Token: token=%s;"),
    ],
)
def test_the_header(
    arguments: list[str], header: str, run: Run, env: dict[str, str], oauth_server: LoopbackServer
) -> None:
    """As the API expects it, for `curl -H`."""
    ran = run("token", "--header", *arguments, env=env)
    assert (ran.status, ran.out) == (0, header.replace("%s", oauth_server.issued[0]) + "\n")


def test_json(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """Times in whole seconds, never too late."""
    before = time.time()
    ran = run("token", "--json", "--scope", "a b", env=env)
    after = time.time()
    found = ran.json
    assert list(found) == ["access_token", "token_type", "expires_at", "expires_in", "scope"]
    assert found["access_token"] == oauth_server.issued[0]
    assert (found["token_type"], found["scope"]) == ("Bearer", "a b")
    assert before + 3600 - 1 <= found["expires_at"] <= after + 3600
    assert 3600 - 1 - (after - before) <= found["expires_in"] <= 3600
    assert isinstance(found["expires_at"], int)
    assert isinstance(found["expires_in"], int)


@pytest.mark.parametrize(("told", "left"), [(None, None), (0, 0)])
def test_json_of_an_odd_life(
    told: int | None, left: int | None, run: Run, env: dict[str, str], oauth_server: LoopbackServer
) -> None:
    """null if it is not known, and never negative."""
    oauth_server.expires_in, oauth_server.token_type = told, None
    found = run("token", "--json", env=env).json
    assert (found["expires_in"], found["token_type"], found["scope"]) == (left, None, None)
    assert (found["expires_at"] is None) == (told is None)


def test_one_form_only(run: Run, env: dict[str, str]) -> None:
    """What would both be?"""
    ran = run("token", "--json", "--header", env=env)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines()[0] == "usage: python -m oauth_cc_auth token [OPTION]..."
    assert "not allowed with" in ran.err


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (Answer.error("invalid_client", status=401), 3, "invalid_client: token endpoint "),
        (Answer.error("invalid_scope", "no such scope"), 3, "invalid_scope: token endpoint "),
        (Answer(200, "hello"), 3, "token endpoint "),
        (Answer.dropped(), 4, "token endpoint "),
    ],
    ids=["refused", "scope", "no token", "no answer"],
)
def test_no_token(
    *, answer: Answer, status: int, message: str, run: Run, env: dict[str, str], oauth_server: LoopbackServer
) -> None:
    """One line on stderr that says what to do, and a status that distinguishes a rejection from silence."""
    oauth_server.token_endpoint.always(answer)
    ran = run("token", "--deadline", "1", env=env)
    assert (ran.status, ran.out) == (status, "")
    assert ran.err.startswith(f"{ERROR}{message}")
    assert ran.err.endswith("; `oauth-cc-auth check` finds out more\n")
    assert ran.err.count("\n") == 1
    assert oauth_server.client_secret not in ran.err.replace("client_secret", "")


def test_nobody_listens(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """Silence. Whether the tries or the deadline end first is not said here."""
    oauth_server.stop()
    ran = run("token", "--deadline", "1", env=env)
    assert ran.status == 4
    assert "onnection refused" in ran.err


def test_a_time_out(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """The options for it are heard."""
    with oauth_server.token_endpoint.hold():
        ran = run("token", "--timeout", "0.1", "--deadline", "0.2", env=env)
    assert ran.status == 4
    assert "0.1 s" in ran.err


def test_every_setting_arrives(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """In the token request."""
    oauth_server.grant_types = ("account_credentials",)
    ran = run(
        *("token", "--grant-type", "account_credentials", "--client-authentication", "Request Body Auth"),
        *("--additional-header", "APIKey: k", "--additional-request-data", "account_id=1"),
        *("--additional-request-data", "account_id=2"),
        env=env,
    )
    assert ran.status == 0
    (record,) = oauth_server.token_requests
    assert record.client_authentication == "client_secret_post"
    assert record.headers["apikey"] == "k"
    assert record.form[:3] == (("grant_type", "account_credentials"), ("account_id", "1"), ("account_id", "2"))


def test_in_a_shell(env: dict[str, str], oauth_server: LoopbackServer, tmp_path: Path) -> None:
    """As a process of its own; nothing but the token is in the file."""
    with (tmp_path / "out").open("wb") as out:
        process = started("token", "--header", env=env, stdout=out, stderr=subprocess.PIPE)
        assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 0
    assert (tmp_path / "out").read_text() == f"Authorization: Bearer {oauth_server.issued[0]}\n"


def test_of_an_issuer(run: Run, env: dict[str, str], oauth_server: LoopbackServer, login: Login) -> None:
    """The option counts instead of the token URL in the environment."""
    login.documents[FORMS[0]] = login.document(oauth_server.token_url)
    ran = run("token", "--issuer", login.url, env=env)
    assert (ran.status, ran.out, ran.err) == (0, f"{oauth_server.issued[0]}\n", "")
    assert login.asked == [FORMS[0]]
