"""What licences of one order rest on is gathered once for all, and is for each what it would be alone."""

from __future__ import annotations

import pytest

from api.services.errors import TooLarge
from api.services.gathering import _LOG_TYPES, _SETTLEMENTS, Grants, _Work, gather_grant
from ledger.store import Reads
from tallystick.statement import Statement
from tests.api.desk import Desk, told
from tests.api.house import Party
from tests.api.test_sublicences import change, root, sub

LIMIT = 1000


@pytest.fixture(scope="module")
def licences(desk: Desk, rival: Party) -> list[str]:
    """Two of one picture, one that was transferred, a sublicence and its parent, one that was suspended."""
    object_id, data = desk.picture()
    alike = [desk.grant(object_id, data) for _ in range(2)]
    moved, parent, changed = root(desk, transfer="free"), root(desk), root(desk)
    move = {"to": rival.id, "holder_kid": rival.who.signer.public.kid.hex(), "grounds": "agreement"}
    told(desk.licensee.post(f"/v1/licences/{moved[0]}/transfer", move))
    told(change(desk, changed[0], "suspend", 0))
    told(change(desk, changed[0], "reinstate", 0))
    return [*alike, moved[0], sub(desk, parent, rival), parent[0], changed[0]]


def alone(reads: Reads, licence: str, size: int) -> dict[int, Statement]:
    """By the plain closure, which shares nothing."""
    work = _Work(reads, size, LIMIT, without=_SETTLEMENTS)
    work.add_log(_LOG_TYPES)
    work.add_subjects([licence])
    return work.finished()


def test_together_they_are_what_each_is_alone(desk: Desk, licences: list[str]) -> None:
    with desk.house.services.log.store.snapshot() as reads:
        size = reads.size()
        together = Grants(reads, size, LIMIT)
        for licence in (*licences, *licences[::-1]):
            found = together.gather(licence).entries
            assert list(found.items()) == list(alone(reads, licence, size).items())
            assert next(one.event.type for one in found.values() if one.event.subject == licence) == "licence.grant"
            assert gather_grant(reads, licence, size, LIMIT).entries == found


def test_of_each_the_entries_are_counted(desk: Desk, licences: list[str]) -> None:
    with desk.house.services.log.store.snapshot() as reads:
        size = reads.size()
        count = len(alone(reads, licences[0], size))
        assert len(Grants(reads, size, count).gather(licences[0]).entries) == count
        few = Grants(reads, size, count - 1)
        for licence in licences[:2]:
            with pytest.raises(TooLarge, match=f"more than {count - 1} entries"):
                few.gather(licence)


def test_what_they_share_is_gathered_once(desk: Desk, licences: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    own = _Work._own

    def counted(work: _Work, subject: str) -> object:
        asked.append(subject)
        return own(work, subject)

    monkeypatch.setattr(_Work, "_own", counted)
    with desk.house.services.log.store.snapshot() as reads:
        together = Grants(reads, reads.size(), LIMIT)
        together.gather(licences[0])
        first = len(asked)
        together.gather(licences[1])
    assert first > 2
    assert asked[first:] == [licences[1]]
