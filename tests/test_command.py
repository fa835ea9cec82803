"""The command ``python -m oauth_cc_auth``: its arguments, its exit statuses, and how it is interrupted."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Coroutine

import pytest

import oauth_cc_auth
from oauth_cc_auth import _demo
from oauth_cc_auth.__main__ import main

INTERRUPTED_DEMO = """
import itertools, os, signal, sys, threading
sys.modules.update(dict.fromkeys({missing!r}))
from oauth_cc_auth import _demo
from oauth_cc_auth.__main__ import main

class Interrupting(_demo.LoopbackServer):
    numbers = itertools.count(1)

    def start(self):
        self.api.always(self.interrupt)
        super().start()

    def interrupt(self, request):
        if next(self.numbers) == {number}:
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(30)  # an answer would let the demo go on before the signal is seen

_demo.LoopbackServer = Interrupting
sys.exit(main(["demo"]))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """On stdout, for scripts."""
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"oauth_cc_auth {oauth_cc_auth.__version__}\n"


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """And the program as a person calls it."""
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith("usage: python -m oauth_cc_auth ")
    assert "    demo " in printed


def test_help_of_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """It says what the command does."""
    with pytest.raises(SystemExit) as caught:
        main(["demo", "--help"])
    assert caught.value.code == 0
    assert "Show on this machine what the plugin does" in capsys.readouterr().out


def test_no_command_is_answered_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, and with the status of wrong usage."""
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "    demo " in captured.err


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With those that there are."""
    with pytest.raises(SystemExit) as caught:
        main(["dance"])
    assert caught.value.code == 2
    assert "COMMAND is one of demo, check, token, request, cache" in capsys.readouterr().err


@pytest.mark.parametrize("status", [0, 1])
def test_the_demo_decides_the_status(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """0 where all came out as promised."""
    monkeypatch.setattr(_demo, "run", lambda *, everything: status)
    assert main(["demo"]) == status


def test_the_arguments_of_the_process_are_used() -> None:
    """Where none are given, as with ``python -m``."""
    done = run("-m", "oauth_cc_auth")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: python -m oauth_cc_auth ")


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_import_no_more_than_the_package_does(argument: str) -> None:
    """No client library, no event loop, no server."""
    code = (
        "import sys\n"
        "from oauth_cc_auth.__main__ import main\n"
        f"try: main([{argument!r}])\n"
        "except SystemExit: pass\n"
        "unwanted = {'requests', 'httpx', 'httpx2', 'asyncio', 'oauth_cc_auth._demo', 'oauth_cc_auth.testing'}\n"
        "sys.exit(str(unwanted & set(sys.modules)) if unwanted & set(sys.modules) else 0)\n"
    )
    done = run("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """The status is the one that shells give."""

    def interrupted(*, everything: bool) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(_demo, "run", interrupted)
    assert main(["demo"]) == 130


@pytest.mark.skipif(os.name != "posix", reason="elsewhere Ctrl-C is no signal that a process can send to itself")
@pytest.mark.parametrize(
    ("number", "seen"),
    [(1, "httpx.Client"), (9, "20 threads"), (28, "The same with"), (36, "The same with")],
    ids=["request", "threads", "await", "tasks"],
)
def test_ctrl_c_during_the_demo(number: int, seen: str) -> None:
    """While a request waits, among twenty threads, in the event loop, among twenty tasks: never a traceback."""
    done = run("-c", INTERRUPTED_DEMO.format(missing=["requests", "httpx2"], number=number))
    assert (done.returncode, done.stderr) == (130, "")
    assert seen in done.stdout
    assert "checks" not in done.stdout


def test_a_cancelled_event_loop_is_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the event loop Ctrl-C arrives as a cancellation; to the shell it is still Ctrl-C."""

    def cancelled(coroutine: Coroutine[object, object, None]) -> None:
        coroutine.close()
        raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "run", cancelled)
    assert main(["demo"]) == 130


@pytest.mark.parametrize("arguments", [["demo"], ["--help"], ["--version"]], ids=" ".join)
def test_a_reader_who_has_left(arguments: list[str]) -> None:
    """As with ``| head``: the end comes without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-W", "error", "-m", "oauth_cc_auth", *arguments]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=120, check=False)
    os.close(writing)
    assert done.stderr == b""
    # Where Python writes through, it is argparse that meets the closed pipe, and argparse does not mind.
    assert done.returncode == 141 or (done.returncode == 0 and arguments != ["demo"])


def test_what_is_still_buffered_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the interpreter would complain when it flushes at its end."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setattr(_demo, "run", lambda *, everything: print("x"))
        assert main(["demo"]) == 141
        stream.flush()
