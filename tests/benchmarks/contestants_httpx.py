"""The contestants for httpx and httpx2."""

from __future__ import annotations

import importlib
from typing import Any

from .contestants import Contestant, Place
from .in_process import always_accepted, httpx_transport
from .kinds import BY_HAND, FLOOR, OURS, STATIC_HEADER

CREDENTIALS = ("client", "secret")


def contestants(library_name: str, *, is_async: bool) -> list[Contestant]:
    """The floor is the first."""
    library = importlib.import_module(library_name)
    client_class = library.AsyncClient if is_async else library.Client

    def client(place: Place, **options: Any) -> Any:
        return _open(client_class, place, library, **options)

    def by_hand(place: Place) -> Any:
        from .by_hand_httpx import bearer_auth

        auth = bearer_auth(library)(place.token_url, *CREDENTIALS, place.leeway, client(place))
        return client(place, auth=auth)

    def ours(place: Place) -> Any:
        auth_class = importlib.import_module(f"oauth_cc_auth.{library_name}").ClientCredentialsAuth
        token_client = client(place) if place.in_process else None
        auth = auth_class(place.token_url, *CREDENTIALS, token_client=token_client, renew_after=place.renew_after)
        return client(place, auth=auth)

    def httpx_auth(place: Place) -> Any:
        from httpx_auth import OAuth2ClientCredentials

        token_client = _open(library.Client, place, library)  # in async code too: httpx-auth has only a sync one
        auth = OAuth2ClientCredentials(place.token_url, *CREDENTIALS, early_expiry=place.leeway, client=token_client)
        return client(place, auth=auth)

    def authlib(place: Place) -> Any:
        from authlib.integrations import httpx_client

        authlib_class = httpx_client.AsyncOAuth2Client if is_async else httpx_client.OAuth2Client
        return _open(
            lambda **options: authlib_class(*CREDENTIALS, **options),
            place,
            library,
            token_endpoint=place.token_url,
            grant_type="client_credentials",
            leeway=place.leeway,
        )

    # A callable that assigns one header. These libraries accept it as `auth`.
    shared = [
        Contestant(FLOOR, lambda place: client(place, auth=_one_header)),
        Contestant(BY_HAND, by_hand),
        Contestant(OURS, ours),
    ]
    if library_name == "httpx":
        return [*shared, Contestant("httpx-auth", httpx_auth)]
    # If both libraries are installed, Authlib uses httpx2.
    return [
        *shared,
        Contestant("Authlib", authlib, lambda session: session.token_auth, lambda session: session.fetch_token()),
    ]


def _one_header(request: Any) -> Any:
    request.headers["Authorization"] = STATIC_HEADER
    return request


def _open(client_class: Any, place: Place, library: Any, **options: Any) -> Any:
    if place.in_process:
        options["transport"] = httpx_transport(library, always_accepted())
    else:
        # A connection for each caller in any measurement, the same for all contestants.
        options["limits"] = library.Limits(max_connections=100, max_keepalive_connections=100)
        options["timeout"] = 300  # a thousand tasks wait long for a connection
    return client_class(**options)
