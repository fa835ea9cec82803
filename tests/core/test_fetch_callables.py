"""`_core.fetch` and the person's functions that compute what is sent, or read what comes back, without any I/O."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from oauth_cc_auth import InvalidTokenResponse, Token, TokenEndpoint, TokenError
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse
from tests.core.played_endpoint import DROPPED, POST, TOKEN, URL, Endpoint, refusal


def fails(*_: Any) -> Any:
    raise RuntimeError("s3cret")


def form(request: TokenRequest) -> list[tuple[str, str]]:
    return parse_qsl(request.body.decode(), keep_blank_values=True)


def last_token(endpoint: Endpoint, value: str) -> None:
    endpoint.fetcher.last_token = Token(value, token_type=None, expires_at=None, scope=None, extra={})


def name_of(last: Token | None) -> str:
    """For a credential that comes with the last token."""
    return "none" if last is None else last.access_token


class TestValues:
    """Of additional fields and headers."""

    def test_each_request_asks_for_them(self) -> None:
        """What is plain stays in its place."""
        numbers = iter("12345")
        data = {"first": "a", "computed": lambda: next(numbers), "last": "z"}
        headers = {"X-Plain": "p", "X-Computed": lambda: next(numbers)}
        endpoint = Endpoint(additional_request_data=data, additional_headers=headers)
        endpoint.token(DROPPED, TOKEN)
        fields = [[pair for pair in form(request) if pair[0] != "grant_type"] for request in endpoint.sent]
        assert fields == [[("first", "a"), ("computed", number), ("last", "z")] for number in "13"]
        assert [(head["X-Plain"], head["X-Computed"]) for head in (dict(each.headers) for each in endpoint.sent)] == [
            ("p", "2"),
            ("p", "4"),
        ]

    @pytest.mark.parametrize("setting", ["additional_request_data", "additional_headers"])
    def test_in_one_of_the_two(self, setting: str) -> None:
        """The other one is sent as it is."""
        settings: dict[str, Any] = {"additional_request_data": {"plain": "p"}, "additional_headers": {"X-Plain": "p"}}
        settings[setting] = {"X-Computed": lambda: "c"}
        endpoint = Endpoint(**settings)
        endpoint.token(TOKEN)
        (request,) = endpoint.sent
        assert (("plain", "p") in form(request)) == (setting == "additional_headers")
        assert (("X-Plain", "p") in request.headers) == (setting == "additional_request_data")
        assert ("X-Computed", "c") in (*form(request), *request.headers)

    def test_without_any_nothing_is_called(self) -> None:
        endpoint = Endpoint(additional_request_data={"a": "1"}, additional_headers={"X": "1"})
        endpoint.token(TOKEN)
        assert endpoint.calls == []
        assert ("a", "1") in form(endpoint.sent[0])

    @pytest.mark.parametrize("setting", ["additional_request_data", "additional_headers"])
    def test_they_may_see_the_last_token(self, setting: str) -> None:
        """None, if there was none yet."""
        settings: dict[str, Any] = {setting: {"X-Last": name_of}}
        endpoint = Endpoint(**settings)
        endpoint.token(TOKEN)
        assert ("X-Last", "none") in (*form(endpoint.sent[0]), *endpoint.sent[0].headers)
        last_token(endpoint, "abc")
        endpoint.token(TOKEN)
        assert ("X-Last", "abc") in (*form(endpoint.sent[0]), *endpoint.sent[0].headers)

    def test_their_time(self) -> None:
        """All of them together have what the deadline leaves."""
        endpoint = Endpoint(additional_request_data={"a": lambda: "1"}, additional_headers={"X": lambda: "1"})
        endpoint.each_takes = 10.0
        endpoint.token(TOKEN, deadline=25.0)
        assert [call.budget for call in endpoint.calls] == [25.0, 15.0]
        assert endpoint.budgets == [5.0]

    @pytest.mark.parametrize(
        ("setting", "function", "problem"),
        [
            ("additional_request_data", fails, "it raised RuntimeError"),
            ("additional_headers", fails, "it raised RuntimeError"),
            ("additional_request_data", object, "what it returned cannot be used: additional_request_data has a value"),
            ("additional_headers", lambda: "s3cret\n", "what it returned cannot be used: additional_headers"),
        ],
    )
    def test_one_that_fails(self, setting: str, function: Callable[[], Any], problem: str) -> None:
        """Nothing is sent, and the failure names the setting and the field, and never what was raised or returned."""
        settings: dict[str, Any] = {setting: {"X-Computed": function}}
        failure = Endpoint(**settings).failure()
        assert type(failure.error) is TokenError
        assert failure.error.message.startswith(f"{setting}: the callable for X-Computed gave no value: {problem}")
        assert "s3cret" not in failure.error.message
        assert (failure.error.reason, failure.transient) == ("callable_failed", True)

    def test_a_header_that_is_not_asked_for(self) -> None:
        """If a field has failed, no one is asked for more."""
        endpoint = Endpoint(additional_request_data={"a": fails}, additional_headers={"X": lambda: "1"})
        endpoint.failure()
        assert len(endpoint.calls) == 1

    def test_what_only_json_can_hold(self) -> None:
        """It is checked for the format of the request."""

        def nested() -> Any:
            return {"b": 1}

        json_endpoint = Endpoint(
            token_url=TokenEndpoint(URL, request_format="json"), additional_request_data={"a": nested}
        )
        json_endpoint.token(TOKEN)
        assert json.loads(json_endpoint.sent[0].body)["a"] == {"b": 1}
        form_endpoint = Endpoint(token_url=TokenEndpoint(URL), additional_request_data={"a": nested})
        assert "which only JSON can hold" in form_endpoint.failure().error.message
        assert "which only JSON can hold" in Endpoint(additional_request_data={"a": nested}).failure().error.message

    @pytest.mark.parametrize(
        "settings",
        [
            {"additional_request_data": {"client_id": lambda: "other"}},
            {"additional_headers": {"Authorization": lambda: "Other abc"}},
        ],
    )
    def test_credentials_of_ones_own(self, settings: dict[str, Any]) -> None:
        """Where the description says where the credentials go, names that belong to the usual methods are free."""
        described = TokenEndpoint(URL, credential_fields=("user", "key"))
        endpoint = Endpoint(token_url=described, **settings)
        endpoint.token(TOKEN)
        (request,) = endpoint.sent
        assert set(form(request)) & {("client_id", "other")} or ("Authorization", "Other abc") in request.headers


class TestSecrets:
    def test_one_that_depends_on_the_last_token(self) -> None:
        """It is given that, if it takes it."""
        endpoint = Endpoint(client_secret=name_of, client_authentication=POST)
        endpoint.token(TOKEN)
        assert ("client_secret", "none") in form(endpoint.sent[0])
        last_token(endpoint, "abc")
        endpoint.token(TOKEN)
        assert ("client_secret", "abc") in form(endpoint.sent[0])

    def test_one_that_a_described_endpoint_does_not_fit(self) -> None:
        """A header cannot hold everything that a form can."""
        described = TokenEndpoint(URL, credential_fields=(), credential_headers={"X-Key": "{client_secret}"})
        endpoint = Endpoint(token_url=described, client_secret=lambda: "schlüssel")
        failure = endpoint.failure()
        assert failure.error.message == (
            "the credentials do not fit into this request: X-Key would have a value that a header cannot have; "
            "printable ASCII fits"
        )
        assert failure.error.reason == "callable_failed"


class TestFormats:
    """Of the request, made by a function of the person's."""

    @staticmethod
    def an_endpoint(make: Callable[[dict[str, Any]], Any], **settings: Any) -> Endpoint:
        described = TokenEndpoint(URL, request_format=make, credential_fields=("auth.user", "auth.key"))
        return Endpoint(token_url=described, additional_headers={"Content-Type": "text/xml"}, **settings)

    @pytest.mark.parametrize("as_bytes", [False, True])
    def test_it_is_given_the_fields(self, as_bytes: bool) -> None:
        """Nested as in JSON; text is encoded."""
        given: list[Any] = []

        def make(fields: dict[str, Any]) -> str | bytes:
            given.append(fields)
            return "<é/>".encode() if as_bytes else "<é/>"

        endpoint = self.an_endpoint(make, scope="read")
        endpoint.token(TOKEN)
        assert given == [{"grant_type": "client_credentials", "scope": "read", "auth": {"user": "id", "key": "secret"}}]
        (request,) = endpoint.sent
        assert (request.body, request.unencoded) == ("<é/>".encode(), None)
        assert len(endpoint.calls) == 1

    @pytest.mark.parametrize(
        ("make", "problem"), [(fails, "it raised RuntimeError"), (lambda _: 5, "it must return text or bytes")]
    )
    def test_one_that_fails(self, make: Callable[[Any], Any], problem: str) -> None:
        """Nothing is sent."""
        failure = self.an_endpoint(make).failure()
        assert failure.error.message == f"request_format gave no body: {problem}"
        assert (failure.error.reason, failure.transient) == ("callable_failed", True)


