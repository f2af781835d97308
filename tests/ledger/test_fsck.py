"""Every damage is found and named; an object that stands in the log in spite of the rules is seen."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ledger.checkpoint_store import SqliteCheckpointStore
from ledger.errors import NoLog
from ledger.folder import Folder
from ledger.store import BatchLine, Line, leaves_digest
from ledger.store.names import name_key
from ledger.store.sqlite import open_store
from ledger.submission import prepare
from ledger.upkeep.completeness import completeness
from ledger.upkeep.fsck import Report, fsck, replay
from tallystick import canonical, cose
from tallystick.admission.state import BATCH, BatchState
from tallystick.events.objects import Basis
from tallystick.identifiers import Letter
from tallystick.merkle import leaf_hash
from tallystick.statement import CONTENT_TYPE, Statement
from tallystick.tiles import encode_bundle
from tallystick.times import format_time
from tests.ledger.conftest import open_log
from tests.ledger.rows import change_entry, cut_entries
from tests.world import START, World


def check(data: Path) -> Report:
    return fsck(Folder(data))


def sql(data: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(data / "ledger.sqlite")
    with connection:
        assert connection.execute(statement, values).rowcount == 1
    connection.close()


def flip(path: Path, byte: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    path.write_bytes(bytes(content))


def test_a_sound_log(data: Path) -> None:
    report = check(data)
    assert report.findings == ()
    assert (report.entries, report.published) == (29, 29)
    assert str(report.completeness) == "2 of 2 objects are bound and complete"
    assert replay(Folder(data)).findings == []


def test_a_log_in_use_and_not_all_published(data: Path, world: World) -> None:
    with open_log(data, world) as log:
        log.submit(world.object()).result()
        report = check(data)
    assert report.findings == ()
    assert (report.entries, report.published) == (31, 29)


def test_no_log(tmp_path: Path) -> None:
    with pytest.raises(NoLog):
        check(tmp_path)


def _flip_entry(data: Path, position: int) -> None:
    change_entry(data / "ledger.sqlite", position, lambda entry: entry[:-1] + bytes([entry[-1] ^ 1]))


def _break_row(data: Path) -> None:
    """The length before entry 0, from which all others in the row are counted."""
    sql(data, "UPDATE chunks SET entries = CAST(x'ff' || substr(entries, 2) AS BLOB) WHERE position = 2")


def _forget_statement(data: Path) -> None:
    sql(data, "UPDATE chunks SET statement_ids = zeroblob(length(statement_ids)) WHERE position = 10")


def _old_checkpoint(data: Path) -> None:
    held = SqliteCheckpointStore(data / "checkpoints.sqlite")
    held._connection.execute("UPDATE signed SET note = '', size = 0")
    held.close()


# What is done to the log -> the position that is named first, and words of some finding.
DAMAGES: dict[str, tuple[Callable[[Path], Any], int, str]] = {
    "entry": (lambda data: _flip_entry(data, 17), 17, "the stored entry is not the published one"),
    "entry signature": (lambda data: _flip_entry(data, 17), 17, "bad-signature"),
    "entry digest": (lambda data: _flip_entry(data, 17), 17, "is not as appended"),
    "entry lost": (lambda data: cut_entries(data / "ledger.sqlite", 28), 27, "no batch entry closes"),
    "row": (_break_row, 0, "the entry is not a statement"),
    "row too long": (
        lambda data: sql(data, "UPDATE chunks SET entries = CAST(entries || x'00' AS BLOB) WHERE position = 10"),
        9,
        "the entry is not a statement",
    ),
    "row lost": (lambda data: sql(data, "DELETE FROM chunks WHERE position = 10"), 9, "the entry is not a statement"),
    "statement ids": (_forget_statement, 9, "the index does not"),
    "bundle": (lambda data: flip(data / "public/tile/entries/000.p/29", 20_000), 25, "not the published one"),
    "bundle length": (lambda data: flip(data / "public/tile/entries/000.p/29"), 0, "bundle"),
    "tile": (lambda data: flip(data / "public/tile/0/000.p/29", 17 * 32), 17, "from entry 17 on"),
    "old tile": (lambda data: flip(data / "public/tile/0/000.p/15"), 0, "000.p/15 is not the front"),
    "old bundle": (lambda data: flip(data / "public/tile/entries/000.p/3", 9), 0, "000.p/3 is not the front"),
    "tile lost": (lambda data: (data / "public/tile/0/000.p/29").unlink(), 0, "is missing"),
    "foreign file": (lambda data: (data / "public/tile/notes.txt").write_text("x"), -1, "no tile: tile/notes.txt"),
    "checkpoint": (lambda data: flip(data / "public/checkpoint", 30), -1, "the published checkpoint"),
    "checkpoint lost": (lambda data: (data / "public/checkpoint").unlink(), -1, "no checkpoint is published"),
    "checkpoint store": (_old_checkpoint, -1, "only one of 0 is held as signed"),
    "checkpoint store lost": (lambda data: (data / "checkpoints.sqlite").unlink(), -1, "must not run without it"),
    "index": (lambda data: sql(data, "UPDATE statements SET type = 'x' WHERE position = 9"), 9, "the index does not"),
    "batch": (lambda data: sql(data, "UPDATE batches SET admitted_at = 1 WHERE position = 10"), 10, "9 to 10 at 1,"),
    "batch lost": (
        lambda data: sql(data, "DELETE FROM batches WHERE position = 10"),
        10,
        "the store has the batch as 11 to 12",
    ),
    "state": (
        lambda data: sql(data, "UPDATE names SET state = NULL WHERE name = 'log'"),
        -1,
        "give to log is not stored",
    ),
}


@pytest.mark.parametrize("damage", sorted(DAMAGES))
def test_a_damage_is_found_and_named(data: Path, damage: str) -> None:
    do, position, words = DAMAGES[damage]
    do(data)
    findings = check(data).findings
    assert findings[0].position == position, findings
    assert any(words in str(finding) for finding in findings), findings


def test_a_state_that_was_changed(data: Path) -> None:
    licence = next(iter(_keys(data, "/L-")))
    connection = sqlite3.connect(data / "ledger.sqlite")
    (state,) = connection.execute("SELECT state FROM names WHERE name = ?", (licence,)).fetchone()
    connection.close()
    sql(data, "UPDATE names SET state = ? WHERE name = ?", state.replace(b'"valid"', b'"revoked"'), licence)
    findings = check(data).findings
    assert [str(one) for one in findings] == [f"the state stored under {licence} is not what the entries give"]


def _keys(data: Path, part: str) -> list[str]:
    connection = sqlite3.connect(data / "ledger.sqlite")
    rows = connection.execute(
        "SELECT name FROM names WHERE state IS NOT NULL AND name LIKE ?", (f"10.%{part}%",)
    ).fetchall()
    connection.close()
    return [key for (key,) in rows]


def test_an_entry_that_one_cannot_find_by_a_name(data: Path, world: World) -> None:
    number = "(SELECT number FROM names WHERE name = ?)"
    sql(data, f"DELETE FROM mentions WHERE first = 5 AND last = 5 AND name = {number}", world.provider.id)
    assert [str(one) for one in check(data).findings] == [
        f"position 5: the index does not find this entry under {world.provider.id}",
        "the rows of the table mentions cover 35 positions, the entries give 36",
    ]


_MENTION = "(name, last) = (SELECT max(name), last FROM mentions)"

# What is done to the index, and what is said of it.
INDEX = {
    "a name": (["DELETE FROM name_keys WHERE number = 1"], "the index does not find the name"),
    "a name's key": (['UPDATE name_keys SET "key" = 5 WHERE number = 1'], "the index does not find the name"),
    "a key of no name": (["INSERT INTO name_keys VALUES (5, 999)"], "name_keys has a row for no name, number 999"),
    "a name twice": (
        [
            "INSERT INTO names SELECT 999, name, state FROM names WHERE name = 'log'",
            "INSERT INTO name_keys SELECT \"key\", 999 FROM name_keys JOIN names USING (number) WHERE name = 'log'",
        ],
        "the name log has two numbers",
    ),
    "a name of nothing": (["INSERT INTO names VALUES (999, 'x', NULL)"], "the name x has a number, and nothing stands"),
    "a mention of nothing": (["INSERT INTO mentions VALUES (999, 5, 5)"], "mentions cover 37 positions, the entries"),
    "a mention too early": ([f"UPDATE mentions SET first = first - 1 WHERE {_MENTION}"], "mentions cover 37 positions"),
    "a mention too late": ([f"UPDATE mentions SET last = last + 1 WHERE {_MENTION}"], "mentions cover 37 positions"),
    "a state of no name": (
        [
            "INSERT INTO names SELECT 999, '', state FROM names WHERE name = 'log'",
            f"INSERT INTO name_keys VALUES ({name_key('')}, 999)",
        ],
        "the state stored under  is not what the entries give",
    ),
    "an entry before the first": (
        ["INSERT INTO chunks VALUES (-1, x'', x'000178')"],
        "3 bytes before the first position",
    ),
    "nothing before the first": (["INSERT INTO chunks VALUES (-1, x'', x'')"], "0 bytes before the first position"),
    "a statement before the first": (
        ["INSERT INTO statements VALUES (-1, 'p', 'e', 't', 's')"],
        "the table statements has 30 rows, the entries give 29",
    ),
    "a batch before the first": (["INSERT INTO batches VALUES (-1, -1, 0, x'')"], "the table batches has 15 rows"),
    "a value before the first": (
        ["INSERT INTO disclosures VALUES (-1, 'n', 'v')"],
        "the table disclosures has 16 rows",
    ),
    "a type before the first": (["INSERT INTO kinds VALUES ('t', -1, -1)"], "kinds cover 30 positions"),
    "a mention before the first": (["INSERT INTO mentions VALUES (1, -1, -1)"], "mentions cover 37 positions"),
    "an event before the first": (["INSERT INTO event_keys VALUES (5, -1)"], "for no event, position -1"),
    "an event": (
        ["DELETE FROM event_keys WHERE position = 5"],
        "position 5: the index does not find this entry by its",
    ),
    "an event elsewhere": (["UPDATE event_keys SET position = 99 WHERE position = 5"], "for no event, position 99"),
    "an event too many": (["INSERT INTO event_keys VALUES (5, 6)"], "event_keys has a row for no event, position 6"),
    "an event twice": (
        [
            "UPDATE statements SET (party, event_id) = (SELECT party, event_id FROM statements WHERE position = 5)"
            " WHERE position = 7",
            'UPDATE event_keys SET "key" = (SELECT "key" FROM event_keys WHERE position = 5) WHERE position = 7',
        ],
        "position 7: the event id ",
    ),
    "a type": (["DELETE FROM kinds WHERE first = 28"], "position 28: the index does not find this entry by its type"),
    "a type too early": (["UPDATE kinds SET first = first - 1 WHERE first = 28"], "kinds cover 30 positions"),
    "a type too late": (["UPDATE kinds SET first = 29, last = 29 WHERE first = 28"], "position 28: the index does not"),
}


@pytest.mark.parametrize("damage", sorted(INDEX))
def test_a_damage_of_the_index_is_found_and_named(data: Path, damage: str) -> None:
    do, words = INDEX[damage]
    for statement in do:
        sql(data, statement)
    findings = [str(one) for one in check(data).findings]
    assert any(words in one for one in findings), findings


def test_an_old_database(data: Path, world: World, tmp_path: Path) -> None:
    backup = Path(shutil.copytree(data, tmp_path / "backup"))
    with open_log(data, world) as log:
        log.submit(world.object()).result()
        log.publish_now()
    shutil.copy(backup / "ledger.sqlite", data)
    findings = check(data).findings
    assert any("a checkpoint of size 31 was signed, the database ends here" in str(one) for one in findings)


@pytest.mark.parametrize("with_leaves", [False, True], ids=["the database alone", "the bundle too"])
def test_an_entry_changed_together_with_its_batchs_digest(data: Path, with_leaves: bool) -> None:
    """Who writes in the database makes both agree: what was published still tells, and which of the two is right."""
    _flip_entry(data, 17)
    if with_leaves:
        bundle = data / "public/tile/entries/000.p/29"
        with closing(open_store(data / "ledger.sqlite")) as store, store.snapshot() as reads:
            bundle.write_bytes(encode_bundle(reads.entries(0, reads.size())))
    with closing(open_store(data / "ledger.sqlite")) as store, store.snapshot() as reads:
        batch = reads.batch_of(17)
        assert batch is not None
        digest = leaves_digest(map(leaf_hash, reads.entries(batch.first, batch.position + 1)))
    sql(data, "UPDATE batches SET digest = ? WHERE position = ?", digest, batch.position)
    told = [str(one) for one in check(data).findings]
    assert not any("is not as appended" in one for one in told)
    if with_leaves:
        assert any("is not what the entries give from entry 17 on" in one for one in told), told
    else:
        assert any("the stored one has not the published hash" in one for one in told), told
    assert any("do not give the published root" in one for one in told), told


# --- behind the policy -------------------------------------------------------------------


def plant(data: Path, world: World, *entries: bytes, statements: tuple[Statement, ...] = ()) -> None:
    """Put entries into the store with an honest index and batch, past the rules."""
    store = open_store(data / "ledger.sqlite")
    with store.transaction() as working:
        first = working.size()
        said = [*entries, *(one.entry for one in statements)]
        world.clock = START
        batch = world.batch(first, first + len(said) - 1)
        lines = [Line(first + at, "p", f"p{first + at}", "t", "s", frozenset()) for at, one in enumerate(said)]
        for at, statement in enumerate((*statements, batch)):
            ready, event = prepare(statement), statement.event
            position = first + len(entries) + at
            line = Line(position, ready.party, event.event_id, event.type, event.subject, ready.references)
            lines[position - first : position - first + 1] = [line]
        said.append(batch.entry)
        ids = [*map(leaf_hash, entries), *(one.statement_id for one in (*statements, batch))]
        working.append(said, ids)
        digest = leaves_digest(map(leaf_hash, said))
        last = first + len(said) - 1
        working.index(lines, BatchLine(last, first, START, digest), {BATCH: BatchState(last, format_time(START))})
    store.close()


def raw_statement(world: World, event: dict[str, Any]) -> bytes:
    """A statement of the studio whose event no strict reader accepts."""
    protected = {3: CONTENT_TYPE, 4: world.studio.signer.public.kid, 15: {1: world.studio.id, 2: event["subject"]}}
    return cose.sign1(world.studio.signer, protected, canonical.encode(event))


def generated_event(world: World, data: Path) -> dict[str, Any]:
    """The event of the template's generated object, under a new name."""
    with open_log(data, world) as log, log.store.snapshot() as reads:
        entries = reads.entries(0, reads.size())
    events = [canonical.decode_relaxed(cose.parse_sign1(entry).payload or b"", 65535) for entry in entries]
    event = next(one for one in events if one["body"].get("origin") == "generated")
    return {**event, "event_id": "planted", "subject": world.identifier(Letter.OBJECT)}


