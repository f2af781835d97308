"""From the operator's file to a court: two authorities are asked, shown, exported, and judged by a stranger."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from anchors.scheduler import Policy
from anchors.timestamps.client import TimestampClient
from anchors.timestamps.config import BadAuthorities, read_authorities
from anchors.timestamps.folder import create_folder, open_authority
from anchors.timestamps.outbox import Stamps
from anchors.timestamps.runner import StampRunner
from anchors.timestamps.server import AuthorityServer
from anchors.timestamps.wire import REPLY_TYPE, encode_grant, parse_request
from api.settings import Settings
from api.wiring import open_services
from api.worker import _authority_runners, _source
from tallystick.base64s import to_base64
from tallystick.timestamp import verify_token
from tallystick.timestamp.verification import is_local_root
from tallystick.trust import encode_trust, parse_trust
from tests.anchors.timestamps.conftest import serving
from tests.api.desk import AnchorDriver, Desk, anchoring, case_of
from tests.api.house import open_house, problem
from tests.core.timestamp.forge import AUTHORITY, BEGIN, Recipe, holder, token
from tests.world import START

ROOT = holder("root of the observatory", None, AUTHORITY, begin=BEGIN)
TSA = holder("the observatory", ROOT, begin=BEGIN)


def observatory(query: bytes) -> tuple[int, str, bytes]:
    """A stranger's authority, at the time of the test's world."""
    asked = parse_request(query)
    recipe = Recipe(TSA, nonce=asked.nonce, gen_time=datetime.fromtimestamp(START, UTC), accuracy={"millis": 20})
    return 200, REPLY_TYPE, encode_grant(token(replace(recipe, hashed=asked.hashed)))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("authorities")
    create_folder(folder / "own", "the studio's", None, datetime.fromtimestamp(START - 60, UTC))
    (folder / "observatory.pem").write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    with ExitStack() as stack:
        own = stack.enter_context(open_authority(folder / "own", None, lambda: START * 1_000_000))
        server = AuthorityServer(("127.0.0.1", 0), own, b"")
        url = stack.enter_context(serving(server))
        (folder / "authorities.toml").write_text(
            f'[own]\nurl = "{url}"\nroots = "own/root.pem"\n'
            '[observatory]\nurl = "http://observatory.example/"\nroots = "observatory.pem"\n'
        )
        house = stack.enter_context(
            open_house(tmp_path_factory.mktemp("house"), timestamps=folder / "authorities.toml")
        )
        yield Desk(house, house.party("studio"), house.party("licensee"))


@pytest.fixture(scope="module")
def anchor(desk: Desk) -> Iterator[AnchorDriver]:
    with anchoring(desk) as driver:
        yield driver


def stamp_all(desk: Desk) -> None:
    """What the worker's threads do, once."""
    settings, clock = desk.house.services.settings, desk.house.services.clock
    assert settings.timestamps is not None
    with closing(Stamps(settings.outbox)) as stamps:
        for service in read_authorities(settings.timestamps):
            client = TimestampClient(service, clock, observatory if service.name == "observatory" else None)
            StampRunner(client, Policy(), stamps, _source(settings), clock).run_once()


def listed(desk: Desk) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk.house.http.get("/v1/timestamps").json()["timestamps"]
    return found


@pytest.fixture(scope="module")
def stamped(desk: Desk, anchor: AnchorDriver) -> tuple[str, bytes]:
    """A picture, anchored, and the log stamped by both."""
    object_id, data = desk.picture()
    anchor.anchor()
    desk.publish()
    stamp_all(desk)
    return object_id, data


def test_both_are_shown_with_what_they_are_worth(desk: Desk, stamped: tuple[str, bytes]) -> None:
    found = listed(desk)
    assert {(one["authority"], one["over"], one["state"]) for one in found} == {
        (name, over, "final") for name in ("own", "observatory") for over in ("checkpoint", "block")
    }
    for one in found:
        assert one["operator_only"] is (one["authority"] == "own")
        assert ("operator only" in one["trust"]) is one["operator_only"]
        assert ("仅日志运营方自身" in one["trust_zh"]) is one["operator_only"]
        assert one["error"] is None
        assert one["alarm"] is False
        answer = desk.house.http.get(f"/v1/timestamps/{one['id']}/token")
        assert answer.headers["content-type"] == "application/timestamp-token"
        assert desk.house.http.get(f"/v1/timestamps/{one['id']}").json() == one
    ids, cursor = list[int](), 0
    while cursor is not None:
        page = desk.house.http.get("/v1/timestamps", params={"limit": 1, "cursor": cursor}).json()
        ids += [one["id"] for one in page["timestamps"]]
        cursor = page["next"]
    assert ids == [one["id"] for one in desk.house.http.get("/v1/timestamps").json()["timestamps"]] == sorted(ids)
    assert problem(desk.house.http.get("/v1/timestamps/99"))[:2] == (404, "not-found")


