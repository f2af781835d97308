"""docs/evidence-format.md and its parts say what the code says, field by field and code by code."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from tallystick.admission.decide import CLOCK_TOLERANCE
from tallystick.admission.log_rules import PROOF_DOMAIN, ROLE_ALGORITHMS
from tallystick.bundle import bag, container
from tallystick.c2pa import cbor, jumbf, place, signature, updates
from tallystick.c2pa.containers import EMBEDDED
from tallystick.c2pa.log_receipt import LogReceipt
from tallystick.c2pa.verdict import MAX_PAYLOAD
from tallystick.case import histories, model, parts
from tallystick.certificate import ATTACHMENT, MAX_ATTACHMENT, CertificateDocument, CertificatePayload
from tallystick.commands.verify import EXITS
from tallystick.content import CHUNK_BYTES, MAX_FILES, MAX_PATH_BYTES
from tallystick.events.envelope import RecordedFor, _Envelope
from tallystick.events.kinds import BODIES, SUBJECTS
from tallystick.evm import header, transaction, trie
from tallystick.evm.conviction import KNOWN_COURTS
from tallystick.evm.conviction_proof import MAX_CONVICTION_BYTES, ConvictionProof
from tallystick.evm.deed import _SEAL_CONTEXT
from tallystick.evm.eip712 import CHECKPOINT_TYPE_HASH, DOMAIN_SEPARATOR
from tallystick.evm.proof import MAX_PROOF_BYTES, AnchorProof
from tallystick.evm.registry import ANCHORED_TOPIC, KNOWN_REGISTRIES
from tallystick.fork import MAX_FORK_BYTES, ForkEvidence
from tallystick.identifiers import Letter
from tallystick.keys import COSE_ALGORITHMS, RAW_BYTES
from tallystick.licence.credential import MAX_NOTE_CHARACTERS, LicenceCredential, ShownEntry
from tallystick.licence.grant import StatusPointer
from tallystick.map.audit import MAX_AUDIT_BYTES
from tallystick.merkle import MAX_PROOF_HASHES
from tallystick.note import MAX_NOTE_BYTES, MAX_SIGNATURES
from tallystick.pdf import changes, pades, revisions, values
from tallystick.pdf.chain import DOCUMENT_SIGNING
from tallystick.schema import _UNSEEN
from tallystick.statement import CONTENT_TYPE, MAX_ENTRY_BYTES
from tallystick.time_interval import MAX_ACCURACY, UNSTATED
from tallystick.timestamp import LOCAL_POLICY, MAX_TOKEN_BYTES
from tallystick.timestamp.cms import MAX_CERTIFICATES
from tallystick.tree_head import EIP712_TYPE
from tallystick.verify import credentials, engine, statements
from tallystick.verify.outcome import CLAIM_IDS, Outcome
from tallystick.verify.time_sources import _CHAIN
from tests.architecture.tree import files, parse, relative
from tests.docs.forms import rows
from tests.docs.pages import column, page, section, table, words

FORMAT, VALUES, STATEMENTS = page("evidence-format.md"), page("evidence/values.md"), page("evidence/statements.md")
ADMISSION, LOG, ANCHORS = page("evidence/admission.md"), page("evidence/log.md"), page("evidence/anchors.md")
CREDENTIALS = page("evidence/credentials.md")
TYPES = section(STATEMENTS, "4. Types")


def fields(text: str) -> list[tuple[str, str]]:
    return [(row[0].strip("`"), row[1]) for row in table(text)]


# --- events --------------------------------------------------------------------


def test_every_event_type_has_its_section_and_no_other() -> None:
    assert re.findall(r"^### (.+)$", TYPES, re.M) == list(BODIES)
    assert re.findall(r"^### (.+)$", section(ADMISSION, "4. Rules by type"), re.M) == list(BODIES)


@pytest.mark.parametrize("kind", BODIES)
def test_every_field_of_every_event_with_its_limits(kind: str) -> None:
    found = section(TYPES, kind)
    same = re.search(r"Fields as `([a-z.]+)`", found)
    if same:
        assert BODIES[same[1]] is BODIES[kind]
    else:
        assert fields(found) == list(rows(BODIES[kind]))


def test_the_envelope() -> None:
    told = dict(fields(section(STATEMENTS, "3. Event")))
    known = dict(rows_of(_Envelope, leave=("body", "recorded_for", "private")))
    known |= dict(rows(RecordedFor, "recorded_for."))
    assert {name: told[name] for name in known} == known
    assert told.keys() - known.keys() == {"body", "recorded_for?", "private?"}
    assert told["private?"] == "map of 1–32 names: digest pair"


def rows_of(cls: type[Any], leave: tuple[str, ...]) -> list[tuple[str, str]]:
    """``rows`` of the fields that have a form of their own."""
    kept = {name: hint for name, hint in cls.__annotations__.items() if name not in leave}
    part = type("Part", (), {"__annotations__": kept, "__module__": cls.__module__})
    import dataclasses

    return list(rows(dataclasses.dataclass(part)))


def test_subjects_letters_and_roles() -> None:
    for letter in Letter:
        assert f"`{letter.value}`" in section(VALUES, "5. Identifiers")
    assert {letter for letters in SUBJECTS.values() for letter in letters} == set(Letter) - {Letter.WORKFLOW}
    text = section(TYPES, "log.key-set")
    assert PROOF_DOMAIN.decode().strip() in text
    for role, algorithms in ROLE_ALGORITHMS.items():
        assert role in text
        assert all(algorithm in text for algorithm in algorithms)


# --- refusals --------------------------------------------------------------------


def refusal_codes() -> set[str]:
    """Literals that stand first in ``Refused(...)``, and the codes that ``need`` is given."""
    found = set()
    for path in files(".py"):
        if not relative(path).startswith(("tallystick/admission/", "tallystick/replay.py")):
            continue
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refused":
                found |= {one.value for one in node.args[:1] if isinstance(one, ast.Constant)}
            if isinstance(node, ast.FunctionDef) and node.name == "need":
                found |= {one.value for one in node.args.defaults if isinstance(one, ast.Constant)}
    return found


def test_every_refusal_code_is_told_and_no_other() -> None:
    codes = refusal_codes()
    assert len(codes) > 20
    told = set(re.findall(r"\(`([a-z-]+)`\)", ADMISSION)) | set(re.findall(r"else `([a-z-]+)`", ADMISSION))
    assert told == codes


def test_the_rules_are_numbered_without_a_gap_and_references_lead_to_them() -> None:
    numbers = [int(number) for number in re.findall(r"^- A([0-9]+)\. ", ADMISSION, re.M)]
    assert numbers == list(range(1, len(numbers) + 1))
    named = {int(number) for text in (ADMISSION, STATEMENTS) for number in re.findall(r"\bA([0-9]+)\b", text)}
    assert named <= set(numbers)


def test_codes_that_may_come_from_a_missing_entry() -> None:
    (sentence,) = re.findall(r"\*\*Step 6\.\*\*.*?codes(.*?)may come from", FORMAT, re.S)
    assert words(sentence) == statements._LACKING
    assert f"t + {CLOCK_TOLERANCE} seconds" in ADMISSION
    assert f"more than {CLOCK_TOLERANCE} seconds" in FORMAT


def test_accuracies_of_clocks() -> None:
    sources = [row for row in table(section(FORMAT, "Step 11: the sources")) if row[0] != "Source"]
    stated = {row[4] for row in sources}
    token = f"its own rounded up, {UNSTATED} where it tells none"
    assert stated == {"0", str(UNSTATED), str(_CHAIN), token, f"as there; of a block at least {UNSTATED}"}
    assert f"accuracy above {MAX_ACCURACY:,} seconds" in FORMAT
    assert f"more than {UNSTATED} seconds earlier" in FORMAT


# --- steps, claims, verdict ---------------------------------------------------------


def test_steps_and_claims() -> None:
    steps = [(int(row[0]), row[1].strip("`")) for row in table(section(FORMAT, "5. Steps"))]
    assert steps == [(1, "integrity"), *((step, claim_id) for claim_id, step in CLAIM_IDS.items())]
    assert re.findall(r"^\*\*Step ([0-9]+)\.\*\*", FORMAT, re.M) == [str(step) for step, _ in steps]


def test_what_rests_on_what() -> None:
    told = {}
    for row in table(section(FORMAT, "What rests on what")):
        told |= dict.fromkeys(words(row[0]), tuple(int(step) for step in row[1].split(", ")))
    assert told == engine._RESTS_ON


def test_required_claims_outcomes_and_exit_codes() -> None:
    text = section(FORMAT, "6. Verdict")
    (always,) = re.findall(r"Required of every case:(.*?)\. Required too", text, re.S)
    assert words(always) == engine._REQUIRED
    assert {row[0].strip("`") for row in table(text)} == {"content", "credential", "time", "any"}
    verdicts = table(text[text.index("| Verdict |") :])
    assert {row[0].strip("`"): int(row[2]) for row in verdicts} == EXITS
    assert words(text.split("Required of every case")[0]) == set(get_args(Outcome))


def test_the_facts_of_a_report() -> None:
    (sentence,) = re.findall(r"Members of `facts`.*?:(.*?)\. Ids", FORMAT, re.S)
    found = set()
    for path in files(".py"):
        if relative(path).startswith("tallystick/verify/"):
            found |= set(re.findall(r'ex\.facts\["([a-z_]+)"\]', path.read_text(encoding="utf-8")))
    found |= {"kind", "subject", "log", "exported_at", "exporter", "covers"}
    assert words(sentence) == found


# --- container, bag, case ----------------------------------------------------------------


def test_the_index_of_a_case() -> None:
    text = section(FORMAT, "3. Case")
    index, _, rest = text.partition("### Parts of an original")
    assert fields(index[index.index("| Field |") :]) == list(rows(model.CaseIndex))
    assert fields(rest[rest.index("| Field |") :]) == list(rows(parts.PartsMap))
    assert {f"`{name}`" for name in (*model.V4_MEMBERS, *model.V4_MODES)} <= set(
        re.findall("`[a-z]+`", index.partition("4 exactly if")[2].partition("is there")[0])
    )


def test_limits_of_the_members() -> None:
    sizes = {row[0].strip("`"): row[2] for row in table(section(FORMAT, "3. Case"))}
    units = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20}
    limits = {
        name: int(size.split()[0].replace(",", "")) * units[size.split()[1]] for name, size in sizes.items() if size
    }
    assert limits == {
        "case.json": model.MAX_INDEX_BYTES,
        "ro-crate-metadata.json": model.MAX_FILE_LIST_BYTES,
        "entries/<index>.cose": MAX_ENTRY_BYTES,
        "disclosures/<index>.json": model.MAX_DISCLOSURES_BYTES,
        "log/checkpoint": MAX_NOTE_BYTES,
        "log/proofs.json": model.MAX_PROOFS_BYTES,
        "anchors/<n>/proof.json": MAX_PROOF_BYTES,
        "anchors/<n>/checkpoint": MAX_NOTE_BYTES,
        "timestamps/<n>/token.tst": MAX_TOKEN_BYTES,
        "timestamps/<n>/checkpoint": MAX_NOTE_BYTES,
        "map/proofs.json": histories.MAX_MAP_PROOFS_BYTES,
        "map/audits/<n>.note": MAX_AUDIT_BYTES,
        "map/entries/<index>.cose": MAX_ENTRY_BYTES,
        "contents/<slug>.json": model.MAX_FILE_LIST_BYTES,
        "parts/<slug>.json": parts.MAX_PARTS_BYTES,
        "credentials/<name>": credentials.MAX_FILE_BYTES,
        "revocation/<sha256>.crl` `revocation/<sha256>.ocsp": model.MAX_REVOCATION_BYTES,
    }
    assert sizes.keys() - limits.keys() == {"originals/<slug>/<path>", "platform/<sha256>", "report/<name>"}
    assert f"together at most {model.MAX_TOTAL_BYTES >> 20} MiB" in FORMAT
    assert f"all disclosures together {model.MAX_ALL_DISCLOSURES_BYTES >> 20} MiB" in FORMAT
    assert f"each pair once, at most {model.MAX_PATHS}." in FORMAT


def test_timestamps() -> None:
    text = page("evidence/timestamps.md")
    assert f"at most {MAX_TOKEN_BYTES:,} bytes and {MAX_CERTIFICATES} certificates" in text
    assert f"the policy `{LOCAL_POLICY}`" in text


def test_container_and_bag() -> None:
    text = section(FORMAT, "1. Container")
    assert f"{container.MAX_MEMBERS:,} members and {container.MAX_FILE_BYTES:,} bytes" in text
    assert f"{container.MAX_NAME_BYTES:,} bytes" in text
    assert f"0x{container._MADE_BY_UNIX:04x}" in text
    assert f"0x{container._REGULAR_FILE:08X}" in text
    assert column(section(FORMAT, "2. Bag")) == [*bag._TAG_FILES, bag.TAG_MANIFEST, bag.SIGNATURE]
    assert bag.CONTENT_TYPE in FORMAT
    assert f"{bag.MAX_TAG_BYTES >> 20} MiB" in FORMAT


# --- values, log, anchors, credentials -----------------------------------------------------


def test_values() -> None:
    assert f"{CHUNK_BYTES:,} bytes" in VALUES
    assert f"1 to {MAX_FILES:,}" in VALUES
    assert f"1 to {MAX_PATH_BYTES:,} bytes" in VALUES
    keys = {row[0].strip("`"): row for row in table(section(VALUES, "9. Keys"))}
    assert {alg: int(row[3].replace("−", "-")) for alg, row in keys.items()} == COSE_ALGORITHMS
    assert {alg: int(row[1].split()[0].replace(",", "")) for alg, row in keys.items()} == RAW_BYTES
    assert CONTENT_TYPE in STATEMENTS


def test_text_that_is_not_visible() -> None:
    (sentence,) = re.findall(r"\*Visible text\* holds none of these:(.*?)\. Forms", VALUES, re.S)
    told: set[int] = set()
    for first, last in re.findall(r"U\+([0-9A-F]{4})(?:–([0-9A-F]{4}))?", sentence):
        told |= set(range(int(first, 16), int(last or first, 16) + 1))
    assert {code for code in range(0x10000) if _UNSEEN.search(chr(code))} == told


def test_the_log() -> None:
    for value in (DOMAIN_SEPARATOR, CHECKPOINT_TYPE_HASH):
        assert value.hex() in LOG
    assert EIP712_TYPE.decode().strip() in LOG
    assert f"at most {MAX_PROOF_HASHES + 1}" in LOG
    assert f"{MAX_NOTE_BYTES >> 20} MiB and {MAX_SIGNATURES} signature lines" in LOG


def test_the_anchor_proof() -> None:
    assert fields(section(ANCHORS, "2. The file")) == list(rows(AnchorProof))
    assert f"{MAX_PROOF_BYTES:,} bytes" in ANCHORS
    assert (header.MAX_BYTES, transaction.MAX_BYTES, trie.MAX_NODES) == (4096, 65536, 65)
    assert ANCHORED_TOPIC.hex() in ANCHORS
    assert _SEAL_CONTEXT.decode().strip() in ANCHORS
    known = {row[0].strip("`"): (row[1], int(row[2])) for row in table(section(ANCHORS, "1. What stands on the chain"))}
    assert known == {code: (one.name, one.mapping_slot) for code, one in KNOWN_REGISTRIES.items()}
    assert re.findall(r"^([0-9])\. ", section(ANCHORS, "4. The six steps"), re.M) == list("123456")


def test_forks_and_convictions() -> None:
    text = page("evidence/convictions.md")
    assert fields(section(text, "1. Fork evidence")) == list(rows(ForkEvidence))
    assert fields(section(text, "3. The conviction proof")) == list(rows(ConvictionProof))
    assert f"at most {MAX_FORK_BYTES:,} bytes" in section(text, "1. Fork evidence")
    assert f"at most {MAX_CONVICTION_BYTES:,} bytes" in section(text, "3. The conviction proof")
    known = {row[0].strip("`"): (row[1], int(row[2])) for row in table(section(text, "2. What stands on the chain"))}
    assert known == {code: (one.name, one.mapping_slot) for code, one in KNOWN_COURTS.items()}
    assert re.findall(r"^([0-9])\. ", section(text, "4. The six steps"), re.M) == list("123456")


def credential_codes() -> set[str]:
    """Codes of our own by which a Content Credential is refused; ``doctor`` only explains certificates."""
    found = set()
    for path in files(".py"):
        if relative(path).startswith("tallystick/c2pa/") and path.name != "doctor.py":
            text = path.read_text(encoding="utf-8")
            found |= set(re.findall(r'(?:CredentialRefused|Fault|__init__)\(\s*"([A-Za-z_.]+)"', text))
    return found


def test_signed_files() -> None:
    told = words(CREDENTIALS)
    for code in credential_codes():
        assert code.removeprefix("signer.") in told, code
    assert words(section(CREDENTIALS, "1. Where a store may be")) == EMBEDDED
    assert f"{jumbf.MAX_STORE >> 20} MiB, {jumbf.MAX_BOXES:,} boxes, {jumbf.MAX_DEPTH} levels" in CREDENTIALS
    assert f"1 to {signature.MAX_CHAIN}\n   certificates" in CREDENTIALS
    assert f"{MAX_PAYLOAD >> 10} KiB" in CREDENTIALS
    assert f"at most {updates.MAX_UPDATES} updates" in CREDENTIALS
    assert told >= updates.ALLOWED_ACTIONS
    assert f"at most {cbor.MAX_CBOR >> 20} MiB each" in CREDENTIALS
    assert sorted(cbor._TAGS) == [0, 1, 18]


def test_the_assertions() -> None:
    text = section(CREDENTIALS, "3. Assertions")
    licence = dict(fields(text))
    known = dict(rows_of(LicenceCredential, leave=("checkpoint", "entries", "disclosures", "status")))
    known |= dict(rows(ShownEntry, "entries[].")) | dict(rows(StatusPointer, "status."))
    assert {name: licence[name] for name in known} == known
    assert licence.keys() - known.keys() == {"checkpoint", "entries", "disclosures", "status"}
    assert f"{MAX_NOTE_CHARACTERS:,} characters" in text
    second = text[text.index("`org.tallystick.certificate`") :]
    assert column(second) == [name for name, _ in rows_of(CertificatePayload, leave=("proof",))] + ["proof"]
    third = text[text.index("`org.tallystick.receipt`") :]
    assert column(third) == [one.name for one in dataclasses.fields(LogReceipt)]
    assert f"{place._PACKET_DATA:,} bytes of the box's data each" in third


def test_documents() -> None:
    text = section(CREDENTIALS, "5. Documents (PAdES)")
    assert dict(fields(text)) == dict(rows_of(CertificateDocument, leave=("log", "checkpoint", "proof"))) | {
        name: dict(fields(text))[name] for name in ("log", "checkpoint", "proof")
    }
    assert f"`{ATTACHMENT}`" in text
    assert f"at most {MAX_ATTACHMENT >> 20} MiB" in text
    limits = (f"{revisions.MAX_BYTES >> 20} MiB", f"{revisions.MAX_OBJECTS:,} objects")
    for limit in (*limits, f"{revisions.MAX_REVISIONS} revisions", f"nested {values.MAX_DEPTH} deep"):
        assert limit in text
    assert DOCUMENT_SIGNING.dotted_string in text
    acting = text[text.index("(`pdf.active`): ") :]
    assert re.findall(r"`([A-Za-z]+)`", acting[: acting.index(".\n")]) == sorted(one.decode() for one in changes.ACTIVE)
    told = set(re.findall(r"`(pdf\.[a-z]+|time\.future)`", text))
    sources = [Path(one).read_text(encoding="utf-8") for one in (pades.__file__, changes.__file__)]
    raised = {code for source in sources for code in re.findall(r'DocumentRefused\(\s*"([a-z.]+)"', source)}
    assert told == raised
