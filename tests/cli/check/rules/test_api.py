"""A token comes, and the API has its own opinion of it."""

from __future__ import annotations

import socket
from typing import Any, NamedTuple

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.check.checks import diagnosis, direct, jwt
from tests.contract.raw_endpoint import RawEndpoint, Wire, head

__all__ = ["direct"]


def challenge(value: str) -> dict[str, str]:
    return {"WWW-Authenticate": value}


class Scene(NamedTuple):
    """What the API answers, the cause that it has, and words in explanation and remedy."""

    cause: str
    answer: Answer
    text: str = ""
    remedy: str = ""


SCENES = [
    Scene(
        "api_insufficient_scope",
        Answer(403, "", challenge('Bearer realm="x", error="insufficient_scope", scope="orders:write admin"')),
        "another scope: orders:write admin. The token has: orders:read",
        "Add orders:write admin to --scope,",
    ),
    Scene(
        "api_insufficient_scope",
        Answer(403, "", challenge('Bearer error="insufficient_scope", scope="orders:read admin"')),
        "another scope: orders:read admin. The token has: orders:read",
        "Add admin to --scope,",
    ),
    Scene(
        "api_insufficient_scope",
        Answer(403, "", challenge('Bearer error="insufficient_scope", scope="orders:read"')),
        "another scope: orders:read. The token has: orders:read",
        "Add orders:read to --scope, and have it granted",
    ),
    Scene("api_insufficient_scope", Answer(403, "", challenge("Bearer error=insufficient_scope")), "scope. The token"),
    Scene(
        "api_wants_dpop", Answer(401, "", challenge('DPoP algs="ES256"')), 'It asks for: DPoP algs="ES256".', "Bearer"
    ),
    Scene("api_wants_dpop", Answer(401, "", challenge('Bearer, DPoP error="use_dpop_nonce"')), "(DPoP)"),
    Scene("api_sees_no_token", Answer(401, "", challenge('Bearer, DPoP algs="ES256"'))),
    Scene(
        "api_wants_other_scheme",
        Answer(401, "log in", challenge('Basic realm="x, Bearer y"')),
        "This API wants Basic, not a Bearer token. It says: log in",
        "a gateway before the API wants a password",
    ),
    Scene(
        "api_wants_other_scheme",
        Answer(401, "<html><title>401</title>", challenge('Negotiate, Basic realm="x"')),
        "This API wants Negotiate or Basic, not a Bearer token.",
    ),
    Scene("api_wants_other_scheme", Answer(403, "", challenge('Digest realm="x", nonce="y"')), "wants Digest, not"),
    Scene(
        "api_wants_other_pattern",
        Answer(401, "", challenge('Token realm="x"')),
        "The API asks for Token, and the token is sent as Authorization: Bearer ....",
        "Set --header-value-pattern to 'Token %s'.",
    ),
    Scene(
        "api_refuses_token",
        Answer(401, "", challenge('Bearer error="invalid_token", error_description="wrong \\"issuer\\""')),
        'It says: wrong "issuer"',
        "belong together",
    ),
    Scene(
        "api_sees_no_token",
        Answer(401, "", challenge('Bearer realm="x"')),
        'It asks for: Bearer realm="x".',
        "in 'Authorization: Bearer <token>'",
    ),
    Scene("api_refuses_token", Answer(401, "", challenge("Bearer error=odd")), "this token (odd)"),
    Scene("api_refuses_token", Answer(403, "", challenge("Bearer error=invalid_token")), "(invalid_token)"),
    Scene(
        "api_forbids", Answer(403, "", challenge("Bearer error=odd")), "(403). Its WWW-Authenticate: Bearer error=odd."
    ),
    Scene("api_sees_no_token", Answer(401, "no key"), "It says: no key"),
    Scene("api_sees_no_token", Answer(401, "<html><title>Who?</title>"), "names no reason.", "--header-name"),
    Scene(
        "api_forbids",
        Answer(403, {"message": "no role"}),
        'The API forbids the call (403). It says: {"message": "no role"}',
        "role",
    ),
    Scene("api_not_found", Answer(404), "(404)", "Check the URL"),
    Scene("api_rate_limited", Answer(429, headers={"Retry-After": "9"}), "It asks to wait 9 s."),
    Scene("api_rate_limited", Answer(429), "too many calls."),
    Scene("api_down", Answer(503, "<html><title>Sorry</title>"), "(503). It says: Sorry"),
    Scene("api_unexplained", Answer(405), "answers 405 to the GET.", "can be read with GET"),
    Scene("api_redirects", Answer.redirect("https://x.example.com/login?next=1"), "looks like a login"),
    Scene("api_redirects", Answer.redirect("https://sso.example.com/"), "looks like a login", "--header-name"),
    Scene("api_redirects", Answer.redirect("/api/v2"), "redirects the call to /api/v2.", "final URL"),
    Scene("api_redirects", Answer(302), "redirects the call to somewhere else."),
    Scene("api_web_page", Answer(200, "<html><title>Welcome</title>"), "a web page (Welcome).", "web site"),
    Scene("api_web_page", Answer(200, "x", content_type="text/html"), "a web page."),
]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene.cause}-{scene.answer.status}")
def test_one_answer(scene: Scene, oauth_server: LoopbackServer) -> None:
    """The cause is named, and the verdict says that the token is not what is missing."""
    oauth_server.api.always(scene.answer)
    result = diagnosis(oauth_server.token_url, api_url=oauth_server.api_url, scope="orders:read")
    assert result.fatal == [scene.cause]
    assert scene.text in result.cause(scene.cause).text
    assert scene.remedy in result.cause(scene.cause).remedy
    assert result.verdict.text == "The token endpoint works; the call of the API does not."


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"header_value_pattern": "Token %s"}, "Set --header-value-pattern to 'Bearer %s'."),
        ({"header_value_pattern": "%s"}, "Set --header-value-pattern to 'Bearer %s'."),
        ({"header_name": "X-Key"}, "Set --header-name to Authorization, and --header-value-pattern to 'Bearer %s'."),
    ],
)
def test_a_challenge_that_the_pattern_does_not_meet(
    oauth_server: LoopbackServer, settings: dict[str, Any], remedy: str
) -> None:
    """The API says after which word it looks for the token, and so in which header."""
    oauth_server.api.always(Answer(401, "", headers={"WWW-Authenticate": 'Bearer realm="orders"'}))
    result = diagnosis(oauth_server.token_url, api_url=oauth_server.api_url, **settings)
    cause = result.cause("api_wants_other_pattern")
    assert cause.text.startswith("The API asks for Bearer, and the token is sent as ")
    assert cause.remedy == remedy


