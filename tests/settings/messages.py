"""Settings that are right, and the errors of those that are not."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from oauth_cc_auth import ConfigurationError

REQUIRED: dict[Any, Any] = {
    "token_url": "https://login.example.com/token",
    "client_id": "id",
    "client_secret": "s3cret",
}


def error_of(function: Callable[[], object]) -> ConfigurationError:
    """The error that it raises, which shows no secret, not even in its traceback."""
    with pytest.raises(ConfigurationError) as caught:
        function()
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))
    return caught.value


def message_of(function: Callable[[], object]) -> str:
    """Its text."""
    return str(error_of(function))
