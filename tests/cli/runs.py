"""Running the command: in this process, as a process of its own, or on a terminal."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from select import select
from typing import Any

import pytest

from oauth_cc_auth.__main__ import main
from oauth_cc_auth.testing import LoopbackServer

COMMAND = [sys.executable, "-W", "error", "-m", "oauth_cc_auth"]
ERROR = "oauth-cc-auth: error: "
WARNING = "oauth-cc-auth: warning: "


@dataclass
class Ran:
    """One run of the command.

    Attributes:
        status: The exit status.
        raw: What it wrote to stdout.
        err: What it wrote to stderr.
    """

    status: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


Run = Callable[..., Ran]


@pytest.fixture(name="run")
def run_fixture(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in this process, without the person's variables and without a terminal.

    Keywords: `stdin`, the bytes of standard input, and `env`, more variables.
    """
    for name in [*filter(lambda name: name.startswith("OAUTH_CC_"), os.environ), "NO_COLOR", "COLUMNS"]:
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Ran:
        with monkeypatch.context() as patched:
            for name, value in ({} if env is None else env).items():
                patched.setenv(name, value)
            patched.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Pipe(stdin)), encoding="utf-8"))
            try:
                status = main(arguments)
            except SystemExit as left:  # by argparse
                status = int(str(left.code))
        out, err = capfdbinary.readouterr()
        return Ran(status, out, err.decode())

    return run


class Pipe(io.BytesIO):
    """What comes through a pipe: it cannot be rewound."""

    def seekable(self) -> bool:
        return False


def variables(server: LoopbackServer, **others: str) -> dict[str, str]:
    """The environment of a person who uses `server`; `others` are more fields, or other values."""
    fields = {"token_url": server.token_url, "client_id": server.client_id, "client_secret": server.client_secret}
    return {f"OAUTH_CC_{name.upper()}": value for name, value in {**fields, **others}.items()}


@pytest.fixture(name="env")
def env_fixture(oauth_server: LoopbackServer) -> dict[str, str]:
    """The environment of a person who uses the server of this test."""
    return variables(oauth_server)


def started(*arguments: str, env: Mapping[str, str], **options: Any) -> subprocess.Popen[bytes]:
    """The command as a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OAUTH_CC_")}
    return subprocess.Popen([*COMMAND, *arguments], env={**environment, **env}, **options)


def on_terminal(
    *arguments: str,
    env: Mapping[str, str],
    typed: bytes = b"",
    until: bytes = b"secret: ",
    then: Callable[[], object] | None = None,
) -> tuple[int, str]:
    """Run it on a terminal; the exit status and all that the person sees.

    Args:
        typed, then: What the person types and what happens as soon as they have seen `until`.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OAUTH_CC_", "NO_COLOR"))}
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", _TAKE_TERMINAL, *COMMAND[1:], *arguments],
        env={**environment, "TERM": "xterm", **env},
        start_new_session=True,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown, seen = b"", False
        for piece in _pieces(ours, process):
            shown += piece
            if seen and not piece and typed == CTRL_C:
                # Python may take the signal just before it begins to read, and read on: people press it again then.
                os.write(ours, typed)
            if until in shown and not seen:
                seen = True
                os.write(ours, typed)
                if then is not None:
                    then()
        os.close(ours)
        return process.wait(60), shown.decode()


CTRL_C = b"\x03"
LIMIT = 60  # s without a word after which a process counts as hanging

# The terminal is the process's own then: Ctrl-C comes from it, and a password is asked for on it.
_TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def _pieces(terminal: int, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """What the terminal shows, nothing for a second without a word, until the other end is closed.

    Whoever says nothing for too long is ended.
    """
    silence = 0
    while silence < LIMIT:
        if not select([terminal], [], [], 1)[0]:
            silence += 1
            yield b""
            continue
        silence = 0
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other end is closed
            return
        if not piece:
            return
        yield piece
    process.kill()
