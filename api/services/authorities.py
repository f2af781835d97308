"""When the log's authority was replaced, and how far the contracts followed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from anchors.outbox_rows import Handover, Target
from api.services.log_keys import KeyWindow
from tallystick.evm.secp256k1 import address_of
from tallystick.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Followed:
    """A contract that knew the log by the predecessor. Times are Unix seconds; ``done_at`` None: not yet.

    ``size``: entries that the predecessor signed last, which is what the slot was handed over with.
    """

    target: str
    size: int
    prepared_at: int
    done_at: int | None


@dataclass(frozen=True)
class AuthorityChange:
    """The entry at ``position``, admitted at ``time``, gave the log another authority; addresses of 20 bytes.

    ``contracts``: empty where none knew the log then: one that was begun later begins with the successor.
    """

    position: int
    time: str
    predecessor: bytes
    successor: bytes
    contracts: tuple[Followed, ...]


def authority_changes(
    windows: Sequence[KeyWindow], handovers: Iterable[tuple[Target, Handover]]
) -> list[AuthorityChange]:
    """Every change, the newest first, from the windows of the log's keys and the outbox."""
    held = [window for window in windows if window.role == "authority"]
    shown = list(handovers)
    found = []
    for new, old in pairwise(held):
        if old.last is not None:
            keys = address_of(old.key.raw), address_of(new.key.raw)
            followed = tuple(
                Followed(target.spec.name, one.size, one.prepared_at, one.done_at)
                for target, one in shown
                if (one.predecessor, one.successor) == keys
            )
            found.append(AuthorityChange(old.last.position, old.last.time, *keys, followed))
    return found
