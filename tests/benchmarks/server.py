"""A token endpoint and an API on loopback, in their own process: ``python -m tests.benchmarks.server 0.2 4``.

A third argument is a file with certificate and key: it then speaks TLS. A fourth is a number of seconds: with the
second token request, the endpoint begins to hang, and answers no token request until they have passed.

It does as little as possible, so that the figures measure the client. A token contains its end, and the API refuses it
from then on. The first line of output is the port. ``GET /report`` returns the counts of answers and resets them.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import ssl
import sys
import time
from collections import Counter

_HEAD = "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"


class Service:
    """The answers and their counts."""

    def __init__(self, token_delay: float, token_life: float, hang: float = 0.0) -> None:
        self._token_delay = token_delay
        self._life = token_life
        self._hang = hang
        self._hangs_until = 0.0
        self._asked = 0
        self._numbers = itertools.count()
        self._counts: Counter[str] = Counter()

    def delay(self) -> float:
        """Seconds that the token request takes that arrives now."""
        self._asked += 1
        now = time.monotonic()
        if self._asked == 2:
            self._hangs_until = now + self._hang
        return max(self._token_delay, self._hangs_until - now)

    def token(self) -> bytes:
        """Issue a new token."""
        self._counts["tokens"] += 1
        name = f"{next(self._numbers)}:{time.time() + self._life}"
        return _answer(200, {"access_token": name, "token_type": "Bearer", "expires_in": int(self._life)})

    def api(self, token: str) -> bytes:
        """True if the API accepts the token."""
        good = float(token.partition(":")[2] or 0) > time.time()
        self._counts["accepted" if good else "refused"] += 1
        return _answer(200 if good else 401, {})

    def report(self) -> bytes:
        """The counts since the last report."""
        counts, self._counts = self._counts, Counter()
        return _answer(200, counts)


def _answer(status: int, body: object) -> bytes:
    text = json.dumps(body)
    return (_HEAD.format(status, len(text)) + text).encode()


class Connection(asyncio.Protocol):
    """Serves one request after the other. A request arrives whole, or its body arrives in a second piece."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._received = rest[length:]
        self._serve(line, headers)

    def _serve(self, line: str, headers: dict[str, str]) -> None:
        service = self._service
        if line.startswith("POST"):
            asyncio.get_running_loop().call_later(service.delay(), lambda: self._write(service.token()))
        elif line.startswith("GET /report"):
            self._write(service.report())
        else:
            self._write(service.api(headers.get("authorization", "").removeprefix("Bearer ")))

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


async def _run(token_delay: float, token_life: float, certificate: str = "", hang: str = "0") -> None:
    service = Service(token_delay, token_life, float(hang))
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0, backlog=1024, ssl=tls)
    gc.collect()
    gc.freeze()  # else a full collection would look at all modules, and requests would wait for it
    print(server.sockets[0].getsockname()[1], flush=True)
    # Ends when the process that started it ends in any way, because that closes the other end of the pipe.
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_run(float(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:]))
