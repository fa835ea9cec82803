"""The contestants for requests."""

from __future__ import annotations

import threading
from typing import Any

import requests
from requests.auth import AuthBase

from .contestants import Contestant, Place
from .in_process import always_accepted, requests_adapter
from .kinds import BY_HAND, FLOOR, NO_OP_HOOK, OURS, SESSION_HEADERS, STATIC_HEADER

CREDENTIALS = ("client", "secret")


def contestants() -> list[Contestant]:
    """The floor is the first."""
    return [
        Contestant(FLOOR, lambda place: _session(place, _OneHeader())),
        Contestant(NO_OP_HOOK, lambda place: _session(place, _OneHeaderAndHook())),
        Contestant(SESSION_HEADERS, _with_session_headers, auth_of=None),
        Contestant(BY_HAND, _by_hand),
        Contestant(OURS, _ours),
        Contestant("Authlib", _authlib, lambda session: session.token_auth, lambda session: session.fetch_token()),
        Contestant("requests-oauthlib", _requests_oauthlib, None, lambda session: session.fetch_again(None)),
        Contestant("requests-auth", _requests_auth),
        Contestant("requests_oauth2client", _requests_oauth2client),
    ]


class _OneHeader(AuthBase):
    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = STATIC_HEADER
        return r


def _no_op(response: requests.Response, **kwargs: Any) -> requests.Response:
    return response


class _OneHeaderAndHook(AuthBase):
    """The least possible auth that looks at answers."""

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = STATIC_HEADER
        r.hooks["response"] = [_no_op]
        return r


def _at(place: Place, session: requests.Session) -> requests.Session:
    if place.in_process:
        session.mount("https://", requests_adapter(always_accepted()))
    else:
        # A connection for each thread in any measurement, the same for all contestants.
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=100))
    return session


def _session(place: Place, auth: AuthBase) -> requests.Session:
    session = _at(place, requests.Session())
    session.auth = auth
    return session


def _with_session_headers(place: Place) -> requests.Session:
    session = _at(place, requests.Session())
    session.headers["Authorization"] = STATIC_HEADER
    return session


def _by_hand(place: Place) -> requests.Session:
    from .by_hand_requests import BearerAuth

    return _session(place, BearerAuth(place.token_url, *CREDENTIALS, place.leeway, _at(place, requests.Session())))


def _ours(place: Place) -> requests.Session:
    from oauth_cc_auth.requests import ClientCredentialsAuth

    token_client = _at(place, requests.Session()) if place.in_process else None
    auth = ClientCredentialsAuth(
        place.token_url, *CREDENTIALS, token_client=token_client, renew_after=place.renew_after
    )
    return _session(place, auth)


def _authlib(place: Place) -> requests.Session:
    from authlib.integrations.requests_client import OAuth2Session

    session: requests.Session = OAuth2Session(
        *CREDENTIALS, token_endpoint=place.token_url, grant_type="client_credentials", leeway=place.leeway
    )
    return _at(place, session)


def _requests_oauthlib(place: Place) -> requests.Session:
    """As its documentation describes for this grant: when it raises TokenExpiredError, fetch again and repeat.

    A lock serialises that. Without it, every thread would fetch.
    """
    import os

    from oauthlib.oauth2 import BackendApplicationClient, TokenExpiredError
    from requests_oauthlib import OAuth2Session

    if not place.in_process:
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # loopback

    class Renewing(OAuth2Session):  # type: ignore[misc]  # it ships no types
        lock = threading.Lock()

        def fetch_again(self, expired: Any) -> None:
            with self.lock:
                if expired is None or self.token is expired:
                    self.fetch_token(place.token_url, auth=CREDENTIALS)

        def get(self, url: str, **kwargs: Any) -> Any:
            token = self.token
            try:
                return super().get(url, **kwargs)
            except TokenExpiredError:
                self.fetch_again(token)
                return super().get(url, **kwargs)

    session: requests.Session = Renewing(client=BackendApplicationClient(client_id=CREDENTIALS[0]))
    return _at(place, session)


def _requests_auth(place: Place) -> requests.Session:
    from requests_auth import OAuth2ClientCredentials

    token_client = _at(place, requests.Session())
    auth = OAuth2ClientCredentials(place.token_url, *CREDENTIALS, early_expiry=place.leeway, session=token_client)
    return _session(place, auth)


def _requests_oauth2client(place: Place) -> requests.Session:
    from requests_oauth2client import OAuth2Client, OAuth2ClientCredentialsAuth

    client = OAuth2Client(place.token_url, auth=CREDENTIALS, session=_at(place, requests.Session()), testing=True)
    return _session(place, OAuth2ClientCredentialsAuth(client, leeway=place.leeway))
