"""A log ends, its last checkpoint stands, and another succeeds it; what goes on, or is not whole, has no successor."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from ledger.copies.source import open_source
from ledger.errors import BadSource
from ledger.folder import Folder
from ledger.genesis import Founding
from ledger.log import Log
from ledger.succession import Ended, NotEnded, read_predecessor
from ledger.upkeep.fsck import fsck, replay
from tallystick.admission import Refused
from tallystick.events.log import Freeze, Predecessor
from tallystick.key_history import Replacement
from tallystick.statement import Statement
from tallystick.trust import LogTrust
from tests.ledger.commands import run
from tests.ledger.conftest import open_log
from tests.ledger.following import VKEYS
from tests.ledger.test_rotation import rotate, use
from tests.world import World, key_from

SUCCESSOR = "log.example/next"


def end(world: World, successor: str | None = SUCCESSOR) -> Statement:
    return world.say(world.registrar, "log.freeze", world.origin, Freeze("successor", successor))


def ended(data: Path, world: World, successor: str | None = SUCCESSOR) -> None:
    """The log in ``data`` ends after one object more."""
    with open_log(data, world) as log:
        log.submit(world.object()).result()
        log.submit(end(world, successor)).result()
        log.publish_now()


def trusted() -> LogTrust:
    world = World()
    return LogTrust(world.signers.keys, world.roles["registrar"].public)


def read(data: Path, trust: LogTrust | None = None, successor: str = SUCCESSOR) -> Ended:
    with closing(open_source(str(data))) as source:
        return read_predecessor(source, trust or trusted(), successor)


def test_a_log_that_ended_takes_nothing_and_keeps_its_last_checkpoint(data: Path, world: World) -> None:
    again = world.object()
    with open_log(data, world) as log:
        before = log.submit(again).result()
        receipt = log.submit(end(world)).result()
        assert receipt.batch == receipt.position + 1, "its batch entry, and then nothing"
        last = log.publish_now()
        for said in (world.object(), world.policy(), end(world)):
            with pytest.raises(Refused) as caught:
                log.submit(said).result()
            assert caught.value.code == "log-frozen"
        repeated = log.submit(again).result()
        assert (repeated.duplicate, repeated.position) == (True, before.position), "what stands is told still"
        assert log.publish_now() == last
    with open_log(data, world) as log:
        assert log.publish_now().note == last.note
    assert fsck(Folder(data)).findings == ()


def test_a_successor_begins_with_where_the_other_ended(data: Path, world: World, tmp_path: Path) -> None:
    ended(data, world)
    found = read(data)
    note = (data / "public" / "checkpoint").read_bytes()
    last = found.predecessor
    assert (found.note, last.checkpoint) == (note, hashlib.sha256(note).hexdigest())
    assert (last.origin, last.size) == (world.origin, 33)
    new = World("next", SUCCESSOR)
    founding = Founding(new.origin, new.prefix, new.registrar.id, new.service.id, new.roles, last)
    with Log.create(tmp_path / "new", founding, new.signers, lambda: new.clock, publish_every=None) as log:
        log.publish_now()
        assert log.keys().predecessor == last
        with log.store.snapshot() as reads:
            assert [one.type for one in (reads.record(at) for at in range(4)) if one] == [
                "log.key-set", "log.policy", "log.predecessor", "log.batch",
            ]  # fmt: skip
    assert fsck(Folder(tmp_path / "new")).findings == ()
    assert replay(Folder(tmp_path / "new")).findings == []


def test_a_log_whose_keys_were_replaced(data: Path, world: World) -> None:
    use(world, "log", rotate(data, world, "log"))
    ended(data, world)
    found = read(data)
    assert found.predecessor.size == 35
    renewed = Replacement(29, "2026-02-01T01:00:00Z", "log", world.roles["log"].public.to_text())
    known = LogTrust(trusted().keys, trusted().registrar, replaced=(renewed,))
    assert read(data, known) == found


def test_one_that_names_no_successor_has_any(data: Path, world: World) -> None:
    ended(data, world, None)
    assert read(data, successor="log.example/anyone").predecessor.origin == world.origin


def test_what_has_not_ended_or_ended_for_another(data: Path, world: World) -> None:
    with pytest.raises(NotEnded, match="goes on: its registrar ends it"):
        read(data)
    ended(data, world)
    with pytest.raises(NotEnded, match=r"in favour of log\.example/next, not of log\.example/thief"):
        read(data, successor="log.example/thief")
    with pytest.raises(NotEnded, match="a name of its own"):
        read(data, successor=world.origin)


def test_what_is_not_that_log_whole(data: Path, world: World, tmp_path: Path) -> None:
    ended(data, world)
    stranger = World("stranger", world.origin)
    with pytest.raises(BadSource, match="names other keys"):
        read(data, LogTrust(stranger.signers.keys, stranger.roles["registrar"].public))
    bundle = next((data / "public" / "tile" / "entries").rglob("33"))
    whole = bundle.read_bytes()
    bundle.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(BadSource, match="do not give the root"):
        read(data)
    bundle.write_bytes(whole)
    other = Path(shutil.copytree(data, tmp_path / "other"))
    note = (other / "public" / "checkpoint").read_text().splitlines(keepends=True)
    (other / "public" / "checkpoint").write_text("".join(note[:-1]))
    with pytest.raises(BadSource, match="lacks the log's signature"):
        read(other)


def test_an_old_checkpoint_of_a_log_that_ended(data: Path, world: World) -> None:
    """Shown as if it were the last: that log, as shown, goes on."""
    note = (data / "public" / "checkpoint").read_bytes()
    ended(data, world)
    (data / "public" / "checkpoint").write_bytes(note)
    with pytest.raises(NotEnded):
        read(data)


def test_a_key_of_entry_0_that_nobody_trusts(data: Path, world: World) -> None:
    ended(data, world)
    keys = trusted().keys
    for changed in ("ed25519", "ml_dsa", "authority"):
        other = {"ed25519": "ed25519", "ml_dsa": "ml-dsa-44", "authority": "es256k"}[changed]
        strange = key_from("strange", other).public  # type: ignore[arg-type]
        import dataclasses

        with pytest.raises(BadSource):
            read(data, LogTrust(dataclasses.replace(keys, **{changed: strange}), trusted().registrar))


def test_the_form_of_a_predecessor() -> None:
    assert Predecessor("log.example/a", 5, "00" * 32, "11" * 32).size == 5


@pytest.mark.parametrize("successor", [SUCCESSOR, None])
def test_copies_and_monitors_tell_that_a_log_has_ended(
    data: Path, world: World, tmp_path: Path, successor: str | None
) -> None:
    keys = [part for line in VKEYS for part in ("--key", line)]
    commands = {
        "mirror": ["mirror", data, tmp_path / "c", *keys],
        "monitor": ["monitor", data, tmp_path / "m", *keys, "--once"],
    }
    for command in commands.values():
        code, out, _ = run(*command)
        assert (code, "ended" in out) == (0, False)
    ended(data, world, successor)
    code, out, _ = run(*commands["mirror"])
    goes_on = f"{successor} goes on" if successor else "no log goes on in its place"
    assert (code, f"this log has ended (successor): it will not grow any more; {goes_on}" in out) == (0, True)
    code, out, _ = run(*commands["monitor"])
    assert json.loads(out)["ended"] == {"reason": "successor", "successor": successor}
