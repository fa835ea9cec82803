"""`_token`: a token as it was issued."""

from __future__ import annotations

import copy
import pickle

import pytest

from oauth_cc_auth import Token


def test_defaults() -> None:
    """A bearer token of unknown lifetime."""
    token = Token("abc")
    assert (token.access_token, token.token_type, token.expires_at, token.scope) == ("abc", "Bearer", None, None)
    assert token.extra == {}


def test_members() -> None:
    """What is given is there; the extra members are a copy."""
    extra = {"id": 1}
    token = Token("abc", token_type=None, expires_at=0.0, scope="", extra=extra)
    extra["id"] = 2
    assert (token.token_type, token.expires_at, token.scope) == (None, 0.0, "")
    assert token.extra == {"id": 1}


def test_repr_shows_no_secret() -> None:
    """Neither the token nor what else the server sent; its names are shown."""
    token = Token("abc-token", scope="read", expires_at=5.0, extra={"refresh_token": "xyz-token"})
    assert repr(token) == (
        "Token(access_token='***', token_type='Bearer', expires_at=5.0, scope='read', extra={'refresh_token': '***'})"
    )
    # Who writes f"Bearer {token}" sees what is wrong, in the log of the API and in that of the program.
    assert repr(token) == str(token) == f"{token}" == "%s" % token == "".join(map(str, [token]))  # noqa: UP031  # also it


def test_survives_copying_and_pickling() -> None:
    """A token is a value: programs pass it on."""
    token = Token("abc", expires_at=5.0, scope="read", extra={"id": 1})
    for again in (copy.copy(token), copy.deepcopy(token), pickle.loads(pickle.dumps(token))):  # noqa: S301  # our own
        assert (again.access_token, again.expires_at, again.scope, again.extra) == ("abc", 5.0, "read", {"id": 1})


def test_serial_tells_tokens_apart() -> None:
    """Also those with one text; a copy has that of the original."""
    token, other = Token("abc"), Token("abc")
    assert token.serial != other.serial
    for again in (copy.copy(token), copy.deepcopy(token), pickle.loads(pickle.dumps(token))):  # noqa: S301  # our own
        assert again.serial == token.serial
    assert Token("abc", serial=token.serial).serial == token.serial


def test_pickle_of_an_earlier_version_has_no_serial() -> None:
    """It gets one."""
    old = Token.__new__(Token)
    old.__setstate__({"access_token": "abc", "token_type": None, "expires_at": None, "scope": None, "extra": {}})
    assert len(old.serial) == 16


@pytest.mark.parametrize("name", ["access_token", "token_type", "expires_at", "scope", "extra", "anything"])
def test_is_immutable(name: str) -> None:
    """Many requests share it: none can change it for the others."""
    token = Token("abc", extra={"id": 1})
    before = dict(vars(token))
    with pytest.raises(AttributeError, match=f"^Token is immutable; {name} cannot be set$"):
        setattr(token, name, "xyz")
    with pytest.raises(AttributeError, match=f"^Token is immutable; {name} cannot be deleted$"):
        delattr(token, name)
    assert vars(token) == before


def test_extra_is_immutable() -> None:
    """Also in a copy."""
    token = Token("abc", extra={"id": 1})
    for each in (token, copy.copy(token), copy.deepcopy(token)):
        with pytest.raises(TypeError):
            each.extra["id"] = 2  # type: ignore[index]  # that is the point
        assert each.extra == {"id": 1}
