"""`_core.caller`: which event loop is running, found out without importing one."""

from __future__ import annotations

import asyncio
import sys
import threading
from types import ModuleType

import pytest
import trio

from oauth_cc_auth._core.caller import running_loop


async def ask() -> object | None:
    return running_loop()


def test_none() -> None:
    """Outside of an event loop, though both kinds are imported."""
    assert {"asyncio", "trio"} <= set(sys.modules)
    assert running_loop() is None


def test_asyncio() -> None:
    """The very loop, even if trio is imported."""

    async def main() -> None:
        assert running_loop() is asyncio.get_running_loop()

    asyncio.run(main())


def test_asyncio_without_trio(monkeypatch: pytest.MonkeyPatch) -> None:
    """No one imports trio to find out."""
    monkeypatch.delitem(sys.modules, "trio")
    assert asyncio.run(ask()) is not None
    assert "trio" not in sys.modules


def test_trio() -> None:
    """Its token stands for the loop: one for each run."""

    async def main() -> object | None:
        assert running_loop() is trio.lowlevel.current_trio_token()
        return running_loop()

    first, second = trio.run(main), trio.run(main)
    assert first is not second


def test_trio_inside_of_asyncio() -> None:
    """The innermost one, which runs the code that asks."""

    async def main() -> object | None:
        return trio.run(ask)

    assert isinstance(asyncio.run(main()), trio.lowlevel.TrioToken)


def test_without_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that never imported an event loop runs none, and none is imported."""
    monkeypatch.delitem(sys.modules, "trio")
    monkeypatch.delitem(sys.modules, "asyncio")
    assert running_loop() is None
    assert not {"asyncio", "trio"} & set(sys.modules)


def test_another_thread() -> None:
    """A worker thread of an event loop runs no loop itself."""
    found: list[object | None] = []

    async def main() -> None:
        thread = threading.Thread(target=lambda: found.append(running_loop()))
        thread.start()
        thread.join()

    asyncio.run(main())
    assert found == [None]


@pytest.mark.parametrize("library", ["trio", "asyncio"])
def test_a_library_that_another_thread_is_just_importing(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in `sys.modules` without its contents, so it cannot be running yet."""
    monkeypatch.setitem(sys.modules, library, ModuleType(library))
    assert running_loop() is None
