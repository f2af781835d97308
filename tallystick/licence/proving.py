"""From what was shown to a grant proved in the log, and the staple of its status: for files and for tokens alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tallystick.commitments import parse_disclosure
from tallystick.errors import VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.credential import LicenceCredential
from tallystick.licence.evidence import LicenceEvidence, Pieces, commitments_of, pieces
from tallystick.licence.grant import ProvedGrant, prove_grant
from tallystick.licence.qr import PaperCode
from tallystick.licence.staple import StatusStaple
from tallystick.token.licence import LicenceToken, digests_of, list_uri
from tallystick.token.refusal import TokenRefused
from tallystick.trust import LogTrust


class EvidenceFailed(VerificationFailed):
    """What was given to prove a token's grant proves nothing, or nothing was given: others may yet prove it."""


@dataclass(frozen=True)
class Given:
    """``staple``: of the status, not proved yet. ``refused``: why what was given for one is none."""

    grant: ProvedGrant
    staple: StatusStaple | None
    refused: VerificationFailed | None = None


def prove_file(
    credential: LicenceCredential, staple: StatusStaple | LicenceEvidence | None, logs: Mapping[str, LogTrust]
) -> Given:
    """A file proves its own grant; evidence of version 2 proves it again, as of later.

    Raises ``VerificationFailed`` for the file's own part alone, ``MalformedInput`` on bad bytes.
    """
    grant = prove_grant(credential, logs)
    if not isinstance(staple, LicenceEvidence):
        return Given(grant, staple)
    try:
        _require_same(staple, credential.licence, credential.grant)
        shown = credential.disclosures.get(str(credential.grant), ())
        found = pieces(staple, tuple(map(parse_disclosure, shown)))
        # What the file shows of licences above it, and of transfers, is under entries of their own.
        indices = {str(one.index) for one in staple.entries}
        others = {index: texts for index, texts in credential.disclosures.items() if index in indices}
        again = dataclasses.replace(found.credential, disclosures={**others, **found.credential.disclosures})
        later = prove_grant(again, logs)
        # What the file itself shows would be forgotten.
        if later.checkpoint.size < grant.checkpoint.size:
            raise VerificationFailed("the evidence is of an older tree than the file: get a new one")
        return _with_status(later, found)
    except VerificationFailed as error:
        return Given(grant, None, error)


def prove_token(token: LicenceToken, evidence: LicenceEvidence | None, logs: Mapping[str, LogTrust]) -> Given:
    """The grant that the token points to, under the evidence, and that the token is of exactly this grant.

    Raises ``EvidenceFailed`` where nothing is proved, ``VerificationFailed`` where the log says something else than
    the token or is not trusted, ``MalformedInput`` on bad bytes.
    """
    origin = token.claims.licence.origin
    if origin not in logs:
        raise VerificationFailed(f"the log {origin!r} is not trusted; the trust file names: {', '.join(logs)}")
    if evidence is None:
        raise EvidenceFailed("no evidence of the log was given; get the licence's staple of version 2")
    found, grant = _proved(token, evidence, logs)
    granted, named = token.claims.licence, token.claims.status.status_list
    if grant.statement.leaf.hex() != granted.leaf:
        raise TokenRefused("log.leaf", f"entry {granted.grant} is another one than the token names")
    token.require_commitments(grant.commitments)
    if (list_uri(grant.pointer.list), grant.pointer.index) != (named.uri, named.idx):
        raise TokenRefused("log.status", f"the log has its status at {grant.pointer.list}#{grant.pointer.index}")
    return _with_status(grant, found)


def prove_code(code: PaperCode, evidence: LicenceEvidence | None, logs: Mapping[str, LogTrust]) -> Given:
    """The grant that a code on paper names, under the evidence; none of its terms, which neither of them shows.

    Raises ``EvidenceFailed`` where nothing is proved, ``VerificationFailed`` where the log that the code names grants
    the licence by another entry, ``MalformedInput`` on bad bytes.
    """
    if evidence is None:
        raise EvidenceFailed("a code proves nothing by itself; get the licence's staple of version 2")
    try:
        _require_same(evidence, code.licence, evidence.grant if code.grant is None else code.grant)
        found = pieces(evidence, ())
        grant = prove_grant(found.credential, logs)
        same = grant.statement.leaf == code.leaf
        if code.origin not in (None, grant.log.keys.origin) or (code.origin is None and not same):
            raise VerificationFailed(
                f"the evidence of log {grant.log.keys.origin!r} shows another grant than the code's"
            )
    except VerificationFailed as error:
        raise EvidenceFailed(str(error)) from None
    if not same:
        raise VerificationFailed(f"entry {grant.position} of {code.origin} is another one than the code names")
    return _with_status(grant, found)


def _proved(token: LicenceToken, evidence: LicenceEvidence, logs: Mapping[str, LogTrust]) -> tuple[Pieces, ProvedGrant]:
    granted = token.claims.licence
    try:
        _require_same(evidence, granted.id, granted.grant)
        # Disclosures that are the token's alone would make true evidence look false: they are its fault, told later.
        fits = token.digests == digests_of(commitments_of(evidence))
        found = pieces(evidence, token.shown if fits else ())
        grant = prove_grant(found.credential, logs)
        if grant.log.keys.origin != granted.origin:
            raise VerificationFailed(f"the evidence is of log {grant.log.keys.origin!r}, not of {granted.origin!r}")
    except VerificationFailed as error:
        raise EvidenceFailed(str(error)) from None
    return found, grant


def _with_status(grant: ProvedGrant, found: Pieces) -> Given:
    if found.staple is None:
        return Given(grant, None, VerificationFailed(f"it brings no status list {grant.pointer.list}"))
    return Given(grant, found.staple)


def _require_same(evidence: LicenceEvidence, licence: str, grant: int) -> None:
    if (evidence.licence, evidence.grant) != (licence, grant):
        raise VerificationFailed(
            f"the evidence is of {evidence.licence} (entry {evidence.grant}), not of {licence} (entry {grant})"
        )
