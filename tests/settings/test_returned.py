"""`_settings.returned`: what a person's code returns for a token request."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import ClientAuthentication, ClientSecretBasic, ConfigurationError, Credentials
from oauth_cc_auth._settings import returned


class WithoutSecret(ClientAuthentication):
    needs_secret = False


def changed(**attributes: Any) -> Credentials:
    made = Credentials()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


class TestCredentials:
    def test_what_fits(self) -> None:
        """It comes back; whole numbers become text."""
        found = returned.credentials(
            Credentials(headers={"X-Key": "a b"}, fields=[("ts", 1700000000), ("assertion", "s3cret")])  # type: ignore[list-item]  # that is the point
        )
        assert found.headers == (("X-Key", "a b"),)
        assert found.fields == (("ts", "1700000000"), ("assertion", "s3cret"))

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            ({"client_assertion": "s3cret"}, "it must return Credentials, not dict"),
            (None, "it must return Credentials, not NoneType"),
            (changed(fields={"a": "s3cret"}), "it returned Credentials whose fields are no pairs"),
            (changed(fields=("s3cret",)), "it returned Credentials whose fields are no pairs"),
            (changed(headers=(("a", "s3cret", "b"),)), "it returned Credentials whose headers are no pairs"),
            (changed(fields=((b"s3cret", "a"),)), "it returned Credentials whose fields have a name of type bytes"),
            (changed(headers=((5, "s3cret"),)), "it returned Credentials whose headers have a name of type int"),
            (changed(fields=(("a", b"s3cret"),)), "it returned the field a as bytes; make it a str"),
            (changed(fields=(("a", None),)), "it returned the field a as NoneType; make it a str"),
            (changed(fields=(("a", True),)), "it returned the field a as bool; make it a str"),
            (changed(fields=(("a", 1 << 2000),)), "it returned the field a as int; make it a str"),
            (changed(headers=(("s3cret: 1", 1.5),)), "it returned a field as float; make it a str"),
            (changed(headers=(("s3cret: 1", "x"),)), "it returned a header with a name that is none"),
            (
                changed(headers=(("X-Key", "s3cret\r\nX: 1"),)),
                "it returned the header X-Key with a value that a header cannot have",
            ),
            (changed(fields=(("", "s3cret"),)), "it returned a field with what no form field can hold"),
            (changed(fields=(("a\n", "s3cret"),)), "it returned a field with what no form field can hold"),
            (changed(fields=(("a\ud800", "s3cret"),)), "it returned a field with what no form field can hold"),
            (changed(fields=(("a", "s3cret\ud800"),)), "it returned the field a with what no form field can hold"),
            (changed(note=b"s3cret"), "it returned Credentials whose note is no text"),
        ],
    )
    def test_what_does_not_fit(self, value: object, words: str) -> None:
        """The error names the place and the type, not the value."""
        with pytest.raises(ConfigurationError) as caught:
            returned.credentials(value)
        assert str(caught.value) == words
        assert caught.value.__context__ is None


class TestSecret:
    @pytest.mark.parametrize(
        ("value", "strategy"),
        [("s3cret", None), ("", ClientSecretBasic()), ("", WithoutSecret()), (None, WithoutSecret())],
    )
    def test_what_could_be_passed(self, value: str | None, strategy: ClientAuthentication | None) -> None:
        """It is the secret."""
        assert returned.secret(value, strategy) == value

    @pytest.mark.parametrize(
        ("value", "strategy"),
        [("", None), ("", "client_secret_basic"), (None, ClientSecretBasic()), ("s3cret\n", None), (b"s3cret", None)],
    )
    def test_what_could_not(self, value: object, strategy: str | ClientAuthentication | None) -> None:
        """The error says why, without the value."""
        with pytest.raises(ConfigurationError, match=r"^what it returned cannot be used: client_secret ") as caught:
            returned.secret(value, strategy)
        assert "s3cret" not in str(caught.value)
        assert caught.value.__context__ is None
