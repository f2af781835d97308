"""A witness cosigns what extends what it cosigned, and nothing else; every refusal has the code of tlog-witness."""

from __future__ import annotations

import dataclasses
import itertools
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.witness.heads import KEPT_FORKS, Head, Heads
from ledger.witness.witness import SETBACK, Answer, Voice, Witness
from tallystick.checkpoint import Checkpoint
from tallystick.cosignature import cosigned_at, parse_witness
from tallystick.merkle import EMPTY_ROOT
from tallystick.note import Note, NoteVerifier, parse_note, sign_ed25519, verify_note
from tallystick.witness_policy import parse_log_verifier
from tallystick.witnessing import AddCheckpoint, parse_cosignatures
from tests.architecture.tree import ROOT
from tests.ledger.grove import Tree, grown
from tests.patience import PATIENCE, Lines
from tests.world import START, World, key_from

WORLD, OTHER = World(), World("other world", "log.example/other")
NAME = "witness.example/w"
VOICE = Voice(NAME, key_from("w ed"), key_from("w pq", "ml-dsa-44"))
KEYS = [parse_witness(key) for key in VOICE.verifier_keys()]
LOG = grown(WORLD, 40)
FORK = grown(WORLD, 40, fork_at=7)


def known(world: World) -> list[NoteVerifier]:
    return [parse_log_verifier(key) for key in world.signers.keys.verifier_keys()[:2]]


LOGS = {world.origin: known(world) for world in (WORLD, OTHER)}


