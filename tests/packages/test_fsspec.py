"""fsspec: file systems over http, which it keeps by the repr of their arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

import oauth_cc_auth.httpx
import oauth_cc_auth.requests
from oauth_cc_auth import ClientCredentialsConfig
from tests.packages.support import package

fsspec = package("fsspec")

FAMILIES = [oauth_cc_auth.requests, oauth_cc_auth.httpx]
URL = "https://login.example.com/oauth2/token"


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    fsspec.filesystem("memory").clear_instance_cache()
    yield
    fsspec.filesystem("memory").clear_instance_cache()


def file_system(value: Any) -> Any:
    """A file system with `value` among its arguments; nothing is opened."""
    return fsspec.filesystem("memory", options={"auth": value})


@pytest.mark.parametrize("family", FAMILIES, ids=["requests", "httpx"])
def test_two_secrets_are_two_file_systems(family: Any) -> None:
    """Or the one would read with the credentials of the other."""
    one, other = (family.ClientCredentialsAuth(URL, "id", secret) for secret in ("one", "other"))
    assert file_system(one) is file_system(one)
    assert file_system(one) is file_system(family.ClientCredentialsAuth(URL, "id", "one"))
    assert file_system(one) is not file_system(other)


def test_two_configs_are_two_file_systems() -> None:
    one, other = (ClientCredentialsConfig(URL, "id", secret) for secret in ("one", "other"))
    assert file_system(one) is file_system(one)
    assert file_system(one) is not file_system(other)


@pytest.mark.parametrize("family", FAMILIES, ids=["requests", "httpx"])
def test_what_it_keeps_shows_no_secret(family: Any) -> None:
    shown = repr(family.ClientCredentialsAuth(URL, "id", "one"))
    assert re.search("#[0-9a-f]{8}$", shown)
    assert "'one'" not in shown
