"""Which keys sign which size: by the rotations of the log, or of the trust file."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tallystick.admission import LOG, MemoryState, decide
from tallystick.admission.state import LogState
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.log import Role
from tallystick.key_history import KeyHistory, Replacement, history_of
from tallystick.schema import write
from tallystick.tree_head import sign_checkpoint, verify_tree_head
from tallystick.trust import encode_trust, parse_trust, trusted_log
from tests.core.test_trust import file
from tests.world import START, World, key_from

ROOT = b"r" * 32


def rotated(*roles: Role) -> tuple[list[World], KeyHistory]:
    """A world before and after each rotation of ``roles``, at 2, 3, …, an hour apart; what the entries give."""
    world, state = World(), MemoryState()
    worlds = [replace(world)]
    for at, said in enumerate((world.key_set(), world.policy())):
        state.apply(decide(said, at, world.clock, state).changes)
    for at, role in enumerate(roles, 2):
        world.clock += 3600
        said = world.rotate(role)
        state.apply(decide(said, at, world.clock, state).changes)
        world.rotated(said)
        after = replace(world)
        after.roles, after.signers = world.roles, world.signers
        worlds.append(after)
    log = state.get(LOG)
    assert isinstance(log, LogState)
    return worlds, history_of(log)


def note(world: World, size: int, at: int) -> bytes:
    return sign_checkpoint(Checkpoint(world.origin, size, ROOT), world.signers, at).encode()


def test_the_keys_of_a_size_are_those_that_the_entries_below_it_left() -> None:
    (first, second, third, fourth), history = rotated("log", "log-pq", "log")
    expected = [(2, first), (3, second), (4, third), (5, fourth), (99, fourth)]
    for size, world in expected:
        assert history.at(size) == world.signers.keys
    assert (history.first, history.current) == (first.signers.keys, fourth.signers.keys)
    assert [history.until(size) for size in (0, 2, 3, 4, 5)] == [
        *["2026-02-01T01:00:00Z"] * 2, "2026-02-01T02:00:00Z", "2026-02-01T03:00:00Z", None,
    ]  # fmt: skip


def test_other_roles_do_not_sign_checkpoints() -> None:
    worlds, history = rotated("service", "registrar", "status")
    assert history.at(99) == worlds[0].signers.keys
    assert history.until(0) is None
    assert history.key_of("status", 4) is None
    assert history.key_of("status", 5) == worlds[3].roles["status"].public


def test_a_log_without_rotations() -> None:
    (world,), history = rotated()
    assert history == KeyHistory(world.signers.keys)
    assert history.current == history.at(5) == world.signers.keys
    assert history.until(5) is None


def test_a_checkpoint_is_verified_by_the_keys_of_its_size() -> None:
    (old, new), history = rotated("log")
    verify_tree_head(note(old, 2, old.clock), history)
    verify_tree_head(note(new, 3, new.clock), history)
    for wrong in (note(new, 2, START), note(old, 3, START)):
        with pytest.raises(VerificationFailed, match="lacks the log's signature"):
            verify_tree_head(wrong, history)


def test_a_retired_key_signs_nothing_after_its_window() -> None:
    (old, _), history = rotated("log")
    verify_tree_head(note(old, 2, START + 3600 + 300), history)
    with pytest.raises(VerificationFailed, match="after one of its keys was replaced"):
        verify_tree_head(note(old, 2, START + 3600 + 301), history)


def test_what_is_shown_extends_what_is_trusted() -> None:
    _, history = rotated("log", "registrar", "log-pq")
    for known in range(4):
        trusted = KeyHistory(history.first, history.replaced[:known])
        assert trusted.extended(history) == history
        assert trusted.extended(KeyHistory(history.first)) == trusted
    strange = Replacement(1, "2026-02-01T00:00:00Z", "log", key_from("thief").public.to_text())
    with pytest.raises(VerificationFailed, match="the trust file names all of them up to position 4"):
        history.extended(KeyHistory(history.first, (strange, *history.replaced)))
    other = KeyHistory(World("other").signers.keys, (strange,))
    with pytest.raises(VerificationFailed, match="begin with other keys"):
        KeyHistory(history.first).extended(other)


# --- the trust file, version 2 -------------------------------------------------------


def trusting(**changes: Any) -> dict[str, Any]:
    (world, _), history = rotated("log")
    log = trusted_log(history.first, world.roles["registrar"].public, history.replaced)
    value: dict[str, Any] = write(file(v=2, logs=(log,)))
    value["logs"][0] |= changes
    return value


def test_version_2_names_what_was_replaced() -> None:
    (old, new), history = rotated("log")
    log = trusted_log(history.first, old.roles["registrar"].public, history.replaced)
    trust = parse_trust(encode_trust(file(v=2, logs=(log,))))
    assert trust.logs[old.origin].history == history
    assert trust.logs[old.origin].keys == old.signers.keys
    assert trust.logs[old.origin].history.current == new.signers.keys


def test_version_1_names_nothing_and_version_2_says_so_where_nothing_was() -> None:
    (world,), history = rotated()
    registrar = world.roles["registrar"].public
    empty, none = trusted_log(history.first, registrar, ()), trusted_log(history.first, registrar)
    parse_trust(encode_trust(file(v=2, logs=(empty,))))
    for version, log in ((1, empty), (2, none)):
        with pytest.raises(MalformedInput, match="from version 2 on a trust file says"):
            encode_trust(file(v=version, logs=(log,)))


def replacement(position: int) -> dict[str, Any]:
    key = key_from(f"at {position}").public.to_text()
    return write(Replacement(position, "2026-02-01T00:00:00Z", "log", key))


@pytest.mark.parametrize("positions", [(0,), (3, 2), (2, 2)])
def test_positions_rise_and_begin_after_entry_0(positions: tuple[int, ...]) -> None:
    value = trusting(replaced=[replacement(position) for position in positions])
    with pytest.raises(MalformedInput, match="listed by position"):
        parse_trust(json.dumps(value).encode())


def test_a_later_key_of_the_log_is_no_witness_either() -> None:
    from tallystick.note import COSIGNATURE_ED25519, verifier_key

    value = trusting(replaced=[replacement(2)])
    own = verifier_key("w", COSIGNATURE_ED25519, key_from("at 2").public.raw)
    value["witnesses"] = {"keys": [own], "quorum": 1}
    with pytest.raises(MalformedInput, match="cosign for itself"):
        parse_trust(json.dumps(value).encode())
