"""What a test can script for one endpoint: its next answers, and a gate to hold its requests."""

import threading
from collections import deque
from collections.abc import Callable

from ._answers import Answer
from ._gate import Gate
from ._record import RecordedRequest

ScriptedAnswer = Answer | Callable[[RecordedRequest], Answer | None] | None
"""An answer, a callable that makes one, or None (also from the callable) for the endpoint's normal answer."""


def _check(answer: object) -> None:
    """Said to the test that scripts it, and not in an answer of the server's that nobody reads."""
    if answer is not None and not isinstance(answer, Answer) and not callable(answer):
        raise TypeError(
            f"an answer must be an Answer, such as Answer(503), a callable that makes one, or None, not {answer!r}"
        )


class Endpoint:
    """The token endpoint or the API of a ``LoopbackServer``. Thread-safe.

    A request is recorded, waits at the gates that are closed, and only then takes its scripted answer: what
    is scripted while requests are held applies to them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: deque[ScriptedAnswer] = deque()
        self._always: ScriptedAnswer = None
        self._gates: tuple[Gate, ...] = ()

    def next(self, *answers: ScriptedAnswer) -> None:
        """Give these answers to the next requests, one each, after those that are scripted already.

        Raises:
            TypeError: one of them is no `ScriptedAnswer`.
        """
        for answer in answers:
            _check(answer)
        with self._lock:
            self._next.extend(answers)

    def always(self, answer: ScriptedAnswer) -> None:
        """Give this answer to every request for which there is no ``next`` one, until ``clear``.

        Raises:
            TypeError: it is no `ScriptedAnswer`.
        """
        _check(answer)
        with self._lock:
            self._always = answer

    def clear(self) -> None:
        """Forget all scripted answers."""
        with self._lock:
            self._next.clear()
            self._always = None

    def hold(self) -> Gate:
        """From now on requests wait until the gate that is returned is released."""
        gate = Gate()
        with self._lock:
            self._gates = (*(each for each in self._gates if not each.released), gate)
        return gate

    def admit(self, stopping: threading.Event) -> None:
        """For the server: wait at the gates that are there on arrival. Raises ServerStoppedError."""
        for gate in self._gates:
            gate.pass_through(stopping)

    def take(self, request: RecordedRequest) -> Answer | None:
        """For the server: the scripted answer for ``request``, or None for the normal one."""
        with self._lock:
            answer = self._next.popleft() if self._next else self._always
        # Called without the lock: the callable may script this endpoint.
        if answer is None or isinstance(answer, Answer):
            return answer
        return answer(request)

    def wake(self) -> None:
        """For the server, when it is stopping: let nobody wait any longer."""
        for gate in self._gates:
            gate.wake()
