"""Step 13 by the map: whole histories, by whose word, and every way in which one can be cut."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tallystick.case import CaseMaterial, MapMaterial, case_members
from tallystick.checkpoint import parse_body
from tallystick.events.dispute import DisputeOpening
from tallystick.events.log import MapRoot
from tallystick.identifiers import Letter
from tallystick.map import NAMED, OWN, MapProof, MemoryMap, Relation, key_of
from tallystick.map.audit import Auditor, MapAudit, sign_audit
from tallystick.merkle import prove_consistency, prove_inclusion, root_of
from tallystick.note import parse_note
from tallystick.statement import parse_statement
from tallystick.trust import Trust, TrustedAuditor
from tallystick.verify import Report, verify_case
from tests.core.verify.kit import AT, Scene
from tests.world import START, World, key_from

KEY = key_from("auditor of histories")
AUDITOR = Auditor("auditor.example", KEY.public)
Wanted = tuple[Relation, str]


@dataclass
class Told:
    """A log with an object, a dispute about it, and a map root; and the case of the object."""

    scene: Scene
    subject: str
    root_at: int
    size: int

    @property
    def entries(self) -> list[bytes]:
        return [one.entry for one in self.scene.log.statements]

    def map(self, *, without: str | None = None) -> MemoryMap:
        """The map of the covered entries, or one that hides entries of a type."""
        found = MemoryMap()
        for entry in self.entries[: self.size]:
            found.take(b"hidden" if parse_statement(entry).event.type == without else entry)
        return found

    def wanted(self) -> list[Wanted]:
        """The own history of every subject, and what names the subject."""
        subjects = {one.event.subject for one in self.scene.log.statements}
        subjects.add(self.subject)
        return [(OWN, one) for one in sorted(subjects)] + [(NAMED, self.subject)]

    def proofs(self, found: MemoryMap | None = None) -> dict[Wanted, MapProof]:
        found = found or self.map()
        return {one: found.prove(key_of(*one)) for one in self.wanted()}

    def audit(self, key: Any = KEY, at: int = START + 60, **changes: Any) -> bytes:
        tree = root_of(self.scene.log.leaves(self.size))
        fields = {"origin": self.scene.world.origin, "size": self.size, "tree": tree, "root": self.map().root()}
        return sign_audit(MapAudit(**{**fields, **changes}), AUDITOR.name, key, at).encode()

    def material(self, *, audits: tuple[bytes, ...] = (), **changes: Any) -> CaseMaterial:
        size = self.scene.log.size
        changes = {"map": MapMaterial({self.root_at: self.proofs()}, audits), **changes}
        made = self.scene.material(self.subject, **changes)
        if audits:
            paths = {**made.consistency, (self.size, size): prove_consistency(self.scene.log, self.size, size)}
            made = replace(made, consistency=paths)
        return made

    def without(self, made: CaseMaterial, position: int, **changes: Any) -> CaseMaterial:
        """The exporter leaves out an entry."""
        entries = {at: entry for at, entry in made.entries.items() if at != position}
        inclusion = {at: path for at, path in made.inclusion.items() if at != position}
        return replace(made, entries=entries, inclusion=inclusion, **changes)

    def trust(self, **changes: Any) -> Trust:
        file = self.scene.trust_file()
        logs = tuple(replace(log, replaced=()) for log in file.logs)
        auditors = changes.pop("auditors", (TrustedAuditor(AUDITOR.verifier_key),))
        return self.scene.trust(v=4, logs=logs, auditors=auditors, **changes)

    def judge(self, made: CaseMaterial, trust: Trust | None = None, copy: list[bytes] | None = None) -> Report:
        bundle = io.BytesIO(self.scene.bundle(case_members(made)))
        given = None if copy is None else partial(iter, copy)
        return verify_case(bundle, trust or self.trust(), AT, (), given)


def tell(folder: Path, stated: Any = None) -> Told:
    """``stated``: gives the root that the operator states instead."""
    scene = Scene(folder, World("histories", "log.example/histories"))
    world, log = scene.world, scene.log
    picture = world.object()
    subject = picture.event.subject
    log.add(world.register(world.studio, "studio"), picture)
    dispute = world.identifier(Letter.DISPUTE)
    log.add(world.say(world.studio, "dispute.open", dispute, DisputeOpening(subject, "authorship")))
    scene.anchor()
    told = Told(scene, subject, log.size, log.size)
    root = told.map().root() if stated is None else stated(told)
    log.add(world.say(world.log, "log.map-root", world.origin, MapRoot(told.size, root.hex())))
    return told


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(tmp_path_factory.mktemp("told"))


def outcome(report: Report) -> str:
    return report.claim("completeness").outcome


def keys(report: Report) -> set[str]:
    return {line.key for line in report.claim("completeness").evidence} - {"adverse.event"}


def test_the_operators_word_needs_an_external_fact(told: Told) -> None:
    report = told.judge(told.material())
    assert (report.verdict, outcome(report)) == ("proved", "needs_external_fact")
    assert keys(report) == {"map.whole", "map.committed"}


def test_an_auditor_of_the_trust_file_makes_it_proved(told: Told) -> None:
    report = told.judge(told.material(audits=(told.audit(),)))
    assert (report.verdict, outcome(report)) == ("proved", "proved")
    assert keys(report) == {"map.whole", "map.audited"}
    assert report.facts["histories"][0]["size"] == told.size
    assert outcome(told.judge(told.material(audits=(told.audit(),)), told.scene.trust())) == "needs_external_fact"


def test_the_entries_at_hand_make_it_proved(told: Told) -> None:
    for made in (told.material(), replace(told.material(), map=None)):
        report = told.judge(made, told.scene.trust(), told.entries)
        assert (report.verdict, outcome(report), report.facts["replayed"]) == ("proved", "proved", len(told.entries))


def test_absence_is_proved_too(told: Told) -> None:
    """No licence names the object: its named history is empty."""
    proofs = told.proofs()
    assert proofs[NAMED, told.subject].leaf is not None
    assert proofs[NAMED, told.subject].leaf.key != key_of(NAMED, told.subject)  # type: ignore[union-attr]
    assert outcome(told.judge(told.material(audits=(told.audit(),)))) == "proved"


# --- what the exporter can do ---------------------------------------------------------------------------


def test_a_dispute_that_the_exporter_leaves_out(told: Told) -> None:
    position = told.scene.log.find("dispute.open")
    cut = told.without(told.material(audits=(told.audit(),)), position)
    report = told.judge(cut)
    assert (outcome(report), report.verdict) == ("contradicted", "not_proved")
    assert "map.withheld" in keys(report)
    bare = told.judge(replace(cut, map=None), told.scene.trust(), told.entries)
    assert (outcome(bare), bare.verdict) == ("contradicted", "not_proved")
    assert "map.copy-has-more" in keys(bare)


def test_without_the_proof_of_that_history_nothing_is_proved(told: Told) -> None:
    for left_out in told.wanted():
        proofs = {one: proof for one, proof in told.proofs().items() if one != left_out}
        report = told.judge(
            told.material(audits=(told.audit(),), map=MapMaterial({told.root_at: proofs}, (told.audit(),)))
        )
        assert outcome(report) == "needs_external_fact"
        assert "map.not-shown" in keys(report)


@pytest.mark.parametrize("other", ["of another", "absent", "emptied", "longer", "shorter", "of an older root"])
def test_a_proof_that_is_another(told: Told, other: str) -> None:
    found, one = told.map(), (OWN, told.subject)
    proofs = told.proofs(found)
    honest = proofs[one]
    assert honest.leaf is not None
    older = replace(told, size=told.scene.log.find("dispute.open"))
    changed = {
        "of another": found.prove(key_of(OWN, told.scene.world.studio.id)),
        "absent": found.prove(key_of(OWN, "10.5555/never")),
        "emptied": MapProof(None),
        "longer": MapProof(replace(honest.leaf, count=honest.leaf.count + 1), honest.path),
        "shorter": MapProof(replace(honest.leaf, count=1), honest.path),
        "of an older root": older.map().prove(key_of(*one)),
    }[other]
    assert changed != honest
    made = told.material(
        audits=(told.audit(),), map=MapMaterial({told.root_at: {**proofs, one: changed}}, (told.audit(),))
    )
    report = told.judge(made)
    assert (outcome(report), report.verdict) == ("contradicted", "not_proved")
    assert "map.bad-proof" in keys(report)


def test_an_entry_that_is_no_map_root_states_none(told: Told) -> None:
    made = told.material(map=MapMaterial({told.root_at - 1: told.proofs()}))
    assert outcome(told.judge(made)) == "not_proved"
    assert keys(told.judge(made)) >= {"map.no-root"}


def test_a_map_root_that_is_not_in_the_tree(told: Told) -> None:
    """Signed by the log's key, but no entry of this tree: the claim falls with step 4."""
    world = told.scene.world
    other = world.say(world.log, "log.map-root", world.origin, MapRoot(told.size, told.map().root().hex()))
    made = told.material(audits=(told.audit(),))
    forged = replace(made, entries={**made.entries, told.root_at: other.entry})
    report = told.judge(forged)
    assert (outcome(report), report.verdict) == ("not_proved", "not_proved")
    assert report.claim("inclusion").outcome == "contradicted"


