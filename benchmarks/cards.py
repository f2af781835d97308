"""Licence cards: drawn, signed with C2PA, read back and put on disk, on both cores; and by order, through the log."""

from __future__ import annotations

import functools
import io
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from api.orders.drawing import Made, Work, draw_all
from api.services.credential_files import CredentialFiles
from benchmarks.harness import Bench, Row
from credentials.card import LicenceCard, Said, render_card
from credentials.sign import _definition
from credentials.signer import ClaimSigner
from tallystick import c2pa
from tallystick.c2pa.reading import strict_context
from tallystick.identifiers import RANDOM_BYTES, Letter, new_identifier
from tests.api.desk import Desk, told
from tests.api.house import open_house
from tests.core.c2pa.kit import AT, PAYLOAD, SIGNED, manifest, world
from tests.credentials.test_documents import CARD

CORES = 2
TOGETHER = 50
"""Cards that are put on disk together, as orders do."""
ORDERED = 5
"""Times the cards of one run: licences of one order."""
SAMPLE = 10
"""Cards of each run that are judged, by the strict verdict."""


def benchmark(bench: Bench) -> Iterator[Row]:
    """Each process signs its share; starting them is not counted."""
    folder = bench.fresh("cards")
    share = max(1, bench.scale.cards // CORES)
    context = multiprocessing.get_context("spawn")
    with context.Pool(CORES, _begin, (world().signer.signing_chain_pem, _key_pem())) as pool:
        pool.map(_warm_up, [str(folder)] * CORES, chunksize=1)
        rates, peers, spent = list[float](), list[float](), list[float]()
        for _ in range(bench.scale.repeats):
            given = [(str(folder), number, share) for number in range(CORES)]
            took, used = _timed(pool, _issue, given)
            rates.append(CORES * share / took)
            spent.append(used / share / CORES)
            peers.append(CORES * share / _timed(pool, _peer, given)[0])
    middle = len(rates) // 2
    judged = _judge(sorted(one for one in folder.glob("*/*") if one.is_file()))
    yield Row(
        "licence cards, two cores",
        sorted(rates)[middle],
        "cards/s",
        {"c2pa-python, the same picture drawn before": sorted(peers)[middle]},
        f"PNG, C2PA, each read back, on disk; {judged} judged trusted",
    )
    yield Row("processor time of one card", sorted(spent)[middle] * 1e3, "ms", note="drawn, signed, read back")
    yield Row("drawing one card", _drawing(bench) * 1e3, "ms", note="processor time; lines that cards share are kept")
    yield from _ordered(bench)


def _key_pem() -> bytes:
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return world().signer.key.private_bytes(serialization.Encoding.PEM, *form)


def _begin(chain: bytes, key: bytes) -> None:
    """In each process: the same signer."""
    _keys.update(chain=chain, key=key)


_keys: dict[str, bytes] = {}


@functools.cache
def _signer() -> ClaimSigner:
    private: Any = serialization.load_pem_private_key(_keys["key"], None)
    return ClaimSigner.from_key(_keys["chain"], private)


@functools.cache
def _native() -> Any:
    import c2pa as engine

    info = engine.C2paSignerInfo(engine.C2paSigningAlg.ES256, _keys["chain"], _keys["key"], None)
    return engine.Signer.from_info(info)


Given = tuple[str, int, int]


def _timed(pool: Pool, work: Callable[[Given], float], given: list[Given]) -> tuple[float, float]:
    """Seconds by the clock, and of processor time."""
    began = time.perf_counter()
    spent = pool.map(work, given, chunksize=1)
    return time.perf_counter() - began, sum(spent)


def _warm_up(folder: str) -> None:
    _issue((folder, -1, 1))
    _peer((folder, -1, 1))
    time.sleep(0.2)


def _issue(given: tuple[str, int, int]) -> float:
    """Seconds of processor time."""
    folder, number, count = given
    began = time.process_time()
    [asset] = manifest().ingredients
    said = Said(PAYLOAD, asset, SIGNED)
    kept = CredentialFiles(Path(folder) / f"{os.getpid()}-{number}-{time.monotonic_ns()}")
    for at in range(0, count, TOGETHER):
        works = [Work(_card(), said, None, kept.work_path()) for _ in range(min(TOGETHER, count - at))]
        made = [one for one in draw_all(_signer(), {}, works) if isinstance(one, Made)]
        if len(made) < len(works):
            raise RuntimeError("cards were not made")
        kept.keep_all([(one.out, one.digests.sha256) for one in made])
    return time.process_time() - began


def _drawing(bench: Bench) -> float:
    """Seconds of processor time."""
    count = max(4, bench.scale.cards)
    cards = [_card() for _ in range(count + 2)]
    for card in cards[count:]:
        render_card(card)
    began = time.process_time()
    for card in cards[:count]:
        render_card(card)
    return (time.process_time() - began) / count


def _card() -> LicenceCard:
    """What differs between the cards of one order: the licence, its status, its place in the log, the code."""
    licence = str(new_identifier(Letter.LICENCE, os.urandom(RANDOM_BYTES)))
    number = int.from_bytes(os.urandom(2))
    status, log = f"ledger.example/log/status/1#{number}", f"ledger.example/log #{number * 7}"
    return replace(CARD, licence=licence, status=status, log=log, qr=f"{licence} {os.urandom(32).hex()}")


def _peer(given: tuple[str, int, int]) -> float:
    """c2pa-python with the same key: builds and signs in memory; draws nothing, reads nothing back, writes nothing."""
    import c2pa as engine

    _, _, count = given
    began = time.process_time()
    picture = render_card(CARD)
    definition = json.dumps(_definition(manifest(ingredients=()), "image/png", parent=False))
    for _ in range(count):
        builder = engine.Builder(definition, context=strict_context())
        builder.sign(_native(), "image/png", io.BytesIO(picture), io.BytesIO())
    return time.process_time() - began


def _judge(cards: list[Path]) -> int:
    """How many of a sample are trusted. Raises where one is not."""
    sample = cards[:: max(1, len(cards) // SAMPLE)]
    for card in sample:
        c2pa.judge(c2pa.read(card, "image/png"), world().roots, AT)
    return len(sample)


def _ordered(bench: Bench) -> Iterator[Row]:
    """From the request until the last card is logged: grants, checkpoints, proofs, cards, entries.

    Before, an order of a few; the hands for the other cores are started within what is measured.
    """
    count = bench.scale.cards * ORDERED
    with open_house(bench.fresh("orders"), int(datetime.now(UTC).timestamp())) as house:
        desk = Desk(house, house.party("studio"), house.party("licensee"))
        object_id, data = desk.picture()
        grant = {"object": object_id, "terms": desk.terms(object_id, data), "holder": desk.licensee.id}
        told(desk.studio.post("/v1/licences/orders", {"order": "warm", "grants": [grant] * 4 * CORES}), 202)
        _wait(desk, "warm")
        began, used, client = time.perf_counter(), _processor_time(), time.thread_time()
        told(desk.studio.post("/v1/licences/orders", {"order": "large", "grants": [grant] * count}), 202)
        found = _wait(desk, "large")
        took, used, client = time.perf_counter() - began, _processor_time() - used, time.thread_time() - client
        if found["issued"] != count:
            raise RuntimeError(f"the order came to {found}")
    yield Row("licences ordered, granted, carded and logged", count / took, "licences/s", note=f"one order of {count}")
    yield Row(
        "processor time of one ordered licence",
        used / count * 1e3,
        "ms",
        note=f"service, hands and client, whose own thread took {client / count * 1e3:.2f}",
    )


def _processor_time() -> float:
    """Seconds, of this process and of those that it started and that still run."""
    ticks, mine = os.sysconf("SC_CLK_TCK"), time.process_time()
    for name in Path("/proc").iterdir() if Path("/proc/self/stat").exists() else ():
        with suppress(OSError):
            told_of = (name / "stat").read_text().rpartition(")")[2].split() if name.name.isdecimal() else []
            if told_of and int(told_of[1]) == os.getpid():
                mine += (int(told_of[11]) + int(told_of[12])) / ticks
    return mine


def _wait(desk: Desk, name: str) -> dict[str, int]:
    while (found := told(desk.studio.get(f"/v1/licences/orders/{name}"), 200))["state"] != "done":
        time.sleep(0.1)
    return found
