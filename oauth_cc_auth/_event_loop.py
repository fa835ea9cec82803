"""Which event loop is running, asked without importing one."""

from __future__ import annotations

import sys


def running_loop() -> object | None:
    """The event loop that runs the code that asks, asyncio's or trio's; None outside of one."""
    trio, asyncio = sys.modules.get("trio"), sys.modules.get("asyncio")
    if trio is not None:
        try:
            token: object = trio.lowlevel.current_trio_token()
        except (RuntimeError, AttributeError):
            pass  # trio is imported, or another thread is just importing it, but it is not what runs here
        else:
            return token
    if asyncio is not None:
        try:
            loop: object = asyncio.get_running_loop()
        except (RuntimeError, AttributeError):
            pass
        else:
            return loop
    return None
