"""A later version of any format is no malformed one: the answer is *not proved*, or says which program to install."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from api.__main__ import main as api_main
from tallystick import canonical
from tallystick.__main__ import main
from tallystick.bundle import read_bundle, write_bundle
from tallystick.case.model import INDEX, PROOFS
from tallystick.times import format_time
from tests.api.process import free_port
from tests.core.verify.mutate import described
from tests.golden.conftest import GOLDEN, Kept
from tests.world import World

EVIDENCE = GOLDEN / "1" / "evidence"
EXPORTER = World("golden", "log.example/golden").roles["exporter"]
INSTALL = "install a newer"
Members = dict[str, bytes]


def kept_members() -> Members:
    bundle = read_bundle(io.BytesIO((EVIDENCE / "case.zip").read_bytes()))
    return {name: bundle.read(name, 1 << 20) for name in bundle.names()}


def with_field(name: str, field: str, value: object) -> Callable[[Members], Members]:
    """A JSON member in a later form: another ``field``, and something that only that form has."""

    def change(members: Members) -> Members:
        found = canonical.decode(members[name], 1 << 20)
        assert isinstance(found, dict)
        assert field in found
        return {**members, name: canonical.encode({**found, field: value, "new": []})}

    return change


def with_event(old: bytes, new: bytes) -> Callable[[Members], Members]:
    """Every entry that says ``old``, in its signed words, says ``new``; lengths stay as they are."""

    def change(members: Members) -> Members:
        assert len(old) == len(new)
        chosen = [name for name in members if name.startswith("data/entries/") and old in members[name]]
        assert chosen
        return {**members, **{name: members[name].replace(old, new) for name in chosen}}

    return change


BUNDLES: dict[str, Callable[[Members], Members]] = {
    "bundle format": with_field(INDEX, "format", "tallystick-evidence/9"),
    "case": with_field(INDEX, "v", 9),
    "proofs": with_field(PROOFS, "v", 2),
    "anchor proof": with_field("data/anchors/1/proof.json", "v", 9),
    "event": with_event(b',"v":1}', b',"v":2}'),
    "event of a type to come": with_event(b'"type":"job.complete"', b'"type":"job.finished"'),
    "digest record": with_event(b'"v":1},', b'"v":2},'),
}


def test_nothing_but_the_version_is_wrong_with_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(kept_members(), tmp_path) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "proved"


@pytest.mark.parametrize("name", BUNDLES)
def test_a_later_part_of_a_bundle_is_not_proved(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(BUNDLES[name](kept_members()), tmp_path) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "not_proved"
    told = [sentence for claim in found["claims"] for sentence in claim["evidence"] if INSTALL in sentence]
    assert told, found["claims"][0]


def verify(members: Members, folder: Path) -> int:
    """Signed again by the exporter's real key, and asked at the time when it was kept."""
    case = folder / "case.zip"
    with case.open("wb") as file:
        write_bundle(file, described(members), EXPORTER, {})
    at = format_time(json.loads((EVIDENCE / "expected.json").read_text(encoding="utf-8"))["at"])
    return main(["verify", str(case), "--trust", str(EVIDENCE / "trust.json"), "--at", at, "--json"])


def later(data: bytes, folder: Path) -> str:
    """The JSON file as a version to come, with something new in it; its path."""
    value = json.loads(data)
    assert value["v"] == 1
    path = folder / "later.json"
    path.write_bytes(canonical.encode({**value, "v": 9, "new": []}))
    return str(path)


def test_a_later_trust_file_proves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trust = later((EVIDENCE / "trust.json").read_bytes(), tmp_path)
    assert main(["verify", str(EVIDENCE / "case.zip"), "--trust", trust, "--at", "2026-03-01T00:00:00Z"]) == 1
    printed = capsys.readouterr()
    assert (printed.out, INSTALL in printed.err) == ("", True)


@pytest.mark.parametrize("what", ["trust.json", "status.json"])
def test_with_a_later_trust_file_or_status_a_licence_cannot_be_told(
    kept: Kept, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "licence.png").write_bytes(kept.card)
    paths = {name: str(kept.folder / name) for name in ("trust.json", "status.json")}
    paths[what] = later((kept.folder / what).read_bytes(), tmp_path)
    given = ["license", "check", str(tmp_path / "licence.png"), "--for", "play in DE on streaming"]
    given += ["--at", format_time(kept.at), "--trust", paths["trust.json"], "--status", paths["status.json"]]
    assert main(given) == 3
    printed = capsys.readouterr()
    assert (printed.out, INSTALL in printed.err) == ("", True)


# --- databases ------------------------------------------------------------------------

DATABASES = {
    "log/ledger.sqlite": "UPDATE alembic_version SET version_num = '9999'",
    "log/checkpoints.sqlite": "PRAGMA user_version = 2",
    "anchors/anchors.db": "PRAGMA user_version = 99",
    "anchors/chain.db": "PRAGMA user_version = 2",
    "accounts.db": "PRAGMA user_version = 2",
    "credentials/orders.db": "PRAGMA user_version = 2",
}
"""Each database of a data folder, and what a later program would leave in it."""


def upgrade(database: Path, statement: str) -> bytes:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute(statement)
    return database.read_bytes()


@pytest.mark.parametrize("name", DATABASES)
def test_a_service_does_not_open_a_later_database(
    kept: Kept, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = upgrade(kept.data / name, DATABASES[name])
    monkeypatch.setenv("TALLYSTICK_DATA", str(kept.data))
    monkeypatch.setenv("TALLYSTICK_PORT", str(free_port()))
    assert api_main(["worker" if name == "anchors/chain.db" else "serve"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert INSTALL in printed.err
    assert name.rpartition("/")[2] in printed.err
    assert (kept.data / name).read_bytes() == before, "it is left as it was"
