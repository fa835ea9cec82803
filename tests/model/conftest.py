"""Quiet, or a failing example would be buried in the warnings of hundreds of renewals that failed on purpose."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "oauth_cc_auth")
