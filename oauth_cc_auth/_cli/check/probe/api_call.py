"""One call of the API with the token, in the header that the plugin sets."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Literal

from oauth_cc_auth._cli.check.facts import ApiFacts
from oauth_cc_auth._cli.check.watcher import Timed, Watcher
from oauth_cc_auth._cli.settings.urls import wire_origin, wire_url
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._http.origin import Origin, may_carry_secrets
from oauth_cc_auth._redact.redact import presentable, shown_url

from .attempts import Obtained
from .get import Got
from .http_answer import http_answer
from .proofs import got
from .route import proxy_secrets


def call_api(
    config: ClientCredentialsConfig,
    url: str,
    obtained: Obtained,
    *,
    origins: Collection[Origin] | None,
    timeout: float,
    watcher: Watcher,
) -> ApiFacts:
    """What the API answers to the new token.

    Args:
        origins: Those that may get a token; None means all.
        timeout: Seconds for the whole answer.
    """
    withheld = _withheld(config, url, origins)
    if withheld is not None:
        return ApiFacts(shown_url(url), 0.0, withheld=withheld)
    pattern = str(config.header_value_pattern)  # no callable can be written down for the command
    headers = {config.header_name: pattern.replace("%s", obtained.token.access_token), **dict(config.api_headers)}
    with Timed(watcher, f"calling {shown_url(url)}") as timed:
        answer = got(config, url, obtained.token, headers, timeout)
    secrets = (*obtained.secrets, *proxy_secrets(url))
    if isinstance(answer, Got):
        read = http_answer(answer.status, answer.headers, answer.body, wall=time.time(), secrets=secrets)
        return ApiFacts(shown_url(url), timed.seconds, read)
    words = presentable(answer.text, secrets)
    return ApiFacts(shown_url(url), timed.seconds, description=words, timed_out=answer.timed_out)


def _withheld(
    config: ClientCredentialsConfig, url: str, origins: Collection[Origin] | None
) -> Literal["insecure", "other_origin"] | None:
    if origins is not None and wire_origin(url) not in origins:
        return "other_origin"
    return None if config.allow_insecure_http or may_carry_secrets(wire_url(url)) else "insecure"
