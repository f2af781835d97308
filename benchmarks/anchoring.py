"""Anchors on the embedded chain: prepared, sent, mined, final and packed, one after the other."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from eth_account import Account

from anchors.ports import PublishedCheckpoint
from anchors.scheduler import Policy
from benchmarks.harness import Bench, Row
from benchmarks.marks import MS
from tallystick.checkpoint import Checkpoint
from tallystick.evm.eip712 import checkpoint_digest
from tests.anchors.support import AUTHORITY, Clock, MemoryLog
from tests.anchors.support import Bench as Chain


class PublishedLog(MemoryLog):
    """Its checkpoint stands signed, as a publisher leaves it, before an anchor begins."""

    def publish(self) -> None:
        """Sign what there is."""
        self._latest = self.published()

    def sign(self, checkpoint: Checkpoint, key: EllipticCurvePrivateKey = AUTHORITY) -> bytes:
        """By another library: the log signs in another process, so that this one has not seen the signature."""
        digest = checkpoint_digest(self.identity.origin_hash, checkpoint.size, checkpoint.root)
        secret = key.private_numbers().private_value.to_bytes(32, "big")
        return bytes(Account.unsafe_sign_hash(digest, secret).signature)

    def latest(self) -> PublishedCheckpoint | None:
        return self._latest


def benchmark(bench: Bench) -> Iterator[Row]:
    """A log grows by ten entries between one anchor and the next; each proof is packed and checked by the worker."""
    log, clock = PublishedLog(), Clock()
    log.grow(5)
    log.publish()
    chain = Chain.start(bench.fresh("chain"), log, clock=clock, policy=Policy(entries=1, seconds=1))
    took = []
    try:
        _anchor(chain)
        for _ in range(bench.scale.anchors):
            log.grow(10)
            log.publish()
            clock.now += 1
            began = time.perf_counter()
            _anchor(chain)
            took.append(time.perf_counter() - began)
    finally:
        chain.stop()
    yield Row("anchors on the embedded chain", len(took) / sum(took), "anchors/s")
    yield Row("anchors on the embedded chain, p50", statistics.median(took) * 1e3, MS)


def _anchor(chain: Chain) -> None:
    outcome = chain.worker.run_once()
    while outcome.progress != "final":
        if outcome.progress not in ("deploying", "waiting for its name", "in flight"):
            raise RuntimeError(f"the anchor came to {outcome.progress}")
        outcome = chain.worker.run_once()
