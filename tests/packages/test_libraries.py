"""docs/libraries.md: each recipe runs as it is printed, with the real package, and a revoked token is renewed."""

from __future__ import annotations

import gc
import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.examples import DOCS, examples_in, sections
from tests.packages.support import LIMIT, RENEWED, package, talk

PAGE = DOCS / "libraries.md"
SECTIONS = sections(PAGE)
INTRODUCTION = examples_in(PAGE.read_text(encoding="utf-8"))[0].code

WSDL = """<?xml version="1.0"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:o="urn:orders" xmlns:x="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:orders">
  <message name="Ask"><part name="customer" type="x:string"/></message>
  <message name="Said"><part name="total" type="x:int"/></message>
  <portType name="Port">
    <operation name="Total"><input message="o:Ask"/><output message="o:Said"/></operation>
  </portType>
  <binding name="Binding" type="o:Port">
    <soap:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Total"><soap:operation soapAction="total"/>
      <input><soap:body use="literal" namespace="urn:orders"/></input>
      <output><soap:body use="literal" namespace="urn:orders"/></output>
    </operation>
  </binding>
  <service name="Orders"><port name="Port" binding="o:Binding"><soap:address location="{api}/orders"/></port></service>
</definitions>"""
SOAP = """<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>
<o:TotalResponse xmlns:o="urn:orders"><total>42</total></o:TotalResponse></e:Body></e:Envelope>"""


@pytest.fixture(autouse=True)
def _client(oauth_server: LoopbackServer) -> None:
    oauth_server.add_client("abcd-1234", "secret123456")


