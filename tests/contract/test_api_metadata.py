"""Promise 25: an API says what its tokens are for, if the person permits that; and what hostile words cannot do."""

from __future__ import annotations

import json
import logging
import pickle
from pathlib import Path
from typing import Any

import pytest

from oauth_cc_auth import ApiMetadataRead, ConfigurationError, Issuer, TokenEndpoint
from oauth_cc_auth.stores import FileStore
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import HTTPX, REQUESTS, ClientKind, each_client
from tests.contract.api_server import PATH, WELL_KNOWN, Api, api_fixture, login_fixture
from tests.contract.issuer_server import Login
from tests.contract.scenes import Scene, scene, statuses_of

__all__ = ["api_fixture", "login_fixture"]


def described(client: ClientKind, server: LoopbackServer, login: Login, **settings: Any) -> Any:
    """A scene with an auth object that lets APIs say what their tokens are for."""
    source = settings.pop("token_source", Issuer(login.url))
    return scene(client, server, token_source=source, **{"resource_metadata": True, **settings})


def statuses(s: Scene, api: Api, n: int = 1) -> list[int]:
    return [s.session.request("GET", api.url).status for _ in range(n)]


def asked_for(server: LoopbackServer) -> list[tuple[str | None, str | None]]:
    """Resource and scope of each token request."""
    forms = [dict(request.form) for request in server.token_requests]
    return [(form.get("resource"), form.get("scope")) for form in forms]


@each_client
def test_resource_and_scope(client: ClientKind, oauth_server: LoopbackServer, login: Login, api: Api) -> None:
    """The refused request is sent again with a token for what the API says, and so are all later ones."""
    api.scope = "a b"
    events: list[Any] = []
    with described(client, oauth_server, login, life=100, on_event=events.append) as s:
        assert statuses(s, api, 3) == [200] * 3
        s.clock.advance(101)
        assert statuses(s, api) == [200]
    assert asked_for(oauth_server) == [(None, None), (api.url, "a b"), (api.url, "a b")]
    assert api.statuses == [401, 200, 200, 200, 200]
    (read,) = [event for event in events if isinstance(event, ApiMetadataRead)]
    assert (read.origin, read.document_url, read.problem) == (api.origin, api.named, None)
    assert (read.resource, read.scope) == (api.url, "a b")
    (question,) = api.questions
    assert question.startswith(f"GET {WELL_KNOWN}{PATH} ".encode())
    for secret in (oauth_server.client_id, oauth_server.client_secret, "uthorization", *oauth_server.issued):
        assert secret.encode() not in question


@each_client
def test_not_unless_it_is_permitted(client: ClientKind, oauth_server: LoopbackServer, login: Login, api: Api) -> None:
    """By default, the answer is yours."""
    with described(client, oauth_server, login, resource_metadata=False) as s:
        assert statuses(s, api) == [401]
    assert (api.questions, asked_for(oauth_server)) == ([], [(None, None)] * 2)


@each_client
@pytest.mark.parametrize(
    ("settings", "scope", "asked"),
    [
        ({"scope": "mine"}, "mine", ("{url}", "mine")),
        ({"resource": "{url}"}, "a b", ("{url}", "a b")),
        ({"additional_request_data": {"scope": "mine"}}, "mine", ("{url}", "mine")),
        ({"additional_request_data": {"audience": "x", "resource": "{url}"}}, "a b", ("{url}", "a b")),
    ],
    ids=["scope", "resource", "scope-in-data", "resource-in-data"],
)
def test_what_is_set_counts(
    client: ClientKind,
    oauth_server: LoopbackServer,
    login: Login,
    api: Api,
    *,
    settings: dict[str, Any],
    scope: str,
    asked: tuple[str, str],
) -> None:
    """An API only supplies what the person left open."""
    api.scope = scope
    filled = json.loads(json.dumps(settings).replace("{url}", api.url))
    with described(client, oauth_server, login, **filled) as s:
        assert statuses(s, api) == [200]
    assert asked_for(oauth_server)[-1] == tuple(each.replace("{url}", api.url) for each in asked)


@each_client
def test_nothing_is_left_open(client: ClientKind, oauth_server: LoopbackServer, login: Login, api: Api) -> None:
    """Then no document is asked for."""
    with described(client, oauth_server, login, scope="mine", resource="urn:mine") as s:
        assert statuses(s, api) == [401]
    assert (api.questions, asked_for(oauth_server)) == ([], [("urn:mine", "mine")] * 2)


