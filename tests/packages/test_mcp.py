"""MCP over streamable HTTP: real servers and clients of the SDK, of its versions 1 (httpx) and 2 (httpx2), and FastMCP.

The server asks whether a token is good, and refuses a request whose token is not.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import anyio
import httpx
import httpx2
import pytest

import oauth_cc_auth.httpx
import oauth_cc_auth.httpx2
from oauth_cc_auth import Issuer
from oauth_cc_auth.testing import LoopbackServer
from tests.contract.issuer_server import FORMS, Login, login_fixture
from tests.examples import DOCS, Example, examples_in
from tests.packages.support import LIMIT, package, talk

__all__ = ["login_fixture"]

package("mcp")
IS_OLD = version("mcp").startswith("1.")
# Its version 1 is built on httpx, 2 on httpx2.
LIBRARY, FAMILY = (httpx, oauth_cc_auth.httpx) if IS_OLD else (httpx2, oauth_cc_auth.httpx2)
CALLS = 5
PAGE = (DOCS / "mcp.md").read_text(encoding="utf-8")

Call = Callable[[str, dict[str, Any]], Awaitable[str]]


class McpServer:
    """A server with the tools `add`, and `meet`, which answers when `CALLS` calls of it are there.

    Attributes:
        url: Of its endpoint.
        revoked: How many of the tokens that were issued are good no more.
        wants_resource: Only tokens that were asked for with its `url` as their resource are good.
    """

    def __init__(self, login: LoopbackServer, issuer_url: str) -> None:
        self._login = login
        self.revoked = 0
        self.wants_resource = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.url = f"{origin}/mcp"
        provider, settings = package("mcp.server.auth.provider"), package("mcp.server.auth.settings")
        server = self

        class Verifier:
            async def verify_token(self, token: str) -> Any:
                is_good = token in login.issued[server.revoked :] and server.fits(token)
                return provider.AccessToken(token=token, client_id="client", scopes=["mcp"]) if is_good else None

        places = {"issuer_url": issuer_url, "resource_server_url": self.url, "required_scopes": ["mcp"]}
        auth = settings.AuthSettings(**places, validate_token_resource=False)
        if IS_OLD:
            program = package("mcp.server.fastmcp").FastMCP("orders", token_verifier=Verifier(), auth=auth)
        else:
            program = package("mcp.server").MCPServer("orders", token_verifier=Verifier(), auth=auth)
        self._met = 0
        program.tool(name="add")(_add)
        program.tool(name="meet")(self._meet)
        self._app = program.streamable_http_app()

    async def _meet(self) -> str:
        """Say that everybody is there, once they are."""
        self._met += 1
        with anyio.fail_after(LIMIT):
            while self._met < CALLS:
                await anyio.lowlevel.checkpoint()
        return "all are here"

    def fits(self, token: str) -> bool:
        """True if `token` is for this server, or if that does not matter."""
        asked = dict(self._login.token_requests[self._login.issued.index(token)].form)
        return not self.wants_resource or (asked.get("resource"), asked.get("scope")) == (self.url, "mcp")

    def revoke_all(self) -> None:
        """Refuse every token that has been issued so far."""
        self.revoked = len(self._login.issued)

    def run(self) -> Iterator[McpServer]:
        """Serve until the generator is closed."""
        uvicorn = package("uvicorn")
        running = uvicorn.Server(uvicorn.Config(self._app, log_level="warning", lifespan="on"))
        thread = threading.Thread(target=running.run, args=([self._listening],))
        thread.start()
        try:
            yield self
        finally:
            running.should_exit = True
            thread.join(LIMIT)
            self._listening.close()


@pytest.fixture
def mcp(oauth_server: LoopbackServer, login: Login) -> Iterator[McpServer]:
    login.documents[FORMS[0]] = login.document(oauth_server.token_url)
    yield from McpServer(oauth_server, login.url).run()


def auth_for(server: LoopbackServer, **options: Any) -> Any:
    return FAMILY.ClientCredentialsAuth(server.token_url, server.client_id, server.client_secret, **options)


@asynccontextmanager
async def sdk_session(url: str, auth: Any) -> AsyncIterator[Call]:
    """The SDK's own client, with a client of ours in it."""
    streamable = package("mcp.client.streamable_http")
    async with LIBRARY.AsyncClient(auth=auth, timeout=LIMIT) as http_client:
        transport = streamable.streamable_http_client(url, http_client=http_client)
        if IS_OLD:
            async with transport as (reading, writing, *_), package("mcp").ClientSession(reading, writing) as session:
                await session.initialize()
                yield _call_of(session)
        else:
            async with package("mcp.client").Client(transport) as client:
                yield _call_of(client)


