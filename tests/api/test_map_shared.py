"""The map of a log that services share: who keeps it goes on with it, whoever sequences and whoever is killed."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.copies.auditing import Hand, open_hand
from ledger.shared.place import Place
from ledger.shared.upkeep import fsck_shared
from ledger.store import Record, Search
from ledger.store.postgres import open_store
from tallystick.events.dispute import DisputeOpening
from tallystick.map.audit import verify_audit
from tallystick.schema import write
from tallystick.statement import parse_statement
from tallystick.trust import Trust, TrustedAuditor, encode_trust, parse_trust
from tallystick.verify import Report, verify_case
from tests.api.process import PATIENCE, Server, running, until
from tests.api.test_sharing import TOKEN, address
from tests.api.test_submission import picture
from tests.ledger.commands import run
from tests.postgres import dsn, postgres

__all__ = ["dsn", "postgres"]

NEVER = str(1 << 30)
"""Seconds until a root is stated by itself: here none is but for an export."""


@dataclass
class House:
    """Two services on one database; only ``home`` keeps the map. An auditor follows either of them."""

    database: str
    home: Server
    other: Server
    token: str
    hand: Hand
    watch: Path

    def record(self, at: Server, kind: str, body: Any, subject: str | None = None) -> dict[str, Any]:
        event = {"type": kind, "body": body} | ({} if subject is None else {"subject": subject})
        answer = httpx.post(f"{at.url}/v1/events", json=event, headers=self._headers, timeout=120)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def published(self, at: Server, position: int) -> None:
        until(at.url, lambda answer: answer["checkpoint"] and answer["checkpoint"]["size"] > position)

    def sequencer(self, at: Server, name: str) -> None:
        until(at.url, lambda answer: answer["sequencer"]["name"] == name)

    def export(self, subject: str) -> httpx.Response:
        form = {"request": (None, json.dumps({"kind": "object", "subject": subject, "report": False}))}
        answer = httpx.post(f"{self.home.url}/v1/evidence", files=form, headers=self._headers, timeout=120)
        assert answer.status_code == 200, answer.text
        return answer

    def audit(self, at: Server) -> int:
        """An auditor's process replays the log as ``at`` shows it, and hands its word to the home; size of the root."""
        (keys, folder) = (httpx.get(f"{at.url}/vkeys").text.splitlines(), self.watch)
        known = [part for line in keys for part in ("--key", line)]
        code, said, problems = run(
            "monitor", at.url, folder, *known, "--once", "--auditor", self.hand.name, "--hand-over", self.home.url
        )
        assert code == 0, said + problems
        return verify_audit((folder / "audit").read_bytes(), self.hand.auditor)[0].size

    def roots(self) -> list[int]:
        """The sizes of which the log states a root."""
        return [parse_statement(one.entry).event.body.size for one in self.said("log.map-root")]

    def said(self, kind: str) -> list[Record]:
        with closing(open_store(self.database)) as store, store.snapshot() as reads:
            return reads.search(Search(type=kind))

    def settle(self) -> None:
        """Wait for the one entry that the service makes by itself, when it has deployed its contract for anchors."""
        end = time.monotonic() + PATIENCE
        while not self.said("log.anchor-target"):
            assert time.monotonic() < end, self.home.output
            time.sleep(0.1)

    def judged(self, bundle: bytes, *, audited: bool = True) -> Report:
        """What a reader finds who trusts the log, and its auditor unless not ``audited``."""
        file = parse_trust(httpx.get(f"{self.home.url}/v1/trust").content).file
        logs = tuple(dataclasses.replace(log, replaced=log.replaced or ()) for log in file.logs)
        auditors = (TrustedAuditor(self.hand.auditor.verifier_key),) if audited else None
        trust: Trust = parse_trust(encode_trust(dataclasses.replace(file, v=4, logs=logs, auditors=auditors)))
        return verify_case(io.BytesIO(bundle), trust, int(time.time()) + 3600)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture
def house(dsn: str, tmp_path: Path) -> Iterator[House]:
    hand, auditors = open_hand(tmp_path / "watch", "auditor.example", None), tmp_path / "auditors"
    auditors.write_text(f"{hand.auditor.verifier_key}\n", encoding="utf-8")
    shared = {"TALLYSTICK_DATABASE": address(dsn), "TALLYSTICK_MAP_SECONDS": NEVER}
    kept = {"TALLYSTICK_AUDITORS": str(auditors), "TALLYSTICK_NAME": "home"}
    with running(tmp_path / "home", **shared, **kept) as home:
        shutil.copytree(home.data / "keys", tmp_path / "other" / "keys")
        (token,) = TOKEN.findall(home.output)
        with running(tmp_path / "other", **shared, TALLYSTICK_NAME="other", TALLYSTICK_ROLE="ledger") as other:
            found = House(dsn, home, other, token, hand, tmp_path / "watch")
            found.settle()
            yield found


def dispute(house: House, at: Server, subject: str) -> int:
    """Somebody disputes the object, at one of the services; the position, when it is published."""
    opening = write(DisputeOpening(subject, "authorship"))
    position: int = house.record(at, "dispute.open", opening)["position"]
    house.published(at, position)
    return position


def disputes(report: Report) -> set[int]:
    return {one["position"] for one in report.facts["statements"] if one["type"] == "dispute.open"}


def test_the_map_goes_on_whoever_sequences(house: House) -> None:
    home, other = house.home, house.other
    subject = house.record(home, "object.register", picture())["subject"]
    assert house.judged(house.export(subject).content).claim("completeness").outcome == "needs_external_fact"
    first = house.roots()
    assert (len(first), house.audit(other)) == (1, first[0])
    shown = house.export(subject)
    assert (shown.headers["x-tallystick-histories"], house.roots()) == ("yes", first)
    assert house.judged(shown.content).claim("completeness").outcome == "proved"

    # Who sequences and keeps the map is killed between the publication of an entry and the root that covers it.
    told = {dispute(house, other, subject)}
    assert house.roots() == first
    home.kill()
    told.add(dispute(house, other, subject))
    house.sequencer(other, "other")
    home.start()
    house.export(subject)
    second = house.roots()
    assert second[:1] == first
    assert (len(second), second[1] > max(told), house.audit(other)) == (2, True, second[-1])
    report = house.judged(house.export(subject).content)
    assert (report.claim("completeness").outcome, disputes(report)) == ("proved", told)

    # Now somebody else sequences, and is killed there; the home takes the seat and states the root as well.
    told.add(dispute(house, home, subject))
    other.kill()
    assert house.roots() == second
    committed = house.export(subject).content
    house.sequencer(home, "home")
    third = house.roots()
    assert third[:2] == second
    assert (len(third), third[2] > max(told)) == (3, True)
    assert house.judged(committed).facts["histories"][-1]["size"] == third[-1]
    assert house.audit(home) == third[-1]
    report = house.judged(house.export(subject).content)
    assert (report.claim("completeness").outcome, disputes(report)) == ("proved", told)
    assert house.judged(committed, audited=False).claim("completeness").outcome == "needs_external_fact"
    assert fsck_shared(Place(house.database, "fsck")).findings == ()
