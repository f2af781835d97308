"""A licence with all that a file about it needs: its entries, proofs and terms, as they stand under one checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.accounts import Account
from api.services.errors import TooLarge
from api.services.gathering import Gathered, Grants
from api.services.issuing import Issuer
from api.services.kept import CONFIDENTIAL
from api.services.licences import RegisteredObject, registered_object, require_agreement
from api.services.privacy import may_read
from credentials.errors import TextNotPrintable
from credentials.text import require_printable
from ledger.store import Reads
from tallystick.admission.standing import lineage
from tallystick.admission.state import ObjectState
from tallystick.base64s import to_base64
from tallystick.c2pa.verdict import MAX_PAYLOAD
from tallystick.commitments import parse_disclosure
from tallystick.errors import MalformedInput
from tallystick.events.licence import LICENSEE, LicenceGrant
from tallystick.events.objects import ObjectRegistration
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.credential import MAX_ENTRIES, CredentialWriter, LicenceCredential, ShownEntry
from tallystick.licence.terms import NAMES, DisclosedTerms, disclosed_terms
from tallystick.schema import FieldError
from tallystick.statement import Statement
from tallystick.tree_head import SignedCheckpoint

LIMITING = (
    *("use", "territory", "window", "windows", "media", "sublicensing", "ai_use"),
    *("holdback", "format", "language", "derivatives"),
)
"""Terms of the licences above a sublicence that a file of it shows: those that an answer may need."""
TITLE = "title"
"""A private value of the licensed object that a file may show beside the terms."""
_TITLE_ROOM = 40


@dataclass(frozen=True)
class Standing:
    """``title``: the object's, if it is to be shown; ``payload``: the credential as it stands in a file."""

    licence: str
    position: int
    grant: Statement
    shown: DisclosedTerms
    object: ObjectRegistration
    title: str
    credential: LicenceCredential
    payload: bytes

    @property
    def body(self) -> LicenceGrant:
        """What the grant says."""
        body: LicenceGrant = self.grant.event.body
        return body


