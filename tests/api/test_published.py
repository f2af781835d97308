"""The published log is read by rules that others wrote: C2SP paths, content types, cache headers, RFC 6962 proofs."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tallystick.base64s import from_base64
from tallystick.merkle import leaf_hash, root_of, verify_consistency, verify_inclusion
from tallystick.tiles import Tile, bundles_between, parse_bundle, tiles_between
from tallystick.tree_head import parse_log_keys, verify_tree_head
from tests.api.house import House, Party, problem
from tests.api.test_submission import picture

NOTE = "text/plain; charset=utf-8"
IMMUTABLE = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def sizes(house: House, studio: Party) -> list[int]:
    """Published sizes; the last one makes full tiles and partial ones."""
    found = []
    for count in (1, 3, 150, 200):
        events = [{"type": "object.register", "body": picture(b"%d" % n)} for n in range(count)]
        assert studio.post("/v1/events/batch", {"events": events}).status_code == 200
        found.append(publish(house)["size"])
    return found


def publish(house: House) -> dict[str, Any]:
    answer = house.registrar.post("/v1/checkpoints")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def fetch(house: House, path: str, media_type: str = "application/octet-stream") -> httpx.Response:
    answer = house.http.get(path)
    assert answer.status_code == 200, (path, answer.text)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["access-control-allow-origin"] == "*"
    return answer


def test_the_checkpoint_is_the_signed_note(house: House, sizes: list[int]) -> None:
    answer = fetch(house, "/checkpoint", NOTE)
    assert answer.headers["cache-control"] == "public, max-age=1"
    keys = parse_log_keys(fetch(house, "/vkeys", NOTE).text.splitlines())
    head = verify_tree_head(answer.content, keys)
    told = publish(house)
    assert (head.checkpoint.origin, head.checkpoint.size) == (told["origin"], told["size"])
    assert head.checkpoint.root.hex() == told["root"]
    assert answer.text == told["note"]


def test_verifier_keys_stand_one_a_line(house: House) -> None:
    lines = fetch(house, "/vkeys", NOTE).text
    assert lines.endswith("\n")
    assert len(lines.splitlines()) == 3
    assert all(line.startswith(f"{house.world.origin}+") for line in lines.splitlines())


def test_every_tile_of_the_published_tree_is_there_and_gives_its_root(house: House, sizes: list[int]) -> None:
    size = sizes[-1]
    leaves = []
    for tile in bundles_between(0, size):
        answer = fetch(house, f"/{tile.path()}")
        assert answer.headers["cache-control"] == IMMUTABLE
        entries = parse_bundle(answer.content)
        assert len(entries) == tile.width
        leaves += [leaf_hash(entry) for entry in entries]
    for tile in tiles_between(0, size):
        answer = fetch(house, f"/{tile.path()}")
        assert answer.headers["cache-control"] == IMMUTABLE
        assert len(answer.content) == tile.width * 32
        if tile.level == 0:
            assert answer.content == b"".join(leaves[tile.index * 256 : tile.index * 256 + tile.width])
    assert root_of(leaves).hex() == publish(house)["root"]


def test_partial_tiles_of_earlier_sizes_stay(house: House, sizes: list[int]) -> None:
    first = sizes[0]
    assert first < 256
    assert len(fetch(house, f"/{Tile(0, 0, first).path()}").content) == first * 32
    assert len(parse_bundle(fetch(house, f"/{Tile(None, 0, first).path()}").content)) == first


def test_bundles_are_compressed_for_whoever_takes_gzip(house: House, sizes: list[int]) -> None:
    def ask(path: str, accept: str) -> httpx.Response:
        return house.http.get(path, headers={"Accept-Encoding": accept})

    plain = ask("/tile/entries/000", "identity")
    for accept in ("gzip", "br, GZIP;q=0.5", "gzip, identity", "deflate ,gzip ; q=1"):
        packed = ask("/tile/entries/000", accept)
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == "Accept-Encoding"
        assert int(packed.headers["content-length"]) < len(plain.content)
        assert packed.content == plain.content
        assert packed.headers["cache-control"] == IMMUTABLE
    for accept in ("", "identity", "br", "gzip;q=0", "gzip;q=0.000", "xgzip"):
        answer = ask("/tile/entries/000", accept)
        assert "content-encoding" not in answer.headers
        assert answer.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in ask("/tile/0/000", "gzip").headers


def test_head_says_what_get_would(house: House, sizes: list[int]) -> None:
    for path in ("/checkpoint", "/vkeys", "/tile/0/000", "/tile/entries/000"):
        plain = {"Accept-Encoding": "identity"}
        asked, got = house.http.head(path, headers=plain), house.http.get(path, headers=plain)
        assert (asked.status_code, asked.content) == (200, b"")
        assert {**asked.headers, "date": ""} == {**got.headers, "date": ""}
    assert house.http.head("/tile/0/999").status_code == 404


def test_what_is_not_there_is_not_kept_by_caches(house: House, sizes: list[int]) -> None:
    """A tile of tomorrow is missing today only."""
    assert house.http.get("/tile/0/999").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/999",
        "tile/0/000.p/255",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/0",
        "tile/64/000",
        "tile/0/x000/000",
        "tile/entries/999",
        "tile/data/000",
        "tile/0/%2e%2e/%2e%2e/checkpoint",
        "tile/0/000.tmp",
        "tile/../checkpoint.sqlite",
        "tile/",
    ],
)
def test_no_other_path_is_served(house: House, sizes: list[int], path: str) -> None:
    status, code, _ = problem(house.http.get(f"/{path}"))
    assert (status, code) == (404, "not-found")


def test_inclusion_proofs_verify_at_every_published_size(house: House, sizes: list[int]) -> None:
    leaves = all_leaves(house, sizes[-1])
    for size in sizes:
        root = root_of(leaves[:size])
        for position in {0, 1, size // 2, size - 1}:
            proof = house.http.get("/v1/proofs/inclusion", params={"position": position, "size": size}).json()
            assert (proof["position"], proof["size"]) == (position, size)
            assert from_base64(proof["leaf"]) == leaves[position]
            path = [from_base64(node) for node in proof["path"]]
            verify_inclusion(leaves[position], position, size, path, root)


def test_any_size_up_to_the_published_one_can_be_proved(house: House, sizes: list[int]) -> None:
    """Also sizes that never were published: their partial tiles do not exist."""
    leaves = all_leaves(house, sizes[-1])
    for size in (1, 2, sizes[2] - 7, 255, 256, 257, sizes[-1] - 1):
        proof = house.http.get("/v1/proofs/inclusion", params={"position": 0, "size": size}).json()
        verify_inclusion(leaves[0], 0, size, [from_base64(one) for one in proof["path"]], root_of(leaves[:size]))
        assert proof["checkpoint"] is None


def test_consistency_proofs_verify_between_all_published_sizes(house: House, sizes: list[int]) -> None:
    leaves = all_leaves(house, sizes[-1])
    for new in sizes:
        for old in [1, *(size for size in sizes if size <= new)]:
            proof = house.http.get("/v1/proofs/consistency", params={"from": old, "to": new}).json()
            path = [from_base64(node) for node in proof["path"]]
            verify_consistency(old, root_of(leaves[:old]), new, root_of(leaves[:new]), path)
            assert (proof["old_size"], proof["new_size"]) == (old, new)


def test_without_a_size_the_newest_checkpoint_comes_along(house: House, sizes: list[int]) -> None:
    told = publish(house)
    inclusion = house.http.get("/v1/proofs/inclusion", params={"position": 0}).json()
    consistency = house.http.get("/v1/proofs/consistency", params={"from": 3}).json()
    assert inclusion["size"] == consistency["new_size"] == told["size"]
    assert inclusion["checkpoint"] == consistency["checkpoint"] == told["note"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("inclusion?position=99999", (404, "not-found", "position")),
        ("inclusion?position=0&size=99999", (404, "not-found", "size")),
        ("inclusion?position=5&size=5", (404, "not-found", "position")),
        ("inclusion?position=0&size=0", (404, "not-found", "position")),
        ("inclusion", (422, "malformed", "position")),
        ("inclusion?position=9223372036854775808", (422, "malformed", "position")),
        ("consistency?from=0", (422, "malformed", "from")),
        ("consistency?from=5&to=4", (422, "malformed", "from")),
        ("consistency?from=1&to=99999", (404, "not-found", "to")),
    ],
)
def test_proofs_outside_the_tree_are_refused(
    house: House, sizes: list[int], query: str, expected: tuple[int, str, str]
) -> None:
    assert problem(house.http.get(f"/v1/proofs/{query}")) == expected


def test_the_published_log_is_read_from_files_alone(
    house: House, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_database() -> None:
        raise AssertionError("a read of the published log went to the database")

    monkeypatch.setattr(house.services.log.store, "snapshot", no_database)
    for path in ("/checkpoint", "/vkeys", "/tile/0/000", "/tile/entries/000", "/v1/proofs/inclusion?position=0"):
        assert house.http.get(path).status_code == 200


def all_leaves(house: House, size: int) -> list[bytes]:
    bundles = (fetch(house, f"/{tile.path()}").content for tile in bundles_between(0, size))
    return [leaf_hash(entry) for bundle in bundles for entry in parse_bundle(bundle)]
