"""From what an exporter gathered to payload members: the same bytes for the same facts."""

from __future__ import annotations

from typing import Literal

from tallystick import canonical
from tallystick.base64s import to_base64
from tallystick.case.crate import crate_of
from tallystick.case.model import (
    CHECKPOINT,
    CRATE,
    FORMATS,
    INDEX,
    PROOFS,
    VERSION,
    CaseIndex,
    CaseMaterial,
    CredentialFile,
    Original,
    Source,
    check_index,
    slug_of,
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
        if original.file_list is not None:
            members[f"data/contents/{slug}.json"] = canonical.encode(write(original.file_list))
    members |= {f"data/credentials/{name}": source for name, source in material.credentials.values()}
    members[CRATE] = crate_of(index.kind, index.subject, index.exported_at, members)
    return dict(sorted(members.items()))


def _index_of(material: CaseMaterial) -> CaseIndex:
    version: Literal[1, 2] = 2 if material.timestamps else 1
    index = CaseIndex(
        v=version,
        format=FORMATS[version],  # type: ignore[arg-type]
        kind=material.kind,
        subject=material.subject,
        log=material.log,
        exported_at=material.exported_at,
        originals=tuple(
            Original(original.object, "included" if original.files else "digests")
            for original in sorted(material.originals, key=lambda original: original.object)
        ),
        credentials=tuple(
            CredentialFile(position, f"data/credentials/{name}")
            for position, (name, _) in sorted(material.credentials.items())
        ),
        anchors=tuple(range(len(material.anchors))),
        timestamps=tuple(range(len(material.timestamps))) or None,
    )
    checked = read(CaseIndex, write(index))
    check_index(checked)
    return checked


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
