"""`behaviour`: the arguments that say how an auth object behaves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from oauth_cc_auth import (
    ClientAuthentication,
    ClientCredentialsConfig,
    ConfigurationError,
    Issuer,
    NoClientAuthentication,
    TlsClientAuthentication,
)
from oauth_cc_auth._adapter import behaviour
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._http.origin import Origin
from tests.stores.hosts import MemoryStore

API = Origin("https", "api.example.com", 443)


def as_it_is(url: str) -> str:
    """A client library that changes nothing."""
    return url


def test_config_is_given_back() -> None:
    """The very object."""
    config = ClientCredentialsConfig("https://login.example.com/token", "id", "secret")
    assert behaviour.check_config(config) is config


@pytest.mark.parametrize("value", [None, {}, "https://login.example.com/token"])
def test_config_of_another_type(value: object) -> None:
    """The message for arguments in the wrong order names the type."""
    with pytest.raises(ConfigurationError, match=rf"ClientCredentialsConfig, not {type(value).__name__}(;.*)?$"):
        behaviour.check_config(value)


@pytest.mark.parametrize("value", [1, 0.001, 10.0, 86_400])
def test_seconds(value: float) -> None:
    """Positive numbers are taken as they are."""
    assert behaviour.seconds("timeout", value) == value


@pytest.mark.parametrize("value", [1e10, 10**400])
def test_seconds_that_nothing_can_wait_for(value: float) -> None:
    """They stand for "no limit"; threads and sockets would fail with an OverflowError."""
    assert behaviour.seconds("deadline", value) <= threading.TIMEOUT_MAX


@pytest.mark.parametrize("value", [True, False])
def test_yes_or_no(value: bool) -> None:
    """Nothing else counts."""
    assert behaviour.yes_or_no("raise_if_not_renewed", value) is value


@pytest.mark.parametrize("value", [None, "no", 1, 0])
def test_neither_yes_nor_no(value: object) -> None:
    """Or the word "no" would mean yes."""
    with pytest.raises(ConfigurationError, match=r"^raise_if_not_renewed must be True or False, not \w+$"):
        behaviour.yes_or_no("raise_if_not_renewed", value)


@pytest.mark.parametrize("value", [0, -1, 0.0, float("inf"), float("nan"), True, None, "10"])
def test_no_seconds(value: object) -> None:
    """The message names the field and shows the value."""
    with pytest.raises(ConfigurationError) as caught:
        behaviour.seconds("timeout", value)
    assert str(caught.value) == f"timeout must be a positive number of seconds, not {value!r}"


@pytest.mark.parametrize("early_expiry", [None, 0, 0.0, 30, 1e9])
@pytest.mark.parametrize("renew_after", [0.001, 0.5, 1, 1.0])
def test_rules(early_expiry: float | None, renew_after: float) -> None:
    """Both bounds of each are inside, but for a renewal at birth."""
    assert behaviour.rules(early_expiry, renew_after) == RenewalRules(early_expiry, renew_after)


@pytest.mark.parametrize("early_expiry", [-1, float("inf"), float("nan"), True, False, "30"])
def test_wrong_early_expiry(early_expiry: object) -> None:
    """A number of seconds, or None."""
    with pytest.raises(ConfigurationError, match=r"^early_expiry must be .* or None"):
        behaviour.rules(early_expiry, 0.8)


@pytest.mark.parametrize("renew_after", [0, -0.1, 1.001, 80, float("nan"), None, True, "0.8"])
def test_wrong_renew_after(renew_after: object) -> None:
    """A fraction; 80 is no per cent."""
    with pytest.raises(ConfigurationError, match=r"^renew_after must be a fraction"):
        behaviour.rules(None, renew_after)


@pytest.mark.parametrize("value", [None, True])
def test_renew_on_by_default(value: bool | None) -> None:
    """True is what None is."""
    assert behaviour.renew_on(value) is None


def test_renew_on_never() -> None:
    """False turns it off."""
    assert behaviour.renew_on(False) is False


def test_renew_on_a_condition() -> None:
    """A callable is kept as it is."""

    def condition(status: int, headers: Mapping[str, str]) -> bool:
        return status == 403 and "x" in headers

    assert behaviour.renew_on(condition) is condition


@pytest.mark.parametrize("value", [401, "401", 0, {401: True}])
def test_renew_on_anything_else(value: Any) -> None:
    """Not even a status: the message says what."""
    with pytest.raises(ConfigurationError, match=rf"^renew_on must be .*, not {type(value).__name__}$"):
        behaviour.renew_on(value)


def test_on_event() -> None:
    """None, or any callable, kept as it is."""
    events: list[object] = []
    append = events.append
    assert behaviour.on_event(None) is None
    assert behaviour.on_event(append) is append
    assert behaviour.on_event(print) is print


@pytest.mark.parametrize("value", [True, "print", [print], 0])
def test_on_event_that_cannot_be_called(value: Any) -> None:
    """The message names its type."""
    with pytest.raises(ConfigurationError, match=rf"^on_event must be a callable .*, not {type(value).__name__}$"):
        behaviour.on_event(value)


async def _coroutine(event: object) -> None:
    """Does nothing."""


class _Async:
    async def __call__(self, event: object) -> None:
        """Does nothing."""


@pytest.mark.parametrize("value", [_coroutine, partial(_coroutine), _Async()], ids=["function", "partial", "object"])
def test_on_event_that_would_have_to_be_awaited(value: Any) -> None:
    """It would do nothing but warn, each time."""
    with pytest.raises(ConfigurationError, match=r"^on_event must be a plain function: no one awaits"):
        behaviour.on_event(value)


async def _async_condition(status: int, headers: Mapping[str, str]) -> bool:
    return status == 401


def test_renew_on_that_would_have_to_be_awaited() -> None:
    """Its coroutine is true, so every answer would count as a refusal."""
    with pytest.raises(ConfigurationError, match=r"^renew_on must be a plain function: no one awaits"):
        behaviour.renew_on(_async_condition)


def test_any_api_origin() -> None:
    """None: whatever origin a request names. An empty collection: none at all."""
    assert behaviour.api_origins(None, as_it_is) is None


@pytest.mark.parametrize(
    "value",
    [
        "https://api.example.com",
        ["https://api.example.com/"],
        ("https://api.example.com:443",),
        {"HTTPS://API.Example.Com"},
    ],
)
def test_api_origins(value: Any) -> None:
    """One string or several, with or without what changes nothing."""
    assert behaviour.api_origins(value, as_it_is) == frozenset({API})


def test_api_origins_that_can_be_read_once() -> None:
    """They are kept."""
    assert behaviour.api_origins(iter(["https://api.example.com"]), as_it_is) == frozenset({API})


def test_api_origins_of_all_kinds() -> None:
    """Ports, IPv6 addresses and the plain schemes count."""
    assert behaviour.api_origins(
        ["http://[::1]:8080", "wss://example.com", "ws://example.com:81"], as_it_is
    ) == frozenset({Origin("http", "::1", 8080), Origin("wss", "example.com", 443), Origin("ws", "example.com", 81)})


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "api.example.com:443",
        "//api.example.com",
        "https://",
        "https:///",
        "https://:443",
        "https://api.example.com:99999",
        "https://api.example.com:port",
        "https://[::1",
        "ftp://api.example.com",
        "https://api.example.com/v1",
        "https://api.example.com//",
        "https://api.example.com?a=1",
        "https://api.example.com/?",
        "https://api.example.com#a",
        "https://user@api.example.com",
        "https://*.example.com",
        "https://api.example.com ",
        " https://api.example.com",
        "https://api.exa mple.com",
        "https://api.example.com\n",
        "https://api.example.com\\",
    ],
)
def test_no_origin(url: str) -> None:
    """What could never match a request is refused, or a token would stay away in silence."""
    with pytest.raises(ConfigurationError, match=r"^api_origins .* 'https://api\.example\.com'$"):
        behaviour.api_origins([url], as_it_is)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://straße.example", Origin("https", "xn--strae-oqa.example", 443)),
        ("wss://straße.example:8443/", Origin("wss", "xn--strae-oqa.example", 8443)),
        ("http://straße.example", Origin("http", "xn--strae-oqa.example", 80)),
    ],
)
def test_host_is_the_one_that_the_library_sends(url: str, origin: Origin) -> None:
    """Each library encodes names that are not ASCII in its own way; the scheme and the port stay."""

    def sent(url: str) -> str:
        return url.replace("straße", "xn--strae-oqa")

    assert behaviour.api_origins([url], sent) == frozenset({origin})


def test_port_that_is_none() -> None:
    """Whatever the library makes of it."""
    with pytest.raises(ConfigurationError, match=r"^api_origins .* 'https://api\.example\.com'$"):
        behaviour.api_origins(["https://api.example.com:99999"], lambda _: "https://api.example.com/")


def test_host_that_the_library_refuses() -> None:
    """An origin that no request can name is a mistake."""
    with pytest.raises(ConfigurationError, match=r"^api_origins .* 'https://api\.example\.com'$"):
        behaviour.api_origins(["https://\u200dapi.example"], lambda _: "")


@pytest.mark.parametrize("value", [5, [5], [None], b"https://api.example.com", [b"https://api.example.com"]])
def test_api_origins_of_another_type(value: Any) -> None:
    """The message names their type."""
    with pytest.raises(ConfigurationError, match=r"^api_origins must (be an iterable|hold str only)"):
        behaviour.api_origins(value, as_it_is)


class TestStore:
    def test_none_and_one_that_has_it_all(self) -> None:
        store = MemoryStore()
        assert behaviour.store(None) is None
        assert behaviour.store(store) is store

    @pytest.mark.parametrize(
        ("value", "name"), [("redis://localhost", "str"), (MemoryStore, "MemoryStore"), ({}, "dict")]
    )
    def test_what_is_none(self, value: Any, name: str) -> None:
        """A URL is for `RedisStore`, and a class is no object of it."""
        with pytest.raises(ConfigurationError, match=f"store must be a token store, not {name}; pass a FileStore"):
            behaviour.store(value)

    def test_an_async_one(self) -> None:
        """No one would await it."""

        class AsyncStore(MemoryStore):
            async def delete(self, key: str) -> None:  # type: ignore[override]
                raise AssertionError("awaited")

        with pytest.raises(ConfigurationError, match="store must have plain methods"):
            behaviour.store(AsyncStore())  # type: ignore[arg-type]  # on purpose


class _AsyncStore:
    """Has what a store has, to be awaited."""

    read = write = delete = acquire = release = staticmethod(_coroutine)


class _Presents(ClientAuthentication):
    """A strategy of a person's own, which may have a certificate."""

    uses_client_certificate = True

    def __init__(self, certificate: Any = None) -> None:
        self.client_certificate = certificate


