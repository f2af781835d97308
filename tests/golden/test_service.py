"""What an earlier service left behind is opened, found whole, and gone on with by this one."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from api.settings import Settings
from api.wiring import open_services
from api.worker import open_worker
from ledger.errors import UnknownSchema
from ledger.folder import Folder
from ledger.store.newest import SCHEMA
from ledger.store.sqlite import open_store, schema_of
from ledger.upkeep.fsck import fsck, replay
from tallystick.__main__ import main
from tallystick.base64s import from_base64
from tallystick.client.http import Client
from tallystick.identifiers import Letter
from tallystick.licence.staple import decode_staple
from tallystick.merkle import verify_consistency
from tallystick.times import format_time
from tallystick.tree_head import parse_log_keys, verify_tree_head
from tallystick.trust import parse_trust
from tallystick.verify import Report, verify_case
from tests.api.house import serving
from tests.architecture.tree import ROOT
from tests.golden.conftest import GOLDEN, VERSIONS, Kept
from tests.world import World

PROP = ROOT / "fixtures" / "assets" / "lantern" / "prop" / "lantern.gltf"


@contextmanager
def client(kept: Kept) -> Iterator[Client]:
    """The service of this version over the kept data, a minute later, with the token of that time."""
    with (
        open_services(Settings(data=kept.data), lambda: kept.at + 60) as services,
        serving(create_app(services)) as http,
        Client(str(http.base_url), kept.expected["administrator"]) as found,
    ):
        yield found


def test_every_version_is_kept_and_small() -> None:
    assert VERSIONS == ["1"]
    assert sum(path.stat().st_size for path in GOLDEN.rglob("*") if path.is_file()) < 1 << 21


def test_the_log_is_whole(kept: Kept) -> None:
    folder = Folder(kept.data / "log")
    assert schema_of(folder.database) == kept.expected["schema"]
    if kept.expected["schema"] < SCHEMA:
        # A check only reads: bringing the database forward is for whoever opens the log.
        with pytest.raises(UnknownSchema, match="open the log with it once"):
            fsck(folder)
        open_store(folder.database).close()
    report, again = fsck(folder), replay(folder)
    assert (report.findings, list(again.findings)) == ((), [])
    assert report.entries == again.entries == report.published > 50


def test_the_database_is_brought_to_this_schema(kept: Kept) -> None:
    database = Folder(kept.data / "log").database
    open_store(database).close()
    assert schema_of(database) == SCHEMA
    assert fsck(Folder(kept.data / "log")).findings == ()


def test_the_log_goes_on_from_what_it_had_signed(kept: Kept) -> None:
    with client(kept) as registrar:
        keys = parse_log_keys(registrar.fetch("/vkeys").decode().splitlines())
        old = verify_tree_head((kept.folder / "checkpoint").read_bytes(), keys).checkpoint
        assert registrar.fetch("/v1/trust") == (kept.folder / "trust.json").read_bytes()
        assert dispute(registrar, kept)["position"] == old.size
        registrar.publish()
        new = verify_tree_head(registrar.fetch("/checkpoint"), keys).checkpoint
        assert new.size == old.size + 2, "the event and its batch"
        path = [from_base64(text) for text in registrar.consistency(old.size, new.size)["path"]]
    verify_consistency(old.size, old.root, new.size, new.root, path)
    assert fsck(Folder(kept.data / "log")).findings == ()


def test_the_chain_goes_on_and_a_new_case_is_proved_under_the_old_trust_file(kept: Kept, tmp_path: Path) -> None:
    settings = Settings(data=kept.data)
    with client(kept) as registrar:
        before = registrar.anchors()
        assert {anchor["state"] for anchor in before} == {"final"}
        dispute(registrar, kept)
        registrar.anchor("a later version")
        with open_worker(settings, lambda: kept.at + 60) as worker:
            while worker.run_once().progress != "idle":
                pass
        after = registrar.anchors()
        assert len(after) == len(before) + 1
        assert after[-1]["block_number"] > max(anchor["block_number"] for anchor in before)
        report = export(registrar, kept, tmp_path / "case.zip")
    assert report.verdict == "proved"
    assert {claim.id for claim in report.claims if claim.outcome != "proved"} == {"time", "completeness"}


def dispute(registrar: Client, kept: Kept) -> dict[str, Any]:
    """Something new about the kept object."""
    subject = World("later").identifier(Letter.DISPUTE)
    return registrar.submit("dispute.open", {"target": kept.expected["prop"], "claim": "ownership"}, subject=subject)


def export(registrar: Client, kept: Kept, case: Path) -> Report:
    request = json.dumps({"kind": "object", "subject": kept.expected["prop"]})
    registrar.export(request, "{}", {PROP.name: PROP}, (), case)
    trust = parse_trust((kept.folder / "trust.json").read_bytes())
    return verify_case(io.BytesIO(case.read_bytes()), trust, kept.at + 60)


# --- the licence that people took home ----------------------------------------------


def ask(kept: Kept, folder: Path, question: str, *more: str, later: int = 0) -> int:
    """Exit status of ``tallystick license check`` on the kept card."""
    card = folder / "licence.png"
    card.write_bytes(kept.card)
    given = ["license", "check", str(card), "--trust", str(kept.folder / "trust.json"), "--for", question]
    return main([*given, "--at", format_time(kept.at + later), *more])


@pytest.mark.parametrize(
    ("question", "code"),
    [("play in DE on streaming", 0), ("play in US on streaming", 1), ("translate in DE on streaming", 1)],
)
def test_the_licence_is_read_as_it_was(kept: Kept, tmp_path: Path, question: str, code: int) -> None:
    assert ask(kept, tmp_path, question, "--status", str(kept.folder / "status.json")) == code


def test_its_status_grows_stale_and_without_one_nobody_can_tell(kept: Kept, tmp_path: Path) -> None:
    status = ("--status", str(kept.folder / "status.json"))
    assert ask(kept, tmp_path, "play in DE on streaming") == 3
    assert ask(kept, tmp_path, "play in DE on streaming", *status, later=400 * 86_400) == 3


def test_a_new_status_answers_for_the_old_licence(kept: Kept, tmp_path: Path) -> None:
    with client(kept) as registrar:
        data: Any = registrar.fetch(f"/v1/licences/{kept.expected['licence']}/staple")
    assert decode_staple(data) != decode_staple((kept.folder / "status.json").read_bytes())
    (tmp_path / "status.json").write_bytes(data)
    assert ask(kept, tmp_path, "play in DE on streaming", "--status", str(tmp_path / "status.json"), later=60) == 0