@each_client
def test_all_at_once(client: ClientKind, oauth_server: LoopbackServer, login: Login, api: Api) -> None:
    """Promise 12: requests that are refused together cost one question and one token request."""
    with described(client, oauth_server, login) as s:
        s.session.get_token()
        assert statuses_of(s.session.concurrently(8, api.url)) == [200] * 8
    assert len(api.questions) == 1
    assert asked_for(oauth_server) == [(None, None), (api.url, "a b")]


@each_client
def test_kept_for_an_hour(client: ClientKind, oauth_server: LoopbackServer, login: Login, api: Api) -> None:
    """Then a refusal has it read again, and what it says now counts."""
    with described(client, oauth_server, login, life=20000) as s:
        assert statuses(s, api) == [200]
        api.resource = api.origin
        api.documents[WELL_KNOWN] = api.about(login.url, resource=api.origin, scopes_supported=[])
        api.named = api.origin + WELL_KNOWN
        assert statuses(s, api) == [401]
        s.clock.advance(3601)
        assert statuses(s, api) == [200]
    assert len(api.questions) == 2
    assert asked_for(oauth_server)[-1] == (api.origin, None)


@each_client
@pytest.mark.parametrize(
    ("challenge", "listed", "scope"),
    [
        (', scope="c"', ["a"], "c"),
        (', scope="c\\\\d"', ["a"], "a"),
        ("", ["a", "a", 5, "b c"], "a b c"),
        ("", ["a\\b"], None),
        ("", "a", None),
        ("", ["x" * 1001], None),
    ],
    ids=["challenge", "odd-challenge", "list", "odd", "text", "long"],
)
def test_which_scope(
    client: ClientKind,
    oauth_server: LoopbackServer,
    login: Login,
    api: Api,
    *,
    challenge: str,
    listed: object,
    scope: str | None,
) -> None:
    """That of the refusal, or else all that the document lists; and only scopes that there can be."""
    api.challenge = challenge
    api.documents[WELL_KNOWN + PATH] = api.about(login.url, scopes_supported=listed)
    with described(client, oauth_server, login) as s:
        assert statuses(s, api) == [200]
    assert asked_for(oauth_server)[-1] == (api.url, scope)


def hostile(**members: Any) -> Any:
    """A document that is right but for these members."""
    return lambda api, login: api.documents.update({WELL_KNOWN + PATH: api.about(login.url, **members)})


def answering(answer: Any) -> Any:
    return lambda api, _: api.documents.update({WELL_KNOWN + PATH: answer})


def naming(url: str) -> Any:
    """A challenge with another place for the document."""
    return lambda api, login: setattr(api, "named", url.format(origin=api.origin, login=login.origin))


def redirecting(api: Api, login: Login) -> None:
    target = f"{api.origin}{WELL_KNOWN}/other"
    api.documents |= {
        WELL_KNOWN + PATH: Answer(302, headers={"Location": target}),
        f"{WELL_KNOWN}/other": api.about(login.url),
    }