_FIVE = (
    "renew_on must be None (on 401), False (never), statuses such as (401, 419), or a callable that takes status and "
)
_STATUSES = "renew_on must hold HTTP statuses only, such as (401, 419), and at least one"
_STORES = "; pass a FileStore or a RedisStore of oauth_cc_auth.stores, or what has the methods of its TokenStore"
_ORIGINS = "; pass origins such as 'https://api.example.com'"
_ORIGIN = "api_origins must hold only scheme, host and perhaps port, without wildcards" + _ORIGINS
_AWAITS = " must be a plain function: no one awaits what an async one returns"


@pytest.mark.parametrize(
    ("check", "field", "message"),
    [
        (
            lambda: behaviour.check_config({}),
            "config",
            "config must be a ClientCredentialsConfig, not dict; ClientCredentialsConfig.from_mapping() makes one",
        ),
        (lambda: behaviour.check_config(3), "config", "config must be a ClientCredentialsConfig, not int"),
        (
            lambda: behaviour.check_certificate(_Presents(object()), object()),
            "client_authentication",
            "client_authentication has a certificate, and a token_client, which is never changed, does not present it; "
            "give the certificate to the token_client, and pass TlsClientAuthentication() without one",
        ),
        (
            lambda: behaviour.check_certificate(TlsClientAuthentication(), None),
            "client_authentication",
            "client_authentication has no certificate, and there is no token_client that presents one; "
            "pass TlsClientAuthentication(certificate), or a token_client",
        ),
        (lambda: behaviour.yes_or_no("step_up", "no"), "step_up", "step_up must be True or False, not str"),
        (
            lambda: behaviour.rules(-1, 0.8),
            "early_expiry",
            "early_expiry must be a number of seconds, 0 or more, or None for the default, not -1",
        ),
        (
            lambda: behaviour.rules(None, 80),
            "renew_after",
            "renew_after must be a fraction of the token's life, above 0 and up to 1, not 80",
        ),
        (lambda: behaviour.renew_on(_coroutine), "renew_on", "renew_on" + _AWAITS),
        (lambda: behaviour.renew_on(()), "renew_on", _STATUSES),
        (lambda: behaviour.renew_on((401, 99)), "renew_on", _STATUSES),
        (lambda: behaviour.renew_on((401, 600)), "renew_on", _STATUSES),
        (lambda: behaviour.renew_on((401, "403")), "renew_on", _STATUSES),
        (lambda: behaviour.renew_on("401"), "renew_on", _FIVE + "headers, not str"),
        (lambda: behaviour.renew_on(b"401"), "renew_on", _FIVE + "headers, not bytes"),
        (lambda: behaviour.renew_on({401: 1}), "renew_on", _FIVE + "headers, not dict"),
        (lambda: behaviour.on_event(3), "on_event", "on_event must be a callable that takes an event, not int"),  # type: ignore[arg-type]
        (lambda: behaviour.on_event(_coroutine), "on_event", "on_event" + _AWAITS),
        (lambda: behaviour.store(3), "store", "store must be a token store, not int" + _STORES),  # type: ignore[arg-type]
        (
            lambda: behaviour.store(MemoryStore),  # type: ignore[arg-type]
            "store",
            "store must be a token store, not MemoryStore" + _STORES,
        ),
        (
            lambda: behaviour.store(_AsyncStore()),  # type: ignore[arg-type]
            "store",
            "store must have plain methods: they are called in a thread, and no one awaits them",
        ),
        (
            lambda: behaviour.api_origins(3, as_it_is),  # type: ignore[arg-type]
            "api_origins",
            "api_origins must be an iterable of origins, not int" + _ORIGINS,
        ),
        (
            lambda: behaviour.api_origins((), as_it_is),
            "api_origins",
            "api_origins is empty, so that no request would get a token" + _ORIGINS,
        ),
        (
            lambda: behaviour.api_origins([3], as_it_is),  # type: ignore[list-item]
            "api_origins",
            "api_origins must hold str only, not int" + _ORIGINS,
        ),
        (lambda: behaviour.api_origins("https://a/b", as_it_is), "api_origins", _ORIGIN),
        (lambda: behaviour.api_origins("https://a:99999", as_it_is), "api_origins", _ORIGIN),
    ],
)
def test_what_is_said_of_a_wrong_argument(check: Callable[[], object], field: str, message: str) -> None:
    """Its name, what is wrong with it, and what to pass instead, word for word."""
    with pytest.raises(ConfigurationError) as caught:
        check()
    assert (caught.value.field, str(caught.value)) == (field, message)


