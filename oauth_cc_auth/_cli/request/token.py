"""The token for other programs: ``oauth-cc-auth token``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from math import floor

from oauth_cc_auth._cli.settings.given import CommandSettings, Given
from oauth_cc_auth._cli.terminal import console
from oauth_cc_auth._cli.terminal.exit import OK, CommandError
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._redact.redact import shown_url
from oauth_cc_auth._token import Token

from .exchange_log import ExchangeLog
from .sessions import auth_from

Form = Callable[[Token, ClientCredentialsConfig], str]


def run(settings: CommandSettings, *, form: Form, log: ExchangeLog | None = None, cache: Given | None = None) -> int:
    """Fetch a token and print it in one of the forms below. Returns the exit status.

    Raises:
        CommandError: no one could use the token, since it would be bound to a key that ends with this process.
        ConfigurationError: the token cannot be kept in `cache`.
        TokenError: there is none.
    """
    auth = auth_from(settings, log, cache)
    _check_is_of_use(settings.config)
    with console.progress(f"asking {shown_url(settings.config.source_url)} for a token"):
        token = auth.get_token()
    sys.stdout.write(f"{form(token, settings.config)}\n")
    return OK


def _check_is_of_use(config: ClientCredentialsConfig) -> None:
    """Warn that a token needs proofs (RFC 9449 §7), and refuse one for which no one can make them."""
    if config.dpop is None:
        return
    if config.dpop.is_made_here:
        raise CommandError(
            "token cannot print a token that is bound to a key of this process, since no API would accept it: use "
            "`oauth-cc-auth request` to send the request, or pass --dpop a file with a key"
        )
    console.warning(
        "the token is bound to a key (DPoP): each request needs a proof by that key too, as `oauth-cc-auth request` "
        "sends it"
    )


def plain(token: Token, config: ClientCredentialsConfig) -> str:
    """The token itself."""
    return token.access_token


def header(token: Token, config: ClientCredentialsConfig) -> str:
    """The header of an API request, as ``curl -H`` takes it."""
    return f"{config.header_name}: {str(config.header_value_pattern).replace('%s', token.access_token)}"


def as_json(token: Token, config: ClientCredentialsConfig) -> str:
    """An object. Times are whole seconds, rounded down, so that no program uses a token that has ended."""
    ends = token.expires_at
    return json.dumps(
        {
            "access_token": token.access_token,
            "token_type": token.token_type,
            "expires_at": None if ends is None else floor(ends),
            "expires_in": None if ends is None else max(0, floor(ends - time.time())),
            "scope": token.scope,
        },
        indent=2,
    )
