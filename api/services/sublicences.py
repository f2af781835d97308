"""A sublicence may not exceed its parent: compared at submission, as far as the service holds the values of both.

What it does not hold it cannot compare: whoever is shown both disclosures does (``tallystick.licence.within``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from api.services.kept import last_of, terms_shown
from ledger.store import Reads
from ledger.submission import Submission
from tallystick.admission import Refused
from tallystick.admission.state import LicenceState
from tallystick.canonical import JsonValue
from tallystick.commitments import parse_disclosure
from tallystick.errors import MalformedInput
from tallystick.licence.terms import DisclosedTerms, disclosed_terms
from tallystick.licence.within import Containment, within


def require_within(reads: Reads, party: str, parent: str, child: DisclosedTerms, where: str) -> None:
    """Raise ``Refused`` (``exceeds-parent``) that names the first term of ``child`` that exceeds its ``parent``.

    Nothing is compared for a ``party`` that does not hold the parent: the rules refuse it, and the refusal here would
    tell it the parent's terms, which are private.
    """
    state = reads.get(parent)
    if not isinstance(state, LicenceState) or state.holder != party:
        return
    found = terms_kept(reads, parent)
    compared = None if found is None else within(found, child)
    if compared is not None and compared.containment is Containment.EXCEEDS and compared.deciding is not None:
        term = compared.deciding
        raise Refused(
            "exceeds-parent",
            f"{where}.{term.term}",
            f"the sublicence says {term.child.en}, its parent {parent} says {term.parent.en}: {term.why.en}",
            f"narrow the term {term.term}, or have the parent's licensor grant more",
        )


def vet_sublicence(reads: Reads, parent: str, submission: Submission) -> None:
    """The same of what is about to be recorded, as far as its values are given. Raises ``Refused``."""
    event = submission.statement.event
    given = {name: parse_disclosure(text).value for name, text in submission.disclosures.items()}
    child = _terms(event.commitments.keys(), given)
    if child is not None:
        require_within(reads, submission.party, parent, child, "private")


def terms_kept(reads: Reads, licence: str, agreed: bool = True) -> DisclosedTerms | None:
    """The terms of a registered licence, of its holder of now, as far as the service holds their values.

    ``agreed``: see ``terms_shown``.
    ``None`` where it cannot read them, or there is no such licence.
    """
    if not isinstance(reads.get(licence), LicenceState):
        return None
    _, grant = last_of(reads, licence, "licence.grant")
    values = {name: parse_disclosure(text).value for name, text in terms_shown(reads, licence, agreed).items()}
    return _terms(grant.event.commitments.keys(), values)


def _terms(names: Collection[str], values: Mapping[str, JsonValue]) -> DisclosedTerms | None:
    try:
        return disclosed_terms(names, values)
    except MalformedInput:
        # A party that signs itself may have committed to values that are no terms: nothing can be compared with them.
        return None
