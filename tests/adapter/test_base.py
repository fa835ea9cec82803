"""`_adapter.base`, with the smallest adapter that there can be: no library, no network, and time stands still."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest

from oauth_cc_auth import (
    ClientCredentialsConfig,
    ClientSecretPost,
    ConfigurationError,
    DPoP,
    InsecureRequestError,
    Issuer,
    TlsClientAuthentication,
    Token,
    TokenEndpoint,
    TokenEndpointError,
    TokenError,
)
from oauth_cc_auth._adapter import base
from oauth_cc_auth._adapter.base import BaseAuth, check_bearer, checked_token, provable
from oauth_cc_auth._adapter.from_environment import from_environment
from oauth_cc_auth._adapter.policy import PROOF_HEADER, ApiPolicy
from oauth_cc_auth._adapter.transport import Transport
from oauth_cc_auth._advice import Advice
from oauth_cc_auth._core.clock import REAL_CLOCK
from oauth_cc_auth._core.loading import Modules, loaded
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._errors import advised_setting
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse
from tests.fake_clock import FakeClock

URL = "https://login.example.com/token"
REJECTED = TokenResponse(400, {}, b'{"error": "invalid_scope"}')
DOWN = TokenResponse(503, {"retry-after": "500"}, b"")


class LibraryError(Exception):
    """What the library raises."""


class Endpoint(Transport):
    """Issues "one", "two" and so on, or answers as it is told to. It keeps what it is asked, and for how long."""

    modules = Modules("_core.flow", "_core.drive", "_core.background")
    obstacle = TokenError("cannot be sent", reason="wrong_client_kind")

    def __init__(self, token_client: Any) -> None:
        self.token_client = token_client
        self.asked: list[tuple[TokenRequest, float]] = []
        self.answers: list[TokenResponse] = []
        self.send = self.answer

    def answer(self, request: TokenRequest, budget: float) -> TokenResponse:
        self.asked.append((request, budget))
        text = ("one", "two", "three", "four")[len(self.asked) - 1]
        issued = TokenResponse(200, {}, b'{"access_token": "%s", "expires_in": 1000}' % text.encode())
        return self.answers.pop(0) if self.answers else issued

    async def asend(self, request: TokenRequest, budget: float) -> TokenResponse:
        return self.answer(request, budget)

    def names_proxy(self, url: str) -> bool:
        return False

    def error_class(self, error: TokenError) -> type[Exception]:
        return LibraryError

    def bare(self, request: Any, header_names: tuple[str, ...]) -> Any:
        return request, header_names


class Auth(BaseAuth[Any]):
    """An adapter that sends no API requests. It keeps what it was called with."""

    arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __init__(self, *args: Any, **settings: Any) -> None:
        self.arguments = args, settings
        super().__init__(*args, **settings)

    def _make_transport(self, token_client: Any) -> Transport:
        return Endpoint(token_client)

    def _wire_url(self, url: str) -> str:
        return url.replace("//named.", "//sent.")

    def _make_policy(self) -> ApiPolicy:
        return ApiPolicy(self.config, self._source, self._behaviour, self._transport)


def an_auth(source: Any = URL, **settings: Any) -> Any:
    auth: Any = Auth(source, "client", "secret", **settings)
    auth._start(FakeClock())
    return auth


def asked(auth: Any) -> list[tuple[TokenRequest, float]]:
    requests: list[tuple[TokenRequest, float]] = auth._transport.asked
    return requests


def hook(event: object) -> None:
    """What a pickle names."""


SETTINGS: dict[str, Any] = {
    "scope": "a b",
    "resource": ("https://api.example.com/",),
    "client_authentication": "client_secret_post",
    "header_name": "X-Token",
    "header_value_pattern": "Key %s",
    "api_headers": {"X-Tenant": "7"},
    "grant_type": "account_credentials",
    "additional_headers": {"X-Key": "k"},
    "additional_request_data": {"audience": "c"},
    "allow_insecure_http": True,
}
BEHAVIOUR: dict[str, Any] = {
    "timeout": 5.0,
    "deadline": 20.0,
    "early_expiry": 3.0,
    "renew_after": 0.5,
    "renew_on": (401, 419),
    "renew_in_background": False,
    "raise_if_not_renewed": True,
    "step_up": True,
    "resource_metadata": True,
    "api_origins": ("https://sent.example.com",),
    "on_event": hook,
    "token_client": "client of the person's",
    "store": None,
}


def test_every_setting_is_in_the_config() -> None:
    """Each in its own place."""
    auth = an_auth(**SETTINGS)
    assert auth.config == ClientCredentialsConfig(URL, "client", "secret", **SETTINGS)
    assert an_auth().config == ClientCredentialsConfig(URL, "client", "secret")
    dpop = DPoP()
    assert an_auth(dpop=dpop).config.dpop is dpop
    with pytest.raises(ConfigurationError, match="client_id"):
        Auth(URL, client_secret="secret")


def test_every_other_argument_is_in_the_behaviour() -> None:
    """Checked; a host name is as the library sends it."""
    given = {**BEHAVIOUR, "api_origins": ["https://named.example.com"]}
    auth = an_auth(Issuer("https://login.example.com"), **given)
    assert auth._behaviour.arguments() == BEHAVIOUR
    assert auth._transport.token_client == BEHAVIOUR["token_client"]
    with pytest.raises(ConfigurationError, match="store"):
        an_auth(store="none")
    defaults = an_auth()._behaviour.arguments()
    assert (defaults["timeout"], defaults["deadline"], defaults["renew_after"]) == (10.0, 30.0, 0.8)
    assert [name for name, value in defaults.items() if value is True] == ["renew_in_background"]


def test_behaviour_is_where_tokens_come_from() -> None:
    """The time for one request and for all, and when a token is renewed."""
    auth = an_auth(timeout=5.0, deadline=20.0, early_expiry=3.0, renew_after=0.5)
    source = auth._source
    assert (source.timeout, source.deadline, source._rules) == (5.0, 20.0, RenewalRules(3.0, 0.5))
    assert (source._modules, source._obstacle) == (Endpoint.modules, Endpoint.obstacle)
    auth.prefetch()
    ((_, budget),) = asked(auth)
    assert budget == 5.0
    lease = source.cache.current
    assert lease.token.expires_at - lease.fresh_until == 500
    auth.invalidate()
    assert asyncio.run(source.aobtain()).token.access_token == "two"


class Store:
    """Has what a store has."""

    def used(self, *_: object) -> None:
        raise AssertionError("not before a token is needed")

    read = write = delete = acquire = release = used


def test_store_that_tokens_are_shared_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its settings and by its clock; so does a sibling."""
    asked_for: list[Any] = []
    store, clock = Store(), FakeClock()

    def sharing_of(*args: Any) -> Any:
        asked_for.append(args)
        return lambda observer: [observer]

    monkeypatch.setattr("oauth_cc_auth._stores.sharing.sharing_of", sharing_of)
    auth: Any = Auth(URL, "client", "secret", store=store)
    auth._start(clock)
    sibling = auth.with_options(scope="a")
    assert asked_for[1:] == [(store, auth.config, clock), (store, sibling.config, clock)]
    assert auth._source.sharing == [auth._source.observer]
    assert sibling._source.sharing == [sibling._source.observer]
    assert an_auth()._source.sharing is None


