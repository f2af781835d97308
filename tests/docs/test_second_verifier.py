"""The golden bundle under a verifier written from the document alone: it holds, and whatever is changed, both refuse.

Each change is signed again by the exporter's real key, so that the step behind the manifest must refuse.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from tallystick import canonical
from tallystick.base64s import from_base64url, to_base64url
from tallystick.bundle import read_bundle, write_bundle
from tallystick.trust import parse_trust
from tallystick.verify import verify_case
from tests.architecture.tree import ROOT
from tests.core.verify.mutate import flipped
from tests.docs import second_verifier
from tests.docs.second_verifier import NotProved
from tests.world import key_from

FOLDER = ROOT / "fixtures" / "golden" / "1" / "evidence"
CASE, TRUST = (FOLDER / "case.zip").read_bytes(), (FOLDER / "trust.json").read_bytes()
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
Members = dict[str, bytes]


def payload() -> Members:
    bundle = read_bundle(io.BytesIO(CASE))
    return {name: bundle.read(name, 1 << 30) for name in bundle.names()}


def signed_again(members: Members) -> bytes:
    file = io.BytesIO()
    write_bundle(file, members, key_from("golden/exporter"), {})
    return file.getvalue()


def edited(name: str, change: Callable[[Any], None]) -> Callable[[Members], Members]:
    def apply(members: Members) -> Members:
        value = json.loads(members[name])
        change(value)
        return {**members, name: canonical.encode(value)}

    return apply


def last_byte(name: str) -> Callable[[Members], Members]:
    return lambda members: {**members, name: flipped(members[name], len(members[name]) - 1)}


def swap_paths(proofs: Any) -> None:
    proofs["inclusion"]["3"], proofs["inclusion"]["20"] = proofs["inclusion"]["20"], proofs["inclusion"]["3"]


def other_value(disclosures: list[str]) -> None:
    salt, name, _ = canonical.decode_relaxed(from_base64url(disclosures[0]), 1 << 20)
    disclosures[0] = to_base64url(canonical.encode([salt, name, "another value"]))


def other_seal(proof: Any) -> None:
    signature = proof["finality"]["signature"]
    proof["finality"]["signature"] = ("0" if signature[0] != "0" else "1") + signature[1:]


def other_size(proof: Any) -> None:
    proof["checkpoint"]["size"] += 1


def without_ed25519(members: Members) -> Members:
    head, _, lines = members["data/log/checkpoint"].decode().rpartition("\n\n")
    kept = "".join(lines.splitlines(keepends=True)[1:])
    return {**members, "data/log/checkpoint": f"{head}\n\n{kept}".encode()}


def smaller_tree(members: Members) -> Members:
    text = members["data/log/checkpoint"].decode()
    return {**members, "data/log/checkpoint": text.replace("\n25\n", "\n24\n", 1).encode()}


ATTACKS: dict[str, tuple[int, Callable[[Members], Members]]] = {
    "a description of other members": (1, edited("data/ro-crate-metadata.json", lambda crate: crate["@graph"].pop())),
    "a statement's signature": (3, last_byte("data/entries/9.cose")),
    "two inclusion paths": (4, edited("data/log/proofs.json", swap_paths)),
    "a signature of the log left out": (5, without_ed25519),
    "a smaller tree": (5, smaller_tree),
    "a disclosed value": (7, edited("data/disclosures/19.json", other_value)),
    "an original": (8, last_byte("data/originals/A-1HM3-N7MP-85VP-61HA-J/made.bin")),
    "the seal of a block": (10, edited("data/anchors/0/proof.json", other_seal)),
    "the size that was anchored": (10, edited("data/anchors/1/proof.json", other_size)),
}


def test_the_golden_case_holds() -> None:
    found = second_verifier.verify(CASE, TRUST)
    assert EXPECTED["verdict"] == "proved"
    assert (found["entries"], found["size"], found["anchors"]) == (25, 25, 2)
    assert second_verifier.verify(signed_again(payload()), TRUST) == found


@pytest.mark.parametrize("what", ATTACKS)
def test_both_refuse_at_the_same_step(what: str) -> None:
    step, attack = ATTACKS[what]
    bundle = signed_again(attack(payload()))
    with pytest.raises(NotProved) as refused:
        second_verifier.verify(bundle, TRUST)
    assert refused.value.args[0] == step
    assert verify_case(io.BytesIO(bundle), parse_trust(TRUST), EXPECTED["at"]).refused_at == step


@pytest.mark.parametrize("at", range(13, len(CASE), 4001))
def test_a_changed_byte_is_refused_at_step_1_or_2(at: int) -> None:
    with pytest.raises(Exception) as refused:  # noqa: PT011 - a reader so small may also stumble
        second_verifier.verify(flipped(CASE, at), TRUST)
    if isinstance(refused.value, NotProved):
        assert refused.value.args[0] in (1, 2)


# --- the corpus of anchor proofs ------------------------------------------------------------

CORPUS = ROOT / "fixtures" / "anchors"
JUDGED = json.loads((CORPUS / "expected.json").read_text(encoding="utf-8"))
BELIEVED = json.loads((CORPUS / "trust.json").read_text(encoding="utf-8"))


def by_the_small_one(path: str) -> str:
    """Who vouches for the header of a proof that holds."""
    proof = json.loads((CORPUS / path).read_bytes())
    second_verifier.need(10, proof["target"] in BELIEVED["evm_targets"], "target")
    vouched = second_verifier.vouched_by(proof, BELIEVED["evm_chains"])
    second_verifier._anchor(proof)
    return vouched


@pytest.mark.parametrize("name", JUDGED["good"])
def test_a_good_anchor_proof_holds(name: str) -> None:
    assert by_the_small_one(f"good/{name}.json") == JUDGED["good"][name]["vouched_by"]


@pytest.mark.parametrize("name", [name for name, by in JUDGED["bad"].items() if by not in ("malformed", "version")])
def test_a_bad_anchor_proof_does_not_hold(name: str) -> None:
    """What is malformed is left out: its checks of form are few."""
    if JUDGED["bad"][name] == "external":
        assert by_the_small_one(f"bad/{name}.json") == "nobody"
    elif JUDGED["bad"][name] != "authority":
        with pytest.raises((NotProved, IndexError, ValueError, TypeError)):
            by_the_small_one(f"bad/{name}.json")
