"""Every Python example in the README runs and prints what the README shows."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
from dataclasses import fields
from typing import Any

import pytest

from oauth_cc_auth import Event
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.lease import Lease, RenewalRules
from oauth_cc_auth._token import Token
from oauth_cc_auth.testing import LoopbackServer
from tests.examples import README, Example, examples_in

TOKEN_URL, API = "https://login.example.com/oauth2/token", "https://api.example.com"
EXAMPLES = examples_in(README.read_text(encoding="utf-8"))


def test_examples_are_found() -> None:
    """The README has examples, so the next test does not pass without testing anything."""
    assert len(EXAMPLES) >= 7
    assert any(example.output for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_example(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example runs as printed, except that the hosts are ours."""
    if "httpx2" in example.code and importlib.util.find_spec("httpx2") is None:
        pytest.skip("httpx2 needs a later Python")
    with LoopbackServer(client_id="abcd-1234", client_secret="secret123456") as server:
        for name, value in {"TOKEN_URL": server.token_url, "CLIENT_ID": "abcd-1234", "CLIENT_SECRET": "s"}.items():
            monkeypatch.setenv(f"OAUTH_CC_{name}", value)
        code = example.code.replace(TOKEN_URL, server.token_url).replace(API, server.api_url)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            names: dict[str, Any] = {"__name__": "__main__"}
            exec(compile(code, str(README), "exec"), names)  # noqa: S102  # our own README
            for test in (value for name, value in names.items() if name.startswith("test_")):
                test(server)  # as pytest does, with the fixture
        assert printed.getvalue().replace(server.token_url, TOKEN_URL) == example.output


def test_every_public_name_of_the_errors_is_in_the_table() -> None:
    """The table has every error that a request can raise."""
    text = README.read_text(encoding="utf-8")
    for name in ("TokenEndpointUnreachable", "TokenEndpointError", "InvalidTokenResponse", "InsecureRequestError"):
        assert f"| `{name}` |" in text


def test_every_event_is_in_the_table() -> None:
    """The table lists every field of each event."""
    text = README.read_text(encoding="utf-8")
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
