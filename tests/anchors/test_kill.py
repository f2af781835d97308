"""kill -9 at random moments on a real process: what was acknowledged is there, and chain and outbox agree."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from anchors.embedded.chain import EmbeddedChain
from anchors.scheduler import Policy
from tallystick.evm.deed import seal_digest
from tallystick.evm.registry import commitment
from tallystick.evm.secp256k1 import verify_signer
from tests.anchors.support import SEALER, Bench, MemoryLog, authority_address
from tests.patience import Lines, end, wait_until

KILLS = 30
LIVES = (0, 0, 0, 1, 2)
"""How many anchors each child in turn is let acknowledge before the random moment of its death is drawn."""
LONGEST_WAIT = 0.3
"""Seconds in which that moment lies: about the time of an anchor on a busy machine, so that kills hit every step."""


def kill_again_and_again(folder: Path) -> int:
    """Returns how many acknowledgements were waited for."""
    waited = 0
    dice = random.Random(20_260_101)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.anchors.kill_nursery"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as nursery:
        assert nursery.stdin is not None
        lines_said = Lines(nursery.stdout)
        for kill in range(KILLS):
            print(folder, file=nursery.stdin, flush=True)
            child = int(lines_said.next())
            lives = LIVES[kill % len(LIVES)]
            wait_for(folder, count(folder) + lives, child)
            waited += lives
            time.sleep(dice.uniform(0, LONGEST_WAIT))
            os.kill(child, signal.SIGKILL)
            assert lines_said.next() == "dead\n"
        nursery.stdin.close()
        end(nursery)
        lines_said.close()
    return waited


def count(folder: Path) -> int:
    path = folder / "acknowledged"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_for(folder: Path, lines: int, child: int) -> None:
    # The signal raises ProcessLookupError when the child died of itself.
    wait_until(lambda: os.kill(child, 0) or count(folder) >= lines, f"{lines} anchors are acknowledged")


def check_chain(chain: EmbeddedChain) -> None:
    """Every block hangs on its parent, is later than it, sealed, and holds one transaction with its receipt."""
    for number in range(1, chain.head().block_number + 1):
        parent, header = chain.header_by_number(number - 1), chain.header_by_number(number)
        assert parent is not None
        assert header is not None
        assert header.parent_hash == parent.hash
        assert header.timestamp > parent.timestamp
        digest = seal_digest(chain.chain_id, chain.genesis_hash, bytes(header.hash))
        verify_signer(SEALER.address, digest, chain.seal(bytes(header.hash)))
        (transaction,), (receipt,) = chain.block(header).transactions, chain.receipts(header)
        assert receipt.state_root == b"\x01"
        assert transaction.nonce == number - 1


def test_thirty_random_kills_lose_nothing_and_anchor_nothing_twice(tmp_path: Path) -> None:
    waited = kill_again_and_again(tmp_path)
    log = MemoryLog()
    bench = Bench.start(tmp_path, log, policy=Policy(entries=1, seconds=1))
    log.grow(max(anchor.size for anchor in bench.outbox.anchors()))
    acknowledged = [line.split() for line in (tmp_path / "acknowledged").read_text(encoding="ascii").splitlines()]
    assert len(acknowledged) >= waited
    for _, number, block_hash in acknowledged:
        header = bench.chain.header_by_number(int(number))
        assert header is not None
        assert header.hash.hex() == block_hash
    for _ in range(2):
        bench.worker.run_once()
    assert bench.worker.run_once().progress == "idle"
    check_chain(bench.chain)
    (target,) = bench.outbox.targets()
    registry = bench.worker._registry(target)
    sizes = [event.checkpoint.size for event in registry.events()]
    assert sizes == sorted(set(sizes))
    assert {int(size) for size, _, _ in acknowledged} <= set(sizes)
    finals = bench.outbox.anchors(target.id)
    assert [(anchor.size, anchor.state) for anchor in finals] == [(size, "final") for size in sizes]
    newest = log.checkpoint(sizes[-1])
    assert registry.slot() == commitment(newest.size, newest.root, authority_address())
    # One block for the contract and one for each anchor: nothing was sent twice.
    assert bench.chain.head().block_number == 1 + len(sizes)
    bench.stop()
