"""Revocation data beside the files of a case: whom it refuses, which token falls, and what it must not decide."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tallystick.case import CaseMaterial
from tallystick.case.model import INDEX
from tests.c2pa_corpus.people import der
from tests.core.verify.kit import AT
from tests.core.verify.mutate import Members, described, edit_json, without
from tests.core.verify.test_credentials import desk
from tests.core.verify.test_timestamps import of_sizes, stamp
from tests.core.verify.words_kit import (
    DAY,
    LOGGED,
    STRANGER,
    TOWER,
    TOWER_HALL,
    TOWER_ROOT,
    Reason,
    answered,
    beside,
    card_people,
    holder,
    listing,
    stamped,
)
from tests.evidence_corpus import documents
from tests.evidence_corpus.good import Worlds
from tests.evidence_corpus.shelf import Fault, Faults, Honest, change, members_of

MADE = datetime.fromtimestamp(AT - 3600, UTC)
HOUR = timedelta(hours=1)


def faults(worlds: Worlds) -> Faults:
    yield from _cards(worlds)
    yield from _documents(worlds)
    yield from _tokens(worlds)
    yield from _forms(worlds)


def _honest(worlds: Worlds, one: Honest, name: str, *lists: bytes, answers: Iterable[bytes] = ()) -> Honest:
    """Another honest case: that one with these beside its files."""
    worlds.honest[name] = made = replace(one, name=name, material=beside(one.material, lists, answers))
    return made


# --- cards ---------------------------------------------------------------------


def _cards(worlds: Worlds) -> Faults:
    card = worlds.honest["licence-with-its-card"]
    signer, issuer, root = card_people()
    before, later = LOGGED - DAY, LOGGED + 6 * HOUR
    revoked = (signer, before, None)
    _honest(worlds, card, "card-whose-signer-was-not-revoked-says-a-list-beside-it", listing(issuer), listing(root))
    _honest(worlds, card, "card-whose-signer-was-revoked-since-says-a-list-beside-it",
            listing(issuer, (signer, later, Reason.key_compromise)))  # fmt: skip
    good = (answered(signer, issuer),)
    _honest(worlds, card, "card-whose-signer-was-not-revoked-says-an-answer-beside-it", answers=good)
    _honest(worlds, card, "card-beside-which-strangers-say-revoked",
            listing(issuer, revoked, key=STRANGER.key), listing(STRANGER, revoked),
            answers=(answered(signer, issuer, before, by=STRANGER), b"\x30\x03\x02\x01\x05"))  # fmt: skip
    for name, lists, answers in (
        ("says-a-list-beside-it", (listing(issuer, revoked),), ()),
        ("says-an-answer-beside-it", (), (answered(signer, issuer, before),)),
        ("for-which-a-reason-is-told", (listing(issuer, (signer, before, Reason.superseded)),), ()),
        ("at-the-very-instant", (listing(issuer, (signer, LOGGED, None)),), ()),
        ("and-not-revoked-by-a-newer-list", (listing(issuer, revoked), listing(issuer, at=LOGGED + DAY)), ()),
        ("and-good-by-an-answer", (listing(issuer, revoked),), (answered(signer, issuer, at=LOGGED + DAY),)),
    ):
        yield _refused(card, f"card-of-a-signer-revoked-before-{name}", lists, answers)
    yield _refused(
        card, "card-of-an-authority-revoked-before-says-a-list-beside-it", [listing(root, (issuer, before, None))]
    )
    yield from _stamped_cards(worlds)


def _refused(honest: Honest, name: str, lists: Iterable[bytes], answers: Iterable[bytes] = ()) -> Fault:
    made = change(honest, name, members_of(beside(honest.material, lists, answers)), 12)
    return replace(made, claims={"credential": "contradicted"})


def _stamped_cards(worlds: Worlds) -> Faults:
    """Its signer was revoked between the time of the token in the card and that of the log."""
    signer, issuer, _ = card_people()
    made = desk(worlds.folder / "stamped-card", finish=lambda card: stamped(card, LOGGED - 2 * HOUR))
    revoked = listing(issuer, (signer, LOGGED - HOUR, None))
    bare = Honest("card-stamped-by-the-clock-tower", made.scene, made.case(), {})
    worlds.honest[bare.name] = bare
    honest = _honest(worlds, bare, "card-signed-before-its-signer-was-revoked-says-a-clock", revoked)
    since = LOGGED + 300 * DAY
    stopped = listing(TOWER_HALL, (TOWER, since, Reason.superseded))
    _honest(worlds, bare, "card-signed-before-its-signer-was-revoked-says-a-clock-that-stopped-since", revoked, stopped)
    for why, reason in (("whose-key-was-stolen", Reason.key_compromise), ("revoked-without-a-reason", None)):
        words = [revoked, listing(TOWER_HALL, (TOWER, since, reason))]
        yield _refused(honest, f"card-that-only-a-clock-{why}-dates-before-its-signer-was-revoked", words)


# --- documents -----------------------------------------------------------------


def _documents(worlds: Worlds) -> Faults:
    one = worlds.document
    honest, draft = worlds.honest["pdf-certificate-of-few-words"], documents.Draft(one.scene, "", ())
    at = draft.at - HOUR
    _honest(worlds, honest, "pdf-certificate-with-a-list-beside-it", documents.listed(draft, draft.at + 2 * HOUR))
    yield _refused(honest, "pdf-of-a-signer-revoked-before-says-a-list-beside-it", [documents.listed(draft, at - DAY)])
    yield _refused(
        honest, "pdf-of-a-signer-revoked-before-says-an-answer-beside-it", [], [documents.answered(draft, at - DAY)]
    )


# --- tokens --------------------------------------------------------------------


def _tokens(worlds: Worlds) -> Faults:
    kit = worlds.kit
    shown = (der(TOWER.certificate), der(TOWER_HALL.certificate))
    case: CaseMaterial = of_sizes(kit, stamp(kit.log.note(), holder(TOWER), certificates=shown))
    bare = Honest("timestamp-of-the-clock-tower", kit.scene, case, {})
    worlds.honest[bare.name] = bare
    honest = _honest(
        worlds, bare, "timestamp-whose-authority-was-not-revoked", listing(TOWER_HALL), listing(TOWER_ROOT)
    )
    for reason in (Reason.unspecified, Reason.affiliation_changed, Reason.superseded, Reason.cessation_of_operation):
        name = f"timestamp-of-an-authority-revoked-since-as-{_SLUGS[reason]}"
        _honest(worlds, bare, name, listing(TOWER_HALL, (TOWER, MADE + DAY, reason)))
    strange = listing(TOWER_HALL, (TOWER, MADE - DAY, None), key=STRANGER.key)
    _honest(worlds, bare, "timestamp-of-an-authority-that-a-stranger-calls-revoked", strange)
    for name, lists, answers in _fallen():
        made = change(
            honest, f"timestamp-of-an-authority-{name}", members_of(beside(case, lists, answers)), None, "proved"
        )
        yield replace(made, claims={"timestamp": "not_proved"})


_SLUGS = {
    Reason.unspecified: "unspecified",
    Reason.affiliation_changed: "affiliation-changed",
    Reason.superseded: "superseded",
    Reason.cessation_of_operation: "cessation-of-operation",
    Reason.key_compromise: "key-compromise",
    Reason.ca_compromise: "ca-compromise",
    Reason.privilege_withdrawn: "privilege-withdrawn",
    Reason.certificate_hold: "certificate-hold",
}


def _fallen() -> Iterable[tuple[str, list[bytes], list[bytes]]]:
    since, before = MADE + DAY, MADE - DAY
    for reason in (Reason.key_compromise, Reason.ca_compromise, Reason.privilege_withdrawn, Reason.certificate_hold):
        yield f"revoked-since-as-{_SLUGS[reason]}", [listing(TOWER_HALL, (TOWER, since, reason))], []
    yield "revoked-since-without-a-reason", [listing(TOWER_HALL, (TOWER, since, None))], []
    yield "revoked-since-says-an-answer", [], [answered(TOWER, TOWER_HALL, since, Reason.key_compromise)]
    yield "revoked-since-without-a-reason-says-an-answer", [], [answered(TOWER, TOWER_HALL, since)]
    yield "revoked-before-as-superseded", [listing(TOWER_HALL, (TOWER, before, Reason.superseded))], []
    yield "revoked-at-the-very-instant", [listing(TOWER_HALL, (TOWER, MADE, Reason.superseded))], []
    above = [listing(TOWER_ROOT, (TOWER_HALL, since, Reason.key_compromise))]
    yield "under-one-revoked-since-as-key-compromise", above, []
    both = [listing(TOWER_HALL, (TOWER, since, None)), listing(TOWER_HALL, at=LOGGED + 300 * DAY)]
    yield "revoked-and-not-revoked-by-a-newer-list", both, []


# --- form ----------------------------------------------------------------------


def _forms(worlds: Worlds) -> Faults:
    honest = worlds.honest["timestamp-whose-authority-was-not-revoked"]
    members = honest.members()
    first, second = sorted(name for name in members if name.startswith("data/revocation/"))
    other = listing(TOWER_HALL, at=LOGGED + HOUR)
    bare = members_of(beside(honest.material))
    for name, changed in {
        "promised-and-absent": described(without(members, first)),
        "that-no-index-names": described({**bare, first: members[first]}),
        "that-the-index-does-not-name": described({**members, _name_of(other): other}),
        "exchanged": {**members, first: members[second], second: members[first]},
        "of-another-sha256": {**members, first: other},
        "that-is-cut": _renamed(members, first, members[first][:-1]),
        "with-bytes-behind": _renamed(members, first, members[first] + b"\0"),
        "that-is-no-sequence": _renamed(members, first, b"\x04\x02ok"),
        "that-is-empty": _renamed(members, first, b""),
        "as-pem": _renamed(members, first, b"-----BEGIN X509 CRL-----\n"),
        "not-sorted": _indexed(members, lambda index: index["revocation"].reverse()),
        "named-twice": _indexed(members, lambda index: index.update(revocation=[first, first, second])),
        "in-a-case-of-version-4": _indexed(members, lambda index: index.update(v=4, format="tallystick-evidence/4")),
        "of-which-the-list-is-empty": _indexed(bare, lambda index: index.update(_FIFTH, revocation=[])),
        "of-which-there-is-none": _indexed(bare, lambda index: index.update(_FIFTH)),
        "under-another-name": _named(members, first, first.replace(".crl", ".der")),
    }.items():
        yield change(honest, f"revocation-data-{name}", changed, 1, "malformed")


def _fifth(index: dict[str, object]) -> dict[str, object]:
    return {**index, "v": 5, "format": "tallystick-evidence/5"}


def _indexed(members: Members, change_it: Callable[[dict[str, Any]], None]) -> Members:
    return described(edit_json(members, INDEX, change_it))


_FIFTH = {"v": 5, "format": "tallystick-evidence/5"}


def _named(members: Members, old: str, new: str) -> Members:
    """Under another name, in the index too."""

    def rename(index: dict[str, Any]) -> None:
        index["revocation"] = sorted(new if one == old else one for one in index["revocation"])

    return _indexed({new if name == old else name: data for name, data in members.items()}, rename)


def _renamed(members: Members, old: str, data: bytes) -> Members:
    """Other bytes, under the name that they have."""
    new = _name_of(data)
    return described({**_named(members, old, new), new: data})


def _name_of(data: bytes) -> str:
    return f"data/revocation/{hashlib.sha256(data).hexdigest()}.crl"
