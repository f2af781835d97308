"""PyPI ``tlog-scales``: checkpoint, tiles, entries and proofs over HTTP; cosignatures and a whole log the other way."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from tlog_scales import cli, signing, tiles
from tlog_scales.backend import HttpBackend, LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.tlog import (
    Checkpoint,
    ConsistencyProof,
    ConsistencyProofInvalid,
    InclusionProof,
    InclusionProofInvalid,
)
from tlog_scales.writer import TilesWriter

from ledger.publisher import Publisher
from ledger.store.memory import MemoryStore
from ledger.tilestore import TileStore
from tallystick.base64s import to_base64
from tallystick.checkpoint import parse_body
from tallystick.cosignature import MlDsaCosigner, cosign_ed25519, cosign_ml_dsa
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import PublicKey
from tallystick.merkle import ProofFailed, leaf_hash, prove_consistency, prove_inclusion, root_of, verify_inclusion
from tallystick.note import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    ED25519,
    OTHER,
    Ed25519Verifier,
    parse_note,
    parse_verifier_key,
    verifier_key,
    verify_note,
)
from tallystick.tiles import Tile, TileReader, parse_bundle
from tallystick.tlog_proof import parse_proof, verify_proof_by_policy
from tallystick.tree_head import parse_log_keys, verify_tree_head
from tallystick.witness_policy import parse_policy
from tests.ledger.faults import MemoryCheckpoints
from tests.ledger.rawlog import fill, raw_entry
from tests.strangers.conftest import Served
from tests.world import START, World, key_from

LATER = 4_000_000_000


class Flipped:
    """A backend that changes one bit of one file on its way."""

    def __init__(self, inner: HttpBackend | LocalBackend, path: str, at: int = 0) -> None:
        self._inner, self._path, self._at = inner, path, at

    def get(self, *path: str) -> bytes | None:
        data = self._inner.get(*path)
        if data is not None and "/".join(path) == self._path:
            changed = bytearray(data)
            changed[self._at] ^= 1
            data = bytes(changed)
        return data


@pytest.fixture(scope="module")
def http(served: Served) -> Iterator[HttpBackend]:
    backend = HttpBackend(served.url)
    yield backend
    backend.session.close()


@pytest.fixture
def reader(http: HttpBackend) -> TilesReader:
    found = TilesReader(http)
    found.get_checkpoint()
    return found


def vkey(served: Served, kind: int) -> signing.Vkey:
    return signing.Vkey.from_string(served.verifier_keys()[kind][0])


# --- our log, read by them --------------------------------------------------------------


def test_it_reads_the_checkpoint_and_verifies_both_signatures_it_knows(served: Served, http: HttpBackend) -> None:
    found = TilesReader(http).get_checkpoint()
    assert (found.origin, found.size, found.root_hash) == (served.head.origin, served.head.size, served.head.root)
    for kind in (ED25519, COSIGNATURE_ML_DSA_44):
        found.verify(vkey(served, kind))
    known = signing.VkeySet(vkey(served, ED25519), vkey(served, COSIGNATURE_ML_DSA_44))
    assert {key.sig_type for key, _ in known.verify(found.signatures, found)} == {ED25519, COSIGNATURE_ML_DSA_44}


def test_it_writes_the_checkpoint_and_the_keys_as_we_do(served: Served, http: HttpBackend) -> None:
    assert TilesReader(http).get_checkpoint().serialize() == served.notes[-1]
    for text, _ in served.verifier_keys().values():
        assert signing.Vkey.from_string(text).serialize() == text


def test_our_own_signature_type_is_unknown_to_it(served: Served) -> None:
    """0xff is for types without a number: who does not know the long identifier ignores the line, as here."""
    with pytest.raises(NotImplementedError):
        vkey(served, OTHER).get_verifier()


@pytest.mark.parametrize("kind", [ED25519, COSIGNATURE_ML_DSA_44])
@pytest.mark.parametrize("changes", [{"size": 7}, {"root_hash": bytes(32)}, {"origin": "log.example/other"}])
def test_it_refuses_another_checkpoint(
    served: Served, http: HttpBackend, kind: int, changes: dict[str, object]
) -> None:
    found = dataclasses.replace(TilesReader(http).get_checkpoint(), **changes)
    with pytest.raises(InvalidSignature):
        found.verify(vkey(served, kind))


def test_it_computes_the_root_of_every_published_size_from_the_tiles(served: Served, reader: TilesReader) -> None:
    assert [reader.mth(0, head.size) for head in served.heads] == [head.root for head in served.heads]


def test_it_reads_every_entry_and_proves_it(served: Served, reader: TilesReader) -> None:
    size, root = served.head.size, served.head.root
    for position in range(size):
        entry = reader.get_entry(position)
        proof = reader.get_inclusion_proof(position, size)
        proof.check(tiles.leaf_hash(entry), root)
        assert leaf_hash(entry) == tiles.leaf_hash(entry)
    for position in (0, 255, 256, size - 1):
        assert reader.get_entry(position) == served.entry(position)
        assert reader.get_inclusion_proof(position, size).node_hashes == served.path(position, size)


def test_its_consistency_proofs_are_ours_and_verify_on_both_sides(served: Served, reader: TilesReader) -> None:
    for old in served.heads:
        for new in served.heads:
            if old.size <= new.size:
                theirs = reader.get_consistency_proof(old.size, new.size)
                assert theirs.node_hashes == served.consistency(old.size, new.size)
                theirs.check(old.root, new.root)


def test_its_program_writes_a_proof_file_of_our_checkpoint(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    position = 256
    monkeypatch.setattr("sys.argv", ["tlog-scales", "gen-proof", str(served.public), str(position)])
    cli.main()
    path = "".join(f"{to_base64(node)}\n" for node in served.path(position, served.head.size))
    made = capsys.readouterr().out
    assert made == f"c2sp.org/tlog-proof@v1\nindex {position}\n{path}\n{served.notes[-1]}"
    proof, leaf = parse_proof(made.encode()), leaf_hash(served.entry(position))
    policy = parse_policy(f"log {served.verifier_keys()[ED25519][0]}\nquorum none\n".encode())
    assert verify_proof_by_policy(proof, leaf, policy, LATER).checkpoint == served.head
    with pytest.raises(ProofFailed):
        verify_proof_by_policy(dataclasses.replace(proof, index=position + 1), leaf, policy, LATER)


def test_it_notices_one_changed_bit_in_a_tile(served: Served, http: HttpBackend) -> None:
    size = served.head.size
    for path in (f"tile/0/{size // 256:03d}.p/{size % 256}", f"tile/1/000.p/{size // 256}"):
        reader = TilesReader(Flipped(http, path))
        reader.get_checkpoint()
        assert reader.calculate_root_hash() != served.head.root, path
    # Below a full tile's hash in the level above, a changed leaf shows once a proof passes through it.
    reader = TilesReader(Flipped(http, "tile/0/000", 32 * 9))
    assert reader.get_checkpoint().root_hash == reader.calculate_root_hash()
    with pytest.raises(InclusionProofInvalid):
        reader.get_inclusion_proof(8, size).check(tiles.leaf_hash(reader.get_entry(8)), served.head.root)


def test_it_notices_one_changed_bit_in_an_entry(served: Served, http: HttpBackend) -> None:
    reader = TilesReader(Flipped(http, "tile/entries/000", 2))
    reader.get_checkpoint()
    proof = reader.get_inclusion_proof(0, served.head.size)
    with pytest.raises(InclusionProofInvalid):
        proof.check(tiles.leaf_hash(reader.get_entry(0)), served.head.root)


def test_it_refuses_our_proof_for_another_leaf_index_or_tree(served: Served) -> None:
    size, root, position = served.head.size, served.head.root, 256
    path, leaf = served.path(position, size), leaf_hash(served.entry(position))
    InclusionProof(position, size, path).check(leaf, root)
    for wrong in (
        InclusionProof(position + 1, size, path),
        InclusionProof(position, size, path[:-1]),
        InclusionProof(position, size, [*path[:-1], bytes(32)]),
        InclusionProof(size, size, path),
    ):
        with pytest.raises(InclusionProofInvalid):
            wrong.check(leaf, root)


def test_it_refuses_a_fork(served: Served) -> None:
    old, new = served.heads[0], served.head
    path = served.consistency(old.size, new.size)
    for first, second in ((bytes(32), new.root), (old.root, bytes(32))):
        with pytest.raises(ConsistencyProofInvalid):
            ConsistencyProof(old.size, new.size, path).check(first, second)


def test_it_reads_three_levels_of_tiles_from_files(tmp_path: Path) -> None:
    """70,000 leaves, the size of the specification's example: names with ``x`` begin only far above."""
    world, store = World(), MemoryStore()
    publisher = Publisher(store, TileStore(tmp_path), MemoryCheckpoints(), world.signers, lambda: START)
    for count in (65_535, 4_465):
        fill(store, count)
        publisher.publish()
    reader = TilesReader(LocalBackend(tmp_path))
    found = reader.get_checkpoint()
    assert (found.size, found.root_hash) == (70_000, root_of(leaf_hash(raw_entry(at)) for at in range(70_000)))
    assert reader.calculate_root_hash() == found.root_hash
    for position in (0, 65_535, 65_536, 69_888, 69_999):
        assert reader.get_entry(position) == raw_entry(position)
        reader.get_inclusion_proof(position, 70_000).check(leaf_hash(raw_entry(position)), found.root_hash)
    reader.get_consistency_proof(65_535, 70_000).check(reader.mth(0, 65_535), found.root_hash)


