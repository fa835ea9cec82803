"""Fetches a first token and sends a POST by hand, alternately. Prints the median ratio and the seconds of a POST."""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from statistics import median

from .loopback import loopback

CREDENTIALS = ("client", "secret")


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main(kind: str, rounds: int) -> None:
    """Print both."""
    library = importlib.import_module(kind)
    auth_class = importlib.import_module(f"oauth_cc_auth.{kind}").ClientCredentialsAuth
    # Without certificates: httpx reads them slowly, and we do not read them for plain http on loopback.
    new_client = library.Session if kind == "requests" else lambda: library.Client(verify=False)
    with loopback(0.0, 3600) as server:
        form = {"grant_type": "client_credentials"}

        def post() -> None:
            with new_client() as client:
                client.post(server.token_url, data=form, auth=CREDENTIALS, timeout=10).json()

        def first_token() -> None:
            auth_class(server.token_url, *CREDENTIALS).get_token()

        post()
        first_token()
        times = [(_seconds(post), _seconds(first_token)) for _ in range(rounds)]
    print(json.dumps({"ratio": median(ours / bare for bare, ours in times), "post": median(bare for bare, _ in times)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
