"""Hands for cards: processes beside the service, each on a core of its own (ADR 27, ADR 36).

They are given the signer's key, where it is in this process at all, over a socket that nobody else holds. A key in an
HSM stays there, and the cards are made by the service itself.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from api.crew.pool import Crew, cores
from api.orders.drawing import Outcome, Work, draw_all
from credentials.manifests import Actor
from credentials.signer import ClaimSigner
from tallystick.lazy_dataclass import dataclass

COMMAND = (sys.executable, "-m", "api.orders.hand")


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
    """Makes cards: by hands where there are cores for them and the keys can be lent, else in this process."""

    def __init__(self, signer: ClaimSigner, actors: Mapping[str, Actor], count: int | None = None) -> None:
        self._signer, self._actors = signer, actors
        self.count = cores() if count is None else count
        """At once: more would only wait for one another."""
        lent = _lent(signer, actors) if self.count > 1 else None
        self.crew = None if lent is None else Crew(COMMAND, lent, "cards")

    def draw(self, works: Sequence[Work]) -> list[Outcome]:
        """See ``draw_all``. Raises ``Unavailable`` where hands die of it, twice."""
        if self.crew is None:
            return draw_all(self._signer, self._actors, works)
        made: list[Outcome] = self.crew.give(list(works))
        return made

    def close(self) -> None:
        """Hands go home."""
        if self.crew is not None:
            self.crew.close()


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
