"""The library's own objects, made from the settings: what a program that uses it would have."""

from __future__ import annotations

import requests

from oauth_cc_auth._cli.settings.given import Settings
from oauth_cc_auth._version import __version__
from oauth_cc_auth.requests import ClientCredentialsAuth

from .trace import Trace, TracedAdapter, TracedAuth


def auth_from(settings: Settings, trace: Trace | None) -> ClientCredentialsAuth:
    """The auth object; one that shows its token requests where there is a `trace`."""
    if trace is None:
        return ClientCredentialsAuth.from_config(settings.config, **settings.behaviour)
    auth = TracedAuth.from_config(settings.config, **settings.behaviour)
    auth.trace = trace
    return auth


def session_from(settings: Settings, trace: Trace | None) -> requests.Session:
    """A session with that auth object; one that shows its requests where there is a `trace`."""
    session = requests.Session()
    session.auth = auth_from(settings, trace)
    session.headers["User-Agent"] = f"oauth-cc-auth/{__version__}"
    if trace is not None:
        for scheme in ("https://", "http://"):
            session.mount(scheme, TracedAdapter(trace, settings.config.header_name))
    return session
