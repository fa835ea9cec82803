"""The plugin against glewlwyd, which is written in C: secrets and signed assertions, each right and wrong.

`.ci/services glewlwyd` installs the Debian package. The server runs on 127.0.0.1, its database in a temporary folder.
"""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from oauth_cc_auth import ClientSecretJwt, PrivateKeyJwt, TokenEndpointError
from oauth_cc_auth._authentication.keys import signing_key
from tests.clients import REQUESTS, ClientKind, each_client

from . import START_LIMIT, STOP_LIMIT

TABLES = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
MODULES = Path("/usr/lib/glewlwyd")
ATTEMPTS = 3  # to start it: another process may take the port first

SECRET = "a-secret-of-32-characters-at-least"
KEY, OTHER_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
SCOPE = "orders"

CONFIGURATION = """
port={port}
bind_address="127.0.0.1"
external_url="http://127.0.0.1:{port}"
api_prefix="api"
log_mode="console"
log_level="INFO"
cookie_secure=0
session_expiration=3600
session_key="session"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="{modules}/user"
client_module_path="{modules}/client"
user_auth_scheme_module_path="{modules}/scheme"
plugin_module_path="{modules}/plugin"
hash_algorithm="SHA512"
database={{ type="sqlite3"; path="{database}"; }};
"""

PLUGIN = {
    "jwt-type": "sha",
    "jwt-key-size": "256",
    "key": "a-key-of-the-server-for-its-tokens",
    "access-token-duration": 3600,
    "refresh-token-duration": 3600,
    "code-duration": 600,
    "refresh-token-rolling": False,
    "allow-non-oidc": True,
    **{f"auth-type-{each}-enabled": False for each in ("code", "token", "none", "password", "device", "refresh")},
    "auth-type-id-token-enabled": True,
    "auth-type-client-enabled": True,
    "subject-type": "public",
    "scope": [],
    "request-parameter-allow": True,  # assertions too
    "client-jwks-parameter": "jwks",
    "client-pubkey-parameter": "pubkey",
    "request-maximum-exp": 3600,
}


@pytest.fixture(scope="module", name="port")
def _port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    if shutil.which("glewlwyd") is None or not TABLES.is_file():
        pytest.skip("there is no glewlwyd: run .ci/services glewlwyd, or apt-get install glewlwyd")
    folder = tmp_path_factory.mktemp("glewlwyd")
    with closing(sqlite3.connect(folder / "database")) as database:
        database.executescript(TABLES.read_text(encoding="utf-8"))
    for _ in range(ATTEMPTS):
        with running(folder) as port:
            if port:
                set_up(port)
                yield port
                return
    pytest.skip(f"glewlwyd did not start in {ATTEMPTS} attempts")


