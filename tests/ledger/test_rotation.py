"""A log goes on under new keys: opened, published, checked; wrong, old and half-rotated keys are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.errors import LogBusy, NoLog, WrongLog
from ledger.folder import Folder
from ledger.publisher import Publisher
from ledger.rotation import rotate_key
from ledger.upkeep.fsck import fsck, replay
from tallystick.admission import Refused
from tallystick.events.kinds import RULES
from tallystick.events.log import Policy, Role
from tallystick.keys import LocalSigner
from tallystick.merkle import verify_consistency
from tallystick.tree_head import LocalAuthority, LogSigners, verify_tree_head
from tests.ledger.commands import run
from tests.ledger.conftest import later, open_log
from tests.world import ROLES, Someone, World, key_from

ROTATING: tuple[Role, ...] = ("log", "log-pq", "registrar", "service", "exporter", "status")


def use(world: World, role: Role, new: LocalSigner) -> None:
    """The world speaks with the new key."""
    world.roles = {**world.roles, role: new}
    world.signers = LogSigners(
        world.origin, world.roles["log"], world.roles["log-pq"], LocalAuthority(world.roles["authority"])
    )
    if role in ("log", "registrar", "service"):
        setattr(world, role, Someone(getattr(world, role).id, new))


def rotate(data: Path, world: World, role: Role) -> LocalSigner:
    """Replace a key an hour later; the world still has the old one."""
    world.clock += 3600
    new = key_from(f"{role} at {world.clock}", ROLES[role])
    rotate_key(data, world.roles, role, new, lambda: world.clock)
    return new


@pytest.mark.parametrize("role", ROTATING)
def test_a_log_goes_on_under_the_new_key(role: Role, data: Path, world: World) -> None:
    with open_log(data, world) as log:
        before = log.published.checkpoint()
    use(world, role, rotate(data, world, role))
    with open_log(data, world) as log:
        assert log.published.checkpoint() == before, "signed by the old keys, and still the last"
        signed = log.publish_now().checkpoint
        position = log.submit(world.object()).result().position
        after = log.publish_now()
        assert after.checkpoint.size == position + 2
        path = log.published.prove_consistency(before.checkpoint.size, signed.size)
        verify_consistency(before.checkpoint.size, before.checkpoint.root, signed.size, signed.root, path)
        verify_tree_head(after.note.encode().encode(), world.signers.keys)
    assert fsck(Folder(data)).findings == ()


def test_the_old_keys_do_not_open_it(data: Path, world: World) -> None:
    new = rotate(data, world, "log")
    with pytest.raises(WrongLog, match=r"log \(this one was replaced at position 29, 2026-02-01T01:00:00Z\)"):
        open_log(data, world)
    use(world, "log", new)
    open_log(data, world).close()


def test_keys_that_are_half_rotated_do_not_open_it(data: Path, world: World) -> None:
    """The one new key was put in place, the other was forgotten; and one that the log never saw."""
    first = rotate(data, world, "log")
    use(world, "log", first)
    second = rotate(data, world, "log-pq")
    with pytest.raises(WrongLog, match=r"log-pq \(this one was replaced at position 31"):
        open_log(data, world)
    use(world, "log-pq", second)
    use(world, "log", key_from("never seen"))
    with pytest.raises(WrongLog, match="has other keys for: log; give"):
        open_log(data, world)


def test_it_is_done_once_however_often_it_is_asked(data: Path, world: World) -> None:
    """A crash came after the entry: whoever repeats finds it done, and the log goes on."""
    new = key_from("new", ROLES["log"])
    first = rotate_key(data, world.roles, "log", new, lambda: world.clock)
    again = rotate_key(data, world.roles, "log", new, lambda: world.clock)
    assert (first.duplicate, again.duplicate) == (False, True)
    assert (first.position, first.batch) == (again.position, again.batch)


def test_a_crash_before_the_first_checkpoint_by_the_new_key(data: Path, world: World) -> None:
    """Nothing was published when the key was replaced, nor what came just before."""
    with open_log(data, world) as log:
        log.submit(world.object()).result()
    use(world, "log", rotate(data, world, "log"))
    use(world, "log", rotate(data, world, "log"))
    with open_log(data, world) as log:
        assert log.publish_now().checkpoint.size == 35
    assert fsck(Folder(data)).findings == ()


def test_a_running_log_signs_nothing_with_a_key_that_was_replaced(data: Path, world: World) -> None:
    with open_log(data, world) as log:
        signed = log.publish_now().checkpoint.size
        with pytest.raises(Refused) as caught:
            log.submit(world.rotate("log")).result()
        assert caught.value.code == "wrong-state", "the batch entry would be by the retired key"
        assert log.status().size == signed
        log.submit(world.rotate("log-pq")).result()
        with pytest.raises(WrongLog, match="start again with the keys in force"):
            log.publish_now()
        assert log.published.checkpoint().checkpoint.size == signed


@pytest.mark.parametrize("step", ["_edge_of", "_check_size"])
def test_a_key_that_is_replaced_within_a_publication_signs_nothing_above(
    data: Path, world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The keys are those of the very entries that are signed: looked up before, they were those of fewer."""
    with open_log(data, world) as log:
        signed = log.publish_now().checkpoint.size
        log.submit(world.object()).result()
        real, replaced, rotation = getattr(Publisher, step), list[int](), world.rotate("log-pq")

        def rotate_meanwhile(self: Publisher, *given: object) -> object:
            if not replaced:
                replaced.append(log.submit(rotation).result().position)
            return real(self, *given)

        monkeypatch.setattr(Publisher, step, rotate_meanwhile)
        try:
            size = log.publish_now().checkpoint.size
        except WrongLog:
            size = log.published.checkpoint().checkpoint.size
        assert replaced
        assert signed <= size <= replaced[0]
        # What is remembered can be read, and is shown: the log waits for its new key, and is not broken.
        with pytest.raises(WrongLog, match="start again with the keys in force"):
            log.publish_now()
    world.rotated(rotation)
    with open_log(data, world) as log:
        assert log.publish_now().checkpoint.size > replaced[0]
    assert fsck(Folder(data)).findings == ()


