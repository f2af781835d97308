"""An exporter, or two parties who act together, try to keep a verifier busy for ever. They hold all their real keys.

Sizes are such that more than linear time or memory would not end.
"""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from tallystick import canonical
from tallystick.admission import objects
from tallystick.admission.standing import standing_at
from tallystick.admission.state import Rights, right_key
from tallystick.bundle import read_bundle, write_bundle
from tallystick.bundle.container import MAX_MEMBERS
from tallystick.case import read_case
from tallystick.case.model import PROOFS
from tallystick.commitments import disclose
from tallystick.errors import MalformedInput
from tallystick.events.licence import LicenceGrant, LicenceStatus, StatusPointer
from tallystick.identifiers import Letter
from tallystick.replay import Placed, replay
from tallystick.statement import Statement
from tallystick.verify import verify_case
from tests.core.verify.kit import AT, Kit
from tests.core.verify.mutate import Members, described, entry
from tests.core.verify.test_attacks import honest
from tests.world import Someone, World, key_from


class InMemory:
    """Payload members without the zip around them."""

    def __init__(self, members: Members) -> None:
        self.members = members

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.members))

    def read(self, name: str, limit: int) -> bytes:
        if len(self.members[name]) > limit:
            raise MalformedInput(f"{name} is too long")
        return self.members[name]


def test_consistency_proofs_without_number(kit: Kit) -> None:
    item = {"from": 1, "path": [], "to": 0}
    listed = ",".join(canonical.encode({**item, "to": size}).decode() for size in range(10**5, 3 * 10**5))
    proofs = b'{"consistency":[' + listed.encode() + b'],"inclusion":{},"v":1}'
    with pytest.raises(MalformedInput, match="consistency proofs"):
        read_case(InMemory({**honest(kit), PROOFS: proofs}))


def test_disclosures_of_more_than_all_cases_need(kit: Kit) -> None:
    """Each member is within its bound; their sum is not read: a byte of JSON can be twenty bytes of memory."""
    one = [disclose(f"value-{number}", "x" * 700_000, bytes(16)).text for number in range(8)]
    members = honest(kit)
    crowd = {f"data/disclosures/{position}.json": canonical.encode(one) for position in range(9)}
    tracemalloc.start()
    try:
        with pytest.raises(MalformedInput, match="disclosures"):
            read_case(InMemory(described({**members, **crowd})))
        assert tracemalloc.get_traced_memory()[1] < 1 << 29
    finally:
        tracemalloc.stop()
    assert all(entry(position) in members for position in range(9))


def test_a_file_too_long_to_be_a_bundle_is_not_read(kit: Kit, tmp_path: Path) -> None:
    path = tmp_path / "endless.zip"
    with path.open("wb") as file:
        file.truncate(1 << 42)
    with path.open("rb") as file:
        report = verify_case(file, kit.trust(), AT)
    assert (report.verdict, report.refused_at, report.bundle_sha256) == ("malformed", 1, "-")


def test_as_many_members_as_a_bundle_may_have() -> None:
    members = {f"data/{number:05}/{'x' * 200}": b"" for number in range(MAX_MEMBERS - 5)}
    file = io.BytesIO()
    write_bundle(file, members, key_from("exporter"), {})
    assert len(read_bundle(file).names()) == len(members)


def placed(statements: list[Statement]) -> list[Placed]:
    return [Placed(position, statement) for position, statement in enumerate(statements)]


def test_licences_granted_and_revoked_over_and_over() -> None:
    """A studio and its licensee: one right among thousands of dead ones is found without asking each of them."""
    world = World()
    source = world.object()
    said = [world.key_set(), world.policy(), *world.parties(), source]
    for index in range(200):
        granted = world.licence(source.event.subject, index=index, holder=world.licensee.id)
        said.append(granted)
        if index < 199:
            body = LicenceStatus("revoke", "breach", world.now())
            said.append(world.say(world.studio, "licence.status", granted.event.subject, body))
    found = replay(placed(world.sequence(said)))
    assert not found.refused
    assert found.state.get(right_key(source.event.subject, world.licensee.id)) == Rights((granted.event.subject,))


def test_an_object_named_hundreds_of_times_by_a_holder_of_licences_that_are_none_above(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Licensor and sublicensor: sublicences in force under a licence that is suspended stay among the holder's rights;
    one statement asks about them once, however often it names the object.
    """
    world, asked = World(), 0
    source = world.object()
    object_id, pointer = source.event.subject, "https://log.example/status/1"

    def grant(who: Someone, index: int, holder: Someone, *parent: str, **more: Any) -> Statement:
        body = LicenceGrant(object_id, (object_id, *parent), StatusPointer(pointer, index), holder.id, **more)
        return world.say(who, "licence.grant", world.identifier(Letter.LICENCE), body, world.terms(object_id))

    top = grant(world.studio, 0, world.provider, sublicences=1)
    name = top.event.subject
    below = [grant(world.provider, index, world.licensee, name, parent=name) for index in range(1, 51)]
    stop = world.say(world.studio, "licence.status", name, LicenceStatus("suspend", "request", world.now()))
    good = grant(world.studio, 51, world.licensee)
    capability, filed = world.capability()
    _, job = world.job(capability, [object_id] * 256, who=world.licensee)
    said = [world.key_set(), world.policy(), *world.parties(), source, top, *below, stop, good, *filed, job]
    sequence = placed(world.sequence(said))

    def count(*given: Any) -> Any:
        nonlocal asked
        asked += 1
        return standing_at(*given)

    monkeypatch.setattr(objects, "standing_at", count)
    assert not replay(sequence).refused
    assert asked == 51


@pytest.mark.parametrize(
    ("actions", "entitled"),
    [
        ((), True),
        (("suspend",), False),
        (("suspend", "reinstate"), True),
        (("suspend", "reinstate", "revoke"), False),
        (("expire",), False),
    ],
)
def test_a_right_follows_its_licence(actions: tuple[str, ...], entitled: bool) -> None:
    world = World()
    source = world.object()
    granted = world.licence(source.event.subject, holder=world.licensee.id)
    capability, filed = world.capability()
    said = [world.key_set(), world.policy(), *world.parties(), source, granted, *filed]
    for action in actions:
        body = LicenceStatus(action, "request", world.now())  # type: ignore[arg-type]
        said.append(world.say(world.studio, "licence.status", granted.event.subject, body))
    _, job = world.job(capability, [source.event.subject], who=world.licensee)
    found = replay(placed(world.sequence([*said, job])))
    assert list(found.refused) == ([] if entitled else [len(said)])
