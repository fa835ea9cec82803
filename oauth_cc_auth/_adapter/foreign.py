"""Telling a person who passed the class of one library to another which module to import."""

from __future__ import annotations

_MODULES = ("requests", "httpx", "httpx2")


def foreign_request(auth: object, request: object) -> str:
    """The message for `request`, which `auth` cannot serve.

    requests calls whatever it is given, and httpx wraps a callable that is no `Auth` of its own, so what arrives is
    all there is to go by.
    """
    library = type(request).__module__.partition(".")[0]
    used = f"{type(auth).__module__}.{type(auth).__name__}"
    if library in _MODULES:
        return f"{used} was given a request of {library}: import ClientCredentialsAuth from oauth_cc_auth.{library}"
    return (
        f"{used} was given a {type(request).__name__}, which is no prepared request; there is a ClientCredentialsAuth "
        f"in {', '.join(f'oauth_cc_auth.{module}' for module in _MODULES)}"
    )
