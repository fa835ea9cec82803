"""`_errors`: the tree, and its members that belong to a client library's tree as well."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
from typing import Any

import httpx
import httpx2
import pytest
import requests

import oauth_cc_auth
from oauth_cc_auth import (
    Attempt,
    ConfigurationError,
    InsecureRequestError,
    InvalidTokenResponse,
    TokenEndpointError,
    TokenEndpointUnreachable,
    TokenError,
)
from oauth_cc_auth._errors import for_caller, joined, with_message

ATTEMPTS = (Attempt("client_secret_basic", 401, "invalid_client", "no"),)
CORES = [TokenError, TokenEndpointUnreachable, TokenEndpointError, InvalidTokenResponse, InsecureRequestError]
LIBRARY_CLASSES: list[type[Exception]] = [
    requests.RequestException,
    requests.ConnectionError,
    requests.Timeout,
    httpx.RequestError,
    httpx.ConnectError,
    httpx.TimeoutException,
    httpx2.RequestError,
    httpx2.ConnectError,
    httpx2.TimeoutException,
]

each_core = pytest.mark.parametrize("core", CORES)
each_library_class = pytest.mark.parametrize("library_class", LIBRARY_CLASSES, ids=lambda cls: repr(cls)[8:-2])


def an_error(core: type[TokenError] = TokenEndpointError) -> TokenError:
    error = core("message", attempts=ATTEMPTS)
    if isinstance(error, TokenEndpointError):
        error.status_code, error.error, error.error_description = 401, "invalid_client", "no"
    return error


def pickled(error: TokenError) -> Any:
    return pickle.loads(pickle.dumps(error))  # noqa: S301  # our own


class TestAttempt:
    @pytest.mark.parametrize(
        ("attempt", "text"),
        [
            (Attempt("basic"), "basic: no answer"),
            (Attempt("basic", None, None, "refused"), "basic: no answer (refused)"),
            (Attempt("basic", 403), "basic: 403"),
            (Attempt("basic", 401, "invalid_client"), "basic: 401 invalid_client"),
            (Attempt("basic", 401, "invalid_client", "no"), "basic: 401 invalid_client (no)"),
            (Attempt("basic", 0), "basic: 0"),
        ],
    )
    def test_str(self, attempt: Attempt, text: str) -> None:
        """One line for a message."""
        assert str(attempt) == text


class TestTree:
    def test_configuration_errors_are_value_errors(self) -> None:
        """And no token errors: they are found at start-up."""
        assert ConfigurationError.__mro__[1] is ValueError
        assert not issubclass(ConfigurationError, TokenError)

    @pytest.mark.parametrize("core", CORES[1:])
    def test_everything_else_is_a_token_error(self, core: type[TokenError]) -> None:
        """One level below it, so that kinds do not overlap."""
        assert core.__bases__ == (TokenError,)

    def test_defaults(self) -> None:
        """What an error does not know is None, or nothing."""
        assert TokenError("message").attempts == ()
        assert TokenEndpointUnreachable("message").timed_out is False
        error = TokenEndpointError("message")
        assert (error.status_code, error.error, error.error_description, error.error_uri) == (None,) * 4

    @each_core
    def test_message(self, core: type[TokenError]) -> None:
        """It is the text, the argument and an attribute."""
        error = an_error(core)
        assert str(error) == error.message == "message"
        assert error.args == ("message",)
        assert repr(error) == f"{core.__name__}('message')"
        assert error.attempts == ATTEMPTS

    @pytest.mark.parametrize("cls", [Attempt, ConfigurationError, *CORES])
    def test_tracebacks_name_what_can_be_imported(self, cls: type[Any]) -> None:
        """Not the private module."""
        assert cls.__module__ == "oauth_cc_auth"
        assert getattr(oauth_cc_auth, cls.__name__) is cls


class TestJoined:
    @each_core
    @each_library_class
    def test_is_both(self, core: type[TokenError], library_class: type[Exception]) -> None:
        """Existing except clauses keep working, and it looks like ours."""
        cls = joined(core, library_class)
        assert issubclass(cls, core)
        assert issubclass(cls, library_class)
        assert (cls.__name__, cls.__module__, cls.__doc__) == (core.__name__, "oauth_cc_auth", core.__doc__)

    def test_is_made_once(self) -> None:
        """Two errors of one kind have one class."""
        assert joined(TokenError, httpx.RequestError) is joined(TokenError, httpx.RequestError)
        assert joined(TokenError, httpx.RequestError) is not joined(TokenError, httpx2.RequestError)

    def test_is_made_once_by_many_threads(self) -> None:
        """Whoever comes second gets what the first has made."""

        class LibraryError(Exception):
            pass

        barrier, made = threading.Barrier(8), list[type[TokenError]]()

        def make() -> None:
            barrier.wait(30)
            made.append(joined(TokenError, LibraryError))

        threads = [threading.Thread(target=make) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(made) == 8
        assert set(made) == {joined(TokenError, LibraryError)}


class TestRaisable:
    @each_core
    @each_library_class
    def test_everything_is_there(self, core: type[TokenError], library_class: type[Exception]) -> None:
        """In an instance of the caller's own."""
        error = an_error(core)
        own, another = for_caller(error, library_class), for_caller(error, library_class)
        assert own is not another
        assert type(own) is joined(core, library_class)
        assert str(own) == own.message == "message"
        assert own.attempts == ATTEMPTS
        if isinstance(own, TokenEndpointError):
            assert (own.status_code, own.error, own.error_description) == (401, "invalid_client", "no")

    def test_timed_out(self) -> None:
        """It comes along."""
        error = TokenEndpointUnreachable("message")
        error.timed_out = True
        own = for_caller(error, requests.Timeout)
        assert isinstance(own, TokenEndpointUnreachable)
        assert own.timed_out

    def test_nothing_is_shared(self) -> None:
        """A request set on one is not on the other."""
        error = an_error()
        own: Any = for_caller(error, requests.RequestException)
        own.request = object()
        assert for_caller(error, requests.RequestException).__dict__["request"] is None
        assert "request" not in error.__dict__

    @pytest.mark.parametrize("library_class", [httpx.RequestError, httpx2.RequestError])
    def test_a_request_of_httpx(self, library_class: type[Exception]) -> None:
        """Its attribute raises where none is set, and keeps what is."""
        own: Any = for_caller(an_error(), library_class)
        with pytest.raises(RuntimeError, match="has not been set"):
            _ = own.request
        own.request = request = httpx.Request("GET", "https://x")
        assert own.request is request


