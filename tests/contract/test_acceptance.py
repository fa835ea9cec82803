"""Promise 10: which answers of an API show that it accepted the token, and which say nothing about it."""

from __future__ import annotations

import itertools

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import ClientKind, each_client
from tests.contract.scenes import Scene, scene

REQUESTS_SENT = 20
REFUSAL = Answer.error("invalid_token", status=401)


def alternate(s: Scene, status: int) -> None:
    """Make the API refuse the first attempt of each request and answer `status` to the second."""
    answers = itertools.cycle((REFUSAL, Answer(status)))
    s.server.api.always(lambda request: next(answers))


@each_client
def test_a_redirect_to_a_page_that_refuses_accepts_nothing(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """An API that redirects every request to a login page refuses it. Its refusals are held."""

    def login(request: RecordedRequest) -> Answer:
        return Answer(401, b"never") if request.path == "/api/login" else Answer.redirect("/api/login")

    with scene(client, oauth_server, follow_redirects=True) as s:
        s.server.api.always(login)
        assert [s.get().status for _ in range(REQUESTS_SENT)] == [401] * REQUESTS_SENT
        assert s.token_requests == 3


@each_client
def test_a_chain_of_redirects_and_refusals_is_held_too(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Each hop of a chain refuses, then redirects. That costs token requests for two refusals, not for each hop."""

    refused: dict[str, bool] = {}

    def chain(request: RecordedRequest) -> Answer:
        path = request.path
        refused[path] = not refused.get(path, False)
        if refused[path]:
            return REFUSAL
        return Answer.redirect(path + "x" if len(path) < 15 else "/api/end")

    with scene(client, oauth_server, follow_redirects=True) as s:
        s.server.api.always(chain)
        for _ in range(3):
            s.get("/")
        assert s.token_requests == 3


@pytest.mark.parametrize("status", [307, 401, 407, 408, 425, 429, 500, 502, 503, 504])
@each_client
def test_what_says_nothing_about_the_token_does_not_end_a_row_of_refusals(
    client: ClientKind, oauth_server: LoopbackServer, status: int
) -> None:
    """401, 503, 401, 503 and so on: after two refused tokens, the refusals are held."""
    with scene(client, oauth_server) as s:
        alternate(s, status)
        assert {s.get().status for _ in range(REQUESTS_SENT)} == {401, status}
        assert s.token_requests == 3


@pytest.mark.parametrize("status", [200, 204, 400, 403, 404, 409, 422])
@each_client
def test_an_answer_about_the_request_itself_means_that_the_token_was_taken(
    client: ClientKind, oauth_server: LoopbackServer, status: int
) -> None:
    """An API that answers "no such order" has read the token: each refusal is the first in a row."""
    with scene(client, oauth_server) as s:
        alternate(s, status)
        assert [s.get().status for _ in range(REQUESTS_SENT)] == [status] * REQUESTS_SENT
        assert s.token_requests == 1 + REQUESTS_SENT
