"""SIGKILL at each step of anchoring on a real node, before and after it: an anchor is sent once, or found again."""

from __future__ import annotations

import select
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from anchors.keystore import ChainKey
from tests.anchors.other_chain import LOST, STUCK, Kill, Life, Outside, check, deployed, ready
from tests.anchors.support import START, MemoryLog
from tests.anchors.test_outside_trouble import steal
from tests.anvil import KEYS, Anvil

SECONDS = 120.0
"""For one life of a child, which takes less than one on an idle machine."""
SEND = ("HttpNode", "make_request")


@dataclass
class Nursery:
    """One process that has loaded everything, and forks a child for each life."""

    process: subprocess.Popen[str]

    @classmethod
    def start(cls) -> Nursery:
        command = [sys.executable, "-m", "tests.anchors.outside_nursery"]
        where = Path(__file__).parents[2]
        return cls(
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=where, start_new_session=True
            )
        )

    def begin(self, life: Life) -> None:
        assert self.process.stdin is not None
        print(life.encode(), file=self.process.stdin, flush=True)

    def end(self) -> str:
        assert self.process.stdout is not None
        said, _, _ = select.select([self.process.stdout], [], [], SECONDS)
        assert said, f"a child did not end within {SECONDS:.0f} s"
        return self.process.stdout.readline().strip()

    def live(self, life: Life) -> str:
        self.begin(life)
        return self.end()

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    started = Nursery.start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def second_nursery() -> Iterator[Nursery]:
    started = Nursery.start()
    yield started
    started.stop()


def sent(node: Anvil, key: int = 0) -> int:
    """Transactions of ours that were mined."""
    return int(node.rpc("eth_getTransactionCount", "0x" + ChainKey.from_secret(KEYS[key]).address.hex(), "latest"), 16)


def both(*steps: tuple[str, str, int]) -> list[Kill]:
    """Each of these steps, before it and after it."""
    return [
        Kill(owner, name, when, nth, "eth_sendRawTransaction" if name == "make_request" else None)
        for owner, name, nth in steps
        for when in ("before", "after")
    ]


STEPS = both(
    ("Outbox", "put_target", 1),
    ("Outbox", "add_attempt", 1),
    (*SEND, 1),
    ("Outbox", "attempt_sent", 1),
    ("Outbox", "settle", 1),
    ("Outbox", "announce", 1),
    ("Outbox", "mark_named", 1),
    ("Outbox", "prepare", 1),
    ("Outbox", "add_attempt", 2),
    (*SEND, 2),
    ("Outbox", "attempt_sent", 2),
    ("Outbox", "mark_sent", 1),
    ("Outbox", "settle", 2),
    ("Outbox", "mark_mined", 1),
    ("Packer", "pack", 1),
    ("Outbox", "keep_draft", 1),
    ("Packer", "finish", 1),
    ("Outbox", "mark_final", 1),
)


@pytest.mark.parametrize("kill", STEPS, ids=str)
def test_killed_on_the_way_to_the_first_anchor(tmp_path: Path, node: Anvil, nursery: Nursery, kill: Kill) -> None:
    finality = 1 if kill.name == "keep_draft" else "immediate"
    life = Life(str(tmp_path), node.url, finality=finality, deploy=True)
    life.kill = vars(kill)
    assert nursery.live(life) == "killed"
    node.mine()
    outside = Outside.start(tmp_path, node.url, finality=finality, now=START + 10)
    deployed(outside, node)
    outside.until_final(node)
    check(outside, [5])
    # One contract and one anchor: nothing was sent twice.
    assert sent(node) == 2
    outside.stop()


REORGANISED = both(
    ("Outbox", "mark_sent", 1),
    (*SEND, 1),
    ("Outbox", "mark_mined", 1),
    ("Packer", "pack", 1),
    ("Outbox", "keep_draft", 1),
)


@pytest.mark.parametrize("kill", REORGANISED, ids=str)
def test_killed_after_a_reorganisation(tmp_path: Path, node: Anvil, nursery: Nursery, kill: Kill) -> None:
    with ready(tmp_path / "outside", node, finality=5) as outside:
        outside.log.grow(3)
        before = outside.reach("mined")
        node.reorganise(1)
        node.drop(before.tx_hash or b"")
        life = Life(str(outside.folder), node.url, size=8, finality=5, now=outside.clock.now + 1)
        life.kill = vars(kill)
        assert nursery.live(life) == "killed"
        outside.until_final(node, runs=20)
        assert outside.anchor.tx_hash == before.tx_hash
        check(outside, [5, 8])
        assert sent(node) == 3


