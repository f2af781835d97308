"""The map for those who ask: what it says of an identifier, and its root stated in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from api.services.errors import NotFound, Unavailable
from ledger.errors import LedgerError
from ledger.map.roots import MapRoots, MapView
from ledger.reader import PublishedLog
from tallystick.errors import MalformedInput, TallystickError
from tallystick.lazy_dataclass import dataclass
from tallystick.map import NAMED, OWN, MapProof, Relation
from tallystick.map.audit import Auditor, parse_auditor
from tallystick.merkle import prove_inclusion

PAUSE = 1.0
"""Seconds between two looks for something to cover."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What the map says of a text, under the root that the published entry at ``position`` states.

    ``entry``: that entry; ``path``: its inclusion in the tree of ``note``, the latest checkpoint.
    """

    text: str
    position: int
    size: int
    root: bytes
    entry: bytes
    path: tuple[bytes, ...]
    note: str
    proofs: dict[Relation, MapProof]
    audits: tuple[bytes, ...]


class MapService:
    """``roots``: ``None`` in a service that keeps no map: another one of those that share the log does."""

    def __init__(self, roots: MapRoots | None, published: PublishedLog) -> None:
        self._roots = roots
        self._published = published

    @contextmanager
    def open(self) -> Iterator[tuple[MapView, ...]]:
        """The roots under which something can be shown now, the newest of them over all that counts; often none.

        Raises ``Unavailable`` when the map cannot be read, or contradicts what the log states.
        """
        if self._roots is None:
            yield ()
            return
        try:
            self._roots.state(at_once=True)
        # What is stated already serves; why no more is stated is another's trouble.
        except (TallystickError, TimeoutError):
            _log.exception("the root of the map could not be stated")
        with ExitStack() as stack:
            try:
                views = stack.enter_context(self._roots.views())
            except LedgerError as error:
                raise Unavailable(str(error)) from None
            yield views

    @property
    def is_audited(self) -> bool:
        """Whether the operator keeps the words of somebody who replays the map."""
        return self._roots is not None and bool(self._roots.auditors)

    def answer(self, text: str, audited: bool = False, covers: int = 0) -> Answer:
        """Raises ``NotFound`` while no root is stated, or none that an auditor signed, of which the map holds the entry
        at ``covers``; ``Unavailable``.
        """
        if self._roots is None:
            raise NotFound("this service keeps no map", "ask the service that does")
        try:
            with self._roots.view(audited=audited) as view:
                if view is None:
                    raise NotFound("no root of the map is stated yet", "wait until one is; see docs/map.md")
                if view.size <= covers:
                    which = "newest root that an auditor signed" if audited else "newest root"
                    raise NotFound(
                        f"the {which} is of {view.size} entries: it does not cover the entry at position {covers}",
                        "ask again: a root is stated some time after an entry, and signed when an auditor looks",
                        "covers",
                    )
                return self._answer(view, text)
        except (LedgerError, TimeoutError) as error:
            raise Unavailable(str(error)) from None

    def _answer(self, view: MapView, text: str) -> Answer:
        head = self._published.checkpoint()
        size = head.checkpoint.size
        (entry,) = self._published.entries([view.position], size)
        path = prove_inclusion(self._published.nodes(size), view.position, size)
        proofs = {relation: view.prove(relation, text) for relation in (OWN, NAMED)}
        note = head.note.encode()
        return Answer(text, view.position, view.size, view.root, entry, tuple(path), note, proofs, view.audits)

    def take_audit(self, note: bytes) -> int:
        """Keep an auditor's word. Raises ``NotFound``, ``MalformedInput``, ``VerificationFailed``."""
        if self._roots is None:
            raise NotFound("this service keeps no map", "hand it to the service that does")
        return self._roots.take_audit(note)

    async def run(self) -> None:
        """State roots when they are due, for ever."""
        while self._roots is not None:
            await asyncio.sleep(PAUSE)
            try:
                await asyncio.to_thread(self._roots.state)
            except (TallystickError, TimeoutError):
                _log.exception("the root of the map could not be stated; trying again")

    def close(self) -> None:
        """Make what was worked out durable."""
        if self._roots is not None:
            self._roots.close()


def read_auditors(path: Path | None) -> tuple[Auditor, ...]:
    """Verifier keys, one a line; lines that begin with # say something to people. Raises ``MalformedInput``."""
    if path is None:
        return ()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedInput(f"TALLYSTICK_AUDITORS: {path}: {error}") from None
    try:
        return tuple(parse_auditor(line.strip()) for line in lines if line.strip() and not line.startswith("#"))
    except MalformedInput as error:
        raise MalformedInput(f"TALLYSTICK_AUDITORS: {path}: {error}; a line is a key that `monitor` printed") from None
