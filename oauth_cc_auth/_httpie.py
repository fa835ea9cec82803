"""What the HTTPie plugin does with a request: settings by environment and command line, errors that HTTPie can show.

HTTPie reports an exception by its class and message while it prepares and sends, and not while it reads its arguments
(HTTPie 3.2, `raw_main`). So nothing here raises before the request is prepared.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Any

import requests

from ._config import ClientCredentialsConfig
from ._errors import ConfigurationError, TokenError, with_message
from ._requests.transport import RequestsTransport
from .requests import ClientCredentialsAuth

_PREFIX = "OAUTH_CC_"
_FIELDS = tuple(ClientCredentialsConfig.__annotations__)

_NO_TOKEN_YET = "<token>"  # no token can look like this (RFC 6750 §2.1)

_FIELD_FIRST = re.compile(rf"^('?)({'|'.join(_FIELDS)})\b", re.IGNORECASE)
_CLIENT_MISSING = re.compile(r"client_(id|secret)\b.* missing or blank", re.IGNORECASE)
_SWITCH = re.compile(r"pass allow_insecure_http=True(?: to \w+| together with token_url)?")


def auth_for(client_id: str | None, client_secret: str | None) -> HTTPieAuth | Misconfigured:
    """The auth object for a run of HTTPie; what is given replaces the id and the secret of the environment."""
    try:
        if not client_id and client_secret is None:
            config = ClientCredentialsConfig.from_env(_PREFIX)
        else:
            config = _config(client_id, client_secret)
        return HTTPieAuth.from_config(config)
    except ConfigurationError as error:
        message = _in_terms_of_httpie(str(error))
    return Misconfigured(message)


def kept_in_session(client_id: str | None) -> str:
    """What a session file is to keep of ``--auth``: the id, never the secret.

    Not None, which HTTPie cannot read back. An id with a colon would be read back as id and secret.
    """
    return "" if client_id is None or ":" in client_id else client_id


def _config(client_id: str | None, client_secret: str | None) -> ClientCredentialsConfig:
    with suppress(ConfigurationError):
        ClientCredentialsConfig.from_env(_PREFIX)  # it warns of misspelt variables
    settings = {name.upper(): os.environ.get(f"{_PREFIX}{name.upper()}") for name in _FIELDS}
    if client_secret is None and settings["CLIENT_ID"] not in (None, "", client_id):
        # The secret in the environment belongs to the id that is there.
        raise ConfigurationError(
            f"the session has the client id {client_id!r} and no secret, and {_PREFIX}CLIENT_ID is another one: pass "
            f"--auth {client_id}"
        )
    settings["CLIENT_ID"] = client_id or settings["CLIENT_ID"]
    if client_secret is not None:
        settings["CLIENT_SECRET"] = client_secret
    return ClientCredentialsConfig.from_mapping(settings)


class HTTPieAuth(ClientCredentialsAuth):
    """The auth object of one run of HTTPie."""

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Attach the token; with ``--offline`` say where it goes, and ask nobody for one."""
        if _is_offline():
            r.headers[self.config.header_name] = self.config.header_value_pattern.replace("%s", _NO_TOKEN_YET)
            return r
        return super().__call__(r)

    def _make_transport(self, token_client: Any) -> RequestsTransport:
        return _HTTPieTransport(requests, token_client)


class _HTTPieTransport(RequestsTransport):
    def error_class(self, error: TokenError) -> type[Exception]:
        """Never Timeout: HTTPie would name its own --timeout and forget our message."""
        return requests.RequestException

    def for_caller(self, error: TokenError, request: Any = None, header_name: str = "") -> TokenError:
        """The error in the terms of HTTPie."""
        return super().for_caller(with_message(error, _in_terms_of_httpie(error.message)), request, header_name)


class Misconfigured:
    """Takes the place of an auth object that cannot be made, and says why once a request is prepared."""

    def __init__(self, message: str) -> None:
        self._message = message

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Raise the ConfigurationError."""
        raise ConfigurationError(self._message)


def _in_terms_of_httpie(message: str) -> str:
    """`message` about a field and the arguments of a class, about the variables to set instead."""
    if _CLIENT_MISSING.search(message):
        message += "; or pass --auth ID[:SECRET], where a secret that is left out is asked for"
    message = _FIELD_FIRST.sub(lambda found: f"{found[1]}{_PREFIX}{found[2].upper()}", message)
    return _SWITCH.sub(f"set {_PREFIX}ALLOW_INSECURE_HTTP=true", message)


def _is_offline() -> bool:
    """True where HTTPie only shows the request. It tells a plugin nothing of its options, but its parser has them."""
    from httpie.cli.definition import parser  # pyright: ignore[reportMissingTypeStubs]  # HTTPie has none

    return bool(getattr(getattr(parser, "args", None), "offline", False))
