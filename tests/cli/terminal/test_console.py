"""What a person sees on a terminal, and what a program gets in a pipe."""

from __future__ import annotations

import io
import os
import re
import sys
from typing import Any

import pytest

from oauth_cc_auth._cli.terminal import console
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.runs import Run, env_fixture, on_terminal, run_fixture, started, variables

__all__ = ["env_fixture", "run_fixture"]

terminal = pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals on this system")
_ESCAPE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


class Stream(io.TextIOWrapper):
    """A stream that says whether it is a terminal."""

    def __init__(self, *, is_terminal: bool, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    @property
    def written(self) -> str:
        self.seek(0)
        return self.read()


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("is_terminal", "environment", "expected"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": ""}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
        (False, {"FORCE_COLOR": "1"}, False),
        (False, {"TTY_COMPATIBLE": "1"}, False),
        (True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_colours(
    is_terminal: bool, environment: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal that has them, and never if the person does not want them."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = Stream(is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    console.error("what")
    console.stderr().print("bold", style="bold red")
    assert ("\x1b[" in stream.written) == expected
    assert _ESCAPE.sub("", stream.written) == "oauth-cc-auth: error: what\nbold\n"


def test_a_message_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it is, and whatever looks like markup in it."""
    stream = Stream(is_terminal=False)
    monkeypatch.setattr(sys, "stderr", stream)
    console.warning("[bold]x[/bold] :smile: " + "y" * 500)
    assert stream.written == "oauth-cc-auth: warning: [bold]x[/bold] :smile: " + "y" * 500 + "\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_what_the_encoding_has_not(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server is quoted; that is no reason to fail."""
    stream = Stream(is_terminal=False, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    console.stdout().print("ŻÓŁĆ")
    assert stream.written in ("????\n", "?Ó??\n", "ŻÓŁĆ\n")


def test_a_stream_that_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is used as it is."""

    class Plain(io.StringIO):
        encoding: Any = "ascii"

    stream = Plain()
    monkeypatch.setattr(sys, "stdout", stream)
    console.stdout().print("x")
    assert stream.getvalue() == "x\n"


def test_a_reader_who_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the command that decides what then."""

    class Closed(Stream):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed(is_terminal=False))
    with pytest.raises(BrokenPipeError):
        console.stdout().print("x")


def test_the_same_console_for_the_same_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows of the progress that it shows, and prints messages above that."""
    monkeypatch.setattr(sys, "stderr", Stream(is_terminal=True))
    assert console.stderr() is console.stderr()


def test_progress_is_not_for_pipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks on."""
    stream = Stream(is_terminal=False)
    monkeypatch.setattr(sys, "stderr", stream)
    with console.progress("waiting", after=0):
        pass
    assert stream.written == ""


def test_no_progress_in_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is over at once does not flicker."""
    stream = Stream(is_terminal=True)
    monkeypatch.setattr(sys, "stderr", stream)
    with console.progress("waiting", after=3600):
        pass
    assert stream.written == ""


def test_progress_that_comes_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer has gone off, but the block is at its end: nothing is shown for ever."""
    stream, functions = Stream(is_terminal=True), []

    class Timer:
        daemon = False

        def __init__(self, seconds: float, function: Any) -> None:
            functions.append(function)

        def start(self) -> None:
            pass

        cancel = start

    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("threading.Timer", Timer)
    with console.progress("waiting"):
        pass
    functions[0]()
    assert stream.written == ""


@terminal
def test_progress_on_a_terminal() -> None:
    """What is waited for, and it is gone in the end."""
    with LoopbackServer() as server:
        gate = server.token_endpoint.hold()
        status, shown = on_terminal(
            "token", env=variables(server), until=b"oauth2/token for a token", then=gate.release
        )
    assert status == 0
    assert f"asking {server.token_url} for a token" in shown
    assert shown.rstrip().endswith(server.issued[0])
    assert shown.count("\x1b[?25h") == shown.count("\x1b[?25l") > 0  # the cursor is there again


@terminal
def test_colours_on_a_real_terminal() -> None:
    """The trace has them, and NO_COLOR takes all of them away."""
    with LoopbackServer() as server:
        _, coloured = on_terminal("token", "-v", env=variables(server))
        _, plain = on_terminal("token", "-v", env={**variables(server), "NO_COLOR": "1"})
    assert "\x1b[32m200 OK" in coloured
    assert "\x1b[32m" not in plain
    assert "200 OK" in plain


def test_in_a_pipe(env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """No colours and no progress, whatever the environment says to other tools."""
    oauth_server.api.always(Answer(500))
    process = started(
        *("request", "GET", oauth_server.api_url, "-v"), env={**env, "FORCE_COLOR": "1"}, stdout=-1, stderr=-1
    )
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (6, b"")
    assert b"\x1b" not in err
    assert err.endswith(b": 500 Internal Server Error\n")


@pytest.mark.parametrize("command", [[], ["demo"], ["check"], ["token"], ["request"], ["cache"]])
def test_help_fits_in_80_columns(command: list[str], run: Run) -> None:
    """Also what is not wrapped by argparse."""
    ran = run(*command, "--help", env={"COLUMNS": "80"})
    assert ran.status == 0
    assert max(map(len, ran.out.splitlines())) <= 80


@terminal
@pytest.mark.parametrize(("body", "between"), [("no such order", "\r\n"), ("no such order\n", "")])
def test_an_error_does_not_stick_to_the_body(body: str, between: str) -> None:
    """On a terminal it begins a line. The body itself stays as it is, for a file and for a pipe."""
    with LoopbackServer() as server:
        server.api.next(Answer(404, body))
        _, shown = on_terminal("request", server.api_url, env={**variables(server), "NO_COLOR": "1"})
    seen = body.replace("\n", "\r\n")
    assert f"{seen}{between}oauth-cc-auth: error: GET {server.api_url}: 404" in shown


@pytest.mark.parametrize("command", ["check", "token", "request", "cache", "demo"])
def test_help_has_examples(command: str, run: Run) -> None:
    """Each is a line that works as it stands, but for names and URLs."""
    shown = run(command, "--help").out
    assert f"examples:\n  oauth-cc-auth {command}" in shown
    assert command in {"cache", "demo"} or ("REQUESTS_CA_BUNDLE" in shown and "HTTPS_PROXY" in shown)


def test_get_is_the_default(run: Run) -> None:
    """One word is the URL."""
    with LoopbackServer() as server:
        ran = run("request", server.api_url, env=variables(server))
    assert (ran.status, [request.method for request in server.api_requests]) == (0, ["GET"])