def test_a_root_that_does_not_cover_what_is_shown(tmp_path: Path) -> None:
    told = tell(tmp_path)
    scene = told.scene
    scene.log.add(
        scene.world.say(
            scene.world.studio,
            "dispute.open",
            scene.world.identifier(Letter.DISPUTE),
            DisputeOpening(told.subject, "other"),
        )
    )
    scene.anchor()
    report = told.judge(told.material(audits=(told.audit(),)))
    assert outcome(report) == "needs_external_fact"
    assert "map.short" in keys(report)


# --- what the operator can do ----------------------------------------------------------------------------


def test_a_map_that_hides_a_dispute(tmp_path: Path) -> None:
    """The operator states the map of a history without the dispute; the exporter brings no dispute either.

    All proofs hold: nothing is proved by them. An auditor finds another root, and so does whoever replays.
    """
    told = tell(tmp_path, lambda told: told.map(without="dispute.open").root())
    proofs = told.proofs(told.map(without="dispute.open"))
    hidden = told.scene.log.find("dispute.open")
    made = told.without(told.material(map=MapMaterial({told.root_at: proofs})), hidden)
    report = told.judge(made)
    assert (report.verdict, outcome(report)) == ("proved", "needs_external_fact")
    assert keys(report) == {"map.whole", "map.committed"}
    shown = told.judge(told.material(map=MapMaterial({told.root_at: proofs})))
    assert (outcome(shown), keys(shown) >= {"map.hides"}) == ("contradicted", True)
    size = told.scene.log.size
    path = {**made.consistency, (told.size, size): prove_consistency(told.scene.log, told.size, size)}
    audited = replace(made, consistency=path, map=MapMaterial({told.root_at: proofs}, (told.audit(),)))
    report = told.judge(audited)
    assert (outcome(report), report.verdict) == ("contradicted", "not_proved")
    assert "map.audit-other" in keys(report)
    report = told.judge(made, told.scene.trust(), told.entries)
    assert (outcome(report), report.verdict) == ("contradicted", "not_proved")
    assert {"map.lie", "map.copy-has-more"} <= keys(report)


