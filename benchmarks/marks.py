"""The marks: what each figure must reach. A row with the name of a mark is held against it; each mark has a row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """At least, or at most, ``bound``, in the unit of the row."""

    bound: float
    unit: str
    least: bool = True

    def met(self, value: float) -> bool:
        """Whether ``value`` reaches it."""
        return value >= self.bound if self.least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.least else '≤'} {self.bound:,.6g}"


def at_least(bound: float, unit: str) -> Mark:
    """More is better."""
    return Mark(bound, unit)


def at_most(bound: float, unit: str) -> Mark:
    """Less is better."""
    return Mark(bound, unit, least=False)


LEAVES, EVENTS, RATIO, MS, MICROS, MB = "leaves/s", "events/s", "×", "ms", "µs", "MB"

MARKS = {
    "library append": at_least(250_000, LEAVES),
    "library append / hypercore": at_least(1.8, RATIO),
    "library append / pymerkle with roots": at_least(2, RATIO),
    "library append / bare SQLite inserts": at_least(0.6, RATIO),
    "library append, unique statement hash, to 1 million": at_least(120_000, LEAVES),
    "library append, unique statement hash, at 10 million": at_least(60_000, LEAVES),
    "PostgreSQL append": at_least(120_000, LEAVES),
    "PostgreSQL append, unique statement hash": at_least(80_000, LEAVES),
    "HTTP batches, service signs ES256, one core": at_least(25_000, EVENTS),
    "HTTP batches, service signs ES256, two cores": at_least(40_000, EVENTS),
    "HTTP batches, service signs Ed25519": at_least(18_000, EVENTS),
    "HTTP batches, party signs ES256, one core": at_least(12_000, EVENTS),
    "HTTP batches, party signs Ed25519, one core": at_least(7_500, EVENTS),
    "HTTP single events, 128 clients": at_least(4_000, EVENTS),
    "HTTP single events, 128 clients, p99": at_most(60, MS),
    "HTTP single events, 1 client, p50": at_most(2, MS),
    "receipt in a published checkpoint, p50 at full load": at_most(250, MS),
    "inclusion proof from disk at 10 million leaves": at_most(50, MICROS),
    "inclusion proof verified, 24 nodes": at_most(12, MICROS),
    "resident memory appending, 100,000 leaves": at_most(150, MB),
    "resident memory appending, 1 million leaves": at_most(150, MB),
    "resident memory appending, 10 million leaves": at_most(150, MB),
    "peak memory with an index, 10 million leaves": at_most(150, MB),
    "resident memory of the service after the HTTP load": at_most(150, MB),
    "service start to first answer": at_most(600, MS),
    "reopening a 10-million-leaf log, beyond a small one": at_most(100, MS),
    "tallystick verify, cold": at_most(200, MS),
    "tallystick verify / sigstore, both cold": at_most(0.6, RATIO),
    "verification in process": at_most(10, MS),
    "SHA-256 of originals / openssl": at_least(0.8, RATIO),
    "many files / one core": at_least(1.6, RATIO),
    "anchors on the embedded chain": at_least(50, "anchors/s"),
    "anchors on the embedded chain, p50": at_most(20, MS),
    "licence cards, two cores": at_least(200, "cards/s"),
    "verifiable-map update per event": at_most(30, MICROS),
}
