"""docs/frameworks.md: each example runs as it is printed and does what the page says.

Generated clients and SDKs are replaced by stand-ins that have only what the examples use.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import getpass
import inspect
import io
import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import certifi
import httpx
import pytest
import requests
import urllib3
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from oauth_cc_auth import TokenEndpointError
from oauth_cc_auth._core.clock import Clock
from oauth_cc_auth.httpie import ClientCredentialsPlugin
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.docs.internet import Internet
from tests.examples import DOCS, ROOT, Example, examples_in, sections

PAGE = DOCS / "frameworks.md"
SECTIONS = sections(PAGE)
TOKEN_URL = "https://login.example.com/oauth2/token"
ORDERS_URL = "https://api.example.com/orders"
EVENTS = "oauth_cc_auth.events"
LIMIT = 120.0  # s for a child process


@pytest.fixture(name="internet")
def _internet() -> Iterator[Internet]:
    """The hosts of the examples, for the whole test."""
    with LoopbackServer(client_id="abcd-1234", client_secret="secret123456") as server:
        internet = Internet(server, TOKEN_URL)
        with internet.in_place():
            yield internet


def example(title: str, number: int = 0) -> Example:
    """One of the examples of a section."""
    return examples_in(SECTIONS[title])[number]


def run(title: str, number: int = 0, code: str | None = None) -> dict[str, Any]:
    """Execute an example, or `code` that was derived from it. Returns its names."""
    names: dict[str, Any] = {"__name__": "example"}
    text = example(title, number).code if code is None else code
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if title == "Notebooks" else 0
    compiled = compile(text, f"{PAGE}: {title}", "exec", flags=flags)
    if compiled.co_flags & inspect.CO_COROUTINE:
        asyncio.run(_awaited(eval(compiled, names), names))  # noqa: S307  # our own page
    else:
        exec(compiled, names)  # noqa: S102  # our own page
    return names


async def _awaited(cell: Any, names: dict[str, Any]) -> None:
    await cell
    await names["client"].aclose()


def statuses(internet: Internet) -> list[int | None]:
    """The statuses of the API, in order."""
    return [request.status for request in internet.server.api_requests]


def module(patch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    """Add a module that an example imports and that does not exist."""
    made = ModuleType(name)
    made.__dict__.update(members)
    patch.setitem(sys.modules, name, made)


def test_every_example_is_executed() -> None:
    """A new example needs a test and an entry here."""
    counts = {title: len(examples_in(text)) for title, text in SECTIONS.items()}
    assert counts == {
        "Retries": 2,
        "SDKs on httpx": 1,
        "Generated clients": 2,
        "Anything else that takes a token": 1,
        "pytest": 5,
        "Packages in between": 0,
        "Celery and gunicorn": 2,
        "Django": 3,
        "FastAPI": 1,
        "Notebooks": 1,
        "Proxies and private certificate authorities": 2,
        "Logging": 1,
        "Metrics": 1,
        "HTTPie": 0,
    }


def test_the_index_is_complete() -> None:
    """The links at the top of the page lead to every section, in order."""
    linked = re.findall(r"\[([^]]+)\]\(#([a-z0-9-]+)\)", PAGE.read_text(encoding="utf-8"))
    assert linked == [(title, title.lower().replace(" ", "-")) for title in SECTIONS]


class TestRetries:
    def test_below_the_plugin(self, internet: Internet) -> None:
        """urllib3 repeats a 503 with the same token. The plugin answers a 401 with a new token."""
        internet.server.api.next(Answer(503), Answer(503), None)
        names = run("Retries")
        assert statuses(internet) == [503, 503, 200]
        assert len({request.token for request in internet.server.api_requests}) == 1
        internet.server.revoke_all()
        assert names["session"].get(ORDERS_URL).status_code == 200
        assert statuses(internet)[3:] == [401, 200]

    @pytest.fixture(autouse=True)
    def _no_sleep(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for owner in (time, Clock):
            monkeypatch.setattr(owner, "sleep", staticmethod(lambda seconds: None))

    def test_around_the_plugin(self, internet: Internet) -> None:
        """The token endpoint is down, then overloaded, then healthy again."""
        endpoint = internet.server.token_endpoint
        endpoint.next(*[Answer.dropped()] * 3, *[Answer(503)] * 3, None)
        assert run("Retries", 1)["fetch_orders"]()["path"] == "/api/orders"
        assert [request.status for request in internet.server.token_requests] == [None] * 3 + [503] * 3 + [200]

    @pytest.mark.parametrize("failure", [Answer.dropped(), Answer(503)], ids=["unreachable", "overloaded"])
    def test_through_the_worst_outage(self, internet: Internet, failure: Answer) -> None:
        """All tokens are lost and the endpoint is down. When it is back, so is the answer."""
        fetch_orders = run("Retries", 1)["fetch_orders"]
        fetch_orders()
        internet.server.revoke_all()
        internet.server.token_endpoint.next(*[failure] * 7)
        assert fetch_orders()["path"] == "/api/orders"
        assert statuses(internet)[0] == 200
        assert set(statuses(internet)[1:-1]) == {401}
        assert statuses(internet)[-1] == 200
        assert [request.status for request in internet.server.token_requests] == [200, *[failure.status] * 7, 200]

    def test_a_refusal_that_is_none_of_the_tokens_fault_is_final(self, internet: Internet) -> None:
        """The API refuses a new token as well."""
        internet.server.api.always(Answer(401))
        with pytest.raises(requests.HTTPError, match="401"):
            run("Retries", 1)["fetch_orders"]()
        assert statuses(internet) == [401, 401]

    def test_an_error_of_the_credentials_is_final(self, internet: Internet) -> None:
        """There is one attempt with each method, and no more."""
        internet.server.rotate_secret("another")
        with pytest.raises(TokenEndpointError):
            run("Retries", 1)["fetch_orders"]()
        assert len(internet.server.token_requests) == 2


class Shop:
    """A stand-in for an SDK that sends its API key and takes any client."""

    def __init__(self, api_key: str, http_client: Any) -> None:
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._client = http_client

    def orders(self) -> Any:
        return self._client.get(ORDERS_URL, headers=self._headers)


class GeneratedClient:
    """A stand-in for what openapi-python-client 0.29 generates."""

    def __init__(self, base_url: str, httpx_args: dict[str, Any]) -> None:
        self.httpx_client = httpx.Client(base_url=base_url, **httpx_args)


class Configuration:
    """A stand-in for what openapi-generator 7.26 generates."""

    def __init__(self, host: str, access_token: str | None = None) -> None:
        self.host = host
        self.access_token = access_token


class ApiClient:
    """As `Configuration`."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration


