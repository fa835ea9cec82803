"""Sentry: its reports show the locals of every frame, and those of ours hold no secret."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from oauth_cc_auth import ClientAuthentication, Credentials, TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import HTTPX, HTTPX2, REQUESTS, ClientKind, for_clients
from tests.packages.support import package

SECRET = "s3cr3t-0123"
three_clients = for_clients(REQUESTS, HTTPX, HTTPX2)


class LimitError(BaseException):
    """What passes through."""


class Ending(ClientAuthentication):
    """A strategy in which a limit strikes."""

    def credentials_for(self, context: Any) -> Credentials:
        raise LimitError


@pytest.fixture
def reports() -> Iterator[list[Any]]:
    """What Sentry would send."""
    sentry, transport = package("sentry_sdk"), package("sentry_sdk.transport")
    sent: list[Any] = []

    class Kept(transport.Transport):  # type: ignore[misc,name-defined]
        def capture_envelope(self, envelope: Any) -> None:
            sent.append(envelope.get_event())

    sentry.init(
        transport=Kept(), dsn="https://key@sentry.example/1", default_integrations=False, max_value_length=10**6
    )
    yield sent
    sentry.get_client().close()


def frames_of_ours(report: Any) -> list[Any]:
    """The frames of the package, as they are reported."""
    traces = [value["stacktrace"]["frames"] for value in report["exception"]["values"]]
    frames = [frame for trace in traces for frame in trace if frame["module"].startswith("oauth_cc_auth.")]
    assert frames
    assert all(frame["vars"] for frame in frames)
    return frames


def seen_in(frames: list[Any], server: LoopbackServer) -> list[str]:
    basic = base64.b64encode(f"client:{SECRET}".encode()).decode()
    shown = json.dumps(frames)
    return [secret for secret in (SECRET, basic, *server.issued) if secret in shown]


@three_clients
def test_an_exception_that_passes_through(client: ClientKind, oauth_server: LoopbackServer, reports: list[Any]) -> None:
    """From code that is asked for credentials, after the secret has come from a callable."""
    auth = client.auth_class(oauth_server.token_url, "client", lambda: SECRET, client_authentication=Ending())
    with client.session(auth=auth) as session, pytest.raises(LimitError) as caught:
        session.request("GET", oauth_server.api_url)
    package("sentry_sdk").capture_exception(caught.value)
    (report,) = reports
    frames = frames_of_ours(report)
    assert "token_request" in [frame["function"] for frame in frames]
    assert seen_in(frames, oauth_server) == []


@three_clients
def test_an_exception_in_a_hook(client: ClientKind, oauth_server: LoopbackServer, reports: list[Any]) -> None:
    """When the token is there."""

    def end(event: object) -> None:
        raise LimitError

    oauth_server.client_secret = SECRET
    auth = client.auth_class(oauth_server.token_url, "client", lambda: SECRET, on_event=end)
    with client.session(auth=auth) as session, pytest.raises(LimitError) as caught:
        session.request("GET", oauth_server.api_url)
    package("sentry_sdk").capture_exception(caught.value)
    (report,) = reports
    assert len(oauth_server.issued) == 1
    assert seen_in(frames_of_ours(report), oauth_server) == []


@three_clients
def test_an_error_of_ours(client: ClientKind, oauth_server: LoopbackServer, reports: list[Any]) -> None:
    auth = client.auth_class(oauth_server.token_url, "client", lambda: SECRET)
    with client.session(auth=auth) as session, pytest.raises(TokenError) as caught:
        session.request("GET", oauth_server.api_url)
    package("sentry_sdk").capture_exception(caught.value)
    (report,) = reports
    assert seen_in(frames_of_ours(report), oauth_server) == []
    assert "invalid_client" in report["exception"]["values"][-1]["value"]


def test_an_error_of_the_api_while_it_is_asked_again(oauth_server: LoopbackServer, reports: list[Any]) -> None:
    """In requests, the second request is sent from a frame of ours."""
    oauth_server.client_secret = SECRET
    auth = REQUESTS.auth_class(oauth_server.token_url, "client", SECRET)
    oauth_server.api.next(Answer(401), Answer.dropped())
    with pytest.raises(requests.ConnectionError) as caught:
        requests.get(oauth_server.api_url, auth=auth)
    package("sentry_sdk").capture_exception(caught.value)
    (report,) = reports
    frames = frames_of_ours(report)
    assert "_send_again" in [frame["function"] for frame in frames]
    assert len(oauth_server.issued) == 2
    assert seen_in(frames, oauth_server) == []
