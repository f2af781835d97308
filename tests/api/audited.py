"""A service with a real auditor, an object of which something was said, and the bundles that come of it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.copies.auditing import Hand
from ledger.copies.handing import hand_over
from ledger.copies.known import known_log
from ledger.copies.monitor import Expectations, Monitor
from ledger.copies.source import open_source
from ledger.store import Search
from tallystick.events.facts import CaptureRecord, CustodyRecord
from tallystick.statement import parse_statement
from tallystick.times import format_time
from tallystick.trust import TrustedAuditor, TrustFile
from tests.api.desk import AnchorDriver, Desk, anchoring
from tests.api.house import open_house
from tests.world import key_from

HAND = Hand("auditor.example", key_from("an auditor"))
FACTS = ("completeness", "capture", "custody")
DAMAGED = "33" * 32


@dataclass
class Audited:
    """A desk whose log an auditor follows by HTTP, as any stranger does."""

    desk: Desk
    anchor: AnchorDriver
    monitor: Monitor

    def audit(self) -> int:
        """A root is stated, the auditor replays and signs, the service takes the note; size of the root."""
        desk = self.desk
        roots = desk.house.services.maps._roots
        assert roots is not None
        roots.state(at_once=True)
        desk.publish()
        self.monitor.look(desk.house.world.clock)
        note = self.monitor.audit()
        assert note is not None
        hand_over(str(desk.house.http.base_url), note)
        with desk.house.services.log.store.snapshot() as reads:
            size: int = parse_statement(reads.search(Search(type="log.map-root"))[-1].entry).event.body.size
            return size

    @property
    def origin(self) -> str:
        """Of the log."""
        return self.desk.house.services.voices.origin

    def kept_picture(self) -> tuple[str, bytes, int]:
        """A picture of which its maker said how it came about, and who keeps it; where the last of it stands."""
        subject, data = self.desk.picture("a private title")
        now = self.now
        desk = self.desk
        made = CaptureRecord("authoring", now, now, ())
        desk.said(desk.studio, desk.house.world.say(desk.studio.who, "capture.record", subject, made))
        return subject, data, self.checked(subject, data)

    def checked(self, subject: str, data: bytes, last: int | None = None, found: str | None = None) -> int:
        """The studio checks the bytes that it keeps. ``found``: another digest, to its dismay."""
        digest = hashlib.sha256(data).hexdigest()
        outcome = "suc" if found is None else "fai"
        body = CustodyRecord("fix", self.now, digest, found or digest, outcome, "sha256sum", last)
        desk = self.desk
        return desk.said(desk.studio, desk.house.world.say(desk.studio.who, "custody.record", subject, body))

    @property
    def now(self) -> str:
        return format_time(self.desk.house.world.clock)

    def trust(self, *required: str) -> TrustFile:
        """The log's own trust file, with the auditor in it."""
        file = self.desk.trust.file
        logs = tuple(dataclasses.replace(log, replaced=log.replaced or ()) for log in file.logs)
        auditors = (TrustedAuditor(HAND.auditor.verifier_key),)
        return dataclasses.replace(file, v=4, logs=logs, auditors=auditors, required=required)

    @property
    def at(self) -> int:
        """When a reader looks at what was exported."""
        return self.desk.house.world.clock + 3600


@contextmanager
def auditing(folder: Path, tail: int = 12) -> Iterator[Audited]:
    """``tail``: entries behind the newest audited root that a bundle may show."""
    auditors = folder / "auditors"
    auditors.write_text(f"{HAND.auditor.verifier_key}\n", encoding="utf-8")
    with open_house(folder / "data", auditors=auditors, evidence_tail=tail) as house:
        desk = Desk(house, house.party("studio"), house.party("licensee"))
        url, known = str(house.http.base_url), known_log(house.http.get("/vkeys").text.splitlines())
        monitor = Monitor(folder / "monitor", known, open_source(url), Expectations(), HAND)
        with closing(monitor), anchoring(desk) as anchor:
            yield Audited(desk, anchor, monitor)
