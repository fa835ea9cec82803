"""`_config` and `checks`: every setting is checked when the config is made, and no secret is shown."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import oauth_cc_auth
from oauth_cc_auth import (
    ClientAuthentication,
    ClientCredentialsConfig,
    ClientSecretBasic,
    ConfigurationError,
    DPoP,
    TlsClientAuthentication,
    TokenEndpoint,
)

URL = "https://login.example.com/token"
SECRET = "s3cret"


def a_config(**settings: Any) -> ClientCredentialsConfig:
    arguments: dict[str, Any] = {"token_url": URL, "client_id": "id", "client_secret": SECRET} | settings
    return ClientCredentialsConfig(**arguments)


def problem(**settings: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        a_config(**settings)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


class Strategy(ClientAuthentication):
    pass


@dataclass
class Signed(ClientAuthentication):
    """As many would write one: its repr shows the key."""

    private_key: str


def test_defaults() -> None:
    """Three arguments are enough."""
    config = ClientCredentialsConfig(URL, "id", SECRET)
    assert vars(config) == {
        "token_url": URL,
        "token_source": URL,
        "client_id": "id",
        "client_secret": SECRET,
        "scope": None,
        "resource": (),
        "client_authentication": None,
        "header_name": "Authorization",
        "header_value_pattern": "Bearer %s",
        "api_headers": (),
        "grant_type": "client_credentials",
        "additional_headers": (),
        "additional_request_data": (),
        "dpop": None,
        "allow_insecure_http": False,
    }


class TestTexts:
    @pytest.mark.parametrize("field", ["client_id", "client_secret", "grant_type"])
    @pytest.mark.parametrize("value", ["x", " x ", "é", "a b", "\u2028x", "x" * 10_000])
    def test_taken_as_they_are(self, field: str, value: str) -> None:
        """Whatever a provider makes up."""
        assert getattr(a_config(**{field: value}), field) == value

    @pytest.mark.parametrize("field", ["client_id", "client_secret", "grant_type", "token_url", "header_name"])
    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (None, "must be a str, not NoneType"),
            (b"x", "must be a str, not bytes"),
            ("", "is empty"),
            (" \t\n", "is empty"),
            ("x\n", "contains a control character"),
            ("\x00x", "contains a control character"),
            ("x\x7f", "contains a control character"),
            ("x\ud800", "contains a lone surrogate"),
            ("x\udfffy", "contains a lone surrogate"),
        ],
    )
    def test_no_text(self, field: str, value: Any, words: str) -> None:
        """The field comes first, then what is wrong."""
        if value is None and field not in ("grant_type", "header_name"):
            words = "is missing"
        elif (field, value) == ("client_id", ""):
            words = "is missing or empty"
        assert problem(**{field: value}).startswith(f"{field} {words}")

    def test_a_secret_callable(self) -> None:
        """It is kept, and not called yet."""

        def secret() -> str:
            raise AssertionError("too early")

        assert a_config(client_secret=secret).client_secret is secret

    def test_an_async_secret_callable(self) -> None:
        """It is found when it is given, whether function or method, and not when the first request waits."""

        class Vault:
            async def secret(self) -> str:
                return SECRET

        async def secret() -> str:
            return SECRET

        for function in (secret, Vault().secret):
            assert problem(client_secret=function) == (
                "client_secret is an async function; pass a plain one, which may block: it runs in a worker thread"
            )

    def test_an_empty_secret(self) -> None:
        """Only for a strategy of one's own, which may need none."""
        assert a_config(client_secret="", client_authentication=Strategy()).client_secret == ""
        assert problem(client_secret="", client_authentication="client_secret_post").startswith(
            "client_secret is empty"
        )
        assert problem(client_secret=" ", client_authentication=Strategy()).startswith("client_secret is empty")

    def test_no_secret(self) -> None:
        """Only for a strategy that says that it needs none."""

        class Keyed(ClientAuthentication):
            needs_secret = False

        config = ClientCredentialsConfig(URL, "id", client_authentication=Keyed())
        assert config.client_secret is None
        assert "client_secret=None" in repr(config)
        assert a_config(client_authentication=Keyed()).client_secret == SECRET
        for method in (None, "client_secret_post", Strategy()):
            assert problem(client_secret=None, client_authentication=method).startswith("client_secret is missing")


