"""Step 13, by the map: which histories are shown whole, under which root, and whose word that root is.

A proof under a root is the log's own word. It becomes proved by an auditor whom the reader trusts and who replayed
the map of this very tree, or by the reader, who brings all entries of the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from tallystick.errors import VerificationFailed
from tallystick.map import OWN, MapProof, link, prove_answer
from tallystick.map.audit import Auditor, MapAudit, audited_at, out_of_time, parse_audit
from tallystick.map.proof import FIRST_LINK
from tallystick.merkle import verify_consistency
from tallystick.note import Note, verify_note
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Tally, time_text
from tallystick.verify.whole import Root, Wanted, Whole, root_stated


def check_histories(ex: Examination, tally: Tally) -> None:
    """All roots of the case, then the entries that the reader brought. Without either nothing is proved."""
    whole, shown = ex.whole, ex.case.map
    roots = [] if shown is None else [one for at in sorted(shown.proofs) if (one := _root(ex, tally, at)) is not None]
    proved = [_check_root(ex, tally, whole, root) for root in roots]
    if ex.copy is not None:
        proved.append(_check_copy(ex, tally, whole, roots))
    if any(proved):
        return
    if roots:
        tally.needs("map.committed", size=max(root.size for root in roots))
    else:
        tally.needs("completeness.withheld", size=ex.head.size if ex.head else 0)


def _root(ex: Examination, tally: Tally, position: int) -> Root | None:
    found = root_stated(ex, position)
    if found is None:
        tally.lacks("map.no-root", position=position)
    return found


# --- under a root ----------------------------------------------------------------------------------------


def _check_root(ex: Examination, tally: Tally, whole: Whole, root: Root) -> bool:
    """Whether the histories are whole under this root, and somebody else than the log vouches for it."""
    assert ex.case.map is not None
    proofs, missing, wrong = ex.case.map.proofs[root.position], list[str](), False
    for one in dict.fromkeys((*whole.wanted, *proofs)):
        proof = proofs.get(one)
        if proof is None:
            missing.append(f"{one[0]} {one[1]}")
        else:
            wrong |= not _check_history(tally, whole, root, one, proof)
    audited = _audits(ex, tally, root)
    if wrong:
        return False
    if missing:
        tally.shows("map.not-shown", size=root.size, count=len(missing), first=missing[0])
    elif root.size <= whole.last:
        tally.shows("map.short", size=root.size, position=whole.last)
    else:
        counted = {"size": root.size, "time": root.time, "count": len(whole.wanted), "position": root.position}
        tally.shows("map.whole", **counted)
        for name, seconds in audited:
            tally.shows("map.audited", name=name, size=root.size, time=time_text(seconds))
        _remember(ex, root.size, audited)
        return bool(audited)
    return False


def _check_history(tally: Tally, whole: Whole, root: Root, one: Wanted, proof: MapProof) -> bool:
    relation, text = one
    told = {"position": root.position, "relation": relation, "text": text}
    try:
        leaf = prove_answer(root.root, relation, text, proof)
    except VerificationFailed as error:
        tally.contradicts("map.bad-proof", **told, detail=str(error))
        return False
    if one not in whole.wanted:
        return True
    shown = [pair for pair in whole.shown.get(one, []) if pair[0] < root.size]
    count, chain = (leaf.count, leaf.chain) if leaf else (0, FIRST_LINK)
    if len(shown) < count:
        tally.contradicts("map.withheld", **told, count=count, shown=len(shown))
    elif len(shown) > count or _chain(shown) != chain:
        listed = ", ".join(str(at) for at, _ in shown[:20])
        tally.contradicts("map.hides", **told, count=count, positions=listed)
    else:
        return True
    return False


def _chain(history: Iterable[tuple[int, bytes]]) -> bytes:
    found = FIRST_LINK
    for index, leaf in history:
        found = link(found, index, leaf)
    return found


def _remember(ex: Examination, size: int, audited: list[tuple[str, int]]) -> None:
    told = {"size": size, "auditors": [{"name": name, "time": time_text(at)} for name, at in audited]}
    ex.facts["histories"] = [*ex.facts.get("histories", []), told]


# --- audits ----------------------------------------------------------------------------------------------


def _audits(ex: Examination, tally: Tally, root: Root) -> list[tuple[str, int]]:
    """Names and times of the trusted auditors who replayed the map of this tree and found this root."""
    found = []
    for data in ex.case.map.audits if ex.case.map else ():
        audit, note = parse_audit(data)
        for auditor, until in ex.trust.auditors:
            seconds = _time(tally, audit, note, auditor)
            if seconds is None or audit.size != root.size:
                continue
            untimely = out_of_time(seconds, ex.at, until, root.admitted_at)
            if untimely == "late":
                tally.shows("map.audit-late", name=auditor.name, size=audit.size, time=time_text(seconds))
            elif untimely == "early":
                early = f"it is dated {time_text(seconds)}, before the log stated this root"
                tally.shows("map.audit-elsewhere", name=auditor.name, size=audit.size, detail=early)
            elif _is_of(ex, tally, root, audit, auditor.name):
                found.append((auditor.name, seconds))
    return found


def _time(tally: Tally, audit: MapAudit, note: Note, auditor: Auditor) -> int | None:
    """When the auditor signed this note; ``None``: it did not."""
    lines = [one for one in note.signatures if (one.name, one.key_id) == (auditor.name, auditor.key_id)]
    if not lines:
        return None
    try:
        verify_note(note, [auditor])
        return audited_at(lines[0].signature)
    except VerificationFailed as error:
        tally.contradicts("map.audit-bad", name=auditor.name, size=audit.size, detail=str(error))
        return None


def _is_of(ex: Examination, tally: Tally, root: Root, audit: MapAudit, name: str) -> bool:
    told = {"name": name, "size": audit.size}
    if ex.head is None or audit.origin != ex.head.origin:
        tally.shows("map.audit-elsewhere", **told, detail=f"the audit is of {audit.origin}")
        return False
    path = ex.case.consistency.get((audit.size, ex.head.size), ())
    try:
        verify_consistency(audit.size, audit.tree, ex.head.size, ex.head.root, path)
    except VerificationFailed as error:
        tally.shows("map.audit-elsewhere", **told, detail=str(error))
        return False
    if audit.root != root.root:
        tally.contradicts("map.audit-other", **told, found=audit.root.hex(), stated=root.root.hex())
        return False
    return True


# --- by the reader's own copy ----------------------------------------------------------------------------


def _check_copy(ex: Examination, tally: Tally, whole: Whole, roots: list[Root]) -> bool:
    """All entries of the tree: the histories are recomputed, and so is every root that is shown."""
    if ex.head is None:
        tally.lacks("rests-on", steps="5")
        return False
    replay = ex.copied
    if replay is None:
        tally.lacks("map.other-copy", size=ex.head.size)
        return False
    for position, stated, found in replay.wrong:
        tally.contradicts("map.lie", position=position, stated=stated.hex(), found=found.hex())
    good = not replay.wrong
    covered = max((root.size for root in roots), default=ex.head.size)
    for one in whole.wanted:
        # These very entries: what merely stands at their place, under ``map/entries``, nobody else looks at.
        held, shown = {*replay.histories.get(one, [])}, {*whole.shown.get(one, [])}
        if gone := sorted({at for at, _ in held ^ shown}):
            listed = ", ".join(map(str, gone[:20]))
            # A private file of a licence may be left out, and a case says nothing of what came after its root.
            lawful = shown < held and all(at in replay.aside or at >= covered for at in gone)
            note = tally.contradicts if one[0] == OWN and not lawful else tally.lacks
            note("map.copy-has-more", relation=one[0], text=one[1], positions=listed)
            good = False
    if good:
        tally.shows("map.replayed", size=ex.head.size, count=len(whole.wanted))
        ex.facts["replayed"] = ex.head.size
    return good


Copy: TypeAlias = Callable[[], Iterable[bytes]]
