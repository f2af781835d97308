"""Timestamps that do not hold, and sources of time that contradict each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tallystick.note import Note, parse_note
from tests.core.timestamp.forge import holder
from tests.core.verify.mutate import flipped
from tests.core.verify.test_time import HOUR, LATE, timed
from tests.core.verify.test_timestamps import BAD, STRANGE, of_sizes, stamp
from tests.evidence_corpus.good import Worlds
from tests.evidence_corpus.shelf import Faults, change, made_so, members_of
from tests.world import START

AGAINST = {"time": "contradicted"}


def faults(worlds: Worlds) -> Faults:
    kit, honest = worlds.kit, worlds.honest["timestamp-of-an-authority"]
    for name, make in BAD.items():
        slug = "timestamp-token-" + name.replace(" ", "-")
        yield change(honest, slug, members_of(of_sizes(kit, make(kit))), 14)
    strange = of_sizes(kit, stamp(kit.log.note(), holder("below the strange root", STRANGE)))
    unknown = change(honest, "timestamp-token-of-an-unknown-authority", members_of(strange), None, "proved")
    yield replace(unknown, claims={"timestamp": "not_proved"})
    forked = replace(of_sizes(kit, stamp(kit.log.note(3))), consistency=kit.honest.consistency)
    yield change(honest, "timestamp-of-a-tree-that-is-not-shown-to-be-this-one", members_of(forked), 14)
    yield from _witnesses(worlds)


def _witnesses(worlds: Worlds) -> Faults:
    one, honest = worlds.timed, worlds.honest["time-by-a-witness"]
    head = parse_note(one.case.checkpoint)
    *lines, line = head.signatures
    spoilt = Note(head.text, (*lines, replace(line, signature=flipped(line.signature, 5)))).encode().encode()
    forged = change(honest, "cosignature-with-another-time", members_of(replace(one.case, checkpoint=spoilt)), 11)
    yield replace(forged, claims=AGAINST)
    for name, (seen, said, heads) in {
        "batches-dated-back-before-what-the-log-itself-holds": (LATE, START, {"w1": LATE + 60}),
        "batches-dated-after-a-witness-saw-them": (START + 60, START + 3 * HOUR, {"w1": START + HOUR}),
        "two-witnesses-that-cannot-both-be-right": (START + 2 * HOUR, START + 2 * HOUR, {"w2": START + HOUR}),
        "witness-whose-clock-went-back": (START + 2 * HOUR, START + 2 * HOUR, {"w1": START + HOUR}),
    }.items():
        made = timed(Path(worlds.folder) / name, seen, said, heads)
        yield made_so(name, made.scene, made.case, 11, **AGAINST)