def test_events_are_told_to_the_hook() -> None:
    events: list[Any] = []
    an_auth(on_event=events.append).prefetch()
    assert [type(event).__name__ for event in events] == ["TokenObtained"]


@pytest.mark.parametrize("in_background", [True, False])
def test_who_says_whether_tokens_are_renewed_in_the_background(in_background: bool) -> None:
    """What sends token requests, if the person wants it at all."""
    auth = an_auth(renew_in_background=in_background)
    says = auth._source.cache.renews_in_background
    assert says == auth._transport.can_renew_in_background if in_background else not says()


def test_an_auth_object_goes_by_the_real_clock() -> None:
    auth: Any = Auth(URL, "client", "secret")
    assert auth._source.cache.clock is REAL_CLOCK
    assert pickle.loads(pickle.dumps(an_auth()))._source.cache.clock is REAL_CLOCK  # noqa: S301  # made here


def test_what_only_an_issuer_or_a_certificate_makes_right() -> None:
    with pytest.raises(ConfigurationError, match="resource_metadata"):
        an_auth(resource_metadata=True)
    method = TlsClientAuthentication()
    with pytest.raises(ConfigurationError, match="no token_client that presents one"):
        an_auth(client_authentication=method)
    assert an_auth(client_authentication=method, token_client="c").config.client_authentication is method


