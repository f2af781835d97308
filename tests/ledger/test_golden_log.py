"""A log that an earlier version wrote is opened, migrated, checked and extended by every later version."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ledger.folder import Folder
from ledger.store.sqlite import SCHEMA, open_store, schema_of
from ledger.upkeep.fsck import fsck
from tallystick.admission import LOG, Refused
from tallystick.admission.state import LogState
from tallystick.events.kinds import RULES
from tallystick.events.log import Freeze, Policy
from tallystick.merkle import verify_consistency, verify_inclusion
from tallystick.statement import parse_statement
from tests.ledger.conftest import later, open_log
from tests.ledger.golden import golden_world

GOLDEN = sorted((Path(__file__).parents[2] / "fixtures/golden").glob("*/log"))
RULES_OF = {"1": 1, "rules-2": 2, "rules-3": 3}
"""Version of the rules under which each was made."""


def test_there_is_a_golden_log() -> None:
    assert GOLDEN


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.parent.name)
def test_a_golden_log(golden: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(golden, tmp_path / "log"))
    expected = json.loads((data / "expected.json").read_text())
    size, root = expected["sizes"][-1], bytes.fromhex(expected["root"])
    world = later(golden_world())
    world.clock += 86_400
    with open_log(data, world) as log:
        checkpoint = log.publish_now().checkpoint
        assert (checkpoint.size, checkpoint.root) == (size, root)
        with log.store.snapshot() as reads:
            kept = [list(reads.disclosures(position)) for position in (3, 5)]
        assert kept == [[], ["name"]]
        said = world.object()
        position = log.submit(said).result().position
        after = log.publish_now().checkpoint
        proof = log.published.prove_inclusion(position, after.size)
        verify_inclusion(said.leaf, position, after.size, proof, after.root)
        verify_consistency(size, root, after.size, after.root, log.published.prove_consistency(size, after.size))
        for old in expected["sizes"]:
            assert log.published.prove_inclusion(0, old) is not None
    assert schema_of(data / "ledger.sqlite") == SCHEMA
    report = fsck(Folder(data))
    assert report.findings == ()
    assert str(report.completeness) == "3 of 3 objects are bound and complete"


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.parent.name)
def test_a_log_goes_on_under_the_rules_that_it_began_with(golden: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(golden, tmp_path / "log"))
    with open_log(data, later(golden_world())) as log, log.store.snapshot() as reads:
        state = reads.get(LOG)
    assert isinstance(state, LogState)
    assert state.version == RULES_OF[golden.parent.name] < RULES


@pytest.mark.parametrize("golden", GOLDEN[1:], ids=lambda path: path.parent.name)
def test_a_log_of_version_2_or_3_goes_to_the_newest_by_a_policy_entry(golden: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(golden, tmp_path / "log"))
    world = later(golden_world())
    world.clock += 86_400
    with open_log(data, world) as log:
        log.submit(world.policy()).result()
        old = world.say(world.registrar, "log.policy", world.origin, Policy("tallystick-admission", 2))
        with pytest.raises(Refused, match=f"version {RULES} of the rules is in force"):
            log.submit(old).result()
        log.publish_now()
    assert fsck(Folder(data)).findings == ()


def test_a_log_of_version_1_goes_to_version_2_by_a_policy_entry(tmp_path: Path) -> None:
    data = Path(shutil.copytree(GOLDEN[0], tmp_path / "log"))
    world = later(golden_world())
    world.clock += 86_400
    end = world.say(world.registrar, "log.freeze", world.origin, Freeze("closure"))
    with open_log(data, world) as log:
        with pytest.raises(Refused, match="version 1 is in force since 1") as caught:
            log.submit(end).result()
        assert caught.value.code == "policy-too-old"
        second = world.say(world.registrar, "log.policy", world.origin, Policy("tallystick-admission", 2))
        policy = log.submit(second).result()
        old = world.say(world.registrar, "log.policy", world.origin, Policy("tallystick-admission", 1))
        with pytest.raises(Refused, match="version 2 of the rules is in force"):
            log.submit(old).result()
        with log.store.snapshot() as reads:
            batch = parse_statement(reads.entries(policy.batch, policy.batch + 1)[0])
        assert batch.event.body.policy == policy.position
        log.submit(end).result()
        log.publish_now()
    assert fsck(Folder(data)).findings == ()


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.parent.name)
def test_a_golden_database_alone_is_read(golden: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(golden / "ledger.sqlite", tmp_path))
    store = open_store(path)
    with store.snapshot() as reads:
        first = reads.record(0)
        assert first is not None
        assert (first.type, first.party) == ("log.key-set", golden_world().registrar.id)
    store.close()
