"""The vectors that a second implementation is given: computed again by the program, and from the text alone."""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from eth_keys.datatypes import Signature

from ledger.witness.heads import Heads
from ledger.witness.witness import Voice, Witness
from tallystick import canonical
from tallystick.commitments import parse_disclosure
from tallystick.cosignature import parse_witness
from tallystick.errors import MalformedInput
from tallystick.identifiers import Letter, parse_identifier
from tallystick.keys import KeyText, LocalSigner, PublicKey
from tallystick.map import prove_answer
from tallystick.map.audit import parse_auditor, verify_audit
from tallystick.map.memory import about_entry
from tallystick.map.proof import read_proof
from tallystick.merkle import prove_consistency, prove_inclusion
from tallystick.statement import parse_statement
from tallystick.tlog_proof import parse_proof, verify_proof_by_policy
from tallystick.tree_head import parse_log_keys, verify_tree_head
from tallystick.witness_policy import parse_log_verifier, parse_policy
from tests.architecture.tree import relative
from tests.docs import by_the_text as told
from tests.docs.refusals import outcomes
from tests.docs.test_evidence_format import refusal_codes
from tests.docs.vectors import FOLDER, text, values
from tests.docs.witnessing import WITNESS_KEY

VALUES = values()


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", VALUES)
def test_the_files_are_what_the_program_makes(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == text(VALUES[name])


def test_every_file_is_made_and_listed() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in FOLDER.glob("*.json")} == VALUES.keys()
    assert all(f"| `{name}` |" in page for name in VALUES), relative(FOLDER)


def test_canonical_json() -> None:
    found = load("canonical.json")
    for one in found["encode"]:
        assert told.canonical(one["value"]).decode() == one["text"]
        assert canonical.decode(one["text"].encode(), 1000) == one["value"]
    for one in found["refused"]:
        with pytest.raises(MalformedInput):
            canonical.decode(one.encode(), 1000)


def test_identifiers() -> None:
    found = load("identifiers.json")
    for one in found["made"]:
        assert told.identifier(one["prefix"], one["letter"], bytes.fromhex(one["random"])) == one["identifier"]
    for one in found["refused"]:
        with pytest.raises(MalformedInput):
            parse_identifier(one, Letter.OBJECT)


def test_digests() -> None:
    found = load("digests.json")
    data = {one["name"]: one["text"].encode() * one["times"] for one in found["files"]}
    for one in found["files"]:
        assert told.file_record(data[one["name"]]) == one["record"]
    folder = found["folder"]
    files = {path: data[name] for path, name in folder["files"].items()}
    lines = [told.file_line(path, files[path]) for path in sorted(files, key=str.encode)]
    assert [line.decode() for line in lines] == folder["lines"]
    assert [told.leaf(line).hex() for line in lines] == folder["leaves"]
    assert told.folder_record(files) == folder["record"]


def test_disclosures() -> None:
    found = load("disclosures.json")
    for one in found["made"]:
        assert told.disclosure(bytes.fromhex(one["salt"]), one["name"], one["value"]) == one["text"]
        assert told.pair(one["text"].encode()) == one["commitment"]
    for one in found["refused"]:
        with pytest.raises(MalformedInput):
            parse_disclosure(one)


def test_keys() -> None:
    for one in load("keys.json"):
        raw = base64.b64decode(one["public"])
        assert told.cose_key(one["alg"], raw).hex() == one["cose_key"]
        assert told.kid(one["alg"], raw).hex() == one["kid"]


@pytest.mark.parametrize("name", ["statements.json", "statements-2.json", "statements-3.json", "statements-4.json"])
def test_statements(name: str) -> None:
    found = load(name)
    key = PublicKey.from_text(KeyText(**found["key"]))
    named = told.kid(key.alg, key.raw)
    for one in found["statements"]:
        payload, entry = one["payload"].encode(), bytes.fromhex(one["entry"])
        assert told.canonical(json.loads(payload)) == payload
        protected = told.header(-8, named, found["issuer"], json.loads(payload)["subject"])
        signed = told.to_be_signed(protected, payload)
        assert signed.hex() == one["signed"]
        assert told.entry(protected, payload, entry[-64:]) == entry
        assert told.hashlib.sha256(signed).hexdigest() == one["statement_id"]
        assert told.leaf(entry).hex() == one["leaf"]
        key.verify(signed, entry[-64:])
        assert parse_statement(entry).event.type == one["type"]


