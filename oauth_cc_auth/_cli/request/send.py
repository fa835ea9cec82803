"""One request with a token: ``oauth-cc-auth request``."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from http.client import HTTPException
from typing import TextIO
from urllib.parse import urlsplit

import requests
import urllib3.exceptions

from oauth_cc_auth._adapter import behaviour
from oauth_cc_auth._adapter.transport_errors import transport_failure, words_of
from oauth_cc_auth._cli.settings.given import CommandSettings, Given
from oauth_cc_auth._cli.settings.urls import wire_origin, wire_url
from oauth_cc_auth._cli.terminal import console, wording
from oauth_cc_auth._cli.terminal.exit import CLIENT_ERROR, OK, SERVER_ERROR, UNREACHABLE, USAGE, CommandError
from oauth_cc_auth._cli.terminal.streams import write_to_stderr
from oauth_cc_auth._errors import TokenError
from oauth_cc_auth._http.answers import RedirectHider, phrase
from oauth_cc_auth._redact.redact import presentable

from .api_request import ApiRequest
from .body import opened
from .exchange_log import ExchangeLog
from .sessions import session_from

_CHUNK = 64 * 1024  # bytes


def run(
    settings: CommandSettings,
    *,
    api_request: ApiRequest,
    log: ExchangeLog | None = None,
    cache: Given | None = None,
) -> int:
    """Send `api_request` with a token, and write the answer's body to stdout as it comes. Returns the exit status.

    Raises:
        CommandError: the request cannot be sent, or there is no answer or not all of it.
        ConfigurationError: the token cannot be kept in `cache`.
        TokenError: there is no token, or this request may not carry one.
    """
    api_request.check_against(settings)
    _warn_of_no_token(settings, api_request)
    with session_from(settings, log, cache) as session, _answer(session, api_request) as response:
        with _progress(api_request):
            _write(api_request, response)
        status = response.status_code
    if status < 400:
        return OK
    words = f"{api_request.shown}: {status} {phrase(status)}".rstrip()
    raise CommandError(words, CLIENT_ERROR if status < 500 else SERVER_ERROR)


def _warn_of_no_token(settings: CommandSettings, api_request: ApiRequest) -> None:
    """Without this warning, the API's 401 would be a riddle."""
    origins = behaviour.api_origins(settings.behaviour.get("api_origins"), wire_url)
    origin = wire_origin(api_request.url)
    if origins is not None and origin not in origins:
        console.warning(f"the request is sent without a token, because {origin} is not in api_origins")


def _write(api_request: ApiRequest, response: requests.Response) -> None:
    out = sys.stdout.buffer
    end = b"\n"
    if api_request.includes:
        out.write(_head(response))
    try:
        for chunk in _chunks(api_request, response):
            out.write(chunk)
            out.flush()
            end = chunk[-1:]
        out.flush()
    finally:
        if end != b"\n" and sys.stdout.isatty() and sys.stderr.isatty():
            write_to_stderr("\n")  # or an error, or the prompt of the shell, would stick to the body


def _progress(api_request: ApiRequest) -> AbstractContextManager[None]:
    """Shown only if the answer goes into a file. On a terminal, and through a pipe, people see it arrive."""
    if _is_file(sys.stdout):
        return console.progress(f"receiving the answer of {wire_origin(api_request.url)}")
    return nullcontext()


def _is_file(stream: TextIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except OSError:  # it has no number, because someone replaced it
        return False


def _answer(session: requests.Session, api_request: ApiRequest) -> requests.Response:
    if not api_request.follows:
        session.hooks["response"] = [RedirectHider()]
    try:
        with opened(api_request.body) as content, console.progress(f"waiting for {wire_origin(api_request.url)}"):
            return session.request(
                api_request.method,
                api_request.url,
                data=content,
                headers=api_request.headers,
                timeout=(api_request.timeout, api_request.timeout),
                allow_redirects=api_request.follows,
                stream=True,
            )
    except TokenError:
        raise
    except _SENDING as error:
        failure = CommandError(f"{api_request.shown}: {_problem(error, api_request)}", _status(error, api_request))
    raise failure


# What requests raises for a URL that it does not send to: the person's, or that of a redirect.
_REFUSED = (ValueError, AttributeError)
_SENDING = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, *_REFUSED)


def _problem(error: Exception, api_request: ApiRequest) -> str:
    if isinstance(error, requests.TooManyRedirects):
        return "it redirects in circles"
    query = urlsplit(api_request.url).query
    shown = presentable(words_of(error), [query] if len(query) > 3 else [])
    if not isinstance(error, _REFUSED):
        reason = transport_failure(error, requests, own=True, retryable=False).reason
        remedy = wording.api_remedy("timed_out" if isinstance(error, requests.Timeout) else reason)
        return f"no answer: {shown}; {remedy}"
    return f"its redirect cannot be followed: {shown}" if api_request.follows else shown


def _status(error: Exception, api_request: ApiRequest) -> int:
    if isinstance(error, requests.TooManyRedirects):
        return SERVER_ERROR
    return USAGE if isinstance(error, _REFUSED) and not api_request.follows else UNREACHABLE


def _head(response: requests.Response) -> bytes:
    version = {10: "1.0", 11: "1.1"}.get(response.raw.version, str(response.raw.version))
    lines = [f"HTTP/{version} {response.status_code} {response.reason or ''}".rstrip()]
    lines += [f"{name}: {value}" for name, value in response.raw.headers.items()]  # a name as often as it was sent
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1", "replace")


def _chunks(api_request: ApiRequest, response: requests.Response) -> Iterator[bytes]:
    """The decoded body, each part as soon as it arrives."""
    while True:
        try:
            # read1 returns what has arrived; iter_content would wait for a whole chunk.
            chunk = response.raw.read1(_CHUNK, decode_content=True)
        except (urllib3.exceptions.HTTPError, HTTPException, OSError) as error:
            problem = presentable(words_of(error), ())
        else:
            if not chunk:
                return
            yield chunk
            continue
        raise CommandError(f"{api_request.shown}: the answer broke off: {problem}", UNREACHABLE)