class TestTokenUrl:
    @pytest.mark.parametrize(
        "url",
        [
            URL,
            "HTTPS://login.example.com",
            f"{URL}?grant_type=x",
            "https://login.example.com:8443/",
            "https://[::1]/token",
            "https://münchen.example/token",
            "http://localhost:8080/token",
            "http://127.0.0.1/token",
            "http://[::1]:1/token",
            "http://auth.localhost/token",
        ],
    )
    def test_taken(self, url: str) -> None:
        """As it is; plain http only if it does not leave the machine."""
        assert a_config(token_url=url).token_url == url

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("login.example.com/token", "does not begin with https://"),
            ("/elsewhere", "does not begin with https://"),
            ("ftp://login.example.com", "does not begin with https://"),
            ("https:///token", "names no host"),
            ("https:login.example.com", "names no host"),
            ("https://login.example.com:99999/", "has a host or port that cannot be parsed"),
            ("https://login.example.com:x/", "has a host or port that cannot be parsed"),
            ("https://[::1/", "has a host or port that cannot be parsed"),
            (f"https://id:{SECRET}@login.example.com/", "contains user info"),
            (f"https://id:{SECRET}@[x/", "has a host or port that cannot be parsed"),
            (f"{URL}#", "contains a fragment"),
            (f"{URL}#part", "contains a fragment"),
            (f"{URL} ", "contains white space or a backslash"),
            ("https://login.example.com/a b", "contains white space or a backslash"),
            ("https://login.example.com/\u00a0", "contains white space or a backslash"),
            ("https://login.example.com\\token", "contains white space or a backslash"),
            ("http://login.example.com/token", "is plain http"),
            ("HTTP://login.example.com/token", "is plain http"),
            ("http://10.0.0.1/token", "is plain http"),
        ],
    )
    def test_refused(self, url: str, words: str) -> None:
        """The message says what is wrong, and shows nothing of the URL."""
        message = problem(token_url=url)
        assert message.startswith(f"token_url {words}")
        assert url not in message

    def test_plain_http_where_it_is_allowed(self) -> None:
        """The message for the rest names the flag and its place."""
        url = "http://login.internal/token"
        assert a_config(token_url=url, allow_insecure_http=True).token_url == url
        assert problem(token_url=url).endswith("pass allow_insecure_http=True together with token_url")

    @pytest.mark.parametrize("value", [None, "no", 1, 0])
    def test_a_flag_is_true_or_false(self, value: Any) -> None:
        """The word "no" is not taken for yes."""
        assert problem(allow_insecure_http=value) == "allow_insecure_http must be True or False"

    @settings(deadline=None)
    @given(st.text() | st.text().map("https://".__add__))
    @example("https://\u2100/")
    def test_any_text(self, url: str) -> None:
        """It is taken or refused, and nothing else happens."""
        try:
            assert a_config(token_url=url).token_url == url
        except ConfigurationError as error:
            assert str(error).startswith("token_url ")  # noqa: PT017  # both outcomes are right