@pytest.fixture(autouse=True)
def _modules() -> Iterator[None]:
    """A recipe may be put into a module of the person's. None of them closes its clients, which live with a program."""
    yield
    sys.modules.pop("catalog_auth", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def ran(server: LoopbackServer, title: str, *more: tuple[str, str]) -> dict[str, Any]:
    """The names of a section's example, after it ran; `more` are replacements besides those of the hosts."""
    (example,) = examples_in(SECTIONS[title])
    code = INTRODUCTION + example.code
    hosts = ("https://login.example.com/oauth2/token", server.token_url), ("https://api.example.com", server.api_url)
    for printed, _ in more:
        assert printed in code
    for printed, ours in (*more, *hosts):
        code = code.replace(printed, ours)
    names: dict[str, Any] = {"__name__": "catalog_auth"}
    exec(compile(code, title, "exec"), names)  # noqa: S102  # our own page
    return names


def test_aiohttp(oauth_server: LoopbackServer) -> None:
    package("aiohttp")
    assert (
        ran(oauth_server, "aiohttp", ('"https://api.example.com")\n', f'"{oauth_server.origin}")\n'))["status"] == 200
    )


def test_airflow(oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials come from the connection, and hooks share a token."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))  # it writes its settings there when it is imported
    connection = {"conn_type": "http", "host": oauth_server.api_url, "login": "abcd-1234", "password": "secret123456"}
    monkeypatch.setenv("AIRFLOW_CONN_ORDERS", json.dumps(connection))
    hooks = package("airflow.providers.http.hooks.http")
    oauth_server.api.always(Answer(200, {"orders": []}))
    names = ran(oauth_server, "Airflow")
    oauth_server.revoke_all()
    again = hooks.HttpHook("GET", http_conn_id="orders", auth_type=names["tokens"]).run("/orders")
    assert names["orders"] == again.json() == {"orders": []}
    assert talk(oauth_server) == RENEWED


def test_azure(oauth_server: LoopbackServer) -> None:
    package("azure.core")
    from azure.core import PipelineClient
    from azure.core.rest import HttpRequest

    policy = ran(oauth_server, "Azure SDK")["policy"]
    client: Any = PipelineClient(oauth_server.origin, policies=[policy])
    for _ in range(2):
        client.send_request(HttpRequest("GET", oauth_server.api_url), enforce_https=False).raise_for_status()
    assert talk(oauth_server) == ["token 200", "api 200", "api 200"]


def test_confluent(oauth_server: LoopbackServer) -> None:
    """Kafka asks for the token when the client starts; there is no broker here."""
    package("confluent_kafka.schema_registry")
    oauth_server.api.always(Answer(200, ["orders"]))
    names = ran(
        oauth_server,
        "Confluent: Kafka and Schema Registry",
        ("kafka.example.com:9093", "127.0.0.1:1"),
        ("SASL_SSL", "SASL_PLAINTEXT"),
    )
    assert names["subjects"] == ["orders"]
    names["producer"].poll(0)
    text, ends = names["kafka_token"]("")
    assert text == oauth_server.issued[-1]
    assert ends > 0
    assert len(oauth_server.token_requests) == 1
    assert oauth_server.api_requests[-1].headers["target-sr-cluster"] == "lsrc-1"


def test_dlt(oauth_server: LoopbackServer) -> None:
    package("dlt")
    oauth_server.api.always(Answer(200, {"orders": []}))
    names = ran(oauth_server, "dlt")
    oauth_server.revoke_all()
    assert names["orders"] == names["client"].get("/orders").json() == {"orders": []}
    assert talk(oauth_server) == RENEWED


def test_elasticsearch_and_opensearch(oauth_server: LoopbackServer) -> None:
    package("elasticsearch")
    package("opensearchpy")
    about = {"version": {"number": "9.0.0", "build_flavor": "default"}, "tagline": "You Know, for Search"}
    oauth_server.api.always(Answer(200, about, headers={"X-Elastic-Product": "Elasticsearch"}))
    names = ran(oauth_server, "Elasticsearch and OpenSearch")
    assert names["versions"] == ["9.0.0", "9.0.0"]
    assert len(oauth_server.token_requests) == 1
    for client in ("elastic", "opensearch"):
        oauth_server.revoke_all()
        assert names[client].info()["version"]["number"] == "9.0.0"
    assert len(oauth_server.token_requests) == 3


def test_fsspec(oauth_server: LoopbackServer) -> None:
    package("fsspec")
    oauth_server.api.always(Answer(200, b"a,b"))
    names = ran(oauth_server, "fsspec", ('"https://api.example.com")\n', f'"{oauth_server.origin}")\n'))
    assert names["text"] == b"a,b"
    oauth_server.revoke_all()
    assert names["files"].cat_file(f"{oauth_server.api_url}/orders.csv") == b"a,b"
    assert talk(oauth_server) == RENEWED


def test_gql(oauth_server: LoopbackServer) -> None:
    package("gql")
    oauth_server.api.always(Answer(200, {"data": {"orders": [{"id": 1}]}}))
    names = ran(oauth_server, "GraphQL: gql")
    assert names["result"] == {"orders": [{"id": 1}]}
    oauth_server.revoke_all()
    assert names["client"].execute(names["gql"]("{ orders { id } }")) == names["result"]
    assert talk(oauth_server) == RENEWED


def test_grpc(oauth_server: LoopbackServer) -> None:
    """A real server, and a channel within this machine in the place of one with TLS."""
    grpc = package("grpc")
    from concurrent.futures import ThreadPoolExecutor

    seen: list[Any] = []

    def answer(request: bytes, context: Any) -> bytes:
        seen.append(dict(context.invocation_metadata())["authorization"])
        return request

    handler = grpc.unary_unary_rpc_method_handler(answer)
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool, handlers=[grpc.method_handlers_generic_handler("Orders", {"Echo": handler})])
        port = server.add_secure_port("127.0.0.1:0", grpc.local_server_credentials())
        server.start()
        try:
            names = ran(
                oauth_server,
                "gRPC",
                ("grpc.ssl_channel_credentials()", "grpc.local_channel_credentials()"),
                ("grpc.example.com:443", f"127.0.0.1:{port}"),
            )
            with names["channel"] as channel:
                echo = channel.unary_unary("/Orders/Echo")
                assert [echo(b"x", timeout=LIMIT) for _ in range(2)] == [b"x", b"x"]
        finally:
            server.stop(None).wait(LIMIT)
    assert seen == [f"Bearer {oauth_server.issued[0]}"] * 2
    assert len(oauth_server.token_requests) == 1


def test_pyiceberg(oauth_server: LoopbackServer) -> None:
    """The settings of the page name the class by its path."""
    catalogs = package("pyiceberg.catalog")
    names = ran(oauth_server, "pyiceberg")
    module = ModuleType("catalog_auth")
    module.__dict__.update(names)
    sys.modules["catalog_auth"] = module

    def answer(request: RecordedRequest) -> Answer:
        is_config = request.path.endswith("/v1/config")
        return Answer(200, {"defaults": {}, "overrides": {}} if is_config else {"namespaces": [["orders"]]})

    oauth_server.api.always(answer)
    assert "impl: my_package.catalog_auth.Tokens" in SECTIONS["pyiceberg"]
    auth = {"type": "custom", "impl": "catalog_auth.Tokens"}
    catalog = catalogs.load_catalog("default", type="rest", uri=oauth_server.api_url, auth=auth)
    assert catalog.list_namespaces() == [("orders",)]
    assert len(oauth_server.token_requests) == 1
    assert {request.token for request in oauth_server.api_requests} == set(oauth_server.issued)


def test_singer(oauth_server: LoopbackServer) -> None:
    sdk: Any = package("singer_sdk")
    oauth_server.api.always(Answer(200, [{"id": 1}]))
    stream_class = ran(oauth_server, "Singer SDK")["OrdersStream"]

    class Tap(sdk.Tap):  # type: ignore[misc]  # a package that may not be installed
        name = "tap-orders"
        config_jsonschema: ClassVar[Any] = {"properties": {}}

        def discover_streams(self) -> Any:
            return [stream_class(self)]

    stream = Tap().streams["orders"]
    assert list(stream.get_records(None)) == [{"id": 1}]
    oauth_server.revoke_all()
    assert list(stream.get_records(None)) == [{"id": 1}]
    assert talk(oauth_server) == RENEWED


def test_zeep(oauth_server: LoopbackServer) -> None:
    package("zeep")

    def answer(request: RecordedRequest) -> Answer:
        body = WSDL.replace("{api}", oauth_server.api_url) if request.method == "GET" else SOAP
        return Answer(200, body, content_type="text/xml")

    oauth_server.api.always(answer)
    names = ran(oauth_server, "SOAP: zeep")
    oauth_server.revoke_all()
    assert names["total"] == names["client"].service.Total(customer="4711") == 42
    assert talk(oauth_server) == ["token 200", "api 200", "api 200", "api 401", "token 200", "api 200"]


def test_openai(oauth_server: LoopbackServer) -> None:
    package("openai")
    oauth_server.api.always(Answer(200, {"object": "list", "data": [{"id": "small", "object": "model"}]}))
    names = ran(oauth_server, "openai, anthropic")
    oauth_server.revoke_all()
    assert names["models"] == [model.id for model in names["client"].models.list()] == ["small"]
    assert talk(oauth_server) == RENEWED