class Standings:
    """Licences under one checkpoint, in one snapshot: what several of them rest on is gathered and proved once."""

    def __init__(self, issuer: Issuer, reads: Reads, head: SignedCheckpoint) -> None:
        self._issuer, self._reads, self._head = issuer, reads, head
        self._grants = Grants(reads, head.checkpoint.size, MAX_ENTRIES)
        self._writer = CredentialWriter()
        self._shown: dict[int, ShownEntry] = {}
        self._objects: dict[str, RegisteredObject] = {}

    def of(self, account: Account, licence: str, disclose: Sequence[str] | None) -> Standing:
        """``disclose``: the terms that a file shows. Raises ``FieldError``, ``TooLarge``, ``Refused``."""
        reads, found = self._reads, self._grants.gather(licence)
        grants = found.of_type("licence.grant")
        position, grant = next(one for one in grants if one[1].event.subject == licence)
        body: LicenceGrant = grant.event.body
        registered = self._object(body.object)
        moved = _last_transfer(found, licence)
        title = reads.disclosures(registered.position).get(TITLE) if self._may_name(account, body.object) else None
        kept = {TITLE: title} | reads.disclosures(position)
        if moved is not None:
            kept = {**kept, LICENSEE: reads.disclosures(moved[0]).get(LICENSEE)}
        texts = _chosen(kept, disclose)
        title = texts.pop(TITLE, None)
        opened = {name: parse_disclosure(text).value for name, text in texts.items()}
        shown = disclosed_terms(grant.event.commitments.keys(), opened)
        holder = body.holder if moved is None else moved[1].event.body.to
        require_agreement(shown.terms, body.object, registered.body.digest_record, holder)
        disclosures = self._above(account, found, licence)
        if moved is not None and LICENSEE in texts:
            disclosures[str(moved[0])] = (texts.pop(LICENSEE),)
        if texts:
            disclosures[str(position)] = tuple(texts.values())
        if title is not None:
            disclosures[str(registered.position)] = (title,)
        credential, payload = self._credential(licence, position, found, disclosures)
        return Standing(
            licence=licence,
            position=position,
            grant=grant,
            shown=shown,
            object=registered.body,
            title=_readable(title) or body.object,
            credential=credential,
            payload=payload,
        )

    def _object(self, name: str) -> RegisteredObject:
        if name not in self._objects:
            self._objects[name] = registered_object(self._reads, name)
        return self._objects[name]

    def _may_name(self, account: Account, name: str) -> bool:
        """The title is private to whoever registered the object: a sublicensor may never have read it."""
        state = self._reads.get(name)
        held = isinstance(state, ObjectState) and state.holder == account.party
        return held or self._issuer.voices.is_registrar(account)

    def _above(self, account: Account, found: Gathered, licence: str) -> dict[str, tuple[str, ...]]:
        """By entry, the terms of the licences above it that limit it, as far as the account may read them."""
        shown = {}
        names = {name for name, _ in lineage(self._reads, licence)} - {licence}
        for position, grant in found.of_type("licence.grant"):
            if grant.event.subject in names and may_read(self._issuer.voices, account, grant):
                kept = self._reads.disclosures(position)
                if texts := tuple(kept[name] for name in LIMITING if name in kept):
                    shown[str(position)] = texts
        return shown

    def _credential(
        self, licence: str, position: int, found: Gathered, disclosures: Mapping[str, tuple[str, ...]]
    ) -> tuple[LicenceCredential, bytes]:
        """The credential, and as it stands in a file."""
        shown = tuple(self._entry(at, entry) for at, entry in found.entries.items())
        moved = _last_transfer(found, licence)
        pointer = found.entries[position].event.body.status if moved is None else moved[1].event.body.status
        note = self._head.note.encode()
        made = LicenceCredential(1, licence, position, note, shown, dict(disclosures), pointer)
        try:
            return made, self._writer.write(made)
        except MalformedInput as error:
            raise TooLarge(
                f"the licence rests on {len(shown)} entries, more than a file carries ({MAX_PAYLOAD} bytes): {error}",
                "disclose fewer terms",
            ) from None

    def _entry(self, position: int, statement: Statement) -> ShownEntry:
        known = self._shown.get(position)
        if known is None:
            proof = self._issuer.log.published.prove_inclusion(position, self._head.checkpoint.size)
            known = ShownEntry(position, to_base64(statement.entry), tuple(map(to_base64, proof)))
            self._shown[position] = known
        return known


def _last_transfer(found: Gathered, licence: str) -> tuple[int, Statement] | None:
    """Position and statement of the licence's last transfer among these entries."""
    moved = [one for one in found.of_type("licence.transfer") if one[1].event.subject == licence]
    return max(moved, key=lambda one: one[0], default=None)


def _chosen(kept: Mapping[str, str | None], disclose: Sequence[str] | None) -> dict[str, str]:
    if disclose is None:
        disclose = [name for name in (TITLE, *NAMES) if name not in CONFIDENTIAL and kept.get(name) is not None]
    chosen: dict[str, str] = {}
    for name in disclose:
        text = kept.get(name)
        if text is None:
            names = ", ".join(name for name, held in kept.items() if held is not None)
            raise FieldError("disclose", f"no value is kept for the term {name[:40]!r}; kept: {names or 'none'}")
        chosen[name] = text
    return chosen


def _readable(disclosure: str | None) -> str | None:
    """A title as far as there is room for it and type to print it: a name to know the work by, not a term."""
    value = parse_disclosure(disclosure).value if disclosure is not None else None
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        require_printable([value])
    except TextNotPrintable:
        return None
    return value if len(value) <= _TITLE_ROOM else f"{value[: _TITLE_ROOM - 1]}…"
