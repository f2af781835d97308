"""Evidence bundles: what is sent for one, and what comes."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tallystick.bundle import Slice
from tallystick.client.channel import Channel, Told
from tallystick.client.lazy import LazyFile
from tallystick.client.problems import ServiceProblem, Unreachable
from tallystick.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Exported:
    """A bundle that was written: bytes, whether an anchor covers all of it, whether its checkpoint has the log's
    quorum of witnesses, and the positions of entries about signed files that are not in it, because the service has
    no copy or they are not the asker's to show. histories: whether it shows them by the map. seconds: how long the
    service took. unanswered: addresses where issuers tell of the revocation of signers, of whose word the operator
    keeps nothing. anchor_wanted: the position for which the service asked for an anchor, where none covers all of it.
    audit_wanted: the position that no auditor's word reaches yet, where auditors look at that log.
    """

    size: int
    anchored: bool
    witnessed: bool
    left_out: tuple[int, ...]
    histories: bool
    seconds: float
    unanswered: tuple[str, ...] = ()
    anchor_wanted: int | None = None
    audit_wanted: int | None = None


class Exports(Channel):
    """The service's bundles."""

    def export(
        self,
        request: str,
        files: str,
        originals: Mapping[str, Path | Slice],
        credentials: Sequence[Path],
        destination: Path,
        parts: str = "{}",
        told: Told = lambda stage, count, total: None,
        wait: float = 0.0,
    ) -> Exported:
        """Write the evidence bundle to ``destination``, whole or not at all.

        ``request``, ``files``, ``parts``: JSON as /docs shows it; ``originals``: by path in the file
        list; ``credentials``: signed files that the service keeps no copy of. ``told``: of each block, what became of
        it (``sent``, ``received``), its bytes, and the bytes of all of them. ``wait``: seconds, if no anchor covers all
        of it, for the one that the service asked for; then it is exported again.
        """
        until = time.monotonic() + wait
        while True:
            exported = self._export_once(request, files, originals, credentials, destination, parts, told)
            wanted = exported.anchor_wanted
            if exported.anchored or wanted is None or not self._anchored(wanted, until, told):
                return exported

    def anchors_of(self, position: int) -> dict[str, Any]:
        """Where an entry is anchored for good, and where not yet."""
        return self._json("GET", f"/v1/events/{position}/anchors")

    def _anchored(self, position: int, until: float, told: Told) -> bool:
        """Whether an anchor covers the entry before ``until``."""
        while (left := until - time.monotonic()) > 0:
            told("waiting for an anchor", 0, 0)
            try:
                found = self.anchors_of(position)
            except (ServiceProblem, Unreachable):
                return False  # the bundle stands, and is told to be without an anchor
            if found.get("anchors"):
                return True
            time.sleep(min(left, _LOOK_SECONDS))
        return False

    def _export_once(
        self,
        request: str,
        files: str,
        originals: Mapping[str, Path | Slice],
        credentials: Sequence[Path],
        destination: Path,
        parts: str,
        told: Told,
    ) -> Exported:
        # With a file name of None a part is a text: so the body is multipart even without any file.
        sent: list[tuple[str, Any]] = [("request", (None, request)), ("files", (None, files)), ("parts", (None, parts))]
        named: list[tuple[str, str, Path | Slice]] = [("original", name, one) for name, one in originals.items()]
        named += [("credential", path.name, path) for path in credentials]
        total = sum(one.size if isinstance(one, Slice) else one.stat().st_size for _, _, one in named)
        for field, name, one in named:
            file = LazyFile(one, lambda count: told("sent", count, total))
            sent.append((field, (name, file, "application/octet-stream")))
        return _exported(*self._download("POST", "/v1/evidence", destination, told, files=sent))


def _exported(answer: httpx.Response, size: int) -> Exported:
    said = {name: answer.headers.get(f"x-tallystick-{name}", "") for name in ("left-out", "seconds")}
    yes = [answer.headers.get(f"x-tallystick-{name}") == "yes" for name in ("anchored", "witnessed", "histories")]
    positions = tuple(int(position) for position in said["left-out"].split(",") if position.isdigit())
    seconds = float(said["seconds"]) if _SECONDS.fullmatch(said["seconds"]) else 0.0
    places = tuple(one for one in answer.headers.get("x-tallystick-unanswered", "").split(" ") if _PLACE.fullmatch(one))
    told = [answer.headers.get(f"x-tallystick-{name}-wanted", "") for name in ("anchor", "audit")]
    wanted = [int(position) if _POSITION.fullmatch(position) else None for position in told]
    return Exported(size, yes[0], yes[1], positions, yes[2], seconds, places, *wanted)


_LOOK_SECONDS = 0.5
"""Between two looks for an anchor."""
_POSITION = re.compile(r"[0-9]{1,15}", re.ASCII)
_PLACE = re.compile(r"https?://[!-~]{1,300}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,9}\.[0-9]{3}", re.ASCII)
