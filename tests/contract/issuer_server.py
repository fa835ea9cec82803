"""The server of an issuer, which serves its metadata and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from oauth_cc_auth.testing import Answer
from tests.contract.raw_endpoint import RawEndpoint, Wire

OAUTH, OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
# Where metadata may be, in the order in which it is asked for.
FORMS = [f"{OAUTH}/tenant1", f"/tenant1{OPENID}", f"{OPENID}/tenant1", f"/tenant1{OAUTH}"]


class Login:
    """The server of an issuer: what is in `documents` is at these paths, and anything else is 404.

    Attributes:
        documents: By their paths; a dict is sent as JSON.
        questions: The requests that came, whole.
    """

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {}
        self.questions: list[bytes] = []
        self.endpoint = RawEndpoint(self._talk)
        self.origin = self.endpoint.url.rpartition("/")[0]
        self.url = f"{self.origin}/tenant1"

    def _talk(self, wire: Wire) -> None:
        self.questions.append(wire.request)
        found = self.documents.get(self.asked[-1], Answer(404))
        answer = found if isinstance(found, Answer) else Answer(200, found)
        lines = [f"HTTP/1.1 {answer.status} Answer", f"Content-Length: {len(answer.content)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        wire.send("\r\n".join([*lines, "", ""]).encode() + answer.content)

    def document(self, token_url: str, **members: Any) -> dict[str, Any]:
        """One that names `token_url`."""
        return {"issuer": self.url, "token_endpoint": token_url, **members}

    @property
    def asked(self) -> list[str]:
        """The paths of the documents that were asked for."""
        return [question.split()[1].decode() for question in self.questions]


@pytest.fixture(name="login")
def login_fixture() -> Iterator[Login]:
    """A server without any document yet."""
    login = Login()
    with login.endpoint:
        yield login