class Bench:
    """A witness over a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = START
        if not path.exists():
            Heads.create(path)
        self.heads = Heads(path)
        self.witness = Witness(VOICE, LOGS, self.heads, lambda: self.now)

    def ask(self, request: AddCheckpoint) -> Answer:
        return self.witness.add_checkpoint(request.encode())

    def expect_refused(self, status: int, request: AddCheckpoint) -> Answer:
        """Refused, and nothing changed."""
        before = self.heads.get(WORLD.origin)
        answer = self.ask(request)
        assert answer.status == status, answer
        assert self.heads.get(WORLD.origin) == before
        return answer

    def held(self) -> int:
        head = self.heads.get(WORLD.origin)
        return head.size if head else 0

    def feed(self, *sizes: int, tree: Tree = LOG) -> None:
        """Let it cosign these sizes, one after the other."""
        for size in sizes:
            check_cosigned(self.ask(tree.request(self.held(), size)), tree.note(size), self.now)


def check_cosigned(answer: Answer, note: Note, seconds: int) -> None:
    assert (answer.status, answer.media_type) == (200, "text/plain; charset=utf-8"), answer
    lines = parse_cosignatures(answer.body, note.text)
    assert verify_note(Note(note.text, lines), KEYS) == KEYS
    assert [cosigned_at(line.signature) for line in lines] == [seconds, seconds]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "witness.sqlite")
    yield made
    made.heads.close()


# --- what is cosigned --------------------------------------------------------------------


def test_a_log_that_grows(bench: Bench) -> None:
    for size in (1, 2, 3, 7, 8, 9, 31, 32, 33, 40):
        bench.now += 1
        bench.feed(size)
    assert bench.held() == 40


def test_from_every_size_to_every_size(tmp_path: Path) -> None:
    for old, new in itertools.combinations_with_replacement(range(13), 2):
        bench = Bench(tmp_path / f"{old}-{new}")
        if old:
            bench.feed(old)
        bench.feed(new)
        assert bench.held() == new
        bench.heads.close()


def test_the_same_checkpoint_again(bench: Bench) -> None:
    bench.feed(9)
    bench.now += 60
    bench.feed(9)
    # Signed by the log once more, at another time: the same tree.
    again = AddCheckpoint(9, (), LOG.note(9, START + 60))
    check_cosigned(bench.ask(again), again.note, START + 60)


def test_an_empty_tree(bench: Bench) -> None:
    bench.feed(0, 0)
    assert bench.held() == 0
    bench.feed(5)
    assert bench.held() == 5


def test_two_logs_do_not_meet(bench: Bench) -> None:
    bench.feed(9)
    other = grown(OTHER, 5)
    check_cosigned(bench.ask(other.request(0, 5)), other.note(5), START)
    assert bench.held() == 9
    bench.feed(12)


def test_one_known_key_is_enough(bench: Bench) -> None:
    """Other logs sign with Ed25519 alone; of ours, lines of keys that a witness does not know are ignored."""
    note = LOG.note(9)
    only = Note(note.text, note.signatures[:1])
    check_cosigned(bench.ask(AddCheckpoint(0, (), only)), note, START)


def test_extension_lines_of_other_logs(bench: Bench) -> None:
    """The Ed25519 cosignature covers them, the other does not; neither says anything about them."""
    bench.feed(9)
    text = LOG.note(12).text + "extension\nanother\n"
    note = Note(text, (sign_ed25519(text, WORLD.origin, WORLD.roles["log"]),))
    check_cosigned(bench.ask(AddCheckpoint(9, LOG.proof(9, 12), note)), note, START)
    # The same tree with other extension lines is no fork.
    bench.feed(12)
    assert bench.heads.forks() == []


def test_what_is_kept_is_what_was_verified(bench: Bench) -> None:
    note = LOG.note(9)
    stranger = sign_ed25519(note.text, "stranger.example", key_from("stranger"))
    check_cosigned(bench.ask(AddCheckpoint(0, (), Note(note.text, (stranger, *note.signatures)))), note, START)
    answer = bench.witness.latest(sha256(WORLD.origin.encode()).hexdigest())
    assert answer.status == 200
    kept = parse_note(answer.body)
    assert [line.name for line in kept.signatures] == [WORLD.origin] * 2 + [NAME] * 2
    assert len(verify_note(kept, [*known(WORLD), *KEYS])) == 4
    for unknown in (sha256(OTHER.origin.encode()).hexdigest(), "0" * 64, ""):
        assert bench.witness.latest(unknown).status == 404


# --- what is refused, and how ------------------------------------------------------------


def test_400(bench: Bench) -> None:
    bench.feed(9)
    bench.expect_refused(400, dataclasses.replace(LOG.request(9, 12), old_size=13))
    for data in (b"", b"old 9\n", LOG.request(9, 12).encode()[:-1], b"x" * (1 << 20)):
        assert bench.witness.add_checkpoint(data).status == 400


def test_404(bench: Bench) -> None:
    stranger = World("third world", "log.example/third")
    bench.expect_refused(404, grown(stranger, 5).request(0, 5))
    # Signed by a log that is known, in a name that is not.
    text = Checkpoint("log.example/third", 5, LOG.head(5).root).body()
    bench.expect_refused(404, AddCheckpoint(0, (), Note(text, (sign_ed25519(text, WORLD.origin, WORLD.roles["log"]),))))


def test_403(bench: Bench) -> None:
    good = LOG.note(9)
    ed, pq, authority = good.signatures
    forged = sign_ed25519(good.text, WORLD.origin, OTHER.roles["log"])
    attacks = {
        "unsigned by any known key": [authority],
        "another key in the log's name": [forged],
        "the key ID of the log, a signature of another": [dataclasses.replace(ed, signature=forged.signature)],
        "a good line and a bad one": [ed, dataclasses.replace(pq, signature=bytes(2428))],
        "the signature of another size": LOG.note(10).signatures[:2],
        "the same line twice": [ed, ed],
        "cut short": [dataclasses.replace(ed, signature=ed.signature[:-1])],
        "another log's key in its own name": [sign_ed25519(good.text, OTHER.origin, OTHER.roles["log"])],
        "witnesses alone": VOICE.cosign(good.text, START),
    }
    for lines in attacks.values():
        bench.expect_refused(403, AddCheckpoint(0, (), Note(good.text, tuple(lines))))
    text = grown(OTHER, 9).note(9).text
    swapped = Note(text, (dataclasses.replace(ed, name=OTHER.origin),))
    bench.expect_refused(403, AddCheckpoint(0, (), swapped))


def test_409_tells_the_size(bench: Bench) -> None:
    def told(request: AddCheckpoint) -> bytes:
        answer = bench.expect_refused(409, request)
        assert answer.media_type == "text/x.tlog.size"
        return answer.body

    assert told(LOG.request(3, 9)) == b"0\n"
    bench.feed(9)
    for old, new in ((0, 9), (0, 12), (8, 9), (8, 12), (10, 12), (12, 12)):
        assert told(LOG.request(old, new)) == b"9\n"


def test_an_old_checkpoint_again(bench: Bench) -> None:
    """Replayed, it would take the witness back, and the next fork would be cosigned."""
    bench.feed(5, 9)
    for old in range(6):
        assert bench.expect_refused(409, LOG.request(old, 5)).body == b"9\n"
    bench.expect_refused(400, dataclasses.replace(LOG.request(5, 5), old_size=9))


def test_409_for_a_fork_at_the_same_size(bench: Bench) -> None:
    bench.feed(9)
    answer = bench.expect_refused(409, FORK.request(9, 9))
    # Not the size: a client that was told it would ask again for ever.
    assert answer.media_type == "text/plain; charset=utf-8"
    assert b"a fork" in answer.body
    (fork,) = bench.heads.forks()
    assert (fork.origin, fork.size, fork.time) == (WORLD.origin, 9, START)
    held, offered = (parse_note(text.encode()) for text in (fork.held, fork.offered))
    assert held.text != offered.text
    for note in (held, offered):
        assert verify_note(note, known(WORLD)) == known(WORLD)


def test_a_fork_is_kept_whatever_old_size_it_comes_with(bench: Bench) -> None:
    bench.feed(9)
    for old in (0, 5, 9, 9):
        bench.expect_refused(409, FORK.request(old, 9))
    assert len(bench.heads.forks()) == 1
    bench.expect_refused(403, AddCheckpoint(9, (), Note(FORK.note(9).text, FORK.note(10).signatures[:2])))
    assert len(bench.heads.forks()) == 1


def test_forks_that_are_kept_are_few(bench: Bench) -> None:
    bench.feed(9)
    for number in range(KEPT_FORKS + 5):
        text = Checkpoint(WORLD.origin, 9, sha256(b"%d" % number).digest()).body()
        note = Note(text, (sign_ed25519(text, WORLD.origin, WORLD.roles["log"]),))
        bench.expect_refused(409, AddCheckpoint(9, (), note))
    assert len(bench.heads.forks()) == KEPT_FORKS


def test_422(bench: Bench) -> None:
    bench.expect_refused(422, dataclasses.replace(LOG.request(0, 9), proof=(bytes(32),)))
    bench.feed(9)
    good = LOG.request(9, 12)
    bench.expect_refused(422, FORK.request(9, 12))
    bench.expect_refused(422, dataclasses.replace(FORK.request(9, 12), proof=good.proof))
    for proof in ((), good.proof[:-1], (*good.proof, bytes(32)), good.proof[::-1], LOG.proof(8, 12), LOG.proof(9, 13)):
        bench.expect_refused(422, dataclasses.replace(good, proof=proof))
    bench.expect_refused(422, dataclasses.replace(LOG.request(9, 9), proof=(bytes(32),)))
    bench.feed(12)


def test_an_empty_tree_has_one_root(bench: Bench) -> None:
    text = Checkpoint(WORLD.origin, 0, bytes(32)).body()
    note = Note(text, (sign_ed25519(text, WORLD.origin, WORLD.roles["log"]),))
    bench.expect_refused(422, AddCheckpoint(0, (), note))
    assert LOG.head(0).root == EMPTY_ROOT


def test_a_fork_before_the_last_size_never_gets_through(bench: Bench) -> None:
    bench.feed(5, 9)
    for old, new in itertools.product(range(13), repeat=2):
        if old <= new and new > 7:
            assert bench.ask(FORK.request(old, new)).status in (409, 422)
    assert bench.held() == 9


# --- time --------------------------------------------------------------------------------


def test_a_clock_that_falls_back(bench: Bench) -> None:
    bench.feed(9)
    bench.now -= SETBACK
    check_cosigned(bench.ask(LOG.request(9, 12)), LOG.note(12), START)
    bench.now -= 1
    bench.expect_refused(503, LOG.request(12, 13))
    bench.now = START + 5
    bench.feed(13)


# --- durability and races ----------------------------------------------------------------


def test_it_remembers_across_restarts(bench: Bench) -> None:
    bench.feed(9)
    again = Bench(bench.path)
    assert again.expect_refused(409, FORK.request(0, 12)).body == b"9\n"
    again.feed(12)
    assert bench.held() == 12
    again.heads.close()


def _ask(bench: Bench, request: AddCheckpoint, barrier: threading.Barrier) -> int:
    barrier.wait(PATIENCE)
    return bench.ask(request).status


def test_two_requests_from_one_size_cannot_both_pass(bench: Bench) -> None:
    """Two forks of one size, at once, many times: the witness cosigns one of the two, ever."""
    other = Bench(bench.path)  # as another process would: a connection of its own
    for size in range(8, 40, 2):
        old, barrier = bench.held(), threading.Barrier(4)
        rivals = [(bench, LOG), (other, FORK), (bench, FORK), (other, LOG)]
        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(_ask, one, tree.request(old, size), barrier) for one, tree in rivals]
            statuses = [job.result() for job in jobs]
        head = bench.heads.get(WORLD.origin)
        assert head is not None
        winner = next(tree for tree in (LOG, FORK) if tree.head(size).root == head.root)
        assert statuses.count(200) >= 1
        lost = [statuses[at] for at, tree in enumerate((LOG, FORK, FORK, LOG)) if tree is not winner]
        assert set(lost) <= {409, 422}
    other.heads.close()


RACER = """
import sys
from pathlib import Path
from tests.ledger.test_witness import FORK, LOG, Bench
bench = Bench(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(bench.ask((FORK if sys.argv[2] == "fork" else LOG).request(0, 20)).status)
"""


def test_two_processes_cannot_both_pass(tmp_path: Path) -> None:
    path = tmp_path / "witness.sqlite"
    Heads.create(path)
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    with ExitStack() as stack:
        racers = []
        for what in ("log", "fork") * 2:
            command = [sys.executable, "-c", RACER, str(path), what]
            process = stack.enter_context(subprocess.Popen(command, **pipes))
            stack.callback(process.kill)
            racers.append((what == "fork", process.stdin, Lines(process.stdout)))
        for _, _, said in racers:
            assert said.next() == "ready\n"
        for _, told, _ in racers:
            told.close()
        answers = [(fork, int(said.next())) for fork, _, said in racers]
    passed = {fork for fork, status in answers if status == 200}
    assert len(passed) == 1
    assert {status for fork, status in answers if fork not in passed} == {409}


@pytest.mark.parametrize("fails", ["INSERT", "COMMIT"])
def test_nothing_is_said_that_was_not_written(bench: Bench, fails: str) -> None:
    """The disk is full: no cosignature leaves, and the old state stands."""
    bench.feed(9)

    class Failing:
        def __init__(self, connection: sqlite3.Connection) -> None:
            self._connection = connection

        def __getattr__(self, name: str) -> object:
            return getattr(self._connection, name)

        def execute(self, text: str, *more: object) -> object:
            if text.startswith(fails):
                raise sqlite3.OperationalError("database or disk is full")
            return self._connection.execute(text, *more)  # type: ignore[arg-type]

    whole = bench.heads._connection
    bench.heads._connection = Failing(whole)  # type: ignore[assignment]
    with pytest.raises(sqlite3.OperationalError):
        bench.ask(LOG.request(9, 12))
    bench.heads._connection = whole
    assert bench.held() == 9
    bench.feed(12)


def test_what_a_decision_raises_changes_nothing(bench: Bench) -> None:
    bench.feed(9)

    def decide(held: Head | None) -> Head:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.heads.update(WORLD.origin, decide)
    assert not bench.heads._connection.in_transaction
    assert bench.held() == 9
