"""Authorization servers that run on Node, each in a process of its own on 127.0.0.1: oidc-provider, oauth2-mock-server.

`.ci/services node FOLDER` installs them, with the versions in node/package-lock.json, and the variable NODE_SERVERS
names the folder. Without Node or without them, the tests are skipped and say so.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from . import START_LIMIT, STOP_LIMIT

SCRIPTS = Path(__file__).parent / "node"
OLDEST = (20, 19)  # Node, for oauth2-mock-server 8


@functools.cache
def obstacle() -> str:
    """Why the servers cannot run here, and how they could; empty if they can."""
    node = shutil.which("node")
    if node is None:
        return "there is no Node: install Node 20.19 or later, and run .ci/services node FOLDER"
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=START_LIMIT).stdout
    version = tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2] if part.isdigit())
    if version < OLDEST:
        return f"Node is {said.strip()}, and the servers need 20.19 or later"
    if not (folder() / "node_modules" / "oidc-provider").is_dir():
        return "run .ci/services node FOLDER, and set NODE_SERVERS=FOLDER"
    return ""


def folder() -> Path:
    """What holds node_modules."""
    return Path(os.environ.get("NODE_SERVERS") or SCRIPTS)


@contextmanager
def running(script: str, **settings: Any) -> Iterator[int]:
    """Run a script of `SCRIPTS` for the length of the block; its port.

    Raises:
        RuntimeError: it printed no port within `START_LIMIT`.
    """
    if reason := obstacle():
        pytest.skip(reason)
    environment = {**os.environ, "NODE_SERVERS": str(folder()), "OIDC_SETTINGS": json.dumps(settings)}
    command = ["node", str(SCRIPTS / script)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None  # pipes were asked for
        assert process.stdin is not None
        watchdog = threading.Timer(START_LIMIT, process.kill)
        watchdog.start()
        try:
            first_line = process.stdout.readline()
        finally:
            watchdog.cancel()
        if not first_line.strip().isdigit():
            process.kill()
            raise RuntimeError(f"{script} did not start: it printed {first_line!r}")
        try:
            yield int(first_line)
        finally:
            process.stdin.close()
            try:
                process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()


def take_log(port: int, trusting: ssl.SSLContext | None = None) -> list[dict[str, Any]]:
    """The requests that oidc-provider got since this was last called; by TLS if there is a context for it."""
    with closing(
        HTTPConnection("127.0.0.1", port, timeout=STOP_LIMIT)
        if trusting is None
        else HTTPSConnection("127.0.0.1", port, timeout=STOP_LIMIT, context=trusting)
    ) as connection:
        connection.request("GET", "/_log")
        rows: list[dict[str, Any]] = json.loads(connection.getresponse().read())
    return [row for row in rows if row["path"] != "/_log"]
