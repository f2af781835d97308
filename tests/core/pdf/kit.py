"""Incremental updates as an attacker writes them: objects replaced or added, with a table and trailer in good order."""

from __future__ import annotations

import re
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding

from tallystick.pdf.pades import PadesVerdict, judge_document
from tallystick.pdf.revisions import parse_revisions
from tallystick.timestamp import Authority
from tests.credentials.pades_kit import SIGNED, signer, stamper

NAME = "tallystick-certificate.json"


def roots() -> list[bytes]:
    return [signer().identity.chain[-1].public_bytes(Encoding.DER)]


def judge(data: bytes, at: datetime = SIGNED) -> PadesVerdict:
    """The verdict of a reader who trusts the test registrar and the test authority."""
    return judge_document(data, roots(), [Authority("test", stamper().roots[0], False)], at, NAME)


def source(data: bytes, number: int) -> bytes:
    """An object as it stands in the newest revision, from ``<<`` to the byte before ``endobj``."""
    one = next(r.objects[number] for r in reversed(parse_revisions(data)) if number in r.objects)
    return data[one.start : one.end].split(b"obj", 1)[1].removesuffix(b"endobj").strip()


def update(data: bytes, objects: dict[int, bytes]) -> bytes:
    """``data`` with one more revision that holds these objects."""
    last = parse_revisions(data)[-1]
    size = max(*(int(n) for n in re.findall(rb"/Size (\d+)", data)), *(number + 1 for number in objects))
    (before,) = re.findall(rb"startxref\n(\d+)\n%%EOF\n?$", data)
    out, offsets = bytearray(data), {}
    for number, body in sorted(objects.items()):
        offsets[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, offset in offsets.items():
        out += b"%d 1\n%010d 00000 n \n" % (number, offset)
    info = re.findall(rb"/Info (\d+) 0 R", data)[-1]
    out += b"trailer\n<</Root %d 0 R /Info %s 0 R /Size %d /Prev %s>>\nstartxref\n%d\n%%%%EOF\n" % (
        last.root,
        info,
        size,
        before,
        table,
    )
    return bytes(out)


def numbered(data: bytes, mark: bytes) -> int:
    """The number of the first object that holds ``mark``."""
    return next(n for r in parse_revisions(data) for n, one in r.objects.items() if mark in data[one.start : one.end])
