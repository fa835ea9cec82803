"""A token comes, and something about it is worth knowing."""

from __future__ import annotations

from time import time
from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig, TokenEndpoint
from oauth_cc_auth._cli.check.diagnose import diagnose
from oauth_cc_auth._cli.check.rules.rule import date, duration, relative
from oauth_cc_auth._cli.check.watcher import Watcher
from oauth_cc_auth._cli.settings.given import CommandSettings
from oauth_cc_auth._cli.terminal.wording import COMMAND
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.check.checks import diagnosis, direct, jwt

__all__ = ["direct"]


@pytest.mark.parametrize("token_type", ["DPoP", "mac"])
def test_token_bound_to_key(token_type: str, oauth_server: LoopbackServer) -> None:
    """It cannot be used without the key."""
    oauth_server.token_endpoint.always(Answer.token(token_type=token_type))
    result = diagnosis(oauth_server.token_url)
    assert result.fatal == ["token_bound_to_key"]
    assert f"cannot be used here: its token_type is {token_type}," in result.cause("token_bound_to_key").text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"token": "abc"}, "its members are: token"),
        ({"access_token": ""}, "its access_token is empty"),
        ({"access_token": "a\nb"}, "would break a header"),
        ("", "without a usable token: the answer is empty."),
        ('{"access_token": "a', "without a usable token: the answer is JSON that is cut off."),
    ],
    ids=["member", "empty", "header", "nothing", "cut off"],
)
def test_token_unusable(body: Any, words: str, oauth_server: LoopbackServer) -> None:
    """2xx, and nothing to use in it."""
    oauth_server.token_endpoint.always(Answer(200, body))
    result = diagnosis(oauth_server.token_url)
    assert result.fatal == ["token_unusable"]
    assert words in result.cause("token_unusable").text


@pytest.mark.parametrize(
    ("body", "path"),
    [({"data": {"token": "abc"}}, "data.token"), ("0123456789abcdefABCD", "$"), ({"x": 1}, "path.to.token")],
)
def test_an_answer_that_can_be_described(body: Any, path: str, oauth_server: LoopbackServer) -> None:
    """The remedy says how."""
    oauth_server.token_endpoint.always(Answer(200, body))
    assert diagnosis(oauth_server.token_url).cause("token_unusable").remedy == (
        "Check that --token-url is the token endpoint. If it is, say where its answer has the token: --response-field "
        f"access_token={path}"
    )
    oauth_server.token_endpoint.always(Answer(200, {}))
    assert "--response-field" not in diagnosis(oauth_server.token_url).cause("token_unusable").remedy


def test_nobody_has_to_look_on(oauth_server: LoopbackServer) -> None:
    """The verdict is the same."""
    config = ClientCredentialsConfig(oauth_server.token_url, "client", "secret")
    assert diagnose(CommandSettings(config, {}, COMMAND), oauth_server.api_url, Watcher()).works


def test_everything_about_a_good_token(oauth_server: LoopbackServer) -> None:
    """But itself."""
    value = jwt(exp=time() + 600, nbf=time() - 10)
    members = {"scope": "b c", "refresh_token": "also-a-secret", "expires_in": 600}
    oauth_server.token_endpoint.always(Answer.token(value, **members))
    result = diagnosis(oauth_server.token_url, scope="a b")
    assert (result.verdict.works, result.notes) == (True, ["scope_not_granted"])
    token = result.token
    assert (token.masked, token.length, token.token_type) == ("eyJh…", len(value), "Bearer")
    assert token.lifetime == pytest.approx(600.0)
    assert (token.asked_scope, token.granted_scope) == (("a", "b"), ("b", "c"))
    assert (token.missing_scope, token.extra_scope) == (("a",), ("c",))
    assert token.other_members == ("refresh_token",)
    assert result.cause("scope_not_granted").text == "Asked for, but not granted: a."
    shown = repr((result.findings, result.verdict))
    assert value not in shown
    assert "also-a-secret" not in shown


def test_a_server_that_is_silent_about_scope(oauth_server: LoopbackServer) -> None:
    """Then what was asked for is granted (RFC 6749 §5.1)."""
    oauth_server.token_endpoint.always(Answer.token("short"))
    result = diagnosis(oauth_server.token_url, scope="a")
    token = result.token
    assert (token.granted_scope, token.missing_scope, token.extra_scope) == (None, (), ())
    assert token.masked == "***"
    assert result.notes == []


def test_a_scope_that_nobody_would_read(oauth_server: LoopbackServer) -> None:
    """It is cut before it is searched for secrets, which takes long in a long text."""
    oauth_server.token_endpoint.always(Answer.token(scope=" ".join(["word"] * 2000)))
    granted = diagnosis(oauth_server.token_url).token.granted_scope
    assert granted is not None
    assert len(" ".join(granted)) == 300


