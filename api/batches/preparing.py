"""Drafts are salted and signed, statements of parties are checked: all that needs no turn in the log.

The same functions in the service and in the processes beside it. What can go wrong is one item's own trouble.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from api.batches import sodium
from api.batches.reading import SignedStatement, draft_in
from api.services.drafts import Draft, Ready, settle_draft
from api.services.errors import Forbidden
from api.services.voices import Voice
from ledger import fast_json
from ledger.submission import Submission, prepare
from tallystick.admission import Refused
from tallystick.admission.signer import resolve_signer
from tallystick.admission.state import StateReader
from tallystick.commitments import parse_disclosure
from tallystick.errors import MalformedInput, TallystickError
from tallystick.keys import PublicKey
from tallystick.lazy_dataclass import dataclass
from tallystick.statement import Statement, parse_statement, sign_settled

A = TypeVar("A")
B = TypeVar("B")

Stands = Callable[[bytes], bool]
"""Whether the statement of this id stands in the log already."""


@dataclass(frozen=True)
class Signing:
    """In which voice, and at what time (as text), drafts become statements of the log ``origin``."""

    voice: Voice
    prefix: str
    origin: str
    now: str


@dataclass(frozen=True)
class Checking:
    """Whose statements are taken, at what time (Unix seconds), in a log of ``size`` entries and these states."""

    party: str
    at: int
    size: int
    states: StateReader


def sign_all(signing: Signing, drafts: Sequence[Draft]) -> list[Submission | Exception]:
    """One for each draft: ready for the sequencer, or why not (``TallystickError``)."""
    return _sign_each([(signing, draft) for draft in drafts])


def sign_singles(singles: Sequence[tuple[Signing, bytes]]) -> list[Submission | Exception | None]:
    """As ``sign_all``, of bodies of requests with one draft; ``None`` for one that is not good in every respect."""
    drafts = [draft_in(body) for _, body in singles]
    asked = [(signing, draft) for (signing, _), draft in zip(singles, drafts, strict=True) if draft is not None]
    signed = iter(_sign_each(asked))
    return [None if draft is None else next(signed) for draft in drafts]


def _sign_each(asked: Sequence[tuple[Signing, Draft]]) -> list[Submission | Exception]:
    # Each step for all before the next: the same code over and over stays in the processor's caches.
    ready = _each(lambda one: (one[0].voice, _settle(*one)), asked)
    signed = _each(lambda one: (*one, sign_settled(one[0].signer, one[0].issuer, one[1].settled)), ready)
    return _each(lambda one: prepare(one[2], one[1].disclosures, one[0].signer.public), signed)


def _settle(signing: Signing, draft: Draft) -> Ready:
    return settle_draft(draft, signing.voice, signing.prefix, signing.origin, signing.now)


def check_all(
    checking: Checking, statements: Sequence[SignedStatement], stands: Stands
) -> list[Submission | Exception]:
    """As ``sign_all`` for what the party signed itself."""
    parsed = _each(lambda one: (one, _parse(checking, one)), statements)
    verified = _each(lambda one: (*one, _signer_of(checking, one[1], stands)), parsed)
    return _each(lambda one: prepare(one[1], map(parse_disclosure, one[0].disclosures), one[2]), verified)


def _parse(checking: Checking, signed: SignedStatement) -> Statement:
    statement = _read(signed.entry)
    if statement.issuer != checking.party:
        raise Forbidden(
            f"the statement is of {statement.issuer}, the token of {checking.party}",
            "submit a statement with a token of the party that signed it",
            "statement",
        )
    return statement


def _read(entry: bytes) -> Statement:
    try:
        return parse_statement(entry, fast_json.decode)
    except MalformedInput:
        # A number that no statement may hold is refused by either way, and by the slower one for what it is.
        return parse_statement(entry)


def _signer_of(checking: Checking, statement: Statement, stands: Stands) -> PublicKey | None:
    """The key that signed it; ``None`` for a statement that stands already, whatever became of its key since."""
    # Here many signatures can be verified at a time; the sequencer is alone.
    try:
        _, key = resolve_signer(statement, checking.at, checking.states, checking.size)
        sodium.check(statement, key)
    except Refused:
        if not stands(statement.statement_id):
            raise
        return None
    return key


def _each(make: Callable[[A], B], items: Iterable[A | Exception]) -> list[B | Exception]:
    """What is made of each item, or why nothing is; what is an error already stays it."""
    found: list[B | Exception] = []
    for item in items:
        try:
            found.append(item if isinstance(item, Exception) else make(item))
        except TallystickError as error:
            found.append(error)
    return found