@pytest.mark.parametrize("index", [0, 999, 1000, 1_234_067, 999_999_999])
@pytest.mark.parametrize("width", [1, 255, 256])
@pytest.mark.parametrize("level", [None, 0, 5])
def test_its_names_of_tiles_are_ours(level: int | None, index: int, width: int) -> None:
    theirs = tiles.tile_path(-1 if level is None else level, index, width % 256)
    assert Tile(level, index, width).path() == "/".join(theirs)


def cosign(served: Served, kind: int) -> tuple[signing.Vkey, str]:
    """A witness of ours, and our newest checkpoint with its line alone."""
    alg, sign = ("ed25519", cosign_ed25519) if kind == COSIGNATURE_ED25519 else ("ml-dsa-44", cosign_ml_dsa)
    name, signer, text = (
        "witness.example/ours",
        key_from("our witness", alg),
        parse_note(served.notes[-1].encode()).text,
    )
    line = sign(text, name, signer, START)
    return signing.Vkey.from_string(verifier_key(name, kind, signer.public.raw)), f"{text}\n{line.line()}"


@pytest.mark.parametrize("kind", [COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44])
def test_it_verifies_the_cosignatures_of_our_witnesses(served: Served, kind: int) -> None:
    key, note = cosign(served, kind)
    checkpoint = Checkpoint.from_text(note)
    checkpoint.verify(key)
    assert [seconds(one.payload) for one in checkpoint.signatures] == [START]
    (line,) = checkpoint.signatures
    later = dataclasses.replace(line, payload=(START + 1).to_bytes(8, "big") + line.payload[8:])
    for wrong in (
        dataclasses.replace(checkpoint, size=checkpoint.size + 1),
        dataclasses.replace(checkpoint, signatures=[later]),
    ):
        with pytest.raises(InvalidSignature):
            wrong.verify(key)


