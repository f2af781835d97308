"""A hand that makes cards: run by ``api.orders.hands``, it writes into the folder of files in the making alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_private_key

from api.crew.working import main
from api.orders.drawing import Outcome, Work, draw_all
from api.orders.hands import LentKeys, LentSigner
from credentials.manifests import Actor
from credentials.signer import ClaimSigner


def begin(keys: LentKeys) -> Callable[[Sequence[Work]], list[Outcome]]:
    """What is done with each order."""
    actors = {party: Actor(_signer(one), one.role) for party, one in keys.actors.items()}
    return partial(draw_all, _signer(keys.signer), actors)


def _signer(lent: LentSigner) -> ClaimSigner:
    key: Any = load_der_private_key(lent.key, None)
    return ClaimSigner.from_key(lent.chain, key, lent.algorithm)


if __name__ == "__main__":
    main(begin)
