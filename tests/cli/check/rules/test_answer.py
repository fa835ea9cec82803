"""The token endpoint answers, and not with a token."""

from __future__ import annotations

from email.utils import formatdate
from time import time
from typing import Any, NamedTuple

import pytest

from oauth_cc_auth import ClientSecretBasic, TokenEndpoint
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.check.checks import Diagnosed, diagnosis, direct

__all__ = ["direct"]

LOGIN = Answer(200, "<!DOCTYPE html><title>Sign in &amp; go</title>", content_type="text/html; charset=utf-8")


class Scene(NamedTuple):
    """An answer to every token request, the cause that it has, and words in the explanation."""

    cause: str
    answer: Answer
    words: str = ""
    remedy: str = ""
    settings: dict[str, Any] = {}  # noqa: RUF012  # never changed


SCENES = [
    Scene("web_page", LOGIN, "a web page (Sign in & go)", "ends in /token"),
    Scene("web_page", Answer(200, "<html>"), "a web page, so"),
    Scene("web_page", Answer(400, "<html>", content_type="text/html"), "a web page, so"),
    Scene("path_not_found", Answer(404, "<html><title>Gone</title>"), "(404)", "letter by letter"),
    Scene("path_not_found", Answer(404, {"error": "not_found"})),
    Scene("path_not_found", Answer(410), "(410)"),
    Scene("post_not_allowed", Answer(405, "<html>"), "takes no POST"),
    Scene("json_wanted", Answer(415), "in JSON, and got a form", "--request-format json"),
    Scene("json_wanted", Answer(400, {"message": "Unexpected token g in JSON"}), "It says: Unexpected token"),
    Scene("grant_not_allowed", Answer.error("unauthorized_client", "no service account"), "no service account"),
    Scene("grant_unsupported", Answer.error("unsupported_grant_type"), "grant type client_credentials"),
    Scene("scope_unknown", Answer.error("invalid_scope", "b is unknown"), "a b.", "", {"scope": "a b"}),
    Scene("scope_unknown", Answer(400, {"error": "scope_invalid"}), "a.", "", {"scope": "a"}),
    Scene("scope_missing", Answer.error("invalid_scope")),
    Scene("scope_missing", Answer.error("invalid_request", "Scope is required"), "Scope is required", "--scope"),
    Scene("parameter_missing", Answer.error("invalid_request", "audience is required"), "Only the standard ones"),
    Scene("parameter_missing", Answer.error("invalid_request", "bad scope"), "", "", {"scope": "a"}),
    Scene(
        "parameter_missing",
        Answer.error("invalid_target", "unknown resource"),
        "Besides the standard ones these were sent: resource. It says: unknown resource",
        "audience",
        {"additional_request_data": {"resource": ["a", "b"]}},
    ),
    Scene("dpop_required", Answer.error("use_dpop_nonce"), "DPoP", "Bearer"),
    Scene("dpop_required", Answer.error("invalid_dpop_proof"), "DPoP", "Bearer"),
    Scene("access_denied", Answer.error("access_denied", "not for you", status=403), "not for you", "authorize"),
    Scene(
        "access_denied",
        Answer.error("access_denied", "No audience parameter was provided", status=403),
        "no audience was sent. It says: No audience",
        "--additional-request-data audience=...",
    ),
    Scene(
        "access_denied",
        Answer.error("access_denied", "Service not enabled within domain: x", status=403),
        "It says: Service not enabled",
        "Check the spelling of audience",
        {"additional_request_data": {"audience": "x"}},
    ),
    Scene("grant_not_allowed", Answer.error("unauthorized_client", "Client not enabled to retrieve", status=401)),
    Scene("wrong_credentials", Answer.error("unauthorized_client", "Invalid client or Invalid client credentials")),
    Scene("wrong_credentials", Answer(400, {"status": 400, "message": "invalid client"}), "It says: invalid client"),
    Scene("wrong_credentials", Answer(403, {"status": 403, "message": "invalid client secret"})),
    Scene("unexplained", Answer(400, {"message": "invalid client scope"}), "It says: invalid client scope"),
    Scene(
        "entra_tenant_unknown",
        Answer.error("invalid_request", "AADSTS90002: Tenant 'x' not found."),
        "It says: AADSTS90002",
        "Directory ID",
    ),
    Scene("entra_tenant_unknown", Answer.error("invalid_request", "AADSTS900023: Specified tenant identifier 'x'")),
    Scene(
        "entra_client_unknown",
        Answer.error("unauthorized_client", "AADSTS700016: Application with identifier 'x' was not found"),
        "--client-id or the tenant is wrong",
        "Application (client) ID",
    ),
    Scene(
        "entra_api_unknown",
        Answer.error("invalid_resource", "AADSTS500011: The resource principal named x was not found"),
        "with the name in --scope (api://x/.default) or --resource",
        "/.default",
        {"scope": "api://x/.default"},
    ),
    Scene(
        "entra_api_unknown",
        Answer.error("invalid_resource", "AADSTS500011: no"),
        "with the name in --scope or --resource",
    ),
    Scene(
        "salesforce_domain",
        Answer.error("invalid_grant", "request not supported on this domain"),
        "the host of My Domain",
        "my.salesforce.com",
    ),
    Scene("forbidden_without_reason", Answer(403), "gives no reason", "Set a scope"),
    Scene("forbidden_without_reason", Answer(403, {"message": "Forbidden"}), "It says: Forbidden"),
    Scene("forbidden_without_reason", Answer(403, "<html><title>Blocked</title>"), "It says: Blocked"),
    Scene("unexplained", Answer(400), "The server answers 400."),
    Scene("unexplained", Answer(418, "I am a teapot"), "The server answers 418. It says: I am a teapot"),
    Scene("unexplained", Answer.error("odd", "odd words"), "The server answers 400 odd. It says: odd words"),
]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene.cause}-{scene.answer.status}")
def test_one_answer_to_all_methods(scene: Scene, oauth_server: LoopbackServer) -> None:
    """The cause is named, once, with the server's words in it."""
    oauth_server.token_endpoint.always(scene.answer)
    result = diagnosis(oauth_server.token_url, **scene.settings)
    assert result.fatal == [scene.cause]
    assert scene.words in result.cause(scene.cause).text
    assert scene.remedy in result.cause(scene.cause).remedy
    assert result.verdict.text == "It does not work: the token endpoint gives no token."


