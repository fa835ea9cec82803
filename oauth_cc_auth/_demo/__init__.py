"""The demo: ``python -m oauth_cc_auth demo``.

It plays a few scenes with the real adapters against a real server on loopback, shows every exchange that the server
recorded, and compares the record with what it claims. What it says is therefore either so or marked as not so.

`_scenes` is the script; `_players` perform it, blocking or in an event loop; `_checks` judges; `_screen` prints.
"""

from __future__ import annotations

import secrets
import sys
from typing import TextIO

from oauth_cc_auth._version import __version__
from oauth_cc_auth.testing import LoopbackServer

from ._checks import Check
from ._libraries import LIBRARY_NAMES, Library, find
from ._players import perform, perform_async, without_proxy
from ._scenes import Stage, script
from ._screen import Screen

_INTRODUCTION = """\
An API wants a token with every request. Tokens come from an authorization server, which asks for an id and a secret, \
and tokens expire or are revoked. This plugin gets the token, keeps it and renews it, so that your program just calls \
the API."""

_CAST = (
    ("app", "this demo: a program that calls the API"),
    ("auth server", "gives tokens to those who prove who they are"),
    ("API", "answers those who show a good token"),
)

_NO_LIBRARY = "There is nothing to show it with yet. Install one of them, for example:"


def run(stream: TextIO | None = None) -> int:
    """Perform the demo on `stream`, stdout if None. Returns the exit status: 0 where all came out as promised."""
    screen = Screen(sys.stdout if stream is None else stream)
    screen.title(f"oauth_cc_auth {__version__}", "OAuth 2.0 client credentials, live on your machine")
    screen.paragraph(_INTRODUCTION)
    libraries = _announced(screen)
    if not libraries:
        screen.paragraph(_NO_LIBRARY)
        screen.code([f"python -m pip install {LIBRARY_NAMES[0]}"])
        return 1
    checks = _performed(screen, libraries)
    _close(screen, libraries[0], checks)
    return 0 if all(check.held for check in checks) else 1


def _announced(screen: Screen) -> list[Library]:
    """The client libraries that are there, after saying which are and which are not."""
    found = {name: find(name) for name in LIBRARY_NAMES}
    screen.paragraph("It works with three client libraries:")
    for name, library in found.items():
        if library is None:
            screen.absent(name, f"not found; to install it: python -m pip install {name}")
        else:
            screen.present(name, library.version)
    screen.blank()
    return [library for library in found.values() if library is not None]


def _performed(screen: Screen, libraries: list[Library]) -> list[Check]:
    stages: list[Stage] = []
    # Random, because it would be awkward to show that a secret is kept with one that everybody knows.
    secret = secrets.token_urlsafe(24)
    accepts = ("client_secret_post",)
    with without_proxy(), LoopbackServer(client_id="demo", client_secret=secret, accepts=accepts) as server:
        screen.paragraph(f"On stage, all on this machine, speaking real HTTP to {server.origin}:")
        screen.table(_CAST)
        for library in libraries:
            stages.append(Stage(screen, server, library, library.client_name, explains=not stages))
            perform(script(stages[-1], "threads"), library)
            if library.async_client_name is not None:
                stages.append(Stage(screen, server, library, f"{library.async_client_name}, with asyncio"))
                perform_async(script(stages[-1], "tasks"), library)
    return [check for stage in stages for check in stage.checks]


def _close(screen: Screen, library: Library, checks: list[Check]) -> None:
    screen.section("Your turn")
    screen.paragraph("Four lines, with your own URLs, id and secret:")
    screen.code(library.four_lines)
    failed = [check for check in checks if not check.held]
    if not failed:
        screen.verdict(True, f"{len(checks)} checks, all as promised")
        return
    screen.verdict(False, f"{len(failed)} of {len(checks)} checks did not come out as promised:")
    for check in failed:
        screen.item(f"{check.scene}: {check.claim}")
