"""`behaviour`: the arguments that say how an auth object behaves."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig, ConfigurationError
from oauth_cc_auth._adapter import behaviour
from oauth_cc_auth._core.lease import RenewalRules
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
        (url for url in ["https://api.example.com"]),
    ],
)
def test_api_origins(value: Any) -> None:
    """One string or several, with or without what changes nothing."""
    assert behaviour.api_origins(value, as_it_is) == frozenset({API})


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
