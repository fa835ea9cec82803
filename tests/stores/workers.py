"""Forks workers that send API requests with one auth object; run by `test_processes`, and by no one else.

    python workers.py N STORE TOKEN_URL API_URL [REQUESTS]

STORE is a folder or the URL of a Redis. Each worker writes a line: the statuses that it saw, and the warnings.
"""

from __future__ import annotations

import logging
import os
import sys

import requests

from oauth_cc_auth._stores import redis, visit
from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.stores import FileStore, RedisStore

LIMIT = 100.0  # seconds; whatever takes longer counts as a hang


def main(workers: int, where: str, token_url: str, api_url: str, times: int = 1) -> None:
    if workers > 1:  # they get in each other's way on a small machine, which is no fault of the store
        visit.BUDGET = redis.TIMEOUT = LIMIT
    store = RedisStore(where) if "://" in where else FileStore(where)
    # A test may hold requests for as long as it likes.
    auth = ClientCredentialsAuth(token_url, "abcd-1234", "secret123456", store=store, timeout=LIMIT, deadline=LIMIT)
    gate_read, gate_write = os.pipe()
    children = []
    for _ in range(workers):
        child = os.fork()
        if not child:
            os.close(gate_write)
            os.read(gate_read, 1)  # until the parent closes its end: all begin at once
            work(auth, api_url, times)
            os._exit(0)
        children.append(child)
    os.close(gate_write)
    for child in children:
        os.waitpid(child, 0)


def work(auth: ClientCredentialsAuth, api_url: str, times: int) -> None:
    warnings: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: warnings.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("oauth_cc_auth").addHandler(handler)
    with requests.Session() as session:
        session.headers["Worker"] = str(os.getpid())
        try:
            statuses = [session.get(api_url, auth=auth).status_code for _ in range(times)]
        except requests.RequestException as error:
            statuses, warnings = [0], [str(error)]
    os.write(1, f"{','.join(map(str, statuses))} {'; '.join(warnings)}\n".encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], *map(int, sys.argv[5:]))
