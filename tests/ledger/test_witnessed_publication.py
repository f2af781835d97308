"""The crash table of a log that is witnessed: whatever step fails, the witness never holds more than was signed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ledger.publisher import Publisher
from ledger.witness.client import Reply, WitnessClient
from ledger.witness.gather import Gatherer
from ledger.witness.heads import Heads
from ledger.witness.witness import Voice, Witness
from tallystick.cosignature import parse_witness
from tallystick.note import parse_note, verify_note
from tallystick.tree_head import LogSigners
from tallystick.witness_policy import parse_log_verifier, parse_policy
from tests.ledger.faults import Fault, MemoryCheckpoints, Plan
from tests.ledger.rawlog import fill
from tests.ledger.test_publisher import KEYS, STEPS, WORLD, Bench
from tests.world import START, key_from

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

    def publisher(self, signers: LogSigners = WORLD.signers) -> Publisher:
        client = WitnessClient([KEY], self._post, lambda: START)
        self.gatherers.append(Gatherer(POLICY, {URL: client.cosign}, 60.0))
        return Publisher(self.store, self.tiles, self.checkpoints, signers, lambda: START, self.gatherers[-1])

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


def test_a_log_whose_stores_fell_back_together_is_caught_by_its_witness(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Database, tiles and checkpoint store restored from one old copy: the program cannot see it, the witness does."""
    with watched(tmp_path / "w", 5) as bench:
        bench.publisher().publish()
        store, held = bench.store._committed.fork(), bench.checkpoints.held
        fill(bench.store, 20)
        bench.publisher().publish()
        bench.check_witnessed(25)
        bench.store._committed, bench.checkpoints = store, MemoryCheckpoints()
        bench.checkpoints.held = held
        fill(bench.store, 3)
        with caplog.at_level(logging.ERROR):
            assert bench.publisher().publish().checkpoint.size == 8
        (report,) = bench.gatherers[-1].reports()
        assert report.alarm
        assert "cosigned 25 leaves" in caplog.text
        assert "BELOW QUORUM" in caplog.text
        head = bench.heads.get(KEYS.origin)
        assert head is not None
        assert head.size == 25