def test_a_scope_that_is_there_is_not_asked_for(oauth_server: LoopbackServer) -> None:
    """glewlwyd says 403 without one; with one that is no reason. In the additional data it is one, too."""
    oauth_server.token_endpoint.always(Answer(403))
    assert "Set a scope" not in diagnosis(oauth_server.token_url, scope="a").verdict.causes[0].remedy
    oauth_server.token_endpoint.always(Answer.error("invalid_scope"))
    assert diagnosis(oauth_server.token_url, additional_request_data={"scope": "a"}).fatal == ["unexplained"]


WRONG = [
    Answer.error("invalid_client", status=401),
    Answer.error("invalid_client", status=400),
    Answer(401),
    Answer(401, {"error": "Unauthorized"}),
    Answer.error("access_denied", status=401),
]


@pytest.mark.parametrize("answer", WRONG, ids=["401", "400", "bare", "node", "auth0"])
def test_wrong_credentials(answer: Answer, oauth_server: LoopbackServer) -> None:
    """Refused by every method: the secret or the id."""
    oauth_server.token_endpoint.always(answer)
    result = diagnosis(oauth_server.token_url)
    assert result.fatal == ["wrong_credentials"]
    assert "by any method" in result.verdict.causes[0].text
    assert [method for method, _, _ in result.statuses] == ["client_secret_basic", "client_secret_post"]