def test_two_roots_of_one_size(tmp_path: Path) -> None:
    told = tell(tmp_path)
    world = told.scene.world
    told.scene.log.add(world.say(world.log, "log.map-root", world.origin, MapRoot(told.size, "99" * 32)))
    report = told.judge(told.material(audits=(told.audit(),)))
    assert (report.claim("entitlement").outcome, report.verdict) == ("contradicted", "not_proved")
    assert outcome(report) == "not_proved"


# --- audits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"size": 3}, {"origin": "log.example/else"}, {"tree": bytes(32)}], ids=str)
def test_an_audit_of_something_else_does_not_count(told: Told, changes: dict[str, Any]) -> None:
    report = told.judge(told.material(audits=(told.audit(**changes),)))
    assert outcome(report) == "needs_external_fact"


def test_an_audit_of_another_root_contradicts(told: Told) -> None:
    report = told.judge(told.material(audits=(told.audit(root=bytes(32)),)))
    assert (outcome(report), report.verdict) == ("contradicted", "not_proved")


def test_an_audit_without_its_path_does_not_count(told: Told) -> None:
    made = told.material(audits=(told.audit(),))
    size = told.scene.log.size
    report = told.judge(
        replace(made, consistency={at: one for at, one in made.consistency.items() if at != (told.size, size)})
    )
    assert outcome(report) == "needs_external_fact"