def test_key_set() -> None:
    found = load("key-set.json")
    body = found["body_without_proofs"]
    message = b"tallystick/key-set/v1\n" + told.canonical(body)
    assert message.decode() == found["message"]
    (held,) = (key["key"] for key in body["keys"] if key["role"] == "log")
    PublicKey.from_text(KeyText(**held)).verify(message, bytes.fromhex(found["proof_of_role_log"]))


def test_merkle() -> None:
    found = load("merkle.json")
    leaves = [told.leaf(one.encode()) for one in found["entries"]]
    roots = [told.root(leaves[:size]) for size in range(len(leaves) + 1)]
    assert [one.hex() for one in leaves] == found["leaves"]
    assert [one.hex() for one in roots] == found["roots"]
    for one in found["inclusion"]:
        path = list(map(bytes.fromhex, one["path"]))
        assert told.includes(leaves[one["index"]], one["index"], one["size"], path, roots[one["size"]])
    for one in found["consistency"]:
        old, new, path = one["from"], one["to"], list(map(bytes.fromhex, one["path"]))
        assert told.extends(old, roots[old], new, roots[new], path)


def test_checkpoint() -> None:
    found = load("checkpoint.json")
    origin, size, tree = found["origin"], found["size"], bytes.fromhex(found["root"])
    keys = parse_log_keys(found["verifier_keys"])
    authority = b"tallystick/eip712-checkpoint/v1\n" + keys.authority.raw
    raws = {1: keys.ed25519.raw, 6: keys.ml_dsa.raw, 255: authority}
    assert [told.verifier_key(origin, kind, raw) for kind, raw in raws.items()] == found["verifier_keys"]
    body = told.checkpoint_text(origin, size, tree)
    assert body == found["text"]
    assert told.ml_dsa_message(origin, found["time"], origin, size, tree).hex() == found["ml_dsa_message"]
    digest = told.eip712_digest(origin, size, tree)
    assert digest.hex() == found["eip712_digest"]
    assert told.address(keys.authority.raw).hex() == found["address"]
    fields = [base64.b64decode(one.rsplit(" ", 1)[1]) for one in found["note"].splitlines()[4:]]
    assert told.line(origin, told.key_id(origin, 1, raws[1]), fields[0][4:]) == found["ed25519_line"]
    assert told.line(origin, told.key_id(origin, 255, authority), fields[2][4:]) == found["eip712_line"]
    recovered = Signature(fields[2][4:68] + bytes([fields[2][68] - 27])).recover_public_key_from_msg_hash(digest)
    assert recovered.to_canonical_address().hex() == found["address"]
    keys.ml_dsa.verify(bytes.fromhex(found["ml_dsa_message"]), fields[1][12:])
    verify_tree_head(found["note"].encode(), keys)


def test_receipts() -> None:
    found = load("receipts.json")
    key = PublicKey.from_text(KeyText(**found["key"]))
    named = told.kid(key.alg, key.raw)
    assert told.cbor([{1: 1, 2: named, 3: -8, -1: 6, -2: key.raw}]).hex() == found["key_set"]
    entry, leaves = bytes.fromhex(found["entry"]), list(map(bytes.fromhex, found["leaves"]))
    ours = parse_statement(entry)
    for one in found["inclusion"]:
        index, size, data = one["index"], one["size"], bytes.fromhex(one["receipt"])
        assert told.leaf(entry) == leaves[index]
        path = prove_inclusion(_Reader(leaves), index, size)
        header = told.receipt_header(named, found["origin"], ours.event.subject, [size, index])
        assert told.receipt(header, -1, [size, index, path], data[-64:]) == data
        assert told.includes(leaves[index], index, size, path, told.root(leaves[:size]))
        key.verify(told.to_be_signed(header, told.root(leaves[:size])), data[-64:])
    for one in found["consistency"]:
        old, new, data = one["from"], one["to"], bytes.fromhex(one["receipt"])
        path = prove_consistency(_Reader(leaves), old, new)
        header = told.receipt_header(named, found["origin"], found["origin"], [old, new])
        assert told.receipt(header, -2, [old, new, path], data[-64:]) == data
        assert told.extends(old, told.root(leaves[:old]), new, told.root(leaves[:new]), path)
        key.verify(told.to_be_signed(header, told.root(leaves[:new])), data[-64:])
    given = [bytes.fromhex(found["inclusion"][at]["receipt"]) for at in (-1, 0)]
    envelope = ours.envelope
    whole = told.transparent(envelope.protected_bytes, given, envelope.payload or b"", envelope.signature)
    assert whole.hex() == found["transparent"]


