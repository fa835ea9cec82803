"""How a subcommand starts and ends: what has to be installed, and which status means what."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import requests

from oauth_cc_auth import (
    ConfigurationError,
    InsecureRequestError,
    InvalidTokenResponse,
    TokenEndpointError,
    TokenEndpointUnreachable,
    TokenError,
    _demo,
)
from oauth_cc_auth import __main__ as command
from oauth_cc_auth._advice import Advice
from oauth_cc_auth._cli.check import diagnose
from oauth_cc_auth._cli.settings import config_file
from oauth_cc_auth._cli.settings.given import CommandSettings
from oauth_cc_auth._cli.terminal import exit as exit_statuses
from oauth_cc_auth._errors import advised
from oauth_cc_auth._install import how_to_install
from oauth_cc_auth.testing import LoopbackServer
from tests.cli.runs import COMMAND, ERROR, Run, env_fixture, run_fixture, started

__all__ = ["env_fixture", "run_fixture"]

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
SUBCOMMANDS = {"check": ["check"], "token": ["token"], "request": ["request", "GET", "https://api.example.com"]}


@pytest.mark.parametrize("name", SUBCOMMANDS)
@pytest.mark.parametrize("missing", ["requests", "rich", config_file.TOML_MODULE])
def test_without_the_extra(name: str, missing: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that says what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    ran = run(*SUBCOMMANDS[name])
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"{ERROR}{name} needs {missing}: {how_to_install('cli')}\n"


def test_the_demo_needs_no_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do help and version."""
    for module in ("requests", "rich", config_file.TOML_MODULE):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(_demo, "run", lambda *, everything: 0)
    assert run("demo").status == 0
    assert run("token", "--help").status == 0
    assert run("--version").status == 0


