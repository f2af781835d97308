"""The service over HTTP: batches and single events, each durable when answered; each run ends with `fsck`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from api.batches.sodium import confirmed, quick
from api.crew.pool import cores
from benchmarks import http_load
from benchmarks.harness import Bench, Row, seconds
from benchmarks.http_load import Service
from benchmarks.machine import resident
from benchmarks.marks import EVENTS, MB, MS
from benchmarks.peers import echo, limits
from ledger.folder import Folder
from ledger.upkeep.fsck import fsck
from tallystick.keys import Algorithm, LocalSigner

EVENTS_PATH, STATEMENTS_PATH = "/v1/events/batch", "/v1/statements/batch"
CLIENTS = (1, 16, 128)
ONE = (0,)
"""The core that a service is held to."""
FLOOR = "that, unique inserts, hashes and JSON, bare, one core"


@contextmanager
def serving(
    bench: Bench, service: Algorithm = "es256", party: Algorithm = "es256", cores: Sequence[int] = ()
) -> Iterator[Service]:
    """A service on a fresh folder; when it has stopped, everything that it wrote is recomputed."""
    folder = bench.fresh("service")
    bench.warm()
    with http_load.start(folder, service, party, cores) as running:
        if bench.scale.name != "tiny":
            http_load.until_anchored(running)
        yield running
    check(folder)


def check(folder: Path) -> None:
    """Raises unless ``fsck`` finds every byte in order."""
    found = fsck(Folder(folder / "log"))
    if found.findings:
        raise RuntimeError(f"fsck after the run: {found.findings[0]}")


def benchmark(bench: Bench) -> Iterator[Row]:
    """Batches by who signs with what, then one event at a time."""
    yield from _batches_signed_by_the_service(bench)
    yield from _batches_signed_by_the_party(bench)
    yield from _singles(bench)


def _batches_signed_by_the_service(bench: Bench) -> Iterator[Row]:
    kinds: tuple[tuple[str, Algorithm, tuple[int, ...]], ...] = (
        ("HTTP batches, service signs ES256, one core", "es256", ONE),
        ("HTTP batches, service signs ES256, two cores", "es256", ()),
        ("HTTP batches, service signs Ed25519", "ed25519", ()),
    )
    for name, alg, held in kinds[: bench.scale.kinds]:
        rate = bench.median(partial(_drafts_rate, bench, alg, held))
        bodies = [http_load.draft_batch(bench.scale.per_batch) for _ in range(bench.scale.batches)]
        floor = _floor(bench, bodies, "events", sign := partial(quick(_signer(alg)).sign, bytes(600)))
        yield Row(name, rate, EVENTS, {"bare signing": 1 / bench.each(sign), FLOOR: floor})


def _batches_signed_by_the_party(bench: Bench) -> Iterator[Row]:
    kinds: tuple[tuple[str, Algorithm], ...] = (
        ("HTTP batches, party signs ES256, one core", "es256"),
        ("HTTP batches, party signs Ed25519, one core", "ed25519"),
    )
    for name, alg in kinds[: bench.scale.kinds]:
        bodies: list[bytes] = []
        rate = bench.median(partial(_statements_rate, bench, alg, bodies))
        verify = _verification(alg)
        floor = _floor(bench, bodies, "statements", verify)
        yield Row(name, rate, EVENTS, {"bare verification": 1 / bench.each(verify), FLOOR: floor})


def _drafts_rate(bench: Bench, alg: Algorithm, held: Sequence[int]) -> float:
    """Of a service of its own, which signs with ``alg``."""
    with serving(bench, alg, cores=held) as service:
        make = partial(http_load.draft_batch, bench.scale.per_batch)
        return _rate(bench, service, EVENTS_PATH, lambda _: make(), connections(held))


def _statements_rate(bench: Bench, alg: Algorithm, bodies: list[bytes]) -> float:
    """Of a service of its own, for a party that signs with ``alg``; ``bodies`` becomes some like those it was sent."""
    with serving(bench, party=alg, cores=ONE) as service:
        make = partial(http_load.statement_batch, size=bench.scale.per_batch)
        bodies[:] = [make(service) for _ in range(bench.scale.batches)]
        return _rate(bench, service, STATEMENTS_PATH, make, connections(ONE))


def connections(held: Sequence[int]) -> int:
    """That send batches: one for each core that the service may use, and one whose batch is on its way meanwhile."""
    return (len(held) or cores()) + 1


def _verification(alg: Algorithm) -> Callable[[], object]:
    """Of one signature, as batches do it."""
    signer, message = _signer(alg), bytes(600)
    signature = signer.sign(message)
    if alg == "ed25519":
        return partial(confirmed, signer.public.raw, message, signature)
    return partial(signer.public.verify, message, signature)


def _floor(bench: Bench, bodies: Sequence[bytes], name: str, sign: Callable[[], object]) -> float:
    """Items a second by what each takes whoever serves it, on one core; see ``limits.bare_batches``."""
    took = bench.median(lambda: seconds(lambda: limits.bare_batches(bench.fresh("floor"), bodies, name, sign)))
    return len(bodies) * bench.scale.per_batch / took


def _rate(bench: Bench, service: Service, path: str, make: Callable[[Service], bytes], clients: int) -> float:
    """Events a second, the first batches not counted: they warm the process up."""
    bodies = [make(service) for _ in range(bench.scale.batches + 2)]
    http_load.batches(service, path, bodies[:2])
    return http_load.batches(service, path, bodies[2:], clients).per_second


_SIGNERS: dict[Algorithm, LocalSigner] = {}


def _signer(alg: Algorithm) -> LocalSigner:
    if alg not in _SIGNERS:
        _SIGNERS[alg] = LocalSigner.generate(alg)
    return _SIGNERS[alg]


def _singles(bench: Bench) -> Iterator[Row]:
    with echo.serving() as peer:
        echoed = {clients: http_load.singles(peer, clients, bench.scale.seconds) for clients in CLIENTS}
    with serving(bench) as service:
        for clients in CLIENTS:
            name = f"HTTP single events, {clients} client{'s' if clients > 1 else ''}"
            rate, bare = http_load.singles(service, clients, bench.scale.seconds), echoed[clients]
            yield Row(name, rate.per_second, EVENTS, {"FastAPI echo": bare.per_second})
            yield Row(f"{name}, p50", rate.p50 * 1e3, MS, {"FastAPI echo": bare.p50 * 1e3})
            yield Row(f"{name}, p99", rate.p99 * 1e3, MS, {"FastAPI echo": bare.p99 * 1e3})
        yield from _receipts(bench, service)
        yield Row("resident memory of the service after the HTTP load", resident(service.pid) / 1e6, MB)


def _receipts(bench: Bench, service: Service) -> Iterator[Row]:
    """While single events come in from 128 clients."""
    alone = http_load.receipts(service, bench.scale.receipts)
    yield Row("receipt in a published checkpoint, p50 at rest", alone.p50 * 1e3, MS)
    load = threading.Thread(target=http_load.singles, args=(service, CLIENTS[-1], bench.scale.seconds + 1))
    load.start()
    loaded = http_load.receipts(service, bench.scale.receipts // 2 or 1)
    load.join()
    yield Row("receipt in a published checkpoint, p50 at full load", loaded.p50 * 1e3, MS)
