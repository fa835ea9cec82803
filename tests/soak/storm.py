"""Callers of all kinds at once on one auth object: threads, asyncio and trio loops, forks, interrupts."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import os
import queue
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import anyio
import requests
import trio

from oauth_cc_auth.testing import LoopbackServer
from tests.clients import REQUESTS, ClientKind

from .watch import CALL_LIMIT, Watch, give_up

THREADS = 4
TASKS = 8  # in each loop
JOIN_LIMIT = 2 * CALL_LIMIT


def has_gil() -> bool:
    """False if threads really run at once."""
    asked: Callable[[], bool] | None = getattr(sys, "_is_gil_enabled", None)  # since Python 3.13
    return asked is None or asked()


class Storm:
    """Callers of every kind, until the storm is over.

    Attributes:
        watch: Notes what happens.
        chance: Decides what happens next; the same seed makes the same mix, but never the same order.
    """

    def __init__(
        self, client: ClientKind, auth: Any, server: LoopbackServer, watch: Watch, chance: random.Random
    ) -> None:
        self._client, self._auth, self._server, self.watch = client, auth, server, watch
        self.chance = chance
        self._end = threading.Event()
        runs: list[Callable[[], None]] = [self._ask_in_a_thread] * THREADS
        # Without a GIL every dict has a lock, even that of os.environ. A child inherits locks that other threads hold,
        # and waits for them for ever (seen with CPython 3.13.5). No plugin can help that.
        if hasattr(os, "fork") and has_gil():
            runs.append(self._fork)
        if client is not REQUESTS:
            loops = [lambda: asyncio.run(self._ask_in_a_loop()), lambda: trio.run(self._ask_in_a_loop)]
            runs += [self._repeating(run) for run in loops * 2] + [self._stop_loops]
        self._threads = [threading.Thread(target=self._guarded, args=(run,), daemon=True) for run in runs]

    def rage(self, seconds: float, meanwhile: Callable[[], None]) -> None:
        """Go on for `seconds`, and call `meanwhile` now and then; ends the process if something hangs."""
        for thread in self._threads:
            thread.start()
        watching = threading.Thread(target=self._keep_watch, args=(seconds, meanwhile), daemon=True)
        watching.start()
        Victim(self).run()
        watching.join(JOIN_LIMIT)
        for thread in self._threads:
            thread.join(JOIN_LIMIT)
            if thread.is_alive():
                give_up("a thread did not come to its end")

    def _keep_watch(self, seconds: float, meanwhile: Callable[[], None]) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            time.sleep(0.1)
            meanwhile()
            self._server.clear_log()
            self.watch.check_hangs()
        self._end.set()
        while any(thread.is_alive() for thread in self._threads):
            time.sleep(0.1)
            self.watch.check_hangs()

    @property
    def is_over(self) -> bool:
        """True once everyone is to end."""
        return self._end.is_set()

    def _guarded(self, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001  # no one would miss a caller that dies
            self.watch.breaches.append(f"a caller died: {error!r}")

    def _repeating(self, run: Callable[[], None]) -> Callable[[], None]:
        def repeat() -> None:
            while not self.is_over:
                run()

        return repeat

    # In threads.

    def ask(self) -> None:
        """One call of a thread: for the token, or for the API."""
        if self.chance.random() < 0.7:
            with self.watch.call("thread"):
                self.watch.check_token(self._auth.get_token())
        else:
            with self.watch.call("request"):
                self.watch.check_status(self._request())

    def _request(self) -> int:
        if self._client is REQUESTS:
            return requests.get(self._server.api_url, auth=self._auth, timeout=CALL_LIMIT).status_code
        with self._client.library.Client(auth=self._auth, timeout=CALL_LIMIT) as session:
            status: int = session.get(self._server.api_url).status_code
            return status

    def _ask_in_a_thread(self) -> None:
        while not self.is_over:
            self.ask()
            time.sleep(self.chance.random() * 0.005)

    # In loops.

    async def _ask_in_a_loop(self) -> None:
        """Ask for a while; some of the tasks are cancelled meanwhile."""
        ends = anyio.current_time() + self.chance.random()
        async with anyio.create_task_group() as group:
            for _ in range(TASKS):
                group.start_soon(self._ask_in_a_task, ends)

    async def _ask_in_a_task(self, ends: float) -> None:
        while anyio.current_time() < ends and not self.is_over:
            with anyio.move_on_after(self.chance.choice([CALL_LIMIT, self.chance.random() * 0.02])):
                with self.watch.call("task"):
                    self.watch.check_token(await self._auth.aget_token())
            await anyio.sleep(self.chance.random() * 0.005)

    def _stop_loops(self) -> None:
        """Stop a loop in the middle of its tasks; later it goes on, or is closed and thrown away."""
        while not self.is_over:
            loop = asyncio.new_event_loop()
            loop.set_exception_handler(lambda loop, context: None)  # of tasks that are thrown away
            # Not watched as calls, because what was stopped need not come to its end.
            tasks = [loop.create_task(self._auth.aget_token()) for _ in range(3)]
            loop.call_later(self.chance.random() * 0.02, loop.stop)
            loop.run_forever()
            self.watch.stop_loop(loop)
            self.watch.seen["stopped loops"] += 1
            self._end.wait(self.chance.random() * 0.2)
            if self.chance.random() < 0.5:
                for task in tasks:
                    task.cancel()
                loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            loop.close()
            del tasks, loop
            gc.collect()

    # In other processes.

    def _fork(self) -> None:
        while not self.is_over:
            pid = os.fork()
            if pid == 0:
                self._live_as_a_child()
            if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
                self.watch.breaches.append("a child did not work")
            self.watch.seen["children"] += 1
            self._end.wait(0.2)

    def _live_as_a_child(self) -> None:
        status = 1
        try:
            faulthandler.register(signal.SIGALRM, chain=True)
            signal.alarm(int(CALL_LIMIT))  # a hang ends here, with the stacks of all threads
            self.watch.forget()
            for _ in range(3):
                with self.watch.call("child"):
                    self._auth.get_token()
            for breach in self.watch.breaches:
                print("child:", breach, flush=True)
            status = 1 if self.watch.breaches else 0
        except BaseException:  # noqa: BLE001  # printed here, because no one else can report it
            traceback.print_exc()
        finally:
            os._exit(status)


class InterruptiblePool(queue.LifoQueue[Any]):
    """Where urllib3 keeps connections. An interrupt that strikes in `Condition.__enter__` leaves its lock locked.

    Then what closes the pool, such as a destructor, waits for ever. Here the thread that locked it may lock it again.
    """

    def __init__(self, maxsize: int = 0) -> None:
        super().__init__(maxsize)
        self.mutex = threading.RLock()  # type: ignore[assignment]  # as good as a Lock
        self.not_empty, self.not_full = threading.Condition(self.mutex), threading.Condition(self.mutex)


class Victim:
    """The main thread, which real signals hit anywhere, and which asks again each time."""

    def __init__(self, storm: Storm) -> None:
        self._storm = storm
        self._lock = threading.Lock()
        self._is_armed = self._is_hit = False

    def run(self) -> None:
        """Ask, until the storm is over."""
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        hitting = threading.Thread(target=self._hit, daemon=True)
        hitting.start()
        while not self._storm.is_over:
            try:
                self._is_armed = True
                self._storm.ask()
                with self._lock:
                    self._is_armed = False
                for _ in range(100 if self._is_hit else 0):
                    time.sleep(0.001)  # the signal is on its way, or a destructor has swallowed it
            except KeyboardInterrupt:
                self._storm.watch.seen["interrupts"] += 1
            self._is_armed = self._is_hit = False
        hitting.join()

    def _hit(self) -> None:
        while not self._storm.is_over:
            time.sleep(self._storm.chance.random() * 0.02)
            with self._lock:
                if self._is_armed and not self._is_hit and hasattr(signal, "pthread_kill"):
                    self._is_hit = True
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
