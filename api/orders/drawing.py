"""Cards in bulk: drawn, signed and read back one after another, and put on disk together.

What is made here is nobody's yet: the service keeps it, and logs it. So a process may make it that dies.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from credentials.card import LicenceCard, Said, issue_card
from credentials.errors import SigningFailed, TextNotPrintable
from credentials.manifests import Actor
from credentials.signer import ClaimSigner
from tallystick.digests import DigestPair, PairHasher
from tallystick.errors import MalformedInput

_SYNCS = 8
"""At once: the disk writes its journal once for many of them."""


@dataclass(frozen=True)
class Work:
    """A card to be made at ``out``. ``said`` is without identities: ``actor`` is the party that stands behind it."""

    card: LicenceCard
    said: Said
    actor: str | None
    out: Path


@dataclass(frozen=True)
class Made:
    """A signed card, on disk."""

    out: Path
    digests: DigestPair
    size: int


Outcome = Made | str
"""A card, or why there is none: words for the client."""


def draw_all(signer: ClaimSigner, actors: Mapping[str, Actor], works: Sequence[Work]) -> list[Outcome]:
    """One for each, in order; all that was made is on disk when this returns."""
    made = [_draw(signer, actors, work) for work in works]
    with ThreadPoolExecutor(_SYNCS) as threads:
        list(threads.map(_sync, [one.out for one in made if isinstance(one, Made)]))
    return made


def _draw(signer: ClaimSigner, actors: Mapping[str, Actor], work: Work) -> Outcome:
    actor = actors.get(work.actor) if work.actor is not None else None
    said = replace(work.said, identities=() if actor is None else (actor,))
    try:
        issue_card(signer, work.card, said, work.out, sync=False)
    except (SigningFailed, TextNotPrintable, MalformedInput) as error:
        return str(error)
    data = work.out.read_bytes()
    hasher = PairHasher()
    hasher.update(data)
    return Made(work.out, hasher.pair(), len(data))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