class OrdersApi:
    """As `Configuration`. The attribute `internet` maps URLs to the loopback server."""

    internet: Internet

    def __init__(self, api_client: ApiClient) -> None:
        self._configuration = api_client.configuration

    def list_orders(self) -> int:
        url = self.internet.route(self._configuration.host + "/orders")
        headers = {"Authorization": f"Bearer {self._configuration.access_token}"}
        with urllib3.PoolManager() as pool:
            return int(pool.request("GET", url, headers=headers).status)


class TestOtherPeoplesClients:
    def test_sdk(self, internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
        """The plugin replaces the header that the SDK sets."""
        module(monkeypatch, "shop_sdk", Shop=Shop)
        assert run("SDKs on httpx")["orders"].status_code == 200
        assert internet.api_request.headers.get_all("Authorization") == (f"Bearer {internet.server.issued[0]}",)

    def test_sdk_on_httpx2(self, internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
        """As the page says, it refuses httpx's class, and the other one works."""
        module(monkeypatch, "shop_sdk", Shop=Shop)
        code = example("SDKs on httpx").code.replace("import httpx\n", "import httpx2\n").replace("httpx.C", "httpx2.C")
        with pytest.raises(TypeError):
            run("SDKs on httpx", code=code)
        run("SDKs on httpx", code=code.replace("oauth_cc_auth.httpx", "oauth_cc_auth.httpx2"))
        assert statuses(internet) == [200]

    def test_openapi_python_client(self, internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its clients get our auth object."""
        list_orders = SimpleNamespace(sync_detailed=lambda client: client.httpx_client.request("GET", "/orders"))
        module(monkeypatch, "shop_client", Client=GeneratedClient)
        module(monkeypatch, "shop_client.api")
        module(monkeypatch, "shop_client.api.orders", list_orders=list_orders)
        assert run("Generated clients")["orders"].status_code == 200
        assert internet.api_request.path == "/api/orders"

    def test_openapi_generator(self, internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each request reads the current token. A refused token stays until the program invalidates it."""
        monkeypatch.setattr(OrdersApi, "internet", internet, raising=False)
        module(monkeypatch, "shop_api", ApiClient=ApiClient, Configuration=Configuration, OrdersApi=OrdersApi)
        names = run("Generated clients", 1)
        assert names["orders"] == 200
        internet.server.revoke_all()
        assert names["api"].list_orders() == 401
        names["auth"].invalidate()
        assert names["api"].list_orders() == 200

    def test_urllib(self, internet: Internet) -> None:
        """One token for both requests."""
        names = run("Anything else that takes a token")
        assert json.loads(names["orders"])["path"] == "/api/orders"
        with names["open_api"]("/orders") as response:
            assert response.status == 200
        assert len(internet.server.token_requests) == 1


def test_pytest(tmp_path: Path) -> None:
    """The files of the section pass in a folder of their own under their own pytest."""
    files = {re.match(r"# (\S+\.py)\n", each.code)[1]: each.code for each in examples_in(SECTIONS["pytest"])}  # type: ignore[index]  # each example has a name
    for name, code in files.items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=LIMIT, check=False)
    assert (result.returncode, result.stdout.splitlines()[-1].split(" in ")[0]) == (0, "4 passed"), result.stdout


FORKED = """
import os, sys, types, warnings
from tests.docs.internet import Internet
from tests.docs.test_frameworks import TOKEN_URL, run

warnings.simplefilter("ignore")  # whatever threads there are, the example forks as gunicorn does
server = types.SimpleNamespace(origin=sys.argv[1], token_url=sys.argv[2], api_url=sys.argv[3])
with Internet(server, TOKEN_URL).in_place():
    application = run("Celery and gunicorn", 1)["application"]
    answered = []

    def ask():
        body = b"".join(application({}, lambda status, headers: answered.append(status)))
        assert answered.pop() == "200 OK", body

    ask()
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                ask()
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""


class TestWorkers:
    def test_celery(self, internet: Internet) -> None:
        """Celery retries a broken connection, here at once because there is no worker that could wait."""
        names = run("Celery and gunicorn")
        internet.server.api.next(Answer.dropped())
        assert names["fetch_order"].apply(args=[7]).get()["path"] == "/api/orders/7"
        assert statuses(internet) == [None, 200]
        assert len(internet.server.token_requests) == 1

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
    def test_gunicorn(self) -> None:
        """The workers use the token from before the fork."""
        with LoopbackServer(client_id="abcd-1234", client_secret="secret123456") as server:
            subprocess.run(
                [sys.executable, "-c", FORKED, server.origin, server.token_url, server.api_url],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                timeout=LIMIT,
                check=True,
            )
            assert [request.status for request in server.api_requests] == [200, 200, 200]
            assert len(server.token_requests) == 1


class TestDjango:
    @pytest.fixture(autouse=True)
    def _settings(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        from django.conf import settings
        from django.utils.functional import empty

        monkeypatch.setenv("ORDERS_API_SECRET", "secret123456")
        assert not settings.configured
        settings.configure(ORDERS_API=run("Django")["ORDERS_API"])
        yield
        settings._wrapped = empty

    def test_views(self, internet: Internet) -> None:
        """Two requests share the token that the first one fetched."""
        from django.test import RequestFactory

        view = run("Django", 1)["orders"]
        for _ in range(2):
            response = view(RequestFactory().get("/"))
            assert json.loads(response.content)["orders"]["path"] == "/api/orders"
        assert dict(internet.token_request.form)["scope"] == "orders:read"

    def test_async_views(self, internet: Internet) -> None:
        """The same, but each request has its own client and event loop."""
        from django.test import RequestFactory

        view = run("Django", 2)["orders"]
        for _ in range(2):
            response = asyncio.run(view(RequestFactory().get("/")))
            assert json.loads(response.content)["orders"]["path"] == "/api/orders"
        assert dict(internet.token_request.form)["scope"] == "orders:read"


class TestFastAPI:
    def test_requests(self, internet: Internet) -> None:
        """Two requests share the token that the first one fetched."""
        from fastapi.testclient import TestClient

        with TestClient(run("FastAPI")["app"]) as client:
            for number in (1, 2):
                assert client.get(f"/orders/{number}").json()["path"] == f"/api/orders/{number}"
        assert internet.token_request.client_authentication == "client_secret_basic"

    def test_without_a_token(self, internet: Internet) -> None:
        """Callers see an outage and nothing about the credentials."""
        from fastapi.testclient import TestClient

        internet.server.rotate_secret("another")
        with TestClient(run("FastAPI")["app"]) as client:
            response = client.get("/orders/1")
        assert (response.status_code, response.json()) == (503, {"detail": "the orders API is out of reach"})


def test_notebooks(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell with a top-level `await` works, and what it shows of the auth object contains no secret."""
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "secret123456")
    names = run("Notebooks")
    assert names["orders"]["path"] == "/api/orders"
    assert "secret123456" not in repr(names["auth"])
    assert internet.api_request.path == "/api/orders"


class TestProxies:
    TITLE = "Proxies and private certificate authorities"

    def test_requests(self, internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
        """The token request and the API request go the same way, and trust the same."""
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name, raising=False)
        run(self.TITLE)
        assert internet.proxied == ["http://proxy.example.com:3128"] * 2
        assert internet.verified_with == ["/etc/ssl/certs/company.pem"] * 2
        assert internet.named == [TOKEN_URL, ORDERS_URL]

    def test_httpx(self, internet: Internet) -> None:
        """The same with httpx."""
        code = example(self.TITLE, 1).code.replace("/etc/ssl/certs/company.pem", certifi.where())
        run(self.TITLE, code=code)
        assert internet.proxied == ["http://proxy.example.com:3128"] * 2
        assert internet.named == [TOKEN_URL, ORDERS_URL]


def test_logging(internet: Internet) -> None:
    """The example prints what the page shows."""
    logger = logging.getLogger("oauth_cc_auth")
    level, printed = logger.level, io.StringIO()
    with contextlib.redirect_stdout(printed):
        names = run("Logging")
    logger.removeHandler(names["handler"])
    logger.setLevel(level)
    assert re.sub(r"in \d+\.\d\d s", "in 0.04 s", printed.getvalue()) == example("Logging").output
    assert internet.named == [TOKEN_URL, ORDERS_URL]


def test_metrics(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event is counted with its own attributes. A renewal after a refusal counts as a second token."""
    reader = InMemoryMetricReader()
    monkeypatch.setattr(metrics, "get_meter", MeterProvider([reader]).get_meter)
    internet.server.api.next(Answer(401))
    run("Metrics")
    data: Any = reader.get_metrics_data()
    measured = {each.name: each.data.data_points for each in data.resource_metrics[0].scope_metrics[0].metrics}
    counts = {(each.attributes["event"], each.attributes.get("outcome")): each.value for each in measured[EVENTS]}
    assert counts == {("TokenObtained", None): 2, ("TokenRefused", "renewed"): 1}
    assert [each.count for each in measured["oauth_cc_auth.fetch.duration"]] == [2]


def test_httpie() -> None:
    """The auth type is ours. tests/httpie runs the real command."""
    assert f"https -A {ClientCredentialsPlugin.auth_type} " in SECTIONS["HTTPie"]
