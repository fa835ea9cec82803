"""CPU times of requests with and without a DPoP proof. Prints, in units of one signature, what each adds.

Each process of a round is a fork of one that has opened everything, and sends the requests of one contestant. So no
contestant runs through code that the interpreter has adapted to another one.

The unit is what a bearer request costs more if the program makes one signature beside it. That is more than in a loop
that does nothing but sign: a signature pushes what the client library needs out of the caches of the processor.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import struct
import sys
import time
from collections.abc import Callable
from statistics import median
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from oauth_cc_auth import DPoP

from .contestants import Contestant, Place
from .cost_work import Work, request_work
from .dpop_by_hand import ProofAuth, sign
from .in_process import ACCESS_TOKEN, always_accepted, httpx_transport, requests_adapter
from .kinds import BY_HAND, KINDS, OURS

WARM_UP, REQUESTS = 200, 400  # in each process
MESSAGE = b"x" * 340  # bytes, about as many as are signed of a proof
BEARER, SIGNING = "bearer", "bearer, and a signature"


def _works(kind: str) -> dict[str, Work]:
    """The work of each contestant, by name."""
    is_async = kind.endswith("async")
    library = importlib.import_module(KINDS[kind])
    auth_class = importlib.import_module(f"oauth_cc_auth.{KINDS[kind]}").ClientCredentialsAuth
    key = ec.generate_private_key(ec.SECP256R1())

    def client(token_type: str = "Bearer", **options: Any) -> Any:
        if kind == "requests":
            session = library.Session()
            session.mount("https://", requests_adapter(always_accepted(), token_type))
            session.auth = options.get("auth")
            return session
        client_class = library.AsyncClient if is_async else library.Client
        return client_class(transport=httpx_transport(library, always_accepted(), token_type), **options)

    def ours(place: Place, **options: Any) -> Any:
        token_client = client("DPoP" if options else "Bearer")
        return client(auth=auth_class(place.token_url, "client", "secret", token_client=token_client, **options))

    def signing(place: Place) -> Any:
        get = ours(place).get

        def sign_and_get(url: str) -> Any:
            sign(key, MESSAGE)
            return get(url)

        return SimpleNamespace(get=sign_and_get)

    openings: dict[str, Callable[[Place], Any]] = {
        BEARER: ours,
        SIGNING: signing,
        BY_HAND: lambda place: client(auth=ProofAuth(key, ACCESS_TOKEN)),
        OURS: lambda place: ours(place, dpop=DPoP(key)),
    }
    return {name: request_work(Contestant(name, opening), is_async=is_async) for name, opening in openings.items()}


def _seconds(work: Work) -> float:
    """CPU time of one request, in a process of its own."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work(WARM_UP)
            started = time.process_time()
            work(REQUESTS)
            os.write(writing, struct.pack("d", (time.process_time() - started) / REQUESTS))
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        written = pipe.read()
    _, status = os.waitpid(pid, 0)
    if status != 0:
        raise RuntimeError(f"a process that sent requests ended with status {status}")
    seconds: float = struct.unpack("d", written)[0]
    return seconds


def main(kind: str, rounds: int) -> None:
    """Print what a proof adds, in signatures, and the seconds of a signature; both from medians."""
    works = _works(kind)
    gc.collect()
    gc.freeze()
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(_seconds(work))
    medians = {name: median(seconds) for name, seconds in taken.items()}
    signature = medians[SIGNING] - medians[BEARER]
    added = {name: (medians[name] - medians[BEARER]) / signature for name in (BY_HAND, OURS)}
    print(json.dumps({"added": added, "signature": signature}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
