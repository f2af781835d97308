"""A service whose tiles are in an object store: whoever knows the bucket's address alone reads and proves all of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from tlog_scales import signing, tiles
from tlog_scales.backend import HttpBackend
from tlog_scales.reader import TilesReader
from tlog_scales.tlog import InclusionProofInvalid

from api.settings import read_settings
from ledger.folder import Folder
from tallystick.base64s import from_base64
from tallystick.merkle import leaf_hash, verify_inclusion
from tallystick.note import ED25519, parse_verifier_key
from tests.api.house import House, open_house, problem
from tests.api.test_submission import picture
from tests.ledger.commands import run
from tests.s3 import Bucket, Server, bucket, s3

__all__ = ["bucket", "s3"]
PREFIX = "tally/log"


def settings(bucket: Bucket, folder: Path) -> dict[str, Any]:
    told = {"TALLYSTICK_DATA": str(folder), "TALLYSTICK_TILES": bucket.place(PREFIX)}
    return {"tiles": read_settings(told).tiles}


def register(house: House, count: int) -> None:
    studio = house.party("studio")
    events = [{"type": "object.register", "body": picture(b"%d" % number)} for number in range(count)]
    assert studio.post("/v1/events/batch", {"events": events}).status_code == 200
    assert house.registrar.post("/v1/checkpoints").status_code == 200


def test_an_event_is_proved_from_the_bucket_alone(bucket: Bucket, tmp_path: Path) -> None:
    with open_house(tmp_path, **settings(bucket, tmp_path)) as house:
        register(house, 3)
        sizes = [TilesReader(HttpBackend(f"{bucket.public}/{PREFIX}")).get_checkpoint().size]
        register(house, 300)
        lines = house.http.get("/vkeys").text.splitlines()
        (key,) = (line for line in lines if parse_verifier_key(line)[1] == ED25519)
        by_service = house.http.get("/checkpoint").content

        backend = HttpBackend(f"{bucket.public}/{PREFIX}")
        reader = TilesReader(backend)
        head = reader.get_checkpoint()
        assert head.serialize().encode() == by_service
        head.verify(signing.Vkey.from_string(key))
        assert reader.calculate_root_hash() == head.root_hash
        for position in (0, 5, 255, 256, head.size - 1):
            entry = reader.get_entry(position)
            assert entry == house.http.get(f"/v1/entries/{position}").content
            proof = reader.get_inclusion_proof(position, head.size)
            proof.check(tiles.leaf_hash(entry), head.root_hash)
            with pytest.raises(InclusionProofInvalid):
                dataclasses.replace(proof, leaf_index=(position + 1) % head.size).check(
                    tiles.leaf_hash(entry), head.root_hash
                )
            told = house.http.get("/v1/proofs/inclusion", params={"position": position, "size": head.size}).json()
            path = [from_base64(node) for node in told["path"]]
            verify_inclusion(leaf_hash(entry), position, head.size, path, head.root_hash)
        (old,) = sizes
        reader.get_consistency_proof(old, head.size).check(reader.mth(0, old), head.root_hash)
        backend.session.close()
    public = Folder(tmp_path / "log").public
    assert [path for path in public.rglob("*") if path.is_file()] == []
    assert run("fsck", tmp_path / "log", "--tiles", bucket.place(PREFIX))[0] == 0


def test_a_tile_by_the_service_is_that_of_the_bucket(bucket: Bucket, tmp_path: Path) -> None:
    with open_house(tmp_path, **settings(bucket, tmp_path)) as house:
        register(house, 260)
        for path in ("tile/0/000", "tile/entries/000", "tile/1/000.p/1"):
            backend = HttpBackend(f"{bucket.public}/{PREFIX}")
            assert house.http.get(f"/{path}").content == backend.get(*path.split("/"))
            backend.session.close()
        assert house.http.get("/tile/0/007").status_code == 404


def test_a_store_that_is_away_is_told_as_unavailable_and_caught_up_with(
    s3: Server, bucket: Bucket, tmp_path: Path
) -> None:
    with open_house(tmp_path, **settings(bucket, tmp_path)) as house:
        register(house, 1)
        before = house.http.get("/checkpoint").content
        s3.plan(denied="writer")
        assert problem(house.http.get("/checkpoint"))[:2] == (503, "unavailable")
        assert problem(house.http.get("/tile/0/000.p/4"))[:2] == (503, "unavailable")
        studio = house.party("studio")
        assert studio.post("/v1/events", {"type": "object.register", "body": picture(b"late")}).status_code == 201
        assert house.registrar.post("/v1/checkpoints").status_code == 503
        s3.plan()
        register(house, 1)
        after = house.http.get("/checkpoint").content
        assert after != before
    with open_house(tmp_path, **settings(bucket, tmp_path)) as house:
        assert house.http.get("/checkpoint").content == after