NO_PLACE = "names a document that is at none of its well-known places"
ANOTHER = "is about another resource"
# What an API may say, and what the WARNING says of that.
HOSTILE: dict[str, tuple[Any, str]] = {
    "another issuer": (hostile(authorization_servers=["https://evil.example"]), "does not list your issuer, http://"),
    "a victim's endpoint": (
        hostile(authorization_servers=[], token_endpoint="https://victim.example"),
        "does not list",
    ),
    "no issuers": (hostile(authorization_servers=None), "does not list your issuer"),
    "odd issuers": (hostile(authorization_servers=[5, None]), "does not list your issuer"),
    "another resource": (hostile(resource="https://victim.example/orders"), ANOTHER),
    "another path": (hostile(resource="{origin}/orders/other"), ANOTHER),
    "part of a word": (hostile(resource="{origin}/orders/mc"), ANOTHER),
    "a wider resource": (hostile(resource="{origin}/orders"), ANOTHER),
    "a resource with a query": (hostile(resource="{origin}/orders/mcp?a"), ANOTHER),
    "two resources": (hostile(resource="{origin}/orders/mcp urn:b"), ANOTHER),
    "no resource": (hostile(resource=None), ANOTHER),
    "an odd resource": (hostile(resource="x" * 3000), ANOTHER),
    "no URI": (hostile(resource="orders"), ANOTHER),
    "another origin": (naming("{login}" + WELL_KNOWN + PATH), "names a document of another origin, http://127"),
    "plain http elsewhere": (naming("http://evil.example" + WELL_KNOWN), "names a document of another origin"),
    "a file": (naming("file:///etc/passwd"), "names a document of another origin"),
    "a path": (naming("/metadata"), "names a document of another origin"),
    "no well-known place": (naming("{origin}/metadata"), NO_PLACE),
    "a place that only begins so": (naming("{origin}" + WELL_KNOWN + "s"), NO_PLACE),
    "the place of another": (naming("{origin}" + WELL_KNOWN + "/orders/other"), NO_PLACE),
    "a way up": (naming("{origin}" + WELL_KNOWN + "/../../admin"), NO_PLACE),
    "a query": (naming("{origin}" + WELL_KNOWN + "?delete=1"), NO_PLACE),
    "a fragment": (naming("{origin}" + WELL_KNOWN + "#a"), NO_PLACE),
    "a long place": (naming("{origin}" + WELL_KNOWN + "/" + "x" * 2000), "names a URL that is too long"),
    "a redirect": (redirecting, "answered 302, a redirect, which is not followed"),
    "an error": (answering(Answer(500)), "answered 500"),
    "nothing": (answering(Answer(404)), "answered 404"),
    "no JSON": (answering(Answer(200, "<html>")), "no JSON object"),
    "brackets": (answering(Answer(200, b"[" * 100_000)), "no JSON object"),
    "too much": (answering(Answer(200, b" " * 1_100_000)), "larger than"),
    "endless": (answering(lambda wire: _endless(wire)), "larger than"),
    "cut off": (answering(lambda wire: wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")), "could not be"),
}


def _endless(wire: Any) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    wire.send_for_ever()


@each_client
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile(
    client: ClientKind,
    oauth_server: LoopbackServer,
    login: Login,
    api: Api,
    *,
    kind: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is ignored, with one WARNING and an event; the 401 is renewed as ever, and is yours. Nobody else is asked."""
    change, words = HOSTILE[kind]
    change(api, login)
    document = api.documents[WELL_KNOWN + PATH]
    if isinstance(document, dict) and isinstance(document["resource"], str):
        document["resource"] = document["resource"].format(origin=api.origin)
    before = list(login.asked)
    events: list[Any] = []
    with caplog.at_level(logging.WARNING), described(client, oauth_server, login, on_event=events.append) as s:
        assert statuses(s, api, 2) == [401, 401]
    assert set(asked_for(oauth_server)) == {(None, None)}
    assert login.asked == [*before, login.asked[-1]]  # its metadata, and nothing that the API named
    assert len(api.questions) <= 1
    (read,) = [event for event in events if isinstance(event, ApiMetadataRead)]
    assert (read.resource, read.scope) == (None, None)
    assert read.problem is not None
    assert words in read.problem
    warnings = [record.getMessage() for record in caplog.records if "about itself" in record.getMessage()]
    assert warnings == [f"what {api.origin} says about itself is ignored: {read.problem}"]


@each_client
def test_a_slow_document(
    client: ClientKind, oauth_server: LoopbackServer, login: Login, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """It has the time limit of a token request, and is tried again after five minutes."""
    right = api.documents[WELL_KNOWN + PATH]
    api.documents[WELL_KNOWN + PATH] = lambda wire: wire.wait()
    with described(client, oauth_server, login) as s:
        s.session.get_token()
        s.auth._source.flow.description._timeout = 0.05
        assert statuses(s, api) == [401]
        assert "its document gave no answer in time" in caplog.text
        s.auth._source.flow.description._timeout = 10.0
        api.documents[WELL_KNOWN + PATH] = right
        assert statuses(s, api) == [401]
        s.clock.advance(301)
        assert statuses(s, api) == [200]
    assert len(api.questions) == 2


@each_client
def test_what_was_right_and_is_not_any_more(
    client: ClientKind, oauth_server: LoopbackServer, login: Login, api: Api
) -> None:
    """Then token requests ask for what they asked for before."""
    with described(client, oauth_server, login, life=20000) as s:
        assert statuses(s, api) == [200]
        api.resource = "urn:other"
        api.documents[WELL_KNOWN + PATH] = api.about("https://evil.example")
        s.clock.advance(3601)
        assert statuses(s, api) == [401]
    assert asked_for(oauth_server) == [(None, None), (api.url, "a b"), (None, None)]


@each_client
def test_what_the_server_does_not_know(
    client: ClientKind, oauth_server: LoopbackServer, login: Login, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """An API cannot keep tokens away: if none comes for what it says, the same request is made without."""

    def answer(request: Any) -> Answer | None:
        return Answer.error("invalid_target") if "resource" in dict(request.form) else None

    oauth_server.token_endpoint.always(answer)
    with caplog.at_level(logging.WARNING), described(client, oauth_server, login) as s:
        assert statuses(s, api) == [401]
        assert s.session.request("GET", oauth_server.api_url).status == 200
    assert asked_for(oauth_server) == [(None, None), (api.url, "a b"), (None, None)]
    assert "the token endpoint issues no token for what it says (invalid_target)" in caplog.text


@each_client
def test_two_apis(
    client: ClientKind, oauth_server: LoopbackServer, login: Login, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    """The first one counts: no API can widen a token for another one. A sibling has a token of its own."""
    other = Api(oauth_server, login.url)
    with other.endpoint, described(client, oauth_server, login) as s:
        assert statuses(s, api) == [200]
        assert statuses(s, other) == [401]
        assert f"{api.origin} said first what tokens are for; with_options() makes a sibling" in caplog.text
        assert statuses(s, api) == [200]
        with client.session(auth=s.auth.with_options(on_event=None)) as session:
            assert session.request("GET", other.url).status == 200
    assert asked_for(oauth_server)[-1] == (other.url, "a b")


@each_client
def test_beside_step_up(client: ClientKind, oauth_server: LoopbackServer, login: Login, api: Api) -> None:
    """What a challenge asks for counts, and the document says the rest."""
    api.challenge = ', scope="c"'
    with described(client, oauth_server, login, step_up=True) as s:
        assert statuses(s, api) == [200]
    assert asked_for(oauth_server) == [(None, None), (api.url, "c")]


@pytest.mark.parametrize("client", [REQUESTS, HTTPX], ids=str)
def test_a_token_under_way(client: ClientKind, oauth_server: LoopbackServer, login: Login, api: Api) -> None:
    """A token that was asked for before the API said anything is not taken for one that it wants."""
    with described(client, oauth_server, login, life=1000) as s:
        s.session.get_token()
        s.clock.advance(850)  # it is aging
        with oauth_server.token_endpoint.hold() as gate:
            assert s.session.request("GET", oauth_server.api_url).status == 200  # and is being renewed
            gate.wait_for(1)
            gate.release()
            assert statuses(s, api) == [200]


def test_a_store(oauth_server: LoopbackServer, login: Login, api: Api, tmp_path: Path) -> None:
    """A token for what the API says is another entry, which the next process finds once it has asked the API, too."""
    for _ in range(2):
        with described(REQUESTS, oauth_server, login, store=FileStore(tmp_path)) as s:
            assert statuses(s, api) == [200]
    assert len(api.questions) == 2
    assert asked_for(oauth_server) == [(None, None), (api.url, "a b")]


def test_a_description_of_the_endpoint(oauth_server: LoopbackServer, login: Login, api: Api) -> None:
    """It may have an issuer in the place of its URL."""
    source = TokenEndpoint(Issuer(login.url), default_lifetime=60)
    with described(REQUESTS, oauth_server, login, token_source=source) as s:
        assert statuses(s, api) == [200]


@each_client
def test_only_with_an_issuer(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """There has to be one that an API can confirm."""
    with pytest.raises(ConfigurationError, match=r"^resource_metadata is True, and no issuer is set") as caught:
        client.auth_class(oauth_server.token_url, "client", "s3cret", resource_metadata=True)
    assert caught.value.field == "resource_metadata"
    auth = client.auth_class(oauth_server.token_url, "client", "s3cret")
    with pytest.raises(ConfigurationError, match=r"^resource_metadata is True"):
        auth.with_options(resource_metadata=True)


@each_client
def test_in_pickles_and_in_the_environment(client: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """As any other setting."""
    for name, value in {"ISSUER": "https://a.example", "CLIENT_ID": "a", "CLIENT_SECRET": "b"}.items():
        monkeypatch.setenv(f"OAUTH_CC_{name}", value)
    monkeypatch.setenv("OAUTH_CC_RESOURCE_METADATA", "true")
    auth_class: Any = client.auth_class
    auth = auth_class.from_env()
    for each in (auth, pickle.loads(pickle.dumps(auth)), auth.with_options(scope="a")):  # noqa: S301  # ours
        assert each._behaviour.resource_metadata
    monkeypatch.delenv("OAUTH_CC_RESOURCE_METADATA")
    assert not auth_class.from_env()._behaviour.resource_metadata
