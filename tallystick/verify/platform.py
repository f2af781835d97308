"""Step 17: what the operator declared of its platform, and whether it was in force when the case's objects came in."""

from __future__ import annotations

from typing import Any

from tallystick.case.model import PLATFORM
from tallystick.content import file_content
from tallystick.events.facts import PlatformDocument
from tallystick.replay import Admitted
from tallystick.times import parse_time
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Finding, Tally, time_text

LIMBS = ("qualification", "independence", "system", "process")
"""Of article 17 of the Online Litigation Rules, in its order."""
STATES = ("present", "afterwards", "expired", "absent")
"""Of a limb, the best first: declared before the deposit and in force then; in force by its dates, declared later; not
in force then; nothing declared.
"""


def documents(ex: Examination) -> list[Admitted]:
    """What the operator declared, in log order."""
    found = ex.replay.admitted.items()
    return [one for _, one in sorted(found) if one.placed.statement.event.type == "platform.file"]


def check_platform(ex: Examination) -> Finding:
    """One line for each limb of article 17: a document in force at the deposit date, one that was not, or none."""
    tally, declared = Tally(), documents(ex)
    if not declared or not ex.about:
        tally.lacks("platform.none")
        return tally.finding()
    deposits = [one.admitted_at for one in ex.about if one.placed.statement.event.type == "object.register"]
    deposits = deposits or [ex.about[0].admitted_at]
    span = min(deposits), max(deposits)
    told = [(one, _state(one, span)) for one in declared]
    tally.shows("platform.deposit", first=time_text(span[0]), last=time_text(span[1]))
    ex.facts["factors"] = [*ex.facts.get("factors", []), *(_limb(tally, told, name) for name in LIMBS)]
    here = _brought(ex, tally, declared)
    ex.facts["platform"] = [_document(tally, one, state, here) for one, state in told]
    tally.needs("platform.word")
    return tally.finding()


def _body(one: Admitted) -> PlatformDocument:
    body: PlatformDocument = one.placed.statement.event.body
    return body


def _state(one: Admitted, span: tuple[int, int]) -> str:
    body, (first, last) = _body(one), span
    if parse_time(body.valid_from) > first or (body.valid_until and parse_time(body.valid_until) <= last):
        return "expired"
    return "present" if one.admitted_at <= first else "afterwards"


def _limb(tally: Tally, told: list[tuple[Admitted, str]], name: str) -> dict[str, Any]:
    of = [(one.placed.position, state) for one, state in told if _body(one).limb == name]
    state = min((state for _, state in of), key=STATES.index, default="absent")
    positions = [position for position, found in of if found == state]
    tally.shows(f"limb.{name}.{state}", positions=", ".join(map(str, positions)))
    return {"article": 17, "factor": name, "state": state, "positions": positions, "detail": ""}


def _brought(ex: Examination, tally: Tally, declared: list[Admitted]) -> set[str]:
    """SHA-256 of the documents that are here and are those declared."""
    found = set()
    by_digest = {_body(one).document.sha256: _body(one) for one in declared}
    for sha256 in ex.case.index.platform or ():
        body, content = by_digest.get(sha256), file_content(ex.bundle.stream(PLATFORM + sha256))
        if body is None:
            tally.contradicts("platform.undeclared", digest=sha256)
        elif (content.sha256, content.sm3, content.size) != (sha256, body.document.sm3, body.size):
            tally.contradicts("platform.bytes", digest=sha256)
        else:
            found.add(sha256)
    return found


def _document(tally: Tally, one: Admitted, state: str, here: set[str]) -> dict[str, Any]:
    body, position = _body(one), one.placed.position
    included = body.document.sha256 in here
    tally.shows(
        "platform.document" if included else "platform.digest",
        position=position, en=body.title.en, zh=body.title.zh, issuer=body.issuer, start=body.valid_from,
        end=body.valid_until or "-", digest=body.document.sha256,
    )  # fmt: skip
    return {
        "position": position,
        "limb": body.limb,
        "title_zh": body.title.zh,
        "title_en": body.title.en,
        "issuer": body.issuer,
        "valid_from": body.valid_from,
        "valid_until": body.valid_until,
        "sha256": body.document.sha256,
        "included": included,
        "filed_at": time_text(one.admitted_at),
        "state": state,
    }
