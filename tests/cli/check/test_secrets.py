"""No secret and no token is shown, whatever servers echo and wherever the diagnosis ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.cli.check.checks import diagnosis, direct, jwt
from tests.cli.runs import Run, run_fixture
from tests.contract import leaks

__all__ = ["direct", "run_fixture"]

Script = Callable[[RecordedRequest], Answer]


def echo(request: RecordedRequest) -> dict[str, Any]:
    """Everything that a server knows of a request."""
    fields = dict(request.form)
    return {"headers": dict(request.headers.pairs), "body": request.body.decode(), "query": request.query, **fields}


def refusal(request: RecordedRequest) -> Answer:
    told = json.dumps(echo(request))
    headers = {"WWW-Authenticate": f"Basic realm={told}", "Via": told, "Content-Type": told}
    return Answer(401, {"error": told, "error_description": told, "error_uri": told}, headers)


def page(request: RecordedRequest) -> Answer:
    return Answer(403, f"<html><title>{json.dumps(echo(request))}</title>", content_type="text/html")


def text(request: RecordedRequest) -> Answer:
    return Answer(400, json.dumps(echo(request)))


def redirect(request: RecordedRequest) -> Answer:
    return Answer.redirect(f"/login/{request.headers.get('Authorization', request.body.decode())}?{request.query}")


def unusable(request: RecordedRequest) -> Answer:
    return Answer(200, {"token": leaks.TOKEN, **echo(request)})


def bound(request: RecordedRequest) -> Answer:
    return Answer.token(leaks.TOKEN, token_type="mac")


def opaque(request: RecordedRequest) -> Answer:
    told = json.dumps(echo(request))
    members = {"scope": f"a {leaks.TOKEN} {leaks.CLIENT_SECRET}", "refresh_token": leaks.TOKEN, told: told}
    return Answer.token(leaks.TOKEN, token_type=f"Bearer {leaks.CLIENT_SECRET}", **members)


def in_claims(request: RecordedRequest) -> Answer:
    told = json.dumps(echo(request))
    token = jwt(iss=told, aud=[told], **{told: told, "nested": {"a": [echo(request)]}})
    return Answer.token(f"{token.rpartition('.')[0]}.{leaks.MARKS['token']}")


@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize(
    "script", [refusal, page, text, redirect, unusable, bound, opaque, in_claims], ids=lambda script: script.__name__
)
def test_a_token_endpoint_that_echoes(
    script: Script, arguments: list[str], run: Run, oauth_server: LoopbackServer
) -> None:
    """Everything that it was sent, in every place of an answer."""
    oauth_server.token_endpoint.always(script)
    oauth_server.api.always(api_refusal)
    ran = run("check", "--api-url", oauth_server.api_url, *arguments, env=environment(oauth_server))
    assert ran.status == 1
    assert len(oauth_server.token_requests) >= 2
    assert leaks.leaks_in([ran.out, ran.err]) == []


def api_refusal(request: RecordedRequest) -> Answer:
    told = json.dumps(echo(request))
    return Answer(401, told, {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{told}"'})


def api_page(request: RecordedRequest) -> Answer:
    return Answer(200, f"<title>{request.headers['Authorization']}</title>", content_type="text/html")


def api_redirect(request: RecordedRequest) -> Answer:
    return Answer.redirect(f"https://sso.example.com/{request.token}?token={request.token}#{request.token}")


@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("script", [api_refusal, api_page, api_redirect], ids=lambda script: script.__name__)
def test_an_api_that_echoes(script: Script, arguments: list[str], run: Run, oauth_server: LoopbackServer) -> None:
    """The token, which is all that it gets."""
    oauth_server.token_endpoint.always(Answer.token(leaks.TOKEN))
    oauth_server.api.always(script)
    ran = run("check", "--api-url", oauth_server.api_url, *arguments, env=environment(oauth_server))
    assert ran.status == 1
    assert oauth_server.api_requests[0].token == leaks.TOKEN
    assert leaks.leaks_in([ran.out, ran.err]) == []


def test_the_facts_hold_no_secret_either(oauth_server: LoopbackServer) -> None:
    """What is not in them cannot get into a report."""
    oauth_server.token_endpoint.always(opaque)
    oauth_server.api.always(api_refusal)
    settings = leaks.settings(oauth_server.token_url)
    result = diagnosis(**settings, api_url=oauth_server.api_url)
    assert leaks.leaks_in(leaks.texts_in((result.findings, result.verdict))) == []


def environment(server: LoopbackServer) -> dict[str, str]:
    """Settings in which everything that can hold a secret does."""
    settings = leaks.settings(server.token_url)
    return {
        f"OAUTH_CC_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in settings.items()
    }
