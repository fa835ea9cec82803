"""Promise 8 with requests-mock, which holds a lock while a session sends, hooks included."""

from __future__ import annotations

import threading

import pytest
import requests
import requests_mock

from tests.fake_clock import FakeClock
from tests.mocked_network import API_URL, accepts_from

SWITCH = "OAUTH_CC_RENEW_IN_BACKGROUND"


@pytest.fixture(autouse=True)
def _switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWITCH, raising=False)


def test_an_aging_token_is_renewed_by_the_request(network: requests_mock.Mocker, session: requests.Session) -> None:
    """In another thread, its token request would wait for the lock, and the hook of the refused request for it."""
    clock = FakeClock()
    session.auth._start(clock)  # type: ignore[union-attr]  # our own
    network.get(API_URL, text=accepts_from("one", "three"))
    assert session.get(API_URL).text == "Bearer one"
    clock.advance(0.85 * 3600)
    network.get(API_URL, text=accepts_from("three"))
    before = threading.active_count()
    assert session.get(API_URL).text == "Bearer three"
    assert threading.active_count() == before


def test_it_may_be_renewed_in_the_background_otherwise(session: requests.Session) -> None:
    """Also if a package has wrapped `Session.send` as OpenTelemetry does, under its own name."""
    transport = session.auth._transport  # type: ignore[union-attr]  # our own
    assert transport.can_renew_in_background()
    with requests_mock.Mocker():
        assert not transport.can_renew_in_background()
    assert transport.can_renew_in_background()
