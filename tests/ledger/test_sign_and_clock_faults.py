"""Signing that fails, a clock that jumps, two processes that believe they are the one: nothing forks, all goes on."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Corrupt, Fenced
from ledger.folder import Folder
from ledger.log import Log
from ledger.publisher import Publisher
from ledger.store.memory import MemoryStore
from ledger.submission import Receipt
from ledger.tilestore import TileStore
from ledger.upkeep.fsck import fsck
from tallystick.merkle import verify_consistency
from tallystick.tree_head import LogSigners, verify_tree_head
from tests.ledger.faults import ROOT, Fault, MemoryCheckpoints, MemoryDisk, Plan
from tests.ledger.rawlog import fill
from tests.world import START, World

WORLD = World()
HOUR = 3600


class FailingSigner:
    """A signer whose device fails once: before it signs, or after it did."""

    def __init__(self, inner: Any, when: str) -> None:
        self._inner = inner
        self._plan = Plan(0, when)
        self.public = inner.public

    def _once(self, sign: Callable[[bytes], bytes], message: bytes) -> bytes:
        signature: bytes = self._plan.step("sign", lambda: sign(message))
        return signature

    def sign(self, message: bytes) -> bytes:
        return self._once(self._inner.sign, message)

    def sign_digest(self, digest: bytes) -> bytes:
        return self._once(self._inner.sign_digest, digest)


@pytest.mark.parametrize("when", ["before", "done"])
@pytest.mark.parametrize("key", ["ed25519", "ml_dsa", "authority"])
def test_a_signature_that_fails(key: str, when: str) -> None:
    store, tiles, checkpoints = MemoryStore(), TileStore(ROOT, MemoryDisk()), MemoryCheckpoints()
    fill(store, 5)
    failing = FailingSigner(getattr(WORLD.signers, key), when)
    signers: LogSigners = replace(WORLD.signers, **{key: failing})
    publisher = Publisher(store, tiles, checkpoints, signers, lambda: START)
    with pytest.raises(Fault):
        publisher.publish()
    # A signature that nobody holds was given over a history that the next one extends.
    assert (checkpoints.notes, tiles.checkpoint()) == ([], None)
    fill(store, 3)
    assert publisher.publish().checkpoint.size == 8
    assert verify_tree_head(tiles.checkpoint() or b"", WORLD.signers.keys).checkpoint.size == 8


@pytest.mark.parametrize("when", ["before", "done"])
def test_a_takeover_that_fails(when: str) -> None:
    store, tiles, checkpoints = MemoryStore(), TileStore(ROOT, MemoryDisk()), MemoryCheckpoints()
    fill(store, 5)
    first = Publisher(store, tiles, checkpoints, WORLD.signers, lambda: START)
    first.publish()
    checkpoints.plan = Plan(0, when)
    with pytest.raises(Fault):
        Publisher(store, tiles, checkpoints, WORLD.signers, lambda: START)
    checkpoints.plan = Plan()
    fill(store, 3)
    if when == "done":
        with pytest.raises(Fenced):
            first.publish()
    second = Publisher(store, tiles, checkpoints, WORLD.signers, lambda: START)
    assert second.publish().checkpoint.size == 8


# --- clocks ------------------------------------------------------------------------------


def test_a_clock_that_jumps(data: Path, world: World) -> None:
    """Back an hour: the log's time stands still, and says so. Forward ten years: no way back from there."""
    now = START
    times, heads = [], []
    with Log.open(data, world.signers, lambda: now, publish_every=None) as log:
        for jump in (0, HOUR, -HOUR, -HOUR, 10 * 365 * 24 * HOUR, -HOUR):
            now += jump
            world.clock = START
            receipt = log.submit(world.object()).result()
            assert isinstance(receipt, Receipt)
            times.append(receipt.admitted_at)
            behind = log.status().clock_behind
            assert receipt.admitted_at == now + behind
            heads.append(log.publish_now().checkpoint)
        for old, new in itertools.pairwise(heads):
            proof = log.published.prove_consistency(old.size, new.size)
            verify_consistency(old.size, old.root, new.size, new.root, proof)
    assert times == sorted(times)
    assert fsck(Folder(data)).findings == ()


# --- two of them -------------------------------------------------------------------------


def test_two_folders_with_one_checkpoint_store(data: Path, world: World, tmp_path: Path) -> None:
    """The lock sees one folder, the checkpoint store sees both: who opened last signs, the other never again."""
    signed = tmp_path / "signed.sqlite"
    (data / "checkpoints.sqlite").rename(signed)
    copy = Path(shutil.copytree(data, tmp_path / "copy"))

    def open_one(path: Path) -> Log:
        return Log.open(path, world.signers, lambda: world.clock, checkpoints=signed, publish_every=None)

    with open_one(data) as first:
        first.submit(world.object()).result()
        with open_one(copy) as second:
            second.submit(world.object()).result()
            with pytest.raises(Fenced, match="stop one of the two"):
                first.publish_now()
            assert second.publish_now().checkpoint.size == 31
            first.submit(world.object()).result()
            with pytest.raises(Fenced, match="stop one of the two"):
                first.publish_now()
            # Nor does it show the other's checkpoint, whose tiles it has not.
            assert first.published.checkpoint().checkpoint.size == 29
    # Nor after a restart: it has not even the tiles of what was signed.
    with pytest.raises(Corrupt, match=r"the tile tile/0/000\.p/31 is missing"):
        open_one(data)
    with open_one(copy) as log:
        assert log.publish_now().checkpoint.size == 31
