"""Evidence bundles: what is sent for one, and what comes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tallystick.bundle import Slice
from tallystick.client.channel import Channel, Told
from tallystick.client.lazy import LazyFile
from tallystick.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Exported:
    """A bundle that was written: bytes, whether an anchor covers all of it, whether its checkpoint has the log's
    quorum of witnesses, and the positions of entries about signed files that are not in it, because the service has
    no copy or they are not the asker's to show. histories: whether it shows them by the map. seconds: how long the
    service took. unanswered: addresses where issuers tell of the revocation of signers, of whose word the operator
    keeps nothing."""

    size: int
    anchored: bool
    witnessed: bool
    left_out: tuple[int, ...]
    histories: bool
    seconds: float
    unanswered: tuple[str, ...] = ()


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
    ) -> Exported:
        """Write the evidence bundle to ``destination``, whole or not at all.

        ``request``, ``files``, ``parts``: JSON as /docs shows it; ``originals``: by path in the file
        list; ``credentials``: signed files that the service keeps no copy of. ``told``: of each block, what became of
        it (``sent``, ``received``), its bytes, and the bytes of all of them.
        """
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
    return Exported(size, yes[0], yes[1], positions, yes[2], seconds, places)


_PLACE = re.compile(r"https?://[!-~]{1,300}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,9}\.[0-9]{3}", re.ASCII)
