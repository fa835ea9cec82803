"""What only auth objects need, loaded when the first one is made.

Whoever forks waits until it is loaded: the child of a fork in the midst of it would wait for ever, since Python's lock
of a module that is being imported stays locked by a thread that the child does not have.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oauth_cc_auth._core.source import TokenSource

_loading = threading.RLock()

if hasattr(os, "register_at_fork"):  # pragma: no branch  # not on Windows and WebAssembly, which do not fork
    os.register_at_fork(before=_loading.acquire, after_in_parent=_loading.release, after_in_child=_loading.release)


def token_source() -> type[TokenSource]:
    """The class, from a module that is imported by nobody else."""
    with _loading:
        from oauth_cc_auth._core.source import TokenSource
    return TokenSource