def seconds(payload: bytes) -> int:
    return signing.MLDSA44CosignatureVerifier.get_timestamp(payload)


# --- theirs, read by us -------------------------------------------------------------------


def test_we_verify_its_cosignature_on_our_checkpoint(served: Served, http: HttpBackend) -> None:
    witness = signing.MLDSA44CosignatureSigner("witness.example/w", key_from("a witness", "ml-dsa-44").private)
    checkpoint = TilesReader(http).get_checkpoint()
    note = parse_note(dataclasses.replace(checkpoint, signatures=[witness.sign(checkpoint)]).serialize().encode())
    name, _, raw = parse_verifier_key(witness.vkey.serialize())
    ours = MlDsaCosigner(name, PublicKey("ml-dsa-44", raw))
    assert verify_note(note, [ours]) == [ours]
    with pytest.raises(VerificationFailed):
        ours.verify(note.text.replace(f"\n{served.head.size}\n", "\n7\n"), note.signatures[0].signature)
    with pytest.raises(VerificationFailed):
        MlDsaCosigner("witness.example/v", ours.key).verify(note.text, note.signatures[0].signature)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of 300 and then 700 entries that they wrote, without the partial tiles it no longer needs."""
    root = tmp_path_factory.mktemp("theirs") / "log"
    writer = TilesWriter.create(root, "their.example/log")
    signer = signing.PlainEd25519Signer("their.example/log", key_from("their log").private)
    for first, end in ((0, 300), (300, 700)):
        for position in range(first, end):
            writer.add_leaf(b"entry %d" % position)
        writer.commit([signer])
    return root


def test_we_read_a_log_that_they_wrote(written: Path) -> None:
    note = parse_note((written / "checkpoint").read_bytes())
    key = Ed25519Verifier("their.example/log", key_from("their log").public)
    assert verify_note(note, [key]) == [key]
    head = parse_body(note.text)
    leaves = []
    for index, width in enumerate((256, 256, 188)):
        entries = parse_bundle((written / Tile(None, index, width).path()).read_bytes())
        leaves += [leaf_hash(entry) for entry in entries]
    assert (head.size, head.root) == (700, root_of(leaves))
    nodes = TileReader(head.size, lambda tile: (written / tile.path()).read_bytes())
    for position in (0, 255, 256, 511, 512, 699):
        verify_inclusion(leaves[position], position, 700, prove_inclusion(nodes, position, 700), head.root)
    ConsistencyProof(300, 700, prove_consistency(nodes, 300, 700)).check(root_of(leaves[:300]), head.root)


def test_we_notice_one_changed_bit_in_their_tile(written: Path) -> None:
    head = parse_body(parse_note((written / "checkpoint").read_bytes()).text)

    def fetch(tile: Tile) -> bytes:
        data = (written / tile.path()).read_bytes()
        return bytes([data[0] ^ 1]) + data[1:] if tile.level == 1 else data

    proof = prove_inclusion(TileReader(head.size, fetch), 699, head.size)
    with pytest.raises(ProofFailed):
        verify_inclusion(leaf_hash(b"entry 699"), 699, head.size, proof, head.root)


# --- where we differ (docs/strangers.md says who is right) ------------------------------------


@pytest.mark.parametrize("changed", ["size with a sign", "size with an underscore", "line instead of the blank one"])
def test_it_reads_a_checkpoint_that_was_never_signed_like_this(served: Served, changed: str) -> None:
    """It verifies the body that it would have written, not the text that it was given."""
    size = served.head.size
    honest = served.notes[-1]
    forged = {
        "size with a sign": honest.replace(f"\n{size}\n", f"\n+{size}\n"),
        "size with an underscore": honest.replace(f"\n{size}\n", f"\n{str(size)[0]}_{str(size)[1:]}\n"),
        "line instead of the blank one": honest.replace("\n\n", "\nnobody signed this\n"),
    }[changed]
    assert forged != honest
    theirs = Checkpoint.from_text(forged)
    theirs.verify(vkey(served, ED25519))
    assert theirs.size == size
    with pytest.raises((MalformedInput, VerificationFailed)):
        verify_tree_head(forged.encode(), parse_log_keys([text for text, _ in served.verifier_keys().values()]))


def test_it_overlooks_a_bad_signature_of_a_known_key_beside_a_good_one(served: Served, http: HttpBackend) -> None:
    checkpoint = TilesReader(http).get_checkpoint()
    ml_dsa = vkey(served, COSIGNATURE_ML_DSA_44)
    signatures = [
        dataclasses.replace(one, payload=bytes(len(one.payload))) if ml_dsa.match(one) else one
        for one in checkpoint.signatures
    ]
    forged = dataclasses.replace(checkpoint, signatures=signatures)
    both = signing.VkeySet(vkey(served, ED25519), ml_dsa)
    assert {key.sig_type for key, _ in both.verify(forged.signatures, forged)} == {ED25519}
    keys = parse_log_keys([text for text, _ in served.verifier_keys().values()])
    with pytest.raises(VerificationFailed):
        verify_note(parse_note(forged.serialize().encode()), keys.verifiers())


def test_it_takes_a_negative_index_for_the_last_leaf() -> None:
    leaves = [leaf_hash(raw_entry(at)) for at in range(4)]
    path = [leaves[2], root_of(leaves[:2])]
    InclusionProof(-1, 4, path).check(leaves[3], root_of(leaves))
    with pytest.raises(ProofFailed):
        verify_inclusion(leaves[3], -1, 4, path, root_of(leaves))
