"""Erasure beyond the vault: signed files that show an erased value go too. They can be made again, without it."""

from __future__ import annotations

from collections.abc import Iterator

from api.services.credential_files import CredentialFiles
from api.services.gathering import file_records, records_of
from ledger.log import Log
from ledger.store import Reads
from ledger.upkeep.erasing import erasures
from tallystick.identifiers import Identifier, Letter, letter_of
from tallystick.statement import parse_statement

_SHOWN_BY = ("licence.grant", "certificate.issue")
_SIGNED = (Letter.LICENCE, Letter.CERTIFICATE)


class ErasedFiles:
    """Removes the kept files of a licence or certificate that were made before one of their values was erased.

    Which values a file shows, nobody knows but the file: so all of them go. The log's erasures are the list of what
    to do: what a crash left undone, the next start does.
    """

    def __init__(self, log: Log, files: CredentialFiles) -> None:
        self._log = log
        self._files = files

    def sweep(self) -> None:
        """Remove what has to be gone as of now."""
        with self._log.store.snapshot() as reads:
            for position, erasure in erasures(reads):
                erased = reads.record(erasure.position)
                for subject in _showing(reads, erased.subject) if erased else ():
                    for record in file_records(reads, subject):
                        if record.position < position:
                            self._files.remove(parse_statement(record.entry).event.body.file.sha256)


def _showing(reads: Reads, subject: str) -> Iterator[str]:
    """Licences and certificates whose files show values said of ``subject``: its own, and the title of an object."""
    letter = letter_of(Identifier(subject))
    if letter in _SIGNED:
        yield subject
    elif letter is Letter.OBJECT:
        yield from (record.subject for kind in _SHOWN_BY for record in records_of(reads, subject=subject, type=kind))
