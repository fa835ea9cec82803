"""One connection: the server reads, records and answers its requests one after the other."""

import contextlib
import dataclasses
import socket
import threading
import time
from io import BufferedReader

from ._answers import Answer
from ._gate import ServerStoppedError
from ._incoming import ClientGoneError, MalformedRequestError, read_request
from ._log import RequestLog
from ._outgoing import closes_connection, pieces
from ._recorded_request import RecordedRequest
from ._server_settings import ServerSettings
from ._site import Site


class ConnectionHandler:
    """Serves one connection per call. The caller provides a thread for each."""

    def __init__(self, settings: ServerSettings, site: Site, log: RequestLog) -> None:
        self._settings = settings
        self._site = site
        self._log = log

    def serve(self, connection: socket.socket, stopping: threading.Event) -> None:
        """Answer requests until one side closes the connection. Never raises because of a client."""
        with (
            contextlib.suppress(OSError, ClientGoneError, ServerStoppedError),
            connection.makefile("rb") as stream,
        ):
            # Otherwise each piece of an answer waits 40 ms for the client's delayed ACK.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while self._exchange(connection, stream, stopping):
                    pass
            except MalformedRequestError as error:
                refusal = Answer.error("invalid_request", str(error))
                for piece in pieces(refusal, head_only=False, close=True):
                    connection.sendall(piece.data)

    def _exchange(self, connection: socket.socket, stream: BufferedReader, stopping: threading.Event) -> bool:
        """Serve one request. Returns whether the connection can serve another."""
        incoming = read_request(stream, connection.sendall)
        request = self._site.record(incoming)
        number = self._log.add(request)
        if not incoming.complete:
            return False
        request = self._site.admit(request, stopping)
        answer = self._site.answer(request)
        close = not incoming.keep_alive or closes_connection(answer)
        to_send = pieces(answer, head_only=request.method == "HEAD", close=close)
        # Keep one piece back to know which is the last: record the outcome before sending that one.
        held = next(to_send)
        for following in to_send:
            _pause(held.delay, stopping)
            connection.sendall(held.data)
            held = following
        _pause(held.delay, stopping)
        self._settle(number, request, answer)
        connection.sendall(held.data)
        return not close

    def _settle(self, number: int, request: RecordedRequest, answer: Answer) -> None:
        settled = dataclasses.replace(request, status=answer.status, finished=time.monotonic())
        self._log.settle(number, settled)
        on_exchange = self._settings.on_exchange
        if on_exchange is not None:
            with contextlib.suppress(Exception):
                on_exchange(settled)


def _pause(seconds: float, stopping: threading.Event) -> None:
    if seconds and stopping.wait(seconds):
        raise ServerStoppedError
