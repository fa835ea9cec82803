"""stdout and stderr that cannot be written: the result counts, and what is beside it may be lost."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from oauth_cc_auth.testing import LoopbackServer
from tests.cli.runs import COMMAND, ERROR, env_fixture, started

__all__ = ["env_fixture"]

full_disk = pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full stands for a full disk")
posix = pytest.mark.skipif(os.name != "posix", reason="closes streams as a POSIX shell does")


@full_disk
@pytest.mark.parametrize("name", ["token", "request"])
def test_stderr_is_full(name: str, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """The result is there all the same, and the status is its own."""
    arguments = {"token": ["token"], "request": ["request", "GET", oauth_server.api_url]}[name]
    with Path("/dev/full").open("wb") as full:
        process = started(*arguments, "-v", env=env, stdout=subprocess.PIPE, stderr=full)
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, len(out) > 20) == (0, True)


def test_nobody_reads_stderr(env: dict[str, str]) -> None:
    """As with `2>&1 >file | true`."""
    reading, writing = os.pipe()
    os.close(reading)
    process = started("token", "-v", env=env, stdout=subprocess.PIPE, stderr=writing)
    os.close(writing)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out.count(b"\n")) == (0, 1)


@full_disk
@pytest.mark.parametrize("arguments", [["token", "--nonsense"], [], ["token", "--timeout", "x"]], ids=range(3))
def test_a_usage_error_that_cannot_be_shown(arguments: list[str], env: dict[str, str]) -> None:
    """The status says so."""
    with Path("/dev/full").open("wb") as full:
        process = started(*arguments, env=env, stderr=full)
        process.communicate(timeout=60)
    assert process.returncode == 2


@full_disk
def test_both_are_full(env: dict[str, str]) -> None:
    """The status says so."""
    with Path("/dev/full").open("wb") as full:
        process = started("token", env=env, stdout=full, stderr=full)
        process.communicate(timeout=60)
    assert process.returncode == 7


@posix
@pytest.mark.parametrize("name", ["token", "request", "check"])
def test_stdout_is_closed(name: str, env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """As with `>&-`: a token that is lost is not a success."""
    arguments = {"token": ["token"], "request": ["request", "GET", oauth_server.api_url], "check": ["check"]}[name]
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, *arguments]
    done = subprocess.run(command, env={**os.environ, **env}, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 7
    assert done.stderr.decode() == f"{ERROR}the output could not be written: Bad file descriptor\n"


@posix
def test_stderr_is_closed(env: dict[str, str], oauth_server: LoopbackServer) -> None:
    """As with `2>&-`."""
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *COMMAND, "token", "-v"]
    done = subprocess.run(command, env={**os.environ, **env}, stdout=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stdout.decode()) == (0, f"{oauth_server.issued[0]}\n")
