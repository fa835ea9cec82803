"""What ``oauth-cc-auth request`` is to send, checked before the person is asked for a secret."""

from __future__ import annotations

import argparse
import re
from typing import NamedTuple

from oauth_cc_auth._cli.settings.given import CommandSettings
from oauth_cc_auth._cli.settings.sources import seconds, split_pair
from oauth_cc_auth._cli.settings.urls import wire_origin
from oauth_cc_auth._cli.terminal.exit import CommandError
from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._redact.redact import shown_url

from .body import Body, body_of

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 §5.6.2
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110 §5.5


class ApiRequest(NamedTuple):
    """One request to an API.

    Attributes:
        method, url, headers, body: What is sent.
        follows: Redirects are followed.
        includes: Status and headers of the answer are printed before its body.
        timeout: Seconds for connecting, and for each wait for the API to send something.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: Body
    follows: bool
    includes: bool
    timeout: float

    @property
    def shown(self) -> str:
        """Method and URL for messages."""
        return f"{self.method} {shown_url(self.url)}"

    def check_against(self, settings: CommandSettings) -> None:
        """Raise a CommandError if one of the headers is the one that carries the token."""
        taken = settings.config.header_name.lower()
        for name in self.headers:
            if name.lower() == taken:
                raise CommandError(f"--header cannot set {name}, which carries the token")


def api_request_from(arguments: argparse.Namespace) -> ApiRequest:
    """What the options of ``request`` say.

    Raises:
        CommandError: method, URL or body cannot be right, or standard input is wanted twice.
        ConfigurationError: a time or a header cannot be read.
    """
    body = body_of(arguments)
    if body.is_standard_input and arguments.client_secret == "-":
        raise CommandError(f"{body.option} - and --client-secret - both read standard input; keep one")
    method = arguments.method or ("GET" if body.option is None else "POST")
    if not _TOKEN.fullmatch(method):
        raise CommandError("METHOD must be an HTTP method, such as GET or POST")
    origin = wire_origin(arguments.url)
    if origin.scheme not in ("https", "http") or not origin.host:
        raise CommandError("URL must be a full URL, such as https://api.example.com/orders")
    headers = _headers(arguments.header or [])
    if body.is_json and "content-type" not in map(str.lower, headers):
        headers["Content-Type"] = "application/json"
    return ApiRequest(
        method=method.upper(),
        url=arguments.url,
        headers=headers,
        body=body,
        follows=arguments.location,
        includes=arguments.include,
        timeout=seconds("--api-timeout", arguments.api_timeout),
    )


def _headers(given: list[str]) -> dict[str, str]:
    """The headers by name. One that is given twice has both values (RFC 9110 §5.3)."""
    headers: dict[str, str] = {}
    for text in given:
        name, value = split_pair("--header", text, ":")
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ConfigurationError(name="--header", problem="must be NAME:VALUE of printable characters")
        known = next((known for known in headers if known.lower() == name.lower()), None)
        if known is None:
            headers[name] = value
        else:
            headers[known] += f", {value}"
    return headers
