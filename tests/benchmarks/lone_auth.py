"""The auth object alone: the calls that the client library makes to it, without the library."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

from .contestants import Contestant, Place
from .in_process import API_URL
from .kinds import FLOOR, KINDS, STATIC_HEADER

Work = Callable[[int], None]

EMPTY, ASSIGNMENT = "nothing", "one header assignment"


def lone_auths(kind: str, everyone: list[Contestant], place: Place) -> Iterator[tuple[str, Work]]:
    """Name and work of each. Subtract `EMPTY`, the loop itself, from all others."""
    library = importlib.import_module(KINDS[kind])
    loops = _RequestsLoops(library) if kind == "requests" else _HttpxLoops(library)
    yield EMPTY, loops.empty
    yield ASSIGNMENT, loops.assigning
    for each in everyone:
        if each.auth_of is None or each.name == FLOOR:
            continue
        session = each.open(place)
        if each.start is not None:
            each.start(session)
        session.get(API_URL)
        yield each.name, loops.calling(each.auth_of(session))


class _RequestsLoops:
    def __init__(self, library: Any) -> None:
        self._request = library.Request("GET", API_URL).prepare()

    def empty(self, count: int) -> None:
        request = self._request
        for _ in range(count):
            request.hooks = {"response": []}

    def assigning(self, count: int) -> None:
        request = self._request
        for _ in range(count):
            request.hooks = {"response": []}
            request.headers["Authorization"] = STATIC_HEADER

    def calling(self, auth: Any) -> Work:
        def work(count: int) -> None:
            request = self._request
            for _ in range(count):
                request.hooks = {"response": []}  # as in a newly prepared request
                auth(request)

        return work


class _HttpxLoops:
    def __init__(self, library: Any) -> None:
        self._request = library.Request("GET", API_URL)
        self._response = library.Response(200, request=self._request)

    def empty(self, count: int) -> None:
        for _ in range(count):
            pass

    def assigning(self, count: int) -> None:
        request = self._request
        for _ in range(count):
            request.headers["Authorization"] = STATIC_HEADER

    def calling(self, auth: Any) -> Work:
        def work(count: int) -> None:
            request, response = self._request, self._response
            for _ in range(count):
                flow = auth.sync_auth_flow(request)
                next(flow)
                try:  # noqa: SIM105  # suppress() costs as much as the flow
                    flow.send(response)
                except StopIteration:
                    pass

        return work
