"""OpenTelemetry: its instrumentations see our token requests, and none of our secrets."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from oauth_cc_auth import TokenEndpointError
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import HTTPX, HTTPX_ASYNCIO, REQUESTS, ClientKind, for_clients
from tests.packages.support import RENEWED, package, talk

three_clients = for_clients(REQUESTS, HTTPX, HTTPX_ASYNCIO)


@pytest.fixture
def exporter() -> Iterator[Any]:
    """Keeps the spans of all requests."""
    requests, httpx = (package(f"opentelemetry.instrumentation.{name}") for name in ("requests", "httpx"))
    sdk, export = package("opentelemetry.sdk.trace"), package("opentelemetry.sdk.trace.export")
    exporter = package("opentelemetry.sdk.trace.export.in_memory_span_exporter").InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    instrumentors = [requests.RequestsInstrumentor(), httpx.HTTPXClientInstrumentor()]
    for each in instrumentors:
        each.instrument(tracer_provider=provider)
    yield exporter
    for each in instrumentors:
        each.uninstrument()
    provider.shutdown()


@three_clients
def test_every_request_has_a_span(client: ClientKind, oauth_server: LoopbackServer, exporter: Any) -> None:
    auth = client.auth_class(oauth_server.token_url, "client", "s3cret")
    oauth_server.client_secret = "s3cret"
    with client.session(auth=auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).status == 200
    assert talk(oauth_server) == RENEWED
    spans = exporter.get_finished_spans()
    methods = [span.name.partition(" ")[0] for span in spans]
    # In requests it looks at whole calls of a session, and at nothing that is sent within one; in httpx at transports.
    gets, posts = (2, 1) if client is REQUESTS else (3, 2)
    assert sorted(methods) == ["GET"] * gets + ["POST"] * posts

    shown = "".join(span.to_json() for span in spans)
    basic = base64.b64encode(b"client:s3cret").decode()
    assert oauth_server.token_url in shown
    assert [secret for secret in ("s3cret", basic, *oauth_server.issued) if secret in shown] == []


@three_clients
def test_a_failure_is_recorded_without_a_secret(
    client: ClientKind, oauth_server: LoopbackServer, exporter: Any
) -> None:
    """A span in which an error of ours ends has the whole traceback, and its words."""
    provider = package("opentelemetry.sdk.trace").TracerProvider()
    tracer = provider.get_tracer("tests")
    auth = client.auth_class(oauth_server.token_url, "client", "s3cret")
    with (
        client.session(auth=auth) as session,
        pytest.raises(TokenEndpointError),
        tracer.start_as_current_span("order") as span,
    ):
        session.request("GET", oauth_server.api_url)
    (event,) = span.events
    assert "TokenEndpointError" in event.attributes["exception.type"]
    basic = base64.b64encode(b"client:s3cret").decode()
    assert [secret for secret in ("s3cret", basic) if secret in span.to_json()] == []
    provider.shutdown()
