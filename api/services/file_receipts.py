"""The log's receipt signed into a file that the log already knows: an update manifest, made as often as one likes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.services.anchoring import AnchorDesk
from api.services.claim_stamps import ClaimStamp, Dated
from api.services.errors import NotFound
from api.services.gathering import file_records
from api.services.issuing import Issuer
from api.services.timestamps import TimestampDesk
from credentials.errors import SigningFailed
from credentials.update import Update, add_receipt
from ledger.store import Reads, Record
from tallystick import c2pa, canonical
from tallystick.base64s import to_base64
from tallystick.c2pa.log_receipt import MAX_EXTRAS, LogReceipt, encode_receipt, logged_digests
from tallystick.c2pa.reading import C2paReading
from tallystick.c2pa.verdict import CERTIFICATE, LICENCE
from tallystick.digests import DigestPair
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.note import parse_note
from tallystick.schema import FieldError
from tallystick.statement import parse_statement
from tallystick.tree_head import SignedCheckpoint
from tallystick.trust import Trust

_NAMES = {LICENCE: "licence", CERTIFICATE: "certificate"}


class FileReceipts:
    """Receipts for signed files, with the anchors and timestamps that are known by now."""

    def __init__(self, issuer: Issuer, anchors: AnchorDesk, stamps: TimestampDesk, trust: Trust) -> None:
        """``trust``: the service's own trust file. What it does not believe itself, it signs nothing over."""
        self._issuer = issuer
        self._roots, self._others = c2pa.roots_of(trust)
        self._anchors = anchors
        self._stamps = stamps

    async def add(
        self, party: str, upload: Path, media_type: str, sidecar: bytes | None, out: Path
    ) -> tuple[Path, Dated]:
        """``upload`` of a party (or its sidecar) with one more update at ``out``; with what came of its timestamp.

        Where an authority answers, a signature that has none is dated too.

        Raises ``FieldError`` where it holds no sound credential, or an update that is not of ours, ``NotFound`` where
        this log records no such file, ``TooMany`` or ``Unavailable`` where too much waits already.
        """
        head = await self._issuer.publish_witnessed()
        async with self._issuer.heavy.one(party):
            stamp = self._issuer.stamps.begin()
            made = await asyncio.to_thread(self._add, upload, media_type, sidecar, out, head, stamp)
            await stamp.passed()
            return made, stamp.dated

    def _add(
        self,
        upload: Path,
        media_type: str,
        sidecar: bytes | None,
        out: Path,
        head: SignedCheckpoint,
        stamp: ClaimStamp,
    ) -> Path:
        try:
            reading = c2pa.read(upload, media_type, sidecar)
            found = logged_digests(reading, upload)
            subject = subject_of(reading)
            with self._issuer.log.store.snapshot() as reads:
                record = _recorded(reads, subject, found)
            self._require_ours(reading, record)
            receipt = self._receipt(subject, found, record, head)
            update = Update(receipt, self._issuer.when(), stamp)
            return add_receipt(self._issuer.signer, upload, out, update, media_type, sidecar).path
        except FieldError:
            raise
        except (SigningFailed, MalformedInput, VerificationFailed) as error:
            raise FieldError("file", str(error)) from None

    def _require_ours(self, reading: C2paReading, record: Record) -> None:
        """Every manifest is of a signer of this service: over a stranger's update it would vouch for what that says.

        A file as it was issued is judged as of its entry, however long ago that was; updates as of now.
        """
        updated = len(reading.manifests) > 1
        at = self._issuer.when() if updated else datetime.fromtimestamp(record.admitted_at, UTC)
        try:
            c2pa.judge(reading, self._roots, at, self._others)
        except VerificationFailed as error:
            hint = "; send the file as it was issued" if updated else ""
            raise FieldError("file", f"this service does not believe it itself: {error}{hint}") from None

    def _receipt(self, subject: str, found: DigestPair, record: Record, head: SignedCheckpoint) -> dict[str, Any]:
        """Under the first checkpoint that covers the entry and was anchored or stamped; else under the newest."""
        position, last = record.position, head.checkpoint.size
        first = min((one.size for one in self._anchors.proved(position, last) if one.size > position), default=None)
        anchors = [] if first is None else self._anchors.proved_at([first], [])
        known = [(one.size, one.note, one.proof) for one in anchors]
        stamped = [
            (size, material.checkpoint, material.token)
            for size, material in self._stamps.material(position, last, ())
            if position < size
        ]
        size, note = last, head.note.encode().encode()
        for pool in (known, stamped):
            if pool and size == last:
                size, note, _ = min(pool, key=lambda one: one[0])
        return encode_receipt(
            LogReceipt(
                v=1,
                subject=subject,
                file=found,
                index=position,
                entry=to_base64(record.entry),
                checkpoint=note.decode(),
                proof=tuple(map(to_base64, self._issuer.log.published.prove_inclusion(position, size))),
                anchors=_texts(known, size),
                timestamps=_texts([one for one in stamped if _text(one[1]) == _text(note)], size),
            )
        )


def subject_of(reading: C2paReading) -> str:
    """The licence or certificate that a signed file is about. Raises ``FieldError``."""
    for assertion in reading.manifest.assertions:
        name = _NAMES.get(assertion.label)
        if name is not None:
            value = canonical.decode(assertion.content, len(assertion.content))
            if isinstance(value, dict) and isinstance(value.get(name), str):
                return str(value[name])
    raise FieldError("file", "it carries neither a licence nor a certificate")


def _recorded(reads: Reads, subject: str, found: DigestPair) -> Record:
    for record in file_records(reads, subject):
        if parse_statement(record.entry).event.body.file == found:
            return record
    raise NotFound(f"no file of {subject} with these bytes is recorded here", "send the file as it was issued", "file")


def _texts(known: Sequence[tuple[int, bytes, bytes | None]], size: int) -> tuple[str, ...]:
    return tuple(to_base64(proof) for one, _, proof in known if one == size and proof is not None)[:MAX_EXTRAS]


def _text(note: bytes) -> str:
    return parse_note(note).text
