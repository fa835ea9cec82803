"""Every Python example in the README and the guides runs, and prints what the page shows."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import io
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from oauth_cc_auth import Event
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._token import Token
from oauth_cc_auth.testing import LoopbackServer
from tests.examples import DOCS, README, Example, examples_in

PEM = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
CERTIFICATE = trustme.CA().issue_cert("client.example.com")
TOKEN_URL, API = "https://login.example.com/oauth2/token", "https://api.example.com"
SITE = re.compile(r"https://oauth-cc-auth\.readthedocs\.io/en/latest/([\w-]+)\.html")
GUIDES = ("tutorial", "settings", "stores", "identities", "errors", "events", "security", "testing")
PAGES = [README, *(DOCS / f"{name}.md" for name in GUIDES)]
EXAMPLES = [
    pytest.param(example, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, example in enumerate(examples_in(page.read_text(encoding="utf-8")))
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_are_found(page: Path) -> None:
    """Each page has some, so the next test does not pass without testing anything."""
    assert examples_in(page.read_text(encoding="utf-8"))


def test_the_readme_fits_on_some_screens_and_renders_anywhere() -> None:
    """At most 150 lines, and no relative link; its links to the site name pages that there are."""
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert re.findall(r"\]\((?!https://)", text) == []
    pages = SITE.findall(text)
    assert len(pages) >= 9
    assert [page for page in pages if not (DOCS / f"{page}.md").is_file()] == []
    assert [name for name in re.findall(r"^\[([a-z]+)\]: ", text, re.MULTILINE) if text.count(f"[{name}]") < 2] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_example(
    example: Example, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The example runs as printed, except that the hosts are ours."""
    if "httpx2" in example.code and importlib.util.find_spec("httpx2") is None:
        pytest.skip("httpx2 needs a later Python")
    with LoopbackServer(client_id="abcd-1234", client_secret="secret123456") as server:
        for name, value in {"TOKEN_URL": server.token_url, "CLIENT_ID": "abcd-1234", "CLIENT_SECRET": "s"}.items():
            monkeypatch.setenv(f"OAUTH_CC_{name}", value)
        (tmp_path / "client.pem").write_bytes(PEM)
        CERTIFICATE.cert_chain_pems[0].write_to_path(str(tmp_path / "client.crt"))
        CERTIFICATE.private_key_pem.write_to_path(str(tmp_path / "client.key"))
        monkeypatch.chdir(tmp_path)
        code = example.code.replace(TOKEN_URL, server.token_url).replace(API, server.api_url)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            names: dict[str, Any] = {"__name__": "__main__"}
            exec(compile(code, "example", "exec"), names)  # noqa: S102  # our own pages
            for test in (value for name, value in names.items() if name.startswith("test_")):
                fixtures = inspect.signature(test).parameters
                test(*(server if name == "oauth_server" else request.getfixturevalue(name) for name in fixtures))
        assert printed.getvalue().replace(server.token_url, TOKEN_URL) == example.output


def test_every_public_name_of_the_errors_is_in_the_table() -> None:
    """The table has every error that a request can raise."""
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    for name in ("TokenEndpointUnreachable", "TokenEndpointError", "InvalidTokenResponse", "InsecureRequestError"):
        assert f"| `{name}` |" in text


def test_every_event_is_in_the_table() -> None:
    """The table lists every field of each event."""
    text = (DOCS / "events.md").read_text(encoding="utf-8")
    rows = {row.split("`")[1]: row for row in text.splitlines() if row.startswith("| `")}
    events = Event.__subclasses__()
    assert len(events) >= 5
    common = {field.name for field in fields(Event)}
    for event in events:
        listed = set(re.findall(r"`(\w+)`", rows[event.__name__])) - {event.__name__}
        assert listed == {field.name for field in fields(event)} - common


@pytest.mark.parametrize("chance", [0.0, 0.999])
def test_outage_figure(chance: float) -> None:
    """A one-hour token leaves nine minutes for its renewal, even if jitter starts it late."""
    lease = Lease(
        Token("t", expires_at=3600.0), "Bearer t", asked=Moment(0.0, 0.0), rules=RenewalRules(), chance=chance
    )
    assert lease.ends_at.wall - lease.fresh_until >= 9 * 60
