"""``oauth-cc-auth check --api-url URL`` without a token URL: the settings that the API asks for, to paste."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.text import Text

from oauth_cc_auth._cli.terminal import console
from oauth_cc_auth._cli.terminal.exit import FAILED, OK
from oauth_cc_auth._redact.redact import presentable, shown_url

from .probe.self_description import Proposal, SelfDescription, described_by_itself

_TIMEOUT = 10.0  # seconds, as the plugin's


def run(api_url: str, *, as_json: bool) -> int:
    """Ask the API, and print what it says. Returns the exit status.

    Raises:
        CommandError: the API does not describe itself.
    """
    described = described_by_itself(api_url, _TIMEOUT)
    found = [proposal for proposal in described.proposals if proposal.server is not None]
    if as_json:
        print(json.dumps(_as_json(api_url, described), indent=2), file=sys.stdout)  # noqa: T201  # the result
        return OK if found else FAILED
    lines = [f"{shown_url(api_url)} describes itself (RFC 9728)."]
    if found:
        lines += ["If you trust this server with your credentials, these are the settings for a --config file:"]
    for proposal in described.proposals:
        lines += ["", *_lines(proposal, described)]
    if found:
        issuer = json.dumps(found[0].issuer)
        lines += ["", f"To look the URL up at each start, set issuer to {issuer} instead of token_url."]
    elif not described.proposals:
        lines += ["It names no authorization server: pass --token-url."]
    console.stdout().print(Text("\n".join(lines)), soft_wrap=True)
    return OK if found else FAILED


def _lines(proposal: Proposal, described: SelfDescription) -> list[str]:
    if proposal.server is None:
        return [f"# {proposal.issuer}: {proposal.problem}"]
    settings = _settings(proposal, described)
    return [f"# {proposal.issuer}", *(f"{name} = {json.dumps(value)}" for name, value in settings.items())]


def _settings(proposal: Proposal, described: SelfDescription) -> dict[str, str]:
    values = {
        "token_url": "" if proposal.server is None else proposal.server.token_url,
        "scope": described.scope,
        "resource": described.resource,
    }
    return {name: presentable(value, ()) for name, value in values.items() if value}


def _as_json(api_url: str, described: SelfDescription) -> dict[str, Any]:
    return {
        "api_url": shown_url(api_url),
        "servers": [
            {
                "issuer": proposal.issuer,
                "settings": None if proposal.server is None else _settings(proposal, described),
                "problem": proposal.problem or None,
            }
            for proposal in described.proposals
        ],
    }
