"""The demo: ``python -m oauth_cc_auth demo``.

It plays a few scenes with the real adapters against a real server on loopback. It shows every exchange that the server
recorded and compares the record with each claim. So a claim on the screen is either true or marked as wrong.

`_scenes` is the script, `_players` perform it in threads or in an event loop, `_bound` is a scene with a token that is
bound to a key, `_shared` one with two processes, `_checks` compares, and `_screen` prints.
"""

from __future__ import annotations

import secrets
import sys
from typing import TextIO

from oauth_cc_auth._install import how_to_install
from oauth_cc_auth._version import __version__
from oauth_cc_auth.testing import LoopbackServer

from ._bound import KEY_EXTRA, bind, can_bind
from ._checks import Check
from ._libraries import LIBRARY_NAMES, Library, find
from ._players import perform, perform_async, without_proxy
from ._scenes import Stage, script
from ._screen import Screen
from ._shared import EXTRA, can_share, share

_INTRODUCTION = """\
An API requires a token with every request. An authorization server issues tokens to programs that have an id and a \
secret. Tokens expire, and the server can revoke them. This plugin fetches the token, keeps it and renews it, so your \
program just calls the API."""

_CAST = (
    ("app", "this demo: a program that calls the API"),
    ("auth server", "gives a token to a program with a valid id and secret"),
    ("API", "answers requests that carry a valid token"),
)

_NO_LIBRARY = "The demo needs one of them. Install one, for example:"


def run(stream: TextIO | None = None, *, everything: bool = False) -> int:
    """Perform the demo. Returns the exit status: 0 if every check passed.

    Args:
        stream: Where to print; None for stdout.
        everything: Show the exchanges of all clients. Otherwise only the first one's, and a line for each other.
    """
    screen = Screen(sys.stdout if stream is None else stream)
    screen.title(f"oauth_cc_auth {__version__}", "OAuth 2.0 client credentials, live on your machine")
    screen.paragraph(_INTRODUCTION)
    libraries = _find_libraries(screen)
    if not libraries:
        screen.paragraph(_NO_LIBRARY)
        screen.code([how_to_install(LIBRARY_NAMES[0])])
        return 1
    checks = _perform_scenes(screen, libraries, everything=everything)
    _close(screen, libraries[0], checks)
    return 0 if all(check.passed for check in checks) else 1


def _find_libraries(screen: Screen) -> list[Library]:
    """Show which client libraries are installed and which are missing. Returns the installed ones."""
    found = {name: find(name) for name in LIBRARY_NAMES}
    screen.paragraph("It works with three client libraries:")
    for name, library in found.items():
        if library is None:
            screen.missing(name, f"not found; to install it: {how_to_install(name)}")
        else:
            screen.found(name, library.version)
    screen.blank()
    return [library for library in found.values() if library is not None]


def _perform_scenes(screen: Screen, libraries: list[Library], *, everything: bool) -> list[Check]:
    stages: list[Stage] = []

    def stage(library: Library, client_name: str) -> Stage:
        is_first = not stages
        if len(stages) == 1 and not everything:
            screen.section("The same with every other client")
        stages.append(Stage(screen, server, library, client_name, explains=is_first, shows=is_first or everything))
        return stages[-1]

    # A random secret: the demo could not show that it hides one that is in its source.
    secret = secrets.token_urlsafe(24)
    accepts = ("client_secret_post", "client_secret_jwt")
    with without_proxy(), LoopbackServer(client_id="demo", client_secret=secret, accepts=accepts) as server:
        screen.paragraph(f"Three parties, all on this machine, with real HTTP on {server.origin}:")
        screen.table(_CAST)
        for library in libraries:
            with stage(library, library.client_name) as blocking:
                perform(script(blocking, "threads"), library)
            if library.async_client_name is not None:
                with stage(library, f"{library.async_client_name}, with asyncio") as awaiting:
                    perform_async(script(awaiting, "tasks"), library)
        if not everything:
            screen.blank()
        if can_bind():
            stages.append(Stage(screen, server, libraries[0], "Tokens bound to a key", explains=True))
            with stages[-1]:
                bind(stages[-1])
        else:
            screen.paragraph(f"For a scene with a token that is bound to a key: {how_to_install(KEY_EXTRA)}")
        if can_share():
            stages.append(Stage(screen, server, libraries[0], "Several processes", explains=True))
            with stages[-1]:
                share(stages[-1])
        else:
            screen.paragraph(f"For a scene with two processes: {how_to_install(EXTRA)}")
    return [check for stage in stages for check in stage.checks]


def _close(screen: Screen, library: Library, checks: list[Check]) -> None:
    screen.section("Your turn")
    screen.paragraph("Four lines, with your own URLs, id and secret:")
    screen.code(library.four_lines)
    failed = [check for check in checks if not check.passed]
    if not failed:
        screen.verdict(True, f"{len(checks)} checks, all as promised")
        return
    screen.verdict(False, f"{len(failed)} of {len(checks)} checks failed:")
    for check in failed:
        screen.item(f"{check.scene}: {check.claim}")
