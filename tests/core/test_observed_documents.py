"""`_core.observer`: what is told of a store, of what an API says about itself, and of refusals in all words."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from oauth_cc_auth import ApiMetadataRead, StoreFailed, TokenError, TokenFound, TokenRefused
from oauth_cc_auth._core.observer import Observer
from tests.core.test_observer import ABOUT, API, CONFIG, Told


@pytest.fixture(name="told")
def _told(caplog: pytest.LogCaptureFixture) -> Told:
    return Told(caplog)


@pytest.fixture(name="silent")
def _silent() -> Observer:
    """Without a hook."""
    return Observer(CONFIG, None)


@pytest.mark.parametrize(
    ("facts", "told_so"),
    [
        ({"lifetime": 3599.6, "scope": "a b", "renewal": True}, "good for 3600 s"),
        ({"lifetime": 0.0, "scope": None, "renewal": False}, "good for 0 s"),
        ({"lifetime": None, "scope": None, "renewal": True}, "with no known end"),
    ],
)
def test_a_token_in_the_store(told: Told, silent: Observer, facts: dict[str, Any], told_so: str) -> None:
    """At DEBUG: nothing has been fetched."""
    about: dict[str, Any] = {**ABOUT, **facts}
    told.observer.token_found(**facts)
    assert told.events == [TokenFound(**about)]
    silent.token_found(**facts)
    assert told.lines == [("DEBUG", f"token for id found in the store, {told_so}")] * 2


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        (4.6, "the token store is left alone for 5 s, so tokens are not shared: it hangs"),
        (0.0, "the token store: it hangs"),
    ],
)
def test_a_store_that_fails(told: Told, silent: Observer, seconds: float, line: str) -> None:
    """At WARNING, at once; the event is for later, when no lock is held."""
    about: dict[str, Any] = ABOUT
    assert told.observer.store_failed("it hangs", seconds) == (
        StoreFailed(**about, problem="it hangs", seconds=seconds),
    )
    assert silent.store_failed("it hangs", seconds) == ()
    assert told.events == []
    assert told.lines == [("WARNING", line)] * 2


DOCUMENT = "https://api.example.com/.well-known/oauth-protected-resource"


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            {"resource": "https://api.example.com", "scope": "a b"},
            ("INFO", f"{API} says that its tokens are for https://api.example.com, scope a b"),
        ),
        (
            {"resource": "https://api.example.com"},
            ("INFO", f"{API} says that its tokens are for https://api.example.com, scope not named"),
        ),
        ({"problem": "it is no JSON"}, ("WARNING", f"what {API} says about itself is ignored: it is no JSON")),
        (
            {"problem": "it is no JSON", "is_first": False},
            ("DEBUG", f"what {API} says about itself is ignored: it is no JSON"),
        ),
    ],
)
def test_an_api_that_describes_itself(
    told: Told, silent: Observer, said: dict[str, Any], line: tuple[str, str]
) -> None:
    """It is logged at once, at WARNING if it is ignored for the first time; the event is for later."""
    about: dict[str, Any] = {**ABOUT, "origin": str(API), "document_url": DOCUMENT, "resource": None, "scope": None}
    about |= {"problem": None, **{name: value for name, value in said.items() if name != "is_first"}}
    assert told.observer.api_metadata_read(API, DOCUMENT, **said) == (ApiMetadataRead(**about),)
    assert silent.api_metadata_read(API, DOCUMENT, **said) == ()
    assert told.events == []
    assert told.lines == [line] * 2


NEW_TOO = f"{API} refused the token (401); it was a new one too: "


@pytest.mark.parametrize(
    ("outcome", "more", "line"),
    [
        ("renewed", {}, ("DEBUG", f"{API} refused the token (401); the token was renewed")),
        (
            "renewed",
            {"sent_again": True},
            ("DEBUG", f"{API} refused the token (401); the token was renewed; the request is sent again"),
        ),
        (
            "not_renewed",
            {"why": TokenError("no such client")},
            ("WARNING", f"token not renewed after a refusal by {API}: no such client"),
        ),
        (
            "not_renewed",
            {"why": TokenError("no such client"), "is_first": False},
            ("DEBUG", f"token not renewed after a refusal by {API}: no such client"),
        ),
        (
            "refused_again",
            {},
            (
                "WARNING",
                f"{NEW_TOO}check scope, audience (additional_request_data), header_name and header_value_pattern",
            ),
        ),
        (
            "refused_again",
            {"about_certificate": True, "is_first": False},
            (
                "DEBUG",
                f"{NEW_TOO}if tokens are bound to the client certificate, the API wants to see that as well: set "
                "session.cert in requests, or in httpx pass verify= an ssl.SSLContext that presents it; if not, check "
                "scope and audience",
            ),
        ),
    ],
)
def test_a_refusal(told: Told, outcome: Any, more: dict[str, Any], line: tuple[str, str]) -> None:
    """To the letter: it is what people look for."""
    told.observer.token_refused(API, 401, outcome, **more)
    assert told.lines == [line]
    about: dict[str, Any] = {**ABOUT, "origin": str(API), "status_code": 401, "outcome": outcome}
    assert told.events == [TokenRefused(**about, sent_again=more.get("sent_again", False))]


def test_a_hook_of_a_sibling(told: Told) -> None:
    """It is told of the same client; the hook at hand is told by the observer at hand."""
    events: list[Any] = []
    sibling = told.observer.for_hook(events.append)
    sibling.store_failed("it hangs", 0.0)
    sibling.token_found(lifetime=None, scope=None, renewal=False)
    about: dict[str, Any] = ABOUT
    assert events == [TokenFound(**about, lifetime=None, scope=None, renewal=False)]
    assert told.events == []
    told.observer.token_url = "https://login.example.com/found"  # as what an issuer's metadata names is set
    assert told.observer.for_hook(None).token_url == "https://login.example.com/found"
    hook = told.events.append
    observer = Observer(CONFIG, hook)
    assert observer.for_hook(hook) is observer
    assert observer.for_hook(None) is not observer
    assert observer.for_hook(None).store_failed("it hangs", 0.0) == ()


def test_lines_are_those_of_the_package(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    """Programs set its level by name."""
    told.observer.store_failed("it hangs", 0.0)
    assert [(record.name, record.levelno) for record in caplog.records] == [("oauth_cc_auth", logging.WARNING)]
