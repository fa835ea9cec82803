"""The module of each public name, for errors about an import from a wrong one."""

from __future__ import annotations

import sys
from typing import NoReturn

_STORES = ("FileStore", "RedisStore", "TokenStore")
_TESTING = ("LoopbackServer", "Answer", "oauth_server", "oauth_tls_server")


def refuse(module: str, name: str) -> NoReturn:
    """Raise the error for a `name` that is not in `module`.

    Raises:
        ImportError: it is in another module, which the message names.
        AttributeError: it is in none.
    """
    home = _home_of(name)
    if home is None or home == module:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    raise ImportError(f"{name} is not in {module}: import it from {home}", name=module)


def _home_of(name: str) -> str | None:
    if name in _STORES:
        return "oauth_cc_auth.stores"
    if name in _TESTING:
        return "oauth_cc_auth.testing"
    package = sys.modules[__package__ or ""]  # an import would be a circle
    is_public = name in package.__all__ and not name.startswith("_")
    return "oauth_cc_auth" if is_public else None
