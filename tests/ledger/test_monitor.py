"""A monitor sees what it should, tells it once at least, and passes over nothing when it is cut short."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import ledger.copies.monitor
from ledger.copies.known import known_log
from ledger.copies.monitor import Expectations, Monitor
from ledger.copies.source import Source, open_source
from ledger.copies.watching import WatchStore
from ledger.errors import LogBusy, UnknownSchema, Unreachable
from tallystick.cosignature import cosign_ml_dsa
from tallystick.errors import MalformedInput
from tallystick.events.licence import LicenceStatus
from tallystick.note import COSIGNATURE_ML_DSA_44, parse_note, verifier_key
from tallystick.tiles import Tile
from tallystick.times import format_time
from tallystick.witness_policy import parse_policy
from tests.ledger.commands import LEDGER, run, serving
from tests.ledger.conftest import open_log
from tests.ledger.following import VKEYS, Leader, known, write_tree
from tests.ledger.test_fsck import plant
from tests.patience import Lines, end, wait_until
from tests.world import START, World, key_from

EVERYBODY = Expectations()
KEYS = [part for line in VKEYS for part in ("--key", line)]


def look(
    path: Path, source: str | Path | Source, expected: Expectations = EVERYBODY, now: int = START
) -> list[dict[str, Any]]:
    """What a monitor in ``path`` tells after one look."""
    where = open_source(str(source)) if isinstance(source, str | Path) else source
    with closing(Monitor(path, known(), where, expected)) as monitor:
        monitor.look(now)
        return [json.loads(line) for line in monitor.alarms()]


def grow(data: Path, world: World, *said: Any) -> None:
    with open_log(data, world) as log:
        for one in said or (world.object(),):
            log.submit(one).result()
        log.publish_now()


def reached(path: Path) -> int:
    with closing(WatchStore(path / "monitor.sqlite")) as store:
        found = store.reached()
        return found.size if found else 0


def test_a_sound_log_gives_no_alarm(data: Path, world: World, tmp_path: Path) -> None:
    assert look(tmp_path / "m", data) == []
    assert reached(tmp_path / "m") == 29
    grow(data, world)
    assert look(tmp_path / "m", data) == []
    assert reached(tmp_path / "m") == 31


def test_what_it_was_told_to_watch(data: Path, world: World, tmp_path: Path) -> None:
    subject = world.object()
    watched = Expectations(watched=frozenset({subject.event.subject, world.provider.id}))
    found = look(tmp_path / "m", data, watched)
    assert {one["alarm"] for one in found} == {"watched"}
    assert [one["position"] for one in found] == [5, 11]
    grow(data, world, world.object(), subject, world.licence(subject.event.subject, 1))
    (registered, licensed) = look(tmp_path / "m", data, watched, now=START + 60)
    assert registered == {
        "alarm": "watched",
        "seen": format_time(START + 60),
        "position": 31,
        "message": f"{subject.event.subject} in object.register of {subject.event.subject}, said by {world.studio.id}",
    }
    assert licensed["message"].startswith(f"{subject.event.subject} in licence.grant of ")
    assert look(tmp_path / "m", data, watched) == []


def test_issuers_that_nobody_expects(data: Path, world: World, tmp_path: Path) -> None:
    everyone = {one.id for one in (world.registrar, world.studio, world.provider, world.tester)}
    assert look(tmp_path / "a", data, Expectations(frozenset(everyone))) == []
    found = look(tmp_path / "b", data, Expectations(frozenset(everyone - {world.tester.id})))
    assert [(one["alarm"], one["position"]) for one in found] == [("issuer", 13)]
    assert found[0]["message"].endswith(f"said by {world.tester.id}")


def test_entries_that_the_rules_refuse(data: Path, world: World, tmp_path: Path) -> None:
    look(tmp_path / "m", data)
    plant(data, world, b"no statement", statements=(world.object(world.outsider), world.object()))
    with open_log(data, world) as log:
        log.publish_now()
    found = look(tmp_path / "m", data)
    assert [(one["alarm"], one["position"]) for one in found] == [("admission", 29), ("admission", 30)]
    assert "is no statement" in found[0]["message"]
    assert "the log's own rules refuse this entry: unknown-signer" in found[1]["message"]
    assert reached(tmp_path / "m") == 33


def test_a_statement_that_the_log_wrote_down_twice(data: Path, world: World, tmp_path: Path) -> None:
    """The operator has a licensor say again what he said once: each entry alone is his, and within the rules."""
    source = world.object()
    granted = world.licence(source.event.subject, index=7)

    def status(action: Any) -> Any:
        body = LicenceStatus(action, "request", world.now())
        return world.say(world.studio, "licence.status", granted.event.subject, body)

    stopped = status("suspend")
    grow(data, world, source, granted, stopped, status("reinstate"))
    assert look(tmp_path / "m", data) == []
    plant(data, world, stopped.entry)
    with open_log(data, world) as log:
        log.publish_now()
    told = "the log's own rules refuse this entry: already-entered: the statement at position 37 stands at 33 already"
    for path in ("m", "new"):
        (alarm,) = look(tmp_path / path, data)
        assert (alarm["alarm"], alarm["position"], alarm["message"][: len(told)]) == ("admission", 37, told)


def test_a_file_that_does_not_know_which_statements_stand_is_made_anew(
    data: Path, world: World, tmp_path: Path
) -> None:
    expected = Expectations(watched=frozenset({world.provider.id}))
    look(tmp_path / "m", data, expected)
    with closing(sqlite3.connect(tmp_path / "m/monitor.sqlite", isolation_level=None)) as file:
        file.execute("DROP TABLE ids")
        file.execute("PRAGMA user_version=2")
    assert [one["position"] for one in look(tmp_path / "m", data, expected)] == [5, 11]
    assert look(tmp_path / "m", data, expected) == []
    with closing(sqlite3.connect(tmp_path / "m/monitor.sqlite")) as file:
        assert file.execute("SELECT count(*), count(DISTINCT position) FROM ids").fetchone() == (29, 29)


def test_a_batch_that_says_something_else(data: Path, world: World, tmp_path: Path) -> None:
    plant(data, world, statements=(world.object(), world.batch(29, 31, event_id="other"), world.object()))
    with open_log(data, world) as log:
        log.publish_now()
    found = look(tmp_path / "m", data)
    assert found[0]["position"] == 30
    assert "closes 29 to 31, expected 29 to 29" in found[0]["message"]


def test_an_end_without_a_batch_is_scanned_again(tmp_path: Path) -> None:
    tree = write_tree(Leader(5).disk, tmp_path / "opaque")
    for _ in range(2):
        found = look(tmp_path / "m", tree)
        assert [one["position"] for one in found] == [0, 1, 2, 3, 4]


# --- the log's history -------------------------------------------------------------------


def test_a_fork_is_told_at_each_look_with_its_evidence(data: Path, world: World, tmp_path: Path) -> None:
    other = Path(shutil.copytree(data, tmp_path / "other"))
    grow(data, world)
    again = World(world.name, world.origin)
    again._made = 9_000_000
    grow(other, again)
    grow(other, again)
    look(tmp_path / "m", data)
    for _ in range(2):
        (alarm,) = look(tmp_path / "m", other)
        assert alarm["alarm"] == "fork"
        assert sorted(path.name for path in Path(alarm["evidence"]).glob("*/*")) == sorted(
            ("README", "larger", "proof", "smaller")
        )
    assert reached(tmp_path / "m") == 31
    # Should the copy be lost, what was scanned is remembered.
    shutil.rmtree(tmp_path / "m/public")
    assert [one["alarm"] for one in look(tmp_path / "m", other)] == ["fork"]
    assert look(tmp_path / "m", data) == []


def test_a_log_that_went_backwards(data: Path, world: World, tmp_path: Path) -> None:
    early = Path(shutil.copytree(data, tmp_path / "early"))
    grow(data, world)
    look(tmp_path / "m", data)
    (alarm,) = look(tmp_path / "m", early)
    assert (alarm["alarm"], alarm["message"]) == ("went-backwards", "size 29 is shown, 31 was shown before")
    kept = Path(alarm["evidence"])
    assert known().verify((kept / "shown").read_bytes()).checkpoint.size == 29
    assert known().verify((kept / "shown-before").read_bytes()).checkpoint.size == 31
    assert reached(tmp_path / "m") == 31


def test_a_log_whose_tiles_are_not_what_it_signed(data: Path, tmp_path: Path) -> None:
    tile = data / "public/tile/0/000.p/29"
    whole = tile.read_bytes()
    tile.write_bytes(bytes(32) + whole[32:])
    (alarm,) = look(tmp_path / "m", data)
    assert alarm["alarm"] == "inconsistent"
    assert (Path(alarm["evidence"]) / "checkpoint").read_bytes() == (data / "public/checkpoint").read_bytes()
    assert reached(tmp_path / "m") == 0
    tile.write_bytes(whole)
    assert look(tmp_path / "m", data) == []
    assert reached(tmp_path / "m") == 29


def test_a_checkpoint_of_strangers(data: Path, tmp_path: Path) -> None:
    (data / "public/checkpoint").write_bytes(Leader(5).checkpoint().replace(b"\n5\n", b"\n6\n"))
    (alarm,) = look(tmp_path / "m", data)
    assert alarm["alarm"] == "inconsistent"
    assert (Path(alarm["evidence"]) / "checkpoint").read_bytes().startswith(b"log.example/little\n6\n")


def test_a_stale_checkpoint(data: Path, tmp_path: Path) -> None:
    expected = Expectations(max_age=3600)
    assert look(tmp_path / "m", data, expected, START + 3600) == []
    (alarm,) = look(tmp_path / "m", data, expected, START + 3601)
    assert (alarm["alarm"], "3601 seconds ago" in alarm["message"]) == ("stale", True)
    with pytest.raises(MalformedInput, match="give that key too"):
        Monitor(tmp_path / "n", known_log(VKEYS[:1]), open_source(str(data)), expected)


def test_a_checkpoint_below_its_quorum(data: Path, tmp_path: Path) -> None:
    witness = key_from("witness", "ml-dsa-44")
    vkey = verifier_key("witness.example/w", COSIGNATURE_ML_DSA_44, witness.public.raw)
    policy = tmp_path / "policy"
    policy.write_text(f"witness w {vkey}\nquorum w\n")
    expected = Expectations(policy=parse_policy(policy.read_bytes()))
    (alarm,) = look(tmp_path / "m", data, expected)
    assert (alarm["alarm"], "no witness of the policy" in alarm["message"]) == ("below-quorum", True)
    assert run("monitor", data, tmp_path / "m", *KEYS, "--once", "--policy", policy)[0] == 1
    note = (data / "public/checkpoint").read_text()
    line = cosign_ml_dsa(parse_note(note.encode()).text, "witness.example/w", witness, START).line()
    (data / "public/checkpoint").write_text(note + line)
    assert look(tmp_path / "m", data, expected) == []
    # A cosignature of the future counts for nothing yet.
    assert [one["alarm"] for one in look(tmp_path / "m", data, expected, START - 1)] == ["below-quorum"]


# --- what is remembered ------------------------------------------------------------------


def test_the_position_moves_with_the_scan_and_not_before_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    watched, fault = Expectations(watched=frozenset({world.provider.id})), OSError("planted")
    monkeypatch.setattr(ledger.copies.monitor, "CHUNK", 4)
    told: list[int] = []
    write = WatchStore._write
    for step in range(40):
        left = step

        def failing(store: WatchStore, statements: Any) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise fault
            write(store, statements)

        path = tmp_path / f"m{step}"
        with monkeypatch.context() as patch:
            patch.setattr(WatchStore, "_write", failing)
            try:
                look(path, data, watched)
                break
            except OSError:
                pass
        # Nothing that a first attempt did not tell is missing from the second one.
        again = [one["position"] for one in look(path, data, watched)]
        told.append(len(again))
        assert again == [5, 11][2 - len(again) :]
        assert reached(path) == 29
    assert set(told) == {1, 2}


def test_an_alarm_that_was_not_printed_is_printed_the_next_time(data: Path, world: World, tmp_path: Path) -> None:
    expected = Expectations(watched=frozenset({world.provider.id}))
    with closing(Monitor(tmp_path / "m", known(), open_source(str(data)), expected)) as monitor:
        monitor.look(START)
        lines = monitor.alarms()
        assert json.loads(next(lines))["position"] == 5
    assert [one["position"] for one in look(tmp_path / "m", data, expected)] == [5, 11]
    assert look(tmp_path / "m", data, expected) == []


class Broken:
    """Serves a checkpoint and no tiles."""

    name = "broken"

    def __init__(self, data: Path) -> None:
        self._note = (data / "public/checkpoint").read_bytes()

    def checkpoint(self) -> bytes:
        return self._note

    def tile(self, tile: Tile) -> bytes:
        raise Unreachable(f"{tile.path()}: planted")

    def close(self) -> None: ...


def test_a_log_out_of_reach_is_no_alarm(data: Path, tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        look(tmp_path / "m", Broken(data))
    assert look(tmp_path / "m", data) == []


def test_a_log_out_of_reach_for_too_long_is_stale(data: Path, tmp_path: Path) -> None:
    """Whoever would rather not be watched need not show an old checkpoint: not to answer would do."""
    expected = Expectations(max_age=3600)
    assert look(tmp_path / "m", data, expected) == []
    for later, told in ((3600, []), (3601, ["stale"])):
        with closing(Monitor(tmp_path / "m", known(), Gone(), expected)) as monitor:
            with pytest.raises(Unreachable):
                monitor.look(START + later)
            assert [json.loads(line)["alarm"] for line in monitor.alarms()] == told


class Gone(Broken):
    """Answers nothing at all."""

    def __init__(self) -> None:
        self.name = "gone"

    def checkpoint(self) -> bytes:
        raise Unreachable("planted")

    def close(self) -> None:
        return


def test_one_monitor_in_a_folder_and_only_a_monitor(data: Path, tmp_path: Path) -> None:
    with closing(Monitor(tmp_path / "m", known(), open_source(str(data)), EVERYBODY)), pytest.raises(LogBusy):
        Monitor(tmp_path / "m", known(), open_source(str(data)), EVERYBODY)
    (tmp_path / "m/monitor.sqlite").write_bytes(b"a letter to my aunt" * 99)
    for _ in range(2):
        with pytest.raises(UnknownSchema, match="no file of a monitor"):
            look(tmp_path / "m", data)
    with sqlite3.connect(tmp_path / "n.sqlite") as connection:
        connection.execute("PRAGMA user_version=9")
    connection.close()
    with pytest.raises(UnknownSchema, match="install a newer one"):
        WatchStore(tmp_path / "n.sqlite")


# --- the command -------------------------------------------------------------------------


def test_a_mistyped_identifier_is_refused_and_not_watched_in_vain(data: Path, world: World, tmp_path: Path) -> None:
    known, mistyped = world.provider.id, world.provider.id[:-1] + ("A" if world.provider.id[-1] != "A" else "B")
    for option in ("--watch", "--issuer"):
        code, out, error = run("monitor", data, tmp_path / "m", *KEYS, "--once", "--watch", known, option, mistyped)
        assert (code, out) == (2, "")
        assert mistyped in error
    assert run("monitor", data, tmp_path / "m", *KEYS, "--once", "--issuer", "log.example/little")[0] == 1


def test_the_command_once(data: Path, world: World, tmp_path: Path) -> None:
    with serving(data) as url:
        code, out, _ = run("monitor", url, tmp_path / "m", *KEYS, "--once", "--watch", world.provider.id)
        lines = [json.loads(line) for line in out.splitlines()]
        assert code == 1
        assert [one.get("alarm") for one in lines] == ["watched", "watched", None]
        assert (lines[-1]["watched"], lines[-1]["size"]) == ("log.example/little", 29)
        code, out, _ = run("monitor", url, tmp_path / "m", *KEYS, "--once", "--watch", world.provider.id)
        assert (code, len(out.splitlines())) == (0, 1)
        code, out, _ = run("monitor", url, tmp_path / "m", *KEYS, "--once", "--max-age", "60")
        assert (code, json.loads(out.splitlines()[0])["alarm"]) == (1, "stale")
    code, out, error = run("monitor", url + "/", tmp_path / "m", *KEYS, "--once")
    assert (code, out, "try again later" in error) == (2, "", True)
    assert f"{url}/checkpoint: " in error


def test_the_command_follows_until_it_is_stopped(data: Path, world: World, tmp_path: Path) -> None:
    command = [*LEDGER, "monitor", str(data), str(tmp_path / "m"), *KEYS, "--every", "0.05"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = Lines(process.stdout)
        assert json.loads(lines.next())["size"] == 29
        grow(data, world)
        wait_until(lambda: json.loads(lines.next())["size"] != 29, "what was added is seen")
        process.send_signal(signal.SIGTERM)
        assert end(process) == 0
        lines.close()
    assert reached(tmp_path / "m") == 31
