"""Rows, retries, and that no authority holds up another."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from anchors.errors import OutboxConflict
from anchors.outbox import Outbox
from anchors.ports import PublishedCheckpoint
from anchors.scheduler import Policy
from anchors.timestamps import outbox as outboxes
from anchors.timestamps.client import StampAlarm, StampFailed, TimestampClient
from anchors.timestamps.outbox import Stamps
from anchors.timestamps.runner import RETRY_FIRST, RETRY_MOST, StampRunner
from anchors.timestamps.service import Service
from tallystick.note import parse_note
from tallystick.timestamp import TimestampFact, verify_token
from tests.core.timestamp.forge import AUTHORITY, Recipe, holder, token
from tests.core.verify.kit import MemoryLog, Scene
from tests.world import World

ROOT = holder("root of the authority", None, AUTHORITY)
TSA = holder("the authority", ROOT)


@dataclass
class Authority:
    """An authority in memory: honest, unless it is told what to say."""

    name: str
    fault: Exception | None = None
    asked: list[bytes] = field(default_factory=list)

    @property
    def service(self) -> Service:
        return Service(self.name, "http://authority.example/", (ROOT.der,))

    def stamp(self, message: bytes) -> tuple[bytes, TimestampFact]:
        self.asked.append(message)
        if self.fault is not None:
            raise self.fault
        made = token(Recipe(TSA, message=message))
        return made, verify_token(made, message, self.service.authorities)


@dataclass
class Source:
    """A log that publishes what the test lets it."""

    log: MemoryLog
    size: int = 0

    def latest(self) -> PublishedCheckpoint | None:
        if not self.size:
            return None
        full = self.log.latest()
        note = self.log.note(self.size)
        return PublishedCheckpoint(type(full.checkpoint)(*_parts(note)), note, b"")

    def aligned(self) -> None:
        return None

    def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        return self.log.consistency(old_size, new_size)


def _parts(note: bytes) -> tuple[str, int, bytes]:
    from tallystick.checkpoint import parse_body

    found = parse_body(parse_note(note).text)
    return found.origin, found.size, found.root


@dataclass
class Desk:
    """Runners of some authorities over one outbox."""

    path: Path
    source: Source
    now: int = 1_000_000
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        self.stamps = Stamps(self.path)

    def runner(self, authority: Authority) -> StampRunner:
        return StampRunner(authority, self.policy, self.stamps, self.source, lambda: self.now)  # type: ignore[arg-type]

    def run(self, authority: Authority) -> tuple[str, ...]:
        return self.runner(authority).run_once()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    world = World()
    log = MemoryLog(world)
    log.add(world.key_set(), world.policy())
    made = Desk(tmp_path / "anchors.db", Source(log))
    with closing(made.stamps):
        yield made


def test_nothing_is_asked_before_a_checkpoint(desk: Desk) -> None:
    authority = Authority("a")
    assert desk.run(authority) == ("idle", "idle")
    assert authority.asked == []


def test_a_checkpoint_is_stamped_once(desk: Desk) -> None:
    authority = Authority("a")
    desk.source.size = 2
    assert desk.run(authority) == ("final", "idle")
    assert desk.run(authority) == ("idle", "idle")
    (stamp,) = desk.stamps.stamps()
    assert authority.asked == [parse_note(stamp.note).text.encode()]
    assert (stamp.kind, stamp.state, stamp.size, stamp.reason) == ("checkpoint", "final", 2, "first")
    assert stamp.proof is not None
    verify_token(stamp.proof, stamp.message, authority.service.authorities)
    assert "the timestamp authority a" in stamp.trust().text("en")


def test_another_when_it_is_old_or_somebody_asks(desk: Desk) -> None:
    authority = Authority("a")
    desk.source.size = 2
    desk.run(authority)
    desk.source.size = 3
    assert desk.run(authority) == ("idle", "idle")
    desk.now += desk.policy.seconds
    assert desk.run(authority) == ("final", "idle")
    with closing(Outbox(desk.path)) as outbox:
        outbox.request("dispute", 3, desk.now)
    assert desk.run(authority) == ("idle", "idle")
    with closing(Outbox(desk.path)) as outbox:
        outbox.request("dispute", 4, desk.now)
    # What is not published yet waits for its checkpoint.
    assert desk.run(authority) == ("idle", "idle")
    world = desk.source.log.world
    desk.source.log.add(*world.parties())
    desk.source.size = desk.source.log.size
    assert desk.run(authority) == ("final", "idle")
    assert [one.reason for one in desk.stamps.stamps()] == ["first", "age", "dispute"]


def test_after_days_of_outage_one_catches_up(desk: Desk) -> None:
    authority = Authority("a", StampFailed("no answer"))
    for size in (1, 2, 3):
        desk.source.size = size
        desk.run(authority)
        desk.now += 86_400
    authority.fault = None
    assert desk.run(authority)[0] == "final"
    assert desk.run(authority)[0] == "final"
    assert desk.run(authority)[0] == "idle"
    # What waited, and what there is now: nothing between.
    assert [one.size for one in desk.stamps.stamps(state="final")] == [1, 3]


def test_retries_wait_longer_and_longer(desk: Desk) -> None:
    authority = Authority("a", StampFailed("no answer"))
    desk.source.size = 2
    waits = []
    for _ in range(14):
        assert desk.run(authority)[0] == "failed"
        (stamp,) = desk.stamps.stamps()
        waits.append(stamp.next_at - desk.now)
        assert desk.run(authority)[0] == "waiting"
        desk.now = stamp.next_at
    assert waits[:4] == [RETRY_FIRST, RETRY_FIRST * 2, RETRY_FIRST * 4, RETRY_FIRST * 8]
    assert waits[-1] == RETRY_MOST
    assert (stamp.state, stamp.error, stamp.alarm, stamp.attempts) == ("sent", "no answer", False, 14)
    authority.fault = None
    assert desk.run(authority)[0] == "final"
    (stamp,) = desk.stamps.stamps()
    assert (stamp.state, stamp.error) == ("final", None)


def test_a_clock_that_went_back_does_not_silence_it(desk: Desk) -> None:
    authority = Authority("a", StampFailed("no answer"))
    desk.source.size = 2
    desk.run(authority)
    desk.now -= 86_400
    authority.fault = None
    assert desk.run(authority)[0] == "final"


def test_an_alarm_is_kept_until_a_token_holds(desk: Desk) -> None:
    authority = Authority("a", StampAlarm("61 s in the future of our clock"))
    desk.source.size = 2
    desk.run(authority)
    (stamp,) = desk.stamps.stamps()
    assert (stamp.alarm, stamp.error, stamp.proof) == (True, "61 s in the future of our clock", None)
    desk.now += RETRY_MOST
    authority.fault = None
    desk.run(authority)
    (stamp,) = desk.stamps.stamps()
    assert (stamp.alarm, stamp.state) == (False, "final")


def test_none_holds_up_another(desk: Desk) -> None:
    """One hangs in its own thread; the other gets its token, in the same outbox."""
    desk.source.size = 2
    held, free, hangs = threading.Event(), Authority("free"), Authority("hangs")
    reached = threading.Event()

    def hang(_: bytes) -> tuple[bytes, TimestampFact]:
        reached.set()
        held.wait(20)
        raise StampFailed("no answer")

    hangs.stamp = hang  # type: ignore[method-assign]
    with closing(Stamps(desk.path)) as other:
        runner = StampRunner(hangs, desk.policy, other, desk.source, lambda: desk.now)  # type: ignore[arg-type]
        thread = threading.Thread(target=runner.run_once, daemon=True)
        thread.start()
        try:
            assert reached.wait(20)
            assert desk.run(free)[0] == "final"
            assert {one.authority: one.state for one in desk.stamps.stamps()} == {"free": "final", "hangs": "sent"}
        finally:
            held.set()
            thread.join(20)


def test_what_an_authority_that_is_no_longer_asked_left(desk: Desk) -> None:
    desk.source.size = 2
    desk.run(Authority("done"))
    desk.run(Authority("gone", StampFailed("no answer")))
    desk.run(Authority("kept", StampFailed("no answer")))
    assert desk.stamps.drop_others(["kept"], desk.now) == 1
    states = {one.authority: one.state for one in desk.stamps.stamps()}
    assert states == {"done": "final", "gone": "dropped", "kept": "sent"}
    assert desk.stamps.drop_others([], desk.now) == 1


def test_what_is_final_or_dropped_stays(desk: Desk) -> None:
    desk.source.size = 2
    desk.run(Authority("a"))
    (stamp,) = desk.stamps.stamps()
    assert desk.stamps.asked(stamp.id, 5) == stamp
    assert desk.stamps.failed(stamp.id, "late", 5, alarm=True) == stamp
    with pytest.raises(OutboxConflict, match="no timestamp 99"):
        desk.stamps.stamp(99)


# --- blocks -----------------------------------------------------------------------------


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "scene", World())


def test_the_block_of_the_newest_anchor_is_stamped(scene: Scene, tmp_path: Path) -> None:
    scene.anchor()
    stamps = Stamps(tmp_path / "scene" / "anchors.db")
    with closing(stamps):
        authority = Authority("a")
        runner = StampRunner(authority, Policy(), stamps, Source(scene.log), lambda: 5)  # type: ignore[arg-type]
        assert runner.run_once() == ("idle", "final")
        assert runner.run_once() == ("idle", "idle")
        (stamp,) = stamps.stamps()
        (anchor,) = scene._outbox.anchors(state="final")
        assert (stamp.kind, stamp.message, stamp.anchor_id) == ("block", anchor.block_hash, anchor.id)
        assert (stamp.size, stamp.root) == (anchor.size, anchor.root)
        assert authority.asked == [anchor.block_hash]
        # Another authority is asked for itself.
        other = Authority("b")
        StampRunner(other, Policy(), stamps, Source(scene.log), lambda: 5).run_once()  # type: ignore[arg-type]
        assert other.asked == [anchor.block_hash]


# --- kills ------------------------------------------------------------------------------

_VICTIM = """
import os, sys
from pathlib import Path
from anchors.timestamps.outbox import Stamps
stamps = Stamps(Path(sys.argv[1]))
step = sys.argv[2]
(stamp,) = stamps.stamps()
if step == "asked":
    stamps.asked(stamp.id, 7)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("step", ["prepared", "asked"])
