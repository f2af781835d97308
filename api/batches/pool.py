"""Hands for batches: they read, check and sign what the sequencer then takes (ADR 27)."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from api.batches.wire import Keys, Order, SinglesOrder, unpack
from api.crew.pool import Crew
from ledger.submission import Submission
from tallystick.keys import LocalSigner, Signer

COMMAND = (sys.executable, "-m", "api.batches.hand")
_NOTHING = SinglesOrder((), (), "", "", "")


class Pool:
    """Hands of one service, at most as many as it has threads that give orders."""

    def __init__(self, signers: Sequence[Signer], command: Sequence[str] = COMMAND) -> None:
        """``signers``: of the voices; one whose key is not in this process cannot be lent."""
        self._lent = [one for one in signers if isinstance(one, LocalSigner)]
        keys = Keys(tuple(_plain(one) for one in self._lent))
        self.crew = Crew(command, keys, "a batch", "submit it again, in smaller parts")

    def key_of(self, signer: Signer) -> int | None:
        """Which of the keys that hands have is this signer's."""
        return next((at for at, one in enumerate(self._lent) if one is signer), None)

    def do(self, order: Order) -> list[Submission | None] | None:
        """What a hand made of an order; ``None`` for a body that is not good. Raises ``Unavailable``."""
        made = self.crew.give(order)
        return None if made is None else unpack(made)

    def do_at_once(self, order: Order) -> list[Submission | None] | None:
        """As ``do``, by a hand that waits for work; ``None`` where there is none: the next order will find one."""
        made = self.crew.give_at_once(order, _NOTHING)
        return None if made is None else unpack(made)

    def close(self) -> None:
        """Hands go home."""
        self.crew.close()


def _plain(signer: LocalSigner) -> bytes:
    plain: bytes = signer.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return plain
