"""The requests that the server received, in order of arrival."""

import itertools
import threading

from ._recorded_request import RecordedRequest, RequestKind


class RequestLog:
    """Keeps the records. Thread-safe. Records are immutable: the one with the outcome replaces the first one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._records: dict[int, RecordedRequest] = {}

    def add(self, record: RecordedRequest) -> int:
        """Add a request that arrived. Returns its number, for ``settle``."""
        with self._lock:
            number = next(self._numbers)
            self._records[number] = record
        return number

    def settle(self, number: int, record: RecordedRequest) -> None:
        """Store the outcome of a request. Does nothing if the log was cleared since the request arrived."""
        with self._lock:
            if number in self._records:
                self._records[number] = record

    def clear(self) -> None:
        with self._lock:
            self._records.clear()

    def records(self, kind: RequestKind | None = None) -> tuple[RecordedRequest, ...]:
        """The records of one kind. None: all of them."""
        with self._lock:
            return tuple(record for record in self._records.values() if kind in (None, record.kind))
