"""Makes many auth objects. Prints the bytes and microseconds for one more, by name."""

from __future__ import annotations

import gc
import importlib
import json
import sys
import timeit
import tracemalloc
from collections.abc import Callable
from typing import Any

from .kinds import BY_HAND, KINDS, OURS, SIBLING

OBJECTS = 2000
REPEATS, CALLS = 15, 200
TOKEN_URL, CREDENTIALS = "https://login.example.com/oauth2/token", ("client", "secret")

Make = Callable[[], Any]


def _sibling_maker(auth_class: Any) -> Make:
    auth = auth_class(TOKEN_URL, *CREDENTIALS)
    return lambda: auth.with_options(scope="orders:read")


def _requests_makers() -> dict[str, tuple[Make, Make | None]]:
    """How to make each auth object, and how to make what is subtracted."""
    import requests
    from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
    from oauthlib.oauth2 import BackendApplicationClient
    from requests_auth import OAuth2ClientCredentials
    from requests_oauth2client import OAuth2Client, OAuth2ClientCredentialsAuth
    from requests_oauthlib import OAuth2Session

    from oauth_cc_auth.requests import ClientCredentialsAuth

    from .by_hand_requests import BearerAuth

    shared = requests.Session()
    return {
        BY_HAND: (lambda: BearerAuth(TOKEN_URL, *CREDENTIALS, 30, shared), None),
        OURS: (lambda: ClientCredentialsAuth(TOKEN_URL, *CREDENTIALS), None),
        SIBLING: (_sibling_maker(ClientCredentialsAuth), None),
        "Authlib": (
            lambda: AuthlibSession(*CREDENTIALS, token_endpoint=TOKEN_URL, grant_type="client_credentials"),
            requests.Session,
        ),
        "requests-oauthlib": (
            lambda: OAuth2Session(client=BackendApplicationClient(client_id="client")),
            requests.Session,
        ),
        "requests-auth": (lambda: OAuth2ClientCredentials(TOKEN_URL, *CREDENTIALS, session=shared), None),
        "requests_oauth2client": (
            lambda: OAuth2ClientCredentialsAuth(OAuth2Client(TOKEN_URL, auth=CREDENTIALS, session=shared)),
            None,
        ),
    }


def _httpx_makers(library: Any) -> dict[str, tuple[Make, Make | None]]:
    from .by_hand_httpx import bearer_auth

    auth_class = importlib.import_module(f"oauth_cc_auth.{library.__name__}").ClientCredentialsAuth
    by_hand = bearer_auth(library)
    shared = library.Client()
    makers: dict[str, tuple[Make, Make | None]] = {
        BY_HAND: (lambda: by_hand(TOKEN_URL, *CREDENTIALS, 30, shared), None),
        OURS: (lambda: auth_class(TOKEN_URL, *CREDENTIALS), None),
        SIBLING: (_sibling_maker(auth_class), None),
    }
    if library.__name__ == "httpx":
        from httpx_auth import OAuth2ClientCredentials

        makers["httpx-auth"] = (lambda: OAuth2ClientCredentials(TOKEN_URL, *CREDENTIALS, client=shared), None)
    return makers


def _bytes_of_one(make: Make) -> float:
    kept = [make() for _ in range(10)]  # the first object also makes what all others share
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    kept = [None] * OBJECTS
    for index in range(OBJECTS):
        kept[index] = make()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before - sys.getsizeof(kept)) / OBJECTS


def _microseconds_of_one(make: Make) -> float:
    return min(timeit.repeat(make, repeat=REPEATS, number=CALLS)) / CALLS * 1e6


def main(kind: str) -> None:
    """Print it."""
    library = importlib.import_module(KINDS[kind])
    makers = _requests_makers() if library.__name__ == "requests" else _httpx_makers(library)
    figures = {}
    for name, (make, taken_off) in makers.items():
        size, duration = _bytes_of_one(make), _microseconds_of_one(make)
        if taken_off is not None:
            size, duration = size - _bytes_of_one(taken_off), duration - _microseconds_of_one(taken_off)
        figures[name] = {"bytes": size, "microseconds": duration}
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1])
