"""Licence tokens (SD-JWT VC) for licensees, and the evidence of the log that proves a licence as of now."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable, Mapping, Sequence

from api.accounts import Account
from api.services.errors import Forbidden, NotFound, ServiceError
from api.services.gathering import Gathered, gather_grant
from api.services.issuing import Issuer
from api.services.kept import CONFIDENTIAL, last_of, terms_shown
from api.services.status_lists import StatusLists
from api.services.voices import require_scope
from credentials.token_signer import TokenIssuer
from ledger.store import Reads
from tallystick.admission import Refused
from tallystick.admission.standing import concerned, licensor_of, lineage, standing_at
from tallystick.admission.state import LicenceState, LogState, PartyState
from tallystick.base64s import to_base64
from tallystick.commitments import parse_disclosure
from tallystick.digests import DigestPair
from tallystick.events.licence import LICENSEE
from tallystick.identifiers import Letter, parse_identifier
from tallystick.keys import PublicKey
from tallystick.licence.clauses import Licensee
from tallystick.licence.credential import MAX_ENTRIES, ShownEntry
from tallystick.licence.evidence import LicenceEvidence, SignedList, encode_evidence
from tallystick.licence.qr import LicenceCode
from tallystick.licence.status_list import StatusList
from tallystick.schema import FieldError, read
from tallystick.times import format_time
from tallystick.token.licence import Claims, issue, issuer_of, list_uri, write_claims
from tallystick.token.vc import Purpose, licence_credential, secure, status_credential

MAX_LIFETIME = 366 * 86_400
_RULES = 3
LIFETIME = 90 * 86_400
"""Seconds for which a token speaks unless the licensee asks for fewer or more; then it is reissued."""


def has_tokens(log: LogState) -> bool:
    """Whether the log issues tokens: under the rules of version 3, with which its trust file names their root."""
    return (log.rules or 1) >= _RULES


class LicenceTokens:
    """Tokens of licences in this log."""

    def __init__(self, issuer: Issuer, statuses: StatusLists, signer: TokenIssuer, clock: Callable[[], int]) -> None:
        self._issuer = issuer
        self._statuses = statuses
        self._signer = signer
        self._clock = clock
        self._lock = threading.Lock()
        self._bits: dict[tuple[int, Purpose], tuple[StatusList, str]] = {}

    async def issue(
        self, account: Account, licence: str, disclose: Sequence[str] | None, key: PublicKey | None, lifetime: int
    ) -> str:
        """A token that shows the terms in ``disclose``, bound to the licensee's key.

        ``None``: all that are kept; of a licence that was transferred not price and contract, which were agreed with
        another, and which licensor and registrar alone may have shown then.

        ``key``: that key, where no party of this log has it. Raises ``Forbidden``, ``NotFound``, ``FieldError``,
        ``Refused`` (not in force), ``Conflict`` (a status list that this log does not sign).
        """
        require_scope(account, "read-private")
        return await asyncio.to_thread(self._issue, account, licence, disclose, key, lifetime)

    def _issue(
        self, account: Account, licence: str, disclose: Sequence[str] | None, key: PublicKey | None, lifetime: int
    ) -> str:
        commitments, claims, texts = self._said(account, licence, disclose, key, lifetime)
        return issue(claims, commitments, texts, self._signer.chain, self._signer.signer).text

    async def export(self, account: Account, licence: str, disclose: Sequence[str] | None, lifetime: int) -> str:
        """The licence as W3C Verifiable Credential that shows the terms in clear. Raises as ``issue``."""
        require_scope(account, "read-private")
        return await asyncio.to_thread(self._export, account, licence, disclose, lifetime)

    def _export(self, account: Account, licence: str, disclose: Sequence[str] | None, lifetime: int) -> str:
        _, claims, texts = self._said(account, licence, disclose, None, lifetime)
        shown = [parse_disclosure(text) for text in texts]
        terms = {one.name: one.value for one in shown if disclose is not None or one.name not in CONFIDENTIAL}
        return secure(licence_credential(claims, terms), self._signer.chain, self._signer.signer)

    def status_credential(self, number: int, purpose: Purpose) -> str:
        """Status list ``number`` as Bitstring Status List for one purpose, made once of each. Raises ``NotFound``."""
        speaks = self._statuses.speaking(number)
        with self._lock:
            known = self._bits.get((number, purpose))
            if known is None or known[0] is not speaks:
                known = (speaks, self._status_credential(speaks, purpose))
                self._bits[number, purpose] = known
            return known[1]

    def _status_credential(self, speaks: StatusList, purpose: Purpose) -> str:
        statuses = [speaks.status(index) for index in range(speaks.count)]
        uri, span = f"{list_uri(speaks.uri)}/{purpose}", (speaks.issued_at, speaks.expires_at)
        said = status_credential(issuer_of(self._issuer.voices.origin), uri, purpose, statuses, span)
        return secure(said, self._signer.chain, self._signer.signer)

    def _said(
        self, account: Account, licence: str, disclose: Sequence[str] | None, key: PublicKey | None, lifetime: int
    ) -> tuple[Mapping[str, DigestPair], Claims, list[str]]:
        with self._issuer.log.store.snapshot() as reads:
            state = licence_state(reads, licence)
            self._require_own(account, licence, state, reads)
            position, grant = last_of(reads, licence, "licence.grant")
            _, transfer = last_of(reads, licence, "licence.transfer", (position, grant))
            agreed = account.party == licensor_of(reads, state) or self._issuer.voices.is_registrar(account)
            kept = terms_shown(reads, licence, agreed)
            if disclose is None and transfer is not grant:
                disclose = [name for name in kept if name not in CONFIDENTIAL]
            commitments = {**grant.event.commitments, **transfer.event.commitments}
            licensee = _licensee(kept, state.holder)
            holder = key or _registered_key(reads, licensee)
        if holder.kid.hex() != licensee.holder_kid:
            problem = f"its thumbprint is {holder.kid.hex()}, the licensee's {licensee.holder_kid}"
            raise FieldError("holder_key", problem)
        now = self._clock()
        span = (now, min(now + lifetime, self._signer.ends))
        claims = write_claims(self._issuer.voices.origin, licence, position, grant.leaf, state.pointer, holder, span)
        return commitments, claims, _chosen(kept, disclose)

    def _require_own(self, account: Account, licence: str, state: LicenceState, reads: Reads) -> None:
        """For licensor, licensee named openly, and registrar; of a licence in force."""
        if account.party not in concerned(reads, state) and not self._issuer.voices.is_registrar(account):
            raise Forbidden(f"tokens of {licence} are not yours to have", "ask the licensor for one", "licence")
        standing = standing_at(reads, licence, format_time(self._clock()))
        if standing.status != "valid":
            raise Refused(
                "wrong-state", "licence", f"{licence} is {standing.status}", "tokens are issued of a licence in force"
            )
        if not has_tokens(self._issuer.log.keys()):
            raise Refused(
                "policy-too-old", "licence", "this log has no tokens", "the registrar enters a log.policy of version 3"
            )
        self._statuses.require_own(state.pointer)

    def code(self, licence: str) -> bytes:
        """The QR code of the licence, as PNG. Raises ``NotFound``."""
        import segno

        current = self._statuses.current(licence)
        with self._issuer.log.store.snapshot() as reads:
            _, grant = last_of(reads, licence, "licence.grant")
        code = LicenceCode(self._issuer.voices.origin, licence, current.position, grant.leaf)
        out = io.BytesIO()
        segno.make(code.text, error="m", micro=False).save(out, kind="png", scale=6)
        return out.getvalue()

    def evidence(self, licence: str, account: Account | None = None) -> bytes:
        """What proves the licence as of the published checkpoint. Raises ``NotFound``.

        For its holder, its licensor and the registrar with the terms of the licences above it, price and contract left
        out: without these nobody could tell offline what a sublicence permits.
        """
        return encode_evidence(self.evidence_of(licence, account))

    def evidence_of(self, licence: str, account: Account | None = None) -> LicenceEvidence:
        """See ``evidence``."""
        current = self._statuses.current(licence)
        size = current.head.checkpoint.size
        with self._issuer.log.store.snapshot() as reads:
            found = gather_grant(reads, licence, size, MAX_ENTRIES)
            above = self._above(reads, licence, account, found)
        shown = tuple(
            ShownEntry(
                at,
                to_base64(entry.entry),
                tuple(map(to_base64, self._issuer.log.published.prove_inclusion(at, size))),
            )
            for at, entry in found.entries.items()
        )
        signed = SignedList(current.pointer.list, to_base64(current.token))
        note = current.head.note.encode()
        return LicenceEvidence(2, licence, current.position, note, shown, (signed,), above or None)

    def _above(
        self, reads: Reads, licence: str, account: Account | None, found: Gathered
    ) -> dict[str, tuple[str, ...]]:
        """Terms of the licences above, by the index of their grants."""
        state = licence_state(reads, licence)
        known = account is not None and "read-private" in account.scopes
        if account is None or not known:
            return {}
        if account.party not in concerned(reads, state) and not self._issuer.voices.is_registrar(account):
            return {}
        ancestors = {name for name, _ in lineage(reads, licence)} - {licence}
        disclosures: dict[str, tuple[str, ...]] = {}
        for position, entry in found.of_type("licence.grant"):
            if entry.event.subject in ancestors:
                kept = reads.disclosures(position)
                texts = tuple(text for name, text in kept.items() if name not in CONFIDENTIAL)
                if texts:
                    disclosures[str(position)] = texts
        return disclosures


def licence_state(reads: Reads, licence: str) -> LicenceState:
    """Raises ``NotFound``, ``MalformedInput``."""
    parse_identifier(licence, Letter.LICENCE)
    state = reads.get(licence)
    if not isinstance(state, LicenceState):
        raise NotFound(f"{licence} is not registered", "grant the licence first", "licence")
    return state


def _licensee(kept: Mapping[str, str], holder: str | None) -> Licensee:
    """``holder``: who holds it openly. A party that signs itself may have committed to the name of another."""
    text = kept.get(LICENSEE)
    if text is None:
        hint = "ask the party that granted it, and let it send the disclosure"
        raise ServiceError("conflict", "the term licensee of this licence is not kept here", hint, "licence")
    found: Licensee = read(Licensee, parse_disclosure(text).value, LICENSEE)
    if holder not in (None, found.party):
        problem = f"the licence is held by {holder}, its term licensee names {found.party}"
        raise ServiceError(
            "conflict", problem, "have it transferred to whom the term names, or granted anew", "licence"
        )
    return found


def _registered_key(reads: Reads, licensee: Licensee) -> PublicKey:
    """The licensee's key among those that the log has of it."""
    state = reads.get(licensee.party)
    for held in state.keys if isinstance(state, PartyState) else ():
        if held.kid == licensee.holder_kid:
            return PublicKey.from_text(held.key)
    raise FieldError("holder_key", f"no key of {licensee.party} here has the thumbprint {licensee.holder_kid}: send it")


def _chosen(kept: Mapping[str, str], disclose: Sequence[str] | None) -> list[str]:
    names = list(kept) if disclose is None else list(dict.fromkeys(disclose))
    for name in names:
        if name not in kept:
            raise FieldError(
                "disclose", f"no value is kept for the term {name[:40]!r}; kept: {', '.join(kept) or 'none'}"
            )
    return [kept[name] for name in names]
