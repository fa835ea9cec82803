"""What must hold in a storm, no matter what happens. The watch notes every breach, and what hangs."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from oauth_cc_auth import Token, TokenError
from tests.clients import ClientKind

CALL_LIMIT = 60.0  # s; twice what the plugin promises, since the machine may be busy


class Watch:
    """Notes what the callers of one auth object see.

    Attributes:
        breaches: What should never happen, in words.
        seen: How often each thing happened.
        issued: The value of every token that the server has made.
        lost_loops: Event loops that were stopped; what they were sending does not count.
    """

    def __init__(self, *, may_fail: bool, may_be_refused: bool) -> None:
        self.breaches: list[str] = []
        self.seen: Counter[str] = Counter()
        self.issued: set[str] = set()
        self.lost_loops: set[object] = set()
        self._may_fail = may_fail
        self._statuses = {200, 401} if may_be_refused else {200}
        self._under_way: dict[int, float] = {}
        self._sending: dict[int, object] = {}
        self._numbers = count()

    def new_token(self) -> str:
        """A value for the server to issue."""
        value = os.urandom(12).hex()
        self.issued.add(value)
        return value

    def attach(self, auth: Any) -> None:
        """Count the token requests that `auth` has under way at the same time."""
        source = auth._source
        send = source._send

        # No context manager around what is counted: an interrupt in its own code would leave it open for a moment.
        def counted(*args: Any) -> Any:
            number = next(self._numbers)
            try:
                self._begin(number, None)
                return send(*args)
            finally:
                self._sending.pop(number, None)

        source._send = counted
        asend = source._asend
        if asend is None:
            return

        async def acounted(*args: Any) -> Any:
            number = next(self._numbers)
            try:
                self._begin(number, _loop())
                return await asend(*args)
            finally:
                self._sending.pop(number, None)

        source._asend = acounted

    def _begin(self, number: int, loop: object) -> None:
        self._sending[number] = loop
        others = [other for other in list(self._sending.values()) if other is None or other not in self.lost_loops]
        if len(others) > 1:
            self.breaches.append(f"{len(others)} token requests at the same time")
        self.seen["token requests"] += 1

    @contextmanager
    def call(self, kind: str) -> Iterator[None]:
        """Around each call: it ends in time, and raises only expected errors."""
        number = next(self._numbers)
        try:
            self._under_way[number] = time.monotonic()
            yield
            self.seen[kind] += 1
        except TokenError as error:
            self.seen[f"{kind}: {type(error).__name__}"] += 1
            if not self._may_fail:
                self.breaches.append(f"{kind}: {error!r}")
        except Exception as error:  # noqa: BLE001  # this is what it looks for
            self.breaches.append(f"{kind}: {error!r}")
        finally:
            self._under_way.pop(number, None)

    def check_token(self, token: Token) -> None:
        """The server has issued it, and it has not ended."""
        if token.access_token not in self.issued:
            self.breaches.append("a token that no one issued")
        # It may have ended between the decision and this line, on a busy machine even a second ago.
        if token.expires_at is not None and time.time() > token.expires_at + 1:
            self.breaches.append("a token that had ended")

    def check_status(self, status: int) -> None:
        """The API accepted the token."""
        if status not in self._statuses:
            self.breaches.append(f"status {status}")

    def stop_loop(self, loop: object) -> None:
        """From here on, what `loop` has under way is lost."""
        self.lost_loops.add(loop)

    def forget(self) -> None:
        """For the child of a fork, which has nothing under way, and notes only what happens in it."""
        self._sending.clear()
        self._under_way.clear()
        self.breaches.clear()

    def check_hangs(self) -> None:
        """End the process with the stacks of all threads if a call has taken too long."""
        now = time.monotonic()
        if any(now - started > CALL_LIMIT for started in list(self._under_way.values())):
            give_up(f"a call has not ended within {CALL_LIMIT:.0f} s")


def give_up(why: str) -> None:
    """Print the reason and the stacks of all threads, and end."""
    print(f"HANG: {why}", flush=True)
    faulthandler.dump_traceback(all_threads=True)
    os._exit(1)


def _loop() -> object:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:  # one of trio's, which are never stopped
        return threading.current_thread()


def new_auth(client: ClientKind, token_url: str, watch: Watch) -> Any:
    """An auth object with limits that fit into a soak, watched."""
    auth = client.auth_class(token_url, "client-id", "client-secret", timeout=3, deadline=30)
    watch.attach(auth)
    return auth
