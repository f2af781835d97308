"""Settlements: what the rules refuse of them, what of them is withheld, and amounts that nobody committed to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tallystick.case import CaseMaterial, MapMaterial
from tallystick.case.model import PROOFS
from tallystick.commitments import disclose
from tallystick.digests import digest_pair
from tallystick.events.dispute import DisputeOpening
from tallystick.events.log import RulesVersion
from tallystick.events.settlement import Period, SettlementAcceptance, SettlementRecord
from tallystick.identifiers import Letter
from tallystick.map import OWN
from tallystick.statement import Statement
from tests.core.verify.facts_kit import without
from tests.core.verify.kit import Scene
from tests.core.verify.mutate import edit_json, entry, flipped
from tests.evidence_corpus.good import Worlds
from tests.evidence_corpus.shelf import Fault, Faults, Honest, change, made_so, members_of
from tests.evidence_corpus.whole import Audited
from tests.world import Someone, World

AMOUNT = {"amount": {"amount": "1200000", "currency": "EUR"}}
LESS = {"amount": {"amount": "900000", "currency": "EUR"}}
STATEMENT = digest_pair(b"statement of account of the first quarter")
WHOLE = {"completeness": "proved"}
CUT = {"entitlement": "proved", "completeness": "contradicted"}
RESTS = {"disclosure": "not_proved", "traceability": "not_proved", "completeness": "not_proved"}
"""What rests on the rules is not proved where they refuse an entry."""
REFUSED = {"entitlement": "contradicted", **RESTS}
UNKNOWN = {"entitlement": "not_proved", **RESTS}


@dataclass
class Bargain:
    """A licence that the studio granted to the licensee, a second one, and another's; what the two agreed upon."""

    scene: Scene
    licence: str
    second: str
    others: str
    dispute: str

    @property
    def world(self) -> World:
        return self.scene.world

    def between(self, *parties: Someone) -> tuple[str, ...]:
        found = parties or (self.world.studio, self.world.licensee)
        return tuple(sorted(one.id for one in found))

    def settle(self, who: Someone | None = None, subject: str | None = None, **fields: Any) -> Statement:
        private = fields.pop("private", AMOUNT)
        body = SettlementRecord(**{"parties": self.between(), **fields})
        who = who or self.world.studio
        return self.world.say(who, "settlement.record", subject or self.licence, body, private)

    def accept(self, record: int, who: Someone | None = None, subject: str | None = None) -> Statement:
        who = who or self.world.licensee
        return self.world.say(who, "settlement.accept", subject or self.licence, SettlementAcceptance(record))

    def add(self, said: Statement) -> int:
        """One batch; the position of its first entry."""
        at = self.scene.log.size
        self.scene.log.add(said)
        self.world.clock += 60
        return at

    def agreed(self, subject: str | None = None, **fields: Any) -> int:
        at = self.add(self.settle(subject=subject, **fields))
        self.add(self.accept(at, subject=subject))
        return at


def bargain(folder: Path, rules: RulesVersion = 4) -> Bargain:
    world = World("settlements", "log.example/settlements", rules=rules)
    scene = Scene(folder, world)
    film = world.object()
    of = film.event.subject
    holders = (world.licensee, world.licensee, world.tester)
    granted = [world.licence(of, index=at, holder=one.id) for at, one in enumerate(holders)]
    scene.log.add(*world.parties(), film, *granted)
    licence, second, others = (one.event.subject for one in granted)
    dispute = world.identifier(Letter.DISPUTE)
    scene.log.add(world.say(world.licensee, "dispute.open", dispute, DisputeOpening(licence, "licence")))
    world.clock += 60
    return Bargain(scene, licence, second, others, dispute)


# --- honest cases -----------------------------------------------------------------


def faults(worlds: Worlds) -> Faults:
    licence, dispute, told, at = _corrected(worlds.folder / "settlements")
    worlds.honest.update({one.name: one for one in (licence, dispute)})
    yield from _withheld(licence, told, at)
    yield from _opened(licence, told, at)
    yield from _moved(licence, at)
    for number, (name, said) in enumerate(PLANTED.items()):
        yield _planted(worlds.folder / f"settlement-{number}", name, said, REFUSED)
    for number, (name, said) in enumerate(UNREGISTERED.items()):
        yield _planted(worlds.folder / f"unregistered-{number}", name, said, UNKNOWN)
    yield _before_version_4(worlds.folder / "settlement-of-version-3")


