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
from tallystick.events.log import TimeMark
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

    def newest(self, now: int | None = None) -> list[Stamp]:
        """Of each authority the token over its largest checkpoint; none that is of a second after ``now``."""
        with self._lock:
            return self._stamps.newest() if now is None else self._stamps.newest(now)

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

    def material(self, last: int, size: int, named: Iterable[TimeMark] = ()) -> list[tuple[int, TimestampMaterial]]:
        """For a case: of each authority the first token that covers the entry at ``last``, or the latest there is.

        ``size``: of the case's tree. ``named``: what its entries name; the tokens among them come too, the newest where
        there are too many. With the size that each is over.
        """
        wanted: dict[tuple[int, str], set[str]] = {}
        for one in named:
            if one.kind == "rfc3161" and one.number <= size:
                wanted.setdefault((one.number, one.source), set()).add(one.digest)
        with self._lock:
            chosen = {one.id: one for one in self._stamps.covering(last, size)}
            for number, source in sorted(wanted, reverse=True):
                if len(chosen) >= MAX_TIMESTAMPS:
                    break
                for stamp in self._stamps.over_size(source, number):
                    if hashlib.sha256(stamp.proof or b"").hexdigest() in wanted[number, source]:
                        chosen[stamp.id] = stamp
        # Those that cover the case were chosen first: they are not what is left out.
        kept = sorted(list(chosen)[:MAX_TIMESTAMPS])
        return [(chosen[key].size, TimestampMaterial(chosen[key].proof or b"", chosen[key].note)) for key in kept]

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
