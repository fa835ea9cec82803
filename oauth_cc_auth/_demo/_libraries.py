"""The client libraries: which are installed, and the little in which they differ.

They are imported by name, since any of them may be missing, and have no type in common; hence `Any`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

LIBRARY_NAMES = ("requests", "httpx", "httpx2")


@dataclass(frozen=True)
class Library:
    """A client library that is installed, and the adapter for it.

    Attributes:
        name: What it is imported as.
        module: The library.
        auth_class: The adapter's ``ClientCredentialsAuth``.
    """

    name: str
    module: Any
    auth_class: Callable[..., Any]

    @property
    def version(self) -> str:
        """The library's own version."""
        return str(self.module.__version__)

    @property
    def client_name(self) -> str:
        """The class whose objects send requests and block."""
        return f"{self.name}.{'Session' if self._is_requests else 'Client'}"

    @property
    def async_client_name(self) -> str | None:
        """The class whose objects send requests in an event loop; None where there is none."""
        return None if self._is_requests else f"{self.name}.AsyncClient"

    @property
    def four_lines(self) -> list[str]:
        """All that a program needs."""
        return [
            f"import {self.name}",
            f"from oauth_cc_auth.{self.name} import ClientCredentialsAuth",
            "auth = ClientCredentialsAuth(token_url, client_id, client_secret)",
            f"{self.name}.get(api_url, auth=auth)",
        ]

    def open_client(self, callers: int) -> Any:
        """A client that blocks, for as many threads at once as `callers`; a context manager."""
        if not self._is_requests:
            return self.module.Client()
        session = self.module.Session()
        # Otherwise urllib3 keeps ten connections only, and warns about each one more that it drops.
        session.mount("http://", self.module.adapters.HTTPAdapter(pool_maxsize=callers))
        return session

    def open_async_client(self) -> Any:
        """A client for an event loop; an async context manager."""
        return self.module.AsyncClient()

    @property
    def _is_requests(self) -> bool:
        return self.name == "requests"


def find(name: str) -> Library | None:
    """The library of this name, or None where it is not installed."""
    try:
        module = import_module(name)
    except ImportError:
        return None
    # Outside of the `try`: where the library is there, an adapter that cannot be imported is a defect of ours.
    adapter = import_module(f"oauth_cc_auth.{name}")
    return Library(name, module, adapter.ClientCredentialsAuth)
