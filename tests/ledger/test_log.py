"""The log as a whole: beginning, opening, writing, publishing, and what it refuses."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import wait
from pathlib import Path

import pytest

import ledger.log
from ledger.checkpoint_store import SqliteCheckpointStore
from ledger.errors import Conflict, Corrupt, HistoryLost, LogBusy, LogClosed, LogExists, NoLog, WrongLog
from ledger.log import Log
from ledger.submission import Receipt, prepare
from tallystick.admission import Refused
from tallystick.errors import VerificationFailed
from tallystick.merkle import verify_consistency, verify_inclusion
from tests.ledger.conftest import founding, later, open_log
from tests.ledger.rows import change_entry
from tests.world import START, World


def create(path: Path, world: World) -> Log:
    return Log.create(path, founding(world), world.signers, lambda: START, publish_every=None)


def test_a_log_goes_on_where_it_was(data: Path, world: World) -> None:
    said = world.object()
    with open_log(data, world) as log:
        before = log.publish_now().checkpoint
        assert before.size == 29
        assert log.submit(said).result() == Receipt(29, 30, START, False)
        after = log.publish_now().checkpoint
        assert log.published.checkpoint().checkpoint == after
    with open_log(data, world) as log:
        assert log.submit(said).result() == Receipt(29, 30, START, True)
        proof = log.published.prove_inclusion(29, after.size)
        verify_inclusion(said.leaf, 29, after.size, proof, after.root)
        consistency = log.published.prove_consistency(before.size, after.size)
        verify_consistency(before.size, before.root, after.size, after.root, consistency)
        assert log.published.entries([29], after.size) == [said.entry]


def test_what_may_go_wrong_with_a_submission(data: Path, world: World) -> None:
    with open_log(data, world) as log:
        with pytest.raises(Refused, match="not a registered party"):
            log.submit(world.object(world.outsider)).result()
        said, other = world.object(), world.object()
        log.submit(said).result()
        body = other.event.body
        clash = world.say(world.studio, "object.register", other.event.subject, body, event_id=said.event.event_id)
        with pytest.raises(Conflict, match="at position 29"):
            log.submit(clash).result()
        job = World().main_job()[9]
        with pytest.raises(VerificationFailed, match="commits to"):
            log.submit(said, World().disclosures.get(job.statement_id, ()) or _some_disclosure(world))
        outcomes = log.submit_many([prepare(one) for one in (other, clash, said)]).result()
        assert [type(one) for one in outcomes] == [Receipt, Conflict, Receipt]
    with pytest.raises(LogClosed):
        log.submit(world.object())


def _some_disclosure(world: World) -> tuple[object, ...]:
    world.main_job()
    return next(iter(world.disclosures.values()))


def test_publication_follows_by_itself(data: Path, world: World) -> None:
    with open_log(data, world, every=0.01) as log:
        futures = [log.submit(world.object()) for _ in range(5)]
        wait(futures)
        last = max(future.result().batch for future in futures)
        signed = log.wait_published(last + 1, timeout=60)
        assert signed.checkpoint.size > last
        status = log.status()
        assert (status.size, status.clock_behind, status.publisher_error) == (last + 1, 0, None)
        with pytest.raises(TimeoutError):
            log.wait_published(10_000, timeout=0.01)


def test_a_publisher_in_trouble_says_so_and_recovers(data: Path, world: World) -> None:
    with open_log(data, world) as log:
        log.submit(world.object()).result()
    public = data / "public"
    (public / "tile/0/000.p/31").mkdir()
    with open_log(data, world, every=0.01) as log:
        while not log.status().publisher_error:
            pass
        assert "Is a directory" in str(log.status().publisher_error)
        (public / "tile/0/000.p/31").rmdir()
        assert log.wait_published(31, timeout=60).checkpoint.size == 31
        while log.status().publisher_error:
            pass


def test_an_older_log_is_closed_to_others_when_it_is_opened(data: Path, world: World) -> None:
    database = data / "ledger.sqlite"
    database.chmod(0o644)
    with open_log(data, world) as log:
        log.submit(world.object()).result()
        beside = [path for path in data.iterdir() if path.name.startswith("ledger.sqlite")]
        assert database in beside
        assert len(beside) > 1
        assert [path.name for path in beside if path.stat().st_mode & 0o077] == []


# --- beginning -------------------------------------------------------------------------


def test_a_log_is_begun_once(data: Path, world: World) -> None:
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    with pytest.raises(LogExists):
        create(data, world)
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


def test_an_origin_that_was_signed_for_is_not_begun_elsewhere(data: Path, world: World, tmp_path: Path) -> None:
    with pytest.raises(LogExists, match="would be a fork"):
        Log.create(tmp_path / "second", founding(world), world.signers, checkpoints=data / "checkpoints.sqlite")
    with open_log(data, world) as log:
        assert log.publish_now().checkpoint.size == 29


def test_a_database_without_its_checkpoint_store(data: Path, world: World) -> None:
    (data / "checkpoints.sqlite").unlink()
    with pytest.raises(NoLog, match="must not run without it"):
        open_log(data, world)
    with pytest.raises(LogExists, match="bring that back"):
        create(data, world)
    assert not (data / "checkpoints.sqlite").exists()


@pytest.mark.parametrize("step", ["held", "database", "store", "genesis"])
def test_a_beginning_that_was_cut_short_is_begun_again(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, path = World(), tmp_path / "data"
    fault = OSError("planted")

    def fail(*_: object, **__: object) -> None:
        raise fault

    with monkeypatch.context() as patch:
        if step == "held":
            patch.setattr(SqliteCheckpointStore, "enter", fail)
        else:
            patch.setattr(ledger.log, {"database": "create", "store": "open_store", "genesis": "begin"}[step], fail)
        with pytest.raises(OSError, match="planted"):
            create(path, world)
    with create(path, world) as log:
        assert log.publish_now().checkpoint.size == 3


# --- opening ---------------------------------------------------------------------------


def test_a_mistyped_path_creates_nothing(data: Path, world: World) -> None:
    for wrong in (data.with_name("dta"), data.with_name("empty")):
        if wrong.name == "empty":
            wrong.mkdir()
        with pytest.raises(NoLog, match="correct the path"):
            open_log(wrong, world)
        assert not wrong.exists() or list(wrong.iterdir()) == []


def test_the_keys_of_another_log(data: Path) -> None:
    with pytest.raises(WrongLog, match=r"this is the log log\.example/little"):
        open_log(data, World(origin="log.example/other"))
    with pytest.raises(WrongLog, match="other keys for: log, log-pq, authority"):
        open_log(data, World(name="another"))
    with open_log(data, later(World())):
        pass


def test_one_writer(data: Path, world: World) -> None:
    program = (
        "from pathlib import Path; from tests.world import World; from tests.ledger.conftest import open_log\n"
        "from ledger.errors import LogBusy\n"
        f"try: open_log(Path({str(data)!r}), World())\n"
        "except LogBusy as error: print(error)\n"
    )
    with open_log(data, world) as log:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert "a log has one writer; stop that process first" in done.stdout
        with pytest.raises(LogBusy):
            open_log(data, world)
        assert isinstance(log.submit(world.object()).result(), Receipt)
    with open_log(data, world):
        pass


def test_nothing_stays_held_after_a_refused_opening(data: Path, world: World) -> None:
    (data / "public/tile/0/000.p/29").write_bytes(bytes(29 * 32))
    with pytest.raises(Corrupt):
        open_log(data, world)
    shutil.rmtree(data / "public")
    with pytest.raises(Corrupt, match="is missing"):
        open_log(data, world)


def test_a_restored_backup_is_refused(data: Path, world: World, tmp_path: Path) -> None:
    backup = shutil.copytree(data, tmp_path / "backup")
    with open_log(data, world) as log:
        log.submit(world.object()).result()
        log.publish_now()
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"):
        (data / name).unlink(missing_ok=True)
    shutil.copy(backup / "ledger.sqlite", data)
    with pytest.raises(HistoryLost, match="29 entries, a checkpoint of 31 was signed: it is an old copy"):
        open_log(data, world)


def test_a_bit_that_flips_in_the_database_is_seen_before_signing(data: Path, world: World) -> None:
    with open_log(data, world) as log:
        said = world.object()
        log.submit(said).result()
        change_entry(data / "ledger.sqlite", 29, lambda entry: entry[:-1] + bytes([entry[-1] ^ 1]))
        with pytest.raises(Corrupt, match="positions 29 to 30 is not as it was appended"):
            log.publish_now()
        assert log.published.checkpoint().checkpoint.size == 29


def test_opening_imports_no_migrations(data: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.world import World; from ledger.log import Log\n"
        f"Log.open(Path({str(data)!r}), World().signers).close()\n"
        "print([name for name in ('alembic', 'sqlalchemy', 'sqlmodel') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
