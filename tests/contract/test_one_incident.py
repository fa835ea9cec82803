"""Promise 10: many requests that meet one failed renewal are one incident, with one WARNING."""

from __future__ import annotations

import pytest

from oauth_cc_auth import Event, FetchFailed, TokenRefused
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.scenes import scene, statuses_of

CALLERS = 50
OURS = ("oauth_cc_auth", "WARNING")


@pytest.mark.parametrize("token_endpoint", ["is down", "issues what is refused"])
@each_client
def test_fifty_requests_log_one_line(
    client: ClientKind, oauth_server: LoopbackServer, caplog: pytest.LogCaptureFixture, token_endpoint: str
) -> None:
    """The event of the failed fetch comes once, too. That of a refusal is one of each request."""
    events: list[Event] = []
    with scene(client, oauth_server, on_event=events.append) as s:
        s.go_on()
        s.refuse_everything()
        if token_endpoint == "is down":
            oauth_server.token_endpoint.always(Answer(503))
        assert statuses_of(s.session.concurrently(CALLERS, oauth_server.api_url)) == [401] * CALLERS
    warnings = [record.message for record in caplog.records if (record.name, record.levelname) == OURS]
    assert len(warnings) == 1
    failed = [event for event in events if isinstance(event, FetchFailed)]
    assert len(failed) <= 2
    assert len([event for event in events if isinstance(event, TokenRefused)]) >= CALLERS
