"""Power loss at any moment of a real process: what was acknowledged is there, and no two histories were signed.

The process runs with a recorder around its file operations (tests/ledger/power). After
any of them the power may fail: what was not synced is lost, or there, or there in part.
"""

from __future__ import annotations

import copy
import json
import random
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.rotation import RETIRED, rotate
from api.settings import Settings
from ledger.copies.monitor import Expectations, Monitor
from ledger.copies.source import open_source
from ledger.errors import NoLog, UnknownSchema
from ledger.folder import Folder
from ledger.integrate import recompute
from ledger.log import Log
from ledger.tilestore import TileStore
from ledger.upkeep.backup import back_up, read_backup
from ledger.upkeep.fsck import fsck
from ledger.upkeep.restore import restore
from ledger.witness.folder import open_witness
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.keyfile import read_key
from tallystick.merkle import verify_consistency
from tallystick.note import parse_note
from tests.api.house import open_house
from tests.ledger.conftest import founding, later, open_log
from tests.ledger.following import known
from tests.ledger.grove import grown
from tests.ledger.power.recording import Chance, Machine, Operation, build, compiler, record
from tests.ledger.power.workload import ACKNOWLEDGED, ROTATED
from tests.world import START, World

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler to build the recorder with")
SAMPLES = 25
"""Crash points looked at unless all are."""


MODES = ["none", "all", "dice", "other dice"]
"""How much of what was not synced is on the disk after all."""


@dataclass(frozen=True)
class Run:
    """The folder as it was before a process worked in it, and what the process did, in order."""

    before: Machine
    steps: list[Operation]
    after: Path


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("recorder"))


@pytest.fixture(scope="module", params=["append", "begin"])
def run(
    recorder: Path, tmp_path_factory: pytest.TempPathFactory, template: Path, request: pytest.FixtureRequest
) -> Run:
    root = tmp_path_factory.mktemp("run") / "root"
    root.mkdir()
    if request.param == "append":
        shutil.copytree(template, root / "log")
    before = Machine(root)
    command = [sys.executable, "-m", "tests.ledger.power.workload", request.param, str(root)]
    return Run(before, record(recorder, command, root, root.with_name("record")), root)


def test_the_recorder_misses_nothing(run: Run, tmp_path: Path) -> None:
    machine = copy.deepcopy(run.before)
    for step in run.steps:
        machine.do(step)
    machine.lose_power(tmp_path / "all", Chance("all"))
    assert tree(tmp_path / "all") == tree(run.after)
    assert {"c", "m", "w", "t", "s", "r", "u"} >= {step.what for step in run.steps} >= {"c", "w", "s", "r", "u"}


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def crash_points(run: Run, mode: str) -> set[int]:
    """After which operations the power fails: all of them, or a sample that is another for each mode."""
    everything = range(len(run.steps) + 1)
    return set(random.Random(mode).sample(everything, min(SAMPLES, len(everything))))


def every_point(run: Run, mode: str) -> set[int]:
    return set(range(len(run.steps) + 1))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("points", [crash_points, pytest.param(every_point, marks=pytest.mark.exhaustive)])
def test_power_loss(run: Run, mode: str, points: Callable[[Run, str], set[int]], tmp_path: Path) -> None:
    machine, chosen, heads = copy.deepcopy(run.before), points(run, mode), set()
    for number, step in enumerate([None, *run.steps]):
        if step:
            machine.do(step)
        # Whatever was shown for a moment may have been seen.
        heads.add(machine.read("log/public/checkpoint"))
        if number in chosen:
            left = tmp_path / f"{number}"
            machine.lose_power(left, Chance(mode.split()[-1], number + (1 << 20) * (mode == "other dice")))
            said = machine.read(ACKNOWLEDGED).decode().splitlines()
            try:
                check(left / "log", said, heads - {b""})
            except BaseException as error:
                error.add_note(
                    f"power lost after operation {number} of {len(run.steps)} ({step and step.what}), {mode}"
                )
                raise
            shutil.rmtree(left)


def check(data: Path, said: list[str], heads: set[bytes]) -> None:
    """The log goes on: nothing that was said is untrue, nothing that was shown is denied."""
    with begun_again(data, must_be_there="begun" in said or (data / "public/tile/0/000.p/29").exists()) as log:
        told = [line.split() for line in said]
        with log.store.snapshot() as reads:
            placed = {bytes.fromhex(words[2]): int(words[1]) for words in told if words[0] == "position"}
            assert reads.positions_of(list(placed)) == placed
            for words in told:
                if words[0] == "erased":
                    assert words[2] not in reads.disclosures(int(words[1]))
        published = [head_of(bytes.fromhex(words[1])) for words in told if words[0] == "published"]
        if published:
            assert log.published.checkpoint().checkpoint.size >= published[-1].size
        latest = log.publish_now().checkpoint
        for one in (*published, *map(head_of, heads)):
            proof = log.published.prove_consistency(one.size, latest.size)
            verify_consistency(one.size, one.root, latest.size, latest.root, proof)
    report = fsck(Folder(data))
    assert report.findings == ()
    assert report.entries == report.published == latest.size


def head_of(note: bytes) -> Checkpoint:
    return parse_body(parse_note(note).text)


def begun_again(data: Path, must_be_there: bool) -> Log:
    """The log, begun now if beginning it was cut short."""
    world = later(World())
    try:
        return open_log(data, world)
    except (NoLog, UnknownSchema):
        assert not must_be_there
        return Log.create(data, founding(world), world.signers, lambda: world.clock, publish_every=None)