DEARER = both(("Outbox", "add_attempt", 1), (*SEND, 1), ("Outbox", "attempt_sent", 1))


@pytest.mark.parametrize("kill", DEARER, ids=str)
def test_killed_while_a_stuck_transaction_is_made_dearer(
    tmp_path: Path, node: Anvil, nursery: Nursery, kill: Kill
) -> None:
    with ready(tmp_path / "outside", node) as outside:
        node.set_automine(False)
        outside.log.grow(3)
        outside.step()
        life = Life(str(outside.folder), node.url, size=8, now=outside.clock.now + STUCK)
        life.kill = vars(kill)
        assert nursery.live(life) == "killed"
        outside.until_final(node)
        assert len({one.nonce for one in outside.outbox.attempts(outside.target.id, outside.anchor.id)}) == 1
        check(outside, [5, 8])
        assert sent(node) == 3


STOLEN = both(("Outbox", "add_attempt", 1), (*SEND, 1), ("Outbox", "attempt_sent", 1), ("Outbox", "mark_sent", 1))


@pytest.mark.parametrize("kill", STOLEN, ids=str)
def test_killed_while_a_stolen_nonce_is_replaced(tmp_path: Path, node: Anvil, nursery: Nursery, kill: Kill) -> None:
    with ready(tmp_path / "outside", node) as outside:
        node.set_automine(False)
        outside.log.grow(3)
        outside.step()
        steal(outside, KEYS[0])
        node.mine()
        outside.step()
        life = Life(str(outside.folder), node.url, size=8, now=outside.clock.now + LOST)
        life.kill = vars(kill)
        assert nursery.live(life) == "killed"
        outside.clock.now += LOST
        outside.until_final(node)
        check(outside, [5, 8])
        # The contract, the first anchor, the thief's transaction, the second anchor.
        assert sent(node) == 4


@pytest.mark.parametrize("keys", [(0, 0), (0, 1)], ids=["with one key", "with two keys"])
def test_two_services_anchor_one_log_at_once(
    tmp_path: Path, node: Anvil, nursery: Nursery, second_nursery: Nursery, keys: tuple[int, int]
) -> None:
    """Two hosts with outboxes of their own: each size is anchored once, and both know it as final."""
    with ready(tmp_path / "first", node) as first:
        contract = (first.target.contract or b"").hex()
        sizes = [5]
        for size in (8, 9, 21, 40):
            lives = [
                Life(str(tmp_path / name), node.url, 8, size, first.clock.now + size, key, contract=contract)
                for name, key in zip(("first", "second"), keys, strict=True)
            ]
            nursery.begin(lives[0])
            second_nursery.begin(lives[1])
            assert (nursery.end(), second_nursery.end()) == ("lived 0", "lived 0")
            sizes.append(size)
            for name, key in zip(("first", "second"), keys, strict=True):
                log = MemoryLog()
                log.grow(size)
                outside = Outside.start(
                    tmp_path / name,
                    node.url,
                    log=log,
                    now=first.clock.now + 100 * size,
                    signer=ChainKey.from_secret(KEYS[key]),
                    contract=bytes.fromhex(contract),
                )
                outside.until_final(node, runs=40)
                assert outside.anchored() == sizes
                outside.stop()


def test_two_processes_of_one_folder_take_turns(
    tmp_path: Path, node: Anvil, nursery: Nursery, second_nursery: Nursery
) -> None:
    """A worker and a command, or a worker that outlived its service: one contract, one transaction for each size."""
    with ready(tmp_path / "outside", node) as outside:
        for size in (8, 9, 21):
            lives = [Life(str(outside.folder), node.url, 10, size, outside.clock.now + size) for _ in range(2)]
            nursery.begin(lives[0])
            second_nursery.begin(lives[1])
            assert (nursery.end(), second_nursery.end()) == ("lived 0", "lived 0")
            outside.log.grow(size - len(outside.log.leaves))
            outside.until_final(node)
        check(outside, [5, 8, 9, 21])
        assert sent(node) == 5
