"""What ``--verbose`` shows: every HTTP exchange on stderr, without secrets.

    token endpoint: POST https://login.example.com/oauth2/token
        client_secret_basic -> 200 OK, 43.1 ms
    API: GET https://api.example.com/orders?***
        token 1 -> 200 OK, 12.9 ms

Tokens have numbers and are never shown. A renewed one has the next number.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import requests
from rich.text import Text

from oauth_cc_auth._adapter.transport_errors import words_of
from oauth_cc_auth._authentication.client_certificate import ClientCertificate
from oauth_cc_auth._cli.terminal import console
from oauth_cc_auth._events import Event, TokenFound
from oauth_cc_auth._http.answers import phrase
from oauth_cc_auth._protocol.exchange import Reply, TokenRequest, TransportFailure
from oauth_cc_auth._redact.redact import presentable, shown_url
from oauth_cc_auth._requests.transport import RequestsTransport
from oauth_cc_auth.requests import ClientCredentialsAuth

from .presenting import PresentingAdapter


class LoggedExchange:
    """One exchange that is under way.

    Attributes:
        outcome: What is shown when it ends; None if it was interrupted.
    """

    outcome: Text | None = None

    def answered(self, status: int) -> None:
        """The server sent this status."""
        colour = "green" if status < 300 else "yellow" if status < 500 else "red"
        self.outcome = Text(f"{status} {phrase(status)}".rstrip(), colour)

    def failed(self, text: str) -> None:
        """There was no answer; `text` says why and holds no secret."""
        self.outcome = Text(f"no answer: {text}", "red")


class ExchangeLog:
    """Prints exchanges as they happen."""

    def __init__(self) -> None:
        self._tokens: list[str | bytes] = []

    @contextmanager
    def exchange(self, server: str, method: str, url: str, presented: str) -> Generator[LoggedExchange]:
        """Show one exchange: the first line at once, so that a person sees what the command is waiting for."""
        exchange, started = LoggedExchange(), time.monotonic()
        self._line(Text.assemble((server, "bold"), f": {method} {shown_url(url)}"))
        try:
            yield exchange
        finally:
            if exchange.outcome is not None:
                took = Text(f", {(time.monotonic() - started) * 1000:.1f} ms", "dim")
                self._line(Text.assemble(f"    {presented} -> ", exchange.outcome, took))

    def numbered(self, header_value: str | bytes | None) -> str:
        """The token in an API request, by its number."""
        if header_value is None:
            return "no token"
        if header_value not in self._tokens:
            self._tokens.append(header_value)
        return f"token {self._tokens.index(header_value) + 1}"

    def event(self, event: Event) -> None:
        """Show that a token came from the cache, since then there is no token request."""
        if isinstance(event, TokenFound):
            self._line(Text.assemble(("cache", "bold"), ": the token of another run"))

    def _line(self, text: Text) -> None:
        console.print_line(text)


class LoggedAuth(ClientCredentialsAuth):
    """Shows its token requests. They are sent as always, within their limits of time and size."""

    def __init__(self, *args: Any, log: ExchangeLog, **kwargs: Any) -> None:
        self.log = log
        super().__init__(*args, **kwargs)

    def _make_transport(self, token_client: Any) -> RequestsTransport:
        transport = super()._make_transport(token_client)
        sending = transport.send

        def send(request: TokenRequest, budget: float) -> Reply:
            with self.log.exchange("token endpoint", "POST", request.url, request.method) as exchange:
                answer = sending(request, budget)
                if isinstance(answer, TransportFailure):
                    exchange.failed(presentable(answer.text, request.secrets))
                else:
                    exchange.answered(answer.status_code)
            return answer

        transport.send = send  # type: ignore[method-assign]  # on purpose
        return transport


# Messages name the class; to the person it is the same one.
LoggedAuth.__name__ = ClientCredentialsAuth.__name__


class LoggedAdapter(PresentingAdapter):
    """Shows the requests to the API, redirected and repeated ones too."""

    def __init__(self, log: ExchangeLog, header_name: str, certificate: ClientCertificate | None) -> None:
        self._log = log
        super().__init__(header_name, certificate)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send it, and show how that went."""
        value = request.headers.get(self.header_name)
        presented = self._log.numbered(value)
        with self._log.exchange("API", str(request.method), str(request.url), presented) as exchange:
            try:
                response = super().send(request, *args, **kwargs)
            except requests.RequestException as error:
                exchange.failed(presentable(words_of(error), str(value).split()))
                raise
            exchange.answered(response.status_code)
        return response
