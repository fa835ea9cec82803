"""`Issuer`: a value, checked when it is made."""

from __future__ import annotations

import copy
import pickle

import pytest

from oauth_cc_auth import ClientCredentialsConfig, ConfigurationError, Issuer, TokenEndpoint

URL = "https://login.example.com/tenant1"


def test_value() -> None:
    """Equal by what it says, and the same after a pickle."""
    elsewhere = Issuer(URL, metadata_url="https://b.example/m?key=s3cret")
    assert Issuer(URL) == Issuer(URL) != elsewhere
    assert Issuer(URL) != URL
    assert len({Issuer(URL), Issuer(URL), elsewhere}) == 2
    for each in (Issuer(URL), elsewhere):
        again = pickle.loads(pickle.dumps(each))  # noqa: S301  # ours
        assert again == copy.deepcopy(each) == each
    assert repr(Issuer(URL)) == f"Issuer({URL!r})"
    assert repr(elsewhere) == f"Issuer({URL!r}, metadata_url='https://b.example/m?***')"
    assert TokenEndpoint.from_metadata("https://b.example/m?key=s3cret", issuer=URL) == elsewhere


def test_immutable() -> None:
    """It can be shared."""
    with pytest.raises(AttributeError, match="immutable"):
        Issuer(URL).url = "x"
    with pytest.raises(AttributeError, match="cannot be deleted"):
        del Issuer(URL).url


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": "login.example.com"}, "issuer does not begin with https://"),
        ({"url": 5}, "issuer must be a str"),
        ({"url": URL + "?a=b"}, "issuer contains a query, which no issuer has"),
        ({"url": URL + "#a"}, "issuer contains a fragment"),
        ({"url": URL, "metadata_url": "/m"}, "metadata_url does not begin with https://"),
        ({"url": "x"}, "such as https://login.example.com/tenant1$"),
        (
            {"url": URL, "metadata_url": "m"},
            "such as https://login.example.com/tenant1/.well-known/openid-configuration$",
        ),
    ],
)
def test_wrong(arguments: dict[str, str], message: str) -> None:
    """The error names the argument."""
    with pytest.raises(ConfigurationError, match=message):
        Issuer(**arguments)


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        (f"{URL}/.well-known/openid-configuration", URL),
        ("https://login.example.com/.well-known/oauth-authorization-server/tenant1", URL),
        ("https://login.example.com/.well-known/openid-configuration?appid=5", "https://login.example.com"),
    ],
)
def test_the_url_of_the_metadata(url: str, meant: str) -> None:
    """It is what people copy, and no issuer."""
    with pytest.raises(ConfigurationError) as caught:
        Issuer(url)
    assert str(caught.value) == (
        f"issuer is the URL of the issuer's metadata; pass {meant!r}, with a slash at its end if the metadata has one "
        "there"
    )
    assert Issuer(URL, metadata_url=url).metadata_url == url


@pytest.mark.parametrize("path", ["/.well-known/acme-challenge/x", "/.well-known/", "/openid-configuration"])
def test_other_paths(path: str) -> None:
    """They may be those of an issuer."""
    assert Issuer(URL + path).url == URL + path


@pytest.mark.parametrize(
    ("issuer", "field"),
    [
        (Issuer("http://login.example.com"), "issuer"),
        (Issuer(URL, metadata_url="http://b.example/m"), "metadata_url"),
    ],
)
def test_plain_http(issuer: Issuer, field: str) -> None:
    """It is refused where it would be asked for, unless it is permitted."""
    with pytest.raises(ConfigurationError) as caught:
        ClientCredentialsConfig(issuer, "client", "secret")
    assert (caught.value.field, caught.value.reason) == (field, "insecure_http")
    assert "token_url" not in str(caught.value)
    assert ClientCredentialsConfig(issuer, "client", "secret", allow_insecure_http=True).issuer == issuer


def test_a_config_with_an_issuer() -> None:
    """It has no token URL, and tells other issuers apart, also by the digits of its repr."""
    config = ClientCredentialsConfig(Issuer(URL), "client", "secret")
    assert (config.token_url, config.token_source, config.source_url) == (None, Issuer(URL), URL)
    other = ClientCredentialsConfig(Issuer(URL, metadata_url="https://b.example/m?a"), "client", "secret")
    another = ClientCredentialsConfig(Issuer(URL, metadata_url="https://b.example/m?b"), "client", "secret")
    assert config == ClientCredentialsConfig(Issuer(URL), "client", "secret") != other
    assert repr(other) != repr(another)
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301  # ours
