"""The code on paper: read by its one form, proved by registrar and log, and nothing of it can be another's."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from tallystick.certificate_qr import (
    PREFIX,
    QrProof,
    from_base45,
    make_qr,
    parse_qr,
    to_base45,
    verify_qr,
)
from tallystick.checkpoint import parse_body
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.identifiers import Letter
from tallystick.merkle import prove_inclusion
from tallystick.note import COSIGNATURE_ML_DSA_44, parse_note, verifier_key
from tallystick.trust import Witnesses
from tests.core.verify.kit import Scene
from tests.world import World, key_from

KEY = verifier_key("witness.example", COSIGNATURE_ML_DSA_44, key_from("witness", "ml-dsa-44").public.raw)


@dataclasses.dataclass
class Paper:
    scene: Scene
    certificate: str
    position: int
    text: str


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    world = World("codes", "log.example/codes")
    scene = Scene(tmp_path_factory.mktemp("codes"), world)
    scene.log.add(*world.parties(), *(world.object() for _ in range(5)))
    certificate, position = world.identifier(Letter.CERTIFICATE), 3
    path = tuple(prove_inclusion(scene.log, position, scene.log.size))
    leaf, note = scene.log.statements[position].leaf, parse_note(scene.log.note())
    signer = world.roles["registrar"]
    text = make_qr(signer, certificate, "沪作登字-2026-I-00000042", position, leaf, path, note)
    return Paper(scene, certificate, position, text)


def test_base45_is_that_of_the_specification() -> None:
    """RFC 9285, section 4.3 and 4.4."""
    for text, coded in (("AB", "BB8"), ("Hello!!", "%69 VD92EX0"), ("base-45", "UJCLQE7W581"), ("ietf!", "QED8WEX0")):
        assert (to_base45(text.encode()), from_base45(coded)) == (coded, text.encode())
    for wrong in ("GGW", ":::", "A", "BB8A", "bb8", "::", "Ä"):
        with pytest.raises(MalformedInput):
            from_base45(wrong)


def test_a_code_is_proved(paper: Paper) -> None:
    fact = verify_qr(paper.text, paper.scene.trust())
    log = paper.scene.log
    root = parse_body(parse_note(log.note()).text).root
    assert (fact.certificate, fact.number, fact.position) == (paper.certificate, "沪作登字-2026-I-00000042", 3)
    assert (fact.leaf, fact.checkpoint.size, fact.checkpoint.root) == (log.statements[3].leaf, log.size, root)


def test_a_code_shows_no_witnesses(paper: Paper) -> None:
    """What a trust file demands of a checkpoint has no room in a code: then it proves nothing by itself."""
    trust = paper.scene.trust(witnesses=Witnesses((KEY,), 0))
    assert verify_qr(paper.text, trust).position == paper.position
    with pytest.raises(VerificationFailed, match="your trust file demands 1 witnesses and a code shows none"):
        verify_qr(paper.text, paper.scene.trust(witnesses=Witnesses((KEY,), 1)))


def test_a_code_in_a_log_of_a_million_entries_fits_on_paper(paper: Paper) -> None:
    proof = parse_qr(paper.text)
    long = dataclasses.replace(proof, size=1 << 24, path=(bytes(32),) * 24, number="沪" * 80).encode()
    assert len(long) <= 1990, "version 26 at the lowest correction"
    assert parse_qr(long).encode() == long


CHANGES: dict[str, Callable[[QrProof], QrProof]] = {
    "another number": lambda one: dataclasses.replace(one, number="沪作登字-2026-I-00000043"),
    "another certificate": lambda one: dataclasses.replace(one, certificate="10.5555/R-0810-40G2-0810-40G2-K"),
    "another leaf": lambda one: dataclasses.replace(one, leaf=bytes(32)),
    "another position": lambda one: dataclasses.replace(one, position=one.position ^ 1),
    "another size": lambda one: dataclasses.replace(one, size=one.size + 1),
    "a shorter path": lambda one: dataclasses.replace(one, path=one.path[:-1]),
    "a longer path": lambda one: dataclasses.replace(one, path=(*one.path, bytes(32))),
    "a checkpoint that nobody signed": lambda one: dataclasses.replace(one, checkpoint_signature=bytes(64)),
    "a certificate that nobody signed": lambda one: dataclasses.replace(one, registrar_signature=bytes(64)),
    "another log": lambda one: dataclasses.replace(one, log="log.example/other"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_code_that_was_changed(paper: Paper, change: str) -> None:
    changed = CHANGES[change](parse_qr(paper.text)).encode()
    with pytest.raises((VerificationFailed, MalformedInput)):
        verify_qr(changed, paper.scene.trust())


def test_every_character_counts(paper: Paper) -> None:
    trust = paper.scene.trust()
    for at in range(0, len(paper.text), 7):
        other = "A" if paper.text[at] != "A" else "B"
        with pytest.raises((VerificationFailed, MalformedInput)):
            verify_qr(paper.text[:at] + other + paper.text[at + 1 :], trust)


def test_a_code_of_another_registrar(paper: Paper, tmp_path: Path) -> None:
    """The same log by name, other keys."""
    other = Scene(tmp_path / "other", World("strangers", "log.example/codes"))
    with pytest.raises(VerificationFailed):
        verify_qr(paper.text, other.trust())


def test_a_party_cannot_sign_for_the_registrar(paper: Paper) -> None:
    world, proof = paper.scene.world, parse_qr(paper.text)
    note = parse_note(paper.scene.log.note())
    other = "10.5555/R-0810-40G2-0810-40G2-K"
    forged = make_qr(world.roles["service"], other, "1", 3, proof.leaf, proof.path, note)
    with pytest.raises(VerificationFailed):
        verify_qr(forged, paper.scene.trust())


@pytest.mark.parametrize(
    "text",
    [
        "",
        PREFIX,
        PREFIX + "A",
        "tallystick1:BB8",
        PREFIX + to_base45(b"\xa0"),
        PREFIX + to_base45(b"\x8a" + b"\x01" * 10),
        PREFIX + to_base45(b"\xc4\x82\x1b" + b"\x7f" * 8 + b"\x01"),
    ],
    ids=["empty", "prefix", "one letter", "lower case", "a map", "numbers", "a decimal that is none"],
)
def test_texts_that_are_no_codes(paper: Paper, text: str) -> None:
    with pytest.raises(MalformedInput):
        verify_qr(text, paper.scene.trust())


def test_one_proof_has_one_text(paper: Paper) -> None:
    """The same CBOR with a longer head of one number is refused."""
    data = from_base45(paper.text.removeprefix(PREFIX))
    assert data[:2] == b"\x8a\x01"
    with pytest.raises(MalformedInput):
        parse_qr(PREFIX + to_base45(b"\x8a\x18\x01" + data[2:]))