# --- tools -------------------------------------------------------------------------------


def prepare_tools(root: Path, template: Path, work: str) -> None:
    """What the work needs: a log and its early tiles, or a backup of it; and the tiles of what came later."""
    if work == "rotate":
        with open_house(root / "data") as house:
            house.registrar.post("/v1/checkpoints")
    if work in ("witness", "rotate"):
        return
    shutil.copytree(template, root / "log")
    shutil.copytree(template / "public", root / "early")
    if work == "restore":
        back_up(Folder(root / "log"), root / "kept")
    world = later(World())
    with open_log(root / "log", world) as log:
        log.submit(world.object()).result()
        log.publish_now()
    shutil.copytree(root / "log/public", root / "late")
    if work == "restore":
        shutil.rmtree(root / "log/public")
        for path in (root / "log").glob("ledger.sqlite*"):
            path.unlink()


@pytest.mark.parametrize("work", ["watch", "backup", "restore", "witness", "rotate"])
@pytest.mark.parametrize("samples", [12, pytest.param(10_000, marks=pytest.mark.exhaustive)])
def test_power_loss_of_a_tool(recorder: Path, template: Path, tmp_path: Path, work: str, samples: int) -> None:
    root = tmp_path / "root"
    root.mkdir()
    prepare_tools(root, template, work)
    machine = Machine(root)
    command = [sys.executable, "-m", "tests.ledger.power.workload", work, str(root)]
    steps = record(recorder, command, root, tmp_path / "record")
    chosen = set(random.Random(work).sample(range(len(steps)), min(samples, len(steps))))
    for number, step in enumerate(steps):
        machine.do(step)
        for mode in ("none", "dice") if number in chosen else ():
            left = tmp_path / f"{number}"
            machine.lose_power(left, Chance(mode, number))
            said = machine.read(ACKNOWLEDGED).decode().split()
            try:
                AFTERWARDS[work](left, said)
            except BaseException as error:
                error.add_note(f"power lost after operation {number} of {len(steps)}: {step}; {mode}")
                raise
            shutil.rmtree(left)
    machine.lose_power(tmp_path / "all", Chance("all"))
    assert tree(tmp_path / "all") == tree(root)


def watched_again(root: Path, said: list[str]) -> None:
    """No alarm is left out, and the copy is what the log signed."""
    expected = Expectations(watched=frozenset({World().provider.id}))
    with closing(Monitor(root / "watch", known(), open_source(str(root / "late")), expected)) as monitor:
        head = monitor.look(World().clock)
        again = [json.loads(line)["position"] for line in monitor.alarms()]
    assert {*map(int, said[1::2] if said[-1:] != ["closed"] else said[1:-1:2]), *again} == {5, 11}
    assert head is not None
    assert recompute(TileStore(root / "watch/public"), 0, head.checkpoint.size) == head.checkpoint.root


def backed_up(root: Path, said: list[str]) -> None:
    """A backup that has its name is whole; the log is as it was."""
    if said or (root / "kept").exists():
        assert read_backup(root / "kept").entries == 31
    back_up(Folder(root / "log"), root / "again")


def restored(root: Path, said: list[str]) -> None:
    """What a restore has said is so; one that was cut short is done again."""
    data = Folder(root / "log")
    if not said:
        kept = None if data.database.exists() else root / "kept"
        assert restore(data, kept, open_source(str(root / "late")), None).entries == 31
    report = fsck(data)
    assert (report.findings, report.entries) == ((), 31)
    open_log(root / "log", later(World())).close()


def cosigned(root: Path, said: list[str]) -> None:
    """What it cosigned it knows: of another history it cosigns nothing, of this one what extends it."""
    last = max((int(one) for one in said if one.isdecimal()), default=0)
    try:
        with open_witness(root / "witness", None, lambda: START) as witness:
            told = "added" in said
            fork, tree = grown(World(), 40, fork_at=0), grown(World(), 41)
            if last:
                for size in (last, 40):
                    assert witness.add_checkpoint(fork.request(last, size).encode()).status in (409, 422)
                    assert witness.add_checkpoint(fork.request(0, size).encode()).status == 409
            answer = witness.add_checkpoint(tree.request(last, 41).encode())
            if answer.status == 409:  # more was cosigned than was answered
                answer = witness.add_checkpoint(tree.request(int(answer.body), 41).encode())
            assert answer.status == (200 if told or answer.status == 200 else 404)
    except NoLog:
        assert "begun" not in said


def rotated(root: Path, said: list[str]) -> None:
    """A key that was told to be replaced is; one that was not is by another attempt, and the log opens by it."""
    settings = Settings(data=root / "data")
    told = dict(zip(said[::3], said[2::3], strict=True))
    for role in ROTATED:
        if role not in told:
            told[role] = rotate(settings, role, lambda: START + 60).new
    with open_house(root / "data", START + 120) as house:
        signers = house.services.keyring.signers
        assert {role: signers[role].public.kid.hex() for role in ROTATED} == told
        assert house.registrar.post("/v1/checkpoints").status_code == 200
    keys = root / "data/keys"
    put_away = [read_key(path, (keys / "passphrase").read_bytes().strip()) for path in (keys / RETIRED).glob("*.pem")]
    # More, where a replacement was done and not said: another attempt is another one.
    assert len({one.public.kid for one in put_away}) >= len(ROTATED)
    assert fsck(Folder(root / "data/log")).findings == ()


AFTERWARDS = {
    "watch": watched_again,
    "backup": backed_up,
    "restore": restored,
    "witness": cosigned,
    "rotate": rotated,
}