def without(event: dict[str, Any], *path: str) -> dict[str, Any]:
    """A copy of ``event`` that lacks one member."""
    copy = canonical.decode_relaxed(canonical.encode(event), 65535)
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return dict(copy)


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        (("body", "content"), "content digests"),
        (("body", "content", "sm3"), "content digests"),
        (("body", "basis"), "authorisation chain"),
        (("body", "generation"), "job, capability version, model signature, parameter commitment, environment digest"),
        (("body", "generation", "job"), "job, capability version, parameter commitment, environment digest"),
        (("body", "generation", "version"), "capability version"),
        (("body", "generation", "model_signature"), "model signature"),
        (("body", "generation", "parameters"), "parameter commitment"),
        (("body", "generation", "environment", "sm3"), "environment digest"),
    ],
)
def test_an_incomplete_object_behind_the_policy_lowers_the_figure(
    data: Path, world: World, path: tuple[str, ...], missing: str
) -> None:
    event = generated_event(world, data)
    plant(data, world, raw_statement(world, without(event, *path)))
    report = check(data)
    assert str(report.completeness) == "2 of 3 objects are bound and complete"
    assert report.findings[0].position == 29
    assert f"position 29: the object {event['subject']} lacks: {missing}" in [str(one) for one in report.findings]
    store = open_store(data / "ledger.sqlite")
    with store.snapshot() as reads:
        assert completeness(reads) == report.completeness
    store.close()


