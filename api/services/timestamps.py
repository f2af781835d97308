"""Timestamps as the service sees them: what the worker asked for, what came of it, and what goes into a bundle."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from pathlib import Path

from anchors.errors import OutboxConflict
from anchors.timestamps.outbox import Stamp, Stamps
from anchors.timestamps.service import Service
from api.services.errors import NotFound, Unavailable
from tallystick.base64s import to_base64
from tallystick.case import TimestampMaterial
from tallystick.case.model import MAX_TIMESTAMPS
from tallystick.trust import TimeAuthority


class TimestampDesk:
    """The rows, shared between the threads of this process."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._lock = threading.Lock()

    def stamps(self) -> list[Stamp]:
        """Every timestamp, by authority and age."""
        with self._lock:
            return self._stamps.stamps()

    def page(self, after: int, limit: int) -> list[Stamp]:
        """Timestamps in the order in which they were prepared. There may be one for each licence."""
        with self._lock:
            return self._stamps.page(after, limit)

    def latest(self, limit: int) -> list[Stamp]:
        """Those that were prepared last, newest first."""
        with self._lock:
            return self._stamps.latest(limit)

    def alarming(self) -> list[Stamp]:
        """Those of which an authority gave an answer that cannot be believed."""
        with self._lock:
            return self._stamps.alarming()

    def newest(self) -> list[Stamp]:
        """Of each authority the token over its largest checkpoint."""
        with self._lock:
            return self._stamps.newest()

    def stamp(self, stamp_id: int) -> Stamp:
        """Raises ``NotFound``."""
        with self._lock:
            try:
                return self._stamps.stamp(stamp_id)
            except OutboxConflict as error:
                raise NotFound(str(error), "list the timestamps", "id") from None

    def token(self, stamp_id: int) -> bytes:
        """DER of a token. Raises ``NotFound``, ``Unavailable`` while it is on its way."""
        stamp = self.stamp(stamp_id)
        if stamp.proof is None:
            raise Unavailable(f"timestamp {stamp_id} is {stamp.state}: there is no token")
        return stamp.proof

    def material(self, last: int, size: int, named: Iterable[str] = ()) -> list[tuple[int, TimestampMaterial]]:
        """For a case: of each authority the first token that covers the entry at ``last``, or the latest there is.

        ``size``: of the case's tree. ``named``: SHA-256 (hex) of tokens that its entries name; they come too. With the
        size that each is over.
        """
        wanted, by_authority, chosen = set(named), dict[str, list[Stamp]](), dict[int, Stamp]()
        for stamp in self.stamps():
            if stamp.kind != "checkpoint" or stamp.proof is None or stamp.size > size:
                continue
            by_authority.setdefault(stamp.authority, []).append(stamp)
            if hashlib.sha256(stamp.proof).hexdigest() in wanted:
                chosen[stamp.id] = stamp
        for found in by_authority.values():
            found.sort(key=lambda one: one.size)
            best = next((one for one in found if one.size > last), found[-1])
            chosen[best.id] = best
        kept = [chosen[key] for key in sorted(chosen)][:MAX_TIMESTAMPS]
        return [(one.size, TimestampMaterial(one.proof or b"", one.note)) for one in kept]

    def tokens_over(self, block_hash: bytes) -> list[bytes]:
        """Tokens over a block of a chain."""
        with self._lock:
            found = self._stamps.over(block_hash)
        return [one.proof for one in found if one.proof is not None]

    def close(self) -> None:
        """Close the rows."""
        with self._lock:
            self._stamps.close()


def named_authorities(path: Path | None) -> tuple[TimeAuthority, ...]:
    """Whom the operator asks, as a trust file has them; none is called independent by him.

    Raises ``BadAuthorities``.
    """
    if path is None:
        return ()
    from anchors.timestamps.config import read_authorities

    return tuple(one for service in read_authorities(path) for one in _as_trusted(service))


def _as_trusted(service: Service) -> Iterable[TimeAuthority]:
    certificates = tuple(map(to_base64, service.certificates)) or None
    return (TimeAuthority(service.name, to_base64(root), False, certificates) for root in service.roots)