def test_one_get_with_the_header_of_the_settings(oauth_server: LoopbackServer) -> None:
    """One, and with the first token."""
    oauth_server.header_name, oauth_server.header_value_pattern = "X-Key", "Token <%s>"
    result = diagnosis(
        oauth_server.token_url,
        api_url=f"{oauth_server.api_url}/orders?a=b",
        header_name="X-Key",
        header_value_pattern="Token <%s>",
    )
    assert result.verdict.works
    assert result.verdict.text == "It works: client_secret_basic brings a token, and the API accepts it."
    (request,) = oauth_server.api_requests
    assert (request.method, request.path, request.query) == ("GET", "/api/orders", "a=b")
    assert request.token == oauth_server.issued[0]
    assert "Authorization" not in request.headers
    assert result.api.url == f"{oauth_server.api_url}/orders?***"
    assert result.told[-5:] == ["token", "calling", "calling done", "api", "concluded"]


def test_no_netrc_gets_in_between(oauth_server: LoopbackServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """requests would replace the header by what it finds there."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert diagnosis(oauth_server.token_url, api_url=oauth_server.api_url).verdict.works


BEARER = 'Bearer error="invalid_token"'
OTHER = ["https://other.example.com"]
OURS = ["http://127.0.0.1/api"]


@pytest.mark.parametrize(
    ("status", "audience", "header", "body", "words"),
    [
        (401, OTHER, BEARER, "", "The token is for https://other.example.com (aud), which does not look like this API"),
        (401, OTHER, BEARER, "no", "at 127.0.0.1. It says: no"),
        (401, [*OTHER, "http://b.example"], BEARER, "<html>", "for https://other.example.com, http://b.example (aud)"),
        (401, OURS, f'{BEARER}, error_description="Audience?"', "", "not what this API expects at 127.0.0.1. It says"),
        (401, ["a", "b"], f'{BEARER}, error_description="The aud claim"', "", "The token is for a, b (aud)"),
        (403, ["account"], 'Bearer error="access_denied"', "wrong audience", "It says: wrong audience"),
    ],
)
def test_api_wrong_audience(
    *, status: int, audience: list[str], header: str, body: str, words: str, oauth_server: LoopbackServer
) -> None:
    """The API speaks of it, or says nothing and the token names another host."""
    oauth_server.new_token = lambda: jwt(aud=audience)
    oauth_server.api.always(Answer(status, body, challenge(header)))
    result = diagnosis(oauth_server.token_url, api_url=oauth_server.api_url)
    assert (result.fatal, result.notes) == (["api_wrong_audience"], [])
    assert words in result.cause("api_wrong_audience").text


NOTE = ["audience_to_compare"]


@pytest.mark.parametrize(
    ("status", "audience", "header", "body", "cause", "notes"),
    [
        (401, OURS, BEARER, "", "api_refuses_token", []),
        (401, [], BEARER, "", "api_refuses_token", []),
        (403, ["account"], BEARER, "", "api_refuses_token", []),
        (401, ["api://default"], BEARER, "", "api_refuses_token", NOTE),
        (401, [*OTHER, "account"], BEARER, "", "api_refuses_token", NOTE),
        (401, ["http://[x"], BEARER, "", "api_refuses_token", NOTE),
        (401, OTHER, f'{BEARER}, error_description="no luck"', "", "api_refuses_token", NOTE),
        (401, OTHER, f'{BEARER}, error_description="Signature verification failed"', "", "api_refuses_token", []),
        (401, OTHER, BEARER, "token expired", "api_refuses_token", []),
        (401, OTHER, 'Bearer realm="x"', "", "api_sees_no_token", NOTE),
        (401, OTHER, 'Basic realm="x"', "", "api_wants_other_scheme", []),
        (401, OTHER, "DPoP", "", "api_wants_dpop", []),
    ],
)
def test_another_reason_than_the_audience(
    *,
    status: int,
    audience: list[str],
    header: str,
    body: str,
    cause: str,
    notes: list[str],
    oauth_server: LoopbackServer,
) -> None:
    """What the API says counts. If it says little, an audience that may not be its own is a note."""
    oauth_server.new_token = lambda: jwt(aud=audience)
    oauth_server.api.always(Answer(status, body, challenge(header)))
    result = diagnosis(oauth_server.token_url, api_url=oauth_server.api_url)
    assert (result.fatal, result.notes) == ([cause], notes)


@pytest.mark.parametrize(
    ("members", "scope", "text", "remedy"),
    [
        ({}, None, "The server does not say which scope the token has.", "Set --scope to orders:write, and"),
        ({}, "a", "The token has: a.", "Add orders:write to --scope, and"),
        ({"scope": ""}, None, "The token has: none.", "Set --scope to orders:write, and"),
        ({"scope": "b"}, "a", "The token has: b.", "Add orders:write to --scope, and"),
        ({"access_token": jwt(scope="c d")}, "a", "The token has: c d.", "Add orders:write to --scope, and"),
        ({"access_token": jwt(scp=["c"]), "scope": ""}, None, "The token has: c.", "Set --scope to orders"),
        ({"access_token": "e30.e30.e30"}, None, "The server does not say", "Set --scope to orders"),
    ],
)
def test_the_scope_that_a_token_has(
    members: dict[str, Any], scope: str | None, text: str, remedy: str, oauth_server: LoopbackServer
) -> None:
    """By the server's words, else by those of the token, else what was asked for."""
    oauth_server.token_endpoint.always(Answer(200, {"access_token": "opaque", **members}))
    oauth_server.api.always(Answer(403, "", challenge('Bearer error="insufficient_scope", scope="orders:write"')))
    cause = diagnosis(oauth_server.token_url, api_url=oauth_server.api_url, scope=scope).cause("api_insufficient_scope")
    assert text in cause.text
    assert remedy in cause.remedy


def test_a_wrong_audience_is_none_where_the_api_accepts_it(oauth_server: LoopbackServer) -> None:
    """Many audiences are no hosts."""
    oauth_server.new_token = lambda: jwt(aud="api://orders")
    assert diagnosis(oauth_server.token_url, api_url=oauth_server.api_url).verdict.works


def test_api_withheld_over_plain_http(oauth_server: LoopbackServer) -> None:
    """Nothing is sent."""
    result = diagnosis(oauth_server.token_url, api_url="http://api.example.com/")
    assert result.fatal == ["api_withheld"]
    assert "plain http" in result.cause("api_withheld").text
    assert (result.api.withheld, result.api.answer) == ("insecure", None)


def test_api_withheld_from_other_origins(oauth_server: LoopbackServer) -> None:
    """With api_origins the plugin would send no token there."""
    other = {"api_origins": ["https://api.example.com"]}
    result = diagnosis(oauth_server.token_url, api_url=oauth_server.api_url, behaviour=other)
    assert result.fatal == ["api_withheld"]
    assert "api_origins" in result.cause("api_withheld").remedy
    assert oauth_server.api_requests == ()

    own = {"api_origins": [oauth_server.origin]}
    assert diagnosis(oauth_server.token_url, api_url=oauth_server.api_url, behaviour=own).verdict.works


def test_api_unreachable(oauth_server: LoopbackServer) -> None:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    result = diagnosis(oauth_server.token_url, api_url=f"http://127.0.0.1:{port}/")
    assert result.fatal == ["api_unreachable"]
    assert "Connection refused" in result.cause("api_unreachable").text
    assert not result.api.timed_out


def test_an_api_without_an_answer(oauth_server: LoopbackServer) -> None:
    """Time runs out."""
    with RawEndpoint(Wire.wait) as api:
        result = diagnosis(oauth_server.token_url, api_url=api.url, behaviour={"timeout": 1.0})
    assert result.fatal == ["api_unreachable"]
    assert result.api.timed_out


def test_an_odd_redirect_is_no_traceback(oauth_server: LoopbackServer) -> None:
    """requests raises on some."""
    oauth_server.api.always(Answer.redirect("http://[::1"))
    result = diagnosis(oauth_server.token_url, api_url=oauth_server.api_url)
    assert result.fatal == ["api_redirects"]
    assert "a URL that cannot be parsed" in result.cause("api_redirects").text


def test_of_a_large_answer_only_the_beginning_is_read(oauth_server: LoopbackServer) -> None:
    """Nobody looks at the rest."""

    def talk(wire: Wire) -> None:
        wire.send(head())
        wire.send_for_ever()

    with RawEndpoint(talk) as api:
        result = diagnosis(oauth_server.token_url, api_url=api.url)
    assert result.verdict.works