def test_a_complete_object_keeps_the_figure(data: Path, world: World) -> None:
    event = generated_event(world, data)
    plant(data, world, raw_statement(world, event))
    assert str(check(data).completeness) == "3 of 3 objects are bound and complete"


def test_an_object_that_rests_on_nothing_registered(data: Path, world: World) -> None:
    nowhere = world.identifier(Letter.OBJECT)
    plant(data, world, statements=(world.object(basis=(Basis("object", None, nowhere),)),))
    report = check(data)
    assert report.completeness.incomplete[0].missing == ("authorisation chain",)
    assert [one.position for one in report.findings] == [29, 29]
    assert "the rules refuse this entry: unregistered" in str(report.findings[0])


def test_an_entry_that_is_no_statement(data: Path, world: World) -> None:
    plant(data, world, b"something else")
    report = check(data)
    assert report.findings[0].position == 29
    assert "is not a statement" in str(report.findings[0])


def test_batches_that_leave_a_gap_or_go_back_in_time(data: Path, world: World) -> None:
    store = open_store(data / "ledger.sqlite")
    with store.transaction() as working:
        entries = [
            world.object(),
            world.batch(29, 29, time=format_time(START + 120)),
            world.object(),
            world.object(),
            world.batch(32, 32, time=format_time(START + 60)),
        ]
        lines = []
        for position, statement in enumerate(entries, 29):
            ready, event = prepare(statement), statement.event
            names = (ready.party, event.event_id, event.type, event.subject)
            lines.append(Line(position, *names, ready.references))
        working.append([one.entry for one in entries], [one.statement_id for one in entries])
        working.index(lines, BatchLine(33, 29, START, bytes(32)), {})
    store.close()
    found = [str(one) for one in check(data).findings]
    assert "position 33: the batch entry closes 32 to 32, expected 31 to 32" in found
    assert any(one.startswith("position 33: the rules refuse this entry: bad-batch: the batch before") for one in found)


