"""The option --cache, with which runs share their token, and `cache clear`."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from oauth_cc_auth import ClientCredentialsConfig
from oauth_cc_auth._cli.settings import config_file
from oauth_cc_auth._install import how_to_install
from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.stores import FileStore
from oauth_cc_auth.testing import LoopbackServer
from tests.cli.runs import ERROR, Run, env_fixture, run_fixture, started

__all__ = ["env_fixture", "run_fixture"]

FOUND = "cache: the token of another run\n"


@pytest.fixture(name="cache", autouse=True)
def cache_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of a person who has nothing in it."""
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    return FileStore().directory


@pytest.mark.parametrize(
    ("arguments", "more"), [(["--cache"], {}), ([], {"OAUTH_CC_CACHE": "true"})], ids=["option", "variable"]
)
@pytest.mark.parametrize("name", ["token", "request"])
def test_a_loop_makes_one_token_request(
    name: str, arguments: list[str], more: dict[str, str], env: dict[str, str], oauth_server: LoopbackServer
) -> None:
    """Each run is a process of its own, and all have the same result."""
    command = {"token": ["token"], "request": ["request", oauth_server.api_url]}[name]
    results = set()
    for _ in range(2):
        process = started(*command, *arguments, env={**env, **more}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, b"")
        results.add(out)
    assert len(results) == 1
    assert len(oauth_server.token_requests) == 1


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        ([], {}),
        ([], {"OAUTH_CC_CACHE": " "}),
        ([], {"OAUTH_CC_CACHE": "no"}),
        (["--no-cache"], {"OAUTH_CC_CACHE": "1"}),
    ],
)
def test_only_on_request(
    *,
    arguments: list[str],
    more: dict[str, str],
    run: Run,
    env: dict[str, str],
    oauth_server: LoopbackServer,
    cache: Path,
) -> None:
    """Otherwise each run fetches its own token, and leaves no file. The option counts instead of the variable."""
    for _ in range(2):
        assert run("token", *arguments, env={**env, **more}).status == 0
    assert len(oauth_server.token_requests) == 2
    assert not cache.exists()


def test_check_does_not_use_it(run: Run, env: dict[str, str], cache: Path) -> None:
    """It has to ask the endpoint; the variable is known, and there is no such option."""
    ran = run("check", env={**env, "OAUTH_CC_CACHE": "true"})
    assert (ran.status, ran.err) == (0, "")
    assert not cache.exists()
    assert "unknown option --cache" in run("check", "--cache", env=env).err


