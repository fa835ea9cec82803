"""`_errors`: the tree, and its members that belong to a client library's tree as well."""

from __future__ import annotations

import copy
import pickle
import re
import sys
import threading
from pathlib import Path
from typing import Any, get_args

import httpx
import httpx2
import pytest
import requests

import oauth_cc_auth
from oauth_cc_auth import (
    Attempt,
    ConfigurationError,
    DiscoveryError,
    InsecureRequestError,
    InvalidTokenResponse,
    TokenEndpointError,
    TokenEndpointUnreachable,
    TokenError,
)
from oauth_cc_auth._advice import PYTHON, Advice, Words
from oauth_cc_auth._errors import (
    Reason,
    SettingReason,
    advised,
    advised_setting,
    for_caller,
    joined,
    named,
    remedy_in,
    with_facts,
    with_message,
    worded,
)

ATTEMPTS = (Attempt("client_secret_basic", 401, "invalid_client", "no"),)
CORES = [
    TokenError,
    DiscoveryError,
    TokenEndpointUnreachable,
    TokenEndpointError,
    InvalidTokenResponse,
    InsecureRequestError,
]
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

    def test_facts_that_came_later(self) -> None:
        """They are attributes; the tuple, what it equals and how it is unpacked stay as they were."""
        attempt = Attempt("basic", 503, reason="server_error", retry_after=5.0)
        assert (attempt.reason, attempt.retry_after) == ("server_error", 5.0)
        assert attempt == Attempt("basic", 503) == ("basic", 503, None, None)
        method, status, _, _ = attempt
        assert (method, status) == ("basic", 503)
        assert (Attempt("basic").reason, Attempt("basic").retry_after) == (None, None)

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_pickling(self, protocol: int) -> None:
        """Everything comes back."""
        attempt = Attempt("basic", 503, "busy", "later", reason="server_error", retry_after=5.0)
        for again in (pickle.loads(pickle.dumps(attempt, protocol)), copy.deepcopy(attempt)):  # noqa: S301  # our own
            assert type(again) is Attempt
            assert again == attempt
            assert (again.reason, again.retry_after) == ("server_error", 5.0)

    @pytest.mark.parametrize(
        "old",
        [
            b"ccopy_reg\n_reconstructor\n(coauth_cc_auth\nAttempt\nc__builtin__\ntuple\n(Vbasic\nI401\nNNtR.",
            b"\x80\x02coauth_cc_auth\nAttempt\n(X\x05\x00\x00\x00basicM\x91\x01NNt\x81.",
        ],
    )
    def test_pickles_of_version_0_1(self, old: bytes) -> None:
        """They hold the tuple and nothing else."""
        again = pickle.loads(old.replace(b"tR.", b"ttR.") if b"reconstructor" in old else old)  # noqa: S301  # our own
        assert again == Attempt("basic", 401)
        assert (again.reason, again.retry_after) == (None, None)


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
        """Its attribute raises if none is set, and keeps the one that is set."""
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
        told = with_message(error, "told")
        assert type(told) is core
        assert (told.message, str(told), told.args) == ("told", "told", ("told",))
        assert {**told.__dict__, "message": "message"} == error.__dict__
        assert error.message == "message"


