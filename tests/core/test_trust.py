"""The trust file: strict, fingerprinted, and without a default that trusts anybody."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from tallystick.errors import MalformedInput
from tallystick.note import COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, ED25519, verifier_key
from tallystick.schema import write
from tallystick.trust import (
    TimeAuthority,
    TrustedExporter,
    TrustFile,
    Witnesses,
    encode_trust,
    parse_trust,
    trusted_log,
)
from tallystick.versions import UnknownVersion
from tests.world import World, key_from

WORLD = World()
EXPORTER = TrustedExporter("the service", WORLD.roles["exporter"].public.to_text())


def file(**changes: Any) -> TrustFile:
    fields: dict[str, Any] = {
        "v": 1,
        "publisher": "a court",
        "issued": "2026-01-01T00:00:00Z",
        "logs": (trusted_log(WORLD.signers.keys, WORLD.registrar.signer.public),),
        "exporters": (EXPORTER,),
        "c2pa_roots": (),
        "evm_targets": (),
        "tsa_roots": (),
        "independent_time": False,
        "witnesses": Witnesses((), 0),
        "status_max_age": 86_400,
        "required": (),
    }
    return TrustFile(**(fields | changes))


def test_it_reads_what_it_writes_and_knows_its_keys() -> None:
    data = encode_trust(file())
    trust = parse_trust(data)
    assert trust.file == file()
    assert trust.fingerprint == hashlib.sha256(data).hexdigest()
    assert trust.logs[WORLD.origin].keys == WORLD.signers.keys
    assert trust.logs[WORLD.origin].registrar == WORLD.registrar.signer.public
    assert trust.exporters[WORLD.roles["exporter"].public.kid] == ("the service", WORLD.roles["exporter"].public)


def test_people_may_lay_it_out_and_the_fingerprint_follows_the_bytes() -> None:
    data = json.dumps(write(file()), indent=4).encode()
    trust = parse_trust(data)
    assert trust.file == file()
    assert trust.fingerprint == hashlib.sha256(data).hexdigest() != parse_trust(encode_trust(file())).fingerprint


@pytest.mark.parametrize("name", sorted(write(file())))
def test_nothing_is_trusted_or_left_out_by_silence(name: str) -> None:
    value = write(file())
    del value[name]
    with pytest.raises(MalformedInput, match=name):
        parse_trust(json.dumps(value).encode())


def test_a_later_version_says_what_to_install() -> None:
    with pytest.raises(UnknownVersion, match="install a newer one"):
        parse_trust(json.dumps(write(file()) | {"v": 9, "shiny": True}).encode())


def written(algorithm: str) -> Any:
    return write(key_from("x", algorithm).public.to_text())


WITNESS = verifier_key("w", COSIGNATURE_ED25519, key_from("w").public.raw)
LOG = write(file())["logs"][0]
CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "unknown field": lambda value: value.update(trust_everyone=True),
    "no log": lambda value: value.update(logs=[]),
    "one log twice": lambda value: value["logs"].append(LOG),
    "one exporter twice": lambda value: value["exporters"].append(value["exporters"][0]),
    "a log under another name than its keys": lambda value: value["logs"][0].update(origin="log.example/other"),
    "two of three keys": lambda value: value["logs"][0]["keys"].pop(),
    "one key twice": lambda value: value["logs"][0]["keys"].__setitem__(0, value["logs"][0]["keys"][1]),
    "a mistyped key": lambda value: value["logs"][0]["keys"].__setitem__(0, LOG["keys"][0].replace("+", "+0", 1)),
    "a key that is no text": lambda value: value["logs"][0]["keys"].__setitem__(0, 7),
    "a quorum without witnesses": lambda value: value["witnesses"].update(quorum=1),
    "a negative quorum": lambda value: value["witnesses"].update(quorum=-1),
    "one witness under two names": lambda value: value["witnesses"].update(
        keys=[WITNESS, verifier_key("x", COSIGNATURE_ED25519, key_from("w").public.raw)]
    ),
    "one witness with two keys as a quorum of two": lambda value: value["witnesses"].update(
        keys=[WITNESS, verifier_key("w", COSIGNATURE_ML_DSA_44, key_from("w", "ml-dsa-44").public.raw)], quorum=2
    ),
    "the registrar as a witness": lambda value: (
        value["logs"][0].update(registrar=write(key_from("w").public.to_text())),
        value["witnesses"].update(keys=[WITNESS]),
    ),
    "a log key as a witness": lambda value: value["witnesses"].update(
        keys=[verifier_key("w", ED25519, key_from("w").public.raw)]
    ),
    "an independent authority and no independent time": lambda value: value.update(
        tsa_roots=[write(TimeAuthority("tsa", "AAAA", True))]
    ),
    "a root that is not base64": lambda value: value.update(c2pa_roots=["-----BEGIN"]),
    "a time of another form": lambda value: value.update(issued="2026-01-01"),
    "a registrar who signs post-quantum": lambda value: value["logs"][0].update(registrar=written("ml-dsa-44")),
    "a registrar with a chain's key": lambda value: value["logs"][0].update(registrar=written("es256k")),
    "an exporter who signs post-quantum": lambda value: value["exporters"][0].update(key=written("ml-dsa-44")),
    "an exporter with a chain's key": lambda value: value["exporters"][0].update(key=written("es256k")),
    "true for a number": lambda value: value.update(status_max_age=True),
}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_what_it_refuses(name: str) -> None:
    value = json.loads(encode_trust(file()))
    CHANGES[name](value)
    with pytest.raises(MalformedInput):
        parse_trust(json.dumps(value).encode())


@pytest.mark.parametrize("role", ["log", "log-pq", "authority", "registrar", "service", "exporter", "status"])
def test_a_replaced_key_is_of_an_algorithm_of_its_role(role: str) -> None:
    fitting = {"log": ["ed25519"], "log-pq": ["ml-dsa-44"], "authority": ["es256k"]}.get(role, ["ed25519", "es256"])
    for algorithm in ("ed25519", "es256", "es256k", "ml-dsa-44"):
        value = write(file(v=2, logs=(trusted_log(WORLD.signers.keys, WORLD.registrar.signer.public, ()),)))
        rotated = {"position": 9, "since": "2026-01-01T00:00:00Z", "role": role, "key": written(algorithm)}
        value["logs"][0]["replaced"] = [rotated]
        if algorithm in fitting:
            assert parse_trust(json.dumps(value).encode()).logs[WORLD.origin].replaced[0].role == role
        else:
            with pytest.raises(MalformedInput, match=f"role {role} is of {algorithm}"):
                parse_trust(json.dumps(value).encode())


BLOCK = {"number": 7, "hash": "ab" * 32}
CHAIN: dict[str, Any] = {"chain_id": 1, "genesis": "cd" * 32, "headers": "named-blocks", "blocks": [BLOCK]}


def third(chains: Any, **changes: Any) -> bytes:
    """A trust file of version 3 about chains."""
    value = write(file())
    for log in value["logs"]:
        log["replaced"] = []
    return json.dumps(value | {"v": 3, "evm_chains": chains} | changes).encode()


def test_version_3_says_whose_word_a_chains_headers_are() -> None:
    sealed = {"chain_id": 2, "genesis": "cd" * 32, "headers": "operator-seal", "blocks": []}
    trust = parse_trust(third([CHAIN, sealed, sealed | {"genesis": "ce" * 32, "headers": "none"}]))
    assert [one.headers for one in trust.chains] == ["named-blocks", "operator-seal", "none"]
    assert trust.chains[0].blocks[0].hash == "ab" * 32
    assert parse_trust(third([])).chains == ()
    assert parse_trust(encode_trust(file())).chains == ()


@pytest.mark.parametrize(
    "chains",
    [
        [CHAIN, CHAIN],
        [CHAIN | {"blocks": [BLOCK, BLOCK | {"hash": "ac" * 32}]}],
        [CHAIN | {"blocks": []}],
        [CHAIN | {"headers": "none"}],
        [CHAIN | {"headers": "operator-seal"}],
        [CHAIN | {"headers": "proof-of-stake"}],
        [CHAIN | {"blocks": [BLOCK | {"hash": "0x" + "ab" * 32}]}],
        [CHAIN | {"blocks": [BLOCK | {"number": "7"}]}],
        [CHAIN | {"name": "mainnet"}],
        {},
    ],
    ids=range(10),
)
def test_what_version_3_refuses_of_chains(chains: Any) -> None:
    with pytest.raises(MalformedInput):
        parse_trust(third(chains))


def test_a_version_has_its_members_and_no_others() -> None:
    for changes in ({"v": 1}, {"v": 2}, {"logs": write(file())["logs"]}):
        with pytest.raises(MalformedInput, match=r"version|replaced"):
            parse_trust(third([CHAIN], **changes))
    value = json.loads(third([]))
    del value["evm_chains"]
    with pytest.raises(MalformedInput, match="version 3 exactly if"):
        parse_trust(json.dumps(value).encode())


def believing(*names: str, **changes: Any) -> bytes:
    """A trust file of version 3 about witnesses."""
    value = json.loads(third([]))
    del value["evm_chains"]
    keys = [verifier_key(name, COSIGNATURE_ED25519, key_from(name).public.raw) for name in ("w1", "w2")]
    witnesses = {"keys": keys, "quorum": 1}
    return json.dumps(value | {"witnesses": witnesses, "independent_witnesses": names} | changes).encode()


def test_version_3_says_which_witnesses_are_independent() -> None:
    (log,) = parse_trust(believing("w2")).logs.values()
    assert (len(log.witnesses), log.independent) == (2, {"w2"})
    (log,) = parse_trust(believing("w1", "w2", evm_chains=[])).logs.values()
    assert log.independent == {"w1", "w2"}
    (log,) = parse_trust(third([])).logs.values()
    assert log.independent == frozenset(), "nobody is independent by silence"


@pytest.mark.parametrize("names", [(), ("w3",), ("w1", "w1"), ("w1", "W2"), ("",)])
def test_independent_are_witnesses_of_the_file_each_once(names: tuple[str, ...]) -> None:
    with pytest.raises(MalformedInput, match="independent_witnesses"):
        parse_trust(believing(*names))


@pytest.mark.parametrize("version", [1, 2])
def test_an_earlier_version_names_no_independent_witness(version: int) -> None:
    with pytest.raises(MalformedInput, match=r"version|replaced"):
        parse_trust(believing("w1", v=version))


def fourth(**changes: Any) -> bytes:
    """A trust file of version 4 about identities."""
    value = json.loads(third([]))
    del value["evm_chains"]
    return json.dumps(value | {"v": 4, "cawg_roots": ["AAAA"]} | changes).encode()


def test_version_4_keeps_purposes_apart() -> None:
    trust = parse_trust(fourth(c2pa_roots=["BBBB"], tsa_roots=[write(TimeAuthority("tsa", "CCCC", False))]))
    assert trust.cawg_roots == (b"\0\0\0",)
    assert trust.c2pa_roots == (b"\x04\x10\x41",)
    assert [one.root for one in trust.time_authorities] == [b"\x08\x20\x82"]
    assert parse_trust(third([])).cawg_roots == (), "nobody is identified by silence"


def test_version_4_may_have_what_version_3_has() -> None:
    trust = parse_trust(fourth(evm_chains=[CHAIN]))
    assert (len(trust.chains), trust.file.v) == (1, 4)
    brought = write(TimeAuthority("tsa", "CCCC", False, ("DDDD",)))
    assert parse_trust(fourth(tsa_roots=[brought])).time_authorities[0].certificates == (b"\x0c\x30\xc3",)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_earlier_version_has_no_member_of_version_4(version: int) -> None:
    with pytest.raises(MalformedInput, match=r"version 4 exactly if|replaced"):
        parse_trust(fourth(v=version, evm_chains=[CHAIN]))


def test_version_4_says_something_that_3_cannot() -> None:
    value = json.loads(fourth())
    del value["cawg_roots"]
    with pytest.raises(MalformedInput, match="version 4 exactly if"):
        parse_trust(json.dumps(value).encode())
    for wrong in ([], ["-----BEGIN"], "AAAA", [7]):
        with pytest.raises(MalformedInput, match="cawg_roots"):
            parse_trust(fourth(cawg_roots=wrong))


def test_roots_above_token_issuers_are_for_tokens_alone() -> None:
    value = json.loads(fourth(token_roots=["BBBB"]))
    del value["cawg_roots"]
    trust = parse_trust(json.dumps(value).encode())
    assert (trust.token_roots, trust.c2pa_roots, trust.cawg_roots) == ((b"\x04\x10\x41",), (), ())
    assert parse_trust(fourth()).token_roots == (), "nobody issues by silence"


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b"\xff", b"{" * 100_000, b'{"v":1,"v":1}'])
def test_bytes_that_are_no_trust_file(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        parse_trust(data)


def test_a_local_time_authority_needs_no_independent_time() -> None:
    roots = (TimeAuthority("the operator's own", "AAAA", False),)
    assert parse_trust(encode_trust(file(tsa_roots=roots))).file.tsa_roots == roots


def test_roots_of_documents_are_for_documents_alone() -> None:
    value = json.loads(fourth(pdf_roots=["CCCC"]))
    del value["cawg_roots"]
    trust = parse_trust(json.dumps(value).encode())
    assert (trust.pdf_roots, trust.c2pa_roots, trust.token_roots) == ((b"\x08\x20\x82",), (), ())
    assert parse_trust(fourth()).pdf_roots == (), "nobody signs documents by silence"
    for wrong in ([], ["x"], "CCCC", None):
        with pytest.raises(MalformedInput, match="pdf_roots"):
            parse_trust(fourth(pdf_roots=wrong))
