"""Fixtures for every test: the loopback server that ships with the package, and clients that open quickly."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec

import pytest
from hypothesis import HealthCheck, settings

from tests.mocked_network import network, session

__all__ = ["network", "session"]  # fixtures

CLIENT_LIBRARIES = ("requests", "urllib3", "httpx", "httpx2")

# The same examples each time, however slow the machine. `pytest --hypothesis-profile=searching` looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("searching", deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

pytest_plugins = ["oauth_cc_auth.testing"]


def pytest_configure(config: pytest.Config) -> None:
    """On later Pythons a socket that nobody closes is an error.

    In 3.10 http.client itself leaves those of a proxy's answers to CONNECT, which its `_tunnel` never closes; they are
    found when garbage is collected, in the midst of whatever test that happens to be.
    """
    if sys.version_info < (3, 11):
        config.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")


def pytest_report_header() -> str:
    """Which versions of the client libraries are tested."""
    installed = {name: version(name) for name in CLIENT_LIBRARIES if find_spec(name)}
    return f"client libraries: {', '.join(' '.join(each) for each in installed.items())}"


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """A shell's background job ignores Ctrl-C, and so would every child that a test interrupts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _no_certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Loading all certificates takes each httpx client some 50 ms, and nearly everything here is plain http."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSL_CERT_FILE", raising=False)  # it would count for more
        patch.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("no-certificates")))
        yield
