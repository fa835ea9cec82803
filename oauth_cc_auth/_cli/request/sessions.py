"""The library's own objects, made from the settings, as a program that uses it would have them."""

from __future__ import annotations

from typing import Any

import requests

from oauth_cc_auth._cli.settings.given import CommandSettings
from oauth_cc_auth._version import __version__
from oauth_cc_auth.requests import ClientCredentialsAuth

from .exchange_log import ExchangeLog, LoggedAdapter, LoggedAuth


def auth_from(settings: CommandSettings, log: ExchangeLog | None) -> ClientCredentialsAuth:
    """The auth object; one that shows its token requests if there is a `log`."""
    if log is None:
        return ClientCredentialsAuth.from_config(settings.config, **settings.behaviour)
    arguments: dict[str, Any] = {**settings.behaviour, "log": log}
    return LoggedAuth.from_config(settings.config, **arguments)


def session_from(settings: CommandSettings, log: ExchangeLog | None) -> requests.Session:
    """A session with that auth object; one that shows its requests if there is a `log`."""
    session = requests.Session()
    session.auth = auth_from(settings, log)
    session.headers["User-Agent"] = f"oauth-cc-auth/{__version__}"
    if log is not None:
        for scheme in ("https://", "http://"):
            session.mount(scheme, LoggedAdapter(log, settings.config.header_name))
    return session