@contextmanager
def running(folder: Path) -> Iterator[int]:
    """Run it for the length of the block: its port, or 0 if it did not start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    file = folder / "glewlwyd.conf"
    file.write_text(CONFIGURATION.format(port=port, modules=MODULES, database=folder / "database"))
    command = ["glewlwyd", "--config-file", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None  # a pipe was asked for
        watchdog = threading.Timer(START_LIMIT, process.kill)
        watchdog.start()
        has_started = any(b"Glewlwyd started on port" in line for line in process.stdout)
        watchdog.cancel()
        reader = threading.Thread(target=process.stdout.read, daemon=True)  # a full pipe would stop the server
        reader.start()
        try:
            yield port if has_started and _answers(port, process) else 0
        finally:
            process.terminate()
            try:
                process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
            reader.join(STOP_LIMIT)


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    """True once it accepts connections; it may say that it has started a little before, or end a little later."""
    until = time.monotonic() + START_LIMIT
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), START_LIMIT).close()
        except ConnectionRefusedError:
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            return False
        return True
    return False


def set_up(port: int) -> None:
    """Make the plugin, the scope and the clients, as its administrator does."""
    cookie = ""

    def post(path: str, body: dict[str, Any]) -> str:
        headers = {"Content-Type": "application/json", **({"Cookie": cookie} if cookie else {})}
        with closing(HTTPConnection("127.0.0.1", port, timeout=START_LIMIT)) as connection:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            said = answer.read()
        assert answer.status == 200, (path, answer.status, said)
        return (answer.getheader("Set-Cookie") or "").partition(";")[0]

    cookie = post("/api/auth/", {"username": "admin", "password": "password"})  # as the package makes its database
    post("/api/scope/", {"name": SCOPE, "display_name": SCOPE, "password_required": False, "scheme": {}})
    plugin = {"iss": f"http://127.0.0.1:{port}", **PLUGIN}
    post("/api/mod/plugin/", {"module": "oidc", "name": "oidc", "display_name": "oidc", "parameters": plugin})
    jwk = {**(signing_key(KEY).public_jwk or {}), "kid": "key-1", "alg": "ES256", "use": "sig"}
    secret = {"client_secret": SECRET, "password": SECRET}
    known: dict[str, Any] = {"confidential": True, "enabled": True, "scope": [SCOPE]}
    known |= {"authorization_type": ["client_credentials"], "redirect_uri": []}
    proofs: dict[str, dict[str, Any]] = {
        "client_secret_basic": secret,
        "client_secret_post": secret,
        "client_secret_jwt": secret,
        "private_key_jwt": {"jwks": {"keys": [jwk]}},
    }
    for method, proof in proofs.items():
        post("/api/client/", {**known, **proof, "client_id": method, "token_endpoint_auth_method": [method]})


METHODS: dict[str, Any] = {
    "client_secret_basic": None,
    "client_secret_post": None,
    "client_secret_jwt": ClientSecretJwt(),
    "private_key_jwt": PrivateKeyJwt(KEY, key_id="key-1"),
}


def auth_for(client: ClientKind, port: int, method: str, **settings: Any) -> Any:
    settings = {"scope": SCOPE, "client_authentication": METHODS[method], **settings}
    secret = settings.pop("secret", None if method == "private_key_jwt" else SECRET)
    return client.auth_class(f"http://127.0.0.1:{port}/api/oidc/token", method, secret, **settings)


@each_client
@pytest.mark.parametrize("method", METHODS)
def test_every_method(client: ClientKind, port: int, method: str) -> None:
    """The first token and the next; secrets by Basic or body, whichever the client is registered for."""
    auth = auth_for(client, port, method)
    with client.session(auth=auth) as session:
        first = session.get_token()
        auth.invalidate()
        second = session.get_token()
    assert (first.token_type, first.scope) == ("bearer", SCOPE)
    assert first.access_token != second.access_token


@pytest.mark.parametrize(
    ("method", "wrong", "told"),
    [
        ("client_secret_basic", {"secret": "another"}, "Tried: client_secret_basic: 403; client_secret_post: 403"),
        ("client_secret_post", {"scope": None}, "and whether this server wants a scope"),
        ("client_secret_jwt", {"secret": "another-secret-of-32-characters-at-least"}, "no kid, alg HS256"),
        ("private_key_jwt", {"client_authentication": PrivateKeyJwt(OTHER_KEY, key_id="key-1")}, "kid 'key-1'"),
        ("private_key_jwt", {"client_authentication": PrivateKeyJwt(KEY)}, "no kid, alg ES256"),
        ("private_key_jwt", {"client_authentication": "the issuer"}, "the assertion had aud 'http://127.0.0.1:"),
    ],
    ids=["secret", "no scope", "secret that signs", "key", "no kid", "audience"],
)
def test_what_it_refuses(port: int, method: str, wrong: dict[str, Any], told: str) -> None:
    """It always says 403 and no more, so the error has what can be compared. The audience must be the token URL."""
    if wrong.get("client_authentication") == "the issuer":
        wrong = {"client_authentication": PrivateKeyJwt(KEY, key_id="key-1", audience=f"http://127.0.0.1:{port}")}
    with pytest.raises(TokenEndpointError) as caught:
        auth_for(REQUESTS, port, method, **wrong).get_token()
    assert told in str(caught.value)
    assert "answered 403 Forbidden" in str(caught.value)


def test_a_replay(port: int) -> None:
    """It takes an assertion once."""
    how = PrivateKeyJwt(KEY, key_id="key-1", claims={"jti": "always the same"})
    auth = auth_for(REQUESTS, port, "private_key_jwt", client_authentication=how)
    auth.prefetch()
    auth.invalidate()
    with pytest.raises(TokenEndpointError, match="the assertion had aud"):
        auth.prefetch()
