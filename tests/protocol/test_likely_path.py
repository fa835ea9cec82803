"""Where an answer without `access_token` may have its token."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oauth_cc_auth._protocol.likely_path import likely_path

TOKEN = "0123456789abcdefABCD"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"accessToken": "abc", "token": "abc"}, "accessToken"),
        ({"expires": 1, "Access-Token": "abc"}, "Access-Token"),
        ({"ok": {"x": 1}, "data": {"user": {"jwt": "abc"}}}, "data.user.jwt"),
        ({"data": {"token": "abc"}, "token": "abc"}, "token"),
        ({"a": {"b": {"c": {"token": "abc"}}}}, "path.to.token"),
        ({"token": "", "jwt": 5, "refresh_token": "abc"}, "path.to.token"),
        ({"data": "abc"}, "path.to.token"),
        (TOKEN, "$"),
        (f" {TOKEN}==\n", "$"),
        (TOKEN[1:], ""),
        (f"{TOKEN} {TOKEN}", ""),
        (f"{TOKEN}\u00e9", ""),
        ({}, ""),
        ([TOKEN], ""),
        ({"access_token": None, "token": "abc"}, ""),
    ],
)
def test_a_path(body: Any, path: str) -> None:
    """By the names of members, or by the form of a text."""
    assert likely_path(json.dumps(body).encode()) == path


@pytest.mark.parametrize(("body", "path"), [(TOKEN.encode() + b"\r\n", "$"), (b"<html>", ""), (b"", "")])
def test_a_text(body: bytes, path: str) -> None:
    """No JSON at all."""
    assert likely_path(body) == path
