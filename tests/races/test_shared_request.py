"""Promise 9 if several threads or tasks send one and the same request object."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import requests

from oauth_cc_auth.testing import LoopbackServer, RecordedRequest
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.scenes import LIMIT, auth_of

SENDERS = 8


class LateRefusals:
    """Refuses the revoked token for all senders at once, but answers half of them only after the renewal."""

    def __init__(self, revoked: str) -> None:
        self._revoked = revoked
        self._arrived = threading.Barrier(SENDERS)
        self._numbers = itertools.count()
        self._renewed = threading.Event()

    def __call__(self, request: RecordedRequest) -> None:
        if request.token != self._revoked:
            self._renewed.set()
            return
        number = next(self._numbers)
        self._arrived.wait(LIMIT)
        if number % 2:
            self._renewed.wait(LIMIT)


def statuses(client: ClientKind, session: Any, url: str) -> list[int]:
    """The statuses that all senders of one request get."""
    if client.is_async:
        received: list[int] = []
        request = session._client.build_request("GET", url)

        async def send() -> None:
            received.append((await session._client.send(request)).status_code)

        async def send_all() -> None:
            async with anyio.create_task_group() as tasks:
                for _ in range(SENDERS):
                    tasks.start_soon(send)

        session.call(send_all)
        return received

    library_client = session._session if client is REQUESTS else session._client
    if client is REQUESTS:
        library_client.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=SENDERS))
        prepared = library_client.prepare_request(requests.Request("GET", url))
    else:
        prepared = library_client.build_request("GET", url)
    with ThreadPoolExecutor(SENDERS) as pool:
        return [
            future.result(LIMIT).status_code
            for future in [pool.submit(library_client.send, prepared) for _ in range(SENDERS)]
        ]


@each_client
def test_everyone_who_sends_a_request_with_a_revoked_token_gets_an_answer(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Even one whose refusal arrives when another has renewed the token already."""
    with client.session(auth_of(client, oauth_server)) as session:
        revoked = session.get_token().access_token
        oauth_server.revoke_all()
        oauth_server.api.always(LateRefusals(revoked))
        assert statuses(client, session, oauth_server.api_url) == [200] * SENDERS
    # In requests all senders share one object, in which a late refusal could pass for one of the new token.
    assert len(oauth_server.token_requests) == 2