@pytest.mark.parametrize(
    ("method", "token_client"),
    [
        (object(), None),
        (_Presents(object()), None),
        (_Presents(), None),  # it may have its way of presenting one
        (_Presents(), object()),
        (TlsClientAuthentication(), object()),
        (NoClientAuthentication(), None),
    ],
)
def test_certificates_that_are_presented_once(method: object, token_client: object) -> None:
    """By a client of ours, by the `token_client`, or not at all."""
    behaviour.check_certificate(method, token_client)


@pytest.mark.parametrize("statuses", [(100,), (599,), [401, 419], {100, 599}])
def test_renew_on_statuses(statuses: Any) -> None:
    """A set of them."""
    assert behaviour.renew_on(statuses) == frozenset(statuses)


def test_all_arguments_come_back() -> None:
    """What one auth object was given makes another that behaves like it."""
    given = {
        "timeout": 1.0,
        "deadline": 2.0,
        "early_expiry": 3.0,
        "renew_after": 0.5,
        "renew_on": (401, 419),
        "renew_in_background": False,
        "raise_if_not_renewed": True,
        "step_up": True,
        "resource_metadata": True,
        "api_origins": ("https://api.example.com",),
        "on_event": print,
        "token_client": object(),
        "store": MemoryStore(),
    }
    made = behaviour.Behaviour(given, as_it_is)
    assert made.arguments() == given
    assert (made.timeout, made.deadline, made.rules) == (1.0, 2.0, RenewalRules(3.0, 0.5))
    assert (made.renew_on, made.api_origins) == (frozenset({401, 419}), frozenset({API}))
    assert (made.renew_in_background, made.raise_if_not_renewed) == (False, True)
    assert (made.step_up, made.resource_metadata) == (True, True)
    assert (made.on_event, made.token_client, made.store) == (print, given["token_client"], given["store"])
    older = {name: value for name, value in given.items() if name not in ("store", "resource_metadata")}
    of_older = behaviour.Behaviour(older, as_it_is)
    assert (of_older.store, of_older.resource_metadata) == (None, False)
    plain = behaviour.Behaviour({**given, "renew_on": False, "api_origins": None}, as_it_is)
    assert (plain.arguments()["renew_on"], plain.arguments()["api_origins"]) == (False, None)


