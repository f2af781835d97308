"""What the reader trusts decides: exporters, logs, registrar, witnesses, claims, time. The bundle adds nothing."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.case.model import CHECKPOINT
from tallystick.cosignature import cosign_ed25519, cosign_ml_dsa
from tallystick.keys import LocalSigner
from tallystick.note import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    Note,
    Signature,
    key_id,
    parse_note,
    verifier_key,
)
from tallystick.trust import Trust, TrustedExporter, Witnesses, trusted_log
from tallystick.verify import verify_case
from tallystick.versions import UnknownVersion
from tests.core.verify.kit import AT, Kit, build_kit
from tests.core.verify.mutate import flipped, without_entry
from tests.core.verify.test_attacks import honest
from tests.world import START, World, key_from


def refused(kit: Kit, trust: Trust, at: int = AT) -> tuple[int | None, str]:
    report = kit.verify(kit.bundle(), trust, at)
    return report.refused_at, report.verdict


# --- exporters -------------------------------------------------------------------------


def test_no_exporter_is_trusted(kit: Kit) -> None:
    assert refused(kit, kit.trust(exporters=())) == (2, "not_proved")


def test_another_exporter_is_trusted(kit: Kit, other: Kit) -> None:
    named = TrustedExporter("somebody", other.world.roles["exporter"].public.to_text())
    assert refused(kit, kit.trust(exporters=(named,))) == (2, "not_proved")


@pytest.mark.parametrize("role", ["log", "registrar", "service", "status"])
def test_signed_by_a_key_of_another_role(kit: Kit, role: str) -> None:
    bundle = kit.bundle(exporter=kit.world.roles[role])
    assert kit.verify(bundle).refused_at == 2


def test_another_signature_under_the_exporters_name(kit: Kit) -> None:
    """The thief knows the exporter's key id, not its key."""

    class Thief:
        public = kit.world.roles["exporter"].public

        def sign(self, message: bytes) -> bytes:
            return key_from("thief").sign(message)

    report = kit.verify(kit.scene.bundle(kit.members(), Thief()))  # type: ignore[arg-type]
    assert (report.refused_at, report.claim("integrity").outcome) == (2, "contradicted")


# --- logs --------------------------------------------------------------------------------


def test_a_complete_case_of_another_log_under_its_own_exporter(kit: Kit, other: Kit) -> None:
    assert other.verify(other.bundle()).verdict == "proved"
    assert kit.verify(other.bundle()).refused_at == 2


def test_a_complete_case_of_another_log_under_the_real_exporter(kit: Kit, other: Kit) -> None:
    report = kit.verify(kit.bundle(other.members()))
    assert (report.refused_at, report.verdict) == (5, "not_proved")
    assert report.claim("inclusion").outcome == report.claim("entitlement").outcome == "not_proved"


def test_a_complete_case_of_another_log_under_the_same_name(kit: Kit, tmp_path: Path) -> None:
    twin = build_kit(tmp_path, "twin", kit.world.origin)
    report = kit.verify(kit.bundle(twin.members()))
    assert (report.refused_at, report.claim("checkpoint-signature").outcome) == (5, "contradicted")


def test_the_log_is_not_in_the_trust_file(kit: Kit, other: Kit) -> None:
    assert refused(kit, kit.trust(logs=other.scene.trust_file().logs)) == (5, "not_proved")


def test_entry_zero_names_another_registrar_than_the_trust_file(kit: Kit, other: Kit) -> None:
    log = trusted_log(kit.world.signers.keys, other.world.roles["registrar"].public)
    assert refused(kit, kit.trust(logs=(log,))) == (5, "not_proved")


@pytest.mark.parametrize("role", ["log", "log-pq", "authority"])
def test_one_key_of_the_log_is_another(kit: Kit, role: str) -> None:
    world = World(kit.world.name, kit.world.origin)
    stranger = World("stranger", kit.world.origin)
    field = {"log": "ed25519", "log-pq": "ml_dsa", "authority": "authority"}[role]
    keys = replace(world.signers.keys, **{field: stranger.roles[role].public})
    log = trusted_log(keys, kit.world.roles["registrar"].public)
    assert refused(kit, kit.trust(logs=(log,))) == (5, "not_proved")


def test_many_logs_may_be_trusted(kit: Kit, other: Kit) -> None:
    logs = (*other.scene.trust_file().logs, *kit.scene.trust_file().logs)
    assert refused(kit, kit.trust(logs=logs)) == (None, "proved")


def test_a_target_vouched_for_by_the_trust_file_needs_no_entry(kit: Kit) -> None:
    bundle = kit.bundle(without_entry(honest(kit), kit.log.find("log.anchor-target")))
    assert kit.verify(bundle).refused_at == 10
    assert kit.verify(bundle, kit.trust(evm_targets=(kit.scene.target,))).verdict == "proved"


# --- witnesses -----------------------------------------------------------------------------