def test_nobody_else_may_have_it_open(data: Path, world: World, tmp_path: Path) -> None:
    with open_log(data, world), pytest.raises(LogBusy):
        rotate(data, world, "log")
    with pytest.raises(NoLog):
        rotate(tmp_path / "nothing", world, "log")


def test_a_refused_rotation_changes_nothing(data: Path, world: World) -> None:
    for role, code in (("authority", "bad-key"), ("log", "already-used")):
        taken = world.roles["exporter"]
        with pytest.raises(Refused) as caught:
            rotate_key(data, world.roles, role, taken, lambda: world.clock)  # type: ignore[arg-type]
        assert caught.value.code == code
    open_log(data, world).close()


def test_a_policy_change_inside_a_batch(data: Path, tmp_path: Path) -> None:
    """What stands before the new policy is decided by the old one, what comes after by the new one."""
    import shutil

    from tests.ledger.golden import golden_world
    from tests.ledger.test_golden_log import GOLDEN

    data = Path(shutil.copytree(GOLDEN[0], tmp_path / "golden"))
    world = later(golden_world())
    world.clock += 86_400
    from ledger.submission import prepare

    early, late = world.rotate("status"), world.rotate("status")
    statements = [early, world.policy(), late, world.say(world.registrar, "log.policy", world.origin, OLD)]
    with open_log(data, world) as log:
        outcomes = log.submit_many([prepare(one) for one in statements]).result()
        codes = [getattr(one, "code", "recorded") for one in outcomes]
        assert codes == ["policy-too-old", "recorded", "recorded", "policy-too-old"]
        log.publish_now()
    assert fsck(Folder(data)).findings == ()
    assert [version for _, version in replay(Folder(data)).policies] == [1, RULES]
    status, out, _ = run("replay", data)
    assert status == 0
    assert "rules version 1 decided what stands after position 1" in out
    assert f"rules version {RULES} decided what stands after position {replay(Folder(data)).policies[1][0]}" in out


OLD = Policy("tallystick-admission", 1)
