"""From what an exporter gathered to payload members: the same bytes for the same facts."""

from __future__ import annotations

import hashlib
from typing import Literal

from tallystick import canonical
from tallystick.base64s import to_base64
from tallystick.case.covers import ENCLOSED
from tallystick.case.crate import crate_of
from tallystick.case.histories import encode_map_proofs
from tallystick.case.model import (
    CHECKPOINT,
    CRATE,
    FORMATS,
    INDEX,
    MAP_PROOFS,
    PLATFORM,
    PROOFS,
    REVOCATION,
    VERSION,
    CaseIndex,
    CaseMaterial,
    CredentialFile,
    MapIndex,
    MapMaterial,
    Original,
    OriginalMaterial,
    Source,
    check_index,
    slug_of,
    version_of,
)
from tallystick.schema import read, write


def case_members(material: CaseMaterial) -> dict[str, Source]:
    """The payload members by name, sorted. Raises ``MalformedInput`` for an index that ``read_case`` would refuse."""
    index = _index_of(material)
    members: dict[str, Source] = {
        INDEX: canonical.encode(write(index)),
        CHECKPOINT: material.checkpoint,
        PROOFS: _encode_proofs(material),
    }
    for position, entry in material.entries.items():
        members[f"data/entries/{position}.cose"] = entry
    for position, disclosures in material.disclosures.items():
        members[f"data/disclosures/{position}.json"] = canonical.encode(list(disclosures))
    for number, anchor in enumerate(material.anchors):
        members[f"data/anchors/{number}/proof.json"] = anchor.proof
        members[f"data/anchors/{number}/checkpoint"] = anchor.checkpoint
    for number, stamp in enumerate(material.timestamps):
        members[f"data/timestamps/{number}/token.tst"] = stamp.token
        members[f"data/timestamps/{number}/checkpoint"] = stamp.checkpoint
    for original in material.originals:
        slug = slug_of(original.object)
        members |= {f"data/originals/{slug}/{path}": source for path, source in original.files.items()}
        if original.parts is not None:
            members[f"data/parts/{slug}.json"] = canonical.encode(write(original.parts))
        if original.file_list is not None:
            members[f"data/contents/{slug}.json"] = canonical.encode(write(original.file_list))
    members |= {f"data/credentials/{name}": source for name, source in material.credentials.values()}
    members |= {PLATFORM + sha256: source for sha256, source in material.platform.items()}
    members |= {f"{ENCLOSED}{name}": source for name, source in material.report.items()}
    members |= _revocation_members(material)
    if material.map is not None:
        members |= _map_members(material.map)
    members[CRATE] = crate_of(index.kind, index.subject, index.exported_at, members)
    return dict(sorted(members.items()))


def _index_of(material: CaseMaterial) -> CaseIndex:
    index = CaseIndex(
        v=1,
        format="tallystick-evidence/1",
        kind=material.kind,
        subject=material.subject,
        log=material.log,
        exported_at=material.exported_at,
        originals=tuple(
            Original(original.object, _mode(original))
            for original in sorted(material.originals, key=lambda original: original.object)
        ),
        credentials=tuple(
            CredentialFile(position, f"data/credentials/{name}")
            for position, (name, _) in sorted(material.credentials.items())
        ),
        anchors=tuple(range(len(material.anchors))),
        timestamps=tuple(range(len(material.timestamps))) or None,
        map=None if material.map is None else _map_index(material.map),
        adverse=tuple(sorted(material.adverse)) or None,
        platform=tuple(sorted(material.platform)) or None,
        report=tuple(sorted(f"{ENCLOSED}{name}" for name in material.report)) or None,
        revocation=tuple(sorted(_revocation_members(material))) or None,
    )
    version = version_of(index)
    # A format that is none of the known ones is refused by what reads it.
    checked = read(CaseIndex, {**write(index), "v": version, "format": FORMATS[version]})
    check_index(checked)
    return checked


def _mode(original: OriginalMaterial) -> Literal["included", "digests", "parts"]:
    if original.parts is not None:
        return "parts"
    return "included" if original.files else "digests"


def _revocation_members(material: CaseMaterial) -> dict[str, Source]:
    held = material.revocation
    words = [(one, "crl") for one in held.lists] + [(one, "ocsp") for one in held.answers]
    return {f"{REVOCATION}{hashlib.sha256(one).hexdigest()}.{form}": one for one, form in words}


def _map_index(found: MapMaterial) -> MapIndex:
    return MapIndex(tuple(sorted(found.proofs)), tuple(range(len(found.audits))))


def _map_members(found: MapMaterial) -> dict[str, Source]:
    members: dict[str, Source] = {MAP_PROOFS: encode_map_proofs(found.proofs)}
    members |= {f"data/map/audits/{number}.note": note for number, note in enumerate(found.audits)}
    return members | {f"data/map/entries/{position}.cose": entry for position, entry in found.others.items()}


def _encode_proofs(material: CaseMaterial) -> bytes:
    return canonical.encode(
        {
            "v": VERSION,
            "inclusion": {str(at): [to_base64(node) for node in path] for at, path in material.inclusion.items()},
            "consistency": [
                {"from": old, "to": new, "path": [to_base64(node) for node in path]}
                for (old, new), path in sorted(material.consistency.items())
            ],
        }
    )
