"""Orders of many licences: each is granted in the log, then its card is made, kept and logged; again after a crash.

Every step is safe to repeat. A grant and the entry of its card have event ids that follow from the order, and the log
takes an event id once: whatever the book had no time to write down, the log knows.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from api.accounts import Account
from api.orders.book import Item, Order, OrderBook
from api.orders.drawing import Made, Outcome, Work
from api.orders.hands import Hands
from api.problems import Problem, problem_of
from api.services.drafts import Draft
from api.services.errors import NotFound, ServiceError, Unavailable
from api.services.issuing import Issuer, digest_of_file
from api.services.licence_files import LicenceFiles
from api.services.licences import GrantRequest, LicenceService
from api.services.submission import Recorded
from api.services.voices import require_scope
from tallystick import canonical
from tallystick.digests import DigestPair
from tallystick.errors import TallystickError
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import FieldError, write
from tallystick.statement import parse_statement
from tallystick.tree_head import SignedCheckpoint

MAX_ITEMS = 10_000
"""Licences of one order."""
PIECE = 50
"""Licences that are granted, made and logged together."""
SMALL = 10
"""The first and the last pieces of an order are as small: hands begin soon, and end at the same time."""
LANES = 4
"""Pieces at once: while cards of two are made on two cores, another is granted and a fourth is logged."""
PAUSE, LONGEST = 1.0, 60.0
"""Seconds before a piece is tried again that came to nothing through no fault of its own: twice as many each time."""
TRIES = 8
"""Of a piece that comes to nothing through a fault of ours. Then each of its licences is tried alone, once more."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far an order is. ``granted``: licences that stand in the log; ``issued``: with a card.

    ``trouble``: why it waits, if it does; it goes on by itself.
    """

    order: str
    total: int
    granted: int
    issued: int
    refused: int
    accepted: int
    trouble: str | None = None

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.issued + self.refused == self.total


class _Waits(Exception):
    """It is tried again. The words are for whoever ordered.

    ``fault``: ours, and maybe for good; else what is waited for comes some time, as a quorum of witnesses does.
    """

    def __init__(self, problem: str, fault: bool) -> None:
        super().__init__(problem)
        self.fault = fault


class LicenceOrders:
    """Takes orders, and works them off beside the requests."""

    def __init__(
        self,
        book: OrderBook,
        hands: Hands,
        issuer: Issuer,
        licences: LicenceService,
        files: LicenceFiles,
        clock: Callable[[], int],
    ) -> None:
        self._book, self._hands, self._issuer = book, hands, issuer
        self._licences, self._files, self._clock = licences, files, clock
        self.large = asyncio.Semaphore(1)
        """Held by whoever decodes a large order."""
        self._drawing = asyncio.Semaphore(hands.count)
        self._busy: set[tuple[int, int]] = set()
        self._served: dict[str, int] = {}
        """By party: when a piece of it was begun last, counted in pieces."""
        self._begun = 0
        self._wake = asyncio.Event()
        self._trouble: dict[int, str] = {}
        self._tries: dict[tuple[int, int], int] = {}
        """By order and the first number of a piece: how often it came to nothing."""

    # --- for accounts ----------------------------------------------------------------

    async def accept(
        self, account: Account, name: str, grants: Iterable[Mapping[str, Any]], disclose: Sequence[str] | None
    ) -> tuple[Progress, bool]:
        """Take an order; whether it is new. On disk when this returns. Raises ``FieldError``, ``ServiceError``.

        ``grants`` are looked at one after another, beside the event loop, and none is held.
        """
        require_scope(account, "submit")
        order, new = await asyncio.to_thread(self._written, account, name, grants, disclose)
        self._wake.set()
        return await asyncio.to_thread(self._progress, order), new

    def _written(
        self, account: Account, name: str, grants: Iterable[Mapping[str, Any]], disclose: Sequence[str] | None
    ) -> tuple[Order, bool]:
        self._book.require_room(account.party, name)
        texts = list(_checked(grants))
        digest = _digest(texts, disclose)
        shown = None if disclose is None else tuple(disclose)
        asked = Order(0, account.party, name, digest, account.scopes, shown, len(texts), self._clock())
        order, new = self._book.accept(asked, texts)
        if order.digest != digest:
            problem, hint = f"the order {name!r} was given before, for other licences", "choose a new id for this one"
            raise ServiceError("conflict", problem, hint, "order")
        if not new:
            self._book.resume(order)
        return order, new

    def progress(self, account: Account, name: str) -> Progress:
        """Of an order of the account's party. Raises ``NotFound``."""
        return self._progress(self._find(account, name))

    def items(self, account: Account, name: str, first: int, limit: int) -> list[Item]:
        """Of an order of the account's party, from number ``first`` on. Raises ``NotFound``."""
        return self._book.items(self._find(account, name), first, limit)

    def _find(self, account: Account, name: str) -> Order:
        order = self._book.find(account.party, name)
        if order is None:
            raise NotFound(f"{account.party} has given no order {name[:64]!r}", "give the order first", "order")
        return order

    def _progress(self, order: Order) -> Progress:
        counts = self._book.counts(order)
        granted = counts["granted"] + counts["issued"]
        trouble = self._trouble.get(order.id)
        return Progress(order.name, order.total, granted, counts["issued"], counts["refused"], order.accepted, trouble)

    # --- work --------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of everything; what was begun goes on at the next start."""
        self._hands.close()
        self._book.close()

    async def run(self) -> None:
        """Work off what there is, for as long as the service runs."""
        async with asyncio.TaskGroup() as lanes:
            for _ in range(LANES):
                lanes.create_task(self._lane())

    async def _lane(self) -> None:
        while True:
            self._wake.clear()
            if not await self.work_piece():
                await self._wake.wait()

    async def work_piece(self) -> bool:
        """One piece of the oldest order of the party whose turn it is; whether there was one."""
        # Beside the event loop: taking and marking must not be divided between lanes.
        try:
            # What is under way is small at the beginning, so that no hand waits long for its first.
            most = min(PIECE, SMALL + len(self._busy))
            found = self._book.next_piece(min(SMALL, most), most, self._hands.count, self._busy, self._served)
        except Exception:
            # One lane that ends would end them all.
            _log.exception("the next piece of an order could not be looked up; trying again")
            await asyncio.sleep(PAUSE)
            return True
        if found is None:
            if not self._busy:
                self._tries.clear()
            return False
        order, items = found
        self._begun += 1
        self._served[order.party] = self._begun
        mine = {(order.id, item.n) for item in items}
        self._busy |= mine
        try:
            await self._work(order, items)
            self._trouble.pop(order.id, None)
            self._tries.pop((order.id, items[0].n), None)
        except Exception as error:
            await self._wait_after(order, items, error)
        finally:
            self._busy -= mine
            self._wake.set()
        return True

    async def _wait_after(self, order: Order, items: Sequence[Item], error: Exception) -> None:
        """Before the piece is tried again; with what failed too often, an end is made. Raises nothing: no lane ends."""
        if not isinstance(error, _Waits | Unavailable):
            _log.error("a piece of order %s of %s came to nothing", order.name, order.party, exc_info=error)
        known = isinstance(error, _Waits | TallystickError)
        self._trouble[order.id] = str(error) if known else "something went wrong in the service"
        piece = order.id, items[0].n
        # Waiting for what comes some time is no fault, and brings no end nearer.
        tries = self._tries[piece] = self._tries.get(piece, 0) + _is_fault(error)
        if tries < TRIES:
            await asyncio.sleep(min(LONGEST, PAUSE * 2 ** max(0, tries - 1)))
            return
        del self._tries[piece]
        try:
            await self._end(order, items)
        except Exception:
            _log.exception("an end of a piece of order %s of %s could not be written down", order.name, order.party)
            await asyncio.sleep(LONGEST)

    async def _end(self, order: Order, items: Sequence[Item]) -> None:
        """Each licence alone, so that one that cannot be made holds up no other; what fails again is stated so."""
        for item in items:
            try:
                (now,) = await asyncio.to_thread(self._book.items, order, item.n, 1)
                if now.state in ("waiting", "granted"):
                    await self._work(order, [now])
            except Exception as error:
                if not _is_fault(error):
                    return  # all of it waits again
                hint = "give the same order again, under the same id, when the operator has seen to it"
                told = Problem(500, "internal", problem_of(error).detail, hint=hint)
                await asyncio.to_thread(self._book.failed, order, item.n, told.body())
        self._trouble.pop(order.id, None)

    async def _work(self, order: Order, items: Sequence[Item]) -> None:
        account = Account("order", order.party, order.scopes)
        licences = {item.n: item.licence for item in items if item.licence is not None}
        licences |= await self._grant(order, account, [item for item in items if item.licence is None])
        made = {item.n: item.made for item in items}
        logged = await asyncio.to_thread(self._logged_before, order, licences)
        kept = {n: (licence, made[n]) for n, licence in licences.items() if n not in logged}
        ready = await asyncio.to_thread(self._kept_before, kept)
        left = {n: licence for n, licence in licences.items() if n not in logged and n not in ready}
        if left:
            ready |= await self._make(order, account, left)
        if ready:
            logged |= await self._issue(order, licences, ready)
        await asyncio.to_thread(self._book.issued, order, [(n, *one) for n, one in logged.items()])

    async def _grant(self, order: Order, account: Account, items: Sequence[Item]) -> dict[int, str]:
        """Licences by number, of those that were granted."""
        if not items:
            return {}
        requests = [_request(order, item) for item in items]
        results = await self._licences.grant_all(account, requests)
        granted, refused = {}, {}
        for item, result in zip(items, results, strict=True):
            if isinstance(result, Recorded):
                granted[item.n] = result
            elif (problem := _refusal(result)) is not None:
                refused[item.n] = problem
        entered = [(n, one.subject, one.position) for n, one in granted.items()]
        await asyncio.to_thread(self._book.granted, order, entered)
        await asyncio.to_thread(self._book.refused, order, list(refused.items()))
        if len(granted) + len(refused) < len(items):
            raise _Waits("the log could not take all of it just now", _any_fault(results))
        return {n: one.subject for n, one in granted.items()}

    def _logged_before(self, order: Order, licences: Mapping[int, str]) -> dict[int, tuple[str, int, int]]:
        """Digest, size and position of cards that the log has already."""
        service, found = self._issuer.voices.service, {}
        with self._issuer.log.store.snapshot() as reads:
            asked = [(service, _card_id(order, n)) for n in licences]
            known = reads.positions_of_events(asked)
            for n in licences:
                record = (
                    reads.record(known[service, _card_id(order, n)]) if (service, _card_id(order, n)) in known else None
                )
                if record is not None:
                    body: Any = parse_statement(record.entry).event.body
                    found[n] = (body.file.sha256, body.size, record.position)
        return found

    def _kept_before(self, made: Mapping[int, tuple[str, str | None]]) -> dict[int, tuple[DigestPair, int]]:
        """Cards that are kept and were not logged yet, by licence and SHA-256.

        One that shows what was erased since is forgotten, and so is one that is not what was made: it is made again.
        """
        cards = {n: (licence, sha256) for n, (licence, sha256) in made.items() if sha256 is not None}
        self._issuer.erased.remove_shown(cards.values())
        found = {}
        for n, (_, sha256) in cards.items():
            if (path := self._issuer.files.find(sha256)) is None:
                continue
            kept = digest_of_file(path)
            if kept[0].sha256 == sha256:
                found[n] = kept
            else:
                _log.error("the kept card %s was changed on disk: it is made again", sha256)
                self._issuer.files.remove(sha256)
        return found

    async def _make(
        self, order: Order, account: Account, licences: Mapping[int, str]
    ) -> dict[int, tuple[DigestPair, int]]:
        """Make and keep cards of these licences; what is wrong with one is its own trouble."""
        head = await self._issuer.publish_witnessed()
        works, refused = await asyncio.to_thread(self._works, order, account, licences, head)
        async with self._drawing:
            outcomes = await self._draw(list(works.values())) if works else []
        drawn = dict(zip(works, outcomes, strict=True))
        for n, outcome in drawn.items():
            if isinstance(outcome, str):
                hint = "the licence stands; have its card made with other terms"
                refused[n] = Problem(422, "malformed", outcome, hint=hint).body()
        await asyncio.to_thread(self._book.refused, order, list(refused.items()))
        return await asyncio.to_thread(self._keep, order, drawn)

    async def _draw(self, works: list[Work]) -> list[Outcome]:
        try:
            return await asyncio.to_thread(self._hands.draw, works)
        except Unavailable as error:
            # Hands died of it, twice: maybe of one of these cards.
            raise _Waits(str(error), fault=True) from error

    def _works(
        self, order: Order, account: Account, licences: Mapping[int, str], head: SignedCheckpoint
    ) -> tuple[dict[int, Work], dict[int, Mapping[str, Any]]]:
        works: dict[int, Work] = {}
        refused: dict[int, Mapping[str, Any]] = {}
        found = self._files.card_works(account, list(licences.values()), order.disclose, head)
        for n, one in zip(licences, found, strict=True):
            if isinstance(one, Work):
                works[n] = one
            elif (problem := _refusal(one)) is not None:
                refused[n] = problem
            else:
                raise one
        return works, refused

    def _keep(self, order: Order, drawn: Mapping[int, Outcome]) -> dict[int, tuple[DigestPair, int]]:
        """Written down before they are kept: no file stays that nobody remembers."""
        cards = {n: one for n, one in drawn.items() if isinstance(one, Made)}
        self._book.made(order, [(n, one.digests.sha256) for n, one in cards.items()])
        self._issuer.files.keep_all([(one.out, one.digests.sha256) for one in cards.values()])
        return {n: (one.digests, one.size) for n, one in cards.items()}

    async def _issue(
        self, order: Order, licences: Mapping[int, str], cards: Mapping[int, tuple[DigestPair, int]]
    ) -> dict[int, tuple[str, int, int]]:
        drafts = [_card_draft(order, n, licences[n], *one) for n, one in cards.items()]
        results = await self._issuer.submission.record(self._issuer.voices.of_service(), drafts)
        logged, refused = {}, {}
        for (n, (pair, size)), result in zip(cards.items(), results, strict=True):
            if isinstance(result, Recorded):
                logged[n] = (pair.sha256, size, result.position)
            elif (problem := _refusal(result)) is not None:
                refused[n] = problem
                self._issuer.files.remove(pair.sha256)
        await asyncio.to_thread(self._issuer.erased.remove_shown, [(licences[n], one[0]) for n, one in logged.items()])
        await asyncio.to_thread(self._book.refused, order, list(refused.items()))
        if len(logged) + len(refused) < len(cards):
            await asyncio.to_thread(self._book.issued, order, [(n, *one) for n, one in logged.items()])
            raise _Waits("the log could not take all cards just now", _any_fault(results))
        return logged


