"""How a token request proves who is asking (RFC 6749 §2.3), and in which order that is tried.

A strategy turns the credentials into headers or body fields, never both ways at once: servers answer two methods in
one request with 400 (oidc-provider) or 401 (LemonLDAP::NG).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

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


class ClientSecretBasic(ClientAuthentication):
    """HTTP Basic, the method that every server must support (RFC 6749 §2.3.1).

    Args:
        percent_encode: Encode id and secret before Base64, as the RFC asks for. Some servers never decode (glewlwyd
            2.7, node-oauth); for them pass False.
    """

    def __init__(self, *, percent_encode: bool = True) -> None:
        self.percent_encode = percent_encode
        self.name = "client_secret_basic" if percent_encode else "client_secret_basic (not percent-encoded)"

    def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
        """An ``Authorization`` header, and nothing in the body."""
        encoded, raw = basic_blobs(client_id, client_secret)
        return Credentials(headers=(("Authorization", f"Basic {encoded if self.percent_encode else raw}"),))

    def __repr__(self) -> str:
        return f"ClientSecretBasic(percent_encode={self.percent_encode})"


class ClientSecretPost(ClientAuthentication):
    """Id and secret in the request body (RFC 6749 §2.3.1)."""

    name = "client_secret_post"

    def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
        """Body fields, and no header."""
        return Credentials(fields=(("client_id", client_id), ("client_secret", client_secret)))


def basic_blobs(client_id: str, client_secret: str) -> tuple[str, str]:
    """The Base64 text of HTTP Basic, with id and secret percent-encoded first, and without."""
    encoded = f"{_percent_encoded(client_id)}:{_percent_encoded(client_secret)}"
    return _base64(encoded), _base64(f"{client_id}:{client_secret}")


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _percent_encoded(value: str) -> str:
    # Form encoding would write a space as "+", which Authlib 1.9 does not decode; all that decode know "%20".
    return quote(value, safe="")


_BASIC = ClientSecretBasic()
_POST = ClientSecretPost()
_RAW_BASIC = ClientSecretBasic(percent_encode=False)


def is_ours(method: ClientAuthentication) -> bool:
    """True for the two classes above: they compute and nothing else, so they need no worker thread."""
    return type(method) in (ClientSecretBasic, ClientSecretPost)


_WHEN_UNSET = (_BASIC, _POST, _RAW_BASIC)
NAMED_METHODS: dict[str, ClientAuthentication] = {_BASIC.name: _BASIC, _POST.name: _POST}


def methods_to_try(choice: str | ClientAuthentication | None) -> tuple[ClientAuthentication, ...]:
    """The strategies for a setting of `client_authentication`, in the order of trial."""
    if choice is None:
        return _WHEN_UNSET
    return (NAMED_METHODS[choice] if isinstance(choice, str) else choice,)


def worth_trying(
    method: ClientAuthentication, refused: ClientAuthentication, client_id: str, client_secret: str
) -> bool:
    """False where `method` would repeat what was `refused`: Basic and raw Basic, if encoding changes nothing."""
    if {method, refused} != {_BASIC, _RAW_BASIC}:
        return True
    return _percent_encoded(client_id) != client_id or _percent_encoded(client_secret) != client_secret
