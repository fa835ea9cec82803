"""What a test can script for one endpoint: its next answers, and gates that hold its requests."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from ._answers import Answer
from ._gate import Gate
from ._recorded_request import RecordedRequest

ScriptedAnswer = Answer | Callable[[RecordedRequest], Answer | None] | None
"""An answer, a callable that returns one, or None for the normal answer. The callable may return None too."""


def _check(answer: object) -> None:
    """Raise the error in the test that scripts the answer. A test might not read an error in a server's answer."""
    if answer is not None and not isinstance(answer, Answer) and not callable(answer):
        raise TypeError(
            f"an answer must be an Answer, such as Answer(503), a callable that returns one, or None, not {answer!r}"
        )


class _Script(NamedTuple):
    """What a test wants to be answered, and whether that is for everyone."""

    answer: ScriptedAnswer
    unprotected: bool = False


class Endpoint:
    """The token endpoint or the API of a ``LoopbackServer``. Thread-safe.

    The server records a request, holds it at the closed gates, and only then takes its scripted answer. So a
    test can script answers for requests that wait.

    A scripted success (a status from 200 to 299) of the API is for requests with a valid token. Any other request is
    refused as usual, and the answer waits for the next one. ``unprotected=True`` lifts that.
    """

    __slots__ = ("_always", "_gates", "_is_protected", "_lock", "_next")

    def __init__(self, *, is_protected: bool = False) -> None:
        self._is_protected = is_protected
        self._lock = threading.Lock()
        self._next: deque[_Script] = deque()
        self._always = _Script(None)
        self._gates: tuple[Gate, ...] = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.__slots__:
            raise AttributeError(
                f"{name} is no attribute of an endpoint: next() and always() script its answers, and the attributes of "
                "the server say the rest, such as expires_in"
            )
        super().__setattr__(name, value)

    def next(self, *answers: ScriptedAnswer, unprotected: bool = False) -> None:
        """Answer the next requests with these, one each. Answers that were scripted before come first.

        Args:
            answers: What to answer.
            unprotected: True to send a success of the API to requests without a valid token too.

        Raises:
            TypeError: one of them is not a `ScriptedAnswer`.
        """
        for answer in answers:
            _check(answer)
        with self._lock:
            self._next.extend(_Script(answer, unprotected) for answer in answers)

    def always(self, answer: ScriptedAnswer, *, unprotected: bool = False) -> None:
        """Answer every request with this if no ``next`` answer is left, until ``clear``.

        Args:
            answer: What to answer.
            unprotected: True to send a success of the API to requests without a valid token too.

        Raises:
            TypeError: it is not a `ScriptedAnswer`.
        """
        _check(answer)
        with self._lock:
            self._always = _Script(answer, unprotected)

    def clear(self) -> None:
        """Forget all scripted answers."""
        with self._lock:
            self._next.clear()
            self._always = _Script(None)

    def hold(self) -> Gate:
        """Hold all requests from now on, until you release the gate that this returns."""
        gate = Gate()
        with self._lock:
            self._gates = (*(each for each in self._gates if not each.released), gate)
        return gate

    def admit(self, stopping: threading.Event) -> None:
        """For the server: wait at the gates that existed on arrival. Raises ServerStoppedError."""
        for gate in self._gates:
            gate.pass_through(stopping)

    def take(self, request: RecordedRequest) -> Answer | None:
        """For the server: the scripted answer to ``request``, or None for the normal one."""
        with self._lock:
            is_next = bool(self._next)
            script = self._next.popleft() if is_next else self._always
        # Call it without the lock: it may script this endpoint.
        answer = script.answer if script.answer is None or isinstance(script.answer, Answer) else script.answer(request)
        if answer is None or script.unprotected or not self._is_protected:
            return answer
        if request.token_is_valid or not answer.is_success:
            return answer
        if is_next:
            with self._lock:
                self._next.appendleft(script)
        return None

    def wake(self) -> None:
        """For the server, when it stops: end the wait of every request."""
        for gate in self._gates:
            gate.wake()
