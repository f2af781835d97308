"""A hand that makes cards. Run by ``api.orders.hands``: standard input is a socket to the service.

It ends with the service, however that ends, and by itself when there was nothing to do for a while. It writes where it
is told to, into the folder of files in the making.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_private_key

from api.batches.hand import IDLE_SECONDS
from api.batches.wire import Lost, receive, send
from api.orders.drawing import draw_all
from api.orders.hands import LentKeys, LentSigner
from api.tuning import share_one_heap, tune
from credentials.manifests import Actor
from credentials.signer import ClaimSigner


def serve(connection: socket.socket) -> None:
    """Take orders until nobody gives any more."""
    connection.settimeout(IDLE_SECONDS)
    keys: LentKeys = receive(connection)
    signer = _signer(keys.signer)
    actors = {party: Actor(_signer(one), one.role) for party, one in keys.actors.items()}
    tune()
    while True:
        send(connection, draw_all(signer, actors, receive(connection)))


def _signer(lent: LentSigner) -> ClaimSigner:
    key: Any = load_der_private_key(lent.key, None)
    return ClaimSigner.from_key(lent.chain, key, lent.algorithm)


if __name__ == "__main__":
    share_one_heap()
    with suppress(Lost), socket.socket(fileno=0) as listening:
        serve(listening)
