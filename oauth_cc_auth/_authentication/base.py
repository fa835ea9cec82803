"""What a client authentication strategy is: it proves who is asking (RFC 6749 §2.3).

A strategy turns the credentials into headers or body fields, never both ways at once: servers answer two methods in
one request with 400 (oidc-provider) or 401 (LemonLDAP::NG).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

PairsArgument = Mapping[str, str] | Iterable[tuple[str, str]]


class Credentials:
    """What a strategy adds to a token request. Every value but the client id counts as a secret.

    Args:
        headers: Header names and values, such as ``Authorization``, as a mapping or pairs.
        fields: Body fields, such as ``client_assertion``, as a mapping or pairs.
    """

    __slots__ = ("fields", "headers")

    def __init__(self, *, headers: PairsArgument = (), fields: PairsArgument = ()) -> None:
        self.headers: tuple[tuple[str, str], ...] = _pairs(headers)
        self.fields: tuple[tuple[str, str], ...] = _pairs(fields)


def _pairs(argument: PairsArgument) -> tuple[tuple[str, str], ...]:
    pairs: Any = argument.items() if isinstance(argument, Mapping) else argument
    return tuple((name, value) for name, value in pairs)


class ClientAuthentication:
    """The base of all strategies; subclass it for another method, such as ``private_key_jwt`` (RFC 7523 §2.2).

    `name`, by default the name of the class, appears in error messages and logs. `authenticate` is asked before each
    token request, in a worker thread where an event loop is running, so it may sign, block and ask a vault.
    """

    name: str

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not hasattr(cls, "name"):
            cls.name = cls.__name__

    def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
        """The headers and body fields that authenticate this client at `token_url`."""
        raise NotImplementedError(f"{type(self).__name__} must define authenticate()")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
