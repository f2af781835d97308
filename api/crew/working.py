"""What every hand does: take orders until nobody gives any more.

Its standard input is a socket to the service. It ends with the service, however that ends, and by itself when there was
nothing to do for a while; what it is told stays in its memory.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

from api.crew.wire import Lost, receive, send
from api.tuning import keep_what_is_freed, share_one_heap, tune

IDLE_SECONDS = 60.0

Begin: TypeAlias = Callable[[Any], Callable[[Any], Any]]
"""From the first message, which has the keys, to what makes an answer of each order."""


def work(connection: socket.socket, begin: Begin) -> None:
    """Raises ``Lost`` when nobody gives orders any more."""
    connection.settimeout(IDLE_SECONDS)
    do = begin(receive(connection))
    tune()
    while True:
        send(connection, do(receive(connection)))


def main(begin: Begin) -> None:
    """The whole life of a hand."""
    share_one_heap()
    keep_what_is_freed()
    with suppress(Lost), socket.socket(fileno=0) as connection:
        work(connection, begin)