def test_killed_at_each_step_it_is_found_again(desk: Desk, step: str) -> None:
    desk.source.size = 2
    published = desk.source.latest()
    assert published is not None
    desk.stamps.prepare("a", published, "first", desk.now)
    done = subprocess.run(
        [sys.executable, "-c", _VICTIM, str(desk.path), step],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    assert desk.run(Authority("a"))[0] == "final"
    assert [one.state for one in desk.stamps.stamps()] == ["final"]


def test_the_token_that_was_not_kept_is_asked_for_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between answer and row there is nothing to lose: another token of the same message does as well."""
    desk.source.size = 2
    authority = Authority("a")
    with monkeypatch.context() as broken:
        broken.setattr(desk.stamps, "done", _disk_full)
        with pytest.raises(sqlite3.OperationalError):
            desk.run(authority)
    assert [one.state for one in desk.stamps.stamps()] == ["sent"]
    assert desk.run(authority)[0] == "final"
    assert len(authority.asked) == 2


def _disk_full(*_: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_an_outbox_of_before_is_brought_up(tmp_path: Path) -> None:
    from anchors import outbox_schema

    path = tmp_path / "anchors.db"
    sql = sqlite3.connect(path, isolation_level=None)
    sql.executescript(outbox_schema._TABLES)
    sql.execute(f"PRAGMA application_id={outbox_schema.APPLICATION_ID}")
    sql.execute("PRAGMA user_version=1")
    sql.close()
    with closing(Stamps(path)) as stamps:
        assert stamps.stamps() == []


def test_the_states_are_those_of_the_table() -> None:
    from typing import get_args

    from anchors.timestamps.schema import STAMPS

    assert all(f"'{state}'" in STAMPS for state in get_args(outboxes.StampState))


def test_a_client_needs_an_address(desk: Desk) -> None:
    from tallystick.errors import MalformedInput

    with pytest.raises(MalformedInput):
        TimestampClient(Service("a", "nowhere", (ROOT.der,)), lambda: 1)
