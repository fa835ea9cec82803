"""`_http.giving_way`: a renewal that no one waits for rests, and nothing else does."""

from __future__ import annotations

import threading
from contextvars import copy_context
from types import SimpleNamespace

import pytest

from oauth_cc_auth._http import giving_way as module
from oauth_cc_auth._http.giving_way import give_way, giving_way


@pytest.fixture(name="rests")
def _rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The rests that were taken, in seconds."""
    rests = list[float]()
    event = SimpleNamespace(wait=rests.append)
    monkeypatch.setattr(module, "threading", SimpleNamespace(Event=lambda: event, get_ident=threading.get_ident))
    return rests


def test_who_is_waited_for_does_not_rest(rests: list[float]) -> None:
    give_way()
    assert rests == []


def test_a_renewal_rests_before_it_begins_and_whenever_it_can(rests: list[float]) -> None:
    """A request has a chance to go on each time. What comes after the renewal does not rest."""
    with giving_way():
        assert rests == [0.005]
        give_way()
    give_way()
    assert rests == [0.005] * 2


def test_an_error_ends_it_too(rests: list[float]) -> None:
    """Else a thread of a pool would rest for ever after."""
    with pytest.raises(RuntimeError), giving_way():
        raise RuntimeError
    give_way()
    assert len(rests) == 1


def test_other_contexts_do_not_rest(rests: list[float]) -> None:
    """Those of requests, in particular."""
    outside = copy_context()
    with giving_way():
        outside.run(give_way)
    assert len(rests) == 1


def test_other_threads_with_its_context_do_not_rest(rests: list[float]) -> None:
    """An event loop, for example, in which a hook in that thread has something done: it would be blocked."""
    with giving_way():
        context = copy_context()
        thread = threading.Thread(target=lambda: context.run(give_way))
        thread.start()
        thread.join()
    assert len(rests) == 1
