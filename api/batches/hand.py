"""A hand that prepares batches: run by ``api.batches.pool``, it opens no file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.serialization import load_der_private_key

from api.batches.preparing import Checking, Signing, check_all, sign_all, sign_singles
from api.batches.reading import drafts_in, statements_in
from api.batches.sodium import quick
from api.batches.wire import DraftOrder, Keys, Order, SinglesOrder, StatementOrder, pack
from api.crew.working import main
from api.services.voices import Voice
from ledger.submission import Submission
from tallystick.admission import MemoryState
from tallystick.keys import LocalSigner, Signer


def begin(keys: Keys) -> Callable[[Order], list[bytes] | None]:
    """What is done with each order; ``None`` for a body that is not good in every respect."""
    signers = [quick(LocalSigner(load_der_private_key(one, None))) for one in keys.private]

    def do(order: Order) -> list[bytes] | None:
        made = make(order, signers)
        return None if made is None else pack(made)

    return do


def make(order: Order, signers: Sequence[Signer]) -> Sequence[Submission | Exception | None] | None:
    """``None`` for a body that is not good in every respect."""
    if isinstance(order, DraftOrder):
        return sign(order, signers)
    return sign_together(order, signers) if isinstance(order, SinglesOrder) else check(order)


def sign_together(order: SinglesOrder, signers: Sequence[Signer]) -> list[Submission | Exception | None]:
    """One for each body."""
    voices = [Voice(issuer, signers[key], recorded_for) for key, issuer, recorded_for in order.voices]
    signings = [Signing(voice, order.prefix, order.origin, order.now) for voice in voices]
    return sign_singles([(signings[voice], body) for voice, body in order.singles])


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
    main(begin)