def _corrected(folder: Path) -> tuple[Honest, Honest, Bargain, tuple[int, int]]:
    """What was agreed, and what was agreed in its place; the dispute is settled too. The values are disclosed."""
    told = bargain(folder)
    first = told.agreed(period=Period("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"), documents=(STATEMENT,))
    second = told.agreed(supersedes=first, private=LESS, also=(told.second,))
    told.agreed(told.dispute)
    shown = {at: _disclosed(told, at) for at in (first, second)}
    audited = Audited(told.scene, told.licence, "licence")
    licence = replace(audited.material(), disclosures=shown)
    audited.subject, audited.kind = told.dispute, "dispute"
    cases = {"licence-with-a-settlement-and-its-correction": licence, "dispute-that-was-settled": audited.material()}
    one, two = (Honest(name, told.scene, material, {}) for name, material in cases.items())
    return one, two, told, (first, second)


def _disclosed(told: Bargain, at: int) -> list[str]:
    opened = told.world.disclosures[told.scene.log.statements[at].statement_id]
    return [one.text for one in opened]


# --- what an exporter withholds, swaps or makes up --------------------------------


def _withheld(honest: Honest, told: Bargain, at: tuple[int, int]) -> Faults:
    first, second = at
    accepted, accepted_later = first + 2, second + 2
    for name, gone in {
        "settlement-whose-acceptance-is-withheld": [accepted],
        "settlement-whose-correction-is-withheld": [second, accepted_later],
        "settlement-whose-correction-reads-as-an-offer": [accepted_later],
        "settlement-withheld-with-all-that-followed": [first, accepted, second, accepted_later],
    }.items():
        made = change(honest, name, members_of(_without(honest.material, gone)), 13)
        yield replace(made, claims=CUT)
    made = change(honest, "settlement-accepted-and-not-shown", members_of(_without(honest.material, [first])), 6)
    yield replace(made, claims={"entitlement": "not_proved", "completeness": "contradicted"})
    shown = honest.material.map
    assert shown is not None
    bare = {root: {one: proof for one, proof in proofs.items() if one != (OWN, told.licence)}
            for root, proofs in shown.proofs.items()}  # fmt: skip
    cut = replace(_without(honest.material, [second, accepted_later]), map=MapMaterial(bare, shown.audits))
    made = change(honest, "settlement-whose-correction-is-withheld-with-its-history", members_of(cut), 9)
    yield replace(made, claims={"traceability": "not_proved"})


def _without(material: CaseMaterial, gone: list[int]) -> CaseMaterial:
    kept = {at: one for at, one in (material.disclosures or {}).items() if at not in gone}
    return replace(without(material, gone), disclosures=kept)


def _opened(honest: Honest, told: Bargain, at: tuple[int, int]) -> Faults:
    first, second = at
    true = {first: _disclosed(told, first), second: _disclosed(told, second)}
    free = disclose("shares", [{"party": told.world.studio.id, "basis_points": 10_000}], b"\x01" * 16).text
    for name, shown in {
        "settlement-with-another-amount": {**true, first: [disclose("amount", LESS["amount"], b"\x01" * 16).text]},
        "settlement-with-the-amount-of-its-correction": {**true, first: true[second]},
        "settlement-with-shares-that-nobody-committed-to": {**true, first: [*true[first], free]},
        "settlement-with-two-amounts": {**true, first: [*true[first], *true[first]]},
        "acceptance-with-an-amount-of-its-own": {**true, first + 2: true[first]},
    }.items():
        made = change(honest, name, members_of(replace(honest.material, disclosures=shown)), 7)
        yield replace(made, claims={"disclosure": "contradicted", **WHOLE})


def _moved(honest: Honest, at: tuple[int, int]) -> Faults:
    members, (first, second) = honest.members(), at
    swapped = {**members, entry(first): members[entry(second)], entry(second): members[entry(first)]}
    found = change(honest, "settlement-and-its-correction-exchanged", swapped, 4)
    yield replace(found, claims={"inclusion": "contradicted"})
    spoilt = {**members, entry(first): flipped(members[entry(first)], len(members[entry(first)]) - 1)}
    found = change(honest, "settlement-with-a-spoilt-signature", spoilt, 3)
    yield replace(found, claims={"statement-signature": "contradicted"})
    path = edit_json(members, PROOFS, lambda proofs: proofs["inclusion"].update({str(first): []}))
    yield replace(change(honest, "settlement-with-an-empty-path", path, 4), claims={"inclusion": "contradicted"})


# --- what its operator puts into the tree behind the rules ------------------------

Said = Callable[[Bargain], Statement]


def _second_of_two_corrections(told: Bargain) -> Statement:
    first = told.agreed()
    one, two = (told.add(told.settle(supersedes=first)) for _ in range(2))
    told.add(told.accept(one))
    return told.accept(two)


