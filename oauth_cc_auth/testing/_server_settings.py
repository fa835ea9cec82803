"""The settings of the server, for its constructor and while it runs."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from ._recorded_request import RecordedRequest

BOTH_METHODS = ("client_secret_basic", "client_secret_post")
ASSERTION_METHODS = ("private_key_jwt", "client_secret_jwt")
TLS_METHODS = ("tls_client_auth", "self_signed_tls_client_auth")
_KNOWN_METHODS = (*BOTH_METHODS, *ASSERTION_METHODS, *TLS_METHODS, "none")


@dataclass(kw_only=True, eq=False, repr=False)
class ServerSettings:
    """Plain attributes. The server reads them for every request. ``LoopbackServer`` describes them."""

    tls: bool = False  # the first one, as the others are checked against it
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
    certificate_bound: bool = False
    requires_certificate: bool = False
    new_token: Callable[[], str] | None = None
    clock: Callable[[], float] = time.time
    on_exchange: Callable[[RecordedRequest], object] | None = None

    @property
    def _is_closed(self) -> bool:
        """True for our own class: a subclass may have what attributes it likes."""
        return type(self).__module__ == __package__

    def __setattr__(self, name: str, value: Any) -> None:
        if self._is_closed and name[0] != "_" and not hasattr(self, name):
            raise AttributeError(f"{name} is no setting of the server{_nearest(name)}")
        if name in ("accepts", "grant_types", "scopes") and isinstance(value, str):
            raise TypeError(f"{name} must be a collection of str, such as ({value!r},), not a str")
        if name == "tls" and name in vars(self):
            raise AttributeError("tls cannot be changed: the server's URLs depend on it")
        if name == "accepts":
            check_accepts(value, tls=self.tls)
        if name in ("certificate_bound", "requires_certificate") and value and not self.tls:
            raise ValueError(f"{name} needs tls=True")
        super().__setattr__(name, value)


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    nearest = get_close_matches(name, ServerSettings.__dataclass_fields__, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""


def check_accepts(methods: Collection[str], *, tls: bool) -> None:
    """Raise a ValueError for a method that the server does not know, or that needs TLS if it does not speak that."""
    unknown = sorted(set(methods) - set(_KNOWN_METHODS))
    if unknown:
        raise ValueError(f"accepts can hold {', '.join(map(repr, _KNOWN_METHODS))}, not {unknown[0]!r}")
    if not tls and set(methods) & set(TLS_METHODS):
        raise ValueError(f"{' and '.join(each for each in TLS_METHODS if each in methods)} needs tls=True")
