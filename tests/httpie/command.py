"""Runs the real `http` command, in an environment and with a folder of settings of its own."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from oauth_cc_auth.testing import LoopbackServer

COMMAND = Path(sysconfig.get_path("scripts")) / ("http.exe" if os.name == "nt" else "http")
LIMIT = 60.0  # s for a run
CLIENT_ID, CLIENT_SECRET = "client", "s3cret-of-the-client"

# A new session without a terminal takes the first one it asks for: what getpass then opens as /dev/tty.
WITH_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Run(NamedTuple):
    """How a run ended."""

    status: int
    output: str
    errors: str


@dataclass
class HTTPie:
    """HTTPie beside a loopback server.

    Attributes:
        environment: The settings of ours that it runs with.
    """

    server: LoopbackServer
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Else HTTPie asks its maker's host for its newest version.
        (self.home / "config.json").write_text(json.dumps({"disable_update_warnings": True}), encoding="utf-8")
        self.environment = {
            "OAUTH_CC_TOKEN_URL": self.server.token_url,
            "OAUTH_CC_CLIENT_ID": CLIENT_ID,
            "OAUTH_CC_CLIENT_SECRET": CLIENT_SECRET,
        }

    def run(self, *arguments: str, url: str | None = None, item: str | None = None, auth: bool = True) -> Run:
        """`http` with the auth type and these arguments, and after them the API's URL or another, and an item."""
        named = ["--auth-type", "oauth2-cc"] if auth else []
        target = [url or self.server.api_url + "/orders", *([] if item is None else [item])]
        return self.run_plain(*named, "--ignore-stdin", *arguments, *target)

    def run_plain(self, *arguments: str) -> Run:
        """`http` with these arguments and no others."""
        result = subprocess.run(
            [str(COMMAND), *arguments],
            env=self._environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=LIMIT,
            check=False,
        )
        return Run(result.returncode, result.stdout, result.stderr)

    def run_in_terminal(self, *arguments: str, typed: str) -> Run:
        """The same in a terminal; `typed` is what a person types at the first question."""
        ours, its = pty.openpty()
        command = [str(COMMAND), "--auth-type", "oauth2-cc", *arguments, self.server.api_url + "/orders"]
        process = subprocess.Popen(
            [sys.executable, "-c", WITH_TERMINAL, *command],
            env=self._environment(),
            stdin=its,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            encoding="utf-8",
        )
        try:
            assert select.select([ours], [], [], LIMIT)[0], "no question"
            shown = os.read(ours, 1024)  # what is typed before the question, getpass throws away
            os.write(ours, typed.encode() + b"\n")
            output, errors = process.communicate(timeout=LIMIT)
            shown += _left_in(ours)
        finally:
            process.kill()
            process.wait()
            os.close(ours)
            os.close(its)
        return Run(process.returncode, shown.decode() + output, errors)

    def session_file(self, name: str) -> str:
        """The text of a session file."""
        (path,) = self.home.glob(f"sessions/*/{name}.json")
        return path.read_text(encoding="utf-8")

    def _environment(self) -> Mapping[str, str]:
        foreign = {name: value for name, value in os.environ.items() if not name.startswith("OAUTH_CC_")}
        return {**foreign, "HTTPIE_CONFIG_DIR": str(self.home), **self.environment}


def _left_in(terminal: int) -> bytes:
    """What is there to read without waiting."""
    flags = fcntl.fcntl(terminal, fcntl.F_GETFL)
    fcntl.fcntl(terminal, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
