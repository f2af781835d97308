"""The attacks on a case, each with the numbered step that must refuse it once the exporter has signed it again.

An attack gives the changed payload members. ``(step, verdict)`` is what the verifier
must answer when the manifest is rebuilt and re-signed with the exporter's real key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tallystick.case.model import CHECKPOINT, CRATE, INDEX, PROOFS
from tallystick.checkpoint import Checkpoint
from tallystick.events.log import Batch
from tallystick.merkle import leaf_hash, root_of
from tallystick.note import parse_note
from tallystick.tree_head import sign_checkpoint
from tests.core.verify.kit import Kit
from tests.core.verify.mutate import Members, described, edit_json, entry, flipped, without, without_entry
from tests.world import World


@dataclass(frozen=True)
class Attack:
    """``change`` gets the kit, another complete kit and the honest members."""

    change: Callable[[Kit, Kit, Members], Members]
    step: int
    verdict: str = "not_proved"


ATTACKS: dict[str, Attack] = {}


def attack(step: int, verdict: str = "not_proved") -> Callable[[Any], Any]:
    """Register a function as the attack of its name."""

    def register(change: Callable[[Kit, Kit, Members], Members]) -> Callable[[Kit, Kit, Members], Members]:
        ATTACKS[change.__name__.replace("_", "-")] = Attack(change, step, verdict)
        return change

    return register


def original_of(members: Members) -> str:
    return next(name for name in members if name.startswith("data/originals/"))


# --- step 1: no member without a place, no place without a member -------------------


@attack(1, "malformed")
def unlisted_member_added(kit: Kit, other: Kit, members: Members) -> Members:
    return described({**members, "data/readme.txt": b"trust me"})


@attack(1, "malformed")
def verifier_in_the_bundle(kit: Kit, other: Kit, members: Members) -> Members:
    return described({**members, "data/trust.json": b"{}"})


@attack(1, "malformed")
def metadata_that_says_something_else(kit: Kit, other: Kit, members: Members) -> Members:
    return {**members, CRATE: members[CRATE].replace(b"licenses nothing", b"licenses whatever")}


@attack(1, "malformed")
def index_not_canonical(kit: Kit, other: Kit, members: Members) -> Members:
    return {**members, INDEX: members[INDEX].replace(b'{"anchors"', b'{ "anchors"')}


@attack(1, "malformed")
def kind_that_the_subject_is_not(kit: Kit, other: Kit, members: Members) -> Members:
    return described(edit_json(members, INDEX, lambda index: index.update(kind="licence")))


@attack(1)
def later_version_of_the_case(kit: Kit, other: Kit, members: Members) -> Members:
    return edit_json(members, INDEX, lambda index: index.update(v=9))


@attack(1)
def later_version_of_the_proofs(kit: Kit, other: Kit, members: Members) -> Members:
    return edit_json(members, PROOFS, lambda proofs: proofs.update(v=9))


@attack(1)
def later_version_of_the_anchor_proof(kit: Kit, other: Kit, members: Members) -> Members:
    return edit_json(members, "data/anchors/0/proof.json", lambda proof: proof.update(v=9))


@attack(1, "malformed")
def anchor_proof_and_checkpoint_exchanged(kit: Kit, other: Kit, members: Members) -> Members:
    proof, note = "data/anchors/0/proof.json", "data/anchors/0/checkpoint"
    return {**members, proof: members[note], note: members[proof]}


@attack(1, "malformed")
def inclusion_proof_of_an_absent_entry(kit: Kit, other: Kit, members: Members) -> Members:
    return edit_json(members, PROOFS, lambda proofs: proofs["inclusion"].update({"4000": []}))


@attack(1, "malformed")
def originals_left_out_and_still_promised(kit: Kit, other: Kit, members: Members) -> Members:
    return without(members, original_of(members))


# --- steps 3 and 4: the entries -----------------------------------------------------


@attack(3)
def signature_of_an_entry_changed(kit: Kit, other: Kit, members: Members) -> Members:
    name = entry(kit.log.find("object.register"))
    return {**members, name: flipped(members[name], len(members[name]) - 1)}


@attack(3)
def entry_of_another_log(kit: Kit, other: Kit, members: Members) -> Members:
    position = kit.log.find("object.register", 1)
    return {**members, entry(position): other.log.statements[position].entry}


@attack(4)
def two_entries_exchanged(kit: Kit, other: Kit, members: Members) -> Members:
    one, two = entry(kit.log.find("object.register", 0)), entry(kit.log.find("job.register"))
    return {**members, one: members[two], two: members[one]}


@attack(4)
def entry_renamed(kit: Kit, other: Kit, members: Members) -> Members:
    position, free = kit.log.find("object.register", 1), kit.log.size + 3

    def move(proofs: Any) -> None:
        proofs["inclusion"][str(free)] = proofs["inclusion"].pop(str(position))

    moved = edit_json(members, PROOFS, move)
    moved[entry(free)] = moved.pop(entry(position))
    return described(moved)


@attack(4)
def entry_duplicated(kit: Kit, other: Kit, members: Members) -> Members:
    position, free = kit.log.find("object.register", 1), kit.log.size + 3

    def copy(proofs: Any) -> None:
        proofs["inclusion"][str(free)] = proofs["inclusion"][str(position)]

    return described({**edit_json(members, PROOFS, copy), entry(free): members[entry(position)]})


@attack(4)
def statement_of_another_party_in_its_place(kit: Kit, other: Kit, members: Members) -> Members:
    position = kit.log.find("object.register", 1)
    event = kit.log.statements[position].event
    forged = kit.world.say(kit.world.provider, event.type, event.subject, event.body)
    return {**members, entry(position): forged.entry}


@attack(4)
def inclusion_proof_left_out(kit: Kit, other: Kit, members: Members) -> Members:
    return edit_json(members, PROOFS, lambda proofs: proofs["inclusion"].pop("3"))


@attack(4)
def inclusion_proof_of_the_neighbour(kit: Kit, other: Kit, members: Members) -> Members:
    def swap(proofs: Any) -> None:
        inclusion = proofs["inclusion"]
        inclusion["3"], inclusion["4"] = inclusion["4"], inclusion["3"]

    return edit_json(members, PROOFS, swap)


@attack(4)
def batch_entry_forged_by_the_log_itself(kit: Kit, other: Kit, members: Members) -> Members:
    position = kit.log.find("log.batch", 1)
    body: Batch = kit.log.statements[position].event.body
    world = World(kit.world.name, kit.world.origin, clock=kit.world.clock - 3600)
    return {**members, entry(position): world.batch(body.first, body.last).entry}


@attack(4)
def tree_of_a_fork_signed_by_the_log_itself(kit: Kit, other: Kit, members: Members) -> Members:
    leaves = [leaf_hash(b"another history")] + [leaf_hash(one.entry) for one in kit.log.statements[1:]]
    fork = Checkpoint(kit.world.origin, len(leaves), root_of(leaves))
    return {**members, CHECKPOINT: sign_checkpoint(fork, kit.world.signers, kit.world.clock).encode()}


@attack(4)
def size_that_the_log_signed_falsely(kit: Kit, other: Kit, members: Members) -> Members:
    lie = Checkpoint(kit.world.origin, kit.log.size + 1, root_of(kit.log.leaves()))
    return {**members, CHECKPOINT: sign_checkpoint(lie, kit.world.signers, kit.world.clock).encode()}


# --- step 5: the tree head and entry 0 ----------------------------------------------


@attack(5)
def checkpoint_of_another_log(kit: Kit, other: Kit, members: Members) -> Members:
    return {**members, CHECKPOINT: other.honest.checkpoint}


@attack(5)
def checkpoint_signed_by_other_keys(kit: Kit, other: Kit, members: Members) -> Members:
    checkpoint = Checkpoint(kit.world.origin, kit.log.size, root_of(kit.log.leaves()))
    signers = World("thief", kit.world.origin).signers
    return {**members, CHECKPOINT: sign_checkpoint(checkpoint, signers, kit.world.clock).encode()}


def _line_stripped(number: int) -> Callable[[Kit, Kit, Members], Members]:
    def change(kit: Kit, other: Kit, members: Members) -> Members:
        head, _, lines = members[CHECKPOINT].rpartition(b"\n\n")
        kept = [line for at, line in enumerate(lines.splitlines(keepends=True)) if at != number]
        return {**members, CHECKPOINT: head + b"\n\n" + b"".join(kept)}

    return change


for _number, _name in enumerate(("ed25519", "ml-dsa", "eip712")):
    ATTACKS[f"signature-line-stripped-{_name}"] = Attack(_line_stripped(_number), 5)


@attack(5)
def another_signature_time(kit: Kit, other: Kit, members: Members) -> Members:
    note = parse_note(members[CHECKPOINT])
    old = note.signatures[1]
    line = old.line()
    moved = old.__class__(old.name, old.key_id, flipped(old.signature, 7)).line()
    return {**members, CHECKPOINT: members[CHECKPOINT].decode().replace(line, moved).encode()}


@attack(5)
def origin_changed_in_the_index(kit: Kit, other: Kit, members: Members) -> Members:
    return edit_json(members, INDEX, lambda index: index.update(log="log.example/unknown"))


# --- step 6: what the entries shown entitle to --------------------------------------


@attack(3)
def entry_zero_removed(kit: Kit, other: Kit, members: Members) -> Members:
    return without_entry(members, 0)


@attack(3)
def signer_registration_removed(kit: Kit, other: Kit, members: Members) -> Members:
    return without_entry(members, kit.log.find("party.register"))


@attack(6)
def policy_removed(kit: Kit, other: Kit, members: Members) -> Members:
    return without_entry(members, kit.log.find("log.policy"))


@attack(6)
def job_removed(kit: Kit, other: Kit, members: Members) -> Members:
    return without_entry(members, kit.log.find("job.register"))


@attack(6)
def input_of_the_job_removed(kit: Kit, other: Kit, members: Members) -> Members:
    return without_entry(members, kit.log.find("object.register"))


@attack(6)
def capability_filing_removed(kit: Kit, other: Kit, members: Members) -> Members:
    return without_entry(members, kit.log.find("capability.file"))


@attack(6)
def capability_approval_removed(kit: Kit, other: Kit, members: Members) -> Members:
    return without_entry(members, kit.log.find("capability.approve"))


@attack(6)
def capability_test_removed(kit: Kit, other: Kit, members: Members) -> Members:
    return without_entry(members, kit.log.find("capability.test"))


@attack(6)
def batch_entry_removed(kit: Kit, other: Kit, members: Members) -> Members:
    return without_entry(members, kit.log.find("log.batch", 4))


@attack(6)
def subject_removed(kit: Kit, other: Kit, members: Members) -> Members:
    return without_entry(members, kit.log.find("object.register", 1))
