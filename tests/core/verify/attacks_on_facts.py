"""More attacks, on what the entries are shown to prove: values, bytes, origin, anchors, files (steps 7 to 12)."""

from __future__ import annotations

from typing import Any

from tallystick import canonical
from tallystick.base64s import from_base64, to_base64
from tallystick.case.model import INDEX, PROOFS
from tallystick.commitments import disclose
from tallystick.identifiers import Letter
from tests.core.verify.attacks import attack, original_of
from tests.core.verify.kit import Kit
from tests.core.verify.mutate import Members, described, edit_json, flipped, without, without_entry


def disclosures_of(members: Members) -> str:
    return next(name for name in members if name.startswith("data/disclosures/"))


# --- steps 7 and 8: values and bytes ------------------------------------------------


@attack(7)
def disclosed_value_changed(kit: Kit, other: Kit, members: Members) -> Members:
    forged = disclose("parameters", {"seed": 4711}, b"\x01" * 16)
    return {**members, disclosures_of(members): canonical.encode([forged.text])}


@attack(7)
def disclosure_that_opens_nothing(kit: Kit, other: Kit, members: Members) -> Members:
    forged = disclose("author", "somebody else", b"\x01" * 16)
    honest = canonical.decode(members[disclosures_of(members)], 1 << 20)
    return {**members, disclosures_of(members): canonical.encode([*honest, forged.text])}


@attack(7)
def disclosure_twice(kit: Kit, other: Kit, members: Members) -> Members:
    honest = canonical.decode(members[disclosures_of(members)], 1 << 20)
    return {**members, disclosures_of(members): canonical.encode([*honest, *honest])}


@attack(7)
def disclosure_of_another_entry(kit: Kit, other: Kit, members: Members) -> Members:
    position = kit.log.find("party.register")
    moved = {**members, f"data/disclosures/{position}.json": members[disclosures_of(members)]}
    return without(moved, disclosures_of(members))


@attack(8)
def original_changed(kit: Kit, other: Kit, members: Members) -> Members:
    return {**members, original_of(members): flipped(members[original_of(members)], 5)}


@attack(8)
def original_longer(kit: Kit, other: Kit, members: Members) -> Members:
    return {**members, original_of(members): members[original_of(members)] + b"\n"}


@attack(8)
def a_second_original_beside_it(kit: Kit, other: Kit, members: Members) -> Members:
    return described({**members, original_of(members) + ".true": b"the true one"})


@attack(8)
def file_list_for_a_single_file(kit: Kit, other: Kit, members: Members) -> Members:
    listed = canonical.encode([{"path": "a", "sha256": "0" * 64, "size": 1, "sm3": "0" * 64}])
    return described({**members, f"data/contents/{kit.made.partition('/')[2]}.json": listed})


# --- step 9: what the case is about -------------------------------------------------


@attack(9)
def completion_of_the_job_removed(kit: Kit, other: Kit, members: Members) -> Members:
    return without_entry(members, kit.log.find("job.complete"))


@attack(9)
def subject_that_nobody_registered(kit: Kit, other: Kit, members: Members) -> Members:
    return described(edit_json(members, INDEX, lambda index: index.update(subject=other.made)))


@attack(9)
def subject_of_another_kind_that_nobody_registered(kit: Kit, other: Kit, members: Members) -> Members:
    job = kit.world.identifier(Letter.JOB)
    return described(edit_json(members, INDEX, lambda index: index.update(kind="job", subject=job)))


# --- step 10: the anchor ------------------------------------------------------------


def without_anchor(members: Members) -> Members:
    def forget(index: Any) -> None:
        index["anchors"] = []

    names = [name for name in members if name.startswith("data/anchors/")]
    return without(edit_json(members, INDEX, forget), *names)


@attack(10)
def anchor_removed(kit: Kit, other: Kit, members: Members) -> Members:
    return edit_json(without_anchor(members), PROOFS, lambda proofs: proofs.update(consistency=[]))


@attack(10)
def anchor_removed_and_its_consistency_proof_left(kit: Kit, other: Kit, members: Members) -> Members:
    return without_anchor(members)


@attack(10)
def target_that_the_log_does_not_name(kit: Kit, other: Kit, members: Members) -> Members:
    return without_entry(members, kit.log.find("log.anchor-target"))


@attack(10)
def anchor_of_another_log(kit: Kit, other: Kit, members: Members) -> Members:
    return {
        **members,
        "data/anchors/0/proof.json": other.anchored.proof,
        "data/anchors/0/checkpoint": other.anchored.checkpoint,
    }


@attack(10)
def anchored_checkpoint_of_another_size(kit: Kit, other: Kit, members: Members) -> Members:
    return {**members, "data/anchors/0/checkpoint": kit.log.note(10)}


@attack(10)
def anchored_checkpoint_of_another_log(kit: Kit, other: Kit, members: Members) -> Members:
    return {**members, "data/anchors/0/checkpoint": other.anchored.checkpoint}


@attack(10)
def anchored_checkpoint_without_a_signature(kit: Kit, other: Kit, members: Members) -> Members:
    name = "data/anchors/0/checkpoint"
    return {**members, name: b"".join(members[name].splitlines(keepends=True)[:-1])}


@attack(10)
def consistency_proof_removed(kit: Kit, other: Kit, members: Members) -> Members:
    return edit_json(members, PROOFS, lambda proofs: proofs.update(consistency=[]))


@attack(10)
def consistency_proof_changed(kit: Kit, other: Kit, members: Members) -> Members:
    def change(proofs: Any) -> None:
        path = proofs["consistency"][0]["path"]
        path[0] = to_base64(flipped(from_base64(path[0]), 0))

    return edit_json(members, PROOFS, change)


@attack(10)
def consistency_proof_nobody_asked_for(kit: Kit, other: Kit, members: Members) -> Members:
    def add(proofs: Any) -> None:
        proofs["consistency"].insert(0, {"from": 3, "to": 5, "path": []})

    return edit_json(members, PROOFS, add)


@attack(10)
def anchor_target_swapped_inside_the_proof(kit: Kit, other: Kit, members: Members) -> Members:
    def change(proof: Any) -> None:
        proof["target"]["contract"] = "11" * 20

    return edit_json(members, "data/anchors/0/proof.json", change)


@attack(10)
def anchored_size_inflated_in_the_proof(kit: Kit, other: Kit, members: Members) -> Members:
    def change(proof: Any) -> None:
        proof["checkpoint"]["size"] += 1

    return edit_json(members, "data/anchors/0/proof.json", change)


@attack(10)
def block_seal_changed(kit: Kit, other: Kit, members: Members) -> Members:
    def change(proof: Any) -> None:
        signature = proof["finality"]["signature"]
        proof["finality"]["signature"] = ("0" if signature[0] != "0" else "1") + signature[1:]

    return edit_json(members, "data/anchors/0/proof.json", change)


# --- step 12: signed files ----------------------------------------------------------


@attack(12)
def file_for_an_entry_that_records_none(kit: Kit, other: Kit, members: Members) -> Members:
    name = "data/credentials/card.png"

    def add(index: Any) -> None:
        index["credentials"] = [{"file": name, "position": kit.log.find("object.register")}]

    return described({**edit_json(members, INDEX, add), name: b"\x89PNG"})
