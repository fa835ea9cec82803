"""One GET with requests, without redirect, retry or ``~/.netrc``, which would hide what comes back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import requests
import urllib3.exceptions

from oauth_cc_auth._adapter.transport_errors import words_of
from oauth_cc_auth._authentication.client_certificate import ClientCertificate
from oauth_cc_auth._http.answers import RedirectHider
from oauth_cc_auth._http.limited_body import LONGEST_REFUSAL, inflated_refusal
from oauth_cc_auth._http.watchdog import Watchdog
from oauth_cc_auth._protocol.exchange import TransportFailure, too_slow
from oauth_cc_auth._requests.send import own_session
from oauth_cc_auth._version import __version__

_CHUNK = 8192  # bytes


class Got(NamedTuple):
    """An answer.

    Attributes:
        headers: By lower-case name.
        body: Its beginning: at most 64 KiB, and only what came in time.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def get(
    url: str, headers: Mapping[str, str], timeout: float, certificate: ClientCertificate | None = None
) -> Got | TransportFailure:
    """What `url` answers.

    Args:
        headers: In addition to those of every request.
        timeout: Seconds for the whole answer. If only the body takes longer, its beginning is enough.
        certificate: What the connection presents, if it is https.
    """
    until = time.monotonic() + timeout
    redirect = RedirectHider()
    every = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": f"oauth-cc-auth/{__version__}"}
    watchdog = Watchdog(timeout)
    try:
        with watchdog, own_session(requests, watchdog, certificate) as session:
            prepared = requests.Request("GET", url, headers={**every, **headers}, auth=_leave_alone).prepare()
            prepared.register_hook("response", redirect)
            settings: dict[str, Any] = session.merge_environment_settings(url, {}, True, None, None)
            with session.send(prepared, allow_redirects=False, timeout=timeout, **settings) as response:
                if watchdog.fired:  # a connection that was shut down looks like the end of the headers
                    return too_slow(timeout)
                raw = _beginning(response.raw, until)
    except Exception as error:  # noqa: BLE001  # odd answers raise all kinds
        if watchdog.fired or isinstance(error, requests.Timeout):
            return too_slow(timeout)
        return TransportFailure(words_of(error), retryable=False)
    lower = {name.lower(): value for name, value in response.headers.items()}
    if redirect.location is not None:
        lower["location"] = redirect.location
    return Got(response.status_code, lower, inflated_refusal(raw, lower.get("content-encoding", "")))


def _leave_alone(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    # A truthy auth that does nothing. With a falsy one, requests would look into the URL and ~/.netrc.
    return prepared


def _beginning(raw: Any, until: float) -> bytes:
    body = b""
    try:
        while len(body) < LONGEST_REFUSAL and time.monotonic() < until and (chunk := raw.read1(_CHUNK, False)):
            body += chunk
    except urllib3.exceptions.HTTPError:
        pass  # of a stream of events, for example; the status is known, and that counts
    return body