# Made in other ways.


def test_from_config() -> None:
    """The class is called with what is not at its default, so a subclass has its say."""
    config = ClientCredentialsConfig(URL, "client", "secret", **SETTINGS)
    auth = Auth.from_config(config, timeout=5.0)
    assert auth.config == config
    assert auth._behaviour.timeout == 5.0
    assert auth.arguments[0] == ()
    assert set(auth.arguments[1]) == {"token_url", "client_id", "client_secret", *SETTINGS, "timeout"}
    plain = Auth.from_config(ClientCredentialsConfig(URL, "client", "secret"))
    assert plain.arguments == ((), {"token_url": URL, "client_id": "client", "client_secret": "secret"})
    assert type(plain) is Auth
    endpoint = TokenEndpoint(URL, request_format="json")
    assert Auth.from_config(ClientCredentialsConfig(endpoint, "client", "secret")).config.token_source == endpoint
    with pytest.raises(ConfigurationError, match="config must be a ClientCredentialsConfig, not str"):
        Auth.from_config("config")  # type: ignore[arg-type]  # as people do


@pytest.mark.parametrize("permitted", [True, False])
def test_plain_http_with_from_config(permitted: bool) -> None:
    """The config says it; an argument says it louder, unless it is None."""
    config = ClientCredentialsConfig("http://login.example.com", "client", "secret", allow_insecure_http=True)
    assert Auth.from_config(config, allow_insecure_http=None).config.allow_insecure_http
    assert "allow_insecure_http" not in Auth.from_config(an_auth().config, allow_insecure_http=None).arguments[1]
    config = ClientCredentialsConfig(URL, "client", "secret", allow_insecure_http=not permitted)
    auth = Auth.from_config(config, allow_insecure_http=permitted)
    assert auth.config.allow_insecure_http is permitted


