"""docs/operations.md, docs/trust.md and docs/log-profile.md say what the programs do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from api.accounts import SCOPES
from api.app import create_app
from api.keyring import ROLES
from api.middleware import Edge
from api.routes.quick import ShortWay
from api.routes.status import StatusSchema
from api.services.anchor_watch import AlarmKind
from api.settings import Settings, read_settings
from api.wiring import Services, open_services
from tallystick.errors import MalformedInput
from tallystick.tiles import Tile, tiles_between
from tallystick.trust import TrustFile
from tests.architecture.tree import ROOT
from tests.docs.forms import rows
from tests.docs.pages import column, page, section, table, words

OPERATIONS, TRUST, PROFILE = page("operations.md"), page("trust.md"), page("log-profile.md")
FIELDS = {
    "TALLYSTICK_DATA": "data",
    "TALLYSTICK_HOST": "host",
    "TALLYSTICK_PORT": "port",
    "TALLYSTICK_ORIGIN": "origin",
    "TALLYSTICK_PREFIX": "prefix",
    "TALLYSTICK_PASSPHRASE": "passphrase",
    "TALLYSTICK_CHECKPOINTS": "checkpoints",
    "TALLYSTICK_PREDECESSOR": "predecessor",
    "TALLYSTICK_PREDECESSOR_TRUST": "predecessor_trust",
    "TALLYSTICK_WITNESSES": "witnesses",
    "TALLYSTICK_WITNESS_SECONDS": "witness_seconds",
    "TALLYSTICK_ANCHOR_ENTRIES": "anchor_entries",
    "TALLYSTICK_ANCHOR_SECONDS": "anchor_seconds",
    "TALLYSTICK_ANCHOR_AT_ONCE": "anchor_at_once",
    "TALLYSTICK_ANCHOR_ALARM_SECONDS": "anchor_alarm_seconds",
    "TALLYSTICK_ANCHOR_BUDGET": "anchor_budget",
    "TALLYSTICK_CHAINS": "chains",
    "TALLYSTICK_TIMESTAMPS": "timestamps",
    "TALLYSTICK_MAP_SECONDS": "map_seconds",
    "TALLYSTICK_AUDITORS": "auditors",
    "TALLYSTICK_EVIDENCE_TAIL": "evidence_tail",
    "TALLYSTICK_PLATFORM": "platform",
    "TALLYSTICK_REVOCATION": "revocation",
    "TALLYSTICK_PUBLIC_URL": "public_url",
    "TALLYSTICK_CERTIFICATE_NUMBERS": "certificate_numbers",
    "TALLYSTICK_CERTIFICATE_ZONE": "certificate_zone",
    "TALLYSTICK_STATUS_LIFETIME": "status_lifetime",
    "TALLYSTICK_DATABASE": "database",
    "TALLYSTICK_NAME": "name",
    "TALLYSTICK_ROLE": "role",
    "TALLYSTICK_TILES": "tiles",
}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with open_services(Settings(tmp_path_factory.mktemp("operations") / "data")) as opened:
        yield opened


def test_the_settings_and_their_defaults() -> None:
    told = {row[0].strip("`"): row[1].strip("`") for row in table(section(OPERATIONS, "Settings"))}
    code = (ROOT / "api" / "settings.py").read_text(encoding="utf-8")
    assert list(told) == list(FIELDS)
    assert set(told) == set(re.findall(r'"(TALLYSTICK_[A-Z_]+)"', code))
    defaults = read_settings({})
    for name, default in told.items():
        value = getattr(defaults, FIELDS[name])
        value = ",".join(value) if isinstance(value, tuple) else value
        assert ("none" if value is None else str(value)) == default


CHECKED = ("PORT", "ENTRIES", "SECONDS", "LIFETIME", "ONCE", "BUDGET")


@pytest.mark.parametrize("name", [name for name in FIELDS if name.endswith(CHECKED)])
def test_a_bad_value_names_its_variable(name: str) -> None:
    with pytest.raises(MalformedInput, match=name):
        read_settings({name: "many"})


def test_the_data_folder_holds_what_is_told(services: Services) -> None:
    told = [name for cell in column(section(OPERATIONS, "Data folder")) for name in cell.replace("`", "").split(", ")]
    data = services.settings.data
    made = {path.relative_to(data) for path in data.rglob("*") if path.is_file() and path.name != "lock"}
    for path in made:
        whole = path.as_posix().removesuffix("-wal").removesuffix("-shm")
        assert any(Path(whole).match(one) or whole.startswith(one) for one in told if one), whole
    later = {"anchors/", "credentials/", "log/acknowledged", "log/nodes/"}
    later |= {"keys/replaced", "keys/retired/", "keys/predecessor-checkpoint", "keys/identities/"} | {
        "keys/cawg-roots.pem"
    }
    for one in set(told) - later:
        assert list(data.glob(one.rstrip("/"))), one


def test_keys_and_scopes() -> None:
    files = [name for row in table(section(OPERATIONS, "Keys and passphrase")) for name in words(row[0])]
    assert sorted(files) == sorted(f"{role}.pem" for role in ROLES)
    (sentence,) = re.findall(r"has scopes:(.*?)\.", section(OPERATIONS, "Tokens"))
    assert words(sentence) == set(SCOPES)


def test_what_to_watch_is_in_the_status() -> None:
    told = {name for row in table(section(OPERATIONS, "Watch")) for name in words(row[0])}
    known = set(StatusSchema.model_fields) | {"checkpoint.size", "completeness.share"}
    assert told <= known
    assert {"size", "completeness.share", "oldest_unanchored"} <= told


def test_every_kind_of_alarm_is_told() -> None:
    told = {name for row in table(section(OPERATIONS, "Alarms")) for name in words(row[0])}
    assert told == set(get_args(AlarmKind))


def test_the_trust_file_field_by_field() -> None:
    assert [(row[0].strip("`"), row[1]) for row in table(section(TRUST, "Fields"))] == list(rows(TrustFile))


def openapi(services: Services) -> dict[str, Any]:
    app = create_app(services)
    assert isinstance(app, Edge)
    assert isinstance(app._app, ShortWay)
    described: dict[str, Any] = app._app._app.openapi()  # type: ignore[attr-defined]
    return described


def test_the_urls_that_are_told_are_served(services: Services) -> None:
    served = {re.sub(r"\{.*", "", path) for path in openapi(services)["paths"]} | {"/"}
    told = {url for text in (OPERATIONS, TRUST, PROFILE) for url in re.findall(r"`(?:GET|POST|DELETE) ([^`<{]*)", text)}
    assert {"/checkpoint", "/vkeys", "/v1/status", "/v1/tokens"} <= told
    for url in told:
        assert any(url == one or (one.endswith("/") and len(one) > 1 and url.startswith(one)) for one in served), url


def test_the_example_of_tiles() -> None:
    paths = {tile.path() for tile in tiles_between(0, 70_000)}
    assert {"tile/0/272", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"} <= paths
    assert Tile(0, 1234067).path() == "tile/0/x001/x234/067"
    assert all(text in PROFILE for text in ("273.p/112", "001.p/17", "000.p/1", "x001/x234/067"))


def test_the_alarms_of_a_monitor() -> None:
    told = {name for row in table(section(OPERATIONS, "Monitors")) for name in words(row[0])}
    code = "".join(
        (ROOT / "ledger" / "copies" / name).read_text(encoding="utf-8")
        for name in ("monitor.py", "watching.py", "auditing.py")
    )
    assert told == set(re.findall(r'(?:Alarm|_alarm)\("([a-z-]+)"', code))
