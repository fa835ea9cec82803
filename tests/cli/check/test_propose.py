"""``oauth-cc-auth check --api-url URL`` without a token URL: the API describes itself, and the person decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig
from oauth_cc_auth._cli.check.probe import self_description
from oauth_cc_auth._cli.settings import config_file
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.runs import ERROR, Run, run_fixture
from tests.contract.issuer_server import FORMS, Login, login_fixture

__all__ = ["login_fixture", "run_fixture"]

API = "/orders/mcp"
RESOURCE = "/.well-known/oauth-protected-resource"
TOKEN_URL = "https://login.example.com/token"


class Api(Login):
    """An API and its issuer on one server; the API refuses requests without a token."""

    def refuse(self, *parameters: str) -> None:
        challenge = ", ".join(['Bearer realm="orders"', *parameters])
        self.documents[API] = Answer(401, headers={"WWW-Authenticate": challenge})

    def describe(self, path: str = RESOURCE + API, **members: Any) -> None:
        about = {"resource": self.api_url, "authorization_servers": [self.url], "scopes_supported": ["a", "b", 5]}
        self.documents[path] = about | members

    @property
    def api_url(self) -> str:
        return self.origin + API


@pytest.fixture
def api() -> Any:
    api = Api()
    api.refuse()
    api.describe()
    api.documents[FORMS[0]] = api.document(TOKEN_URL)
    with api.endpoint:
        yield api


def test_settings_to_paste(run: Run, api: Api, tmp_path: Path) -> None:
    """They are a file for --config; no question holds credentials, though there are some."""
    ran = run("check", "--api-url", api.api_url, env={"OAUTH_CC_CLIENT_ID": "id", "OAUTH_CC_CLIENT_SECRET": "s3cret"})
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"{api.api_url} describes itself (RFC 9728).",
        "If you trust this server with your credentials, these are the settings for a --config file:",
        "",
        f"# {api.url}",
        f'token_url = "{TOKEN_URL}"',
        'scope = "a b"',
        f'resource = "{api.api_url}"',
        "",
        f'To look the URL up at each start, set issuer to "{api.url}" instead of token_url.',
    ]
    pasted = tmp_path / "a.toml"
    pasted.write_text("\n".join(line for line in ran.out.splitlines() if " = " in line))
    settings = config_file.read(str(pasted))
    config = ClientCredentialsConfig.from_mapping({**settings, "client_id": "id", "client_secret": "s"})
    assert (config.token_url, config.scope, config.resource) == (TOKEN_URL, "a b", (api.api_url,))
    assert not any(b"s3cret" in question or b"uthorization:" in question for question in api.questions)


def test_the_challenge_says_more(run: Run, api: Api) -> None:
    """Where the document is, and the scope of this very request."""
    del api.documents[RESOURCE + API]
    api.refuse(f'resource_metadata="{api.origin}/meta"', 'scope="orders:read"')
    api.describe("/meta", resource=f"{api.origin}/orders/")
    ran = run("check", "--api-url", api.api_url, "--json")
    assert ran.status == 0
    assert ran.json == {
        "api_url": api.api_url,
        "servers": [
            {
                "issuer": api.url,
                "settings": {"token_url": TOKEN_URL, "scope": "orders:read", "resource": f"{api.origin}/orders/"},
                "problem": None,
            }
        ],
    }
    assert api.asked == [API, "/meta", FORMS[0]]


def test_the_document_of_the_whole_host(run: Run, api: Api) -> None:
    """If there is none for the path."""
    del api.documents[RESOURCE + API]
    api.describe(RESOURCE, resource=api.origin, scopes_supported="a")
    ran = run("check", "--api-url", api.api_url)
    assert ran.status == 0
    assert "scope" not in ran.out
    assert f'resource = "{api.origin}"' in ran.out


@pytest.mark.parametrize(
    "resource", ["https://api.example.com/orders/mcp", "{api}/more", "{origin}/ord", 5, None, "mcp"]
)
def test_a_document_about_another_api(run: Run, api: Api, resource: Any) -> None:
    """It is not followed (RFC 9728 §3.3)."""
    if isinstance(resource, str):
        resource = resource.format(api=api.api_url, origin=api.origin)
    api.describe(resource=resource)
    ran = run("check", "--api-url", api.api_url)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == (
        f"{ERROR}{api.api_url} does not describe itself (it answered 401; {api.origin}{RESOURCE}{API} is about another "
        f"API; {api.origin}{RESOURCE} is no such document): pass --token-url\n"
    )
    assert FORMS[0] not in api.asked


def test_servers_that_cannot_be_used(run: Run, api: Api) -> None:
    """Each is listed with the reason, and a name cannot break a line."""
    servers = ["http://login.example.com", "evil\nscope = x", f"{api.origin}/other"]
    api.describe(authorization_servers=servers)
    ran = run("check", "--api-url", api.api_url)
    assert ran.status == 1
    assert [line.partition(": ")[::2] for line in ran.out.splitlines() if line.startswith("#")] == [
        ("# http://login.example.com", "is plain http"),
        ("# evil scope = x", "contains a control character, perhaps a line break at its end"),
        (
            f"# {api.origin}/other",
            f"no token endpoint is known for the issuer {api.origin}/other, since {api.origin}/.well-known/"
            "oauth-authorization-server/other answered 404",
        ),
    ]
    api.describe(authorization_servers="x")
    ran = run("check", "--api-url", api.api_url)
    assert ran.status == 1
    assert ran.out.endswith("It names no authorization server: pass --token-url.\n")
    assert run("check", "--api-url", api.api_url, "--json").status == 1


def test_nobody_there(run: Run) -> None:
    """Nothing to ask."""
    with Api().endpoint as endpoint:
        url = endpoint.url
    ran = run("check", "--api-url", url)
    assert ran.status == 4
    assert ran.err.startswith(f"{ERROR}{url} gave no answer: ")


def test_a_token_url_from_anywhere(run: Run, oauth_server: LoopbackServer, tmp_path: Path) -> None:
    """Then the API is called with a token, as ever; nothing is proposed."""
    (tmp_path / "a.toml").write_text(f'token_url = "{oauth_server.token_url}"\n')
    given = ["--token-url", oauth_server.token_url], ["--config", str(tmp_path / "a.toml")]
    for options in given:
        ran = run("check", *options, "--api-url", oauth_server.api_url)
        assert ran.status == 2
        assert "client_id, client_secret are missing" in ran.err


@pytest.mark.parametrize(
    ("api_url", "named", "is_followed"),
    [
        ("https://api.example.com/a", "https://meta.example.com/m", True),
        ("https://api.example.com/a", "http://127.0.0.1:8080/m", False),
        ("https://api.example.com/a", "http://meta.example.com/m", False),
        ("https://api.example.com/a", "file:///etc/passwd", False),
        ("http://127.0.0.1:1/a", "http://127.0.0.1:2/m", True),
    ],
)
def test_where_a_challenge_may_lead(api_url: str, named: str, is_followed: bool) -> None:
    """Never from https to plain http, and never to this machine from elsewhere."""
    assert (named in self_description.places(api_url, named)) == is_followed
