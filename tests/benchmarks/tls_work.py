"""Gets tokens and sends POSTs by hand over TLS, in turns. Prints ratios of CPU time, and times in seconds."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
import os
import ssl
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

import certifi
import trustme

from .loopback import loopback

CREDENTIALS = ("client", "secret")
SHORT = 2.0  # seconds that a token lives that is renewed in the background
FORM = {"grant_type": "client_credentials"}

Work = Callable[[], Awaitable[object]]


def _certificates(folder: Path) -> tuple[Path, Path]:
    """A file for the server, and the bundle of certifi with the authority that issued it."""
    authority = trustme.CA()
    served, bundle = folder / "server.pem", folder / "bundle.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(served))
    bundle.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
    return served, bundle


def _by_hand(library: Any, url: str, *, is_async: bool) -> Work:
    """A POST over a new connection, with a context that is there."""
    if library.__name__ == "requests":
        return _by_hand_requests(library, url)
    context = library.create_ssl_context()

    def post() -> object:
        with library.Client(verify=context) as client:
            return client.post(url, data=FORM, auth=CREDENTIALS, timeout=10).json()

    async def apost() -> object:
        async with library.AsyncClient(verify=context) as client:
            return (await client.post(url, data=FORM, auth=CREDENTIALS, timeout=10)).json()

    return apost if is_async else _in_a_coroutine(post)


def _by_hand_requests(library: Any, url: str) -> Work:
    from urllib3.util.ssl_ import create_urllib3_context

    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(os.environ["REQUESTS_CA_BUNDLE"])

    class Warm(library.adapters.HTTPAdapter):  # type: ignore[misc]  # a library known when it runs
        """An adapter that does not load the bundle."""

        def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
            pool = super().get_connection_with_tls_context(*args, **kwargs)
            pool.conn_kw["ssl_context"], pool.ca_certs = context, None
            return pool

        def cert_verify(self, *args: Any) -> None:
            """Leave the pool as it is."""

    def post() -> object:
        with library.Session() as session:
            session.mount("https://", Warm())
            return session.post(url, data=FORM, auth=CREDENTIALS, timeout=10).json()

    return _in_a_coroutine(post)


def _in_a_coroutine(function: Callable[[], object]) -> Work:
    async def work() -> object:
        return function()

    return work


def _auth_class(kind: str) -> Any:
    return importlib.import_module(f"oauth_cc_auth.{kind.partition(' ')[0]}").ClientCredentialsAuth


async def _cpu_seconds(work: Work) -> float:
    started = time.process_time()
    await work()
    return time.process_time() - started


async def _longest_gap(work: Work) -> float:
    """Seconds for which another task of this loop could not run."""
    longest, done = 0.0, False

    async def tick() -> None:
        nonlocal longest
        last = time.perf_counter()
        while not done:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    await work()
    done = True
    await ticking
    return longest


async def _longest_gap_beside(kind: str, url: str, rounds: int) -> float:
    """The same while a thread renews the token that requests use meanwhile; median of all renewals."""
    auth_class = _auth_class(kind)
    renewed: list[float] = []  # when each renewal began, and in the end when it was over
    gaps: list[float] = []

    def note(event: Any) -> None:
        now = time.perf_counter()
        renewed.extend((now - event.elapsed, now))

    auth = auth_class(url, *CREDENTIALS, early_expiry=0.0, on_event=note)
    for number in range(rounds + 1):  # the first is no renewal
        ticks = [time.perf_counter()]
        while len(renewed) < 2 * (number + 1):
            await auth.aget_token()
            await asyncio.sleep(0)
            ticks.append(time.perf_counter())
        began = renewed[-2]
        gaps.append(max(now - last for last, now in itertools.pairwise(ticks) if now >= began))
    return median(gaps[1:])


async def _measure(kind: str, url: str, rounds: int) -> dict[str, float]:
    name, _, mode = kind.partition(" ")
    library = importlib.import_module(name)
    auth_class = _auth_class(kind)
    auth = auth_class(url, *CREDENTIALS)

    def token_of(auth: Any) -> Work:
        return auth.aget_token if mode else _in_a_coroutine(auth.get_token)

    async def renewal() -> object:
        auth.invalidate()
        return await token_of(auth)()

    async def further() -> object:
        return await token_of(auth_class(url, *CREDENTIALS))()

    first = await _cpu_seconds(renewal)
    works = {"post": _by_hand(library, url, is_async=bool(mode)), "renewal": renewal, "further": further}
    for work in works.values():
        await work()
    times = [{name: await _cpu_seconds(work) for name, work in works.items()} for _ in range(rounds)]
    figures = {"first cpu": first}
    for name in works:
        figures[name] = median(each[name] / each["post"] for each in times)
        figures[f"{name} cpu"] = median(each[name] for each in times)
    if mode:
        figures["gap"] = median([await _longest_gap(renewal) for _ in range(rounds)])
    return figures


def main(kind: str, rounds: int) -> None:
    """Print the figures of one kind of client."""
    with tempfile.TemporaryDirectory() as folder:
        served, bundle = _certificates(Path(folder))
        os.environ.update(SSL_CERT_FILE=str(bundle), REQUESTS_CA_BUNDLE=str(bundle))
        with loopback(0.0, 3600, str(served)) as server:
            figures = asyncio.run(_measure(kind, server.token_url, rounds))
        if "gap" in figures:
            with loopback(0.0, SHORT, str(served)) as server:
                figures["gap beside"] = asyncio.run(_longest_gap_beside(kind, server.token_url, rounds // 4))
        print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