class TestScope:
    @pytest.mark.parametrize(
        ("scope", "expected"),
        [
            (None, None),
            ("", None),
            ("  ", None),
            ([], None),
            ([""], None),
            ("a", "a"),
            (" a  b ", "a b"),
            (["a", "b c"], "a b c"),
            (("a",), "a"),
            ("https://example.com/.default", "https://example.com/.default"),
        ],
    )
    def test_joined_by_single_spaces(self, scope: Any, expected: str | None) -> None:
        """A string or several; blank means none."""
        assert a_config(scope=scope).scope == expected

    def test_an_iterator_is_read_once(self) -> None:
        assert a_config(scope=(word for word in "ab")).scope == "a b"

    @pytest.mark.parametrize(
        ("scope", "words"),
        [
            (5, "must be a str or an iterable of str, not int"),
            (b"a", "must be a str or an iterable of str, not bytes"),
            ({"a": "b"}, "must be a str or an iterable of str, not dict"),
            (["a", None], "must hold str only, not NoneType"),
            ([["a"]], "must hold str only, not list"),
            ("a\nb", "contains a control character"),
            (["a", "b\t"], "contains a control character"),
            ("a\ud800", "contains a lone surrogate"),
        ],
    )
    def test_refused(self, scope: Any, words: str) -> None:
        """What cannot be a scope is an error."""
        assert problem(scope=scope).startswith(f"scope {words}")

    def test_in_one_place(self) -> None:
        """Twice in a body is an error at the server; blank is no second place."""
        assert problem(scope="a", additional_request_data={"scope": "b"}) == (
            "scope is also in additional_request_data; set it in one place"
        )
        assert problem(resource="urn:a", additional_request_data={"resource": "urn:b"}) == (
            "resource is also in additional_request_data; set it in one place"
        )
        assert a_config(scope="", additional_request_data={"scope": "b"}).scope is None


class TestClientAuthentication:
    @pytest.mark.parametrize(
        "value", [None, "client_secret_basic", "client_secret_post", Strategy(), ClientSecretBasic()]
    )
    def test_taken(self, value: Any) -> None:
        """None, a known name, or a strategy."""
        assert a_config(client_authentication=value).client_authentication is value

    @pytest.mark.parametrize("value", ["", "digest", 5, ClientAuthentication, object()])
    def test_refused(self, value: Any) -> None:
        """The message lists what there is."""
        message = problem(client_authentication=value)
        assert message.startswith("client_authentication must name a known method, not ")
        shown = repr(value) if isinstance(value, str) else type(value).__name__
        assert f"not {shown}; pass None (try both), 'client_secret_basic', 'client_secret_post' or an object" in message

    @pytest.mark.parametrize(
        ("name", "strategy"),
        [
            ("client_secret_jwt", "ClientSecretJwt()"),
            ("none", "NoClientAuthentication()"),
            ("private_key_jwt", "PrivateKeyJwt(key)"),
            ("self_signed_tls_client_auth", "TlsClientAuthentication(certificate)"),
            ("tls_client_auth", "TlsClientAuthentication(certificate)"),
        ],
    )
    def test_a_name_that_needs_an_object(self, name: str, strategy: str) -> None:
        """The message says which class it is, and the class has that name."""
        assert problem(client_authentication=name) == (
            f"client_authentication must be an object for this method, not {name!r}; pass {strategy}, which is in "
            "oauth_cc_auth"
        )
        assert getattr(oauth_cc_auth, strategy.partition("(")[0]).name == name.removeprefix("self_signed_")


class TestClientCertificate:
    """A connection without TLS could not present it."""

    LOCAL = "http://localhost:8080/token"

    @pytest.mark.parametrize("source", [LOCAL, TokenEndpoint(URL, alternatives=[LOCAL]), TokenEndpoint(LOCAL)])
    def test_needs_https(self, source: Any) -> None:
        """For every URL of the endpoint."""
        assert "https" in problem(token_url=source, client_authentication=TlsClientAuthentication())
        a_config(token_url=source, client_authentication=ClientSecretBasic())
        a_config(token_url=URL, client_authentication=TlsClientAuthentication())

    def test_of_a_strategy_of_ones_own(self) -> None:
        """It may have a way of its own to present it."""

        class Own(Strategy):
            uses_client_certificate = True

        a_config(token_url=self.LOCAL, client_authentication=Own())


class TestAuthentication:
    """What the description of an endpoint says about id and secret is what the body means there."""

    ENDPOINT = TokenEndpoint(URL, credential_fields=("user", "password"))

    @pytest.mark.parametrize("choice", [None, "client_secret_post", "post"])
    def test_that_is_described(self, choice: Any) -> None:
        config = a_config(token_url=self.ENDPOINT, client_authentication=choice)
        assert config.authentication is self.ENDPOINT.authentication is not None

    @pytest.mark.parametrize("choice", [None, "client_secret_post", "client_secret_basic", ClientSecretBasic()])
    def test_without_a_description(self, choice: Any) -> None:
        for source in (URL, TokenEndpoint(URL)):
            assert a_config(token_url=source, client_authentication=choice).authentication == choice


