"""`answer`: whatever a server sends is a token or a failure, never an exception."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oauth_cc_auth import (
    Attempt,
    ClientCredentialsConfig,
    ClientSecretBasic,
    ClientSecretPost,
    DPoP,
    InvalidTokenResponse,
    Token,
    TokenEndpointError,
    TokenEndpointUnreachable,
)
from oauth_cc_auth._errors import Reason
from oauth_cc_auth._protocol.answer import read_answer
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse, TransportFailure, token_request
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._protocol.lifetimes import LONGEST_LIFE, lifetime

ENDPOINT = "https://login.example.com/token"
SECRET = "s3cret/ word"
WALL = 1_700_000_000.0
CUT = json.dumps({"access_token": '\u00e9\n"-', "expires_in": 36.5, "x": [None, {"y": True}, {}]}).encode()


def a_request(scope: str | None = None, url: str = ENDPOINT, **settings: Any) -> TokenRequest:
    config = ClientCredentialsConfig(url, "client", SECRET, scope=scope, **settings)
    return token_request(config, ClientSecretPost(), SECRET)


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> TokenResponse:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return TokenResponse(status, headers or {}, content)


def read_token(body: object, *, scope: str | None = None, headers: Mapping[str, str] | None = None) -> Token:
    token = read_answer(a_request(scope), answer(body, headers=headers), WALL)
    assert isinstance(token, Token)
    return token


def read_failure(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Failure:
    failure = read_answer(a_request(), answer(body, status, headers), WALL)
    assert isinstance(failure, Failure)
    return failure


def refusal(body: object, status: int = 400, headers: Mapping[str, str] | None = None) -> TokenEndpointError:
    error = read_failure(body, status, headers).error
    assert isinstance(error, TokenEndpointError)
    return error


def consequences(failure: Failure) -> tuple[bool, bool, float | None]:
    return failure.transient, failure.unauthenticated, failure.retry_after


def problem(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> str:
    failure = read_failure(body, status, headers)
    assert isinstance(failure.error, InvalidTokenResponse)
    assert consequences(failure) == (False, False, None)  # nothing to be gained by asking again
    return failure.error.message


class TestToken:
    def test_takes_every_member(self) -> None:
        """A complete answer becomes a complete token."""
        token = read_token(
            {"access_token": "abc", "token_type": "bearer", "expires_in": 3600, "scope": "read", "id": 7}
        )
        assert token.access_token == "abc"
        assert token.token_type == "bearer"
        assert token.expires_at == WALL + 3600
        assert token.scope == "read"
        assert token.extra == {"id": 7}

    def test_takes_an_answer_of_one_member(self) -> None:
        """Only access_token is needed."""
        token = read_token({"access_token": "abc"})
        assert (token.token_type, token.expires_at, token.scope, token.extra) == (None, None, None, {})

    @pytest.mark.parametrize("status", [200, 201, 299])
    def test_takes_every_2xx(self, status: int) -> None:
        """The status need not be 200."""
        assert isinstance(read_answer(a_request(), answer({"access_token": "abc"}, status), WALL), Token)

    @pytest.mark.parametrize("status", [199, 300])
    def test_takes_no_other_status(self, status: int) -> None:
        """A token in an answer that is no success is not used."""
        assert refusal({"access_token": "abc"}, status).status_code == status

    def test_json_whatever_the_content_type(self) -> None:
        """The content type is not trusted."""
        assert read_token({"access_token": "abc"}, headers={"content-type": "text/html"}).access_token == "abc"

    def test_json_with_a_byte_order_mark(self) -> None:
        """Some servers of the Windows world put one in front."""
        assert read_token(b'\xef\xbb\xbf{"access_token": "abc"}').access_token == "abc"

    @pytest.mark.parametrize("digits", [400, 401, 5000, 100_000])
    def test_numbers_of_many_digits(self, digits: int) -> None:
        """None of them takes long, or the token away."""
        number = "9" * digits
        token = read_token(f'{{"access_token": "abc", "expires_in": {number}, "n": {number}}}'.encode())
        assert token.expires_at == WALL + LONGEST_LIFE
        assert token.extra["n"] == (int(number) if digits <= 400 else float("inf"))

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"])
    def test_encodings(self, encoding: str) -> None:
        """UTF-8 is the rule; none of the others costs the token."""
        body = '{"access_token": "abc", "name": "Zürich"}'.encode(encoding)
        assert (read_token(body).access_token, read_token(body).extra) == ("abc", {"name": "Zürich"})

    def test_form_encoded(self) -> None:
        """What is no JSON is read as a form."""
        token = read_token(b"access_token=a%2Bb&expires_in=60&token_type=bearer&odd=")
        assert token.access_token == "a+b"
        assert token.expires_at == WALL + 60
        assert token.extra == {"odd": ""}

    @pytest.mark.parametrize("error", [None, "", False, 0])
    def test_a_blank_error_is_no_error(self, error: object) -> None:
        """Some servers always send the member."""
        assert read_token({"access_token": "abc", "error": error}).access_token == "abc"

    @pytest.mark.parametrize("token_type", ["BearerToken", "Application Access Token", "", "  bearer "])
    def test_odd_token_types_are_kept(self, token_type: str) -> None:
        """Apigee and eBay call their bearer tokens by other names."""
        assert read_token({"access_token": "abc", "token_type": token_type}).token_type == token_type

    def test_a_token_type_that_is_no_text_is_dropped(self) -> None:
        """A number says nothing."""
        assert read_token({"access_token": "abc", "token_type": 5}).token_type is None

    @pytest.mark.parametrize(
        ("granted", "expected"),
        [
            ("a b", "a b"),
            (["a", "b"], "a b"),
            ([], ""),
            (["a", 1], "a 1"),
            (None, "asked for"),
            ({"a": 1}, "asked for"),
            ("", ""),
        ],
    )
    def test_scope(self, granted: object, expected: str) -> None:
        """A string or a list. If the server names none, it is what was asked for (RFC 6749 §5.1)."""
        assert read_token({"access_token": "abc", "scope": granted}, scope="asked for").scope == expected

    @pytest.mark.parametrize("value", ["!", "~", "a b", "!~", "a" * 10_000])
    def test_every_visible_ascii_token_is_taken(self, value: str) -> None:
        """The boundaries of what a header can carry are inside."""
        assert read_token({"access_token": value}).access_token == value


class TestUnusableToken:
    @pytest.mark.parametrize("value", [" a", "a ", "a\n", "a\nb", "\x7f", "a\x7fb", "é", "a\u2028b", "\ud800", "\t"])
    def test_a_token_that_would_break_a_header(self, value: str) -> None:
        """Control characters, white space at an end and non-ASCII are errors, and the token is not shown."""
        assert "would break a header" in problem({"access_token": value})

    def test_a_null_access_token(self) -> None:
        """Likewise."""
        message = problem({"access_token": None})
        assert message == f"token endpoint {ENDPOINT} answered 200, but its access_token is null"

    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            *((value, "a number") for value in (0, 5, 1.5)),
            *((value, "an array") for value in ([], ["a"])),
            *((value, "an object") for value in ({}, {"a": "b"})),
            *((value, "a boolean") for value in (False, True)),
        ],
    )
    def test_an_access_token_of_another_type(self, value: object, kind: str) -> None:
        """It is there, and the type is what is wrong with it."""
        message = problem({"access_token": value, "id_token": "xyz"})
        assert message == (
            f"token endpoint {ENDPOINT} answered 200, but its access_token is {kind}, not a string; "
            "check that token_url is the right one"
        )

    def test_no_access_token(self) -> None:
        """Without one the members that are there are named."""
        message = problem({"token": "abc", "id_token": "xyz"})
        assert message == (
            f"token endpoint {ENDPOINT} answered 200, but it has no access_token; its members are: token, id_token; "
            'check that token_url is the right one; if it is, a TokenEndpoint with response_fields={"access_token": '
            '"token"} says where the token is'
        )

    def test_a_text_that_may_be_a_token(self) -> None:
        """So the whole answer is it."""
        message = problem(b"eyJhbGciOiJub25lIn0.e30.c2ln")
        assert "but the answer is not JSON; check that token_url is the right one; if it is, a TokenEndpoint" in message
        assert 'response_fields={"access_token": "$"} says where' in message

    def test_the_path_to_a_token_is_redacted(self) -> None:
        """A member that is called like the secret."""
        message = problem({SECRET: {"token": "abc"}})
        assert '{"access_token": "***.token"}' in message
        assert SECRET not in message

    def test_no_access_token_but_words(self) -> None:
        """What the server says is shown."""
        message = problem({"code": 40001, "msg": f"wrong {SECRET}"})
        assert "it has no access_token; its members are: code, msg (wrong ***);" in message

    def test_an_empty_access_token(self) -> None:
        """It is there, so that naming the members would only confuse."""
        message = problem({"access_token": "", "id_token": "xyz"})
        assert message == f"token endpoint {ENDPOINT} answered 200, but its access_token is empty"

    def test_member_names_are_redacted(self) -> None:
        """An answer that has the secret for a name does not show it."""
        assert SECRET not in problem({SECRET: 1})

    @pytest.mark.parametrize("token_type", ["mac", "MAC", "PoP", " dpop ", "DPoP"])
    def test_tokens_bound_to_a_key(self, token_type: str) -> None:
        """They are of no use without the key."""
        assert f"token_type is {token_type.strip()}, bound to a key" in problem(
            {"access_token": "abc", "token_type": token_type}
        )

    @pytest.mark.parametrize(
        ("body", "what", "reason"),
        [
            *((body, "empty", "empty_body") for body in (b"", b" \r\n", b"\xef\xbb\xbf")),
            *(
                (body, "not JSON", "not_json")
                for body in (b"abc", b"\xff\xfe?", b"[" * 100_000, b"a=b", b"{'access_token': 'ab'}", b"abc {")
            ),
            *((CUT[:length], "JSON that is cut off", "cut_off") for length in range(1, len(CUT))),
            (b" \r\n{", "JSON that is cut off", "cut_off"),
            *(
                (body, "not a JSON object", "not_json")
                for body in (b"1" * 5000, b"[]", b"null", b"5", b'"access_token"')
            ),
            (b"{}", "an empty JSON object", "no_access_token"),
        ],
    )
    def test_nothing_with_members(self, body: bytes, what: str, reason: str) -> None:
        """No JSON object and no form of ours: also the recursion and the digits of a hostile answer."""
        error = read_failure(body).error
        problem = f"token endpoint {ENDPOINT} answered 200, but the answer is {what}"
        assert (error.problem, error.remedy) == (problem, "check that token_url is the right one")
        assert error.message == f"{error.problem}; {error.remedy}"
        assert error.reason == error.attempts[0].reason == reason
        assert read_failure(body).transient == (reason in ("cut_off", "empty_body"))

    def test_a_form_whose_first_equals_sign_is_far_off(self) -> None:
        """A megabyte of something else is not parsed as a form; just inside the limit it is."""
        assert isinstance(read_answer(a_request(), answer(b"x" * 65_536 + b"&access_token=abc"), WALL), Failure)
        assert read_token(b"x" * (65_535 - len("&access_token")) + b"&access_token=abc").access_token == "abc"

    @pytest.mark.parametrize(
        ("body", "headers"),
        [(b"<html>", {}), (b" \r\n<!doctype html>", {}), (b"hello", {"content-type": "Text/HTML; charset=utf-8"})],
    )
    def test_a_web_page(self, body: bytes, headers: Mapping[str, str]) -> None:
        """A login page with status 200 is called what it is."""
        assert problem(body, headers=headers) == (
            f"token endpoint {ENDPOINT} answered 200, but it is a web page; check that token_url is the token endpoint"
        )

    def test_an_unreadable_body(self) -> None:
        """The reason that the body could not be read is given, with the attempt."""
        response = TokenResponse(200, {}, b"", "its body is larger than 5 bytes")
        failure = read_answer(a_request(), response, WALL)
        assert isinstance(failure, Failure)
        assert isinstance(failure.error, InvalidTokenResponse)
        problem = "its body is larger than 5 bytes"
        assert failure.error.attempts == (Attempt("client_secret_post", 200, None, problem),)
        assert failure.error.message.endswith("answered 200, but its body is larger than 5 bytes")


class TestLifetime:
    @pytest.mark.parametrize(
        ("expires_in", "seconds"),
        [
            (3600, 3600.0),
            (1.5, 1.5),
            ("3600", 3600.0),
            (" 60 ", 60.0),
            ("1e2", 100.0),
            (0, 0.0),
            ("0", 0.0),
            (-5, 0.0),
            ("-5", 0.0),
            (LONGEST_LIFE, LONGEST_LIFE),
            (LONGEST_LIFE - 1, LONGEST_LIFE - 1),
            (LONGEST_LIFE + 1, LONGEST_LIFE),
            (86_400_000, LONGEST_LIFE),
            (10**400, LONGEST_LIFE),
            (-(10**400), 0.0),
            (float("inf"), LONGEST_LIFE),
            (float("-inf"), 0.0),
            ("9" * 5000, LONGEST_LIFE),
        ],
    )
    def test_numbers(self, expires_in: object, seconds: float) -> None:
        """Numbers in every dress, clamped to what makes sense."""
        assert lifetime(expires_in) == seconds

    @pytest.mark.parametrize("expires_in", [None, True, False, "", "soon", "nan", float("nan"), [60], {"s": 60}])
    def test_no_number(self, expires_in: object) -> None:
        """What is not a time is not a lifetime."""
        assert lifetime(expires_in) is None

    @settings(deadline=None)
    @given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
    def test_never_raises(self, expires_in: object) -> None:
        """Every value gives None or a number between 0 and the longest life."""
        seconds = lifetime(expires_in)
        assert seconds is None or 0 <= seconds <= LONGEST_LIFE


class TestRefusal:
    def test_carries_what_the_server_said(self) -> None:
        """Code, description, URI and status are attributes, and the attempt holds them."""
        error = refusal(
            {"error": "invalid_scope", "error_description": "unknown: x", "error_uri": "https://docs.example.com"}
        )
        assert (error.error, error.error_description, error.status_code) == ("invalid_scope", "unknown: x", 400)
        assert error.error_uri == "https://docs.example.com"
        assert error.attempts == (Attempt("client_secret_post", 400, "invalid_scope", "unknown: x"),)
        assert error.message == (
            f"invalid_scope: token endpoint {ENDPOINT} answered 400 (unknown: x); "
            "set scope, or have scopes granted to this client at the provider"
        )

    def test_an_empty_answer(self) -> None:
        """glewlwyd sends 403 and nothing else: everything unknown is None."""
        error = refusal(b"", 403)
        assert (error.error, error.error_description, error.error_uri) == (None, None, None)
        assert error.message.startswith(f"token endpoint {ENDPOINT} answered 403 Forbidden; check client_id")

    def test_an_unknown_status(self) -> None:
        """A status without a name is shown without one."""
        assert refusal(b"", 499).message == f"token endpoint {ENDPOINT} answered 499"

    @pytest.mark.parametrize(
        ("body", "code", "description"),
        [
            ({"error": {"code": 403, "message": "no"}}, "403", "no"),
            ({"error": {"code": "denied", "message": "no"}, "error_description": "never"}, "denied", "never"),
            ({"error": {"status": "x"}}, None, None),
            ({"error": ["x"]}, None, None),
            ({"error": 12, "error_description": {"a": 1}}, "12", None),
            ({"error_message": "a", "message": "b"}, None, "a"),
            ({"message": "no", "detail": "x"}, None, "no"),
            ({"title": "Forbidden", "detail": "no"}, None, "no"),
            ({"title": "no"}, None, "no"),
            ({"errors": ["no", {"a": 1}, "never", [None]]}, None, "no; never"),
            ({"errorCode": "E0000011", "errorSummary": "Okta"}, None, "Okta"),
            ({"fault": {"faultstring": "Apigee", "detail": {"errorcode": "x"}}}, None, "Apigee"),
            ({"fault": "short"}, None, "short"),
            ({"errors": [{"code": "X", "message": "FedEx"}, {"message": "two"}]}, None, "FedEx; two"),
            ({"error": "invalid_client", "reason": "Zoom"}, "invalid_client", "Zoom"),
            ({"detail": [{"loc": ["body", "client_id"], "msg": "FastAPI"}]}, None, "client_id: FastAPI"),
            ({"detail": [{"loc": [], "msg": "FastAPI"}, {"loc": ["a"]}]}, None, "FastAPI"),
            ({"code": 40001, "msg": "no"}, None, "no"),
            ({"error": {"code": "c", "errors": [{"message": "m"}]}}, "c", "m"),
            ({"fault": {"fault": {"fault": {"fault": {"fault": "too deep"}}}}}, None, None),
            ({"errors": ["x"] * 30}, None, "; ".join(["x"] * 20)),
            ({"errors": []}, None, None),
        ],
    )
    def test_errors_in_other_forms(self, body: object, code: str | None, description: str | None) -> None:
        """Nested errors and problem details (RFC 9457) are read; what is not text is left out."""
        error = refusal(body)
        assert (error.error, error.error_description) == (code, description)

    def test_the_form_encoded_error(self) -> None:
        """An error may come as a form, too."""
        assert refusal(b"error=invalid_client&error_description=no+such+client").error == "invalid_client"

    @pytest.mark.parametrize("secret", ["a+b/c=d", "a&b=c", "50%41", "error=", "invalid_client"])
    @pytest.mark.parametrize("code", ["invalid_client", "no {}", "{}"])
    def test_a_form_that_echoes_without_encoding(self, secret: str, code: str) -> None:
        """What a form makes of a raw secret, "a b" of "a+b", is the secret all the same; a word of the RFC stays."""
        config = ClientCredentialsConfig(ENDPOINT, "client", secret)
        request = token_request(config, ClientSecretPost(), secret)
        body = f"error={code.format(secret)}&error_description=got {secret}.&error_uri={secret}"
        outcome = read_answer(request, answer(body.encode(), 400), WALL)
        assert isinstance(outcome, Failure)
        assert isinstance(outcome.error, TokenEndpointError)
        told = (outcome.error.error, outcome.error.error_description, outcome.error.error_uri)
        if secret == "error=":  # then the name of the member is one, too
            assert (told[0], told[2]) == (code if code == "invalid_client" else "***", "***")
            return
        is_a_word = code.format(secret) == "invalid_client"
        assert told == ("invalid_client" if is_a_word else code.format("***"), "got ***.", "***")

    def test_a_2xx_with_an_error(self) -> None:
        """Some servers answer 200 with an error: it is one, and may mean "not authenticated"."""
        failure = read_failure({"error": "invalid_client", "access_token": "abc"}, 200)
        assert isinstance(failure.error, TokenEndpointError)
        assert failure.unauthenticated

    def test_an_echoed_secret_is_masked(self) -> None:
        """In code, description and URI alike, in any encoding."""
        error = refusal(
            {
                "error": f"bad {SECRET}",
                "error_description": "s3cret%2F%20word or s3cret%2F+word",
                "error_uri": f"https://x/{SECRET}",
            }
        )
        assert error.error == "bad ***"
        assert error.error_description == "*** or ***"
        assert error.error_uri == "https://x/***"
        assert "s3cret" not in error.message

    def test_an_echoed_basic_header_is_masked(self) -> None:
        """The Base64 blob is as good as the secret."""
        config = ClientCredentialsConfig(ENDPOINT, "client", SECRET)
        request = token_request(config, ClientSecretBasic(), SECRET)
        header = dict(request.headers)["Authorization"]
        body = {"error": "invalid_client", "error_description": f"got {header}, {header[6:]}"}
        failure = read_answer(request, answer(body, 401), WALL)
        assert isinstance(failure, Failure)
        assert failure.error.attempts[0].error_description == "got ***, ***"

    def test_redirects_name_their_target_without_its_query(self) -> None:
        """They are not followed; the message says what to set instead."""
        error = refusal(b"", 307, {"location": f"https://other.example.com/{SECRET}?code=1"})
        assert error.message == (
            f"token endpoint {ENDPOINT} answered 307 Temporary Redirect, a redirect to "
            "https://other.example.com/***?***; token requests are never redirected: set token_url to the final URL"
        )

    @pytest.mark.parametrize(("headers", "wrong"), [({}, "to ://"), ({"location": "/login"}, ":///login")])
    def test_redirects_without_a_whole_target(self, headers: Mapping[str, str], wrong: str) -> None:
        """If the server named no scheme and host, or nothing, no URL is made up."""
        message = refusal(b"", 302, headers).message
        assert wrong not in message
        assert "never redirected" in message


class TestFailure:
    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
    def test_transient_statuses(self, status: int) -> None:
        """They may pass, and never mean "not authenticated"."""
        failure = read_failure({"error": "invalid_client"}, status)
        assert (failure.transient, failure.unauthenticated) == (True, False)

    @pytest.mark.parametrize("status", [200, 400, 401, 403, 404])
    def test_temporarily_unavailable(self, status: int) -> None:
        """This code may pass, whatever the status."""
        failure = read_failure({"error": "temporarily_unavailable"}, status)
        assert (failure.transient, failure.unauthenticated) == (True, False)

    @pytest.mark.parametrize("status", [200, 299, 400, 401, 403, 422])
    @pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client", "access_denied", "invalid_request"])
    def test_may_mean_not_authenticated(self, status: int, code: str) -> None:
        """Real servers say "who are you?" with all of these."""
        failure = read_failure({"error": code}, status)
        assert (failure.transient, failure.unauthenticated) == (False, True)

    @pytest.mark.parametrize("status", [402, 404, 405, 409, 428, 430, 499])
    def test_invalid_client_means_not_authenticated(self, status: int) -> None:
        """With any other 4xx, this code alone says so."""
        assert consequences(read_failure({"error": "invalid_client"}, status)) == (False, True, None)

    @pytest.mark.parametrize("status", [400, 401, 403, 422])
    def test_may_mean_not_authenticated_without_a_code(self, status: int) -> None:
        """An empty answer with such a status counts as well."""
        assert read_failure(b"", status).unauthenticated

    @pytest.mark.parametrize("status", [300, 307, 399, 402, 404, 405, 409, 428, 430, 499])
    def test_other_statuses_are_final(self, status: int) -> None:
        """They say nothing about the client, and do not pass."""
        code = "invalid_request" if status >= 400 else "invalid_client"
        assert consequences(read_failure({"error": code}, status)) == (False, False, None)

    @pytest.mark.parametrize("code", ["invalid_scope", "unsupported_grant_type", "invalid_grant", "invalid_target"])
    @pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 422])
    def test_only_an_authenticated_client_gets_these(self, code: str, status: int) -> None:
        """Another method is not tried after an error that proves the client or does not depend on it."""
        assert not read_failure({"error": code}, status).unauthenticated

    def test_what_a_transient_answer_asks_for_is_told(self) -> None:
        """Whoever reads the message knows whose wait it is; a page of a proxy changes nothing about that."""
        page = {"retry-after": "7", "content-type": "text/html"}
        for headers in ({"retry-after": "7"}, page):
            assert refusal(b"", 503, headers).message == (
                f"token endpoint {ENDPOINT} answered 503 Service Unavailable; it asks to wait 7 s"
            )

    def test_what_a_final_answer_asks_for_is_not_told(self) -> None:
        """Nobody will wait."""
        assert "asks to wait" not in refusal(b"", 400, {"retry-after": "7"}).message

    def test_retry_after_of_a_transient_answer(self) -> None:
        """What the server asks for is passed on."""
        assert read_failure(b"", 503, {"retry-after": "7"}).retry_after == 7

    def test_retry_after_of_a_final_answer(self) -> None:
        """It has no meaning if a retry does not help."""
        assert read_failure(b"", 400, {"retry-after": "7"}).retry_after is None


KNOWN_ERRORS = [
    *("access_denied", "invalid_client", "invalid_grant", "invalid_request", "invalid_scope", "server_error"),
    *("temporarily_unavailable", "unauthorized_client", "unsupported_grant_type", "use_dpop_nonce"),
]


class TestErrorsThatAreSecrets:
    @pytest.mark.parametrize("code", KNOWN_ERRORS)
    def test_a_known_error_is_no_echo(self, code: str) -> None:
        """A secret that is part of it, or is it, leaves it as it is; in other texts it is masked as ever."""
        config = ClientCredentialsConfig(ENDPOINT, "client", code)
        body = answer({"error": code, "error_description": f"{code} for {code}"}, 400)
        failure = read_answer(token_request(config, ClientSecretPost(), code), body, WALL)
        assert isinstance(failure, Failure)
        assert isinstance(failure.error, TokenEndpointError)
        assert (failure.error.error, failure.error.error_description) == (code, "*** for ***")
        assert failure.error.attempts == (Attempt("client_secret_post", 400, code, "*** for ***"),)

    def test_another_error_may_be_an_echo(self) -> None:
        """It is masked."""
        assert refusal({"error": SECRET}).error == "***"


class TestUnreachable:
    @pytest.mark.parametrize(
        ("timed_out", "what", "helps"),
        [
            (
                True,
                "gave no answer in time",
                "if the server needs longer, raise timeout, and deadline for all attempts together; ",
            ),
            (False, "could not be reached", ""),
        ],
    )
    @pytest.mark.parametrize("retryable", [True, False])
    def test_says_which(self, timed_out: bool, what: str, helps: str, retryable: bool) -> None:
        """The message, the flag and what may help follow from the transport's failure."""
        reason: Reason = "timed_out" if timed_out else "unreachable_refused"
        nothing = TransportFailure(f"refused\n{SECRET}", reason, retryable=retryable)
        failure = read_answer(a_request(), nothing, WALL)
        assert isinstance(failure, Failure)
        assert isinstance(failure.error, TokenEndpointUnreachable)
        check = "the command `oauth-cc-auth check` shows which step fails"
        assert failure.error.message == f"token endpoint {ENDPOINT} {what}: refused ***; {helps}{check}"
        assert (failure.error.timed_out, failure.error.reason) == (timed_out, reason)
        assert failure.error.attempts == (Attempt("client_secret_post", None, None, "refused ***"),)
        assert consequences(failure) == (retryable, False, None)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
