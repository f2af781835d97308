"""The crash table of a log that is witnessed: whatever step fails, the witness never holds more than was signed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.errors import Forked, HistoryLost, LogHalted
from ledger.publisher import Publisher
from ledger.witness.client import Reply, WitnessClient
from ledger.witness.gather import Gatherer
from ledger.witness.heads import Head, Heads
from ledger.witness.witness import Voice, Witness
from tallystick.checkpoint import Checkpoint
from tallystick.cosignature import parse_witness
from tallystick.note import Note, parse_note, verify_note
from tallystick.tree_head import LogSigners, sign_checkpoint
from tallystick.witness_policy import parse_log_verifier, parse_policy
from tests.ledger.faults import Fault, MemoryCheckpoints, Plan
from tests.ledger.rawlog import fill
from tests.ledger.test_publisher import KEYS, STEPS, WORLD, Bench
from tests.patience import wait_until
from tests.world import START, World, key_from

URL = "https://witness.example"
VOICE = Voice("witness.example", key_from("one ed"), key_from("one pq", "ml-dsa-44"))
KEY = parse_witness(VOICE.verifier_keys()[1])
POLICY = parse_policy(f"witness w {VOICE.verifier_keys()[1]} {URL}\nquorum w\n".encode())
LOG = {KEYS.origin: [parse_log_verifier(key) for key in KEYS.verifier_keys()[:2]]}


class Watched(Bench):
    """A bench with one real witness; each publisher has a gatherer of its own, as each process has."""

    def __init__(self, folder: Path, *batches: int) -> None:
        super().__init__(*batches)
        Heads.create(folder)
        self.heads = Heads(folder)
        self.witness = Witness(VOICE, LOG, self.heads, lambda: START)
        self.gatherers: list[Gatherer] = []
        self.talks = True

    def publisher(self, signers: LogSigners = WORLD.signers) -> Publisher:
        client = WitnessClient([KEY], self._post, lambda: START)
        recall = self._recall if self.talks else lambda url, origin: None
        self.gatherers.append(Gatherer(POLICY, {URL: client.cosign}, 60.0, recall=recall))
        return Publisher(self.store, self.tiles, self.checkpoints, signers, lambda: START, self.gatherers[-1])

    def _recall(self, url: str, origin: str) -> Note | None:
        answer = self.witness.latest(sha256(origin.encode()).hexdigest())
        return parse_note(answer.body) if answer.status == 200 else None

    def _post(self, body: bytes) -> Reply:
        answer = self.witness.add_checkpoint(body)
        return Reply(answer.status, answer.media_type, answer.body)

    def check_witnessed(self, size: int) -> None:
        """What is shown has this size and the witness's line, and the witness holds the same."""
        note = self.tiles.checkpoint()
        assert note is not None
        assert verify_note(parse_note(note), [KEY]) == [KEY]
        head = self.heads.get(KEYS.origin)
        assert head is not None
        assert parse_note(note).text == parse_note(head.note.encode()).text
        assert head.size == size

    def check_not_ahead(self) -> None:
        """The witness holds nothing that the log has not signed."""
        head = self.heads.get(KEYS.origin)
        assert head is None or any(parse_note(head.note.encode()).text in note for note in self.checkpoints.notes)

    def close(self) -> None:
        for one in self.gatherers:
            one.close()
        self.heads.close()


@contextmanager
def watched(folder: Path, *batches: int) -> Iterator[Watched]:
    with closing(Watched(folder, *batches)) as made:
        yield made


def test_publications_are_witnessed(tmp_path: Path) -> None:
    with watched(tmp_path / "w", 5) as bench:
        publisher = bench.publisher()
        for size in (5, 6, 266, 267):
            fill(bench.store, size - bench.store._committed.size())
            assert publisher.publish().checkpoint.size == size
            bench.check_witnessed(size)


@pytest.mark.parametrize("when", ["before", "done", "torn"])
def test_a_publication_that_fails_at_any_step(tmp_path: Path, when: str, caplog: pytest.LogCaptureFixture) -> None:
    for number, name in enumerate(STEPS):
        if when == "torn" and name != "write":
            continue
        with watched(tmp_path / f"{when}{number}", 5) as bench:
            publisher = bench.publisher()
            publisher.publish()
            fill(bench.store, 260)
            bench.plant(Plan(number, when))
            with pytest.raises(Fault):
                publisher.publish()
            bench.plant(Plan())
            bench.disk.lose_power()
            bench.check_not_ahead()
            again = publisher if number % 2 else bench.publisher()
            assert again.publish().checkpoint.size == 265
            bench.check_witnessed(265)
            bench.check_no_fork()
    assert "ALARM" not in caplog.text


def fall_back(bench: Watched) -> None:
    """Database, tiles and checkpoint store come from one old copy, and other entries than before are taken in."""
    bench.publisher().publish()
    store, held = bench.store._committed.fork(), bench.checkpoints.held
    fill(bench.store, 20)
    bench.publisher().publish()
    bench.check_witnessed(25)
    bench.store._committed, bench.checkpoints = store, MemoryCheckpoints()
    bench.checkpoints.held = held
    fill(bench.store, 3)


def test_it_does_not_start_where_a_witness_remembers_more(tmp_path: Path) -> None:
    """The program alone cannot see that all of its stores are old copies; with a witness it signs nothing."""
    with watched(tmp_path / "w", 5) as bench:
        fall_back(bench)
        with pytest.raises(HistoryLost, match="a witness cosigned a checkpoint of 25 leaves that this log signed"):
            bench.publisher()
        assert bench.checkpoints.notes == []