def test_a_court_is_shown_both(desk: Desk, stamped: tuple[str, bytes]) -> None:
    """Under the operator's own trust file, and under a court's that calls both independent."""
    answer = desk.export(desk.studio, "object", stamped[0])
    report = desk.verify(answer.content)
    assert report.verdict == "proved", report
    assert report.claim("timestamp").outcome == "proved"
    (anchored,) = case_of(answer.content).anchors
    assert len(anchored.proof.tokens or ()) == 2
    facts = {one["authority"]: one for one in report.facts["timestamps"]}
    assert facts["own"]["operator_only"] is True
    assert facts["observatory"]["operator_only"] is False
    believed = tuple(replace(one, independent=True) for one in desk.trust.file.tsa_roots)
    court = parse_trust(encode_trust(replace(desk.trust.file, tsa_roots=believed, independent_time=True)))
    from io import BytesIO

    from tallystick.verify import verify_case

    judged = verify_case(BytesIO(answer.content), court, desk.house.world.clock + 3600)
    facts = {one["authority"]: one for one in judged.facts["timestamps"]}
    assert (facts["own"]["independent"], facts["observatory"]["independent"]) == (False, True)


def test_the_operators_trust_file_names_them(desk: Desk) -> None:
    file = desk.trust.file
    assert [(one.name, one.independent) for one in file.tsa_roots] == [("own", False), ("observatory", False)]
    assert file.tsa_roots[1].root == to_base64(ROOT.der)


def test_the_tokens_are_over_what_is_said(desk: Desk, stamped: tuple[str, bytes]) -> None:
    authorities = desk.trust.time_authorities
    for one in listed(desk):
        made = desk.house.http.get(f"/v1/timestamps/{one['id']}/token").content
        anchors = desk.house.http.get("/v1/anchors").json()["anchors"]
        blocks = {bytes.fromhex(anchor["block_hash"]) for anchor in anchors if anchor["block_hash"]}
        if one["over"] == "block":
            assert bytes.fromhex(one["block_hash"]) in blocks
            verify_token(made, bytes.fromhex(one["block_hash"]), authorities)
        else:
            (row,) = (stamp for stamp in desk.house.services.timestamps.stamps() if stamp.id == one["id"])
            verify_token(made, row.note.partition(b"\n\n")[0] + b"\n", authorities)


# --- the worker's threads, and the file ----------------------------------------------------


def test_the_worker_runs_one_thread_for_each(desk: Desk) -> None:
    runners = _authority_runners(desk.house.services.settings)
    assert [one.name for one in runners] == ["timestamps of own", "timestamps of observatory"]
    stop = threading.Event()
    thread = threading.Thread(target=runners[1].run, args=(stop,), daemon=True)
    thread.start()
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


def test_none_by_default(tmp_path: Path) -> None:
    with open_services(Settings(tmp_path / "data")) as services:
        assert services.timestamps.stamps() == []
        (own,) = parse_trust(services.trust).time_authorities
        assert (is_local_root(own.root), own.independent) == (True, False), "what dates certificates, and no other"
        assert _authority_runners(services.settings) == []


FILES = {
    "no TOML": ("[a", "is no TOML"),
    "no table": ("a = 1", "an authority is a table"),
    "a name that draws": ('["a b"]\nurl = "http://a/"', "an authority is a table"),
    "an unknown member": ('[a]\nurl = "http://a/"\nrots = "x"', "unknown member 'rots'"),
    "no address": ('[a]\nroots = "root.pem"', "url is a text"),
    "another address": ('[a]\nurl = "ftp://a/"\nroots = "root.pem"', "is not the address of an authority"),
    "no roots": ('[a]\nurl = "http://a/"', "roots is a text"),
    "roots that are not there": ('[a]\nurl = "http://a/"\nroots = "none.pem"', "No such file"),
    "roots that are none": ('[a]\nurl = "http://a/"\nroots = "authorities.toml"', "no PEM certificates"),
    "a policy that is none": ('[a]\nurl = "http://a/"\nroots = "root.pem"\npolicy = "1.02"', "object identifier"),
    "a user without password": ('[a]\nurl = "http://a/"\nroots = "root.pem"\nuser = "u"', "come together"),
    "a time that is none": ('[a]\nurl = "http://a/"\nroots = "root.pem"\ntimeout-seconds = 0', "from 1 to 120"),
}


@pytest.mark.parametrize("fault", FILES)
def test_a_file_that_is_refused(tmp_path: Path, fault: str) -> None:
    text, said = FILES[fault]
    (tmp_path / "authorities.toml").write_text(text)
    (tmp_path / "root.pem").write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    with pytest.raises(BadAuthorities, match=said):
        read_authorities(tmp_path / "authorities.toml")
    with pytest.raises(BadAuthorities, match="correct TALLYSTICK_TIMESTAMPS"):
        read_authorities(tmp_path / "none.toml")


def test_a_whole_file(tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(ROOT.certificate.public_bytes(Encoding.PEM) * 2)
    (tmp_path / "secret").write_text("pass word\n")
    (tmp_path / "authorities.toml").write_text(
        '[a]\nurl = "https://a.example/x?y=1"\nroots = "root.pem"\ncertificates = "root.pem"\npolicy = "1.2.3"\n'
        'user = "u"\npassword-file = "secret"\ntimeout-seconds = 3\n'
    )
    (found,) = read_authorities(tmp_path / "authorities.toml")
    assert (found.roots, found.certificates) == ((ROOT.der, ROOT.der), (ROOT.der, ROOT.der))
    assert (found.policy, found.user, found.password, found.seconds) == ("1.2.3", "u", "pass word", 3)
