"""A hand: a process that prepares batches for the service, on a core of its own.

Run by ``api.batches.pool``: standard input is a socket to the service. It ends with the service, however that ends, and
by itself when there was nothing to do for a while; it opens no file, and what it is told stays in its memory.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress

from cryptography.hazmat.primitives.serialization import load_der_private_key

from api.batches.preparing import Checking, Signing, check_all, sign_all, sign_single
from api.batches.reading import drafts_in, statements_in
from api.batches.wire import DraftOrder, Keys, Lost, Order, SinglesOrder, StatementOrder, pack, receive, send
from api.services.voices import Voice
from api.tuning import share_one_heap, tune
from ledger.submission import Submission
from tallystick.admission import MemoryState
from tallystick.keys import LocalSigner, Signer

IDLE_SECONDS = 60.0


def serve(connection: socket.socket) -> None:
    """Take orders until nobody gives any more."""
    connection.settimeout(IDLE_SECONDS)
    keys: Keys = receive(connection)
    signers = [LocalSigner(load_der_private_key(one, None)) for one in keys.private]
    tune()
    while True:
        order: Order = receive(connection)
        made = make(order, signers)
        send(connection, None if made is None else pack(made))


def make(order: Order, signers: Sequence[Signer]) -> Sequence[Submission | Exception | None] | None:
    """``None`` for a body that is not good in every respect."""
    if isinstance(order, DraftOrder):
        return sign(order, signers)
    return sign_singles(order, signers) if isinstance(order, SinglesOrder) else check(order)


def sign_singles(order: SinglesOrder, signers: Sequence[Signer]) -> list[Submission | Exception | None]:
    """One for each body."""
    voices = [(Voice(issuer, signers[key], recorded_for), body) for body, key, issuer, recorded_for in order.singles]
    return [sign_single(Signing(voice, order.prefix, order.origin, order.now), body) for voice, body in voices]


def sign(order: DraftOrder, signers: Sequence[Signer]) -> list[Submission | Exception] | None:
    """``None`` for a body that is not good in every respect."""
    drafts = drafts_in(order.body)
    if drafts is None:
        return None
    voice = Voice(order.issuer, signers[order.key], order.recorded_for)
    return sign_all(Signing(voice, order.prefix, order.origin, order.now), drafts)


def check(order: StatementOrder) -> list[Submission | Exception] | None:
    """As ``sign``. What stands in the log already is not known here: the service looks at what is refused again."""
    statements = statements_in(order.body)
    if statements is None:
        return None
    states = MemoryState()
    states.apply(order.states)
    return check_all(Checking(order.party, order.at, order.size, states), statements, lambda _: False)


if __name__ == "__main__":
    share_one_heap()
    with suppress(Lost), socket.socket(fileno=0) as listening:
        serve(listening)