def test_it_does_not_start_where_a_witness_holds_another_tree(tmp_path: Path) -> None:
    with watched(tmp_path / "w", 5) as bench:
        bench.publisher().publish()
        other = sign_checkpoint(Checkpoint(KEYS.origin, 4, bytes(32)), WORLD.signers, START)
        bench.heads.update(KEYS.origin, lambda head: Head(4, bytes(32), START, other))
        with pytest.raises(Forked, match="cosigned another tree of 4 leaves") as caught:
            bench.publisher()
        assert caught.value.notes == (bench.checkpoints.held.note, other)


@pytest.mark.parametrize("size", [4, 5, 6, 1000])
def test_what_this_log_did_not_sign_does_not_stop_it(tmp_path: Path, size: int) -> None:
    """Else anybody who runs a witness, or sits between, could."""
    stranger = World("a stranger", KEYS.origin)
    others = World("another log", "log.example/other")
    with watched(tmp_path / "w", 5) as bench:
        bench.publisher().publish()
        for signers, origin in ((stranger.signers, KEYS.origin), (others.signers, others.origin)):
            note = sign_checkpoint(Checkpoint(origin, size, bytes(32)), signers, START)
            bench.heads.update(KEYS.origin, lambda head, note=note: Head(size, bytes(32), START, note))
            bench.publisher()
        unsigned = Checkpoint(KEYS.origin, size, bytes(32)).body() + "\n" + "\n".join(note.split("\n\n")[1:])
        bench.heads.update(KEYS.origin, lambda head: Head(size, bytes(32), START, unsigned))
        bench.publisher()
        # Signed by our keys, under another origin.
        foreign = sign_checkpoint(Checkpoint("log.example/x", size, bytes(32)), WORLD.signers, START)
        bench.heads.update(KEYS.origin, lambda head: Head(size, bytes(32), START, foreign))
        bench.publisher()


def test_a_log_whose_stores_fell_back_together_is_caught_by_its_witness(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A witness that shows nothing to monitors still cosigns no second history."""
    with watched(tmp_path / "w", 5) as bench:
        fall_back(bench)
        bench.talks = False
        with caplog.at_level(logging.ERROR):
            assert bench.publisher().publish().checkpoint.size == 8
        (report,) = bench.gatherers[-1].reports()
        assert report.alarm
        assert "cosigned 25 leaves" in caplog.text
        assert "BELOW QUORUM" in caplog.text
        head = bench.heads.get(KEYS.origin)
        assert head is not None
        assert head.size == 25


# --- alarms while it is open -------------------------------------------------------------


def ahead(bench: Watched, signers: LogSigners, size: int = 9) -> str:
    """The witness holds a larger tree of this name, by whomever."""
    note = sign_checkpoint(Checkpoint(KEYS.origin, size, bytes(32)), signers, START)
    bench.heads.update(KEYS.origin, lambda head: Head(size, bytes(32), START, note))
    return note


@pytest.mark.parametrize("size", [8, 9])
def test_what_a_witness_shows_under_our_signature_halts_the_log(tmp_path: Path, size: int) -> None:
    with watched(tmp_path / "w", 5) as bench:
        publisher = bench.publisher()
        publisher.publish()
        ahead(bench, WORLD.signers, size)
        fill(bench.store, 3)
        publisher.publish()
        wait_until(lambda: publisher.halted, "the witness's checkpoint is looked at")
        signed = len(bench.checkpoints.notes)
        fill(bench.store, 3)
        for _ in range(2):
            with pytest.raises(LogHalted, match="until the operator has decided"):
                publisher.publish()
        assert len(bench.checkpoints.notes) == signed


def test_what_a_witness_says_without_showing_it_is_an_alarm_and_halts_nothing(tmp_path: Path) -> None:
    """Else every witness, and whoever sits between, could stop every log that it witnesses."""
    with watched(tmp_path / "w", 5) as bench:
        publisher = bench.publisher()
        publisher.publish()
        ahead(bench, World("a stranger", KEYS.origin).signers)
        looked = []
        publisher._face._doubt = lambda note: (publisher._doubt(note), looked.append(note))
        fill(bench.store, 3)
        publisher.publish()
        wait_until(lambda: looked, "the witness's checkpoint is looked at")
        assert publisher.halted is None
        assert bench.gatherers[-1].reports()[0].alarm
        fill(bench.store, 3)
        assert publisher.publish().checkpoint.size == 11


def test_it_does_not_start_where_its_quorum_vouches_for_what_keys_signed_that_came_later(tmp_path: Path) -> None:
    """A copy from before a rotation does not know the key that signed since; the witnesses who cosigned did."""
    later = World("keys of a later time", KEYS.origin)
    with watched(tmp_path / "w", 5) as bench:
        bench.publisher().publish()
        note = parse_note(ahead(bench, later.signers).encode())
        bench.publisher()  # one who shows it without having cosigned it vouches for nothing
        cosigned = Note(note.text, (*note.signatures, *VOICE.cosign(note.text, START)))
        bench.heads.update(KEYS.origin, lambda head: Head(9, bytes(32), START, cosigned.encode()))
        with pytest.raises(HistoryLost, match="a witness cosigned a checkpoint of 9 leaves"):
            bench.publisher()
