"""Promise 18: no secret and no token in anything that is shown, raised, logged or pickled, whoever put it there.

Every scenario there is, with marked secrets and tokens, and a search through all that comes to light.
"""

from __future__ import annotations

import logging
import pickle
import warnings

import pytest

from oauth_cc_auth import HeldOff
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.leak_hunt import Hunt
from tests.contract.leak_scenarios import SCENARIOS
from tests.contract.leaks import CLIENT_SECRET, TOKEN, basic_blobs, leaks_in, leaks_of, leaks_of_records, texts_in

EVENTS = {"FallbackTried", "FetchFailed", "HeldOff", "TokenObtained", "TokenRefused"}


@each_client
def test_nothing_leaks(client: ClientKind, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    """Log records (of everybody, at DEBUG), exceptions, reprs, warnings, events, pickles, and what is printed."""
    caplog.set_level(logging.DEBUG)
    found: dict[str, list[str]] = {}
    kinds: set[str] = set()
    for scenario in SCENARIOS:
        caplog.clear()
        with LoopbackServer() as server, warnings.catch_warnings(record=True) as warned:
            hunt = Hunt(client, server)
            scenario(hunt)
        hunt.told(caplog.records, warned)
        kinds |= {type(event).__name__ for event in hunt.events}
        found[scenario.__name__] = hunt.found
    assert found == {scenario.__name__: [] for scenario in SCENARIOS}
    # A header of its own follows a redirect in httpx if there is no guard.
    assert kinds == EVENTS | (set() if client is REQUESTS else {"TokenLeaked"})
    assert leaks_in(capfd.readouterr()) == []


def test_the_search_finds_what_there_is_to_find(oauth_server: LoopbackServer) -> None:
    """The test above can fail: a context, an attribute, a note, a log argument, a repr and an event are found."""

    class Holder:
        __slots__ = ("headers",)

        def __init__(self) -> None:
            self.headers = {"a": [basic_blobs()[1].encode()]}

    error = RuntimeError("outer")
    assert leaks_of(error) == []
    error.__context__ = ValueError(CLIENT_SECRET)
    assert leaks_in(texts_in(error))
    error = RuntimeError("outer")
    error.__notes__ = [TOKEN]  # type: ignore[attr-defined]  # Python 3.10 has no add_note
    assert leaks_of(error)
    assert leaks_in(texts_in({"x": Holder()}))
    record = logging.LogRecord("oauth_cc_auth", logging.DEBUG, "", 1, "%.0s", (TOKEN,), None)
    assert leaks_of_records([record])

    def found(record: logging.LogRecord | None = None, event: HeldOff | None = None, shown: object = None) -> int:
        hunt = Hunt(REQUESTS, oauth_server)
        hunt.is_quiet = True
        hunt.events += [event] if event else []
        hunt.shown(shown)
        hunt.told([record] if record else [], [])
        return len(hunt.found)

    assert found() == 0
    assert found(record=logging.LogRecord("httpx", logging.DEBUG, "", 1, "%s", (CLIENT_SECRET,), None)) == 1
    assert found(event=HeldOff(token_url="", client_id=TOKEN, seconds=1, reason="failures", origin=None)) > 0
    assert found(shown=[CLIENT_SECRET]) == 3
    assert TOKEN.encode() in pickle.dumps(TOKEN)
