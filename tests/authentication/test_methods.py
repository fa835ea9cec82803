"""How a token request proves who is asking."""

from __future__ import annotations

import copy
import pickle
from base64 import b64decode
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oauth_cc_auth import (
    AuthenticationContext,
    ClientAuthentication,
    ClientSecretBasic,
    ClientSecretPost,
    Credentials,
    NoClientAuthentication,
)
from oauth_cc_auth._authentication.base import PairsArgument
from oauth_cc_auth._authentication.order import (
    NAMED_METHODS,
    in_listed_order,
    is_builtin,
    is_ours,
    may_want_raw_basic,
    methods_to_try,
    worth_trying,
)

URL = "https://login.example.com/token"


def basic(client_id: str, client_secret: str, *, percent_encode: bool = True) -> str:
    """What a server reads from the header."""
    credentials = ClientSecretBasic(percent_encode=percent_encode).authenticate(client_id, client_secret, URL)
    assert credentials.fields == ()  # one method per request
    ((name, value),) = credentials.headers
    assert name == "Authorization"
    scheme, _, blob = value.partition(" ")
    assert scheme == "Basic"
    return b64decode(blob, validate=True).decode()


def a_context(client_id: str = "id", client_secret: str | None = "secret") -> AuthenticationContext:
    return AuthenticationContext(client_id=client_id, client_secret=client_secret, token_url=URL)


def pairs(credentials: Credentials) -> tuple[object, ...]:
    return credentials.headers, credentials.fields


def test_basic() -> None:
    """The example of RFC 6749 §2.3.1."""
    credentials = ClientSecretBasic().authenticate("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw", URL)
    assert credentials.headers == (("Authorization", "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"),)
    assert credentials.fields == ()


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("a b", "a%20b"),  # never "+": of the servers that decode not all know it
        ("a+b", "a%2Bb"),
        ("a:b", "a%3Ab"),
        ("a/b%c", "a%2Fb%25c"),
        ("é", "%C3%A9"),
        ("A-z0._~9", "A-z0._~9"),
    ],
)
def test_basic_is_percent_encoded(value: str, encoded: str) -> None:
    """Id and secret alike."""
    assert basic(value, "x") == f"{encoded}:x"
    assert basic("x", value) == f"x:{encoded}"


def test_raw_basic() -> None:
    """For servers that never decode: the bytes of the credentials, in UTF-8."""
    assert basic("a b", "é:+%", percent_encode=False) == "a b:é:+%"


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_basic_comes_back(client_id: str, client_secret: str) -> None:
    """A server that splits at the colon and decodes gets what the person gave."""
    assert [unquote(part) for part in basic(client_id, client_secret).split(":")] == [client_id, client_secret]


def test_post() -> None:
    """Two fields, as they are, and no header."""
    credentials = ClientSecretPost().authenticate("a b", "é:+%", URL)
    assert credentials.fields == (("client_id", "a b"), ("client_secret", "é:+%"))
    assert credentials.headers == ()


def test_no_credentials() -> None:
    """By default a strategy adds nothing."""
    assert Credentials().headers == Credentials().fields == ()
    assert Credentials().note == ""


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({"X-Key": "1", "X-Other": "2"}, {"a": "b"}),
        ([("X-Key", "1"), ("X-Other", "2")], [("a", "b")]),
    ],
)
def test_credentials_are_mappings_or_pairs(headers: PairsArgument, fields: PairsArgument) -> None:
    """Kept in their order, as pairs that no later change of the argument reaches."""
    credentials = Credentials(headers=headers, fields=fields)
    assert credentials.headers == (("X-Key", "1"), ("X-Other", "2"))
    assert credentials.fields == (("a", "b"),)


def test_credentials_may_be_iterators() -> None:
    """Read once, and kept."""
    credentials = Credentials(headers=iter([("X-Key", "1")]), fields=iter([("a", "b")]))
    assert [credentials.headers] * 2 == [(("X-Key", "1"),)] * 2
    assert credentials.fields == (("a", "b"),)


def test_credentials_by_name_only() -> None:
    """Headers and fields look alike; by position one would pass for the other."""
    with pytest.raises(TypeError):
        Credentials({"X-Key": "1"})  # type: ignore[call-arg]  # that is the point


def test_names() -> None:
    """Error messages show them; the two standard ones are in the OAuth registry."""
    assert ClientSecretBasic().name == "client_secret_basic"
    assert ClientSecretBasic(percent_encode=False).name == "client_secret_basic (not percent-encoded)"
    assert ClientSecretPost().name == "client_secret_post"
    assert {name: method.name for name, method in NAMED_METHODS.items()} == {
        "client_secret_basic": "client_secret_basic",
        "client_secret_post": "client_secret_post",
    }


def test_the_name_of_a_persons_own_strategy() -> None:
    """The name of its class, unless it or a base names another."""

    class PrivateKeyJwt(ClientAuthentication):
        pass

    class Named(ClientAuthentication):
        name = "private_key_jwt"

    class Below(Named):
        pass

    assert (PrivateKeyJwt().name, Named().name, Below().name) == ("PrivateKeyJwt", "private_key_jwt", "private_key_jwt")