def witnessed(kit: Kit, times: dict[str, int], spoil: bool = False) -> bytes:
    """The case's checkpoint with cosignatures of witnesses w1 (Ed25519) and w2 (ML-DSA-44)."""
    note = parse_note(kit.honest.checkpoint)
    lines = list(note.signatures)
    if "w1" in times:
        signer = key_from("w1")
        message = f"cosignature/v1\ntime {times['w1']}\n{note.text}".encode()
        field = times["w1"].to_bytes(8, "big") + signer.sign(message)
        field = flipped(field, 20) if spoil else field
        lines.append(Signature("w1", key_id("w1", COSIGNATURE_ED25519, signer.public.raw), field))
    if "w2" in times:
        lines.append(cosign_ml_dsa(note.text, "w2", key_from("w2", "ml-dsa-44"), times["w2"]))
    return kit.bundle({**kit.members(), CHECKPOINT: Note(note.text, tuple(lines)).encode().encode()})


WITNESSES = (
    verifier_key("w1", COSIGNATURE_ED25519, key_from("w1").public.raw),
    verifier_key("w2", COSIGNATURE_ML_DSA_44, key_from("w2", "ml-dsa-44").public.raw),
)


@pytest.mark.parametrize(
    ("times", "spoil", "quorum", "step"),
    [
        ({}, False, 0, None),
        ({}, False, 1, 5),
        ({"w1": START}, False, 1, None),
        ({"w2": START}, False, 1, None),
        ({"w1": START}, False, 2, 5),
        ({"w1": START, "w2": START}, False, 2, None),
        ({"w1": START, "w2": AT + 1}, False, 2, 5),
        ({"w1": START, "w2": START}, True, 1, 5),
        ({"w2": 0}, False, 1, 5),
        ({"w1": START, "w2": 0}, False, 1, 5),
    ],
)
def test_the_witnesses_quorum(kit: Kit, times: dict[str, int], spoil: bool, quorum: int, step: int | None) -> None:
    trust = kit.trust(witnesses=Witnesses(WITNESSES, quorum))
    assert kit.verify(witnessed(kit, times, spoil), trust).refused_at == step


@pytest.mark.parametrize(("names", "quorum", "step"), [(("w1", "w1"), 1, None), (("w1", "w1", "w2"), 2, 5)])
def test_a_witness_with_two_keys_counts_once(kit: Kit, names: tuple[str, ...], quorum: int, step: int | None) -> None:
    """It cosigns with both, under one name: whoever copies both of its keys has not two witnesses."""
    note = parse_note(kit.honest.checkpoint)
    signers = (key_from("w1"), key_from("w1", "ml-dsa-44"), key_from("w2"))
    kinds = (COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, COSIGNATURE_ED25519)
    keys = tuple(verifier_key(*each, one.public.raw) for *each, one in zip(names, kinds, signers, strict=False))
    lines = (cosign_ed25519(note.text, "w1", signers[0], START), cosign_ml_dsa(note.text, "w1", signers[1], START))
    signed = Note(note.text, (*note.signatures, *lines)).encode().encode()
    bundle = kit.bundle({**kit.members(), CHECKPOINT: signed})
    assert kit.verify(bundle, kit.trust(witnesses=Witnesses(keys, quorum))).refused_at == step


# --- claims and time -------------------------------------------------------------------------


@pytest.mark.parametrize(("claim", "step"), [("time", 11), ("credential", 12), ("completeness", 13)])
def test_the_trust_file_may_demand_more(kit: Kit, claim: str, step: int) -> None:
    assert refused(kit, kit.trust(required=(claim,))) == (step, "not_proved")


def test_the_operators_word_is_no_independent_time(kit: Kit) -> None:
    report = kit.verify(kit.bundle(), kit.trust(independent_time=True))
    assert (report.refused_at, report.claim("time").required) == (11, True)


def test_a_claim_that_nobody_knows_is_not_skipped(kit: Kit) -> None:
    with pytest.raises(UnknownVersion, match="moon-phase"):
        verify_case(io.BytesIO(kit.bundle()), kit.trust(required=("moon-phase",)), AT)


@pytest.mark.parametrize(
    ("at", "step"), [(START - 1, 5), (START, 10), (START + 1, 10), (START + 2, None), (AT, None), (0, 5)]
)
def test_nothing_later_than_the_instant_is_proved(kit: Kit, at: int, step: int | None) -> None:
    """Entries and checkpoints at START, the anchor's block two seconds later."""
    assert kit.verify(kit.bundle(), at=at).refused_at == step


def test_an_admission_later_than_the_instant(kit: Kit) -> None:
    report = kit.verify(kit.bundle(), at=START - 1)
    assert report.claim("entitlement").outcome == report.claim("anchor").outcome == "not_proved"


def test_the_report_names_trust_file_and_bundle(kit: Kit) -> None:
    bundle, trust = kit.bundle(), kit.trust()
    report = kit.verify(bundle, trust)
    assert report.bundle_sha256 == hashlib.sha256(bundle).hexdigest()
    assert report.trust_fingerprint == trust.fingerprint
    assert report.trust_publisher == "The test court"


def test_an_es256_exporter_works_too(kit: Kit) -> None:
    signer = LocalSigner.generate("es256")
    trust = kit.trust(exporters=(TrustedExporter("another", signer.public.to_text()),))
    assert kit.verify(kit.bundle(exporter=signer), trust).verdict == "proved"
