"""What is shown: the note that was signed last and the cosignatures that came, late ones too, never of another."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from ledger.face import Offer
from ledger.publisher import Publisher
from tallystick.cosignature import MlDsaCosigner, cosign_ml_dsa
from tallystick.merkle import verify_consistency
from tallystick.note import Note, Signature, parse_note, verify_note
from tallystick.tree_head import SignedCheckpoint, verify_tree_head
from tests.ledger.faults import Fault, Plan
from tests.ledger.rawlog import fill
from tests.ledger.test_publisher import KEYS, WORLD, Bench, root
from tests.world import START, key_from

SIGNERS = {name: key_from(name, "ml-dsa-44") for name in ("witness.example/1", "witness.example/2")}
FIRST, SECOND = SIGNERS
WITNESSES = [MlDsaCosigner(name, signer.public) for name, signer in SIGNERS.items()]


def line(signed: SignedCheckpoint, name: str, seconds: int = START) -> Signature:
    return cosign_ml_dsa(signed.note.text, name, SIGNERS[name], seconds)


class Planned:
    """Gives the cosignatures of the names in ``now`` in time; ``late`` is kept for the test to call."""

    def __init__(self, *now: str) -> None:
        self.now = now
        self.asked: list[SignedCheckpoint] = []
        self.offer: Offer | None = None

    def gather(self, offer: Offer) -> Sequence[Signature]:
        self.asked.append(offer.signed)
        self.offer = offer
        return [line(offer.signed, name) for name in self.now]

    def remembered(self, origin: str) -> Sequence[Note]:
        return ()


class Shop(Bench):
    """A bench with cosigners."""

    def __init__(self, *batches: int, now: Sequence[str] = ()) -> None:
        super().__init__(*batches)
        self.cosigners = Planned(*now)

    def publisher(self) -> Publisher:
        return Publisher(self.store, self.tiles, self.checkpoints, WORLD.signers, lambda: START, self.cosigners)

    def shown(self) -> tuple[int, list[str]]:
        """Size, and who cosigned."""
        note = self.tiles.checkpoint()
        assert note is not None
        parsed = parse_note(note)
        signed = verify_tree_head(note, KEYS)
        names = [one.name for one in parsed.signatures][3:]
        if names:
            verify_note(parsed, WITNESSES)
        return signed.checkpoint.size, names

    def call_late(self, signed: SignedCheckpoint, *names: str) -> None:
        assert self.cosigners.offer is not None
        self.cosigners.offer.late(signed, [line(signed, name) for name in names])


def test_cosignatures_are_shown_and_given_back() -> None:
    shop = Shop(5, now=[FIRST])
    published = shop.publisher().publish()
    assert shop.shown() == (5, [FIRST])
    assert published.note.encode().encode() == shop.tiles.checkpoint()
    # What the log signed is kept without them.
    assert len(parse_note(shop.checkpoints.held.note.encode()).signatures) == 3


def test_cosignatures_outlive_publications_of_nothing_and_new_publishers() -> None:
    shop = Shop(5, now=[FIRST])
    publisher = shop.publisher()
    first = publisher.publish()
    shop.cosigners.now = ()
    assert publisher.publish() == shop.publisher().publish() == first
    assert shop.shown() == (5, [FIRST])
    # Nobody is asked again for what is there.
    assert [len(signed.note.signatures) for signed in shop.cosigners.asked] == [3, 4, 4]


def test_what_is_offered_is_proved_from_every_size() -> None:
    shop = Shop(5)
    publisher = shop.publisher()
    publisher.publish()
    fill(shop.store, 300)
    new = publisher.publish().checkpoint
    assert shop.cosigners.offer is not None
    for old in (0, 1, 5, 255, 256, 305):
        proof = shop.cosigners.offer.prove(old)
        verify_consistency(old, root(old), new.size, new.root, proof)


def test_a_late_cosignature_is_added() -> None:
    shop = Shop(5, now=[SECOND])
    shop.publisher().publish()
    shop.call_late(shop.cosigners.asked[0], FIRST)
    assert shop.shown() == (5, [SECOND, FIRST])


def test_a_late_cosignature_of_an_older_checkpoint_changes_nothing() -> None:
    shop = Shop(5)
    publisher = shop.publisher()
    publisher.publish()
    fill(shop.store, 3)
    publisher.publish()
    before = shop.tiles.checkpoint()
    shop.call_late(shop.cosigners.asked[0], FIRST)
    assert shop.tiles.checkpoint() == before
    shop.call_late(shop.cosigners.asked[1], FIRST)
    assert shop.shown() == (8, [FIRST])


def test_a_publisher_that_another_has_overtaken_shows_nothing_late() -> None:
    shop = Shop(5)
    shop.publisher().publish()
    old = shop.cosigners.asked[0]
    fill(shop.store, 3)
    shop.publisher().publish()
    shop.call_late(old, FIRST)
    assert shop.shown() == (8, [])


def test_the_line_that_was_verified_last_stands_for_its_key() -> None:
    shop = Shop(5, now=[FIRST])
    published = shop.publisher().publish()
    spoilt = dataclasses.replace(published.note.signatures[3], signature=bytes(2428))
    shop.tiles.put_checkpoint(Note(published.note.text, (*published.note.signatures[:3], spoilt)).encode())
    shop.publisher().publish()
    assert shop.shown() == (5, [FIRST])


def test_a_mangled_public_file_is_replaced_by_what_was_signed() -> None:
    shop = Shop(5)
    published = shop.publisher().publish()
    for mangled in ("", "nonsense", published.note.encode() + "nonsense\n", published.note.encode() + "\n"):
        shop.tiles.put_checkpoint(mangled)
        shop.publisher().publish()
        assert shop.shown() == (5, [])


@pytest.mark.parametrize("when", ["before", "done", "torn"])
def test_a_late_cosignature_that_fails_to_be_written(when: str) -> None:
    for number, name in enumerate(["write", "sync", "rename", "sync_folder"]):
        if when == "torn" and name != "write":
            continue
        shop = Shop(5)
        shop.publisher().publish()
        shop.plant(Plan(number, when))
        with pytest.raises(Fault):
            shop.call_late(shop.cosigners.asked[0], FIRST)
        shop.plant(Plan())
        shop.disk.lose_power()
        assert shop.shown() in ((5, []), (5, [FIRST]))
        shop.cosigners.now = (FIRST,)
        shop.publisher().publish()
        assert shop.shown() == (5, [FIRST])


def test_the_swap_comes_before_any_witness_is_asked() -> None:
    """A checkpoint that a witness holds and the store does not would be a second history in the making."""

    class Asks(Planned):
        def gather(self, offer: Offer) -> Sequence[Signature]:
            assert shop.checkpoints.held.note == offer.signed.note.encode()
            return super().gather(offer)

    shop = Shop(5)
    shop.cosigners = Asks(FIRST)
    shop.publisher().publish()
    assert shop.shown() == (5, [FIRST])
