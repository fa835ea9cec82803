"""The command: ``python3 -m tests.soak``, from a checkout. It makes what it needs in a temporary folder.

There are nine storms, one for each client library and kind of server; see `storm`. The command ends with 1 if a promise
was broken. If something hangs, it shows the stacks of all threads.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import random
import sys
import time
import warnings
from collections.abc import Callable

from tests.own_environment import own_environment

SPARE = 300.0  # s that everything around the storms may take


def main() -> int:
    """Run it. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.soak", description="Soak one auth object after the other.")
    parser.add_argument("--seconds", type=float, default=60.0, help="of storm in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="of what happens (default: the time)")
    parser.add_argument("--here", action="store_true", help="in the environment that there is")
    arguments = parser.parse_args()
    if arguments.here:
        return soak(arguments.seconds, arguments.seed)
    with own_environment("requests,httpx,httpx2", ["anyio", "pytest", "trio"]) as environment:
        command = ["-m", "tests.soak", "--here", "--seconds", str(arguments.seconds), "--seed", str(arguments.seed)]
        return environment.run(*command, limit=arguments.seconds + SPARE).returncode


def soak(seconds: float, seed: int) -> int:
    """Storm for so many seconds. Returns 1 if a promise was broken."""
    from urllib3.connectionpool import ConnectionPool

    from tests.clients import HTTPX, HTTPX2, REQUESTS

    from .storm import InterruptiblePool, has_gil
    from .weather import WEATHERS, storm

    faulthandler.dump_traceback_later(seconds + SPARE / 2, exit=True)
    warnings.simplefilter("ignore")  # about forks with threads, and loops that are thrown away
    logging.disable(logging.CRITICAL)
    sys.unraisablehook = _ignore
    clients = (REQUESTS, HTTPX, HTTPX2)
    broken = 0
    ConnectionPool.QueueCls = InterruptiblePool
    _import_everything()  # an extension may switch the GIL on
    print(f"seed {seed}, Python {sys.version.split()[0]}{'' if has_gil() else ' without a GIL'}", flush=True)
    for client in clients:
        for weather in WEATHERS:
            watch = storm(client, weather, seconds / len(clients) / len(WEATHERS), random.Random(seed))  # noqa: S311  # no secret
            what = ", ".join(f"{number} {name}" for name, number in sorted(watch.seen.items()))
            print(f"{client.id}, {weather.__name__}: {what}", flush=True)
            for breach in watch.breaches[:20]:
                print(f"  BROKEN: {breach}", flush=True)
            broken += len(watch.breaches)
    print(f"{broken} promises broken", flush=True)
    return 1 if broken else 0


def _import_everything() -> None:
    """A child that is forked while another thread imports waits for ever, and no plugin can help that."""
    import anyio
    import httpx
    import httpx2

    httpx.Client().close()
    httpx2.Client().close()
    for backend in ("asyncio", "trio"):
        anyio.run(anyio.sleep, 0, backend=backend)


_ignore: Callable[[object], None] = lambda unraisable: None  # tasks of loops that were thrown away complain

if __name__ == "__main__":
    sys.exit(main())
