"""Where batches are prepared: in this process, or by hands where there are cores for them (ADR 27)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple, cast

from api.accounts import Account
from api.batches.pool import Pool
from api.batches.preparing import Checking, Signing, check_all, sign_all, sign_singles
from api.batches.reading import SignedStatement, drafts_in, statements_in
from api.batches.together import Signed, Single
from api.batches.wire import DraftOrder, SinglesOrder, StatementOrder
from api.services.drafts import Draft
from api.services.voices import Voice, Voices
from ledger.log import Log
from ledger.store import Reads
from ledger.submission import Submission
from tallystick.admission import LOG, State
from tallystick.times import format_time

WORTH = 32_768
"""Bytes of a body from which on it is given to a hand: some fifty events."""

MANY = 8
"""Requests with one draft that came together, from which on they are given to a hand, if one is there."""


class Prepared(NamedTuple):
    """Of each item what the sequencer takes, or why there is nothing. ``drafts``: those of which they were made."""

    items: list[Submission | Exception]
    drafts: Callable[[], Sequence[Draft]]


class Workshop:
    """Prepares for one log; in any thread, for as long as the signatures take."""

    def __init__(self, log: Log, voices: Voices, clock: Callable[[], int], pool: Pool | None) -> None:
        """``pool``: of hands, where there is more than one core."""
        self._log = log
        self._voices = voices
        self._clock = clock
        self._pool = pool

    def close(self) -> None:
        """Hands go home."""
        if self._pool:
            self._pool.close()

    def sign(self, voice: Voice, drafts: Sequence[Draft]) -> Prepared:
        """Drafts become statements in this voice."""
        return Prepared(sign_all(self._signing(voice), drafts), lambda: drafts)

    def sign_body(self, voice: Voice, body: bytes) -> Prepared | None:
        """As ``sign``, of a request; ``None`` for a body that is not good in every respect. Raises ``Unavailable``."""
        key = self._pool.key_of(voice.signer) if self._pool and len(body) >= WORTH else None
        if self._pool is None or key is None:
            drafts = drafts_in(body)
            return None if drafts is None else self.sign(voice, drafts)
        signing = self._signing(voice)
        settings = (signing.prefix, signing.origin, signing.now)
        made = self._pool.do(DraftOrder(body, key, voice.issuer, voice.recorded_for, *settings))
        if made is None:
            return None
        held = cache(lambda: drafts_in(body) or [])
        return Prepared(_filled(made, lambda missing: sign_all(signing, [held()[at] for at in missing])), held)

    def sign_singles(self, singles: Sequence[Single]) -> list[Signed]:
        """As ``sign_body`` for each, of requests with one draft."""
        signed: list[Signed] = [*(self._singles_by_hand(singles) or [None] * len(singles))]
        missing = [at for at, one in enumerate(signed) if one is None]
        asked = [(self._signing(singles[at].voice), singles[at].body) for at in missing]
        for at, made in zip(missing, sign_singles(asked), strict=True):
            signed[at] = made
        return signed

    def _singles_by_hand(self, singles: Sequence[Single]) -> list[Submission | None] | None:
        if self._pool is None or len(singles) < MANY:
            return None
        settings = (self._voices.prefix, self._voices.origin, format_time(self._clock()))
        numbers: dict[Voice, int] = {}
        asked = tuple((numbers.setdefault(voice, len(numbers)), body) for voice, body in singles)
        voices = []
        for voice in numbers:
            key = self._pool.key_of(voice.signer)
            if key is None:
                return None
            voices.append((key, voice.issuer, voice.recorded_for))
        return self._pool.do_at_once(SinglesOrder(tuple(voices), asked, *settings))

    def _signing(self, voice: Voice) -> Signing:
        return Signing(voice, self._voices.prefix, self._voices.origin, format_time(self._clock()))

    def check(self, account: Account, statements: Sequence[SignedStatement]) -> Prepared:
        """Statements of the account's own party."""
        with self._log.store.snapshot() as reads:
            once = _Once(reads)
            checking = Checking(account.party, self._clock(), once.size, once)
            return Prepared(check_all(checking, statements, once.stands), tuple)

    def check_body(self, account: Account, body: bytes) -> Prepared | None:
        """As ``check``; see ``sign_body``."""
        if self._pool is None or len(body) < WORTH:
            statements = statements_in(body)
            return None if statements is None else self.check(account, statements)
        made = self._pool.do(self._order(account, body))
        if made is None:
            return None
        held = cache(lambda: statements_in(body) or [])
        return Prepared(_filled(made, lambda missing: self.check(account, [held()[at] for at in missing]).items), tuple)

    def _order(self, account: Account, body: bytes) -> StatementOrder:
        with self._log.store.snapshot() as reads:
            # All that finding a signer asks for, when the issuer must be the party.
            states = reads.get_many([LOG, account.party])
            return StatementOrder(body, account.party, self._clock(), reads.size(), tuple(states.items()))


def _filled(
    made: list[Submission | None], make: Callable[[list[int]], list[Submission | Exception]]
) -> list[Submission | Exception]:
    """What a hand made nothing of is made here, which says what is wrong with it."""
    items = cast(list[Submission | Exception], made)
    missing = [at for at, one in enumerate(made) if one is None]
    for at, one in zip(missing, make(missing) if missing else (), strict=True):
        items[at] = one
    return items


class _Once:
    """A snapshot of which each state is read once, however many statements need it (a ``StateReader``)."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self.size = reads.size()
        self._states: dict[str, State | None] = {}

    def get(self, key: str) -> State | None:
        """See ``StateReader``."""
        if key not in self._states:
            self._states[key] = self._reads.get(key)
        return self._states[key]

    def stands(self, statement_id: bytes) -> bool:
        """Whether the statement stands in the log."""
        return bool(self._reads.positions_of([statement_id]))