def test_from_env(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables with the prefix, and what the program says itself."""
    for name, value in {"TOKEN_URL": URL, "CLIENT_ID": "client", "CLIENT_SECRET": "secret", "TIMEOUT": "5"}.items():
        monkeypatch.setenv(f"MINE_{name}", value)
    auth = Auth.from_env("MINE_", scope="a")
    assert type(auth) is Auth
    assert auth.config == ClientCredentialsConfig(URL, "client", "secret", scope="a")
    assert auth._behaviour.timeout == 5.0
    assert set(auth.arguments[1]) == {"token_url", "client_id", "client_secret", "scope", "timeout"}


VARIABLES = {"MINE_TOKEN_URL": URL, "MINE_CLIENT_ID": "client", "MINE_CLIENT_SECRET": "secret"}


def test_variables_at_their_defaults() -> None:
    """They are not passed, so a subclass may have defaults of its own; what the program says itself is."""
    auth: Any = from_environment(Auth, "MINE_", {**VARIABLES, "MINE_TIMEOUT": "10"}, {})
    assert "timeout" not in auth.arguments[1]
    auth = from_environment(Auth, "MINE_", VARIABLES, {"timeout": 10.0})
    assert auth.arguments[1]["timeout"] == 10.0


@pytest.mark.parametrize(
    ("variables", "given", "field", "problem"),
    [
        ({"MINE_TIMEOUT": "-1"}, {}, "MINE_TIMEOUT", "must be a positive number of seconds, not -1.0"),
        ({}, {"timeout": -1}, "timeout", "must be a positive number of seconds, not -1"),
        ({"MINE_HEADER_NAME": "X Token"}, {}, "MINE_HEADER_NAME", "header name"),
        ({"MINE_TOKEN_URL": "http://login.example.com"}, {}, "MINE_TOKEN_URL", "MINE_ALLOW_INSECURE_HTTP=true"),
    ],
)
def test_an_error_is_about_the_variable(
    variables: dict[str, str], given: dict[str, Any], field: str, problem: str
) -> None:
    """Or about the argument, if the program passes one. No context with the values comes along."""
    with pytest.raises(ConfigurationError) as caught:
        from_environment(Auth, "MINE_", {**VARIABLES, **variables}, given)
    error = caught.value
    assert field in str(error)
    assert problem in str(error)
    assert error.__context__ is None


def test_a_remedy_names_other_variables() -> None:
    """What is wrong with one may be mended by another."""

    class Odd(Auth):
        def __init__(self, *args: Any, **settings: Any) -> None:
            raise advised_setting(ConfigurationError(field="timeout", problem="is odd"), Advice("set {token_url}"))

    with pytest.raises(ConfigurationError, match=r"^MINE_TIMEOUT is odd; set MINE_TOKEN_URL$"):
        from_environment(Odd, "MINE_", {**VARIABLES, "MINE_TIMEOUT": "10"}, {})


def test_a_sibling_is_for_another_target() -> None:
    """It has what a subclass has set, and shares all that is not about the target: clock, pauses, what sends."""
    auth = an_auth(scope="a", timeout=5.0, renew_on=False)
    auth.name = "mine"
    auth.prefetch()
    sibling = auth.with_options(scope="b", renew_on=(419,))
    assert (type(sibling), sibling.name, sibling.arguments) == (Auth, "mine", auth.arguments)
    assert sibling.config == ClientCredentialsConfig(URL, "client", "secret", scope="b")
    before = auth._behaviour.arguments()
    assert sibling._behaviour.arguments() == {**before, "renew_on": (419,)}
    assert sibling._transport is auth._transport
    caches = auth._source.cache, sibling._source.cache
    assert caches[0] is not caches[1]
    assert (caches[1].clock, caches[1].family) == (caches[0].clock, caches[0].family)
    assert sibling._policy is not auth._policy
    assert sibling.current_token is None
    assert (auth.get_token().access_token, sibling.get_token().access_token) == ("one", "two")


def test_a_sibling_is_small() -> None:
    """There may be thousands: what is not changed is the same object."""
    auth = an_auth(scope="a", additional_headers={"X-Key": "k"})
    sibling = auth.with_options(header_name="X-Token")
    assert sibling._behaviour is auth._behaviour
    assert sibling.config.additional_headers is auth.config.additional_headers
    assert auth.with_options(timeout=5.0).config is auth.config
    if sys.version_info >= (3, 11):  # before, each object has one
        assert not [dicts for dicts in gc.get_referents(sibling) if isinstance(dicts, dict)]


def test_a_sibling_with_another_target_alone() -> None:
    """Its scope and resource are checked, also against each other setting; what is not passed stays."""
    auth = an_auth(scope="a", resource="https://a.example.com", additional_request_data={"audience": "x"})
    assert auth.with_options(scope=["b", "c"]).config == ClientCredentialsConfig(
        URL,
        "client",
        "secret",
        scope="b c",
        resource="https://a.example.com",
        additional_request_data=[("audience", "x")],
    )
    sibling = auth.with_options(resource="https://b.example.com", scope=None)
    assert (sibling.config.scope, sibling.config.resource) == (None, ("https://b.example.com",))
    assert sibling.config.additional_request_data is auth.config.additional_request_data
    with pytest.raises(ConfigurationError, match="scope must hold str only"):
        auth.with_options(scope=[1])
    other = an_auth(additional_request_data={"resource": "x"})
    with pytest.raises(ConfigurationError, match="resource is also in additional_request_data"):
        other.with_options(resource="https://b.example.com")


def test_auth_objects_of_usual_behaviour_share_it() -> None:
    """Not if a value only equals the default: that of another type is refused."""
    usual = an_auth()._behaviour
    assert an_auth(scope="a", step_up=False)._behaviour is usual
    assert an_auth(timeout=5.0)._behaviour is not usual
    with pytest.raises(ConfigurationError, match="step_up must be True or False"):
        an_auth(step_up=0)


def test_a_sibling_sends_hosts_as_the_library_does() -> None:
    sibling = an_auth().with_options(api_origins="https://named.example.com")
    assert sibling._behaviour.arguments()["api_origins"] == ("https://sent.example.com",)


def test_a_sibling_renews_in_the_background_or_not() -> None:
    """As its auth object does, unless it is told otherwise; what says so is one object for all that are alike."""
    auth = an_auth()
    says = auth._source.cache.renews_in_background
    assert auth.with_options(scope="a")._source.cache.renews_in_background is says
    waiting = auth.with_options(renew_in_background=False)
    assert not waiting._source.cache.renews_in_background()
    again = waiting.with_options(renew_in_background=True)._source.cache.renews_in_background
    assert again == says


def test_what_a_sibling_cannot_have() -> None:
    """Another endpoint is another client; and an unknown argument is a mistake."""
    auth = an_auth()
    with pytest.raises(ConfigurationError, match=r"client_id is shared by all siblings") as caught:
        auth.with_options(client_id="other")
    assert caught.value.remedy == "make another auth object"
    for wrong, meant in (("scop", "; did you mean 'scope'?"), ("colour", "")):
        with pytest.raises(TypeError) as unknown:
            auth.with_options(**{wrong: "a"})
        assert str(unknown.value) == f"with_options() got an unexpected keyword argument {wrong!r}{meant}"


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda auth: pickle.loads(pickle.dumps(auth))],  # noqa: S301  # made here
    ids=["copy", "deepcopy", "pickle"],
)
def test_copies(copied: Callable[[Any], Any]) -> None:
    """Settings, behaviour, and what a subclass has set; nothing that lives."""
    auth = an_auth(scope="a", api_origins="https://named.example.com", on_event=hook)
    auth.name = "mine"
    auth.prefetch()
    twin = copied(auth)
    assert (type(twin), twin.name, twin.config) == (Auth, "mine", auth.config)
    assert twin._behaviour.arguments() == auth._behaviour.arguments()
    assert twin._behaviour is not auth._behaviour
    for name in ("_policy", "_source", "_transport"):
        assert getattr(twin, name) is not getattr(auth, name)
    assert twin.current_token is None
    state = auth.__getstate__()
    assert set(state) == {"config", "name", "arguments", "_behaviour"}
    assert type(state["_behaviour"]) is dict


# Tokens.


def test_tokens() -> None:
    """One is fetched for all that ask, and another one for a refused one."""
    auth = an_auth()
    assert auth.current_token is None
    auth.prefetch()
    token: Any = auth.current_token
    assert token.access_token == "one"
    assert auth.get_token() is token
    another = auth.get_token(refused=token)
    assert another.access_token == "two"
    assert auth.get_token(refused=token) is another
    assert auth.get_token() is another
    assert len(asked(auth)) == 2
    with pytest.raises(TypeError, match=r"^refused must be a Token, as get_token\(\) returns it, not str$"):
        auth.get_token(refused="one")


def test_current_token_ends() -> None:
    auth = an_auth()
    auth.prefetch()
    auth._source.cache.clock.advance(1000)
    assert auth.current_token is None
    assert len(asked(auth)) == 1


@pytest.mark.parametrize("wants", [BaseAuth.get_token, BaseAuth.prefetch, BaseAuth.get_headers])
def test_no_token(wants: Callable[[Any], Any]) -> None:
    """The error is one of the library's, too."""
    auth = an_auth()
    auth._transport.answers.append(REJECTED)
    with pytest.raises(LibraryError) as caught:
        wants(auth)
    assert isinstance(caught.value, TokenEndpointError)


def test_no_other_token() -> None:
    auth = an_auth()
    token = auth.get_token()
    auth._transport.answers.append(REJECTED)
    with pytest.raises(LibraryError):
        auth.get_token(refused=token)


def test_headers() -> None:
    """All that goes with the token."""
    auth = an_auth(header_name="X-Token", header_value_pattern="Key %s", api_headers={"X-Tenant": "7"})
    assert auth.get_headers() == {"X-Token": "Key one", "X-Tenant": "7"}
    assert auth._headers(auth._source.cache.current) == auth.get_headers()


def test_headers_with_a_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is for this one request, and has the nonce that the API asked for."""
    made: list[Any] = []

    def proof_now(*args: Any) -> str:
        made.append(args)
        return "proof"

    auth = an_auth(dpop=DPoP())
    auth._transport.answers.append(TokenResponse(200, {}, b'{"access_token": "one", "token_type": "DPoP"}'))
    monkeypatch.setattr("oauth_cc_auth._adapter.proving.proof_now", proof_now)
    headers = auth.get_headers(method="get", url="https://api.example.com/", nonce="n-7")
    assert headers == {"Authorization": "DPoP one", PROOF_HEADER: "proof"}
    lease = auth._source.cache.current
    assert made == [(auth._policy, lease, "GET", "https://api.example.com/", "n-7")]
    with pytest.raises(LibraryError, match="signed no proof"):
        auth._headers(lease, TokenError("signed no proof", reason="callable_failed"))


@pytest.mark.parametrize(("method", "url"), [(None, URL), ("GET", None), (None, None)])
def test_a_proof_is_for_one_request(method: str | None, url: str | None) -> None:
    problem = r"^with dpop, this needs method= and url= of the request: a proof is for one request$"
    with pytest.raises(TypeError, match=problem):
        provable(method, url)
    assert provable("get", URL) == ("GET", URL)


def test_forgetting() -> None:
    """All that is known, failures included; or one token, if it is still the one at hand."""
    auth = an_auth()
    auth._transport.answers.append(DOWN)
    with pytest.raises(LibraryError):
        auth.prefetch()
    with pytest.raises(LibraryError):
        auth.prefetch()  # too early to ask again
    assert len(asked(auth)) == 1
    auth.invalidate()
    two = auth.get_token()
    auth.invalidate(Token("another"))
    assert auth.current_token is two
    auth.invalidate(two)
    assert auth.current_token is None
    three = auth.get_token()
    auth.invalidate(two)
    assert auth.current_token is three
    auth.invalidate()
    assert auth.current_token is None
    with pytest.raises(TypeError, match=r"^token must be a Token, as get_token\(\) returns it, not str$"):
        auth.invalidate("three")


def test_forgetting_one_token_keeps_what_is_known_otherwise() -> None:
    """Failures too."""
    auth = an_auth()
    token = auth.get_token()
    auth._transport.answers.append(DOWN)
    with pytest.raises(LibraryError):
        auth.get_token(refused=token)
    auth.invalidate(token)
    with pytest.raises(LibraryError):
        auth.get_token()
    assert len(asked(auth)) == 2


def test_revoking() -> None:
    """What cannot be revoked stays; what is, is forgotten."""
    revocation_url = "https://login.example.com/revoke"
    auth = an_auth(TokenEndpoint(URL, revocation_url=revocation_url), client_authentication="client_secret_post")
    auth.revoke()
    assert asked(auth) == []
    token = auth.get_token()
    auth._transport.answers += [TokenResponse(503, {}, b""), TokenResponse(200, {}, b"")]
    with pytest.raises(LibraryError):
        auth.revoke()
    assert auth.current_token is token
    auth.revoke()
    assert auth.current_token is None
    assert [request.url for request, _ in asked(auth)] == [URL, revocation_url, revocation_url]
    with pytest.raises(ConfigurationError, match="revocation_url"):
        an_auth().revoke()


def test_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of a block, for as long as it takes."""
    auth, closed = an_auth(), list[Any]()
    monkeypatch.setattr(type(auth._source.background), "close", lambda self, timeout: closed.append((self, timeout)))
    auth.close(2.5)
    with auth as entered:
        assert entered is auth
        assert len(closed) == 1
    background = auth._source.background
    assert closed == [(background, 2.5), (background, None)]


# The object itself.


@pytest.mark.parametrize("name", ["config", "token_url", "client_id", "client_secret", *SETTINGS, *BEHAVIOUR, "dpop"])
def test_an_assignment_that_would_do_nothing(name: str) -> None:
    auth = an_auth()
    problem = f"^{name} cannot be changed; pass it when you make the auth object$"
    with pytest.raises(AttributeError, match=problem):
        setattr(auth, name, 1)
    auth.something_else = 1
    assert auth.something_else == 1


def test_repr() -> None:
    """Class, settings without secrets, and a fingerprint of what is hidden, at the end."""
    auth = an_auth(scope="a#b")
    shown, _, fingerprint = repr(auth.config).rpartition("#")
    assert repr(auth) == f"{__name__}.Auth({shown})#{fingerprint}"
    assert "secret" not in shown.replace("client_secret=", "")


def test_an_api_request_over_plain_http() -> None:
    """The error names the class that allows it, and carries the request without its headers."""
    auth = an_auth(api_origins=["https://named.example.com", "http://plain.example.com"], api_headers={"X-Tenant": "7"})
    assert auth._is_admitted("https://sent.example.com/", "request") is True
    assert auth._is_admitted("https://named.example.com/", "request") is False
    with pytest.raises(LibraryError, match="to Auth if you trust the network") as caught:
        auth._is_admitted("http://plain.example.com/", "request")
    error: Any = caught.value
    assert issubclass(type(error), InsecureRequestError)
    assert error.request == ("request", ("Authorization", "X-Tenant"))


def test_an_api_request_without_a_token() -> None:
    """Its error carries the request."""
    auth = an_auth()
    auth._transport.answers.append(REJECTED)
    with pytest.raises(LibraryError) as caught:
        auth._checked(auth._source.obtain(), "request")
    error: Any = caught.value
    assert error.request == ("request", ("Authorization",))


def test_bound_tokens_for_clients_that_send_no_proofs() -> None:
    check_bearer(an_auth())
    with pytest.raises(ConfigurationError) as caught:
        check_bearer(an_auth(dpop=DPoP()))
    assert (caught.value.field, caught.value.remedy) == ("auth", "leave out dpop, or pass auth= to a client")
    assert caught.value.problem == ("has tokens that are bound to a key (dpop), and no one would make the proofs")


def test_tokens_of_people() -> None:
    token = Token("a")
    assert checked_token("refused", token) is token


@pytest.mark.parametrize(
    ("source", "settings", "names"),
    [
        (URL, {}, set()),
        (URL, {"additional_headers": {"X-Key": "k"}, "additional_request_data": {"audience": "c"}}, set()),
        (URL, {"additional_headers": {"X-Key": lambda: "k"}}, {"_core.values"}),
        (URL, {"additional_request_data": {"audience": lambda: "k"}}, {"_core.values"}),
        (TokenEndpoint(URL), {}, {"_protocol.places", "_protocol.unread_life"}),
    ],
)
def test_what_few_settings_need_is_loaded_with_the_auth_object(
    monkeypatch: pytest.MonkeyPatch, source: Any, settings: dict[str, Any], names: set[str]
) -> None:
    """No event loop reads it from disk."""
    wanted: list[str] = []

    def noting(name: str) -> Any:
        wanted.append(name)
        return loaded(name)

    monkeypatch.setattr(base, "loaded", noting)
    Auth(source, "client", "secret", **settings)
    assert set(wanted) - {"_core.source"} == names


def test_strategies_are_kept() -> None:
    """As the very object."""
    method = ClientSecretPost()
    assert Auth.from_config(an_auth(client_authentication=method).config).config.client_authentication is method
