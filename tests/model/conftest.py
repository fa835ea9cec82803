"""Quiet, because warnings of hundreds of renewals that fail on purpose would bury a failing example."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "oauth_cc_auth")