class TestFacts:
    def test_a_remedy(self) -> None:
        """The message is made of both."""
        error = TokenError("it failed", remedy="try again", reason="callable_failed")
        assert (error.problem, error.remedy, error.reason) == ("it failed", "try again", "callable_failed")
        assert str(error) == error.message == "it failed; try again"
        assert error.args == ("it failed; try again",)

    def test_without_any(self) -> None:
        """One message is all that there was to give in version 0.1."""
        error = TokenError("message")
        assert (error.problem, error.remedy, error.reason, error.held_for) == ("message", "", "other", None)

    @pytest.mark.parametrize(
        ("core", "reason"),
        [
            (TokenError, "other"),
            (DiscoveryError, "no_metadata"),
            (TokenEndpointUnreachable, "unreachable"),
            (TokenEndpointError, "rejected"),
            (InvalidTokenResponse, "no_access_token"),
            (InsecureRequestError, "insecure_request"),
        ],
    )
    def test_the_reason_of_a_kind(self, core: type[TokenError], reason: str) -> None:
        """If nothing more is known, it says what its class says."""
        assert core("message").reason == reason

    def test_more_facts(self) -> None:
        """They become part of the message, and the original stays as it is."""
        error = TokenEndpointError("it failed", remedy="try again", attempts=ATTEMPTS)
        more = with_facts(error, attempts=ATTEMPTS * 2, hint=Advice("or stop"), held_for=3.14)
        assert type(more) is TokenEndpointError
        assert (more.problem, more.remedy, more.held_for) == ("it failed", "try again; or stop", 3.14)
        assert more.message == (
            "it failed; try again; or stop. Tried: client_secret_basic: 401 invalid_client (no), 2 times. "
            "Not asked again for 3.1 s (auth.invalidate() ends that)"
        )
        assert (error.message, error.attempts, error.held_for) == ("it failed; try again", ATTEMPTS, None)

    def test_facts_stay_with_the_error(self) -> None:
        """Each call adds to what there is."""
        error = with_facts(TokenError("it failed"), attempts=(Attempt("a"), Attempt("b"), Attempt("a")))
        assert error.message == "it failed. Tried: a: no answer; b: no answer; a: no answer"
        held = with_facts(error, held_for=0.01, hint=Advice("wait"))
        assert held.attempts == error.attempts
        assert held.message.startswith("it failed; wait. Tried: a: no answer; b:")
        assert held.message.endswith("Not asked again for 0.1 s (auth.invalidate() ends that)")
        assert with_facts(held).message == held.message

    def test_in_other_words(self) -> None:
        """Of the facts, each face makes a message; the attributes and a copy keep the words for a program."""
        error = advised(TokenError("it failed"), Advice("set {token_url}"))
        words = Words({"token_url": "the button"}, {"end_of_hold": ""})
        held = with_facts(error, held_for=2)
        assert worded(held, words) == "it failed; set the button. Not asked again for 2.0 s"
        assert (held.remedy, str(error), error.args) == ("set token_url", "it failed; set token_url", (str(error),))
        copied = copy.deepcopy(held)
        assert copied.message == held.message
        assert worded(copied, words) == worded(held, words)

    def test_a_setting_in_other_words(self) -> None:
        """The remedy for one setting may be another one."""
        error = advised_setting(ConfigurationError(field="scope", problem="is odd"), Advice("set {token_url}"))
        assert str(error) == "scope is odd; set token_url"
        assert remedy_in(pickle.loads(pickle.dumps(error)), Words({"token_url": "the URL"}, {})) == "set the URL"  # noqa: S301  # our own

    def test_without_advice(self) -> None:
        """A remedy that no face has other words for is the same everywhere."""
        error = with_facts(TokenError("it failed", remedy="call the {method}"), held_for=2)
        assert worded(error, PYTHON) == error.message
        assert error.message == "it failed; call the {method}. Not asked again for 2.0 s (auth.invalidate() ends that)"
        assert advised(TokenError("it failed"), None).message == "it failed"

    def test_reasons_are_documented(self) -> None:
        """Each in a row of the one list."""
        page = (Path(__file__).parent.parent / "docs" / "errors.md").read_text(encoding="utf-8")
        documented = re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE)  # classes of errors are in another table
        assert documented == [*get_args(Reason), *get_args(SettingReason)]


class TestConfigurationError:
    def test_of_facts(self) -> None:
        """The sentence begins with the setting and ends with the remedy."""
        error = ConfigurationError(field="scope", problem="is odd", remedy="drop it", reason="unknown")
        assert str(error) == "scope is odd; drop it"
        assert (error.field, error.name, error.problem, error.remedy) == ("scope", "scope", "is odd", "drop it")
        assert error.reason == "unknown"

    def test_of_one_message(self) -> None:
        """As in version 0.1."""
        error = ConfigurationError("scope is odd; drop it")
        assert str(error) == error.problem == "scope is odd; drop it"
        assert error.args == ("scope is odd; drop it",)
        assert (error.field, error.name, error.remedy, error.reason) == (None, None, "", "invalid")

    def test_about_no_setting(self) -> None:
        """There need not be one, nor a remedy."""
        assert str(ConfigurationError(problem="the file is empty")) == "the file is empty"

    def test_by_the_name_that_the_person_uses(self) -> None:
        """A label, a variable or an option; and with the remedy that there is in that place."""
        error = ConfigurationError(field="scope", problem="is odd", remedy="drop it", reason="unknown")
        again = named(error, "OAUTH_CC_SCOPE", "unset it")
        assert str(again) == "OAUTH_CC_SCOPE is odd; unset it"
        assert (again.field, again.name, again.reason) == ("scope", "OAUTH_CC_SCOPE", "unknown")
        assert str(named(error, "--scope")) == "--scope is odd; drop it"

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_pickling(self, protocol: int) -> None:
        """Everything comes back."""
        error = ConfigurationError(field="scope", problem="is odd", remedy="drop it", name="--scope")
        for again in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error)):  # noqa: S301  # our own
            assert (str(again), again.args, again.__dict__) == (str(error), error.args, error.__dict__)

    def test_a_pickle_of_version_0_1(self) -> None:
        """It held the message and nothing else."""
        old = b"coauth_cc_auth\nConfigurationError\n(Vscope is odd\ntR."
        assert str(pickle.loads(old)) == "scope is odd"  # noqa: S301  # our own


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
