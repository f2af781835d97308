"""Hands for cards: processes beside the service, each on a core of its own (ADR 27, ADR 36).

They are given the signer's key, where it is in this process at all, over a socket that nobody else holds. A key in an
HSM stays there, and the cards are made by the service itself.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from api.batches.pool import Hand, cores
from api.batches.wire import Lost
from api.orders.drawing import Outcome, Work, draw_all
from api.services.errors import Unavailable
from credentials.manifests import Actor
from credentials.signer import ClaimSigner

COMMAND = (sys.executable, "-m", "api.orders.hand")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LentSigner:
    """A certificate chain (PEM) and its key (PKCS 8 without a passphrase). ``role``: of an actor."""

    chain: bytes
    key: bytes
    algorithm: str
    role: str


@dataclass(frozen=True)
class LentKeys:
    """The first message to a hand."""

    signer: LentSigner
    actors: Mapping[str, LentSigner]


class Hands:
    """At most ``count`` of them, started when there is work; they leave by themselves when there is none."""

    def __init__(self, signer: ClaimSigner, actors: Mapping[str, Actor], count: int | None = None) -> None:
        self._signer, self._actors = signer, actors
        self.count = cores() if count is None else count
        self._lent = _lent(signer, actors) if self.count > 1 else None
        self._lock = threading.Lock()
        self._idle: list[Hand] = []
        self._closed = False

    def draw(self, works: Sequence[Work]) -> list[Outcome]:
        """See ``draw_all``. Raises ``Unavailable`` where hands die of it, twice."""
        if self._lent is None:
            return draw_all(self._signer, self._actors, works)
        for _ in range(2):
            hand = self._take(self._lent)
            try:
                made: list[Outcome] = hand.do(list(works))
            except Lost as error:
                hand.kill()
                _log.warning("a hand was lost with %d cards (%s); none of them was issued", len(works), error)
                continue
            self._give_back(hand)
            return made
        raise Unavailable("the cards could not be made, twice; none of them was issued")

    def _take(self, lent: LentKeys) -> Hand:
        while True:
            with self._lock:
                if self._closed:
                    raise Unavailable("the service is being stopped")
                hand = self._idle.pop() if self._idle else None
            if hand is None:
                return Hand(COMMAND, lent)
            if hand.is_here():
                return hand
            hand.kill()

    def _give_back(self, hand: Hand) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(hand)
                return
        hand.leave()

    def close(self) -> None:
        """Send those home that rest; the others go when they are done."""
        with self._lock:
            self._closed = True
            resting, self._idle = self._idle, []
        for hand in resting:
            hand.leave()


def _lent(signer: ClaimSigner, actors: Mapping[str, Actor]) -> LentKeys | None:
    """``None`` where one of the keys is not in this process."""
    mine, theirs = _plain(signer, ""), {party: _plain(one.signer, one.role) for party, one in actors.items()}
    known = {party: one for party, one in theirs.items() if one is not None}
    return None if mine is None or len(known) < len(theirs) else LentKeys(mine, known)


def _plain(signer: ClaimSigner, role: str) -> LentSigner | None:
    if signer.private is None:
        return None
    chain = b"".join(one.public_bytes(Encoding.PEM) for one in signer.chain)
    key = signer.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return LentSigner(chain, key, signer.algorithm, role)
