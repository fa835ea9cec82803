"""Collects what a scenario produces, and finds the secrets in it."""

from __future__ import annotations

import logging
import pickle
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from oauth_cc_auth import Event, TokenError
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import ClientKind, Session
from tests.contract.leaks import (
    CLIENT_ID,
    CLIENT_SECRET,
    MARKS,
    QUERY,
    TOKEN,
    leaks_in,
    leaks_of,
    leaks_of_records,
    settings,
    texts_in,
)
from tests.fake_clock import FakeClock

OURS = "oauth_cc_auth"


class Hunt:
    """One scenario with one client.

    Attributes:
        server: Knows the client with the marked secret, and issues the marked token.
        events: The events that `on_event` received.
        is_quiet: No server echoed anything. Then the hunt also searches the log records of other packages.
        found: Every place that contained a secret.
    """

    def __init__(self, client: ClientKind, server: LoopbackServer) -> None:
        server.client_id, server.client_secret = CLIENT_ID, CLIENT_SECRET
        server.new_token = lambda: TOKEN
        self.client = client
        self.server = server
        self.events: list[Event] = []
        self.found: list[str] = []
        self.is_quiet = False

    def auth(self, **more: Any) -> Any:
        """An auth object with a secret in every setting that can hold one."""
        auth = self.client.auth_class(**{**settings(self.server.token_url), "on_event": self.events.append, **more})
        auth._start(FakeClock())
        return auth

    @contextmanager
    def session(self, auth: Any, *, follow_redirects: bool = False) -> Iterator[Session]:
        """An open session. The server answers normally."""
        self.server.token_endpoint.clear()
        self.server.api.clear()
        with self.client.session(auth, follow_redirects=follow_redirects) as session:
            yield session

    def fails(self, session: Session, call: Callable[[], object] | None = None) -> None:
        """Make a call that ends in an error of ours. By default, it is a request to the API."""
        with pytest.raises(TokenError) as caught:
            call() if call else session.request("GET", self.server.api_url)
        self.raised(caught.value)

    def raised(self, error: Exception) -> None:
        """Search an error, with its chain, notes, attributes and pickled form."""
        self.found += leaks_of(error)

    def shown(self, *things: object) -> None:
        """Search every text form of these objects."""
        self.found += leaks_in(text for thing in things for text in (repr(thing), str(thing), f"{thing}"))

    def pickled_settings(self, auth: Any) -> None:
        """Check that the pickle of an auth object contains no token."""
        pickled = pickle.dumps(auth).decode("latin-1")
        assert MARKS["client_secret"] in pickled
        self.found += [pickled] if MARKS["token"] in pickled else []

    def told(self, records: list[logging.LogRecord], warned: list[warnings.WarningMessage]) -> None:
        """Search log records of all packages, warnings and events."""
        self.found += leaks_of_records(records)
        if self.is_quiet:
            # The client libraries log the URL of each request, including the query.
            others = (record.getMessage().replace(QUERY, "") for record in records if record.name != OURS)
            self.found += leaks_in(others)
        self.found += leaks_in(str(warning.message) for warning in warned)
        for event in self.events:
            self.found += leaks_in([*texts_in(event), pickle.dumps(event).decode("latin-1")])
