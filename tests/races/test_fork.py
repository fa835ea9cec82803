"""Promise 13: after a fork the child works, no matter what other threads of the parent were doing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import oauth_cc_auth
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import HTTPX, HTTPX2, REQUESTS, ClientKind, for_clients

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

LIMIT = 60  # s

# It talks to the test by lines. Every wait in it is bounded, and a hang is reported with the stacks of all threads.
PRELUDE = """
import _imp, ctypes, faulthandler, importlib, os, signal, sys, threading, traceback, warnings
faulthandler.dump_traceback_later(40, exit=True)
warnings.simplefilter("ignore")  # 3.12 warns of every fork of a process with threads, which this is about
module, token_url, hooks = sys.argv[1:]
if hooks != "hooks":  # as uWSGI forks: of os.register_at_fork nothing runs or, if asked to, what is for the child
    def fork(fork=ctypes.PyDLL(None).fork):
        if hooks == "no-hooks":
            return fork()
        _imp.acquire_lock()  # from 3.13 on, what is for the child ends the process if the forking thread lacks it
        pid = fork()
        if pid == 0:
            ctypes.pythonapi.PyOS_AfterFork_Child()
        else:
            _imp.release_lock()
        return pid

    os.fork = fork
auth = importlib.import_module(module).ClientCredentialsAuth(token_url, "client", "secret", deadline=30)

def bound_child():
    # Not dump_traceback_later: in a child it waits for its own thread, which stayed in the parent.
    faulthandler.register(signal.SIGALRM, chain=True)
    signal.alarm(30)

def tell(name):
    # In one piece, because parent and child write to the same pipe.
    os.write(1, f"{name} {auth.get_token().access_token}\\n".encode())

def in_child(function):
    pid = os.fork()
    if pid == 0:
        bound_child()
        status = 1
        try:
            function()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return pid

def ended_well(pid):
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""

WHILE_FETCHING = """
leader = threading.Thread(target=auth.get_token)
leader.start()
sys.stdin.readline()  # until its token request has arrived
pid = in_child(lambda: tell("child"))
ended_well(pid)
leader.join()
tell("parent")
"""

WHILE_LOCKED = """
held, done = threading.Event(), threading.Event()

def hold():
    with auth._source.cache._lock.here():
        held.set()
        done.wait(30)

holder = threading.Thread(target=hold)
holder.start()
held.wait(30)

def child():
    auth.get_token()
    auth.invalidate()
    tell("child")

ended_well(in_child(child))
done.set()
holder.join()
tell("parent")
"""

WITH_A_TOKEN = """
tell("parent")
ended_well(in_child(lambda: tell("child")))
"""

IN_THE_LEADER = """
def secret():
    global pid
    if not forked:
        forked.append(os.getpid())
        pid = os.fork()
        if pid == 0:
            bound_child()
    return "secret"

forked = []
auth = type(auth)(token_url, "client", secret, deadline=30)
token = auth.get_token().access_token
assert auth.get_token().access_token == token
tell("parent" if pid else "child")
if pid == 0:
    os._exit(0)
ended_well(pid)
"""


each_way = pytest.mark.parametrize("hooks", ["hooks", "child-hooks", "no-hooks"])


def start(client: ClientKind, server: LoopbackServer, script: str, hooks: str) -> subprocess.Popen[str]:
    source = Path(oauth_cc_auth.__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + script, client.auth_class.__module__, server.token_url, hooks],
        env={**os.environ, "PYTHONPATH": str(source)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(process: subprocess.Popen[str], line: str = "") -> dict[str, str]:
    """The tokens of parent and child, by their names."""
    with process:
        try:
            output, errors = process.communicate(line, LIMIT)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    return {line.split()[0]: line.split()[1] for line in output.splitlines()}


@each_way
@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_a_child_works_while_another_thread_of_the_parent_is_fetching(
    client: ClientKind, oauth_server: LoopbackServer, hooks: str
) -> None:
    """The child does not have that thread, so it leads at once. The parent gets what it waits for."""
    with oauth_server.token_endpoint.hold() as gate:
        process = start(client, oauth_server, WHILE_FETCHING, hooks)
        gate.wait_for(1, 20)
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        gate.wait_for(2, 20)
        gate.release()
        tokens = told(process)
    assert set(tokens.values()) == set(oauth_server.issued)
    assert len(oauth_server.issued) == 2


@each_way
@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_a_child_works_when_another_thread_held_the_lock(
    client: ClientKind, oauth_server: LoopbackServer, hooks: str
) -> None:
    """No one in the child will ever release it, so the child gets new ones."""
    tokens = told(start(client, oauth_server, WHILE_LOCKED, hooks))
    assert tokens["child"] != tokens["parent"]
    assert len(oauth_server.issued) == 3


@each_way
@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_a_child_inherits_the_token(client: ClientKind, oauth_server: LoopbackServer, hooks: str) -> None:
    """A token is good in any process; forty workers do not fetch forty at once."""
    tokens = told(start(client, oauth_server, WITH_A_TOKEN, hooks))
    assert tokens["child"] == tokens["parent"] == oauth_server.issued[0]
    assert len(oauth_server.issued) == 1


@each_way
@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_a_fork_in_the_middle_of_leading_leaves_two_that_work(
    client: ClientKind, oauth_server: LoopbackServer, hooks: str
) -> None:
    """A secret callable may fork. Then parent and child both finish what they have begun."""
    tokens = told(start(client, oauth_server, IN_THE_LEADER, hooks))
    assert set(tokens.values()) == set(oauth_server.issued)
    assert len(oauth_server.issued) == 2


# The first auth object loads what fetching takes. Here that takes until the parent is about to fork.
FIRST_OBJECT = """
import importlib, os, signal, sys, threading, warnings
warnings.simplefilter("ignore")  # that threads and forks do not mix
module = importlib.import_module(sys.argv[1])
has_begun, may_end = threading.Event(), threading.Event()

class Slow:
    def find_spec(self, name, path, target=None):
        if name == "oauth_cc_auth._core.flow":
            has_begun.set()
            may_end.wait(30)

def make():
    return module.ClientCredentialsAuth("https://login.example.com/token", "client", "secret")

sys.meta_path.insert(0, Slow())
threading.Thread(target=make).start()
has_begun.wait(30)
threading.Timer(0.1, may_end.set).start()
child = os.fork()
if child == 0:
    signal.alarm(20)
    make()
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0)
"""


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_a_child_works_when_another_thread_made_the_first_auth_object(client: ClientKind) -> None:
    """The fork waits until it is made: no thread of the child holds the lock of an import that is under way."""
    command = [sys.executable, "-c", FIRST_OBJECT, client.auth_class.__module__]
    assert subprocess.run(command, timeout=60, check=False).returncode == 0
