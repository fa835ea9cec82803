"""Libraries that look like requests: blocking ones are served, those that await are refused at their first request.

Both hand over requests of the same class, and the adapter of one that awaits returns a coroutine for an answer. What
tells them apart is who calls: the frames of a library that awaits, between ours and the program's, hold a coroutine.
"""

from __future__ import annotations

import sys
from typing import Any

_CO_COROUTINE = 0x80  # of inspect, without importing it


def is_awaited(library: Any, request: object) -> bool:
    """True if an async client of another library than `library` prepares `request` right now."""
    root = _root(type(request).__module__)
    if root == library.__name__:
        return False
    frame = sys._getframe(1)
    while frame.f_back is not None and _root(frame.f_globals.get("__name__")) != root:
        frame = frame.f_back  # ours, and those of a subclass
    while frame.f_back is not None and _root(frame.f_globals.get("__name__")) == root:
        if frame.f_code.co_flags & _CO_COROUTINE:
            return True
        frame = frame.f_back
    return False


def _root(module: object) -> str:
    return str(module).partition(".")[0]


def awaiting_client(library: Any, request: object) -> str:
    """The message for a client that awaits."""
    lookalike = _root(type(request).__module__)
    return (
        f"oauth_cc_auth.{library.__name__} serves clients that block, and this is a request of an async client of "
        f"{lookalike}: use a blocking {lookalike}.Session, or an httpx.AsyncClient with oauth_cc_auth.httpx"
    )
