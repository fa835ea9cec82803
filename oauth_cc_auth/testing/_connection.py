"""One connection: the server reads, records and answers its requests one after the other."""

import contextlib
import dataclasses
import socket
import threading
import time
from io import BufferedReader
from typing import TYPE_CHECKING

from ._answers import Answer
from ._credentials import PresentedCertificate
from ._gate import ServerStoppedError
from ._incoming import ClientGoneError, MalformedRequestError, read_request
from ._log import RequestLog
from ._outgoing import closes_connection, pieces
from ._recorded_request import RecordedRequest
from ._server_settings import ServerSettings
from ._site import Site

if TYPE_CHECKING:
    from ._tls import Tls


class ConnectionHandler:
    """Serves one connection per call. The caller provides a thread for each. ``tls``: None for plain HTTP."""

    def __init__(self, settings: ServerSettings, site: Site, log: RequestLog, tls: "Tls | None") -> None:
        self._settings = settings
        self._site = site
        self._log = log
        self._tls = tls

    def serve(self, connection: socket.socket, stopping: threading.Event) -> None:
        """Answer requests until one side closes the connection. Never raises because of a client."""
        with (
            contextlib.suppress(OSError, ClientGoneError, ServerStoppedError),
            self._secured(connection) as (secure, certificate),
            secure.makefile("rb") as stream,
        ):
            # Otherwise each piece of an answer waits 40 ms for the client's delayed ACK.
            secure.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while self._exchange(secure, stream, certificate, stopping):
                    pass
            except MalformedRequestError as error:
                refusal = Answer.error("invalid_request", str(error))
                for piece in pieces(refusal, head_only=False, close=True):
                    secure.sendall(piece.data)

    def _secured(
        self, connection: socket.socket
    ) -> contextlib.AbstractContextManager[tuple[socket.socket, PresentedCertificate | None]]:
        """The connection to read from and write to, and the certificate that the client has presented."""
        return contextlib.nullcontext((connection, None)) if self._tls is None else self._tls.spoken_on(connection)

    def _exchange(
        self,
        connection: socket.socket,
        stream: BufferedReader,
        certificate: PresentedCertificate | None,
        stopping: threading.Event,
    ) -> bool:
        """Serve one request. Returns whether the connection can serve another."""
        incoming = read_request(stream, connection.sendall)
        request = self._site.record(incoming, certificate)
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
