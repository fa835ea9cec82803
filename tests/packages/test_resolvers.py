"""Replacements of the name resolver: dnspython's override, and httpretty, which answers instead of hosts."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests

import oauth_cc_auth.httpx
import oauth_cc_auth.requests
from oauth_cc_auth.testing import LoopbackServer
from tests.packages.support import RENEWED, package, talk

NAME = "orders.example"
TOKEN_URL = "https://login.example.com/oauth2/token"


class TestDnspython:
    @pytest.fixture(autouse=True)
    def asked(self) -> Iterator[list[str]]:
        """A name server on loopback, which knows one name, in the place of the system's resolver."""
        dns: Any = package("dns")
        message, resolver = package("dns.message"), package("dns.resolver")
        asked: list[str] = []
        stop = threading.Event()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            udp.settimeout(0.05)

            def serve() -> None:
                while not stop.is_set():
                    try:
                        packet, sender = udp.recvfrom(4096)
                    except TimeoutError:
                        continue
                    query = message.from_wire(packet)
                    (question,) = query.question
                    asked.append(str(question.name))
                    answer = message.make_response(query)
                    if question.rdtype == dns.rdatatype.A:
                        answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", "127.0.0.1"))
                    udp.sendto(answer.to_wire(), sender)

            thread = threading.Thread(target=serve)
            thread.start()
            replacement = resolver.Resolver(configure=False)
            replacement.nameservers, replacement.port = ["127.0.0.1"], udp.getsockname()[1]
            resolver.override_system_resolver(replacement)
            try:
                yield asked
            finally:
                resolver.restore_system_resolver()
                stop.set()
                thread.join()

    @staticmethod
    def auth(server: LoopbackServer, family: Any) -> tuple[Any, str]:
        token_url, api_url = (url.replace("127.0.0.1", NAME) for url in (server.token_url, server.api_url))
        made = family.ClientCredentialsAuth(token_url, server.client_id, server.client_secret, allow_insecure_http=True)
        return made, api_url

    def test_names_are_resolved_by_it_in_requests(self, oauth_server: LoopbackServer, asked: list[str]) -> None:
        with requests.Session() as session:
            session.auth, url = self.auth(oauth_server, oauth_cc_auth.requests)
            assert session.get(url).status_code == 200
            oauth_server.revoke_all()
            assert session.get(url).status_code == 200
        assert talk(oauth_server) == RENEWED
        assert set(asked) == {f"{NAME}."}

    def test_names_are_resolved_by_it_in_httpx(self, oauth_server: LoopbackServer, asked: list[str]) -> None:
        auth, url = self.auth(oauth_server, oauth_cc_auth.httpx)
        with httpx.Client(auth=auth) as client:
            assert client.get(url).status_code == 200
            oauth_server.revoke_all()
            assert client.get(url).status_code == 200
        assert talk(oauth_server) == RENEWED
        assert set(asked) == {f"{NAME}."}


class TestHttpretty:
    """It replaces sockets, and `getaddrinfo` by one that wants positional arguments."""

    def test_a_refused_token_is_renewed(self) -> None:
        """With allow_net_connect=False it does not work with urllib3 2.3 and later, for any request."""
        httpretty = package("httpretty")
        api_url = "https://api.example.com/orders"
        answers = httpretty.Response
        with httpretty.enabled(allow_net_connect=True), requests.Session() as session:
            tokens = [json.dumps({"access_token": value, "expires_in": 3600}) for value in ("one", "two")]
            httpretty.register_uri("POST", TOKEN_URL, responses=[answers(token) for token in tokens])
            httpretty.register_uri("GET", api_url, responses=[answers("no", status=401), answers("yes", status=200)])
            session.auth = oauth_cc_auth.requests.ClientCredentialsAuth(TOKEN_URL, "client", "secret")
            response = session.get(api_url)
            assert (response.status_code, response.text) == (200, "yes")
            sent = [request.headers.get("Authorization") for request in httpretty.latest_requests()]
        assert [value for value in sent if value.startswith("Bearer")] == ["Bearer one", "Bearer two"]