@pytest.mark.parametrize("method", [ClientSecretBasic(), ClientSecretBasic(percent_encode=False), ClientSecretPost()])
def test_both_interfaces_of_the_methods_of_this_package(method: ClientAuthentication) -> None:
    """They add the same to the request."""
    by_context = method.credentials_for(a_context("i d", "s/ecret"))
    assert pairs(by_context) == pairs(method.authenticate("i d", "s/ecret", URL))
    assert by_context.headers or by_context.fields


def test_the_interface_that_the_nearest_class_defines_counts() -> None:
    """So a subclass that overrides the old one is still asked."""

    class Overriding(ClientSecretPost):
        def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
            known = super().authenticate(client_id, client_secret, token_url)
            return Credentials(fields=(*known.fields, ("url", token_url)))

    class Below(Overriding):
        pass

    class Mixed(Overriding, ClientSecretBasic):
        pass

    class Anew(Overriding):
        def credentials_for(self, context: AuthenticationContext) -> Credentials:
            return Credentials(fields={"nonce": str(context.nonce)})

    class BelowAnew(Anew):
        pass

    def names(method: ClientAuthentication) -> list[str]:
        return [name for name, _ in method.credentials_for(a_context()).fields]

    for old in (Overriding(), Below(), Mixed()):
        assert names(old) == ["client_id", "client_secret", "url"]
    for new in (Anew(), BelowAnew()):
        assert names(new) == ["nonce"]


def test_a_mixin_with_the_old_interface() -> None:
    """It need not be a strategy itself."""

    class Mixin:
        def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
            return Credentials(fields={"mixed": "in"})

    class Mixed(Mixin, ClientSecretPost):
        pass

    class Anew(Mixin, ClientSecretPost):
        def credentials_for(self, context: AuthenticationContext) -> Credentials:
            return Credentials(fields={"a": "new"})

    assert Mixed().credentials_for(a_context()).fields == (("mixed", "in"),)
    assert Anew().credentials_for(a_context()).fields == (("a", "new"),)


@pytest.mark.parametrize("method", [ClientSecretBasic(), ClientSecretPost()])
def test_a_method_of_this_package_without_a_secret(method: ClientAuthentication) -> None:
    """A subclass may say that it needs none; the secret then is empty."""
    without = method.credentials_for(a_context(client_secret=None))
    assert pairs(without) == pairs(method.authenticate("id", "", URL))


def test_an_old_strategy_without_a_secret() -> None:
    """It gets an empty one, as in version 0.1."""

    class Old(ClientAuthentication):
        needs_secret = False

        def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
            return Credentials(fields={"id": client_id, "secret": client_secret, "url": token_url})

    fields = Old().credentials_for(a_context(client_secret=None)).fields
    assert fields == (("id", "id"), ("secret", ""), ("url", URL))


def test_a_strategy_needs_a_secret_unless_it_says_otherwise() -> None:
    """All of this package do."""
    assert {method.needs_secret for method in methods_to_try(None)} == {True}
    assert ClientAuthentication.needs_secret


class TestContext:
    def test_holds_what_it_is_given(self) -> None:
        """By name only."""
        context = AuthenticationContext(
            client_id="id", client_secret="secret", token_url=URL, issuer="i", mtls_token_url="m", nonce="n"
        )
        assert (context.client_id, context.client_secret, context.token_url) == ("id", "secret", URL)
        assert (context.issuer, context.mtls_token_url, context.nonce) == ("i", "m", "n")
        with pytest.raises(TypeError):
            AuthenticationContext("id", "secret", URL)  # type: ignore[call-arg]  # that is the point

    def test_shows_no_secret(self) -> None:
        """It does not show a query of the URL either, which may hold a key."""
        context = AuthenticationContext(client_id="id", client_secret="s3cret", token_url=f"{URL}?code=abc")
        assert repr(context) == (
            f"AuthenticationContext(client_id='id', client_secret='***', token_url='{URL}?***', issuer=None, "
            "mtls_token_url=None, nonce=None)"
        )
        assert "client_secret=None" in repr(a_context(client_secret=None))

    def test_copies_and_pickles(self) -> None:
        """They hold the same, the secret too."""
        context = AuthenticationContext(client_id="id", client_secret="secret", token_url=URL, nonce="n")
        for twin in (copy.copy(context), pickle.loads(pickle.dumps(context))):  # noqa: S301  # made here
            assert [getattr(twin, name) for name in context.__slots__] == [
                getattr(context, name) for name in context.__slots__
            ]
            assert twin.client_secret == "secret"

    @pytest.mark.parametrize("name", ["client_secret", "other"])
    def test_is_read_only(self, name: str) -> None:
        """A strategy that changed it would change what the next one sees."""
        context = a_context()
        with pytest.raises(AttributeError, match=f"read-only; {name} cannot be set"):
            setattr(context, name, "x")
        with pytest.raises(AttributeError, match=f"read-only; {name} cannot be deleted"):
            delattr(context, name)
        assert context.client_secret == "secret"


