"""Cards in bulk: drawn, signed, read back and written one after another.

What is made here is nobody's yet, and not on disk for sure: the service sees to that, keeps it, and logs it. So a
process may make it that dies, and that does not wait for the disk.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from credentials.card import LicenceCard, Said, signed_cards
from credentials.manifests import Actor
from credentials.signer import ClaimSigner
from tallystick.digests import DigestPair, digest_pair
from tallystick.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Work:
    """A card to be made at ``out``. ``said`` is without identities: ``actor`` is the party that stands behind it."""

    card: LicenceCard
    said: Said
    actor: str | None
    out: Path


@dataclass(frozen=True)
class Made:
    """A signed card, written."""

    out: Path
    digests: DigestPair
    size: int


Outcome = Made | str
"""A card, or why there is none: words for the client."""


def draw_all(signer: ClaimSigner, actors: Mapping[str, Actor], works: Sequence[Work]) -> list[Outcome]:
    """One for each, in order."""
    made = signed_cards(signer, [(work.card, _said(actors, work)) for work in works])
    return [
        _written(one, work.out) if isinstance(one, bytes) else str(one) for one, work in zip(made, works, strict=True)
    ]


def _said(actors: Mapping[str, Actor], work: Work) -> Said:
    actor = actors.get(work.actor) if work.actor is not None else None
    return replace(work.said, identities=() if actor is None else (actor,))


def _written(data: bytes, out: Path) -> Made:
    """For the service's user alone, as every kept file. Raises ``OSError`` where the file is not what was written."""
    with open(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    if out.read_bytes() != data:
        raise OSError(f"{out.name} is not what was written")
    return Made(out, digest_pair(data), len(data))
