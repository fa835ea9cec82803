"""Authorization servers that others wrote, each in a process of its own on 127.0.0.1.

Their settings are global (Django's) or environment variables (`…_INSECURE_TRANSPORT`), so neither may run in
the process of the tests. Both are WSGI applications; this module is what they share. In the server process,
`serve` runs one on a port chosen by the system, prints that port as the first line of its output and goes on
until its input ends, which also happens when the tests die. In the tests, `running` starts such a process and
hands out a `RealServer`.

    with running("authlib") as server:
        auth = ClientCredentialsAuth(server.token_url, BASIC.client_id, BASIC.client_secret)
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import threading
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

START_LIMIT = 60.0  # s; a quiet machine needs 2 s at most, a busy one gets time
STOP_LIMIT = 10.0  # s
LOG_PATH = "/_log"  # GET: the exchanges so far; DELETE: forget them

BASIC_METHOD = "client_secret_basic"
BODY_METHOD = "client_secret_post"
ASSERTION_METHOD = "client_assertion_jwt"  # Authlib's name for `private_key_jwt` and `client_secret_jwt` together


@dataclass(frozen=True)
class Client:
    """A client that both servers know."""

    client_id: str
    client_secret: str
    method: str = BASIC_METHOD  # Authlib: the only one that it may use
    lifetime: int = 3600  # s, of its tokens
    hashed: bool = True  # django-oauth-toolkit: the secret is stored as a hash


# Every kind of character that one of the two encodings (form, Basic) treats specially. No colon in the id:
# RFC 7617 §2 forbids it, and what a server makes of one is not the subject here.
_SPECIAL = " +%/&=?ü"

BASIC = Client("basic-only", "basic-secret-Zq7")
BODY = Client("body-only", "body-secret-Kx4", BODY_METHOD)
PLAIN = Client("plain-secret", "plain-secret-Wm9", hashed=False)
SPECIAL_BASIC = Client(f"basic{_SPECIAL}id", f"se%20cret{_SPECIAL}:end")
SPECIAL_BODY = Client(f"body{_SPECIAL}id", f"se%20cret{_SPECIAL}:end", BODY_METHOD)
SHORT = Client("short-lived", "short-secret-Pv2", lifetime=2)
# Both sides derive the key of SIGNING from this number, so that no key is in the repository. The other one signs with
# its secret.
SIGNING_NUMBER = 0x5EED
SIGNING = Client("signing-with-key", "", ASSERTION_METHOD)
SIGNING_BY_SECRET = Client("signing-with-secret", "a-secret-that-is-long-enough-for-HS256", ASSERTION_METHOD)
# Its assertion is the grant, and says who asks; the key is that of SIGNING, and the subject CLERK.
ASSERTING = Client("asserting", "", "none")
CLERK = "clerk@example.com"
JWT_BEARER_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SIGNING = (SIGNING, SIGNING_BY_SECRET, ASSERTING)
CLIENTS = {c.client_id: c for c in (BASIC, BODY, PLAIN, SPECIAL_BASIC, SPECIAL_BODY, SHORT, *_SIGNING)}

SCOPES = ("orders:read", "orders:write")


@dataclass(frozen=True)
class Exchange:
    """One request as the server saw it, and the status of its answer."""

    method: str
    path: str
    credentials: tuple[str, ...]  # each method by which credentials came: `BASIC_METHOD`, `BODY_METHOD`
    form: tuple[str, ...]  # names of the form's fields, sorted
    status: int

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Exchange:
        return cls(**{**row, "credentials": tuple(row["credentials"]), "form": tuple(row["form"])})


@dataclass(frozen=True)
class RealServer:
    """A running server, seen from the tests."""

    name: str
    port: int

    @property
    def token_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/oauth/token/"

    @property
    def api_url(self) -> str:
        """Answers a good token with `{"client": id, "received": the request's body}`, any other with 401."""
        return f"http://127.0.0.1:{self.port}/api"

    def token_requests(self) -> list[Exchange]:
        """The token requests since `forget`, oldest first."""
        return [e for e in self.exchanges() if e.path == "/oauth/token/"]

    def exchanges(self) -> list[Exchange]:
        return [Exchange.from_json(row) for row in json.loads(self._call("GET", LOG_PATH))]

    def forget(self) -> None:
        self._call("DELETE", LOG_PATH)

    def revoke(self, client: Client, access_token: str) -> None:
        """Revoke the token, by the server's own RFC 7009 endpoint and as the client that it was issued to."""
        form = {"token": access_token, "token_type_hint": "access_token"}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if client.method == BASIC_METHOD:
            pair = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": client.client_id, "client_secret": client.client_secret}
        self._call("POST", "/oauth/revoke_token/", urlencode(form), headers)

    def _call(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> bytes:
        # http.client, not one of the libraries under test: what they patch or leak must not show here.
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=STOP_LIMIT)) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{self.name}: {method} {path} answered {answer.status}: {content!r}")
        return content


@contextmanager
def running(name: str) -> Iterator[RealServer]:
    """Run `tests/servers/<name>_server.py` for the length of the block.

    Raises:
        RuntimeError: it did not print its port within `START_LIMIT`; ends with what it said instead.
    """
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", f"{__name__}.{name}_server"],
            cwd=Path(__file__).parents[len(__name__.split("."))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
        )
        with process:  # closes the pipes; the process sees its input end
            watchdog = threading.Timer(START_LIMIT, process.kill)
            watchdog.start()
            try:
                assert process.stdout is not None  # a pipe was asked for
                first_line = process.stdout.readline()
            finally:
                watchdog.cancel()
            if not first_line.strip().isdigit():
                process.kill()
                process.wait(STOP_LIMIT)
                complaints.seek(0)
                said = complaints.read().decode(errors="replace")
                raise RuntimeError(f"the {name} server did not start: {said[-2000:]}")
            try:
                yield RealServer(name, int(first_line))
            finally:
                assert process.stdin is not None  # a pipe was asked for
                process.stdin.close()
                try:
                    process.wait(STOP_LIMIT)
                except subprocess.TimeoutExpired:
                    process.kill()


class _Recorder:
    """WSGI middleware: keeps a log of the exchanges, not of what they contained; serves it at `LOG_PATH`."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application
        self._log: list[Exchange] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == LOG_PATH:
            if environ["REQUEST_METHOD"] == "DELETE":
                self._log.clear()
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps([asdict(exchange) for exchange in self._log]).encode()]

        form = self._form(environ)
        credentials = []
        if environ.get("HTTP_AUTHORIZATION", "").lower().startswith("basic "):
            credentials.append(BASIC_METHOD)
        if "client_id" in form or "client_secret" in form:
            credentials.append(BODY_METHOD)

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            # Before the answer leaves: a caller that has its answer finds it in the log.
            self._log.append(
                Exchange(
                    environ["REQUEST_METHOD"],
                    environ["PATH_INFO"],
                    tuple(credentials),
                    tuple(sorted(form)),
                    int(status.partition(" ")[0]),
                )
            )
            return start_response(status, headers, *rest)

        return self._application(environ, start)

    @staticmethod
    def _form(environ: dict[str, Any]) -> dict[str, list[str]]:
        if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            return {}
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        return parse_qs(body.decode("ascii"), keep_blank_values=True)


def serve(application: Callable[..., Iterable[bytes]]) -> None:
    """Serve until standard input ends. To be called in the server process only."""
    import logging

    from werkzeug.serving import make_server  # comes with Flask, and serves both: threads and keep-alive

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, _Recorder(application), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))  # s between two looks at `shutdown`
    thread.start()
    print(server.server_port, flush=True)
    try:
        sys.stdin.read()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
