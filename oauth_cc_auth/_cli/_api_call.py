"""One GET of the API with the token: the header that the plugin sets, and nothing that hides what comes back."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any, Literal

import requests

from oauth_cc_auth._body import LONGEST_REFUSAL
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._origin import Origin, may_carry_secrets, origin_of
from oauth_cc_auth._redact import presentable, shown_url
from oauth_cc_auth._transport import too_slow, transport_failure
from oauth_cc_auth._version import __version__
from oauth_cc_auth._wire import TransportFailure

from ._attempts import Obtained
from ._facts import ApiFacts, HttpAnswer
from ._http_answer import http_answer
from ._settings import in_terms_of_the_command
from ._watcher import Timed, Watcher

_CHUNK = 8192  # bytes


def call_api(
    config: ClientCredentialsConfig,
    url: str,
    obtained: Obtained,
    *,
    origins: Collection[Origin] | None,
    timeout: float,
    watcher: Watcher,
) -> ApiFacts:
    """What the API says to a token that is good.

    Args:
        origins: Those that may get a token; None for all.
        timeout: Seconds to connect, and for each pause of the answer.
    """
    withheld = _withheld(config, url, origins)
    if withheld is not None:
        return ApiFacts(shown_url(url), 0.0, withheld=withheld)
    with Timed(watcher, f"calling {shown_url(url)}") as timed:
        answer = _get(config, url, obtained, timeout)
    if isinstance(answer, HttpAnswer):
        return ApiFacts(shown_url(url), timed.seconds, answer)
    words = in_terms_of_the_command(presentable(answer.text, obtained.secrets))
    return ApiFacts(shown_url(url), timed.seconds, description=words, timed_out=answer.timed_out)


def _withheld(
    config: ClientCredentialsConfig, url: str, origins: Collection[Origin] | None
) -> Literal["insecure", "other_origin"] | None:
    if origins is not None and origin_of(url) not in origins:
        return "other_origin"
    return None if config.allow_insecure_http or may_carry_secrets(url) else "insecure"


def _get(
    config: ClientCredentialsConfig, url: str, obtained: Obtained, timeout: float
) -> HttpAnswer | TransportFailure:
    headers = {
        "Accept": "*/*",
        "User-Agent": f"oauth-cc-auth/{__version__}",
        config.header_name: config.header_value_pattern.replace("%s", obtained.token.access_token),
    }
    locations: list[str] = []

    def take_location(response: requests.Response, **_: Any) -> None:
        # Else requests would parse it, and odd ones raise all kinds of errors.
        locations.append(response.headers.pop("location", ""))

    try:
        with requests.Session() as session:
            prepared = requests.Request("GET", url, headers=headers, auth=_leave_alone).prepare()
            prepared.register_hook("response", take_location)
            settings: dict[str, Any] = session.merge_environment_settings(url, {}, True, None, None)
            with session.send(prepared, allow_redirects=False, timeout=timeout, **settings) as response:
                body = _beginning(response)
    except requests.Timeout:
        return too_slow(timeout)
    except Exception as error:  # noqa: BLE001  # odd answers raise all kinds
        return transport_failure(error, retryable=False)
    lower = {name.lower(): value for name, value in response.headers.items()} | {"location": locations[0]}
    return http_answer(response.status_code, lower, body, wall=time.time(), secrets=obtained.secrets)


def _leave_alone(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    # A truthy auth that does nothing: wherever requests finds a falsy one, it looks into the URL and ~/.netrc.
    return prepared


def _beginning(response: requests.Response) -> bytes:
    body = b""
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) >= LONGEST_REFUSAL:
            break
    return body
