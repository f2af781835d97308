"""A copy is what the log signed, at every step and after every fault, whatever the source serves."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from ledger.copies.follow import Follower
from ledger.copies.known import known_log
from ledger.errors import BadSource, Corrupt, ForkSeen
from ledger.integrate import recompute
from ledger.reader import PublishedLog
from ledger.tilestore import TileStore
from tallystick.checkpoint import parse_body
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.merkle import leaf_hash, verify_consistency, verify_inclusion
from tallystick.note import COSIGNATURE_ED25519, parse_note, verifier_key
from tests.ledger.faults import ROOT, Fault, MemoryDisk, Plan
from tests.ledger.following import KEYS, VKEYS, Leader, forked, known
from tests.ledger.rawlog import raw_entry
from tests.world import World

GROWTH = (3, 1, 250, 2, 1, 300)


class Copy:
    """A copy of a leader, on a disk of its own."""

    def __init__(self, leader: Leader) -> None:
        self.leader = leader
        self.disk = MemoryDisk()
        self.tiles = TileStore(ROOT, self.disk)

    def follower(self) -> Follower:
        return Follower(known(), self.leader, self.tiles)

    def check(self) -> int:
        """All that stands in the copy stands so in the leader, and its checkpoint covers it; the size."""
        true = self.leader.disk.files()
        for path, data in self.disk.files().items():
            if path.suffix != ".tmp" and path.name != "checkpoint":
                assert true[path] == data, path
        note = self.tiles.checkpoint()
        if note is None:
            return 0
        head = known().verify(note).checkpoint
        assert recompute(self.tiles, 0, head.size) == head.root
        return head.size


def test_a_copy_grows_with_its_log() -> None:
    copy, counted = Copy(Leader()), 0

    def count(done: int) -> None:
        nonlocal counted
        counted += done

    for size in itertools.accumulate(GROWTH):
        copy.leader.grow(size - sum(1 for _ in range(copy.check())))
        before, copy.leader.asked = copy.check(), []
        step = copy.follower().step(count)
        assert (step.behind, step.held.checkpoint.size, copy.check()) == (False, size, size)
        # What it has it does not ask for: at most the edge, the bundles that grew, and what consistency needs.
        assert len(copy.leader.asked) <= 8 + (size - before) // 100
        assert copy.follower().step().held == step.held
    reader = PublishedLog(copy.tiles, KEYS)
    latest = reader.checkpoint().checkpoint
    for index in (0, 255, 256, 556):
        proof = reader.prove_inclusion(index, latest.size)
        verify_inclusion(leaf_hash(raw_entry(index)), index, latest.size, proof, latest.root)
    assert reader.entries(range(557), 557) == [raw_entry(at) for at in range(557)]
    assert counted >= 557


@pytest.fixture(scope="module")
def tall() -> Leader:
    """Three levels of tiles."""
    return Leader(65_000, 1_700)


def test_three_levels_at_once_and_a_copy_of_the_copy(tall: Leader) -> None:
    copy = Copy(tall)
    copy.follower().step()
    second = Leader(disk=copy.disk)
    again = Copy(second)
    again.follower().step()
    assert again.check() == 66_700
    assert again.disk.files() == {path: data for path, data in copy.disk.files().items() if path in again.disk.files()}


# --- faults ------------------------------------------------------------------------------


GROWING = Leader(5)
EARLY = GROWING.checkpoint()
GROWING.grow(600)


def begun() -> Copy:
    """A copy of the first five entries of a log of 605."""
    copy = Copy(GROWING)
    GROWING.bend = lambda path, data: EARLY if path == "checkpoint" else data
    copy.follower().step()
    GROWING.bend = lambda path, data: data
    return copy


def steps() -> list[str]:
    copy = begun()
    copy.disk.plan = plan = Plan()
    copy.follower().step()
    return plan.steps


STEPS = steps()


@pytest.mark.parametrize("power", ["kept", "lost"])
@pytest.mark.parametrize("when", ["before", "done", "torn"])
def test_a_copy_that_fails_at_any_step(when: str, power: str) -> None:
    assert {"write", "sync", "rename", "make_folder", "sync_folder"} == set(STEPS)
    for number, name in enumerate(STEPS):
        if when == "torn" and name != "write":
            continue
        copy = begun()
        copy.disk.plan = Plan(number, when)
        with pytest.raises(Fault):
            copy.follower().step()
        copy.disk.plan = Plan()
        if power == "lost":
            copy.disk.lose_power()
        assert copy.check() in (5, 605), (number, name)
        copy.follower().step()
        assert copy.check() == 605, (number, name)


def test_what_is_there_after_a_crash_is_not_fetched_again() -> None:
    copy = Copy(Leader(5000))
    copy.disk.plan = Plan(len(STEPS) + 20)
    with pytest.raises(Fault):
        copy.follower().step()
    copy.disk.plan = Plan()
    kept = {path.relative_to(ROOT).as_posix() for path in copy.disk.files() if path.suffix != ".tmp"}
    copy.leader.asked = []
    copy.follower().step()
    full = {path for path in copy.leader.asked if ".p/" not in path}
    assert kept
    assert not kept & full


# --- lies --------------------------------------------------------------------------------

VICTIMS = ["tile/1/000.p/2", "tile/0/000", "tile/0/002.p/88", "tile/entries/001", "tile/entries/002.p/88", "checkpoint"]
LIES: dict[str, Callable[[bytes], bytes]] = {
    "flipped": lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:],
    "short": lambda data: data[:-1],
    "long": lambda data: data + bytes(32),
    "empty": lambda data: b"",
}


def expect_refused(leader: Leader, victim: str, lie: str) -> Copy:
    copy = Copy(leader)
    leader.bend = lambda path, data: LIES[lie](data) if path == victim else data
    with pytest.raises(BadSource):
        copy.follower().step()
    leader.bend = lambda path, data: data
    assert ROOT / victim not in copy.disk.files()
    assert copy.check() == 0
    return copy


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_file_that_was_changed_is_not_kept(victim: str, lie: str) -> None:
    if lie == "long" and "entries" in victim:
        lie = "short"  # What follows a bundle is cut off: it is the full one where the partial one is gone.
    copy = expect_refused(Leader(600), victim, lie)
    copy.follower().step()
    assert copy.check() == 600


def test_a_changed_tile_of_any_level_is_not_kept(tall: Leader) -> None:
    for victim in ("tile/2/000.p/1", "tile/1/000", "tile/0/255", "tile/0/256"):
        expect_refused(tall, victim, "flipped")


def test_what_follows_a_bundle_is_cut_off() -> None:
    copy = Copy(Leader(600))
    copy.leader.bend = lambda path, data: data + bytes(32) if "entries" in path else data
    copy.follower().step()
    assert copy.check() == 600


def test_a_source_that_lies_the_second_time_it_is_asked() -> None:
    leader, seen = Leader(300), set()

    def once(path: str, data: bytes) -> bytes:
        if path == "checkpoint" or path not in seen:
            seen.add(path)
            return data
        return LIES["flipped"](data)

    leader.bend = once
    copy = Copy(leader)
    copy.follower().step()
    assert copy.check() == 300


@pytest.mark.parametrize("old", [5, 255, 256, 300])
@pytest.mark.parametrize("growth", [0, 1, 300])
def test_a_fork_is_refused_with_its_proof(old: int, growth: int) -> None:
    copy = Copy(Leader(old))
    held = copy.follower().step().held
    before = copy.disk.files()
    copy.leader = forked(2, old + growth)
    with pytest.raises(ForkSeen, match="signed two histories") as caught:
        copy.follower().step()
    assert copy.disk.files() == before
    _check_evidence(caught.value)
    assert caught.value.notes[0] == held.note


@pytest.mark.parametrize("old", [4, 256, 299])
def test_an_older_fork_is_refused_with_its_proof(old: int) -> None:
    copy = Copy(Leader(300))
    held = copy.follower().step().held
    copy.leader = forked(2, old)
    with pytest.raises(ForkSeen) as caught:
        copy.follower().step()
    _check_evidence(caught.value)
    assert caught.value.notes[1] == held.note


def _check_evidence(fork: ForkSeen) -> None:
    smaller, larger = (parse_body(parse_note(note.encode()).text) for note in fork.notes)
    assert smaller.size <= larger.size
    verify_consistency(smaller.size, fork.smaller_root, larger.size, larger.root, fork.proof)
    assert fork.smaller_root != smaller.root


def test_a_source_that_went_back_in_its_own_history() -> None:
    leader = Leader(300)
    early = leader.checkpoint()
    leader.grow(20)
    copy = Copy(leader)
    copy.follower().step()
    leader.bend = lambda path, data: early if path == "checkpoint" else data
    step = copy.follower().step()
    assert (step.behind, step.offered.checkpoint.size, step.held.checkpoint.size) == (True, 300, 320)
    assert copy.check() == 320


def test_a_copy_that_was_damaged_is_no_fork() -> None:
    leader = Leader(300)
    early = leader.checkpoint()
    leader.grow(20)
    copy = Copy(leader)
    copy.follower().step()
    copy.disk.flip(ROOT / "tile/0/001.p/64")
    leader.bend = lambda path, data: early if path == "checkpoint" else data
    with pytest.raises(Corrupt):
        copy.follower().step()


def test_the_latest_lines_of_a_checkpoint_are_taken_over() -> None:
    copy = Copy(Leader(5))
    copy.follower().step()
    note = copy.leader.checkpoint().decode()
    line = note.splitlines()[-1].replace(KEYS.origin, "witness.example/w")
    copy.leader.bend = lambda path, data: f"{note}{line}\n".encode() if path == "checkpoint" else data
    copy.follower().step()
    assert (copy.tiles.checkpoint() or b"").decode() == f"{note}{line}\n"


# --- keys --------------------------------------------------------------------------------


def test_each_key_that_is_given_must_have_signed() -> None:
    note = Leader(5).checkpoint()
    for line in VKEYS:
        assert known_log([line]).verify(note).checkpoint.size == 5
    lines = note.decode().splitlines(keepends=True)
    for number in (-1, -2, -3):
        fewer = "".join(one for one in lines if one != lines[number]).encode()
        with pytest.raises(VerificationFailed, match="lacks the signature"):
            known().verify(fewer)
    with pytest.raises(VerificationFailed):
        known_log(list(World(name="another").signers.keys.verifier_keys())).verify(note)
    with pytest.raises(VerificationFailed, match=r"expected 'log\.example/other'"):
        known_log(list(World(origin="log.example/other").signers.keys.verifier_keys())).verify(note)


def test_keys_that_are_not_those_of_one_log() -> None:
    other = World(origin="log.example/other").signers.keys.verifier_keys()
    cosigner = verifier_key("log.example/little", COSIGNATURE_ED25519, KEYS.ed25519.raw)
    for lines in ([], [VKEYS[0], other[0]], [VKEYS[0][:-4]], [cosigner]):
        with pytest.raises(MalformedInput):
            known_log(lines)


def test_a_copy_under_other_keys_is_left_alone() -> None:
    copy = Copy(Leader(5))
    copy.follower().step()
    stranger = known_log(list(World(name="another").signers.keys.verifier_keys()))
    with pytest.raises(Corrupt, match="give the keys of the log"):
        Follower(stranger, copy.leader, copy.tiles).step()
