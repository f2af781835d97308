"""What a licensee carries beside its token: evidence of the log for any moment; and the check of both."""

from __future__ import annotations

from typing import Any

from tallystick.base64s import to_base64
from tallystick.licence.bearer import read_licence_token
from tallystick.licence.check import CheckRequest, LicenceCheck, check_licence
from tallystick.licence.evidence import LicenceEvidence, SignedList
from tallystick.licence.question import parse_question
from tallystick.licence.status_list import FreshnessPolicy, Status
from tallystick.times import format_time
from tallystick.token.binding import Expected
from tallystick.token.sdjwt import SdJwt
from tallystick.trust import Trust, TrustFile, Witnesses, encode_trust, parse_trust, trusted_log
from tests.core.licence.paper import ASKED, DAY, URI, Paper
from tests.core.token.kit import AUDIENCE, NONCE, Pocket

EXPECTED = Expected(AUDIENCE, NONCE)


def evidence(paper: Paper, status: Status = Status.VALID, size: int | None = None, **changes: Any) -> LicenceEvidence:
    """What the log would hand out now; ``changes`` forge it, ``listed`` its status list."""
    listed = changes.pop("listed", {})
    signer = changes.pop("signer", None)
    token = paper.staple(status, signer, **listed).list
    fields: dict[str, Any] = {
        "v": 2,
        "licence": paper.licence.event.subject,
        "grant": paper.grant,
        "checkpoint": paper.note(size),
        "entries": tuple(paper.shown(index, size) for index in range(size or len(paper.log))),
        "lists": (SignedList(URI, token),),
        **changes,
    }
    return LicenceEvidence(**fields)


def trust_for(*pockets: Pocket, roots: tuple[bytes, ...] | None = None) -> Trust:
    """A trust file that names these logs and the roots of their token issuers."""
    logs = tuple(
        trusted_log(one.paper.world.signers.keys, one.paper.world.registrar.signer.public, ()) for one in pockets
    )
    named = tuple(to_base64(one.issuer.root) for one in pockets) if roots is None else tuple(map(to_base64, roots))
    file = TrustFile(
        4 if named else 2,
        "a court",
        "2026-01-01T00:00:00Z",
        logs,
        (),
        (),
        (),
        (),
        False,
        Witnesses((), 0),
        7 * DAY,
        (),
        token_roots=named or None,
    )
    return parse_trust(encode_trust(file))


def check_token(
    pocket: Pocket,
    token: SdJwt | str,
    proof: LicenceEvidence | None,
    *,
    later: int = 0,
    ask: str = ASKED,
    expected: Expected | None = EXPECTED,
    trust: Trust | None = None,
    **more: Any,
) -> LicenceCheck:
    """The offline check of a token, by a verifier who asked for a key binding."""
    at = format_time(pocket.paper.world.clock + later)
    request = CheckRequest(parse_question(ask), at, FreshnessPolicy(7 * DAY), expected=expected, **more)
    trusted = trust or trust_for(pocket)
    facts = read_licence_token(token if isinstance(token, str) else token.text, trusted, request)
    return check_licence(facts, trusted.logs, request, proof)