def test_witness(tmp_path: Path) -> None:
    """Our witness answers so; and from the text alone, each cosignature is over what it should be over."""
    found = load("witness.json")
    log, key = parse_log_verifier(found["log"]), parse_witness(found["witness"]).key
    Heads.create(tmp_path / "heads")
    with closing(Heads(tmp_path / "heads")) as heads:
        voice = Voice(parse_witness(found["witness"]).name, WITNESS_KEY, LocalSigner.generate("ml-dsa-44"))
        witness = Witness(voice, {log.name: [log]}, heads, lambda: found["time"])
        for one in found["requests"]:
            answer = witness.add_checkpoint(one["body"].encode())
            assert answer.status == one["status"], one["what"]
            if answer.status == 200:
                assert answer.body.decode().startswith(one["ed25519_line"])
                note = one["body"].split("\n\n")[1] + "\n"
                raw = base64.b64decode(one["ed25519_line"].split(" ")[2])
                assert raw[4:12] == found["time"].to_bytes(8, "big")
                key.verify(f"cosignature/v1\ntime {found['time']}\n{note}".encode(), raw[12:])
            if "answer" in one:
                assert (answer.media_type, answer.body.decode()) == (one["content_type"], one["answer"])
    assert {one["status"] for one in found["requests"]} == {200, 400, 403, 404, 409, 422}


def test_a_proof_file() -> None:
    found = load("witness.json")
    data, entry = found["proof"]["file"].encode(), found["proof"]["entry"].encode()
    proof = parse_proof(data)
    assert proof.encode() == data
    shown = verify_proof_by_policy(proof, told.leaf(entry), parse_policy(found["policy"].encode()), found["time"])
    head, body, _ = found["proof"]["file"].split("\n\n")
    version, extra, index, *path = head.split("\n")
    assert (version, index, base64.b64decode(extra[6:])) == ("c2sp.org/tlog-proof@v1", "index 5", b"extra data")
    _, size, root = body.split("\n")
    nodes = [base64.b64decode(one) for one in path]
    assert told.includes(told.leaf(entry), 5, int(size), nodes, base64.b64decode(root))
    assert (shown.index, shown.witnesses) == (5, ("w1",))


class _Reader:
    def __init__(self, leaves: list[bytes]) -> None:
        self._leaves = leaves

    def nodes(self, coordinates: Any) -> list[bytes]:
        return [told.root(self._leaves[index << level : (index + 1) << level]) for level, index in coordinates]


REPLAYS = ("replay.json", "replay-2.json", "replay-3.json", "replay-4.json")
LOGS = [(name, log) for name in REPLAYS for log in load(name)]


@pytest.mark.parametrize(("name", "log"), LOGS)
def test_replay(name: str, log: str) -> None:
    entries = load(name)[log]["entries"]
    assert outcomes([bytes.fromhex(one["entry"]) for one in entries]) == [one["outcome"] for one in entries]


def test_every_code_occurs() -> None:
    found = {one["outcome"] for name, log in LOGS for one in load(name)[log]["entries"]}
    assert found - {"admitted"} == refusal_codes()


def test_the_map() -> None:
    found = load("map.json")
    root = bytes.fromhex(found["roots"][-1])
    entries = [bytes.fromhex(one["entry"]) for one in found["entries"]]
    for index, entry in enumerate(entries):
        assert found["entries"][index].items() >= {"index": index, "own": sorted(about_entry(entry).own)}.items()
    assert found["roots"][0] == hashlib.sha256(b"tallystick/map/empty\n").hexdigest()
    assert {one["present"] for one in found["answers"]} == {True, False}
    for one in found["answers"]:
        key, proof = told.map_key(one["relation"], one["text"]), one["proof"]
        assert (key.hex(), told.map_leads_to(key, proof)) == (one["key"], root)
        assert one["present"] == (base64.b64decode(proof["key"]) == key)
        about = [(at, entries[at]) for at, line in enumerate(found["entries"]) if one["text"] in line[one["relation"]]]
        assert one["present"] == bool(about)
        if about:
            assert (proof["count"], base64.b64decode(proof["chain"])) == (len(about), told.map_chain(about))
        assert (prove_answer(root, one["relation"], one["text"], read_proof(proof)) is not None) == one["present"]
    auditor = parse_auditor(found["audit"]["key"])
    audit, time = verify_audit(found["audit"]["note"].encode(), auditor)
    tree = told.root([told.leaf(entry) for entry in entries])
    assert (audit.size, audit.tree, audit.root, time) == (len(entries), tree, root, found["audit"]["time"])
