"""Histories in the service's bundles: on the log's word, on an auditor's, and with a copy of the log."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger.map.roots import MapRoots
from ledger.store import Search
from tallystick.base64s import from_base64
from tallystick.checkpoint import parse_body
from tallystick.errors import MalformedInput
from tallystick.events.dispute import DisputeOpening
from tallystick.identifiers import Letter, new_identifier
from tallystick.map import NAMED, OWN, MemoryMap, about, prove_answer
from tallystick.map.audit import Auditor, MapAudit, sign_audit
from tallystick.map.proof import read_proof
from tallystick.merkle import leaf_hash, root_of, verify_inclusion
from tallystick.note import parse_note
from tallystick.statement import parse_statement
from tallystick.trust import Trust, TrustedAuditor, encode_trust, parse_trust
from tallystick.verify import Report, verify_case
from tests.api.desk import Desk, anchoring
from tests.api.house import open_house
from tests.world import key_from

KEY = key_from("the auditor of the house")
AUDITOR = Auditor("auditor.example", KEY.public)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("house")
    auditors = folder / "auditors"
    auditors.write_text(f"# whom this log's operator knows\n{AUDITOR.verifier_key}\n", encoding="utf-8")
    with open_house(folder / "data", auditors=auditors) as house:
        yield Desk(house, house.party("studio"), house.party("licensee"))


def entries(desk: Desk) -> list[bytes]:
    with desk.house.services.log.store.snapshot() as reads:
        return reads.entries(0, reads.size())


def roots(desk: Desk) -> MapRoots:
    found = desk.house.services.maps._roots
    assert found is not None
    return found


def stated(desk: Desk) -> list[Any]:
    with desk.house.services.log.store.snapshot() as reads:
        return [parse_statement(one.entry).event.body for one in reads.search(Search(type="log.map-root"))]


def audit(desk: Desk, size: int) -> bytes:
    some, found = entries(desk)[:size], MemoryMap()
    for entry in some:
        found.take(entry)
    tree = root_of([leaf_hash(one) for one in some])
    told = MapAudit(desk.house.services.voices.origin, size, tree, found.root())
    return sign_audit(told, AUDITOR.name, KEY, desk.house.world.clock).encode()


def believing(desk: Desk) -> Trust:
    file = desk.trust.file
    logs = tuple(dataclasses.replace(log, replaced=log.replaced or ()) for log in file.logs)
    auditors = (TrustedAuditor(AUDITOR.verifier_key),)
    return parse_trust(encode_trust(dataclasses.replace(file, v=4, logs=logs, auditors=auditors)))


def judged(desk: Desk, bundle: bytes, trust: Trust | None = None, copy: list[bytes] | None = None) -> Report:
    given = None if copy is None else partial(iter, copy)
    return verify_case(io.BytesIO(bundle), trust or desk.trust, desk.house.world.clock + 3600, (), given)


def test_a_bundle_shows_whole_histories(desk: Desk) -> None:
    with anchoring(desk) as worker:
        object_id, data = desk.picture()
        dispute = desk.studio.record("dispute.open", DisputeOpening(object_id, "authorship"))["subject"]
        worker.anchor()
        bundle = desk.export(desk.studio, "object", object_id, originals={"a.png": data}).content
    report = judged(desk, bundle)
    assert (report.verdict, report.claim("completeness").outcome) == ("proved", "needs_external_fact")
    assert {line.key for line in report.claim("completeness").evidence} == {
        "adverse.event",
        "map.whole",
        "map.committed",
    }
    assert dispute in {one["subject"] for one in report.facts["statements"]}
    replayed = judged(desk, bundle, None, entries(desk))
    assert (replayed.verdict, replayed.claim("completeness").outcome) == ("proved", "proved")


def test_an_auditor_is_put_in_and_makes_it_proved(desk: Desk) -> None:
    with anchoring(desk) as worker:
        object_id, data = desk.picture()
        worker.anchor()
        roots(desk).state(at_once=True)
        desk.house.services.log.publish_now()
        answer = desk.house.http.post("/v1/map/audits", content=audit(desk, stated(desk)[-1].size))
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"size": stated(desk)[-1].size}
        bundle = desk.export(desk.studio, "object", object_id, originals={"a.png": data}).content
    report = judged(desk, bundle, believing(desk))
    assert (report.verdict, report.claim("completeness").outcome) == ("proved", "proved")
    assert [one["auditors"] for one in report.facts["histories"]][-1]
    assert judged(desk, bundle).claim("completeness").outcome == "needs_external_fact"


def test_the_newest_audited_root_serves_when_a_newer_one_is_stated(desk: Desk) -> None:
    with anchoring(desk) as worker:
        object_id, data = desk.picture()
        worker.anchor()
        roots(desk).state(at_once=True)
        desk.house.services.log.publish_now()
        desk.house.services.maps.take_audit(audit(desk, stated(desk)[-1].size))
        desk.picture()
        worker.anchor()
        bundle = desk.export(desk.studio, "object", object_id, originals={"a.png": data}).content
    report = judged(desk, bundle, believing(desk))
    assert len(report.facts["histories"]) == 2
    assert report.claim("completeness").outcome == "proved"


def test_exports_of_a_log_at_rest_state_nothing_more(desk: Desk) -> None:
    object_id, data = desk.picture()
    desk.export(desk.studio, "object", object_id, originals={"a.png": data})
    count, size = len(stated(desk)), len(entries(desk))
    desk.export(desk.studio, "object", object_id, originals={"a.png": data})
    assert (len(stated(desk)), len(entries(desk))) == (count, size)


def test_an_audit_that_is_none_is_refused(desk: Desk) -> None:
    answer = desk.house.http.post("/v1/map/audits", content=b"no note")
    assert answer.status_code in (400, 422)
    good = audit(desk, stated(desk)[-1].size)
    lines = good.decode().split("\n")
    lines[2] = str(int(lines[2]) - 1)
    assert desk.house.http.post("/v1/map/audits", content="\n".join(lines).encode()).status_code in (400, 422)


def test_auditors_that_are_none_stop_the_start(tmp_path: Path) -> None:
    wrong = tmp_path / "auditors"
    wrong.write_text("not a key\n", encoding="utf-8")
    with pytest.raises(MalformedInput), open_house(tmp_path / "data", auditors=wrong):
        pass


def test_what_the_map_says_of_an_identifier(desk: Desk) -> None:
    object_id, _ = desk.picture()
    roots(desk).state(at_once=True)
    desk.house.services.log.publish_now()
    found = desk.house.http.get(f"/v1/map/{object_id}").json()
    head = parse_body(parse_note(found["checkpoint"].encode()).text)
    entry = from_base64(found["entry"])
    verify_inclusion(
        leaf_hash(entry), found["position"], head.size, [from_base64(one) for one in found["path"]], head.root
    )
    body = parse_statement(entry).event.body
    assert (body.size, body.root) == (found["size"], found["root"])
    root = bytes.fromhex(body.root)
    answer = prove_answer(root, OWN, object_id, read_proof(found["own"]))
    assert answer is not None
    assert answer.count == 1
    assert prove_answer(root, NAMED, object_id, read_proof(found["named"])) is None
    never = str(new_identifier(Letter.LICENCE, bytes(10)))
    other = desk.house.http.get(f"/v1/map/{never}").json()
    assert prove_answer(bytes.fromhex(other["root"]), OWN, never, read_proof(other["own"])) is None


def test_every_entry_is_looked_at_a_few_times_however_many_histories_there_are(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    object_id, data = desk.picture()
    for _ in range(16):  # as many as one party may have open about one thing
        desk.studio.record("dispute.open", DisputeOpening(object_id, "authorship"))
    looked = 0

    def counted(payload: bytes) -> Any:
        nonlocal looked
        looked += 1
        return about(payload)

    monkeypatch.setattr("api.services.histories.about", counted)
    bundle = desk.export(desk.studio, "object", object_id, originals={"a.png": data}).content
    monkeypatch.undo()
    report = judged(desk, bundle)
    (told,) = (line for line in report.claim("completeness").evidence if line.key == "map.whole")
    shown = report.facts["statements"]
    assert told.values["count"] > 16
    assert 16 < looked <= 3 * len(shown)