@pytest.mark.parametrize("arguments", [["--help"], ["request", "--help"], ["--version"]], ids=" ".join)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """In a fresh interpreter."""
    code = (
        "import sys\n"
        "from oauth_cc_auth.__main__ import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        "sys.exit(str({'requests', 'rich', 'urllib3'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, timeout=60, check=False)
    assert done.stderr == b"set()\n"


def test_the_console_script() -> None:
    """It is the same function."""
    (found,) = entry_points(group="console_scripts", name="oauth-cc-auth")
    assert found.load() is command.main


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        ("/usr/bin/oauth-cc-auth", "oauth-cc-auth"),
        ("C:/x/oauth-cc-auth.exe", "oauth-cc-auth"),
        ("/x/oauth_cc_auth/__main__.py", "python -m oauth_cc_auth"),
    ],
)
def test_the_name_in_the_help(called: str, shown: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the person called it."""
    monkeypatch.setattr(sys, "argv", [called])
    assert run("token", "--help").out.startswith(f"usage: {shown} token [OPTION]...\n")
    assert run("request", "--help").out.startswith(f"usage: {shown} request [METHOD] URL [OPTION]...\n")


@pytest.mark.parametrize("arguments", [["--sco", "a"], ["--verb"], ["GET"]])
def test_no_abbreviations(arguments: list[str], run: Run, env: dict[str, str]) -> None:
    """What is unknown today may mean something else tomorrow."""
    ran = run("token", *arguments, env=env)
    assert (ran.status, ran.out) == (2, "")
    assert "unknown option" in ran.err or "1 more word" in ran.err


def test_the_help_tells_what_may_surprise(run: Run) -> None:
    """Requests by every method, and a body without a type."""
    told = {name: " ".join(run(name, "--help", env={"COLUMNS": "80"}).out.split()) for name in SUBCOMMANDS}
    assert "asks for a token by every method" in told["check"].lower()
    assert "for a Content-Type use --header" in told["request"]
    assert "oauth-cc-auth token --header | curl -H @- URL" in told["token"]


@pytest.mark.parametrize("name", ["check", "token", "request"])
def test_the_help_tells(name: str, run: Run) -> None:
    """The sources of settings, how to pass the secret, and what the statuses mean."""
    out = run(name, "--help", env={"COLUMNS": "80"}).out
    assert "Settings come from options, from environment variables and from the file of" in out
    assert "--client-secret -" in out
    for status, meaning in exit_statuses.MEANINGS.items():
        assert f"  {status:<4} {meaning}\n" in out


def test_statuses_are_in_the_docs() -> None:
    """All of them, in the same words."""
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {int(status): meaning for status, meaning in rows} == exit_statuses.MEANINGS


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (exit_statuses.CommandError("a", 6), 6, "a"),
        (ConfigurationError("a"), 2, "a"),
        (TokenEndpointError("a"), 3, "a"),
        (InvalidTokenResponse("a"), 3, "a"),
        (TokenError("a"), 3, "a"),
        (TokenEndpointUnreachable("a"), 4, "a"),
        (
            advised(InsecureRequestError("a"), Advice("use https, or {permit_http}", auth_class="A")),
            2,
            "a; use https, or pass --allow-insecure-http",
        ),
        (requests.ConnectionError("a\nb"), 4, "a b"),
    ],
)
def test_what_goes_wrong(
    *, error: Exception, status: int, message: str, run: Run, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, and a status of its own kind."""

    def fail(*args: object, **kwargs: object) -> int:
        raise error

    monkeypatch.setattr(diagnose, "run", fail)
    ran = run("check", env=env)
    assert (ran.status, ran.out, ran.err) == (status, "", f"{ERROR}{message}\n")


def test_check_is_recommended_where_it_helps(run: Run, env: dict[str, str]) -> None:
    """It finds out more if there is no token, and nothing about a URL that is plain http."""
    ran = run("request", "GET", "http://api.example.com", env=env)
    assert ran.status == 2
    assert "plain http" in ran.err or "not https" in ran.err
    assert "finds out more" not in ran.err


def test_a_defect_is_not_hidden(run: Run, env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback is what helps then."""

    def fail(*args: object, **kwargs: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(diagnose, "run", fail)
    with pytest.raises(ZeroDivisionError):
        run("check", env=env)


def test_what_check_is_given(
    run: Run, env: dict[str, str], monkeypatch: pytest.MonkeyPatch, oauth_server: LoopbackServer
) -> None:
    """Settings, the API's URL, and the form of the answer; its status is the command's."""
    monkeypatch.delenv("OAUTH_CC_RENEW_IN_BACKGROUND")  # set for all tests
    calls: list[tuple[object, ...]] = []

    def run_check(settings: CommandSettings, *, api_url: str | None, as_json: bool) -> int:
        calls.append((settings.config.token_url, settings.behaviour, api_url, as_json))
        return 1

    monkeypatch.setattr(diagnose, "run", run_check)
    assert run("check", env=env).status == 1
    assert run("check", "--api-url", "https://api.example.com", "--json", "--timeout", "3", env=env).status == 1
    assert calls == [
        (oauth_server.token_url, {}, None, False),
        (oauth_server.token_url, {"timeout": 3.0}, "https://api.example.com", True),
    ]


# Where the output goes.


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full stands for a full disk")
@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize("name", ["token", "request"])
def test_a_full_disk(name: str, buffered: str, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """One line, whether it shows at once or when the buffer is written."""
    arguments = {"token": ["token"], "request": ["request", "GET", oauth_server.api_url]}[name]
    with Path("/dev/full").open("wb") as full:
        process = started(*arguments, env={**env, "PYTHONUNBUFFERED": buffered}, stdout=full, stderr=subprocess.PIPE)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 7
    assert err.decode() == f"{ERROR}the output could not be written: No space left on device\n"


def test_another_error_of_the_system(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not about the output, so it is a defect."""

    def fail(*, everything: bool) -> int:
        raise FileNotFoundError(2, "x")

    monkeypatch.setattr(_demo, "run", fail)
    with pytest.raises(FileNotFoundError):
        run("demo")


@pytest.mark.skipif(os.name != "posix", reason="closes streams as a POSIX shell does")
def test_closed_streams(env: dict[str, str]) -> None:
    """As with `>&- 2>&-`: what is printed goes nowhere."""
    command = [*COMMAND, "token", "--client-secret", "x"]
    script = 'exec "$@" <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", script, "sh", *command], env={**os.environ, **env}, timeout=60, check=False)
    assert done.returncode == 3


@pytest.mark.parametrize("command", [["check"], ["token"]], ids=["check", "token"])
def test_a_reader_who_has_left(command: list[str], env: dict[str, str]) -> None:
    """Before the first word."""
    reading, writing = os.pipe()
    os.close(reading)
    process = started(*command, env=env, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 141
