"""What goes between the service and a hand: messages over a socket that nobody else holds.

Both ends are this program, the same version: Python's own serialisation, and each message after its length.
"""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!Q")


class Lost(Exception):
    """Nobody is at the other end any more."""


def send(connection: socket.socket, message: Any) -> None:
    """Raises ``Lost``, also when the other end takes nothing for as long as the socket's timeout."""
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    try:
        connection.sendall(_LENGTH.pack(len(data)))
        connection.sendall(data)
    except OSError as error:
        raise Lost(f"{error}") from None


def receive(connection: socket.socket) -> Any:
    """The next message. Raises ``Lost``, also when none comes for as long as the socket's timeout."""
    (length,) = _LENGTH.unpack(_read(connection, _LENGTH.size))
    return pickle.loads(_read(connection, length))


def _read(connection: socket.socket, length: int) -> bytearray:
    data = bytearray(length)
    view, at = memoryview(data), 0
    while at < length:
        try:
            count = connection.recv_into(view[at:])
        except OSError as error:
            raise Lost(f"{error}") from None
        if not count:
            raise Lost("the other end is closed")
        at += count
    return data
