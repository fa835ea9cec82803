"""The requests that the server saw, in order of arrival."""

import itertools
import threading

from ._record import RecordedRequest, RequestKind


class RequestLog:
    """Thread-safe. Records are immutable, so an outcome replaces the record that waited for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._records: dict[int, RecordedRequest] = {}

    def add(self, record: RecordedRequest) -> int:
        """Note an arrival. Returns the number under which its outcome is to be noted."""
        with self._lock:
            number = next(self._numbers)
            self._records[number] = record
        return number

    def settle(self, number: int, record: RecordedRequest) -> None:
        """Note an outcome, unless the log was cleared since the request arrived."""
        with self._lock:
            if number in self._records:
                self._records[number] = record

    def clear(self) -> None:
        with self._lock:
            self._records.clear()

    def records(self, kind: RequestKind | None = None) -> tuple[RecordedRequest, ...]:
        """The records of one kind, or all."""
        with self._lock:
            return tuple(record for record in self._records.values() if kind in (None, record.kind))
