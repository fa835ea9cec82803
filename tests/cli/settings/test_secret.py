"""The client secret: its sources, the messages, and that no one else sees it."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from oauth_cc_auth._cli.settings import secret
from oauth_cc_auth._cli.terminal.exit import CommandError
from oauth_cc_auth.testing import LoopbackServer
from tests.cli.runs import CTRL_C, ERROR, WARNING, Run, env_fixture, on_terminal, run_fixture, started, variables

__all__ = ["env_fixture", "run_fixture"]

posix = pytest.mark.skipif(os.name != "posix", reason="file modes and pseudo-terminals are those of POSIX")


def test_the_secret_as_an_option(run: Run, env: dict[str, str]) -> None:
    """It works, with a warning that says what to do instead."""
    ran = run("token", "--client-secret", "secret", env={**env, "OAUTH_CC_CLIENT_SECRET": ""})
    assert ran.status == 0
    assert ran.err == (
        f"{WARNING}--client-secret shows the secret to everyone on this machine (ps) and to the history of the shell; "
        "set OAUTH_CC_CLIENT_SECRET, or pass --client-secret - and the secret on standard input\n"
    )


@pytest.mark.parametrize("line", [b"secret\n", b"secret", b"secret\r\n", b"secret\nmore\n"])
def test_the_secret_on_standard_input(line: bytes, run: Run, env: dict[str, str]) -> None:
    """One line, and it counts for more than the environment."""
    ran = run("token", "--client-secret", "-", env={**env, "OAUTH_CC_CLIENT_SECRET": "old"}, stdin=line)
    assert (ran.status, ran.err) == (0, "")


@pytest.mark.parametrize("line", [b"", b"\n", b"  \n", b"\xff\n"])
def test_no_secret_on_standard_input(line: bytes, run: Run, env: dict[str, str]) -> None:
    """Blank is not a secret."""
    ran = run("token", "--client-secret", "-", env=env, stdin=line)
    assert ran.status == 2
    assert ran.err == f"{ERROR}--client-secret - found no line of text on standard input; pass the secret there\n"


@pytest.mark.parametrize("arguments", [[], ["--client-secret", "-"]], ids=["missing", "dash"])
def test_closed_standard_input(arguments: list[str], env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `<&-`: there is no one to ask and nothing to read."""
    code = "import sys; sys.stdin = None; from oauth_cc_auth.__main__ import main; sys.exit(main(sys.argv[1:]))"
    for name, value in {**env, "OAUTH_CC_CLIENT_SECRET": ""}.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-W", "error", "-c", code, "token", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(ERROR.encode())
    assert done.stderr.count(b"\n") == 1


def test_a_missing_secret_without_a_terminal(run: Run, env: dict[str, str]) -> None:
    """Nobody is there to be asked."""
    ran = run("token", env={**env, "OAUTH_CC_CLIENT_SECRET": ""})
    assert ran.status == 2
    assert ran.err.startswith(f"{ERROR}client_secret is missing: pass --client-secret -, set OAUTH_CC_CLIENT_SECRET")


@posix
@pytest.mark.parametrize("arguments", [[], ["--client-secret", "-"]], ids=["missing", "dash"])
def test_the_secret_is_asked_for(arguments: list[str], oauth_server: LoopbackServer) -> None:
    """On a terminal, which does not show it."""
    oauth_server.client_secret = "s3cr3t-9"
    environment = variables(oauth_server, client_secret="")
    status, shown = on_terminal("token", *arguments, env=environment, typed=b"s3cr3t-9\n")
    assert status == 0
    assert shown.startswith("Client secret: ")
    assert shown.rstrip().endswith(oauth_server.issued[0])
    assert "s3cr3t" not in shown


@posix
@pytest.mark.parametrize("typed", [b"\n", b"\x04"], ids=["return", "end"])
def test_nothing_is_typed(typed: bytes, oauth_server: LoopbackServer) -> None:
    """Then there is no secret, and no token request."""
    env = {**variables(oauth_server, client_secret=""), "NO_COLOR": "1"}
    status, shown = on_terminal("token", env=env, typed=typed)
    assert status == 2
    assert shown == (
        f"Client secret: \r\n{ERROR}client_secret is missing: nothing was typed; set OAUTH_CC_CLIENT_SECRET\r\n"
    )
    assert oauth_server.requests == ()


def test_a_secret_that_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where echo cannot be switched off, nothing is read."""

    def warn(prompt: str) -> str:
        warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=2)
        return "s3cr3t-9"

    monkeypatch.setattr(getpass, "getpass", warn)
    with pytest.raises(CommandError) as caught:
        secret.typed()
    assert caught.value.message == "client_secret is missing: nothing was typed; set OAUTH_CC_CLIENT_SECRET"


@posix
def test_ctrl_c_at_the_question(oauth_server: LoopbackServer) -> None:
    """As everywhere."""
    status, shown = on_terminal("token", env=variables(oauth_server, client_secret=""), typed=CTRL_C)
    assert status == 130
    assert "Traceback" not in shown
    assert shown.endswith("\r\n")


@posix
def test_nobody_is_asked_before_the_rest_is_there(oauth_server: LoopbackServer) -> None:
    """The secret would be typed for nothing."""
    status, shown = on_terminal("token", env=variables(oauth_server, client_secret="", client_id=""))
    assert status == 2
    assert "Client secret:" not in shown


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="/proc tells what ps would show")
def test_ps_does_not_show_the_secret(oauth_server: LoopbackServer) -> None:
    """Neither from standard input nor from the environment: the command's line is as it was typed."""
    oauth_server.client_secret = "s3cr3t-9"
    env = variables(oauth_server, client_secret="")
    with oauth_server.token_endpoint.hold() as gate:
        process = started("token", "--client-secret", "-", env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write(b"s3cr3t-9\n")
        process.stdin.close()
        gate.wait_for(1, timeout=60)
        shown = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        gate.release()
    with process:
        assert process.wait(60) == 0
    assert b"oauth_cc_auth" in shown
    assert b"s3cr3t" not in shown


def test_standard_input_cannot_be_both(run: Run, env: dict[str, str]) -> None:
    """The secret's line would end up in the body."""
    ran = run("request", "POST", "https://api.example.com", "--data", "-", "--client-secret", "-", env=env, stdin=b"a")
    assert ran.status == 2
    assert ran.err == f"{ERROR}--data - and --client-secret - both read standard input; keep one\n"