# --- the command -------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "-m", "ledger", *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_the_command(data: Path, tmp_path: Path) -> None:
    assert run("fsck", str(data)) == (
        0,
        "29 entries, 29 published; 2 of 2 objects are bound and complete;"
        " 15 of 15 private values are kept, 0 were erased\n"
        "nothing is wrong\n",
        "",
    )
    code, out, _ = run("replay", str(data))
    assert (code, out.splitlines()[0]) == (0, "29 entries decided again; 2 of 2 objects are bound and complete")
    _flip_entry(data, 17)
    code, _, error = run("fsck", str(data))
    assert (code, "the first at position 17" in error) == (1, True)
    code, _, error = run("fsck", str(tmp_path / "nowhere"))
    assert (code, "correct the path" in error) == (2, True)


@pytest.mark.parametrize("added", [b"anything at all", b"\x00\x05forge", b"\x00"])
def test_what_follows_the_newest_partial_bundle_is_named(data: Path, added: bytes) -> None:
    """A full bundle may stand in for a partial one that is gone; one that is there holds its own entries alone."""
    bundle = data / "public/tile/entries/000.p/29"
    bundle.write_bytes(bundle.read_bytes() + added)
    (finding,) = check(data).findings
    assert finding.position == 29
    assert "byte" in str(finding)
