"""The last scene: two processes, one after the other, that share a store."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from tempfile import TemporaryDirectory

from ._scenes import Scene, Stage

SHARED = Scene(
    "Two processes share a store",
    "Two programs run one after the other, with the same credentials and the same FileStore. The second one finds the "
    "token of the first, encrypted, in a file that only this user can read.",
    "Two processes, and one token request.",
    "body 200, 2 x new token 200; the app got 2 x 200",
)
EXTRA = "file"

_LONGEST = 60  # s, for a process

_PROGRAM = """\
import importlib, sys
from oauth_cc_auth.stores import FileStore
library, token_url, client_id, url, folder = sys.argv[1:]
auth = importlib.import_module(f"oauth_cc_auth.{library}").ClientCredentialsAuth(
    token_url, client_id, sys.stdin.read(), client_authentication="client_secret_post", store=FileStore(folder)
)
print(importlib.import_module(library).get(url, auth=auth).status_code)
"""


def can_share() -> bool:
    """True if everything is installed that a file store needs."""
    return all(find_spec(name) is not None for name in ("filelock", "platformdirs", "cryptography"))


def share(stage: Stage) -> None:
    """Play the scene."""
    with TemporaryDirectory() as folder, stage.playing(SHARED) as outcomes:
        for _ in range(2):
            outcomes.append(_call_in_a_process(stage, folder))


def _call_in_a_process(stage: Stage, folder: str) -> str:
    """What a new process gets from the API; the secret is not in its arguments, which everyone could see."""
    server = stage.server
    arguments = [stage.library_name, server.token_url, server.client_id, stage.url, folder]
    done = subprocess.run(  # noqa: S603  # this Python, with our own program
        [sys.executable, "-c", _PROGRAM, *arguments],
        input=server.client_secret,
        capture_output=True,
        encoding="utf-8",
        timeout=_LONGEST,
        check=False,
    )
    return done.stdout.strip() or (done.stderr.strip().splitlines() or ["nothing"])[-1]