def test_a_token_that_is_bound_to_a_key_has_a_header_of_its_own() -> None:
    """RFC 9449 §7.1."""
    dpop = DPoP()
    config = a_config(dpop=dpop)
    assert (config.dpop, config.header_name, config.header_value_pattern) == (dpop, "Authorization", "DPoP %s")


def test_permission_for_plain_http_is_for_all_urls_of_an_endpoint() -> None:
    endpoint = TokenEndpoint(URL, revocation_url="http://login.example.com/revoke")
    assert a_config(token_url=endpoint, allow_insecure_http=True).token_source is endpoint
    assert problem(token_url=endpoint).startswith("revocation_url ")


class Regional(ClientCredentialsConfig):
    """A person's own, with a check of its own."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        if not self.client_id.startswith("eu-"):
            raise ConfigurationError(field="region", problem="is not known", name="the region in client_id")


def test_a_subclass(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made of a mapping and of the environment, too, and what it finds wrong is named as it says."""
    for name, value in (("TOKEN_URL", URL), ("CLIENT_ID", "eu-1"), ("CLIENT_SECRET", SECRET)):
        monkeypatch.setenv(f"OAUTH_CC_{name}", value)
    given = {"Oauth2 Token Url": URL, "Client ID": "eu-1", "Client Secret": SECRET}
    for made in (Regional.from_mapping(given), Regional.from_env()):
        assert (type(made), made.client_id) == (Regional, "eu-1")
    with pytest.raises(ConfigurationError, match=r"^the region in client_id is not known$"):
        Regional.from_mapping({**given, "Client ID": "us-1"})


class TestApiHeader:
    @pytest.mark.parametrize("name", ["X-Access-Token", "authorization", "a", "!#$%&'*+-.^_`|~09Az"])
    def test_name(self, name: str) -> None:
        """Any token of RFC 9110."""
        assert a_config(header_name=name).header_name == name

    @pytest.mark.parametrize("name", ["X Token", "X:", "é", "(a)", "a,b", "a/b", 'a"'])
    def test_no_name(self, name: str) -> None:
        """Everything else would break the request."""
        assert problem(header_name=name).startswith("header_name is no header name")

    @pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "Content-Type"])
    def test_names_with_a_meaning_of_their_own(self, name: str) -> None:
        """They describe the request itself."""
        assert problem(header_name=name) == f"header_name cannot be {name}, which describes the request itself"

    @pytest.mark.parametrize("pattern", ["%s", "Bearer %s", "a%s%", "Key=%s;v=1", '"%s"'])
    def test_pattern(self, pattern: str) -> None:
        """One %s; other per cent signs are just that."""
        assert a_config(header_value_pattern=pattern).header_value_pattern == pattern

    @pytest.mark.parametrize("pattern", ["Bearer", "%s %s", "%S", "Bearer {}", "% s"])
    def test_pattern_without_its_place(self, pattern: str) -> None:
        """Exactly one."""
        assert problem(header_value_pattern=pattern).startswith("header_value_pattern must contain %s exactly once")

    @pytest.mark.parametrize("pattern", [" %s", "%s ", "é %s", "%s\u2028"])
    def test_pattern_that_is_no_header_value(self, pattern: str) -> None:
        """It would break the request."""
        assert problem(header_value_pattern=pattern).startswith("header_value_pattern must be printable ASCII")


