"""Sends requests, then lets the API refuse tokens. Prints by how many bytes the process grows in both."""

from __future__ import annotations

import gc
import importlib
import json
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .contestants import Place, contestants
from .in_process import API_URL, TOKEN_URL, httpx_transport, refused_every_other_time, requests_adapter
from .kinds import KINDS, OURS

Work = Callable[[int], None]


# After the warm-up, the client libraries have filled their caches. It has several parts with a collection after each: a
# collection also empties the interpreter's lists of free objects, and a few are needed until the figures are stable.
WARM_UP = (1000, 1000, 1000)


def _growth(work: Work, count: int) -> int:
    """Bytes by which traced memory grows in `count` runs, after a warm-up."""
    tracemalloc.start()
    for part in WARM_UP:
        work(part)
        gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    work(count)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return after - before


def _calls(kind: str, session: Any) -> Work:
    """The calls of a client library to the auth object for each request. Without the library, they take seconds."""
    library = importlib.import_module(KINDS[kind])
    if kind != "requests":
        request = library.Request("GET", API_URL)
        response = library.Response(200, request=request)

        def flow_through(count: int) -> None:
            for _ in range(count):
                flow = session.auth.sync_auth_flow(request)
                next(flow)
                with suppress(StopIteration):
                    flow.send(response)

        return flow_through

    prepared = library.Request("GET", API_URL).prepare()
    answer = library.Response()
    answer.status_code, answer.request = 200, prepared

    def call(count: int) -> None:
        for _ in range(count):
            prepared.hooks = {"response": []}
            session.auth(prepared)
            for hook in prepared.hooks["response"]:
                hook(answer, stream=False, timeout=None, verify=True, cert=None, proxies={})

    return call


def _renewals(kind: str, session: Any) -> Work:
    """The API refuses every token after its first use, so each request but the first renews."""
    library = importlib.import_module(KINDS[kind])
    if kind == "requests":
        session.mount("https://", requests_adapter(refused_every_other_time()))
    else:
        session = library.Client(auth=session.auth, transport=httpx_transport(library, refused_every_other_time()))

    def renew(count: int) -> None:
        for _ in range(count):
            response = session.get(API_URL)
            if response.status_code != 200 or len(response.history) != 1:
                raise RuntimeError(f"expected a renewal, got {response} after {response.history}")

    return renew


def main(kind: str, requests: int, renewals: int) -> None:
    """Print both."""
    (ours,) = (each for each in contestants(kind) if each.name == OURS)
    session = ours.open(Place(TOKEN_URL, API_URL, leeway=30, in_process=True))
    session.get(API_URL)
    growth = {
        "requests": _growth(_calls(kind, session), requests),
        "renewals": _growth(_renewals(kind, session), renewals),
    }
    print(json.dumps(growth))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
