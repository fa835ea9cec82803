"""An authorization server that is named by its issuer: its metadata says where tokens are issued."""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

from ._errors import ConfigurationError
from ._redact.redact import shown_url


class Issuer:
    """An authorization server by its issuer identifier (RFC 8414 §2, OpenID Connect Discovery 1.0 §3).

    Pass it in the place of a token URL, or of the URL of a `TokenEndpoint`, which says what the metadata does not. The
    first token request reads the server's metadata, which names the token endpoint; the metadata is kept for an hour,
    and read again if the endpoint is gone (404, 410). The document must state exactly this issuer, or it is an error:
    that is what ties the endpoint to what you typed. The endpoint may be on another host, as Google's is.

    Immutable; two are equal if both arguments are.

    Args:
        url: The issuer as the server itself writes it, with or without a slash at its end. https, unless the host is a
            loopback one.
        metadata_url: The URL of the document, if it is none of those that follow from `url`. A document that states
            another issuer than the place where it is (Entra's ``{tenantid}``, Azure AD B2C, a proxy in front) needs
            this, with what it states as `url`.

    Raises:
        ConfigurationError: a value cannot be right.
    """

    url: str
    metadata_url: str | None

    def __init__(self, url: str, *, metadata_url: str | None = None) -> None:
        from ._settings import endpoint_checks as checks  # only for those who name an issuer

        object.__setattr__(self, "url", checks.issuer(url))
        object.__setattr__(self, "metadata_url", checks.metadata_url(metadata_url))

    @property
    def asked_url(self) -> str:
        """What names the server that is asked for the metadata."""
        return self.url if self.metadata_url is None else self.metadata_url

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"Issuer is immutable; make a new one to change {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"Issuer is immutable; {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Issuer):
            return NotImplemented
        return (self.url, self.metadata_url) == (other.url, other.metadata_url)

    def __hash__(self) -> int:
        return hash((self.url, self.metadata_url))

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), self.url, metadata_url=self.metadata_url), ()

    def __repr__(self) -> str:
        place = "" if self.metadata_url is None else f", metadata_url={shown_url(self.metadata_url)!r}"
        return f"Issuer({self.url!r}{place})"


def issuer_from(arguments: Mapping[str, Any]) -> Issuer:
    """The issuer that settings name, by the names that they have in a form, in the environment or on a command line.

    Raises:
        ConfigurationError: one is missing or cannot be right.
    """
    if "issuer" not in arguments:
        problem = "is set without issuer"
        raise ConfigurationError(field="metadata_url", problem=problem, remedy="set issuer to what the metadata states")
    return Issuer(arguments["issuer"], metadata_url=arguments.get("metadata_url"))


Issuer.__module__ = "oauth_cc_auth"
