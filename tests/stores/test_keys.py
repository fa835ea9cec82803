"""`keys`: what finds a token, and why it says nothing."""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig, Issuer, TokenEndpoint
from oauth_cc_auth._stores import keys
from oauth_cc_auth._stores.keys import Keys, keys_from, name_of, place_of, salt_of

URL = "https://login.example.com/token"


def member(answer: Any) -> Any:
    return {"access_token": answer["t"]}


def name(source: Any = URL) -> str:
    config = ClientCredentialsConfig(source, "id", "secret")
    return name_of(keys_from(b"secret", salt_of(config)), config)


def test_a_name_is_the_same_in_each_process() -> None:
    """So it never changes: other versions and hosts look for it."""
    assert name() == "33e2c1ed4139584fb754bf4011a00f25fed05223606bc2a333d038b2bd659171"


@pytest.mark.parametrize(
    "source",
    [
        TokenEndpoint(URL, request_format="json"),
        TokenEndpoint(URL, request_format="json", credential_fields={"auth": {"id": "{client_id}"}}),
        TokenEndpoint(URL, response_fields=member),
        TokenEndpoint(URL, response_fields={"access_token": "t"}),
        Issuer("https://login.example.com/token"),
    ],
)
def test_what_describes_the_endpoint_counts(source: Any) -> None:
    """It decides the token too."""
    assert name(source) == name(source) != name()


@pytest.mark.parametrize("called", ["__main__", "__mp_main__"])
def test_a_function_of_a_program_is_that_of_its_file(called: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All programs have the same name, and a child of multiprocessing has another one. A notebook has no file."""
    program = ModuleType(called)
    program.pick = pick = FunctionType(member.__code__, {"__name__": called}, "pick")  # type: ignore[attr-defined]
    pick.__qualname__ = "pick"
    monkeypatch.setitem(sys.modules, called, program)
    assert place_of(pick) is None
    program.__file__ = "/srv/orders.py"
    assert place_of(pick) == "/srv/orders.py:pick"


def test_a_function_that_has_been_replaced_shares_nothing() -> None:
    """It cannot be found by its name any longer, so another process may have another one there."""
    endpoint = TokenEndpoint(URL, response_fields=lambda answer: answer)
    assert name(endpoint) != name(endpoint)


def test_keys_show_nothing() -> None:
    assert repr(keys_from(b"secret", b"salt")) == "Keys()"


def test_keys_differ_by_secret_and_by_salt() -> None:
    made = [keys_from(*given) for given in ((b"a", b"b"), (b"a", b"c"), (b"b", b"b"), (b"ab", b""), (b"", b"ab"))]
    assert len({each.naming for each in made} | {each.sealing for each in made}) == 10


def test_only_the_last_keys_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a secret that is another one each time would fill the memory."""
    monkeypatch.setattr(keys, "_known", type(keys._known)())
    monkeypatch.setattr(keys, "_REMEMBERED", 2)
    monkeypatch.setattr("hashlib.scrypt", lambda proof, **_: bytes(64))
    first = keys_from(b"1", b"")
    assert keys_from(b"1", b"") is first
    keys_from(b"2", b"")
    keys_from(b"1", b"")
    keys_from(b"3", b"")
    assert len(keys._known) == 2
    assert keys_from(b"1", b"") is first
    assert isinstance(first, Keys)


def test_an_issuer_decides_the_token() -> None:
    """Also one whose endpoint is described: another issuer, or another description, is another entry."""
    keys = keys_from(b"s3cret", b"salt")
    sources: list[Any] = [
        *(Issuer(f"https://login.example.com/{tenant}") for tenant in ("a", "b")),
        *(TokenEndpoint(Issuer(f"https://login.example.com/{tenant}"), default_lifetime=60) for tenant in ("a", "b")),
        TokenEndpoint(Issuer("https://login.example.com/a"), default_lifetime=61),
    ]
    names = [name_of(keys, ClientCredentialsConfig(source, "client", "s3cret")) for source in sources]
    assert len(set(names)) == 5
