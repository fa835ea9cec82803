"""Servers that load the program once and fork their workers from it: gunicorn --preload and uWSGI."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from oauth_cc_auth.testing import LoopbackServer
from tests.packages.support import LIMIT, child, fetch, package, talk

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

WORKERS = 2

# The environment says where things are, and how the auth object is when the workers are forked.
APPLICATION = """
import json, os, threading
import requests
from oauth_cc_auth.requests import ClientCredentialsAuth

auth = ClientCredentialsAuth(os.environ["TOKEN_URL"], "client", "secret")
if os.environ["STATE"] == "has a token":
    auth.get_token()
elif os.environ["STATE"] == "is fetching":
    threading.Thread(target=auth.get_token, daemon=True).start()
    os.read(int(os.environ["GO"]), 1)  # the test says that the token request has arrived

def application(environ, start_response):
    response = requests.get(os.environ["API_URL"], auth=auth)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([os.getpid(), response.status_code]).encode()]
"""

GUNICORN = ["-m", "gunicorn", "application", "--preload", f"--workers={WORKERS}", "--bind=fd://{fd}"]
UWSGI = [
    *("-c", "import sys, pyuwsgi; pyuwsgi.run(sys.argv[1:])"),
    *("--wsgi-file=application.py", "--master", f"--processes={WORKERS}", "--http-socket=fd://{fd}"),
    *("--need-app", "--enable-threads", "--die-on-term"),
]

each_server = pytest.mark.parametrize(
    ("name", "command"),
    [("gunicorn", GUNICORN), ("pyuwsgi", UWSGI), ("pyuwsgi", [*UWSGI, "--py-call-osafterfork"])],
    ids=["gunicorn", "uwsgi", "uwsgi-with-hooks"],
)


class Served:
    """The application, behind a real server."""

    def __init__(self, port: int, go: int, threads: ThreadPoolExecutor) -> None:
        self._port = port
        self._go = go
        self._threads = threads

    def go(self) -> None:
        """Let the loading of the program end."""
        os.write(self._go, b"!")

    def ask_all(self) -> list[Future[tuple[int, int]]]:
        """One request for each worker, at once; each answers with its number and the API's status."""
        return [self._threads.submit(self._ask) for _ in range(WORKERS)]

    def _ask(self) -> tuple[int, int]:
        status, text = fetch(self._port)
        assert status == 200, text
        process, api_status = json.loads(text)
        return process, api_status


@contextmanager
def served(api: LoopbackServer, name: str, command: list[str], folder: Path, state: str) -> Iterator[Served]:
    package(name)
    (folder / "application.py").write_text(APPLICATION)
    readable, writable = os.pipe()
    # It listens before the server is there, so no one has to ask whether the server has begun.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        more = {"TOKEN_URL": api.token_url, "API_URL": api.api_url, "STATE": state, "GO": str(readable)}
        arguments = [part.format(fd=listening.fileno()) for part in command]
        with (
            child(arguments, folder, more, listening.fileno(), readable),
            ThreadPoolExecutor(WORKERS) as threads,
        ):
            yield Served(listening.getsockname()[1], writable, threads)
    os.close(readable)
    os.close(writable)


def ended(asked: list[Future[tuple[int, int]]]) -> list[int]:
    """The API's statuses; each worker has answered one request."""
    answers = [each.result(LIMIT) for each in asked]
    assert len({process for process, _ in answers}) == WORKERS
    return [status for _, status in answers]


@each_server
def test_workers_begin_with_the_token_of_the_program(
    oauth_server: LoopbackServer, tmp_path: Path, name: str, command: list[str]
) -> None:
    """And each renews it for itself."""
    with served(oauth_server, name, command, tmp_path, "has a token") as application:
        with oauth_server.api.hold() as gate:  # a worker that has one request gets no second one
            asked = application.ask_all()
            gate.wait_for(WORKERS, LIMIT)
        assert ended(asked) == [200] * WORKERS
        assert talk(oauth_server) == ["token 200"] + ["api 200"] * WORKERS

        oauth_server.revoke_all()
        with oauth_server.api.hold() as gate:
            asked = application.ask_all()
            gate.wait_for(WORKERS, LIMIT)
        assert ended(asked) == [200] * WORKERS
        assert len(oauth_server.token_requests) == 1 + WORKERS


@each_server
def test_workers_do_not_wait_for_a_thread_that_stayed_behind(
    oauth_server: LoopbackServer, tmp_path: Path, name: str, command: list[str]
) -> None:
    """The program is fetching a token when its workers are forked; in them no one is."""
    with served(oauth_server, name, command, tmp_path, "is fetching") as application:
        with oauth_server.token_endpoint.hold() as gate:
            gate.wait_for(1, LIMIT)
            application.go()
            asked = application.ask_all()
            gate.wait_for(1 + WORKERS, 10)  # s; a worker that waits for the program's thread takes longer
        assert ended(asked) == [200] * WORKERS