def _checked(grants: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Each as canonical JSON; what can be said of an order as a whole is looked at. Raises ``FieldError``."""
    named: dict[str, dict[str, int]] = {"licence": {}, "event_id": {}}
    parents: dict[int, str] = {}
    for n, grant in enumerate(grants):
        for name, seen in named.items():
            value = grant.get(name)
            if value is not None and seen.setdefault(value, n) != n:
                raise FieldError(f"grants[{n}].{name}", f"grants[{seen[value]}] has the same")
        if grant.get("parent") is not None:
            parents[n] = grant["parent"]
        yield canonical.encode(dict(grant))
    for n, parent in parents.items():
        if parent in named["licence"]:
            problem = "a sublicence is compared with a parent that stands in the log: order it when that is granted"
            raise FieldError(f"grants[{n}].parent", problem)


def _digest(texts: Sequence[bytes], disclose: Sequence[str] | None) -> str:
    """SHA-256 of what was ordered: of ``{"disclose": ..., "grants": [...]}`` in canonical JSON."""
    hasher = hashlib.sha256(b'{"disclose":' + canonical.encode(None if disclose is None else list(disclose)))
    hasher.update(b',"grants":[')
    for n, text in enumerate(texts):
        hasher.update(b"," + text if n else text)
    hasher.update(b"]}")
    return hasher.hexdigest()


def _refusal(error: Exception) -> dict[str, Any] | None:
    """Why an item comes to nothing; ``None`` where it may come to something later."""
    problem = problem_of(error)
    return None if problem.status >= 500 else problem.body()


def _is_fault(error: Exception) -> bool:
    """Ours, and maybe for good: an answer of 503 says that it goes by."""
    return error.fault if isinstance(error, _Waits) else problem_of(error).status != 503


def _any_fault(results: Sequence[Recorded | Exception]) -> bool:
    return any(isinstance(one, Exception) and problem_of(one).status >= 500 and _is_fault(one) for one in results)


def _mark(order: Order) -> str:
    """Says nothing, and is nobody else's."""
    return hashlib.sha256(canonical.encode([order.party, order.name])).hexdigest()[:40]


def _card_id(order: Order, n: int) -> str:
    return f"order-{_mark(order)}-{n}"


def _request(order: Order, item: Item) -> GrantRequest:
    asked = dict(item.request or {})
    asked["event_id"] = asked.get("event_id") or f"order-{_mark(order)}-{item.n}"
    return GrantRequest(**asked)


def _card_draft(order: Order, n: int, licence: str, pair: DigestPair, size: int) -> Draft:
    body = {"form": "c2pa", "purpose": "card", "media_type": "image/png", "file": write(pair), "size": size}
    return Draft(type="credential.issue", subject=licence, event_id=_card_id(order, n), body=body)