@pytest.mark.parametrize(
    "name",
    [
        "timeout",
        "deadline",
        "renew_in_background",
        "raise_if_not_renewed",
        "step_up",
        "resource_metadata",
        "on_event",
        "store",
    ],
)
def test_wrong_argument_is_named(name: str) -> None:
    """By the name that it was passed by."""
    fine = {
        "timeout": 1,
        "deadline": 1,
        "early_expiry": None,
        "renew_after": 0.8,
        "renew_on": None,
        "api_origins": None,
    }
    switches = dict.fromkeys(("renew_in_background", "raise_if_not_renewed", "step_up"), True)
    given = {**fine, **switches, "on_event": None, "token_client": None, "store": None}
    with pytest.raises(ConfigurationError) as caught:
        behaviour.Behaviour({**given, name: "wrong"}, as_it_is)
    assert caught.value.field == name


def test_api_may_describe_itself_only_if_an_issuer_is_pinned() -> None:
    """Which it has to confirm."""
    without = ClientCredentialsConfig("https://login.example.com/token", "id", "secret")
    pinned = ClientCredentialsConfig(Issuer("https://login.example.com"), "id", "secret")
    for config, permitted in ((without, False), (pinned, False), (pinned, True)):
        behaviour.check_issuer(config, resource_metadata=permitted)
    with pytest.raises(ConfigurationError) as caught:
        behaviour.check_issuer(without, resource_metadata=True)
    assert (caught.value.field, str(caught.value)) == (
        "resource_metadata",
        "resource_metadata is True, and no issuer is set, which is what an API has to confirm; "
        "pass an Issuer in the place of token_url",
    )


def test_usual_rules_are_one_object() -> None:
    """There may be thousands of auth objects; other rules are what they are."""
    usual = behaviour.rules(None, 0.8)
    assert usual is behaviour.rules(None, 0.8)
    assert usual == RenewalRules()
    assert behaviour.rules(3, 0.8) == RenewalRules(3, 0.8)