def test_an_audit_by_another_key_does_not_count(told: Told) -> None:
    report = told.judge(told.material(audits=(told.audit(key_from("another")),)))
    assert outcome(report) == "needs_external_fact"


def test_an_audit_whose_signature_is_broken_contradicts(told: Told) -> None:
    data = bytearray(told.audit())
    data[-20] = ord("A") if data[-20] != ord("A") else ord("B")
    assert outcome(told.judge(told.material(audits=(bytes(data),)))) == "contradicted"


def test_a_key_that_was_given_up(told: Told) -> None:
    """The auditor's word of before counts, of after it does not."""
    for not_after, expected in (("2026-02-01T00:02:00Z", "proved"), ("2026-02-01T00:00:30Z", "needs_external_fact")):
        trust = told.trust(auditors=(TrustedAuditor(AUDITOR.verifier_key, not_after),))
        assert outcome(told.judge(told.material(audits=(told.audit(),)), trust)) == expected


def test_an_audit_from_the_future_does_not_count(told: Told) -> None:
    assert outcome(told.judge(told.material(audits=(told.audit(at=AT + 1),)))) == "needs_external_fact"


def test_a_checkpoint_in_the_place_of_an_audit_is_malformed(told: Told) -> None:
    report = told.judge(told.material(audits=(told.scene.log.note(told.size),)))
    assert report.verdict == "malformed"


# --- copies ----------------------------------------------------------------------------------------------


def test_a_copy_of_another_tree_proves_nothing(told: Told) -> None:
    for copy in (told.entries[:-1], [b"x", *told.entries[1:]], []):
        report = told.judge(told.material(), told.scene.trust(), copy)
        assert (outcome(report), "map.other-copy" in keys(report)) == ("not_proved", True)


def test_a_copy_that_has_grown_since_serves(told: Told) -> None:
    report = told.judge(told.material(), told.scene.trust(), [*told.entries, b"later", b"and later"])
    assert outcome(report) == "proved"


def test_what_came_after_the_root_is_not_what_the_case_hid(tmp_path: Path) -> None:
    """It speaks of the entries below its root: a dispute beyond is missing, and nothing said contradicts that."""
    told = tell(tmp_path)
    scene, world = told.scene, told.scene.world
    later = DisputeOpening(told.subject, "other")
    scene.log.add(world.say(world.studio, "dispute.open", world.identifier(Letter.DISPUTE), later))
    scene.anchor()
    cut = told.without(told.material(), scene.log.find("dispute.open", 1))
    report = told.judge(cut, scene.trust(), told.entries)
    assert (outcome(report), "map.copy-has-more" in keys(report)) == ("not_proved", True)
    bare = told.judge(replace(cut, map=None), scene.trust(), told.entries)
    assert outcome(bare) == "contradicted", "without a root the case speaks of the whole tree"


def test_what_is_required_is_demanded(told: Told) -> None:
    made = told.material()
    assert told.judge(made, told.trust(required=("completeness",))).verdict == "not_proved"
    audited = told.material(audits=(told.audit(),))
    assert told.judge(audited, told.trust(required=("completeness",))).verdict == "proved"


def test_the_material_is_whole(told: Told) -> None:
    """The kit shows what it says: the proofs stand under the root that the entry states."""
    assert parse_body(parse_note(told.scene.log.note()).text).size == told.scene.log.size
    assert told.scene.log.statements[told.root_at].event.body.root == told.map().root().hex()
    assert prove_inclusion(told.scene.log, told.root_at, told.scene.log.size)
