"""Licence cards: a picture is drawn and signed with C2PA, on both cores."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Bench, Row
from credentials.card import Said, issue_card, render_card
from tests.core.c2pa.kit import PAYLOAD, SIGNED, claim_signer, manifest
from tests.credentials.test_documents import CARD

CORES = 2


def benchmark(bench: Bench) -> Iterator[Row]:
    """Each process signs its share; starting them is not counted."""
    folder = bench.fresh("cards")
    share = max(1, bench.scale.cards // CORES)
    context = multiprocessing.get_context("spawn")
    with context.Pool(CORES) as pool:
        pool.map(_warm_up, [str(folder)] * CORES, chunksize=1)
        began = time.perf_counter()
        spent = pool.map(_issue, [(str(folder), number, share) for number in range(CORES)], chunksize=1)
        took = time.perf_counter() - began
    yield Row("licence cards, two cores", CORES * share / took, "cards/s", note="PNG, C2PA, each read back")
    yield Row("processor time of one card", sum(spent) / CORES / share * 1e3, "ms", note="drawn, signed, read back")
    render_card(CARD)
    began = time.process_time()
    render_card(CARD)
    yield Row("drawing one card", (time.process_time() - began) * 1e3, "ms", note="processor time; letters are kept")


def _warm_up(folder: str) -> None:
    _issue((folder, -1, 1))
    time.sleep(0.2)


def _issue(given: tuple[str, int, int]) -> float:
    """Seconds of processor time."""
    folder, number, count = given
    began = time.process_time()
    [asset] = manifest().ingredients
    for at in range(count):
        out = Path(folder) / f"{os.getpid()}-{number}-{at}.png"
        issue_card(claim_signer(), CARD, Said(PAYLOAD, asset, SIGNED), out)
    return time.process_time() - began
