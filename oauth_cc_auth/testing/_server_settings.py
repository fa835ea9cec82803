"""The settings of the server, for its constructor and while it runs."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from ._recorded_request import RecordedRequest

BOTH_METHODS = ("client_secret_basic", "client_secret_post")
ASSERTION_METHODS = ("private_key_jwt", "client_secret_jwt")
_KNOWN_METHODS = (*BOTH_METHODS, *ASSERTION_METHODS, "none")


@dataclass(kw_only=True, eq=False, repr=False)
class ServerSettings:
    """Plain attributes. The server reads them for every request. ``LoopbackServer`` describes them."""

    client_id: str = "client"
    client_secret: str = "secret"
    accepts: Collection[str] = BOTH_METHODS
    decodes_basic: bool = True
    grant_types: Collection[str] = ("client_credentials",)
    scopes: Collection[str] | None = None
    expires_in: object = 3600
    token_type: str | None = "Bearer"
    scope: str | None = None
    header_name: str = "Authorization"
    header_value_pattern: str = "Bearer %s"
    dpop: bool = False
    dpop_nonces: bool = False
    new_token: Callable[[], str] | None = None
    clock: Callable[[], float] = time.time
    on_exchange: Callable[[RecordedRequest], object] | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("accepts", "grant_types", "scopes") and isinstance(value, str):
            raise TypeError(f"{name} must be a collection of str, such as ({value!r},), not a str")
        if name == "accepts":
            check_accepts(value)
        super().__setattr__(name, value)


def check_accepts(methods: Collection[str]) -> None:
    """Raise a ValueError for a method that the server does not know."""
    unknown = sorted(set(methods) - set(_KNOWN_METHODS))
    if unknown:
        raise ValueError(f"accepts can hold {', '.join(map(repr, _KNOWN_METHODS))}, not {unknown[0]!r}")
