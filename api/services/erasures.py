"""Erasure beyond the vault: signed files that show an erased value go too. They can be made again, without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from api.services.credential_files import CredentialFiles
from api.services.gathering import kept_records, records_of
from ledger.log import Log
from ledger.store import Reads, Search
from ledger.upkeep.erasing import ERASURE, erasures
from tallystick.c2pa.containers import locate
from tallystick.c2pa.jumbf import parse_store
from tallystick.c2pa.reading import opened
from tallystick.c2pa.refusal import CredentialRefused
from tallystick.c2pa.updates import read_manifests
from tallystick.c2pa.verdict import LICENCE, payload
from tallystick.commitments import parse_disclosure
from tallystick.errors import MalformedInput
from tallystick.identifiers import Identifier, Letter, letter_of
from tallystick.licence.credential import decode_credential
from tallystick.statement import parse_statement

_SHOWN_BY = ("licence.grant", "certificate.issue")
_SIGNED = (Letter.LICENCE, Letter.CERTIFICATE)
_CARD = "image/png"


class ErasedFiles:
    """Removes the kept files of a licence or certificate that show a value which was erased.

    A card is opened: it goes if it discloses what is not kept any more, whenever it was logged. A certificate that was
    logged before the erasure goes unread. The log's erasures are the list of what to do: what a crash left undone, the
    next start does. What was done since the start is not done again for each erasure that follows: a party may have
    said thousands.
    """

    def __init__(self, log: Log, files: CredentialFiles, scrub: Callable[[], None] = lambda: None) -> None:
        """``scrub``: makes what else held the values forget what it has deleted of them."""
        self._log = log
        self._files = files
        self._scrub = scrub
        self._swept = -1

    def sweep(self) -> None:
        """Remove what has to be gone as of now. Each subject is looked at once, however often it was erased."""
        self._scrub()
        with self._log.store.snapshot() as reads:
            swept, last = self._swept, dict[str, int]()
            for swept, erasure in erasures(reads, self._swept):
                erased = reads.record(erasure.position)
                if erased is not None:
                    last[erased.subject] = swept
            for subject, position in _concerned(reads, last).items():
                for record in kept_records(reads, subject):
                    sha256 = parse_statement(record.entry).event.body.file.sha256
                    # Who has something of an object erased takes no card from others that does not show it.
                    is_old = record.position < position and letter_of(Identifier(subject)) is Letter.CERTIFICATE
                    if is_old or self._shows_erased(reads, subject, sha256):
                        self._files.remove(sha256)
        self._swept = max(self._swept, swept)

    def remove_shown(self, logged: Iterable[tuple[str, str]]) -> None:
        """Remove those of these files that show what was erased while they were made: subject, SHA-256.

        Called once they stand in the log: the sweep of an erasure that comes later finds them there.
        """
        with self._log.store.snapshot() as reads:
            for subject, sha256 in logged:
                if self._shows_erased(reads, subject, sha256):
                    self._files.remove(sha256)

    def find(self, reads: Reads, subject: str, sha256: str) -> Path | None:
        """A kept file, unless it shows what was erased."""
        return None if self._shows_erased(reads, subject, sha256) else self._files.find(sha256)

    def find_all(self, asked: Iterable[tuple[str, str]]) -> list[Path | None]:
        """As ``find``, of many as they stand now: subject, SHA-256."""
        with self._log.store.snapshot() as reads:
            return [self.find(reads, subject, sha256) for subject, sha256 in asked]

    def _shows_erased(self, reads: Reads, subject: str, sha256: str) -> bool:
        """Whether a kept file shows a value that the vault no longer has; of one that cannot be read, yes."""
        path = self._files.find(sha256)
        if path is None:
            return False
        if letter_of(Identifier(subject)) is Letter.CERTIFICATE:
            # It shows all of the certificate's values, whenever it is made.
            return any(record.subject == subject for record in records_of(reads, subject=subject, type=ERASURE))
        granted = next(records_of(reads, subject=subject, type="licence.grant", page=1))
        if not reads.search(Search(type=ERASURE, after=granted.position, limit=1)):
            return False  # what was erased before was never in it
        try:
            shown = _disclosed(path)
        except FileNotFoundError:
            return True  # somebody else was quicker
        return shown is None or any(name not in reads.disclosures(position) for position, name in shown)


@lru_cache(maxsize=4096)
def _disclosed(card: Path) -> frozenset[tuple[int, str]] | None:
    """Entry and name of each private value that a card shows; ``None`` where it cannot be read. A kept file is final.

    The picture shows nothing private but what its credential discloses.
    """
    try:
        with opened(card) as (stream, size):
            store = locate(stream, size, _CARD).store
        found = None if store is None else payload(read_manifests(parse_store(store))[-1], LICENCE)
        disclosures = {} if found is None else decode_credential(found).disclosures
    except (MalformedInput, CredentialRefused):
        return None
    shown = ((int(at), parse_disclosure(text).name) for at, texts in disclosures.items() for text in texts)
    return None if found is None else frozenset(shown)


def _concerned(reads: Reads, erased: Mapping[str, int]) -> dict[str, int]:
    """Licences and certificates whose files show values said of these subjects, with the last position given.

    The latest come first: what was found below a licence then is not looked for again.
    """
    found: dict[str, int] = {}
    seen: set[str] = set()
    for subject, position in sorted(erased.items(), key=lambda one: -one[1]):
        for one in _showing(reads, subject, seen):
            found.setdefault(one, position)
    return found


def _showing(reads: Reads, subject: str, seen: set[str]) -> Iterator[str]:
    """Licences and certificates whose files show values said of ``subject``, but those below licences ``seen``.

    Its own; the title of an object; terms of a licence in the files of those below it.
    """
    letter = letter_of(Identifier(subject))
    if letter in _SIGNED:
        yield subject
    if letter is Letter.LICENCE and subject not in seen:
        seen.add(subject)
        for record in records_of(reads, subject=subject, type="licence.grant"):
            if parse_statement(record.entry).event.body.parent == subject:
                yield from _showing(reads, record.subject, seen)
    elif letter is Letter.OBJECT:
        yield from (record.subject for kind in _SHOWN_BY for record in records_of(reads, subject=subject, type=kind))
