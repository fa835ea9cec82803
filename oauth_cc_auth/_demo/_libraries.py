"""The client libraries: which of them are installed, and how they differ.

The demo imports them by name, because any of them may be missing. They share no type, so the annotations say `Any`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

LIBRARY_NAMES = ("requests", "httpx", "httpx2")


@dataclass(frozen=True)
class Library:
    """An installed client library and its adapter.

    Attributes:
        name: The name of its module.
        module: The module itself.
        auth_class: The ``ClientCredentialsAuth`` of the adapter.
    """

    name: str
    module: Any
    auth_class: Callable[..., Any]

    @property
    def version(self) -> str:
        """The version of the library."""
        return str(self.module.__version__)

    @property
    def client_name(self) -> str:
        """The class of blocking clients."""
        return f"{self.name}.{'Session' if self._is_requests else 'Client'}"

    @property
    def async_client_name(self) -> str | None:
        """The class of clients for event loops. None if the library has none."""
        return None if self._is_requests else f"{self.name}.AsyncClient"

    @property
    def four_lines(self) -> list[str]:
        """A complete program."""
        return [
            f"import {self.name}",
            f"from oauth_cc_auth.{self.name} import ClientCredentialsAuth",
            "auth = ClientCredentialsAuth(token_url, client_id, client_secret)",
            f"{self.name}.get(api_url, auth=auth)",
        ]

    def open_client(self, callers: int) -> Any:
        """A blocking client for this number of threads at once. It is a context manager."""
        if not self._is_requests:
            return self.module.Client()
        session = self.module.Session()
        # Otherwise urllib3 keeps only ten connections and warns about each one that it drops.
        session.mount("http://", self.module.adapters.HTTPAdapter(pool_maxsize=callers))
        return session

    def open_async_client(self) -> Any:
        """A client for an event loop. It is an async context manager."""
        return self.module.AsyncClient()

    @property
    def _is_requests(self) -> bool:
        return self.name == "requests"


def find(name: str) -> Library | None:
    """The library with this name, or None if it is not installed."""
    try:
        module = import_module(name)
    except ImportError:
        return None
    # Outside the `try`: if the library is installed and its adapter cannot be imported, that is our bug.
    adapter = import_module(f"oauth_cc_auth.{name}")
    return Library(name, module, adapter.ClientCredentialsAuth)
