"""An end for what is asked over HTTP: a socket's timeout is for each read, and whoever answers may drip for ever, in
headers, in bodies, or with one ``100 Continue`` after another.
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def within(connection: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
    """Around a request and its whole answer, on a connection that is opened if it is not.

    Raises ``TimeoutError`` after so many seconds; nothing that came later counts, for it may be anything.
    """
    if connection.sock is None:
        connection.connect()
    line: socket.socket = connection.sock
    over = threading.Event()

    def cut() -> None:
        over.set()
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, ValueError, http.client.HTTPException):
        if not over.is_set():
            raise
    finally:
        timer.cancel()
    if over.is_set():
        raise TimeoutError(f"the answer takes more than {seconds:g} seconds")
