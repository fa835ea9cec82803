"""`_core.observer`: a line in the log and an event for the hook, from one call."""

from __future__ import annotations

import copy
import logging
import pickle
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from oauth_cc_auth import (
    Attempt,
    ClientCredentialsConfig,
    Event,
    FallbackTried,
    FetchFailed,
    HeldOff,
    Token,
    TokenEndpointError,
    TokenError,
    TokenLeaked,
    TokenObtained,
    TokenRefused,
)
from oauth_cc_auth._core.observer import Observer, shown_scope
from oauth_cc_auth._events import RefusalOutcome
from oauth_cc_auth._http.origin import Origin
from oauth_cc_auth._protocol.exchange import TokenRequest

CONFIG = ClientCredentialsConfig("https://login.example.com/token?key=abc", "id", "secret")
URL = "https://login.example.com/token?***"
ABOUT = {"token_url": URL, "client_id": "id"}
API = Origin("https", "api.example.com", 443)


class Told:
    """An observer, with what it logs and reports."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG, "oauth_cc_auth")
        self._caplog = caplog
        self.events: list[Event] = []
        self.observer = Observer(CONFIG, self.events.append)

    @property
    def lines(self) -> list[tuple[str, str]]:
        return [(record.levelname, record.getMessage()) for record in self._caplog.records]


@pytest.fixture(name="told")
def _told(caplog: pytest.LogCaptureFixture) -> Told:
    return Told(caplog)


def an_error() -> TokenEndpointError:
    error = TokenEndpointError("no such client", attempts=(Attempt("client_secret_post", 400, "invalid_client"),))
    error.status_code = 400
    return error


class TestLines:
    @pytest.mark.parametrize(
        ("lifetime", "scope", "told_so"),
        [
            (3600.0, "a b", "good for 3600 s, scope a b"),
            (0.0, None, "good for 0 s"),
            (None, "", "with no known end"),
        ],
    )
    def test_a_token(self, told: Told, lifetime: float | None, scope: str | None, told_so: str) -> None:
        """Method, endpoint, time and lifetime, at INFO."""
        facts: dict[str, Any] = {"method": "client_secret_post", "lifetime": lifetime, "scope": scope}
        facts |= {"elapsed": 1.234, "token_requests": 2, "renewal": True}
        about: dict[str, Any] = {**ABOUT, **facts}
        told.observer.token_obtained(**facts)
        assert told.lines == [
            ("INFO", f"token obtained from {URL} for id by client_secret_post in 1.23 s, {told_so}"),
        ]
        assert told.events == [TokenObtained(**about)]

    @pytest.mark.parametrize(
        ("usable_for", "line"),
        [
            (540.0, ("WARNING", "token not renewed, the old one stays in use and is good for 540 s: no such client")),
            (None, ("DEBUG", "no token for id after 2.50 s: no such client")),
        ],
    )
    def test_a_failure(self, told: Told, usable_for: float | None, line: tuple[str, str]) -> None:
        """A warning only if no exception says so. The event has an error of its own."""
        error = an_error()
        told.observer.fetch_failed(error, elapsed=2.5, renewal=True, usable_for=usable_for)
        assert told.lines == [line]
        (event,) = told.events
        assert isinstance(event, FetchFailed)
        assert event == FetchFailed(**ABOUT, error=event.error, elapsed=2.5, renewal=True, usable_for=usable_for)
        assert event.error is not error
        assert (type(event.error), event.error.__dict__) == (type(error), error.__dict__)

    def test_a_fallback(self, told: Told) -> None:
        """It is logged at once; its event is for later."""
        refused = Attempt("client_secret_basic", 401, "invalid_client")
        (event,) = told.observer.fallback_tried(refused, "client_secret_post")
        assert told.lines == [("DEBUG", "client_secret_basic may not have been recognised; trying client_secret_post")]
        assert told.events == []
        assert event == FallbackTried(
            **ABOUT,
            refused_method="client_secret_basic",
            next_method="client_secret_post",
            status_code=401,
            error="invalid_client",
        )

    @pytest.mark.parametrize(
        ("outcome", "sent_again", "why", "line"),
        [
            ("renewed", True, "", "DEBUG: refused the token (401); the token was renewed; the request is sent again"),
            ("renewed", False, "", "DEBUG: refused the token (401); the token was renewed"),
            ("newer_token", False, "", "DEBUG: refused the token (401); a newer one is there already"),
            ("held", False, "", "DEBUG: refused the token (401); the answer is left as it is, since this origin"),
            ("not_renewed", False, "", "DEBUG: refused the token (401); there is no new one"),
            ("not_renewed", False, "no route", "WARNING: token not renewed after a refusal by https://api.exam"),
            ("refused_again", False, "", "WARNING: refused the token (401); it was a new one too: check scope"),
        ],
    )
    def test_a_refusal(self, told: Told, outcome: RefusalOutcome, sent_again: bool, why: str, line: str) -> None:
        """A warning if the person gets to see the refusal and no exception says why."""
        told.observer.token_refused(API, 401, outcome, sent_again=sent_again, why=TokenError(why) if why else None)
        ((level, text),) = told.lines
        assert f"{level}: {text.removeprefix('https://api.example.com ')}".startswith(line)
        assert ("sent again" in text) == sent_again
        assert told.events == [
            TokenRefused(
                **ABOUT, origin="https://api.example.com", status_code=401, outcome=outcome, sent_again=sent_again
            )
        ]

    def test_holds(self, told: Told) -> None:
        """Endpoint or API, duration and reason."""
        told.observer.held_off(1.0, "failures")
        told.observer.held_off(45.0, "retry_after")
        told.observer.held_off(2.0, "refusals", API)
        assert told.lines == [
            ("DEBUG", f"no token request to {URL} for 1.0 s: they keep failing"),
            ("DEBUG", f"no token request to {URL} for 45.0 s: it asks for that"),
            ("DEBUG", "no renewal after a refusal by https://api.example.com for 2.0 s: it refuses every token"),
        ]
        assert told.events == [
            HeldOff(**ABOUT, seconds=1.0, reason="failures", origin=None),
            HeldOff(**ABOUT, seconds=45.0, reason="retry_after", origin=None),
            HeldOff(**ABOUT, seconds=2.0, reason="refusals", origin="https://api.example.com"),
        ]

    def test_leak(self, told: Told) -> None:
        """The line names the remedy."""
        told.observer.token_leaked(API, Origin("https", "other.example.com", 443), "X-Token")
        (event,) = told.events
        assert event == TokenLeaked(
            **ABOUT, origin="https://api.example.com", target="https://other.example.com", header_name="X-Token"
        )
        assert told.lines == [
            (
                "WARNING",
                "a redirect from https://api.example.com took the header X-Token with the token to "
                "https://other.example.com; the token is renewed. Add auth.redirect_guard to the client's "
                "event_hooks['request'] to prevent this",
            )
        ]

    def test_without_a_hook(self, caplog: pytest.LogCaptureFixture) -> None:
        """The log is the same."""
        caplog.set_level(logging.DEBUG, "oauth_cc_auth")
        observer = Observer(CONFIG, None)
        observer.held_off(2.0, "refusals", API)
        observer.token_leaked(API, API, "X-Token")
        assert len(caplog.messages) == 2
        assert not observer.is_in_hook()


EVENT = HeldOff(**ABOUT, seconds=1.0, reason="failures", origin=None)


class TestHooks:
    def test_one_that_raises(self, caplog: pytest.LogCaptureFixture) -> None:
        """One warning with class and place, and without the message, which may be a secret. It is called again."""
        calls: list[Event] = []

        def broken(event: Event) -> None:
            calls.append(event)
            raise LookupError("hunter2")

        observer = Observer(CONFIG, broken)
        for _ in range(2):
            observer.notify(EVENT)
        assert calls == [EVENT, EVENT]
        (record, _) = caplog.records
        line = broken.__code__.co_firstlineno + 2
        assert record.levelname == "WARNING"
        assert record.getMessage() == (
            f"on_event raised LookupError (broken, test_observer.py:{line}) at HeldOff; nothing else depends on it"
        )
        assert (record.exc_info, record.exc_text) == (None, None)
        assert "hunter2" not in repr(vars(record))

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_what_is_no_exception_passes_through(
        self, error: type[BaseException], caplog: pytest.LogCaptureFixture
    ) -> None:
        """The call of the hook is over then."""

        def interrupt(event: Event) -> None:
            raise error

        observer = Observer(CONFIG, interrupt)
        with pytest.raises(error):
            observer.notify(EVENT)
        assert not observer.is_in_hook()
        assert caplog.records == []

    def test_it_does_not_hear_of_what_it_causes(self, caplog: pytest.LogCaptureFixture) -> None:
        """The log hears of it, and so does the hook of another object."""
        caplog.set_level(logging.DEBUG, "oauth_cc_auth")
        mine: list[Event] = []
        others: list[Event] = []

        def causing(event: Event) -> None:
            mine.append(event)
            observer.held_off(7.0, "failures")
            other.notify(event)

        observer, other = Observer(CONFIG, causing), Observer(CONFIG, others.append)
        observer.notify(EVENT)
        assert (mine, others) == ([EVENT], [EVENT])
        assert len(caplog.messages) == 1

    def test_when_it_is_in_the_hook(self) -> None:
        """In the hook and in what runs in its context, until it returns; for this object and thread only."""
        seen: list[bool] = []
        later: list[Callable[[], bool]] = []

        def looking(event: Event) -> None:
            seen.extend((observer.is_in_hook(), other.is_in_hook(), copy_context().run(observer.is_in_hook)))
            context = copy_context()
            # In Python 3.14 there are builds whose threads inherit the context anyway.
            thread = threading.Thread(target=lambda: seen.append(context.run(observer.is_in_hook)))
            thread.start()
            thread.join(30)
            later.append(lambda: context.run(observer.is_in_hook))

        observer, other = Observer(CONFIG, looking), Observer(CONFIG, None)
        observer.notify(EVENT)
        assert seen == [True, False, True, False]
        assert not observer.is_in_hook()
        assert [task() for task in later] == [False]  # a task that the hook has started runs when it is over

    def test_what_the_hook_started_is_heard_of_when_the_hook_is_over(self) -> None:
        """A task has the context of the hook for good."""
        told: list[Event] = []
        contexts: list[Context] = []

        def starting(event: Event) -> None:
            told.append(event)
            contexts.append(copy_context())

        observer = Observer(CONFIG, starting)
        observer.notify(EVENT)
        contexts[0].run(observer.notify, EVENT)
        assert told == [EVENT] * 2

    def test_a_thread_with_the_context_of_the_hook_does_not_call_it_either(self) -> None:
        """A hook that waits for what it started elsewhere would wait for itself."""
        told: list[Event] = []

        def elsewhere(event: Event) -> None:
            told.append(event)
            context = copy_context()
            thread = threading.Thread(target=lambda: context.run(observer.notify, EVENT))
            thread.start()
            thread.join(30)

        observer = Observer(CONFIG, elsewhere)
        observer.notify(EVENT)
        assert told == [EVENT]


class TestEvents:
    EVENTS = (
        EVENT,
        TokenObtained(**ABOUT, method="x", lifetime=1.0, scope=None, elapsed=0.1, token_requests=1, renewal=False),
        FallbackTried(**ABOUT, refused_method="x", next_method="y", status_code=401, error=None),
        TokenRefused(**ABOUT, origin="https://api.example.com", status_code=401, outcome="held", sent_again=False),
        TokenLeaked(**ABOUT, origin="https://api.example.com", target="https://other.example.com", header_name="X"),
    )

    @pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
    def test_values(self, event: Event) -> None:
        """Immutable, without other attributes, hashable, and equal after pickling and copying."""
        with pytest.raises(FrozenInstanceError):
            event.client_id = "other"  # type: ignore[misc]  # that is what is tested
        with pytest.raises((AttributeError, TypeError)):
            event.more = 1  # type: ignore[attr-defined]  # as above
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(event, protocol)) == event  # noqa: S301  # made here
        assert copy.deepcopy(event) == event
        assert len({event, copy.copy(event)}) == 1

    def test_a_failure_can_be_pickled(self) -> None:
        """The error comes along."""
        event = FetchFailed(**ABOUT, error=an_error(), elapsed=0.1, renewal=False, usable_for=None)
        twin = pickle.loads(pickle.dumps(event))  # noqa: S301  # made here
        assert (type(twin.error), str(twin.error)) == (TokenEndpointError, "no such client")
        assert twin.error.attempts == event.error.attempts

    @pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
    def test_a_later_version_may_add_fields(self, event: Event) -> None:
        """Because they are matched and made by name only."""
        assert isinstance(event, Event)
        assert type(event).__match_args__ == ()
        with pytest.raises(TypeError):
            type(event)(URL, "id")  # type: ignore[call-arg]  # that is what is tested

    def test_matching(self) -> None:
        """By class and by name."""
        match self.EVENTS[1]:
            case TokenObtained(method=method, lifetime=lifetime):
                assert (method, lifetime) == ("x", 1.0)
            case _:
                pytest.fail("it does not match")


class TestShownScope:
    def request(self, scope: str | None = None) -> TokenRequest:
        return TokenRequest(
            url=URL, headers=(), body=b"", method="client_secret_post", scope=scope, secrets=("hunter2",)
        )

    @pytest.mark.parametrize(
        ("granted", "shown"),
        [
            (None, None),
            ("", ""),
            ("a b", "a b"),
            ("hunter2 abcdef old refresh id other", "*** *** *** *** *** other"),
            ("a\nb\x1b[31m\udfff", "a b [31m"),
        ],
    )
    def test_what_a_server_grants(self, granted: str | None, shown: str | None) -> None:
        """Every secret and token of the exchange is masked, and control characters are gone."""
        extra = {"refresh_token": "refresh", "id_token": "id", "more": "other", "access_token": 5}
        assert shown_scope(Token("abcdef", scope=granted, extra=extra), self.request(), "old") == shown

    def test_it_is_cut(self) -> None:
        """A log line is no place for a long text."""
        scope = shown_scope(Token("abcdef", scope="x " * 5000), self.request(), "")
        assert scope is not None
        assert len(scope) == 300

    def test_what_was_asked_for(self) -> None:
        """These are the person's own words, so no one looks for secrets in them; it still is one line."""
        assert shown_scope(Token("abcdef", scope="hunter2\n"), self.request("hunter2\n"), "") == "hunter2"
