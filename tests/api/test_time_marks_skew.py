"""An authority's clock a few seconds ahead of the operator's, or behind: both are honest, and no report says else."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from anchors.timestamps.wire import REPLY_TYPE, encode_grant, parse_request
from tallystick.trust import encode_trust, parse_trust
from tallystick.verify import verify_case
from tests.api import test_timestamps
from tests.api.desk import Desk, anchoring
from tests.api.house import open_house
from tests.api.test_time_marks import another, marks
from tests.api.test_timestamps import ROOT, TSA, stamp_all
from tests.core.timestamp.forge import Recipe, token
from tests.patience import wait_until
from tests.world import START

AHEAD = 2


@pytest.fixture(params=[AHEAD, -AHEAD], ids=["ahead", "behind"])
def desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """With an authority of another clock, which states an accuracy of a fiftieth of a second, as real ones do."""
    (tmp_path / "observatory.pem").write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "authorities.toml").write_text(
        '[observatory]\nurl = "http://observatory.example/"\nroots = "observatory.pem"\n'
    )
    with open_house(tmp_path / "house", timestamps=tmp_path / "authorities.toml") as house:

        def observatory(query: bytes) -> tuple[int, str, bytes]:
            asked = parse_request(query)
            time = datetime.fromtimestamp(house.world.clock + request.param, UTC)
            recipe = Recipe(TSA, hashed=asked.hashed, nonce=asked.nonce, gen_time=time, accuracy={"millis": 20})
            return 200, REPLY_TYPE, encode_grant(token(recipe))

        monkeypatch.setattr(test_timestamps, "observatory", observatory)
        yield Desk(house, house.party("studio"), house.party("licensee"))


def test_a_report_of_an_honest_log_shows_no_contradiction(desk: Desk, request: pytest.FixtureRequest) -> None:
    ahead = request.node.callspec.params["desk"] > 0
    world = desk.house.world
    with anchoring(desk) as anchor:
        desk.picture()
        anchor.anchor()
        stamp_all(desk)
        assert (another(desk, 0).due() == []) == ahead, "what is of the future waits"
        if ahead:
            world.clock += AHEAD - 1
            assert another(desk, 0).due() == []
            world.clock += 1
            assert len(another(desk, 0).due()) == 1
        wait_until(lambda: marks(desk), "the service enters it")
        object_id, data = desk.picture()
        anchor.anchor()
        stamp_all(desk)
        bundle = desk.ask(desk.studio, "object", object_id, originals={"a.png": data}).content
    file = desk.trust.file
    roots = tuple(dataclasses.replace(one, independent=True) for one in file.tsa_roots)
    trust = parse_trust(encode_trust(dataclasses.replace(file, tsa_roots=roots, independent_time=True)))
    report = verify_case(io.BytesIO(bundle), trust, START + 3600)
    assert report.facts["time"]["contradictions"] == []
    assert (report.verdict, report.claim("time").outcome) == ("proved", "proved")
