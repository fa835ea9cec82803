"""The package: its public names, classes that need no server, a light import, and the fixture."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import oauth_cc_auth.testing
from oauth_cc_auth.testing import Answer, Endpoint, Gate, Headers, LoopbackServer
from tests.testing.calls import call


def test_the_public_names_are_listed() -> None:
    assert set(oauth_cc_auth.testing.__all__) == {
        "Answer",
        "CertificateFiles",
        "Endpoint",
        "Gate",
        "Headers",
        "LoopbackServer",
        "RecordedRequest",
        "ScriptedAnswer",
    }
    for name in oauth_cc_auth.testing.__all__:
        assert getattr(oauth_cc_auth.testing, name).__doc__


def test_the_public_classes_name_the_public_module() -> None:
    classes = [
        value for name in oauth_cc_auth.testing.__all__ if isinstance(value := vars(oauth_cc_auth.testing)[name], type)
    ]
    assert {each.__module__ for each in classes} == {"oauth_cc_auth.testing"}
    assert len(classes) == 7
    assert b"._" not in pickle.dumps([Answer.token(), Headers([("A", "1")])])


def test_headers_are_values() -> None:
    headers = Headers([("A", "1")])
    assert headers == Headers([("A", "1")])
    assert hash(headers) == hash(Headers([("A", "1")]))
    assert headers != Headers([("A", "2")])
    assert headers != {"a": "1"}
    assert Headers() == Headers(())


def test_gates_and_endpoints_need_no_server() -> None:
    endpoint = Endpoint()
    gate = endpoint.hold()
    assert isinstance(gate, Gate)
    gate.release()
    endpoint.admit(threading.Event())
    gate.wait_for(1, timeout=0)


def test_importing_it_needs_neither_pytest_nor_a_client_library() -> None:
    code = (
        "import sys, oauth_cc_auth.testing as t; "
        "assert not {'pytest', 'requests', 'httpx', 'httpx2'} & set(sys.modules); "
        "assert not hasattr(t, 'oauth_server')"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=package_on_path(), check=False)
    assert done.returncode == 0


def test_the_fixture_is_a_started_server(oauth_server: LoopbackServer) -> None:
    assert call(oauth_server, "/open").status == 200


def test_each_test_gets_a_server_that_stops_afterwards(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        # A conftest may import the package and load it as a plugin: that must not warn.
        'import oauth_cc_auth.testing\npytest_plugins = ["oauth_cc_auth.testing"]\n'
    )
    (tmp_path / "test_it.py").write_text(
        "import http.client\n"
        "import pytest\n"
        "seen = []\n"
        "@pytest.mark.parametrize('turn', [1, 2])\n"
        "def test_it(oauth_server, turn):\n"
        "    connection = http.client.HTTPConnection(oauth_server.origin.removeprefix('http://'))\n"
        "    connection.request('GET', '/api')\n"
        "    assert connection.getresponse().status == 401\n"
        "    connection.close()\n"
        "    assert len(oauth_server.requests) == 1\n"
        "    assert oauth_server not in seen\n"
        "    seen.append(oauth_server)\n"
        "def test_it_is_stopped_afterwards():\n"
        "    for server in seen:\n"
        "        with pytest.raises(ConnectionRefusedError):\n"
        "            http.client.HTTPConnection(server.origin.removeprefix('http://')).connect()\n"
    )
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, env=package_on_path(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def package_on_path() -> dict[str, str]:
    root = str(Path(oauth_cc_auth.testing.__file__).parents[2])
    return {**os.environ, "PYTHONPATH": root, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