def test_the_token_is_shared_with_programs(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """Those of this user that have the same settings and a `FileStore` without a folder."""
    printed = run("token", "--cache", env=env).out
    with ClientCredentialsAuth(
        oauth_server.token_url, oauth_server.client_id, oauth_server.client_secret, store=FileStore()
    ) as auth:
        assert auth.get_token().access_token == printed.strip()
    assert len(oauth_server.token_requests) == 1


def test_a_refused_token_is_replaced(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """For all later runs; --verbose shows where a token came from."""
    assert FOUND not in run("token", "--cache", "--verbose", env=env).err
    oauth_server.revoke_all()
    log = run("request", oauth_server.api_url, "--cache", "--verbose", env=env).err
    assert log.startswith(FOUND)
    assert "token 1 -> 401" in log
    assert "token 2 -> 200" in log
    assert run("token", "--cache", "--verbose", env=env).err == FOUND
    assert run("token", "--cache", env=env).out.strip() == oauth_server.issued[1]
    assert len(oauth_server.issued) == 2


def test_a_variable_that_cannot_be_read(run: Run, env: dict[str, str]) -> None:
    """It is named."""
    ran = run("token", env={**env, "OAUTH_CC_CACHE": "maybe"})
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"{ERROR}OAUTH_CC_CACHE must be true or false, not 'maybe'\n"


@pytest.mark.parametrize(
    ("arguments", "more", "message"),
    [
        (
            ["--cache", "--dpop"],
            {},
            "--cache cannot share tokens that are bound to a key of this process; pass --dpop a file with a key",
        ),
        (
            ["--client-authentication", "none"],
            {"OAUTH_CC_CACHE": "on", "OAUTH_CC_CLIENT_SECRET": ""},
            "OAUTH_CC_CACHE needs a client_secret, or a client_authentication that proves who may read a token; "
            "use it with another proof, or leave it out",
        ),
    ],
    ids=["key", "proof"],
)
@pytest.mark.parametrize("name", ["token", "request"])
def test_a_token_that_cannot_be_shared(
    *,
    name: str,
    arguments: list[str],
    more: dict[str, str],
    message: str,
    run: Run,
    env: dict[str, str],
    oauth_server: LoopbackServer,
) -> None:
    """What asked for the cache is named, and nothing is fetched."""
    command = {"token": ["token"], "request": ["request", oauth_server.api_url]}[name]
    ran = run(*command, *arguments, env={**env, **more})
    assert (ran.status, ran.out, ran.err) == (2, "", f"{ERROR}{message}\n")
    assert oauth_server.requests == ()


@pytest.mark.parametrize("missing", ["filelock", "platformdirs", "cryptography"])
@pytest.mark.parametrize(
    ("arguments", "more", "what"),
    [
        (["token", "--cache"], {}, "--cache"),
        (["request", "https://api.example.com"], {"OAUTH_CC_CACHE": "true"}, "OAUTH_CC_CACHE"),
        (["cache", "clear"], {}, "cache clear"),
    ],
    ids=["option", "variable", "clear"],
)
def test_without_the_extra(
    *,
    arguments: list[str],
    more: dict[str, str],
    what: str,
    missing: str,
    run: Run,
    env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line that says what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    ran = run(*arguments, env={**env, **more})
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"{ERROR}{what} needs {missing}: {how_to_install('file')}\n"


@pytest.mark.parametrize("arguments", [["token", "--cache"], ["cache", "clear"]], ids=" ".join)
def test_a_folder_that_cannot_be_used(arguments: list[str], run: Run, env: dict[str, str], cache: Path) -> None:
    """It is named, since the person did not choose it."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.touch()
    ran = run(*arguments, env=env)
    assert (ran.status, ran.out) == (2, "")
    assert (
        ran.err == f"{ERROR}the cache folder {cache} is no directory: make it one that only you can use (mode 0700)\n"
    )


def test_the_second_run_with_a_wrong_secret(run: Run, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """It does not ask, and is told as much as the first one what to do."""
    wrong = {**env, "OAUTH_CC_CLIENT_SECRET": "wrong"}
    first, second = run("token", "--cache", env=wrong), run("token", "--cache", env=wrong)
    assert (first.status, second.status) == (3, 3)
    remedy = (
        "; check OAUTH_CC_CLIENT_ID and OAUTH_CC_CLIENT_SECRET, and that this client may use this authentication method"
    )
    assert remedy in first.err
    said = "this or another process has asked the token endpoint, and got no token (invalid_client, HTTP status 401)"
    assert f"{said}{remedy}" in second.err
    assert len(oauth_server.token_requests) == 2  # by two methods


def test_clear(run: Run, env: dict[str, str], oauth_server: LoopbackServer, cache: Path) -> None:
    """It says what it has removed, and the next run fetches a token."""
    nothing = f"nothing to remove: there are no tokens in {cache}\n"
    ran = run("cache", "clear")
    assert (ran.status, ran.out, ran.err) == (0, nothing, "")
    run("token", "--cache", env=env)
    ran = run("cache", "clear")
    assert (ran.status, ran.out, ran.err) == (0, f"removed 1 entry from {cache}\n", "")
    run("token", "--cache", env=env)
    run("token", "--cache", "--scope", "a", env=env)
    assert run("cache", "clear").out == f"removed 2 entries from {cache}\n"
    assert run("cache", "clear").out == nothing
    assert len(oauth_server.token_requests) == 3


def test_clear_that_fails(run: Run, cache: Path) -> None:
    """One line, and a status of its own kind."""
    (cache / "x.token").mkdir(parents=True)
    cache.chmod(0o700)
    ran = run("cache", "clear")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(f"{ERROR}the cache folder {cache} was not cleared: the file system says: ")


def test_clear_needs_no_client_library(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs with httpx have stores, too."""
    for module in ("requests", "rich", config_file.TOML_MODULE):
        monkeypatch.setitem(sys.modules, module, None)
    assert run("cache", "clear").status == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: clear"),
        (["S3CRET"], "argument clear: there is nothing else to do with the cache"),
    ],
)
def test_what_else_could_be_done(arguments: list[str], message: str, run: Run) -> None:
    """Nothing; and a word that could be a value is not shown."""
    ran = run("cache", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.endswith(f"cache: error: {message}\n")


def test_programs_do_not_complain_of_the_variable(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is a setting, though not one of theirs."""
    for name, value in {**env, "OAUTH_CC_CACHE": "true"}.items():
        monkeypatch.setenv(name, value)
    with caplog.at_level(logging.WARNING, "oauth_cc_auth"):
        ClientCredentialsConfig.from_env()
        ClientCredentialsAuth.from_env()
    assert "OAUTH_CC_CACHE" not in caplog.text
