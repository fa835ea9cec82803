"""How the demo looks: on a terminal, in a pipe, without colours, in ASCII, in 80 columns."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from oauth_cc_auth._demo import _screen
from oauth_cc_auth._demo._checks import Check
from oauth_cc_auth._demo._rows import Row
from oauth_cc_auth._demo._screen import Screen
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.demo_runs import Terminal, plain_environment, run_demo

__all__ = ["plain_environment"]

_COLOUR = re.compile(r"\x1b\[(\d+)m")


def encoded(encoding: str) -> io.TextIOWrapper:
    """A pipe with this encoding."""
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


def refuse_everything(server: LoopbackServer) -> None:
    server.token_endpoint.always(Answer.error("invalid_scope", "nothing that was asked for is known here " * 9))


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("libraries", [("requests", "httpx", "httpx2"), ()], ids=["all", "none"])
@pytest.mark.parametrize("tamper", [None, refuse_everything], ids=["good", "bad"])
def test_every_line_fits_in_80_columns(
    encoding: str, libraries: tuple[str, ...], tamper: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every outcome, and with the longer arrows and marks of ASCII."""
    run = run_demo(monkeypatch, libraries, encoded(encoding), tamper)
    assert max(map(len, run.lines)) <= 80
    assert [line for line in run.lines if line != line.rstrip()] == []


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_widest_rows_fit_and_are_aligned(encoding: str) -> None:
    """Twenty callers, the longest words, and times of every length: which of them occur depends on the machine."""
    stream = encoded(encoding)
    slow = [0.1, 9_999.9, 10_000.0, 99_999.9, None]
    Screen(stream).rows(
        Row("auth server", "POST /oauth2/token", "id, secret in body", 401, times, milliseconds)
        for times in (1, 2, 20)
        for milliseconds in slow
    )
    stream.seek(0)
    lines = stream.read().splitlines()
    assert len(lines) == 15
    assert max(map(len, lines)) <= 78
    assert {line.index("app ") for line in lines} == {5}
    assert {line.index(" 401") for line in lines} == {64}
    assert [line for line in lines if line.endswith(" 401")] == lines[4::5]
    assert [line[-9:].split() for line in lines[:4]] == [["0.1", "ms"], ["9999.9", "ms"], ["10.0", "s"], ["100.0", "s"]]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_ascii_if_the_encoding_lacks_the_symbols(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It uses one set of symbols or the other, never a mixture."""
    run = run_demo(monkeypatch, ["requests"], encoded(encoding))
    assert run.text.isascii()
    assert "?" not in run.text
    assert ("app -> auth server", "POST /oauth2/token", "Basic", "401") in run.exchanges
    assert run.lines[-1] == "[ok] 6 checks, all as promised"


def test_ascii_as_a_command() -> None:
    """People choose it with PYTHONIOENCODING."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "oauth_cc_auth", "demo"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        timeout=120,
        check=False,
    )
    assert done.stderr == b""
    assert done.returncode == 0
    assert done.stdout.isascii()


def test_the_columns_are_aligned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statuses are in one column and times end in one column, with both sets of symbols."""
    for encoding in ("utf-8", "ascii"):
        run = run_demo(monkeypatch, ["requests"], encoded(encoding))
        lines = [line for line in run.lines if line.endswith(" ms")]
        assert len(lines) == 14
        assert len({len(line) for line in lines}) == 1
        assert len({re.search(r" (200|401|503) ", line).start() for line in lines}) == 1  # type: ignore[union-attr]  # found


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every colour ends in its line. Without the colours, the lines fit as in a pipe."""
    run = run_demo(monkeypatch, ["requests"], Terminal())
    assert "\x1b[32m✓\x1b[0m" in run.text
    assert "\x1b[33m401\x1b[0m" in run.text
    for line in run.lines:
        codes = _COLOUR.findall(line)
        assert codes[1::2] == ["0"] * (len(codes) // 2)
        assert "0" not in codes[::2]
    assert max(len(_COLOUR.sub("", line)) for line in run.lines) <= 80


def test_a_failure_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark, the words, and a 5xx status."""

    def fail(server: LoopbackServer) -> None:
        server.api.always(Answer(500))

    run = run_demo(monkeypatch, ["requests"], Terminal(), fail)
    assert "\x1b[31m✗\x1b[0m \x1b[31mNot as promised: " in run.text
    assert "\x1b[31m500\x1b[0m" in run.text


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({}, True),
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),  # no-color.org: "when present and not an empty string"
    ],
)
def test_the_environment_decides_about_colours(
    environment: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """These variables count on a terminal."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b" in run_demo(monkeypatch, [], Terminal()).text) is coloured


@pytest.mark.parametrize(("environment", "coloured"), [({}, False), ({"WT_SESSION": "1"}, True)])
def test_an_old_windows_console_gets_no_colours(
    environment: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would show the escape sequences. Windows Terminal does not."""
    monkeypatch.setattr(_screen, "os", SimpleNamespace(name="nt", environ=environment))
    assert ("\x1b" in run_demo(monkeypatch, [], Terminal()).text) is coloured


def test_a_pipe_gets_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a file."""
    assert "\x1b" not in run_demo(monkeypatch, ["requests"]).text


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals on this system")
def test_on_a_real_terminal() -> None:
    """The process itself detects the terminal."""
    ours, theirs = os.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(
        [sys.executable, "-m", "oauth_cc_auth", "demo"],
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={**environment, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"},
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # Linux reports the closed other end like this
            pass
        os.close(ours)
        assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 0
    assert shown.decode().rstrip().endswith("\x1b[32m✓\x1b[0m \x1b[32m32 checks, all as promised\x1b[0m")


def test_a_message_that_the_encoding_cannot_show() -> None:
    """An error may quote a server. The demo prints the characters that it can."""
    stream = encoded("ascii")
    Screen(stream).check(Check("requests.Session, 1", "It works.", "body 200", "body 500 (ŻÓŁĆ)"))
    stream.seek(0)
    assert stream.read().splitlines() == [
        "     [FAILED] Not as promised: It works.",
        "       expected  body 200",
        "       actual    body 500 (????)",
        "",
    ]


def test_a_long_claim_is_wrapped_below_itself() -> None:
    """The mark is alone in its column."""
    stream = io.StringIO()
    Screen(stream).verdict(True, "word " * 20)
    assert [line[:6] for line in stream.getvalue().splitlines()] == ["✓ word", "  word"]
