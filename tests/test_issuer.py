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
    ],
)
def test_wrong(arguments: dict[str, str], message: str) -> None:
    """The error names the argument."""
    with pytest.raises(ConfigurationError, match=message):
        Issuer(**arguments)


@pytest.mark.parametrize("issuer", [Issuer("http://login.example.com"), Issuer(URL, metadata_url="http://b.example/m")])
def test_plain_http(issuer: Issuer) -> None:
    """It is refused where it would be asked for, unless it is permitted."""
    with pytest.raises(ConfigurationError) as caught:
        ClientCredentialsConfig(issuer, "client", "secret")
    assert caught.value.reason == "insecure_http"
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
