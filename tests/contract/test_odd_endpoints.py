"""Promise 23 by example: the oddest token endpoints that providers have, each served by settings alone.

Each row plays an endpoint: what it wants to see, what it answers, and the settings that serve it. The API refuses the
first token, and the same request gets the next one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from oauth_cc_auth import TokenEndpoint
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import HTTPX, HTTPX2, HTTPX_ASYNCIO, REQUESTS, ClientKind, for_clients

ID, SECRET = "abcd-1234", "s3cret56"
BASIC = "Basic " + base64.b64encode(f"{ID}:{SECRET}".encode()).decode()


def sent_json(request: RecordedRequest) -> Any:
    assert request.headers["Content-Type"].startswith("application/")
    return json.loads(request.body)


def signed(content: str) -> str:
    return hmac.new(SECRET.encode(), content.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Odd:
    """An endpoint, and the settings for it.

    Attributes:
        what: In some words.
        wants: True for a right token request.
        answers: The body, from a new token.
        described: Arguments of `TokenEndpoint`.
        settings: Other arguments.
        header: Name and pattern of the header that the API reads.
        path: What follows in the URL.
        life: Seconds that the token lives; None if no one says it.
    """

    what: str
    wants: Callable[[RecordedRequest], bool]
    answers: Callable[[str], Any]
    described: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    header: tuple[str, str] = ("Authorization", "Bearer %s")
    path: str = ""
    life: float | None = None


NONE: dict[str, Any] = {"grant_type": False}
AS_JSON: dict[str, Any] = {"request_format": "json", "grant_type": False}

ENDPOINTS = [
    Odd(
        "a key alone, in JSON; the end as a date, two levels down",
        lambda r: sent_json(r) == {"apiKey": SECRET, "grantType": "api_key"},
        lambda t: {"status": 1, "data": {"accessToken": t, "accessTokenExpire": "2125-01-01T00:00:00Z"}},
        {
            **AS_JSON,
            "credential_fields": (None, "apiKey"),
            "response_fields": {"access_token": "data.accessToken", "expires_in": "data.accessTokenExpire"},
            "lifetime_unit": "date",
        },
        {"additional_request_data": {"grantType": "api_key"}},
        life=365 * 86400,
    ),
    Odd(
        "Basic and nothing in the body; the end in milliseconds since 1970",
        lambda r: (r.headers["Authorization"], r.body) == (BASIC, b""),
        lambda t: {"token": t, "expires": 9_000_000_000_000},
        {
            **NONE,
            "credential_headers": {"Authorization": "Basic {basic}"},
            "response_fields": {"access_token": "token", "expires_in": "expires"},
            "lifetime_unit": "unix_ms",
        },
        life=365 * 86400,
    ),
    Odd(
        "Basic of the key alone",
        lambda r: r.headers["Authorization"] == "Basic " + base64.b64encode(f"{ID}:".encode()).decode(),
        lambda t: {"access_token": t},
        {**NONE, "credential_headers": {"Authorization": "Basic {basic}"}},
        {"client_secret": ""},
    ),
    Odd(
        "the key as a bearer token",
        lambda r: r.headers["Authorization"] == f"Bearer {SECRET}",
        lambda t: {"access_token": t, "expires_in": "3600"},
        {**NONE, "credential_headers": {"Authorization": "Bearer {client_secret}"}},
        life=3600,
    ),
    Odd(
        "GET with two headers; the token is the whole answer, as a JSON string",
        lambda r: (r.method, r.query, r.headers["X-App"], r.headers["X-Key"]) == ("GET", "", ID, SECRET),
        lambda t: Answer(200, json.dumps(t), content_type="application/json"),
        {
            **NONE,
            "method": "GET",
            "credential_headers": {"X-App": "{client_id}", "X-Key": "{client_secret}"},
            "response_fields": {"access_token": "$"},
            "default_lifetime": 900,
        },
        life=900,
    ),
    Odd(
        "GET with everything in the query",
        lambda r: (r.method, r.query) == ("GET", f"v=2&user={ID}&key={SECRET}"),
        lambda t: [{"session": t}],
        {
            **NONE,
            "method": "GET",
            "credential_fields": ("user", "key"),
            "secret_in_query": True,
            "response_fields": {"access_token": "0.session"},
        },
        {"header_name": "X-Session", "header_value_pattern": "%s"},
        ("X-Session", "%s"),
        path="?v=2",
    ),
    Odd(
        "the id in the path, the key in a header, PUT, an empty JSON object",
        lambda r: (r.method, r.path, r.headers["X-Secret"], r.body) == ("PUT", f"/oauth2/token/id-{ID}", SECRET, b"{}"),
        lambda t: {"id": t, "ttl": 20},
        {
            **AS_JSON,
            "method": "PUT",
            "credential_headers": {"X-Secret": "{client_secret}"},
            "response_fields": {"access_token": "id", "expires_in": "ttl"},
            "lifetime_unit": "min",
        },
        {"header_value_pattern": "Token %s"},
        ("Authorization", "Token %s"),
        path="/id-{client_id}",
        life=1200,
    ),
    Odd(
        "user, password and company nested, the key of an app in a header",
        lambda r: (
            sent_json(r) == {"credentials": {"username": ID, "password": SECRET, "company": "c"}}
            and r.headers["Api-Key"] == "app-key"
        ),
        lambda t: {"token": t, "ttl": 3_600_000},
        {
            **AS_JSON,
            "credential_fields": ("credentials.username", "credentials.password"),
            "response_fields": {"access_token": "token", "expires_in": "ttl"},
            "lifetime_unit": "ms",
        },
        {
            "additional_request_data": {"credentials": {"company": "c"}},
            "additional_headers": {"Api-Key": "app-key"},
            "api_headers": {"Api-Key": "app-key"},
            "header_name": "Authentication",
        },
        ("Authentication", "Bearer %s"),
        life=3600,
    ),
    Odd(
        "a hash of the content in a header",
        lambda r: (r.headers["x-key"], r.headers["x-hash"]) == (ID, signed("abc")),
        lambda t: {"success": True, "access_token": t, "expires_in": 60},
        {**NONE, "credential_headers": {"x-key": "{client_id}"}},
        {"additional_headers": {"x-hash": lambda: signed("abc")}, "additional_request_data": {"content": "abc"}},
        life=60,
    ),
    Odd(
        "the token in a header of an empty answer",
        lambda r: sent_json(r) == {"login": ID, "password": SECRET},
        lambda t: Answer(201, headers={"X-Subject-Token": t}),
        {
            **AS_JSON,
            "credential_fields": ("login", "password"),
            "response_fields": {"access_token": "header:x-subject-token"},
        },
    ),
    Odd(
        "a session in a cookie",
        lambda r: r.form == (("user", ID), ("pass", SECRET)),
        lambda t: Answer(200, "ok", headers=[("Set-Cookie", f"JSESSIONID={t}; Path=/; HttpOnly")]),
        {
            **NONE,
            "credential_fields": ("user", "pass"),
            "response_fields": {"access_token": "cookie:JSESSIONID"},
        },
        {"header_name": "Cookie", "header_value_pattern": "JSESSIONID=%s"},
        ("Cookie", "JSESSIONID=%s"),
    ),
    Odd(
        "all cookies of the answer",
        lambda r: sent_json(r) == {"UserName": ID, "Password": SECRET},
        lambda t: Answer(
            200,
            {"SessionId": t},
            headers=[
                ("Set-Cookie", f"SESSION={t}; Path=/; Expires=Wed, 01 Jan 2031 00:00:00 GMT"),
                ("Set-Cookie", "NODE=.n1; Path=/"),
            ],
        ),
        {
            **AS_JSON,
            "credential_fields": ("UserName", "Password"),
            "response_fields": {"access_token": "cookie:*"},
        },
        {"header_name": "Cookie", "header_value_pattern": "%s"},
        ("Cookie", "SESSION=%s; NODE=.n1"),
    ),
    Odd(
        "XML in both directions",
        lambda r: r.body == f"<auth><id>{ID}</id><key>{SECRET}</key></auth>".encode(),
        lambda t: Answer(200, f"<r><sessionid>{t}</sessionid></r>", content_type="application/xml"),
        {
            **NONE,
            "request_format": lambda fields: f"<auth><id>{fields['id']}</id><key>{fields['key']}</key></auth>",
            "credential_fields": ("id", "key"),
            "response_fields": lambda text: {
                "access_token": text.partition("<sessionid>")[2].partition("<")[0],
                "expires_in": 60,
            },
        },
        {"additional_headers": {"Content-Type": "application/xml"}},
        life=60,
    ),
    Odd(
        "camel case everywhere, and a list of scopes",
        lambda r: (
            sent_json(r)
            == {"clientId": ID, "clientSecret": SECRET, "grantType": "client_credentials", "scopes": ["a", "b"]}
        ),
        lambda t: {"accessToken": t, "tokenType": "bearer", "expiresIn": 60},
        {
            **AS_JSON,
            "credential_fields": ("clientId", "clientSecret"),
            "response_fields": {"access_token": "accessToken", "expires_in": "expiresIn"},
        },
        {"additional_request_data": {"grantType": "client_credentials", "scopes": ["a", "b"]}},
        life=60,
    ),
    Odd(
        "a password grant with Basic",
        lambda r: (
            r.headers["Authorization"] == BASIC
            and r.form == (("grant_type", "password"), ("username", "u"), ("password", "p"))
        ),
        lambda t: {"access_token": t, "expires_in": 60},
        {},
        {
            "grant_type": "password",
            "client_authentication": "client_secret_basic",
            "additional_request_data": {"username": "u", "password": "p"},
        },
        life=60,
    ),
    Odd(
        "an error that is none, and a life as a clock",
        lambda r: sent_json(r) == {"id": ID, "key": SECRET},
        lambda t: {"error": "0", "result": {"token": t, "valid_for": "0:01:00:00"}},
        {
            **AS_JSON,
            "credential_fields": ("id", "key"),
            "response_fields": {"access_token": "result.token", "expires_in": "result.valid_for"},
            "lifetime_unit": "clock",
        },
        life=3600,
    ),
    Odd(
        "the token and a value of the answer, both in Basic",
        lambda r: sent_json(r) == {"id": ID, "key": SECRET},
        lambda t: {"access_token": t, "account": "me"},
        {**AS_JSON, "credential_fields": ("id", "key")},
        {"header_value_pattern": lambda token: f"Basic {token.extra['account']}:{token.access_token}"},
        ("Authorization", "Basic me:%s"),
    ),
]


@for_clients(REQUESTS, HTTPX, HTTPX2, HTTPX_ASYNCIO)
@pytest.mark.parametrize("odd", ENDPOINTS, ids=[odd.what for odd in ENDPOINTS])
def test_it_is_served(
    client: ClientKind, oauth_server: LoopbackServer, odd: Odd, caplog: pytest.LogCaptureFixture
) -> None:
    """A token, its life, and another token by the same request after a 401. No log has a secret, whoever wrote it."""
    caplog.set_level(logging.DEBUG)
    oauth_server.header_name, oauth_server.header_value_pattern = odd.header
    numbers = count(1)

    def issue(request: RecordedRequest) -> Answer:
        assert odd.wants(request)
        token = f"token-{next(numbers)}"
        oauth_server.issue(token)
        answer = odd.answers(token)
        return answer if isinstance(answer, Answer) else Answer(200, answer)

    oauth_server.token_endpoint.always(issue)
    arguments: dict[str, Any] = {"client_id": ID, "client_secret": SECRET, **odd.settings}
    endpoint = TokenEndpoint(oauth_server.token_url + odd.path, **odd.described)
    auth = client.auth_class(endpoint, **arguments)
    with client.session(auth=auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        lease = auth._source.cache.current
        ends = lease.token.expires_at
        assert odd.life == (None if ends is None else pytest.approx(ends - lease_start(auth), abs=5))
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).status == 200
    first, second = oauth_server.token_requests
    assert (first.method, first.path, first.query, first.body) == (
        second.method,
        second.path,
        second.query,
        second.body,
    )
    assert first.headers == second.headers
    assert [each.token for each in oauth_server.api_requests] == ["token-1", "token-1", "token-2"]
    assert SECRET not in repr(auth)
    assert not [record for record in caplog.messages if SECRET in record or "token-1" in record]


def lease_start(auth: Any) -> float:
    """Unix time now; the token was asked for a moment ago."""
    now: float = auth._source.cache.clock.moment().wall
    return now