def test_token_already_expired(oauth_server: LoopbackServer) -> None:
    """It says so itself, and no API has accepted it."""
    oauth_server.new_token = lambda: jwt(exp=time() - 86400 * 5, jti=str(time()))
    result = diagnosis(oauth_server.token_url)
    assert result.fatal == ["token_already_expired"]
    assert result.verdict.text == "It does not work yet, though a token came."
    assert "UTC, 5 days ago." in result.cause("token_already_expired").text

    result = diagnosis(oauth_server.token_url, api_url=oauth_server.api_url)
    assert result.fatal == []


def test_token_not_yet_valid(oauth_server: LoopbackServer) -> None:
    """Somebody's clock is ahead."""
    oauth_server.new_token = lambda: jwt(nbf=time() + 3 * 3600)
    result = diagnosis(oauth_server.token_url)
    assert (result.verdict.works, result.notes) == (True, ["token_not_yet_valid"])
    assert "UTC, in 3 h." in result.cause("token_not_yet_valid").text


@pytest.mark.parametrize(
    ("expires_in", "notes"),
    [
        (0, ["token_for_one_use"]),
        (-5, ["token_for_one_use"]),
        (30, ["token_short_lived"]),
        ("59", ["token_short_lived"]),
        (60, []),
        (90 * 86400, []),
        (86_399_999 * 1000, ["token_lives_too_long"]),
        ("86399999000", ["token_lives_too_long"]),
        (1_795_872_838, ["token_lives_too_long"]),
        ("soon", []),
    ],
    ids=repr,
)
def test_lifetimes(expires_in: object, notes: list[str], oauth_server: LoopbackServer) -> None:
    """Short ones mean many requests; none at all is usual."""
    oauth_server.token_endpoint.always(Answer.token(expires_in=expires_in))
    result = diagnosis(oauth_server.token_url)
    assert (result.verdict.works, result.notes) == (True, notes)


@pytest.mark.parametrize(
    ("described", "used", "problem"),
    [
        (
            {"response_fields": {"expires_in": "expires"}},
            "until the API refuses it",
            "it has no 'expires': its members are: access_token, ",
        ),
        ({"lifetime_unit": "date"}, "until the API refuses it", "what it has for 'expires_in' is a number that "),
        ({"lifetime_unit": "unix"}, "once", "what it has for 'expires_in' is a number that the unit 'unix' "),
    ],
)
def test_lifetime_not_read(described: dict[str, Any], used: str, problem: str, oauth_server: LoopbackServer) -> None:
    """The settings say where it is, so it is no usual answer."""
    result = diagnosis(TokenEndpoint(oauth_server.token_url, **described))  # type: ignore[arg-type]  # as a config takes it
    assert (result.verdict.works, result.notes) == (True, ["lifetime_not_read"])
    cause = result.cause("lifetime_not_read")
    assert cause.text.startswith(f"The answer does not tell the life of the token as the settings say: {problem}")
    assert cause.text.endswith(f"So the token is used {used}.")
    assert "--lifetime-unit" in cause.remedy


@pytest.mark.parametrize(
    ("ends", "expires_in", "notes"),
    [
        (300, 3600, ["token_ends_early"]),
        (3300, 3600, []),
        (20, 70, []),
        (7200, 3600, []),
        (300, None, []),
    ],
)
def test_token_ends_early(ends: int, expires_in: int | None, notes: list[str], oauth_server: LoopbackServer) -> None:
    """Its own end is what the API goes by, and expires_in what the plugin goes by."""
    oauth_server.token_endpoint.always(Answer.token(jwt(exp=time() + ends), expires_in=expires_in))
    result = diagnosis(oauth_server.token_url)
    assert (result.verdict.works, result.notes) == (True, notes)
    if notes:
        cause = result.cause("token_ends_early")
        assert "ends in 5 min, but the server says that it lives for 60 min" in cause.text
        assert cause.remedy.endswith("set renew_after to 0.07.")


def test_an_encrypted_token_tells_no_dates(oauth_server: LoopbackServer) -> None:
    """Only its header can be read."""
    oauth_server.new_token = lambda: "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXY.Y2xhaW1z.dGFn"
    result = diagnosis(oauth_server.token_url)
    assert (result.verdict.works, result.notes) == (True, [])
    assert result.token.jwt is not None
    assert result.token.jwt.claims is None


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.4, "0 s"),
        (119, "119 s"),
        (-119, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (7200, "2 h"),
        (2 * 86400, "2 days"),
    ],
)
def test_durations(seconds: float, told: str) -> None:
    """In the unit that a person would use."""
    assert duration(seconds) == told


def test_dates() -> None:
    """Also those that no calendar has."""
    assert date(0.0) == "1970-01-01 00:00 UTC"
    assert date(1e15) == "the second 1000000000000000"
    assert (relative(100.0, 40.0), relative(40.0, 100.0)) == ("in 60 s", "60 s ago")