class TestPairs:
    @pytest.mark.parametrize("blank", ["", " ", None])
    def test_a_blank_grant_type(self, blank: object) -> None:
        """It means unset: a server wants one."""
        assert a_config(additional_request_data={"grant_type": blank, "a": "1"}).additional_request_data == (
            ("a", "1"),
        )

    @pytest.mark.parametrize("form", [dict, list, tuple, iter, lambda pairs: [list(pair) for pair in pairs]])
    @pytest.mark.parametrize("field", ["additional_headers", "additional_request_data"])
    def test_forms(self, field: str, form: Callable[[object], object]) -> None:
        """A mapping or pairs of any kind, kept in their order."""
        pairs = (("b", "1"), ("a", "2"))
        assert getattr(a_config(**{field: form(pairs)}), field) == pairs

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (5, "must be a mapping or pairs, not int"),
            ("a=1", "must be a mapping or pairs, not str"),
            (b"a=1", "must be a mapping or pairs, not bytes"),
            ([("a",)], "must consist of pairs of a name and a value"),
            ([("a", "b", "c")], "must consist of pairs of a name and a value"),
            (["ab"], "must consist of pairs of a name and a value"),
            ([5], "must consist of pairs of a name and a value"),
        ],
    )
    @pytest.mark.parametrize("field", ["additional_headers", "additional_request_data"])
    def test_other_forms(self, field: str, value: Any, words: str) -> None:
        """They are errors."""
        assert problem(**{field: value}) == f"{field} {words}"

    @pytest.mark.parametrize("field", ["additional_headers", "additional_request_data"])
    @pytest.mark.parametrize("name", ["", " ", "a\n", 5, None, "\ud800"])
    def test_names(self, field: str, name: Any) -> None:
        """They are lines of text."""
        assert problem(**{field: [(name, "x")]}) == f"{field} has a name that is not one line of text"

    @pytest.mark.parametrize("value", ["", "a", "a b", "a\tb", "!~"])
    def test_header_values(self, value: str) -> None:
        """Printable ASCII, or nothing."""
        assert a_config(additional_headers={"X": value}).additional_headers == (("X", value),)

    @pytest.mark.parametrize("value", [" a", "a ", "a\n", "é", "\x7f", 5, None, SECRET + "\n"])
    def test_no_header_values(self, value: Any) -> None:
        """The header is named, its value is not shown."""
        assert problem(additional_headers={"X-Key": value}).startswith("additional_headers has a value for X-Key ")

    @pytest.mark.parametrize("name", ["Authorization", "CONTENT-LENGTH", "transfer-encoding", "Host"])
    def test_headers_that_are_ours(self, name: str) -> None:
        """The message says what they follow from."""
        assert problem(additional_headers={name: "x"}).startswith(f"additional_headers cannot set {name}: ")

    @pytest.mark.parametrize("headers", [[("X", "1"), ("x", "2")], {"X": ["1", "2"]}])
    def test_headers_twice(self, headers: Any) -> None:
        """In whatever case."""
        assert "twice; join the values by a comma" in problem(additional_headers=headers)

    def test_header_names(self) -> None:
        """They are header names."""
        assert problem(additional_headers={"a b": "x"}).startswith(
            "additional_headers contains a name that is no header name; a name has no spaces and no colon"
        )

    @pytest.mark.parametrize(
        ("data", "expected"),
        [
            ({"a": 5}, (("a", "5"),)),
            ({"a": ""}, (("a", ""),)),
            ({"a": None}, ()),
            ({"a": ["1", 2, None]}, (("a", "1"), ("a", "2"))),
            ({"a": ()}, ()),
            ([("a", "1"), ("b", "x"), ("a", "2")], (("a", "1"), ("b", "x"), ("a", "2"))),
            ({"grant_type": "x"}, (("grant_type", "x"),)),
            ({"a": "line\nbreak"}, (("a", "line\nbreak"),)),
            ({"a": 2**1024 - 1}, (("a", str(2**1024 - 1)),)),
        ],
    )
    def test_data(self, data: Any, expected: Any) -> None:
        """Numbers are written out, None is left out, a list repeats the key."""
        assert a_config(additional_request_data=data).additional_request_data == expected

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            ({"client_id": "x"}, "cannot contain client_id; client_id has a setting of its own"),
            ({"client_secret": "x"}, "cannot contain client_secret; client_secret has a setting of its own"),
            ({"a": True}, "has a value for a that is neither str nor int"),
            ({"a": 1.5}, "has a value for a that is neither str nor int"),
            ({"a": b"x"}, "has a value for a that is neither str nor int"),
            ({"a": [["x"]]}, "has a nested value for a, which only JSON can hold"),
            ({"a": 2**1024}, "has a number for a that is too large"),
            ({"a": 10**5000}, "has a number for a that is too large"),
            ({"grant_type": ["x", "y"]}, "contains grant_type twice"),
            ({"a": "\ud800"}, "has a lone surrogate in a"),
        ],
    )
    def test_no_data(self, data: Any, words: str) -> None:
        """The key is named."""
        assert problem(additional_request_data=data).startswith(f"additional_request_data {words}")


