"""What the HTTPie plugin does with a request: settings by environment and command line, errors that HTTPie can show.

HTTPie reports an exception by its class and message while it prepares and sends, and not while it reads its arguments
(HTTPie 3.2, `raw_main`). So nothing here raises before the request is prepared.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import requests

from ._adapter.from_environment import from_environment
from ._advice import Words
from ._errors import ConfigurationError, TokenError, named, with_message, worded
from ._requests.transport import RequestsTransport
from ._settings import DEFAULT_PREFIX
from ._settings.environment import SECRET_FILE, words_of
from .requests import ClientCredentialsAuth

_NO_TOKEN_YET = "<token>"  # no token can look like this (RFC 6750 §2.1)

_ID, _SECRET = f"{DEFAULT_PREFIX}CLIENT_ID", f"{DEFAULT_PREFIX}CLIENT_SECRET"
_SECRET_FILE = f"{DEFAULT_PREFIX}{SECRET_FILE}"
_OF_ENVIRONMENT = words_of(DEFAULT_PREFIX)
HTTPIE = _OF_ENVIRONMENT.replaced(
    ways={
        **_OF_ENVIRONMENT.ways,
        "end_of_hold": "",
        "trust_authority": "HTTPie's --verify does not apply to token requests: set {variable} to a file with the "
        "authority's certificate",
    }
)


def auth_for(client_id: str | None, client_secret: str | None) -> HTTPieAuth | Misconfigured:
    """The auth object for a run of HTTPie; what is given replaces the id and the secret of the environment."""
    try:
        environ = _environ(client_id, client_secret)
        auth = _auth(environ)
    except ConfigurationError as error:
        message = str(error)
    else:
        auth.words = _words(environ, client_id, client_secret)
        return auth
    return Misconfigured(message)


def _words(environ: Mapping[str, str], client_id: str | None, client_secret: str | None) -> Words:
    """What this run of HTTPie calls the settings."""
    names = dict(HTTPIE.names)
    if client_id:
        names["client_id"] = "the client id of --auth"
    if client_secret is not None:
        names["client_secret"] = "the secret of --auth"
    elif environ.get(_SECRET_FILE, "").strip():
        names["client_secret"] = _SECRET_FILE
    return HTTPIE.replaced(names=names)


def kept_in_session(client_id: str | None) -> str:
    """What a session file is to keep of ``--auth``: the id, never the secret.

    Not None, which HTTPie cannot read back. An id with a colon would be read back as id and secret.
    """
    return "" if client_id is None or ":" in client_id else client_id


def _environ(client_id: str | None, client_secret: str | None) -> dict[str, str]:
    """The environment, with the id and the secret that are given."""
    environ = dict(os.environ)
    if client_secret is not None:
        environ[_SECRET] = client_secret
        environ.pop(_SECRET_FILE, None)
    elif client_id and environ.get(_ID) not in (None, "", client_id):
        # The secret in the environment belongs to the id that is there.
        problem = f"the session has the client id {client_id!r} and no secret, and {_ID} is another one"
        raise ConfigurationError(problem=problem, remedy=f"pass --auth {client_id}")
    if client_id:
        environ[_ID] = client_id
    return environ


def _auth(environ: Mapping[str, str]) -> HTTPieAuth:
    try:
        return from_environment(HTTPieAuth, DEFAULT_PREFIX, environ, {})
    except ConfigurationError as error:
        problem = error
    there = {name for name in (_ID, _SECRET, _SECRET_FILE) if environ.get(name, "").strip()}
    if problem.reason == "missing" and (_ID not in there or len(there) < 2):
        remedy = "set it, or pass --auth ID[:SECRET]; HTTPie asks for a secret that is left out"
        problem = named(problem, problem.name, remedy)
    raise problem


class HTTPieAuth(ClientCredentialsAuth):
    """The auth object of one run of HTTPie."""

    words: Words = HTTPIE

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Attach the token. With ``--offline`` nothing is fetched, and a placeholder shows where it goes."""
        if _is_offline():
            r.headers[self.config.header_name] = str(self.config.header_value_pattern).replace("%s", _NO_TOKEN_YET)
            return r
        return super().__call__(r)

    def _make_transport(self, token_client: Any) -> RequestsTransport:
        return _HTTPieTransport(requests, token_client, lambda: self.words)


class _HTTPieTransport(RequestsTransport):
    def __init__(self, library: Any, token_client: Any, words: Callable[[], Words]) -> None:
        super().__init__(library, token_client)
        self._words = words

    def error_class(self, error: TokenError) -> type[Exception]:
        """Never Timeout: HTTPie would name its own --timeout and forget our message."""
        return requests.RequestException

    def for_caller(self, error: TokenError, request: Any = None, header_names: tuple[str, ...] = ()) -> TokenError:
        """The error in the terms of HTTPie."""
        return super().for_caller(with_message(error, worded(error, self._words())), request, header_names)


class Misconfigured:
    """Stands in for an auth object that cannot be made, and says why when a request is prepared."""

    def __init__(self, message: str) -> None:
        self._message = message

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Raise the ConfigurationError."""
        raise ConfigurationError(self._message)


def _is_offline() -> bool:
    """True if HTTPie only shows the request. It does not hand its options to a plugin, but its parser has them."""
    from httpie.cli.definition import parser  # pyright: ignore[reportMissingTypeStubs]  # HTTPie has none

    return bool(getattr(getattr(parser, "args", None), "offline", False))
