"""An API that says what its tokens are for (RFC 9728), on a server of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.contract.issuer_server import FORMS, Login, login_fixture
from tests.contract.raw_endpoint import RawEndpoint, Wire

__all__ = ["login_fixture"]

WELL_KNOWN = "/.well-known/oauth-protected-resource"
PATH = "/orders/mcp"


class Api:
    """Accepts tokens that were asked for with its resource, and refuses all others with a challenge.

    Attributes:
        resource: What it wants tokens to be for.
        scope: What it wants them to have, or None.
        documents: By their paths; a dict is sent as JSON, and a callable is given the connection.
        named: Where its challenge says that its document is; None: nowhere.
        challenge: More of the challenge.
        questions: The requests for documents, whole.
        statuses: Of its answers to API requests.
    """

    def __init__(self, server: LoopbackServer, issuer: str) -> None:
        self.endpoint = RawEndpoint(self._talk)
        self.origin = self.endpoint.url.rpartition("/")[0]
        self.url = self.origin + PATH
        self.resource = self.url
        self.scope: str | None = None
        self.named: str | None = self.origin + WELL_KNOWN + PATH
        self.documents: dict[str, Any] = {WELL_KNOWN + PATH: self.about(issuer)}
        self.challenge = ""
        self.questions: list[bytes] = []
        self.statuses: list[int | None] = []
        self._server = server

    def about(self, issuer: str, **members: Any) -> dict[str, Any]:
        """A document that is right."""
        return {"resource": self.url, "authorization_servers": [issuer], "scopes_supported": ["a", "b"], **members}

    def _talk(self, wire: Wire) -> None:
        path = wire.request.split()[1].decode()
        if path.startswith("/.well-known/"):
            self.questions.append(wire.request)
            found = self.documents.get(path, Answer(404))
            if callable(found):
                found(wire)
                return
            answer = found if isinstance(found, Answer) else Answer(200, found)
        else:
            answer = self._answer(wire.request)
            self.statuses.append(answer.status)
        lines = [f"HTTP/1.1 {answer.status} Answer", f"Content-Length: {len(answer.content)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        wire.send("\r\n".join([*lines, "", ""]).encode() + answer.content)

    def _answer(self, request: bytes) -> Answer:
        carried = re.search(rb"(?i)authorization: bearer (\S+)", request)
        brought = [dict(each.form) for each in self._server.token_requests if each.status == 200]
        forms = dict(zip(self._server.issued, brought, strict=True))
        form = forms.get("" if carried is None else carried[1].decode(), {})
        if form.get("resource") == self.resource and (self.scope is None or form.get("scope") == self.scope):
            return Answer(200, {})
        named = "" if self.named is None else f', resource_metadata="{self.named}"'
        return Answer(401, {}, {"WWW-Authenticate": f'Bearer realm="a, b"{named}{self.challenge}'})


@pytest.fixture(name="api")
def api_fixture(oauth_server: LoopbackServer, login: Login) -> Iterator[Api]:
    """An API that is described, and whose issuer names the token endpoint of the server."""
    login.documents[FORMS[0]] = login.document(oauth_server.token_url)
    api = Api(oauth_server, login.url)
    with api.endpoint:
        yield api
