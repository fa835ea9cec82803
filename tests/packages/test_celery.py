"""Celery's soft time limits, in a real prefork worker: they end a task wherever it is, also in the midst of ours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oauth_cc_auth.testing import LoopbackServer
from tests.packages.support import LIMIT, child, package, talk

celery = package("celery")

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

# Each task makes an auth object of its own, but for `first` and `second`, which share one. The time limit passes while
# the task waits for an answer that the test holds back; what the task saw of that is its result.
TASKS = '''
import os
import time

import celery
import httpx
import requests
from celery.exceptions import SoftTimeLimitExceeded

import oauth_cc_auth.httpx
import oauth_cc_auth.requests

app = celery.Celery("tasks", broker="filesystem://", backend="file://results")
app.conf.broker_transport_options = dict.fromkeys(("data_folder_in", "data_folder_out", "control_folder"), "queue")
TOKEN_URL, API_URL = os.environ.get("TOKEN_URL"), os.environ.get("API_URL")
LIMIT = 1.0  # s
kept = oauth_cc_auth.requests.ClientCredentialsAuth(TOKEN_URL, "client", "secret")
families = {"requests": oauth_cc_auth.requests, "httpx": oauth_cc_auth.httpx}


def outcome(library, auth, **options):
    """What one request came to: its status, or the class of its exception."""
    try:
        with library.Session() if library is requests else library.Client() as client:
            return client.request("GET", API_URL, auth=auth, **options).status_code
    except BaseException as error:
        return type(error).__name__


def wait(*arguments):
    time.sleep(60)


@app.task(soft_time_limit=LIMIT)
def limited(library, where):
    family, library = families[library], {"requests": requests, "httpx": httpx}[library]
    options = {"timeout": 60, "deadline": 120}
    if where == "token_client":
        options["token_client"] = requests.Session() if library is requests else library.Client()
    elif where == "on_event":
        options["on_event"] = wait
    elif where == "renew_on":
        options["renew_on"] = wait
    secret = wait if where == "client_secret" else "secret"
    auth = family.ClientCredentialsAuth(TOKEN_URL, "client", secret, **options)
    return outcome(library, auth)


@app.task(soft_time_limit=LIMIT)
def first():
    return outcome(requests, kept)


@app.task
def second():
    return outcome(requests, kept)
'''


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server


class Sender:
    """Sends tasks. A message is moved into the queue once it is whole: the worker ends if it reads half of one."""

    def __init__(self, app: Any, folder: Path) -> None:
        self._app = app
        self._folder = folder

    def send(self, name: str, arguments: tuple[str, ...]) -> Any:
        sent = self._app.send_task(f"tasks.{name}", arguments)
        for message in (self._folder / "outgoing").iterdir():
            message.replace(self._folder / "queue" / message.name)
        return sent


@pytest.fixture(scope="module")
def tasks(server: LoopbackServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Sends tasks to a worker with one process."""
    folder = tmp_path_factory.mktemp("worker")
    for name in ("outgoing", "queue", "results"):
        (folder / name).mkdir()
    (folder / "tasks.py").write_text(TASKS)
    app = celery.Celery("tasks", broker="filesystem://", backend=f"file://{folder / 'results'}")
    places = {"data_folder_in": "queue", "data_folder_out": "outgoing", "control_folder": "queue"}
    app.conf.broker_transport_options = {name: str(folder / place) for name, place in places.items()}
    worker = ["-m", "celery", "--app=tasks", "worker", "--pool=prefork", "--concurrency=1", "--loglevel=WARNING"]
    with child(worker, folder, {"TOKEN_URL": server.token_url, "API_URL": server.api_url}):
        yield Sender(app, folder)
    app.close()


@pytest.fixture(autouse=True)
def _afresh(server: LoopbackServer) -> None:
    server.clear_log()


def result(tasks: Any, name: str, *arguments: str) -> Any:
    return tasks.send(name, arguments).get(timeout=LIMIT, interval=0.05)


@pytest.mark.parametrize("library", ["requests", "httpx"])
@pytest.mark.parametrize("where", ["token request", "token_client"])
def test_a_limit_during_a_token_request(server: LoopbackServer, tasks: Any, library: str, where: str) -> None:
    """It is what the task sees, and the request is not made again."""
    with server.token_endpoint.hold():
        assert result(tasks, "limited", library, where) == "SoftTimeLimitExceeded"
    assert len(server.token_requests) == 1


@pytest.mark.parametrize("library", ["requests", "httpx"])
@pytest.mark.parametrize("where", ["client_secret", "on_event", "renew_on"])
def test_a_limit_in_a_callable(server: LoopbackServer, tasks: Any, library: str, where: str) -> None:
    assert result(tasks, "limited", library, where) == "SoftTimeLimitExceeded"


def test_the_next_task_of_the_process_gets_a_token(server: LoopbackServer, tasks: Any) -> None:
    """It neither waits for the task that was ended nor fails with it."""
    with server.token_endpoint.hold():
        assert result(tasks, "first") == "SoftTimeLimitExceeded"
    assert result(tasks, "second") == 200
    assert talk(server)[-2:] == ["token 200", "api 200"]
