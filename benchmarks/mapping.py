"""The verifiable map: entries taken on disk, a root for each batch, a proof."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import Bench, Row, seconds
from benchmarks.mapping_floor import Bare
from benchmarks.marks import MICROS
from ledger.map.disk import DiskMap
from ledger.store import leaves_digest
from tallystick import canonical, cose, layout
from tallystick.identifiers import Letter, new_identifier
from tallystick.map import OWN, key_of, prove_answer
from tallystick.merkle import leaf_hashes

BATCH = 10_000
_DIGESTS = {"sha256": "11" * 32, "sm3": "22" * 32}


def benchmark(bench: Bench) -> Iterator[Row]:
    """Jobs as they are logged: a job with an input, its output, its completion; each makes two identifiers."""
    chance = random.Random(1)
    subjects: list[str] = []
    count = max(BATCH, bench.scale.leaves) if bench.scale.name != "tiny" else bench.scale.leaves
    folder = bench.fresh("map")
    with closing(_Watched(folder / "map.sqlite")) as found, closing(Bare(folder / "bare.sqlite")) as bare:
        took = floor = 0.0
        for first in range(0, count, BATCH):
            entries = list(_batch(chance, subjects, min(BATCH, count - first)))
            took += seconds(partial(_take, found, entries, leaves_digest(leaf_hashes(entries))))
            bare.prepare(entries, found.changed, found.written)
            floor += seconds(bare.run)
            found.written.clear()
        note = f"{count:,} events, {2 * len(subjects):,} identifiers or so, a root for each {BATCH:,} events"
        peers = {"bare hashes and rows": floor / count * 1e6}
        yield Row("verifiable-map update per event", took / count * 1e6, MICROS, peers, f"{note}; {bare.told(count)}")
        keys = [key_of(OWN, one) for one in chance.sample(subjects, min(100, len(subjects)))]
        proved = bench.each(lambda: [found.prove(key) for key in keys])
        yield Row("verifiable-map proof made", proved / len(keys) * 1e6, MICROS)
        root, text = found.root(), subjects[0]
        proof = found.prove(key_of(OWN, text))
        verified = bench.each(lambda: prove_answer(root, OWN, text, proof))
        yield Row("verifiable-map proof verified", verified * 1e6, MICROS, note=f"{len(proof.path)} steps")


class _Watched(DiskMap):
    """Remembers what a batch changed and wrote."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.changed: Mapping[bytes, Sequence[bytes]] = {}
        self.written: list[tuple[int, bytes]] = []

    def _change(self, root: bytes, changes: Mapping[bytes, Sequence[bytes]]) -> bytes:
        self.changed = changes
        return super()._change(root, changes)

    def _write(self) -> None:
        self.written += self._rows
        super()._write()


def _take(found: DiskMap, entries: list[bytes], digest: bytes) -> None:
    """As a log does: a batch is what was appended, or nothing is taken of it."""
    leaves = leaf_hashes(entries)
    if leaves_digest(leaves) != digest:
        raise RuntimeError("the entries are not those that were made")
    found.take(entries, leaves)
    found.root()
    found.flush()


def _batch(chance: random.Random, subjects: list[str], count: int) -> Iterator[bytes]:
    capability = str(new_identifier(Letter.CAPABILITY, bytes(10)))
    while count > 0:
        job, output = (str(new_identifier(letter, chance.randbytes(10))) for letter in (Letter.JOB, Letter.OBJECT))
        source = chance.choice(subjects) if subjects else output
        bodies: list[tuple[str, str, Any]] = [
            ("job.register", job, {"capability": capability, "inputs": [{"object": source, "role": "source"}]}),
            ("object.register", output, {"generation": {"capability": capability, "job": job, "parameters": _DIGESTS}}),
            ("job.complete", job, {"outputs": [output], "result": "done"}),
        ]
        subjects.append(output)
        for kind, subject, body in bodies[:count]:
            yield _entry(kind, subject, body, chance)
        count -= 3


def _entry(kind: str, subject: str, body: Any, chance: random.Random) -> bytes:
    """As long as an entry is; its signature is none, for the map does not look at it."""
    event = {
        "v": 1,
        "type": kind,
        "event_id": chance.randbytes(16).hex(),
        "subject": subject,
        "time": "2026-02-01T00:00:00Z",
        "body": body,
    }
    return cose.envelope(layout.header(-8, bytes(32), "log.example", subject), canonical.encode(event), bytes(64))
