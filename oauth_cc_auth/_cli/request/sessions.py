"""The library's own objects, made from the settings, as a program that uses it would have them."""

from __future__ import annotations

from typing import Any

import requests

from oauth_cc_auth._cli.cache import check_can_be_shared
from oauth_cc_auth._cli.settings.given import CommandSettings, Given, certificate_of
from oauth_cc_auth._version import __version__
from oauth_cc_auth.requests import ClientCredentialsAuth

from .exchange_log import ExchangeLog, LoggedAdapter, LoggedAuth
from .presenting import PresentingAdapter


def auth_from(settings: CommandSettings, log: ExchangeLog | None, cache: Given | None) -> ClientCredentialsAuth:
    """The auth object; one that shows where its tokens come from if there is a `log`.

    Args:
        cache: The store where runs share their token, and what asked for it; None for no store.

    Raises:
        ConfigurationError: a token of these settings cannot be shared; the message begins with what asked for that.
    """
    arguments: dict[str, Any] = dict(settings.behaviour)
    if cache is not None:
        check_can_be_shared(settings, cache)
        arguments["store"] = cache.value
    if log is None:
        return ClientCredentialsAuth.from_config(settings.config, **arguments)
    arguments |= {"log": log, "on_event": log.event}
    return LoggedAuth.from_config(settings.config, **arguments)


def session_from(settings: CommandSettings, log: ExchangeLog | None, cache: Given | None) -> requests.Session:
    """A session with that auth object; one that shows its requests if there is a `log`.

    Raises:
        ConfigurationError: as `auth_from`.
    """
    session = requests.Session()
    session.auth = auth_from(settings, log, cache)
    session.headers["User-Agent"] = f"oauth-cc-auth/{__version__}"
    where = settings.config.header_name, certificate_of(settings.config)
    for scheme in ("https://", "http://"):
        session.mount(scheme, PresentingAdapter(*where) if log is None else LoggedAdapter(log, *where))
    return session
