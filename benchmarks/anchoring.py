"""Anchors on the embedded chain: prepared, sent, mined, final and packed, one after the other."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from anchors.ports import PublishedCheckpoint
from anchors.scheduler import Policy
from benchmarks.harness import Bench, Row
from benchmarks.marks import MS
from tests.anchors.support import Bench as Chain
from tests.anchors.support import Clock, MemoryLog


class PublishedLog(MemoryLog):
    """Its checkpoint stands signed, as a publisher leaves it, before an anchor begins."""

    def publish(self) -> None:
        """Sign what there is."""
        self._latest = self.published()

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