@pytest.mark.parametrize(
    ("words", "causes"),
    [
        (None, ["wrong_credentials"]),
        ("The request body must contain the following parameter: 'client_id'.", ["wrong_credentials"]),
        ("no client authentication mechanism provided", ["wrong_credentials"]),
        ("audience is missing", ["parameter_missing"]),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_credentials_that_one_method_does_not_show(
    words: str | None, causes: list[str], first: bool, oauth_server: LoopbackServer
) -> None:
    """A server that looks in one place only misses them in the other; that is no parameter that a person can add."""
    answers = [Answer.error("invalid_request", words), Answer.error("invalid_client", status=401)]
    result = refused_then(oauth_server, *(answers if first else reversed(answers)), client_secret="hidden")
    assert result.fatal == causes


def test_credentials_that_one_method_does_not_show_without_a_code(oauth_server: LoopbackServer) -> None:
    """Twitch looks into the body only."""
    unknown = Answer(400, {"status": 400, "message": "invalid client"})
    missing = Answer(400, {"status": 400, "message": "missing client id"})
    result = refused_then(oauth_server, missing, unknown, client_secret="hidden")
    assert result.fatal == ["wrong_credentials"]


def test_wrong_credentials_for_the_method_that_is_set(oauth_server: LoopbackServer) -> None:
    """Another one might work, so that is said."""
    oauth_server.accepts = ("client_secret_post",)
    result = diagnosis(oauth_server.token_url, client_authentication="client_secret_basic")
    assert result.fatal == ["wrong_credentials"]
    assert "the client may not use client_secret_basic: unset --client-authentication" in (
        result.cause("wrong_credentials").remedy
    )
    assert result.statuses == [("client_secret_basic", 401, "invalid_client")]


def test_special_characters_are_tried_raw_too(oauth_server: LoopbackServer) -> None:
    """Where percent-encoding changes something, and nothing else has worked."""
    result = diagnosis(oauth_server.token_url, "client", "sec/ret")
    assert [method for method, _, _ in result.statuses] == [
        "client_secret_basic",
        "client_secret_post",
        "client_secret_basic (not percent-encoded)",
    ]
    oauth_server.rotate_secret("sec/ret")
    result = diagnosis(oauth_server.token_url, "client", "sec/ret")
    assert len(result.statuses) == 2


def test_credentials_look_odd(oauth_server: LoopbackServer) -> None:
    """Shown only if it does not work; nothing is known about a callable."""
    result = diagnosis(oauth_server.token_url, client_secret='"secret"')
    assert (result.fatal, result.notes) == (["wrong_credentials"], ["credentials_look_odd"])
    assert result.cause("credentials_look_odd").text == "--client-secret is in quotes."
    assert diagnosis(oauth_server.token_url, client_secret=lambda: '"secret"').notes == []
    oauth_server.rotate_secret('"secret"')
    assert diagnosis(oauth_server.token_url, client_secret='"secret"').notes == []


def test_urls_look_odd(oauth_server: LoopbackServer) -> None:
    """Shown only if it does not work."""
    url = f"{oauth_server.origin}/{{tenant}}/token"
    result = diagnosis(url)
    assert (result.verdict.works, result.notes) == (False, ["urls_look_odd"])
    assert result.cause("urls_look_odd").text == "--token-url contains {tenant}, which looks like a placeholder."
    api_url = f"{oauth_server.api_url}/<id>"
    assert diagnosis(oauth_server.token_url, api_url=api_url).notes == []
    oauth_server.api.always(Answer(404))
    result = diagnosis(oauth_server.token_url, api_url=api_url)
    assert result.cause("urls_look_odd").text == "The URL of the API contains <id>, which looks like a placeholder."


def test_secret_expired(oauth_server: LoopbackServer) -> None:
    """Some servers say so, and then it is not a wrong one."""
    words = "AADSTS7000222: The provided client secret keys for app are expired."
    oauth_server.token_endpoint.always(Answer.error("invalid_client", words, status=401))
    result = diagnosis(oauth_server.token_url, client_secret="hidden")
    assert result.fatal == ["secret_expired"]
    assert words in result.cause("secret_expired").text


def refused_then(oauth_server: LoopbackServer, *answers: Answer | None, **settings: Any) -> Diagnosed:
    oauth_server.token_endpoint.next(*answers)
    return diagnosis(oauth_server.token_url, **settings)


def test_method_not_allowed(oauth_server: LoopbackServer) -> None:
    """One works and the other does not: it works, and setting the one saves a request."""
    oauth_server.accepts = ("client_secret_post",)
    result = diagnosis(oauth_server.token_url)
    assert result.verdict.works
    assert result.verdict.text == "It works: client_secret_post brings a token."
    assert result.notes == ["method_not_allowed"]
    assert "1 more token request in each process" in result.cause("method_not_allowed").text
    assert result.cause("method_not_allowed").remedy == "Set --client-authentication to client_secret_post."


def test_the_first_method_is_enough(oauth_server: LoopbackServer) -> None:
    """It does not matter that the second is rejected."""
    oauth_server.accepts = ("client_secret_basic",)
    result = diagnosis(oauth_server.token_url)
    assert (result.verdict.works, result.notes) == (True, [])


def test_raw_basic(oauth_server: LoopbackServer) -> None:
    """A server that never decodes, and a secret with special characters."""
    oauth_server.accepts, oauth_server.decodes_basic = ("client_secret_basic",), False
    oauth_server.rotate_secret("sec/ret")
    result = diagnosis(oauth_server.token_url, "client", "sec/ret")
    assert result.verdict.works
    assert result.notes == ["method_not_allowed"]
    assert "2 more token requests" in result.cause("method_not_allowed").text
    assert "In your program, pass client_authentication=ClientSecretBasic(percent_encode=False)" in (
        result.cause("method_not_allowed").remedy
    )


def test_a_strategy_of_ones_own(oauth_server: LoopbackServer) -> None:
    """It is the one that is tried, and nothing is said about it."""
    oauth_server.decodes_basic = False
    oauth_server.rotate_secret("sec/ret")
    strategy = ClientSecretBasic(percent_encode=False)
    result = diagnosis(oauth_server.token_url, "client", "sec/ret", client_authentication=strategy)
    assert result.statuses == [("client_secret_basic (not percent-encoded)", 200, None)]
    assert (result.verdict.works, result.notes) == (True, [])
    assert result.findings.question.method == "client_secret_basic (not percent-encoded)"


@pytest.mark.parametrize("answer", [Answer(500), Answer.error("unsupported_grant_type")], ids=["500", "grant"])
def test_method_to_be_set(answer: Answer, oauth_server: LoopbackServer) -> None:
    """The second method works, but the plugin never gets there."""
    result = refused_then(oauth_server, answer)
    assert result.fatal == ["method_to_be_set"]
    assert result.verdict.text == "It does not work yet, though a token came."
    assert result.cause("method_to_be_set").text == (
        f"client_secret_post works, but client_secret_basic is tried first, and after its answer ({answer.status}) no "
        "other method is tried."
    )
    assert result.notes == []


def test_several_causes(oauth_server: LoopbackServer) -> None:
    """Both are shown if the methods get different answers."""
    result = refused_then(
        oauth_server, Answer.error("invalid_request"), Answer.error("unauthorized_client"), client_secret="hidden"
    )
    assert result.fatal == ["grant_not_allowed", "parameter_missing"]


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        (-3600, "60 min behind"),
        (600, "10 min ahead of"),
        (300, "5 min ahead of"),
        (30, None),
        (-30, None),
        (None, None),
    ],
)
def test_clock_skew(skew: int | None, words: str | None, oauth_server: LoopbackServer) -> None:
    """More than a minute between the answer's Date and now."""
    date = "no date" if skew is None else formatdate(time() + skew, usegmt=True)
    oauth_server.token_endpoint.always(Answer(401, {"error": "invalid_client"}, {"Date": date}))
    result = diagnosis(oauth_server.token_url)
    assert result.fatal == ["wrong_credentials"]
    assert result.notes == ([] if words is None else ["clock_skew"])
    if words is not None:
        assert f"clock is {words} this machine's" in result.cause("clock_skew").text