@asynccontextmanager
async def fastmcp_session(url: str, auth: Any) -> AsyncIterator[Call]:
    """FastMCP takes the auth object itself."""
    async with package("fastmcp").Client(url, auth=auth) as client:
        yield _call_of(client)


def _call_of(client: Any) -> Call:
    async def call(tool: str, arguments: dict[str, Any]) -> str:
        result = await client.call_tool(tool, arguments)
        return str(result.content[0].text)

    return call


SESSIONS = [sdk_session] if IS_OLD else [sdk_session, fastmcp_session]
each_session = pytest.mark.parametrize("session_of", SESSIONS, ids=[each.__name__ for each in SESSIONS])


async def _all_at_once(call: Call, tool: str, arguments: list[dict[str, Any]]) -> list[str]:
    answers = [""] * len(arguments)

    async def one(place: int) -> None:
        answers[place] = await call(tool, arguments[place])

    async with anyio.create_task_group() as tasks:
        for place in range(len(arguments)):
            tasks.start_soon(one, place)
    return answers


@each_session
def test_revoked_under_calls(mcp: McpServer, oauth_server: LoopbackServer, session_of: Any) -> None:
    """Five calls find their token revoked at once: one token request renews it for all."""

    async def talking() -> tuple[str, list[str]]:
        async with session_of(mcp.url, auth_for(oauth_server)) as call:
            first = await call("add", {"a": 1, "b": 2})
            mcp.revoke_all()
            return first, await _all_at_once(call, "add", [{"a": number, "b": 1} for number in range(CALLS)])

    assert anyio.run(talking) == ("3", ["1", "2", "3", "4", "5"])
    assert talk(oauth_server) == ["token 200", "token 200"]


@each_session
def test_calls_run_side_by_side(mcp: McpServer, oauth_server: LoopbackServer, session_of: Any) -> None:
    """No call waits for the answer to another one: all five are at the server before any of them is answered."""

    async def talking() -> list[str]:
        async with session_of(mcp.url, auth_for(oauth_server)) as call:
            return await _all_at_once(call, "meet", [{}] * CALLS)

    assert anyio.run(talking) == ["all are here"] * CALLS
    assert talk(oauth_server) == ["token 200"]


@each_session
def test_scope_and_resource_stay(mcp: McpServer, oauth_server: LoopbackServer, session_of: Any) -> None:
    """Those that are set are asked for, also after a refusal that names another scope."""

    async def talking() -> str:
        auth = auth_for(oauth_server, scope="orders:read", resource=mcp.url)
        async with session_of(mcp.url, auth) as call:
            mcp.revoke_all()
            answer: str = await call("add", {"a": 1, "b": 2})
            return answer

    assert anyio.run(talking) == "3"
    first, second = oauth_server.token_requests
    assert first.form == second.form
    assert dict(first.form)["scope"] == "orders:read"
    assert dict(first.form)["resource"] == mcp.url


@each_session
def test_the_server_says_the_rest(mcp: McpServer, oauth_server: LoopbackServer, login: Login, session_of: Any) -> None:
    """With a pinned issuer, its document (RFC 9728) supplies resource and scope, for all calls."""
    mcp.wants_resource = True

    async def talking() -> list[str]:
        auth = FAMILY.ClientCredentialsAuth(
            Issuer(login.url), oauth_server.client_id, oauth_server.client_secret, resource_metadata=True
        )
        async with session_of(mcp.url, auth) as call:
            return await _all_at_once(call, "add", [{"a": number, "b": 1} for number in range(CALLS)])

    assert anyio.run(talking) == ["1", "2", "3", "4", "5"]
    assert talk(oauth_server) == ["token 200", "token 200"]
    first, second = (dict(request.form) for request in oauth_server.token_requests)
    assert ("resource" in first, "scope" in first) == (False, False)
    assert (second["resource"], second["scope"]) == (mcp.url, "mcp")


# Those of the page that run with the SDK that is installed.
EXAMPLES = [each for each in examples_in(PAGE) if ("ClientSession" in each.code) == IS_OLD]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.code.split("\n\n")[1].split()[1])
def test_examples(
    example: Example, mcp: McpServer, oauth_server: LoopbackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """docs/mcp.md runs as it is printed, except that the hosts are ours."""
    oauth_server.add_client("abcd-1234", "secret123456")
    code = example.code.replace("https://mcp.example.com/mcp", mcp.url)
    code = code.replace("https://login.example.com/oauth2/token", oauth_server.token_url)
    exec(compile(code, "example", "exec"), {"__name__": "__main__"})  # noqa: S102  # our own page
    assert capsys.readouterr().out == example.output


def _add(a: int, b: int) -> int:
    """The sum."""
    return a + b