def _corrected_again(told: Bargain) -> Statement:
    first = told.agreed()
    told.agreed(supersedes=first)
    return told.settle(supersedes=first)


def _of_what_was_corrected(told: Bargain) -> Statement:
    """By the third of its parties, who never accepted it, after all three accepted its correction."""
    three = told.between(told.world.studio, told.world.licensee, told.world.tester)
    first = told.add(told.settle(parties=three))
    second = told.add(told.settle(parties=three, supersedes=first))
    for one in (told.world.licensee, told.world.tester):
        told.add(told.accept(second, one))
    return told.accept(first, told.world.tester)


def _by_the_registrars_key(told: Bargain) -> Statement:
    return told.settle(replace(told.world.studio, signer=told.world.registrar.signer))


PLANTED: dict[str, Said] = {
    "settlement-by-whom-the-licence-does-not-concern": lambda t: t.settle(
        t.world.tester, parties=t.between(t.world.studio, t.world.tester)
    ),
    "settlement-between-others": lambda t: t.settle(parties=t.between(t.world.licensee, t.world.tester)),
    "settlement-between-a-party-and-itself": lambda t: t.settle(parties=(t.world.studio.id,) * 2),
    "settlement-with-its-parties-out-of-order": lambda t: t.settle(parties=t.between()[::-1]),
    "settlement-by-the-log-itself": lambda t: t.settle(t.world.log),
    "settlement-planted-for-a-party-by-the-registrars-key": _by_the_registrars_key,
    "settlement-without-an-amount": lambda t: t.settle(private={"reference": "R-1"}),
    "settlement-with-a-value-of-no-rule": lambda t: t.settle(private={**AMOUNT, "discount": "ten per cent"}),
    "settlement-of-a-time-that-ends-before-it-begins": lambda t: t.settle(
        period=Period("2026-04-01T00:00:00Z", "2026-01-01T00:00:00Z")
    ),
    "settlement-that-names-its-licence-twice": lambda t: t.settle(also=(t.licence,)),
    "settlement-that-takes-in-the-licence-of-others": lambda t: t.settle(t.world.licensee, also=(t.others,)),
    "settlement-of-the-dispute-of-others": lambda t: t.settle(
        t.world.tester, t.dispute, parties=t.between(t.world.tester, t.world.licensee)
    ),
    "correction-between-others": lambda t: t.settle(
        t.world.licensee, supersedes=t.agreed(), parties=t.between(t.world.licensee, t.world.tester)
    ),
    "correction-under-another-licence": lambda t: t.settle(subject=t.second, supersedes=t.agreed()),
    "correction-of-what-was-corrected": _corrected_again,
    "acceptance-of-what-was-corrected": _of_what_was_corrected,
    "acceptance-by-who-is-not-among-the-parties": lambda t: t.accept(t.add(t.settle()), t.world.tester),
    "acceptance-by-who-said-it": lambda t: t.accept(t.add(t.settle()), t.world.studio),
    "acceptance-said-twice": lambda t: t.accept(t.agreed()),
    "acceptance-under-another-licence": lambda t: t.accept(t.add(t.settle()), subject=t.second),
    "acceptance-of-the-second-of-two-corrections": _second_of_two_corrections,
}
"""What no entry that is left out could make right: contradicted."""

UNREGISTERED: dict[str, Said] = {
    "settlement-with-a-party-that-nobody-registered": lambda t: t.settle(
        parties=t.between(t.world.studio, t.world.outsider)
    ),
    "settlement-of-a-licence-that-nobody-granted": lambda t: t.settle(subject=t.world.identifier(Letter.LICENCE)),
    "correction-of-what-is-no-settlement": lambda t: t.settle(supersedes=t.scene.log.find("licence.grant")),
    "acceptance-of-what-is-no-settlement": lambda t: t.accept(t.scene.log.find("licence.grant")),
}
"""The entry that would make it right might stand where the bundle shows nothing: not proved."""


def _planted(folder: Path, name: str, said: Said, claims: dict[str, str]) -> Fault:
    told = bargain(folder)
    told.add(said(told))
    return made_so(name, told.scene, Audited(told.scene, told.licence, "licence").material(), 6, **claims)


def _before_version_4(folder: Path) -> Fault:
    told = bargain(folder, 3)
    told.add(told.settle())
    told.scene.anchor()
    material = told.scene.material(told.licence, "licence")
    return made_so("settlement-before-version-4-of-the-rules", told.scene, material, 6, **REFUSED)
