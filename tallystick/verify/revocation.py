"""What is told of revocation: of the signers of files and of timestamps, and by which of the lists and answers here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tallystick.case.model import REVOCATION
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Line, Tally, say, time_text

if TYPE_CHECKING:
    from tallystick.revocation import Revocation
    from tallystick.timestamp import TimestampFact


def revocation_fact(said: Revocation) -> dict[str, Any]:
    """One word, as facts have it. ``reason`` where it is told."""
    return {
        "of": said.of,
        "form": said.form,
        "by": said.by,
        "from": _time(said.since),
        "until": _time(said.until),
        "revoked": _time(said.revoked),
        "sha256": said.sha256,
    } | ({} if said.reason is None else {"reason": said.reason})


def tell(ex: Examination, tally: Tally, what: str, said: Revocation) -> None:
    """A word that refused nothing. ``what``: the member whose signer it is about."""
    source = next((name for name in ex.case.revocation if said.sha256 in name), what)
    known: dict[str, Any] = {"file": what, "of": said.of, "by": said.by, "source": source}
    known |= {"since": _time(said.since), "until": _time(said.until) or "-"}
    if said.revoked is None:
        tally.shows("revocation.unrevoked", **known)
    else:
        tally.shows("revocation.later", **known, revoked=_time(said.revoked))


def tell_revocation(ex: Examination, tally: Tally, what: str, fact: TimestampFact) -> None:
    """Of a timestamp that holds: what was said of who gave it, and what nobody said who says that he would."""
    for said in fact.revocation:
        tell(ex, tally, what, said)
    made = time_text(fact.gen_time // 1_000_000)
    for name, places in fact.unanswered:
        tally.shows("revocation.unanswered", file=what, of=name, time=made, places=", ".join(places[:4]))


def idle(facts: Iterable[Mapping[str, Any]]) -> tuple[Line, ...]:
    """Of the members that say nothing here: they decide nothing, and a reader should know that."""
    return tuple(say("revocation.idle", file=one["file"]) for one in facts if not one["says"])


def member_facts(ex: Examination) -> list[dict[str, Any]]:
    """For each list and answer of the case, what counts of it about those who signed here: nothing, perhaps."""
    heard: dict[str, list[Revocation]] = {}
    for said in ex.words.heard:
        name = f"{REVOCATION}{said.sha256}.{'crl' if said.form == 'list' else 'ocsp'}"
        heard.setdefault(name, []).append(said)
    return [{"file": name, "says": list(map(revocation_fact, heard.get(name, ())))} for name in ex.case.revocation]


def _time(instant: datetime | None) -> str | None:
    return None if instant is None else time_text(int(instant.timestamp()))