MEMBERS = ["access_token", "token_type", "expires_in", "scope", "error", "error_description", "error_uri"]


class TestNeverRaises:
    @settings(deadline=None)
    @example(b"access_token=%ff%fe", 200)
    @example(b'{"access_token": "\\ud800"}', 200)
    @example(b'{"access_token": 1' + b"0" * 4299 + b"}", 200)
    @given(st.binary(), st.integers(100, 599))
    def test_for_any_bytes(self, body: bytes, status: int) -> None:
        """Every body is a token or a failure."""
        assert isinstance(read_answer(a_request(), answer(body, status), WALL), (Token, Failure))

    @settings(deadline=None)
    @given(st.dictionaries(st.sampled_from(MEMBERS) | st.text(), JSON), st.integers(100, 599))
    def test_for_any_json(self, members: dict[str, Any], status: int) -> None:
        """Whatever the members hold; and a token is only made of what a header can carry."""
        outcome = read_answer(a_request(), answer(members, status), WALL)
        if isinstance(outcome, Token):
            assert 200 <= status < 300
            assert outcome.access_token.isascii()
            assert outcome.access_token.isprintable()
            assert outcome.access_token == outcome.access_token.strip()
        else:
            assert outcome.error.attempts

    @settings(deadline=None)
    @given(st.text(), st.text(), st.integers(100, 599))
    def test_and_never_shows_the_secret(self, before: str, after: str, status: int) -> None:
        """Wherever a server echoes it."""
        echo = before + SECRET + after
        body = {"error": echo, "error_description": echo, "error_uri": echo, echo: echo}
        outcome = read_answer(a_request(), answer(body, status, {"location": echo}), WALL)
        assert isinstance(outcome, Failure)
        assert SECRET not in str(outcome.error)
        assert SECRET not in repr(outcome.error.__dict__)


