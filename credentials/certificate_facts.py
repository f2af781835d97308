"""What a certificate of registration states.

Digests and roots are lowercase hex; times RFC 3339 UTC; an empty text: not given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from credentials.errors import TextNotPrintable
from credentials.text import require_printable
from tallystick.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One sentence in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Holder:
    """One rights holder and the share, for example "50 %"; empty where none is stated."""

    name: str
    party: str
    share: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a checkpoint was anchored outside the log. `time` is what that place says."""

    place: str
    reference: str
    time: str


@dataclass(frozen=True, slots=True)
class TimeMark:
    """A timestamp over a checkpoint of the log. `time`: genTime; `accuracy`: such as ± 1 s; `standing`: whose word."""

    authority: str
    time: str
    accuracy: str
    standing: Bilingual


@dataclass(frozen=True, slots=True)
class Correction:
    """What an earlier certificate said and this one says instead."""

    field: Bilingual
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What the certificate states.

    `number`: by the registrar's scheme; `certificate`: identifier. `registered`: when the log admitted the object;
    `issued`: when the certificate was. `references` are pairs of a name and a value (film permit number, EIDR, ISAN,
    ISCC, DOI, edit, runtime ...). `qr` is the proof that a phone scans, `link` the page that tells how things stand.
    """

    number: str
    certificate: str
    title: str
    kind: str
    asset: str
    authority: str
    registered: str
    issued: str
    sha256: str
    sm3: str
    files: int
    size: int
    log: str
    leaf: int
    tree_size: int
    root: str
    checkpoint: str
    key: str
    qr: str
    link: str
    authors: tuple[str, ...] = ()
    holders: tuple[Holder, ...] = ()
    created: str = ""
    published: str = ""
    references: tuple[tuple[str, str], ...] = ()
    human_authorship: Bilingual | None = None
    ai_part: Bilingual | None = None
    examined: tuple[Bilingual, ...] = ()
    declared: tuple[Bilingual, ...] = ()
    disputes: tuple[str, ...] = ()
    supersedes: str = ""
    reason: Bilingual | None = None
    corrections: tuple[Correction, ...] = ()
    superseded_by: str = ""
    anchors: tuple[Anchor, ...] = ()
    time_marks: tuple[TimeMark, ...] = ()
    signature: Bilingual = Bilingual("本文件未经签名。", "This document is not signed.")
    time_basis: Bilingual = Bilingual(
        "时间仅由日志运营方陈述；本证书中没有独立的时间来源。",
        "The time rests on the operator of the log alone; no independent source of time is part of this certificate.",
    )

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.type == "str" and not getattr(self, field.name) and field.name not in _OPTIONAL:
                raise TextNotPrintable(f"the field {field.name} of the certificate is empty")
        require_printable(_texts([getattr(self, field.name) for field in fields(self)]))


_OPTIONAL = frozenset({"created", "published", "supersedes", "superseded_by"})


def _texts(value: object) -> Iterator[str]:
    """Every text inside a value, line by line: line breaks are layout, not characters to print."""
    if isinstance(value, str):
        yield from value.split("\n")
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Bilingual | Holder | Anchor | TimeMark | Correction):
        for field in fields(value):
            yield from _texts(getattr(value, field.name))