def test_reprs() -> None:
    """They name what was configured, and show no attribute of a person's own class."""

    class Assertion(ClientAuthentication):
        def __init__(self) -> None:
            self.key = "private"

    assert repr(ClientSecretBasic()) == "ClientSecretBasic(percent_encode=True)"
    assert repr(ClientSecretBasic(percent_encode=False)) == "ClientSecretBasic(percent_encode=False)"
    assert repr(ClientSecretPost()) == "ClientSecretPost()"
    assert repr(Assertion()) == "Assertion()"


def test_a_strategy_that_defines_nothing() -> None:
    """The error names what is missing."""

    class Empty(ClientAuthentication):
        pass

    with pytest.raises(NotImplementedError, match=r"^Empty must define credentials_for\(\)$"):
        Empty().credentials_for(a_context())


def test_the_default_order() -> None:
    """Basic, then the body, then Basic for servers that never decode."""
    assert [method.name for method in methods_to_try(None)] == [
        "client_secret_basic",
        "client_secret_post",
        "client_secret_basic (not percent-encoded)",
    ]


def test_the_default_order_without_a_body() -> None:
    """The secret is put into no URL unasked."""
    assert [method.name for method in methods_to_try(None, headers_only=True)] == [
        "client_secret_basic",
        "client_secret_basic (not percent-encoded)",
    ]


def test_methods_of_this_package() -> None:
    """Their repr shows no secret; that of a person's own may, even if it extends one of ours."""

    class Own(ClientSecretPost):
        pass

    methods = ClientSecretBasic(), NoClientAuthentication(), Own()
    assert [is_ours(method) for method in methods] == [True, True, False]
    assert [is_builtin(method) for method in (ClientSecretBasic(), ClientSecretPost(), Own())] == [True, True, False]


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ([], ["client_secret_basic", "client_secret_post"]),
        (
            ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            ["client_secret_post", "client_secret_basic"],
        ),
        (["client_secret_post"], ["client_secret_post", "client_secret_basic"]),
        (["none", "client_secret_basic"], ["client_secret_basic", "client_secret_post"]),
        (
            ["client_secret_post", "client_secret_basic", "client_secret_post"],
            ["client_secret_post", "client_secret_basic"],
        ),
    ],
)
def test_the_order_of_a_server(listed: list[str], names: list[str]) -> None:
    """By its list of methods, the first mention of each; those that it leaves out come last."""
    methods = in_listed_order(methods_to_try(None)[:2], listed)
    assert [method.name for method in methods] == names


@pytest.mark.parametrize(
    ("methods", "client_id", "client_secret", "expected"),
    [
        ([ClientSecretBasic()], "id", "s/ecret", True),
        ([ClientSecretBasic()], "i/d", "secret", True),
        ([ClientSecretBasic()], "id", "secret", False),
        ([ClientSecretBasic()], "id", None, False),
        ([ClientSecretBasic(percent_encode=False)], "id", "s/ecret", False),
        ([ClientSecretPost()], "id", "s/ecret", False),
        ([ClientSecretBasic(), ClientSecretPost()], "id", "s/ecret", False),
        ([], "id", "s/ecret", False),
    ],
)
def test_a_server_that_may_want_raw_basic(
    methods: list[ClientAuthentication], client_id: str, client_secret: str | None, expected: bool
) -> None:
    """If there is only Basic, and encoding changes something: whoever chose it is told that it can be left out."""
    assert may_want_raw_basic(methods, client_id, client_secret) is expected


@pytest.mark.parametrize("name", ["client_secret_basic", "client_secret_post"])
def test_a_method_by_name(name: str) -> None:
    """Exactly that one."""
    assert methods_to_try(name) == (NAMED_METHODS[name],)


def test_a_strategy_object() -> None:
    """The very object."""
    strategy = ClientSecretBasic(percent_encode=False)
    assert methods_to_try(strategy) == (strategy,)


@pytest.mark.parametrize(
    ("client_id", "client_secret", "expected"),
    [("id", "secret", False), ("i d", "secret", True), ("id", "s/ecret", True), ("id", "", False), ("é", "é", True)],
)
def test_basic_is_worth_trying_after_basic_if_encoding_changes_something(
    client_id: str, client_secret: str, expected: bool
) -> None:
    """Else it would repeat what was rejected, no matter which was first. The body always is another way."""
    basic, post, raw = methods_to_try(None)
    assert worth_trying(raw, basic, client_id, client_secret) is expected
    assert worth_trying(basic, raw, client_id, client_secret) is expected
    for method, refused in ((post, basic), (post, raw), (basic, post), (raw, post)):
        assert worth_trying(method, refused, client_id, client_secret)


def test_the_proof_of_a_secret_is_the_secret() -> None:
    """A strategy without one has to say itself what proves the credential."""

    class Signed(ClientAuthentication):
        needs_secret = False

    assert ClientSecretPost().proof_of_credential(a_context()) == "secret"
    assert Signed().proof_of_credential(a_context()) is None