class TestWithMessage:
    @each_core
    def test_another_message(self, core: type[TokenError]) -> None:
        """The kind and everything else stay; the original too."""
        error = an_error(core)
        told = with_message(error, "told", ())
        assert type(told) is core
        assert (told.message, str(told), told.args, told.attempts) == ("told", "told", ("told",), ())
        assert {**told.__dict__, "message": "message", "attempts": ATTEMPTS} == error.__dict__
        assert error.message == "message"

    def test_keeps_the_attempts_unless_others_are_given(self) -> None:
        assert with_message(an_error(), "other").attempts == ATTEMPTS


class TestPickling:
    @each_core
    def test_of_the_core(self, core: type[TokenError]) -> None:
        """Every attribute comes back."""
        error = an_error(core)
        again = pickled(error)
        assert type(again) is core
        assert again.__dict__ == error.__dict__
        assert (str(again), again.args) == ("message", ("message",))

    @each_core
    @each_library_class
    def test_of_a_joined_class(self, core: type[TokenError], library_class: type[Exception]) -> None:
        """It is the very class again, without the request: that may hold files, sockets and secrets."""
        own: Any = for_caller(an_error(core), library_class)
        own.request = threading.Lock()  # what cannot be pickled
        for again in (pickled(own), pickled(pickled(own)), copy.copy(own), copy.deepcopy(own)):
            assert type(again) is type(own)
            assert (str(again), again.attempts) == ("message", ATTEMPTS)
            assert "Lock" not in repr(again.__dict__)

    def test_of_a_subclass_of_ones_own(self) -> None:
        """It stays one."""
        again = pickled(SubclassError("message"))
        assert type(again) is SubclassError

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="notes came with Python 3.11")
    def test_notes(self) -> None:
        """They are part of it."""
        error: Any = an_error()
        error.add_note("note")
        assert pickled(for_caller(error, requests.RequestException)).__notes__ == ["note"]


class SubclassError(TokenError):
    pass