def test_a_proof_of_possession_that_is_missing() -> None:
    """Keycloak says the same of a proof that it does not get as of one that it does not accept."""
    body = {"error": "invalid_dpop_proof", "error_description": "The DPoP proof JWT header is missing"}
    wanted = "the provider wants tokens to be bound to a key: pass dpop=DPoP()"
    assert refusal(body).remedy == wanted
    failure = read_answer(a_request(dpop=DPoP()), answer(body, 400), WALL)
    assert isinstance(failure, Failure)
    assert failure.error.remedy.startswith("check this machine's clock")


@pytest.mark.parametrize("status", [200, 400, 404, 405])
def test_the_url_of_the_metadata(status: int) -> None:
    """It is what people copy; no token is issued there."""
    url = "https://login.example.com/tenant1/.well-known/openid-configuration"
    document = {"issuer": "https://login.example.com/tenant1", "token_endpoint": "https://login.example.com/t1/token"}
    failure = read_answer(a_request(url=url), answer(document, status), WALL)
    assert isinstance(failure, Failure)
    assert failure.error.remedy == (
        "this is the URL of the issuer's metadata: pass Issuer('https://login.example.com/tenant1')"
    )
    failure = read_answer(a_request(url="https://login.example.com/.well-known/token"), answer(document, status), WALL)
    assert isinstance(failure, Failure)
    assert "Issuer" not in failure.error.remedy
