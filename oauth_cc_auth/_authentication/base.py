"""What a client authentication strategy is, what it is told, and what it adds (RFC 6749 §2.3).

The one law: a token request proves the client in exactly one way. A strategy turns the credentials into headers or
body fields, and no two strategies share a request: oidc-provider answers two methods at once with 400, LemonLDAP::NG
with 401. What a strategy is told is one object, so that later versions can tell it more.
"""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from oauth_cc_auth._redact.redact import MASK, shown_url

PairsArgument = Mapping[str, str] | Iterable[tuple[str, str]]


class AuthenticationContext:
    """The token request that a strategy proves, and the client that sends it. Read-only; its repr shows no secret.

    Attributes:
        client_id: Identifier of the client.
        client_secret: Its secret; None if it has none, which only a strategy without `needs_secret` meets.
        token_url: Where the token request goes.
        issuer: The issuer that `token_url` was discovered from; None if `token_url` was given.
        mtls_token_url: The endpoint's alias for mutual TLS (RFC 8705 §5); None if there is none.
        nonce: What the server wants to see in the next proof (RFC 9449 §8); None if it asked for none.
    """

    __slots__ = ("client_id", "client_secret", "issuer", "mtls_token_url", "nonce", "token_url")

    client_id: str
    client_secret: str | None
    token_url: str
    issuer: str | None
    mtls_token_url: str | None
    nonce: str | None

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str | None,
        token_url: str,
        issuer: str | None = None,
        mtls_token_url: str | None = None,
        nonce: str | None = None,
    ) -> None:
        set_slot = super().__setattr__
        set_slot("client_id", client_id)
        set_slot("client_secret", client_secret)
        set_slot("token_url", token_url)
        set_slot("issuer", issuer)
        set_slot("mtls_token_url", mtls_token_url)
        set_slot("nonce", nonce)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"AuthenticationContext is read-only; {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"AuthenticationContext is read-only; {name} cannot be deleted")

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            super().__setattr__(name, value)

    def __repr__(self) -> str:
        secret = None if self.client_secret is None else MASK
        return (
            f"AuthenticationContext(client_id={self.client_id!r}, client_secret={secret!r}, "
            f"token_url={shown_url(self.token_url)!r}, issuer={self.issuer!r}, "
            f"mtls_token_url={self.mtls_token_url!r}, nonce={self.nonce!r})"
        )


class Credentials:
    """What a strategy adds to a token request. Every value but the client id counts as a secret.

    Args:
        headers: Header names and values, such as ``Authorization``, as a mapping or pairs.
        fields: Body fields, such as ``client_assertion``, as a mapping or pairs.
        note: What the error says about them if the server rejects them; nothing secret.
    """

    __slots__ = ("fields", "headers", "note")

    def __init__(self, *, headers: PairsArgument = (), fields: PairsArgument = (), note: str = "") -> None:
        self.headers: tuple[tuple[str, str], ...] = _pairs(headers)
        self.fields: tuple[tuple[str, str], ...] = _pairs(fields)
        self.note: str = note


def _pairs(argument: PairsArgument) -> tuple[tuple[str, str], ...]:
    pairs: Any = argument.items() if isinstance(argument, Mapping) else argument
    return tuple((name, value) for name, value in pairs)


class ClientAuthentication:
    """The base of all strategies; subclass it for another method, such as ``private_key_jwt`` (RFC 7523 §2.2).

    A subclass defines `credentials_for`, which is called before each token request. In async code it runs in a worker
    thread, so it may sign, block and ask a vault.

    Attributes:
        name: Appears in error messages and logs; by default the name of the class.
        needs_secret: False if the strategy can do without `client_secret`, which may then be left out.
        needs_client_id: False if the strategy can do without `client_id`, since the grant itself says who is asking.
        uses_client_certificate: True if the connection proves the client (RFC 8705); the token request then goes to the
            endpoint's alias for mutual TLS, if the issuer's metadata has one.
        client_certificate: The `ClientCertificate` that a connection of our own presents; None: none.
    """

    name: str
    needs_secret: bool = True
    needs_client_id: bool = True
    uses_client_certificate: bool = False
    client_certificate: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not hasattr(cls, "name"):
            cls.name = cls.__name__
        # Of the two interfaces the one counts that the class defines, or else the nearest of its bases.
        nearest = next(base for base in cls.__mro__ if {"credentials_for", "authenticate"} & vars(base).keys())
        if "credentials_for" not in vars(nearest):
            cls.credentials_for = ClientAuthentication.credentials_for  # type: ignore[method-assign]  # on purpose

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        """The headers and body fields that authenticate the client in one token request."""
        return self.authenticate(context.client_id, context.client_secret or "", context.token_url)

    def proof_of_credential(self, context: AuthenticationContext) -> str | bytes | None:
        """What a token in a store is found and encrypted by: the secret, if this strategy needs one.

        A strategy that proves the client in another way returns what only holders of that proof can tell, and what is
        the same in every process. It may block: in async code it is called in a worker thread, each time that a store
        is asked. None: tokens are not stored.
        """
        return context.client_secret if self.needs_secret else None

    def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
        """The interface of version 0.1: a subclass may still define this instead of `credentials_for`."""
        raise NotImplementedError(f"{type(self).__name__} must define credentials_for()")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


for _class in (AuthenticationContext, Credentials, ClientAuthentication):
    _class.__module__ = "oauth_cc_auth"
del _class