class TestValue:
    def test_is_immutable(self) -> None:
        """Nothing is set, changed or deleted."""
        config = a_config()
        with pytest.raises(AttributeError, match=r"immutable; make a new one to change scope$"):
            config.scope = "a"
        with pytest.raises(AttributeError, match=r"immutable; scope cannot be deleted$"):
            del config.scope
        assert config.scope is None

    def test_is_compared_by_value(self) -> None:
        """Every setting counts."""
        assert a_config() == a_config()
        assert hash(a_config()) == hash(a_config())
        assert a_config() != a_config(client_secret="other")
        assert a_config() != a_config(allow_insecure_http=True)
        assert a_config() != "config"

    def test_finds_its_place_in_a_dict(self) -> None:
        """Programs keep a client by config: configs of other endpoints, clients or scopes rarely share a hash."""
        others = (a_config(token_url=f"{URL}/2"), a_config(client_id="other"), a_config(scope="a"))
        assert hash(a_config()) not in {hash(other) for other in others}

    def test_is_copied_and_pickled(self) -> None:
        """Secret included."""
        config = a_config(scope="a", additional_headers={"a": "b"})
        for again in (copy.copy(config), copy.deepcopy(config), pickle.loads(pickle.dumps(config))):  # noqa: S301
            assert again == config

    def test_for_another_target(self) -> None:
        """Its class and all other settings stay, and the one that it was made from."""
        config = Regional(URL, "eu-1", SECRET, scope="a", resource="https://a.example", grant_type="other")
        other = config.with_target("b", ("https://b.example",))
        assert type(other) is Regional
        assert vars(other) == {**vars(config), "scope": "b", "resource": ("https://b.example",)}
        assert (config.scope, config.resource) == ("a", ("https://a.example",))

    @pytest.mark.parametrize(
        "target", [{}, {"scope": "b"}, {"resource": ["https://b.example"]}, {"scope": None, "resource": None}]
    )
    def test_for_another_target_by_name(self, target: dict[str, Any]) -> None:
        """What is not passed stays."""
        settings: dict[str, Any] = {"scope": "a", "resource": "https://a.example"}
        settings["additional_request_data"] = {"audience": "x"}
        assert a_config(**settings).for_target(**target) == a_config(**{**settings, **target})

    @pytest.mark.parametrize("name", ["scope", "resource"])
    def test_for_another_target_in_two_places(self, name: str) -> None:
        """As when a config is made."""
        config = a_config(additional_request_data={name: "https://a.example"})
        assert config.for_target() == config
        with pytest.raises(
            ConfigurationError, match=f"^{name} is also in additional_request_data; set it in one place"
        ):
            config.for_target(**{name: "https://b.example"})

    def test_remedies_name_settings_as_they_were_given(self) -> None:
        """By their labels, if those are what the person knows."""
        given = {"Oauth2 Token Url": "https://me:pw@a.example/token", "Client ID": "a", "Client Secret": SECRET}
        with pytest.raises(ConfigurationError) as caught:
            ClientCredentialsConfig.from_mapping(given)
        assert "'Client ID' and 'Client Secret'" in str(caught.value)

    def test_repr_shows_no_secret(self) -> None:
        """Of headers, data and URL only what cannot be one; it ends with digits that distinguish secrets."""
        config = a_config(
            token_url=f"{URL}?code={SECRET}",
            additional_headers={"X": SECRET},
            additional_request_data={"password": SECRET},
            client_authentication=ClientSecretBasic(),
        )
        assert SECRET not in repr(config)
        shown, _, digits = repr(config).rpartition("#")
        assert re.fullmatch("[0-9a-f]{8}", digits)
        assert shown == (
            f"ClientCredentialsConfig(token_url='{URL}?***', client_id='id', client_secret='***', scope=None, "
            "resource=(), client_authentication=ClientSecretBasic(percent_encode=True), header_name='Authorization', "
            "header_value_pattern='Bearer %s', api_headers=(), grant_type='client_credentials', "
            "additional_headers=(('X', '***'),), additional_request_data=(('password', '***'),), "
            "dpop=None, allow_insecure_http=False)"
        )

    @pytest.mark.parametrize(
        "others",
        [
            {"client_secret": "another"},
            {"client_secret": lambda: SECRET},
            {"token_url": f"{URL}?key=another"},
            {"additional_headers": {"X-Key": "another"}},
            {"additional_request_data": {"password": "another"}},
            {"client_authentication": Signed("another")},
            {"client_authentication": Strategy()},
        ],
        ids=["secret", "callable", "url", "header", "data", "strategy", "kind of strategy"],
    )
    def test_repr_tells_secrets_apart(self, others: dict[str, Any]) -> None:
        """fsspec takes the repr for a key of its cache. Configs that are equal look alike."""
        hidden = {
            "token_url": f"{URL}?key=one",
            "additional_headers": {"X-Key": "one"},
            "additional_request_data": {"password": "one"},
            "client_authentication": Signed("one"),
        }
        one, another = a_config(**hidden), a_config(**{**hidden, **others})
        assert repr(one) == repr(a_config(**hidden))
        assert repr(one) != repr(another)

    def test_repr_tells_objects_apart(self) -> None:
        """They look alike, and only their owner knows whether they are."""
        strategies = Strategy(), Strategy()
        first, second = (repr(a_config(client_authentication=strategy)) for strategy in strategies)
        assert first.rpartition("#")[0] == second.rpartition("#")[0]
        assert first != second

    def test_repr_of_a_description(self) -> None:
        """It shows itself, in the place of the URL; equal ones look alike."""
        endpoint, equal = (TokenEndpoint(URL, credential_fields=("user", "password")) for _ in range(2))
        shown = repr(a_config(token_url=endpoint))
        assert shown.startswith(f"ClientCredentialsConfig(token_url={endpoint!r}, client_id='id', ")
        assert shown == repr(a_config(token_url=equal))

    def test_repr_of_what_is_no_name(self) -> None:
        """A key may be a secret that stands in the wrong place."""
        assert "s3cret" not in repr(a_config(additional_request_data={"password: s3cret": "x"}))

    def test_repr_says_nothing_to_another_process(self) -> None:
        """Its digits cannot be looked up in a list of secrets that someone has made."""
        code = f"import oauth_cc_auth as o; print(repr(o.ClientCredentialsConfig({URL!r}, 'id', {SECRET!r})))"
        shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        ours = repr(a_config())
        assert shown.rpartition("#")[0] == ours.rpartition("#")[0]
        assert shown != ours

    def test_repr_of_a_secret_callable(self) -> None:
        """Not even its name: a partial has its arguments in it."""
        assert "client_secret='***'" in repr(a_config(client_secret=lambda: SECRET))

    def test_repr_of_a_strategy_of_ones_own(self) -> None:
        """It may be a dataclass, whose own repr shows its key."""

        shown = repr(a_config(client_authentication=Signed(SECRET)))
        assert SECRET not in shown
        assert "Signed" in shown
        ours = ClientSecretBasic(percent_encode=False)
        assert "ClientSecretBasic(percent_encode=False)" in repr(a_config(client_authentication=ours))