class TestReading:
    """The answer, by a function of the person's."""

    @staticmethod
    def an_endpoint(read: Callable[[Any], Any], **settings: Any) -> Endpoint:
        return Endpoint(token_url=TokenEndpoint(URL, response_fields=read, **settings))

    def test_it_is_given_the_whole_answer(self) -> None:
        """Parsed, if it is JSON; what it returns is the token."""
        given: list[Any] = []

        def read(answer: Any) -> Any:
            given.append(answer)
            return {"access_token": answer[0]["t"], "expires_in": 5}

        endpoint = self.an_endpoint(read)
        endpoint.each_takes = 10.0
        fetched = endpoint.fetched(TokenResponse(200, {}, b'[{"t": "abc"}]'))
        assert given == [[{"t": "abc"}]]
        assert (fetched.token.access_token, fetched.lifetime) == ("abc", 5)
        assert [call.budget for call in endpoint.calls] == [20.0]

    @pytest.mark.parametrize(
        ("read", "problem"),
        [(fails, "it raised RuntimeError"), (lambda _: 5, "it must return a mapping with names, not int")],
    )
    def test_one_that_fails(self, read: Callable[[Any], Any], problem: str) -> None:
        """The failure says so: the request was sent, and another method would not help."""
        error = self.an_endpoint(read).failure(TOKEN).error
        assert isinstance(error, InvalidTokenResponse)
        assert f"response_fields gave no members: {problem}" in error.message
        assert error.reason == "callable_failed"
        assert len(error.attempts) == 1

    @pytest.mark.parametrize(
        "answer", [refusal("invalid_scope"), TokenResponse(200, {}, b"", "the body is too long")], ids=repr
    )
    def test_only_successes_are_read_by_it(self, answer: TokenResponse) -> None:
        """An error is no token in another form, and what was not read cannot be given to anyone."""
        endpoint = self.an_endpoint(fails)
        assert isinstance(endpoint.failure(answer, tries=1).error, TokenError)
        assert endpoint.calls == []

    def test_no_answer(self) -> None:
        endpoint = self.an_endpoint(fails)
        endpoint.failure(DROPPED, tries=1)
        assert endpoint.calls == []

    def test_a_life_that_cannot_be_read(self, caplog: pytest.LogCaptureFixture) -> None:
        """What the function has made of the answer counts, and not what the answer says itself."""
        endpoint = self.an_endpoint(lambda _: {"access_token": "abc", "expires_in": "soon"})
        assert endpoint.token(TOKEN).expires_at is None
        (message,) = caplog.messages
        assert "what it has for 'expires_in' is a string that the unit 's' does not fit" in message

    def test_what_it_leaves_out(self, caplog: pytest.LogCaptureFixture) -> None:
        """The answer says it, if it can."""
        assert self.an_endpoint(lambda _: {"access_token": "other"}).fetched(TOKEN).lifetime == 60
        assert caplog.messages == []
