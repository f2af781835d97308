"""Bundles whose tail is not what the log has, each signed again by the service's own exporter.

Three honest ones to begin with: ``early`` reaches the end of a tree. In ``late`` a stranger registered something
since; in ``told`` the keeper found the bytes damaged. The attacks show less of these, or something else.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from tallystick.bundle import read_bundle, write_bundle
from tallystick.case.model import INDEX, PROOFS
from tallystick.statement import parse_statement
from tests.api.audited import DAMAGED, Audited
from tests.core.verify.mutate import Members, edit_json, entry, without_entry

NEEDS = "needs_external_fact"


@dataclass(frozen=True)
class Exports:
    """Members of the bundles; ``tail``: positions behind the audited root; ``damage``: where it was told."""

    early: Members
    late: Members
    told: Members
    tail: tuple[int, ...]
    others: int
    damage: int


def exports(house: Audited) -> Exports:
    """By a real service with a real auditor."""
    desk = house.desk
    subject, data, last = house.kept_picture()
    house.anchor.anchor()
    size = house.audit()

    def export() -> Members:
        answer = desk.export(desk.studio, "object", subject, originals={"a.png": data}, report=False)
        bundle = read_bundle(io.BytesIO(answer.content))
        return {name: bundle.read(name, 1 << 30) for name in bundle.names() if name.startswith("data/")}

    early = export()
    desk.picture()
    late = export()
    tail = tuple(at for at in positions(late) if at >= size)
    others = next(at for at in tail if at not in positions(early))
    damage = house.checked(subject, data, last, DAMAGED)
    return Exports(early, late, export(), tail, others, damage)


def positions(members: Members) -> list[int]:
    return sorted(int(name[13:-5]) for name in members if name.startswith("data/entries/"))


def signed(house: Audited, members: Members) -> bytes:
    """By the exporter's real key."""
    out = io.BytesIO()
    write_bundle(out, members, house.desk.house.services.keyring.signers["exporter"], {})
    return out.getvalue()


def _left_out(found: Exports) -> Members:
    return without_entry(found.late, found.others)


def _batch_left_out(found: Exports) -> Members:
    return without_entry(found.early, max(positions(found.early)))


def _cut_off(found: Exports) -> Members:
    """As if the log ended where ``early`` does."""
    members = _under_first_root(found.late)
    for at in set(positions(found.late)) - set(positions(found.early)):
        members = without_entry(members, at)
    return members


def _damage_left_out(found: Exports) -> Members:
    return without_entry(found.told, found.damage)


def _damage_and_root_left_out(found: Exports) -> Members:
    """So that no root is shown which counts it."""
    return without_entry(_under_first_root(found.told), found.damage)


def _damage_beyond(found: Exports) -> Members:
    """All that came after the end of the tree of ``early`` is not shown: the damage is part of it."""
    members = _under_first_root(found.told)
    for at in set(positions(found.told)) - set(positions(found.early)):
        members = without_entry(members, at)
    return members


def _under_first_root(members: Members) -> Members:
    """Only the root that the auditor signed is spoken of."""

    def first(index: dict[str, dict[str, list[int]]]) -> None:
        del index["map"]["roots"][1:]

    def proofs(given: dict[str, dict[str, object]]) -> None:
        roots = given["roots"]
        for at in sorted(roots, key=int)[1:]:
            del roots[at]

    return edit_json(edit_json(members, INDEX, first), "data/map/proofs.json", proofs)


def _replaced(found: Exports) -> Members:
    """By an entry of the same log, one that stands elsewhere."""
    return {**found.late, entry(found.others): _statement(found.late, "party.register")}


def _damage_replaced(found: Exports) -> Members:
    """The keeper's word gives place to what a stranger said, in the log too."""
    return {**found.told, entry(found.damage): found.late[entry(found.others)]}


def _reordered(found: Exports) -> Members:
    """Two of the tail in each other's place, their proofs too."""
    one, other = found.tail[0], found.tail[1]

    def swap(proofs: dict[str, dict[str, object]]) -> None:
        paths = proofs["inclusion"]
        paths[str(one)], paths[str(other)] = paths[str(other)], paths[str(one)]

    swapped = {entry(one): found.late[entry(other)], entry(other): found.late[entry(one)]}
    return edit_json({**found.late, **swapped}, PROOFS, swap)


def _of_another_tree(found: Exports) -> Members:
    """The later checkpoint over the earlier case: its tail would be longer than what is shown."""
    return {**found.early, "data/log/checkpoint": found.told["data/log/checkpoint"]}


def _statement(members: Members, kind: str) -> bytes:
    return next(
        members[entry(at)] for at in positions(members) if parse_statement(members[entry(at)]).event.type == kind
    )


@dataclass(frozen=True)
class Attack:
    """What is done to the bundles, the step that refuses where both facts are demanded, and what custody is then."""

    apply: Callable[[Exports], Members]
    step: int
    custody: str


ATTACKS = {
    "a stranger's entry is left out": Attack(_left_out, 15, NEEDS),
    "the last batch is left out": Attack(_batch_left_out, 6, "not_proved"),
    "the tail is cut off": Attack(_cut_off, 15, NEEDS),
    "the damage is left out": Attack(_damage_left_out, 13, NEEDS),
    "the damage is left out, and the root that counts it": Attack(_damage_and_root_left_out, 15, NEEDS),
    "the damage lies beyond what is shown": Attack(_damage_beyond, 15, NEEDS),
    "an entry is replaced by one from elsewhere": Attack(_replaced, 4, "not_proved"),
    "the damage is replaced by what a stranger said": Attack(_damage_replaced, 4, "not_proved"),
    "two entries are reordered": Attack(_reordered, 4, "not_proved"),
    "the tree is longer than what is shown": Attack(_of_another_tree, 4, "not_proved"),
}