def test_one_right_date_is_enough(oauth_server: LoopbackServer) -> None:
    """A cache in between may give an old one."""
    old = formatdate(time() - 3600, usegmt=True)
    assert refused_then(oauth_server, Answer(401, headers={"Date": old})).notes == ["method_not_allowed"]


def test_proxy_in_between(oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its header, or because the environment names one; and only if the answer may not be the server's."""
    oauth_server.token_endpoint.always(Answer.error("invalid_client", status=401, headers={"Via": "1.1 google"}))
    assert diagnosis(oauth_server.token_url).notes == []

    oauth_server.token_endpoint.always(Answer(401, headers={"Via": "1.1 squid"}))
    result = diagnosis(oauth_server.token_url)
    assert result.notes == ["proxy_in_between"]
    assert "an intermediary (1.1 squid)" in result.cause("proxy_in_between").text

    oauth_server.token_endpoint.always(Answer(401))
    monkeypatch.setenv("HTTP_PROXY", oauth_server.origin)
    url = "http://login.example.com/oauth2/token"
    result = diagnosis(url, allow_insecure_http=True)
    assert result.notes == ["proxy_in_between"]
    assert f"the proxy {oauth_server.origin}" in result.cause("proxy_in_between").text

    oauth_server.token_endpoint.clear()
    assert diagnosis(url, allow_insecure_http=True).notes == []


def test_an_oauth_error_in_a_success(oauth_server: LoopbackServer) -> None:
    """Some servers answer 200 with an error."""
    oauth_server.token_endpoint.always(Answer(200, {"error": "invalid_client"}))
    assert diagnosis(oauth_server.token_url).fatal == ["wrong_credentials"]


def described(url: str, **arguments: Any) -> Diagnosed:
    return diagnosis(TokenEndpoint(url, request_format="json", **arguments))  # type: ignore[arg-type]  # as a config takes it


def test_what_describes_an_endpoint_is_named(oauth_server: LoopbackServer) -> None:
    """Instead of settings that have nothing to do with it."""
    oauth_server.token_endpoint.always(Answer(401, {"message": "no such key"}))
    remedy = described(oauth_server.token_url, credential_fields=("id", "key")).cause("wrong_credentials").remedy
    assert "compare --credential-fields" in remedy
    assert "client_authentication" not in remedy
    oauth_server.token_endpoint.always(Answer(200, {"data": {"jwt": "x"}}))
    cause = described(oauth_server.token_url, response_fields={"access_token": "data.token"}).cause("token_unusable")
    assert "it has no 'data.token': 'data' is there, and its members are: jwt" in cause.text
    assert cause.remedy == "Compare --response-field with what the answer has."
    oauth_server.token_endpoint.always(Answer(400, {"message": "bad JSON"}))
    assert described(oauth_server.token_url).fatal == ["unexplained"]
