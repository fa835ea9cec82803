"""Names and connections, without TLS."""

from __future__ import annotations

import socket
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple

from oauth_cc_auth._cli.check.connection_facts import Certificate, StepProblem
from oauth_cc_auth._redact.redact import presentable


class ConnectionFailure(NamedTuple):
    """Why a step failed, as a code and in one line.

    Attributes:
        certificate: The one that was not accepted, if that is the reason and it could be read.
    """

    problem: StepProblem
    text: str
    certificate: Certificate | None = None


class Opened(NamedTuple):
    """A connection, and what happened on the way to it."""

    sock: socket.socket
    address: str
    port: int
    text: str


def resolve(host: str, port: int, timeout: float) -> tuple[str, ...] | ConnectionFailure:
    """The addresses of a name within `timeout` seconds. A thread asks, because a resolver has no time-out."""
    answers: SimpleQueue[tuple[str, ...] | ConnectionFailure] = SimpleQueue()
    Thread(target=lambda: answers.put(_asked(host, port)), daemon=True).start()
    try:
        return answers.get(timeout=timeout)
    except Empty:
        return ConnectionFailure("resolver_failed", f"no answer from the resolver within {timeout:.3g} s")


def _asked(host: str, port: int) -> tuple[str, ...] | ConnectionFailure:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return ConnectionFailure(
            "resolver_failed" if error.errno == socket.EAI_AGAIN else "host_not_found", words_of(error)
        )
    except (OSError, UnicodeError) as error:  # a label of 64 characters, for example
        return ConnectionFailure("host_not_found", words_of(error))
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def open_first(addresses: tuple[str, ...], port: int, timeout: float) -> Opened | ConnectionFailure:
    """A connection to the first address that accepts one; all of them together get `timeout` seconds."""
    failures: list[ConnectionFailure] = []
    for address in addresses:
        try:
            sock = socket.create_connection((address, port), timeout / len(addresses))
        except OSError as error:
            failures.append(ConnectionFailure(_problem(error), f"{address} port {port}: {words_of(error)}"))
            continue
        sock.settimeout(timeout)
        text = "; ".join([f"{address} port {port}", *(f"not {failure.text}" for failure in failures)])
        return Opened(sock, address, port, text)
    return failures[0]._replace(text="; ".join(failure.text for failure in failures))


def _problem(error: OSError) -> StepProblem:
    if isinstance(error, TimeoutError):
        return "timed_out"
    return "refused" if isinstance(error, ConnectionRefusedError) else "unreachable"


def words_of(error: Exception) -> str:
    """What `error` says, in one line without its number."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return presentable(str(text), ()).rstrip(".")
